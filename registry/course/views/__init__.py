"""The pages of the course."""

from registry.course.views import entry, level1
from registry.course.views.room import room

__all__ = ["entry", "level1", "room"]
