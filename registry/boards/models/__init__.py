"""The tables of the boards, one noun a file."""

from registry.boards.models.advice import Dissent, Recommendation, RecommendationEdit, Signature
from registry.boards.models.agenda import AgendaItem, AgendaNeed
from registry.boards.models.delivery import Delivery, Implementation
from registry.boards.models.meeting import (
    Attendance,
    Board,
    BoardMember,
    CalendarFeed,
    Guest,
    Meeting,
)
from registry.boards.models.trial import Trial
from registry.boards.models.vote import Vote

__all__ = [
    "AgendaItem",
    "AgendaNeed",
    "Attendance",
    "Board",
    "BoardMember",
    "CalendarFeed",
    "Delivery",
    "Dissent",
    "Guest",
    "Implementation",
    "Meeting",
    "Recommendation",
    "RecommendationEdit",
    "Signature",
    "Trial",
    "Vote",
]
