"""The pages of the course."""

from registry.course.views import assessment, due, entry, level1, mistakes, paste, table, visit
from registry.course.views.room import room

__all__ = ["assessment", "due", "entry", "level1", "mistakes", "paste", "room", "table", "visit"]
