"""The room that all pages of boards belong to, and what they share."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from flask_babel import get_locale

from registry import web
from registry.boards.models import Meeting

room = web.Room("boards", __name__)


def when(moment: datetime, zone: str) -> str:
    """A moment where a board meets, with the day of the week."""
    there = moment.astimezone(ZoneInfo(zone))
    return str(format_datetime(there, "EEE d MMM y, HH:mm", locale=get_locale() or "en"))


def clock(moment: datetime | None, zone: str) -> str:
    """The time of a moment where a board meets; empty for none."""
    if moment is None:
        return ""
    there = moment.astimezone(ZoneInfo(zone))
    return str(format_datetime(there, "HH:mm", locale=get_locale() or "en"))


def title(found: Meeting) -> str:
    """What a meeting is called: its board and when it is."""
    return f"{found.board.name}, {when(found.starts_at, found.board.time_zone)}"


def invalid(form: Any, refused: Any, first: str) -> None:
    """Put a refusal to its field, else to the first one."""
    name = refused.field if refused.field in form else first
    form[name].errors = [*form[name].errors, refused.message]
