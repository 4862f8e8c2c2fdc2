"""The pages of the course."""

from registry.course.views import assessment, entry, level1, mistakes, paste, table
from registry.course.views.room import room

__all__ = ["assessment", "entry", "level1", "mistakes", "paste", "room", "table"]
