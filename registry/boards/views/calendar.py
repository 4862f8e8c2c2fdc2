"""The calendar of meetings for calendar programs, at a secret address of each person."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, url_for

from registry import web
from registry.access import Right
from registry.boards.actions import meetings as actions
from registry.boards.models import CalendarFeed, Meeting
from registry.boards.queries import meetings as queries
from registry.boards.rules import meetings as rules
from registry.boards.views.room import room
from registry.db import now
from registry.errors import NotFound
from registry.keys import ring
from registry.language import gettext as _
from registry.people.rules import joining

_KIND = "board calendar"


def secret_of(found: CalendarFeed) -> str:
    """What makes the address of somebody's calendar secret."""
    return joining.secret(ring().derive(_KIND), _KIND, found.id, found.serial)


def address(found: CalendarFeed) -> str:
    """The secret address of somebody's calendar."""
    return url_for("boards.calendar", secret=secret_of(found), _external=True)


@room.page("/calendar/<secret>.ics", right=Right.ANYONE)
def calendar(secret: str) -> Any:
    """Dates, names of boards and links to this product; nothing of any patient."""
    feed_id: UUID | None = joining.record_of(secret)
    found = queries.feed(feed_id) if feed_id else None
    key = ring().derive(_KIND)
    if found is None or not joining.is_proven(secret, key, _KIND, found.id, found.serial):
        raise NotFound()
    from icalendar import Calendar  # here: a start does not wait for it

    made = Calendar()
    made.add("prodid", "-//NET Registry//Boards//EN")
    made.add("version", "2.0")
    made.add("x-wr-calname", str(_("Tumour boards")))
    for meeting, board, place in queries.calendar_of(found):
        made.add_component(_event(meeting, board, place))
    return Response(made.to_ical(), mimetype="text/calendar; charset=utf-8")


def _event(meeting: Meeting, board: str, place: str) -> Any:
    from icalendar import Event

    event = Event()
    event.add("uid", f"{meeting.id}@netreg")
    event.add("dtstamp", now())
    event.add("dtstart", meeting.starts_at)
    event.add("dtend", meeting.ends_at)
    event.add("summary", board)
    event.add("location", meeting.video_link or place)
    event.add("url", url_for("boards.meeting", meeting_id=meeting.id, _external=True))
    event.add("sequence", meeting.version)
    event.add("status", "CANCELLED" if meeting.state == rules.CANCELLED else "CONFIRMED")
    return event


@room.page("/calendar", right=Right.BOARDS, methods=("POST",))
def new_address() -> Any:
    """Make the address anew: whoever knows the old one sees nothing any more."""
    found = actions.new_calendar_address(by=web.viewer())
    web.done(_("Subscribe to this address in your calendar: %(url)s", url=address(found)))
    return web.go("boards.index", _anchor="calendar")
