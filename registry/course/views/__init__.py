"""The pages of the course."""

from registry.course.views import entry
from registry.course.views.room import room

__all__ = ["entry", "room"]
