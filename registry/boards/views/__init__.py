"""Pages of the boards."""

from registry.boards.views import (  # noqa: F401 - each registers its pages
    advice,
    agenda,
    calendar,
    case,
    delivery,
    figures,
    meetings,
    trials,
)
from registry.boards.views.room import room

__all__ = ["room"]
