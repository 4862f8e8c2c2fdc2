"""Boards and their members; meetings, who is invited, who is there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry import audit
from registry.access import Viewer
from registry.boards.models import (
    Attendance,
    Board,
    BoardMember,
    CalendarFeed,
    Guest,
    Meeting,
)
from registry.boards.queries import meetings as queries
from registry.boards.rules import meetings as rules
from registry.db import db, now
from registry.errors import Conflict, Invalid
from registry.language import gettext as _
from registry.language import lazy_gettext as _l
from registry.people import actions as people
from registry.people.models import Person
from registry.referrals import rules as referral_rules

audit.learn(
    {
        "added board": _l("Added a tumour board"),
        "changed board": _l("Changed a tumour board"),
        "seated member": _l("Put a member on a tumour board"),
        "unseated member": _l("Took a member off a tumour board"),
        "planned meeting": _l("Planned a board meeting"),
        "changed meeting": _l("Changed a board meeting"),
        "cancelled meeting": _l("Cancelled a board meeting"),
        "opened meeting": _l("Opened a board meeting"),
        "closed meeting": _l("Closed a board meeting"),
        "invited guest": _l("Invited a guest to a board meeting"),
        "uninvited guest": _l("Took back the invitation of a guest"),
        "reminded consulted": _l("Reminded those who had not answered a written consultation"),
        "noted arrival": _l("Noted that somebody came to a board meeting"),
        "noted leaving": _l("Noted that somebody left a board meeting"),
        "took back arrival": _l("Took back that somebody came to a board meeting"),
        "made calendar address": _l("Made a new address of the calendar of meetings"),
    }
)

#: What is stated of a board, and goes over to the meetings made from it.
FACTS = (
    "name", "cross_centre", "time_zone", "every_weeks", "weekday", "starts", "minutes",
    "capacity", "cutoff_hours", "quorum", "two_signatures", "video_link", "active",
)  # fmt: skip
_OF_MEETING = ("capacity", "quorum", "two_signatures", "video_link")


def touch(meeting_id: UUID) -> None:
    """Say that something of a meeting was written: who looks on is shown it anew."""
    db.session.execute(
        sa.update(Meeting)
        .where(Meeting.id == meeting_id)
        .values(revision=Meeting.revision + 1)
        .execution_options(synchronize_session=False)
    )


def _record(action: str, one: Any, kind: str, by: Viewer, changes: dict[str, Any]) -> None:
    audit.record(action, by=by, subject=(kind, one.id), changes=changes)


# -- boards ------------------------------------------------------------------------------------


def add_board(*, by: Viewer, facts: dict[str, Any]) -> Board:
    """A board of the viewer's centre, with its dates ahead."""
    made = Board(organisation_id=by.organisation_id, **{name: facts[name] for name in FACTS})
    db.session.add(made)
    db.session.flush()
    _record("added board", made, "board", by, {"name": [None, made.name]})
    plan_ahead(made, by=by)
    return made


def change_board(found: Board, *, by: Viewer, version: int, facts: dict[str, Any]) -> None:
    """Change a board that was fetched for the viewer. Dates that stand in the calendar stay as
    they are; what else changes goes over to those that are still planned."""
    if found.version != version:
        raise Conflict(_("This was changed by somebody else while you were working on it."))
    changes = {}
    for name in FACTS:
        before = getattr(found, name)
        if before != facts[name]:
            changes[name] = [before, facts[name]]
            setattr(found, name, facts[name])
    if not changes:
        return
    db.session.flush()
    for one in _planned(found):
        for name in set(_OF_MEETING) & set(changes):
            setattr(one, name, facts[name])
    db.session.flush()
    _record("changed board", found, "board", by, changes)
    plan_ahead(found, by=by)


def _planned(found: Board) -> Sequence[Meeting]:
    query = sa.select(Meeting).where(
        Meeting.board_id == found.id,
        Meeting.state == rules.PLANNED,
        Meeting.kind == rules.MEETING,
        Meeting.starts_at > now(),
    )
    return db.session.scalars(query).all()


def plan_ahead(found: Board, *, by: Viewer) -> list[Meeting]:
    """The dates of a series for the next weeks, those that are not yet in the calendar."""
    if not found.active:
        return []
    first = referral_rules.local_day(now(), found.time_zone)
    latest = db.session.scalar(
        sa.select(sa.func.max(Meeting.starts_at)).where(
            Meeting.board_id == found.id, Meeting.kind == rules.MEETING
        )
    )
    if found.every_weeks > 1 and latest is not None:  # in step with the dates there are
        day = referral_rules.local_day(latest, found.time_zone)
        first = max(first, day + timedelta(weeks=found.every_weeks, days=-6))
    taken = queries.taken_dates(found.id)
    days = rules.dates_of(found.weekday, found.every_weeks, first, first + rules.AHEAD)
    made = []
    for day in days:
        starts_at = rules.moment_of(day, found.starts, found.time_zone)
        if starts_at not in taken and starts_at > now():
            made.append(plan(found, by=by, starts_at=starts_at))
    return made


def seat(found: Board, person: Person, discipline: str, *, by: Viewer) -> BoardMember:
    """Put somebody on a board, for a discipline; who sits there already gets another one."""
    if discipline not in rules.DISCIPLINES:
        raise Invalid(_("Choose the discipline."), field="discipline")
    there = next((m for m in queries.members(found) if m.person_id == person.id), None)
    if there is not None:
        there.discipline = discipline
    else:
        there = BoardMember(board_id=found.id, person_id=person.id, discipline=discipline)
        found.members.append(there)
    db.session.flush()
    changes = {"person": [None, person.name], "discipline": [None, discipline]}
    _record("seated member", found, "board", by, changes)
    return there


def unseat(found: Board, person_id: UUID, *, by: Viewer) -> None:
    """Take somebody off a board; what they were part of stays."""
    for member in queries.members(found):
        if member.person_id == person_id:
            member.left_at = now()
            db.session.flush()
            _record("unseated member", found, "board", by, {"person": [member.person.name, None]})


# -- meetings ----------------------------------------------------------------------------------


def plan(
    found: Board,
    *,
    by: Viewer,
    starts_at: datetime,
    minutes: int | None = None,
    kind: str = rules.MEETING,
    ends_at: datetime | None = None,
    capacity: int | None = None,
    video_link: str | None = None,
) -> Meeting:
    """A meeting of a board at a date; or a written consultation until `ends_at`. What is not said
    is as the board has it."""
    if starts_at in queries.taken_dates(found.id):
        raise Invalid(_("The board already meets then."), field="day")
    ends = ends_at or starts_at + timedelta(minutes=minutes or found.minutes)
    if ends <= starts_at:
        raise Invalid(_("The end must be after the beginning."), field="day")
    written = kind == rules.WRITTEN
    made = Meeting(
        board_id=found.id,
        organisation_id=found.organisation_id,
        kind=kind,
        starts_at=starts_at,
        ends_at=ends,
        cutoff_at=ends if written else starts_at - timedelta(hours=found.cutoff_hours),
        capacity=capacity or found.capacity,
        quorum=[] if written else list(found.quorum),
        two_signatures=found.two_signatures,
        video_link="" if written else found.video_link if video_link is None else video_link,
    )
    db.session.add(made)
    db.session.flush()
    changes = {"starts_at": [None, starts_at.isoformat()], "kind": [None, kind]}
    _record("planned meeting", made, "meeting", by, changes)
    return made


def move(
    found: Meeting,
    *,
    by: Viewer,
    version: int,
    starts_at: datetime,
    minutes: int,
    capacity: int,
    video_link: str,
) -> None:
    """Change when and how a meeting takes place."""
    queries.fresh(found)
    if found.version != version:
        raise Conflict(_("This was changed by somebody else while you were working on it."))
    if found.state not in (rules.PLANNED, rules.UNDER_WAY):
        raise Conflict(_("This meeting is over."))
    if starts_at != found.starts_at and starts_at in queries.taken_dates(found.board_id):
        raise Invalid(_("The board already meets then."), field="day")
    ahead = found.starts_at - found.cutoff_at
    wanted = {
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(minutes=minutes),
        "cutoff_at": starts_at - ahead,
        "capacity": capacity,
        "video_link": video_link,
    }
    changes = {
        name: [_plain(getattr(found, name)), _plain(value)]
        for name, value in wanted.items()
        if getattr(found, name) != value
    }
    for name, value in wanted.items():
        setattr(found, name, value)
    db.session.flush()
    if changes:
        touch(found.id)
        _record("changed meeting", found, "meeting", by, changes)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime | date) else value


def cancel(found: Meeting, *, by: Viewer, because: str) -> None:
    """A planned meeting does not take place; its cases can be carried over."""
    queries.fresh(found)
    if found.state != rules.PLANNED:
        raise Conflict(_("Only a planned meeting can be cancelled."))
    if not because.strip():
        raise Invalid(_("Give the reason."), field="because")
    found.state, found.cancelled_because = rules.CANCELLED, because.strip()[:300]
    db.session.flush()
    touch(found.id)
    _record("cancelled meeting", found, "meeting", by, {"state": [rules.PLANNED, rules.CANCELLED]})


def begin(found: Meeting, *, by: Viewer) -> None:
    """Open a meeting: from now on it is written in. Opening it twice is opening it once."""
    queries.fresh(found)
    if found.state == rules.UNDER_WAY:
        return
    if found.state != rules.PLANNED:
        raise Conflict(_("This meeting is over."))
    found.state, found.opened_at = rules.UNDER_WAY, now()
    db.session.flush()
    touch(found.id)
    _record("opened meeting", found, "meeting", by, {"state": [rules.PLANNED, rules.UNDER_WAY]})


def close(found: Meeting, *, by: Viewer) -> None:
    """End a meeting; who is still there leaves with it. What waits for the chair still can be
    signed."""
    queries.fresh(found)
    if found.state == rules.HELD:
        return
    if found.state != rules.UNDER_WAY:
        raise Conflict(_("This meeting was not opened."))
    found.state, found.closed_at = rules.HELD, now()
    db.session.flush()
    touch(found.id)
    _record("closed meeting", found, "meeting", by, {"state": [rules.UNDER_WAY, rules.HELD]})


# -- who is invited, who is there --------------------------------------------------------------


def invite(found: Meeting, person: Person, discipline: str, *, by: Viewer) -> Guest:
    """Invite somebody to this one meeting; they are told."""
    if discipline not in rules.DISCIPLINES:
        raise Invalid(_("Choose the discipline."), field="discipline")
    if found.state not in (rules.PLANNED, rules.UNDER_WAY):
        raise Conflict(_("This meeting is over."))
    there = next((one for one in queries.guests(found) if one.person_id == person.id), None)
    if there is not None:
        there.discipline = discipline
        db.session.flush()
        return there
    made = Guest(
        meeting_id=found.id, person_id=person.id, discipline=discipline, invited_by=by.person_id
    )
    db.session.add(made)
    db.session.flush()
    touch(found.id)
    _record("invited guest", found, "meeting", by, {"person": [None, person.name]})
    people.tell([person.id], "board_invited", subject=("meeting", found.id), whoever_covers=False)
    return made


def remind(found: Meeting, *, by: Viewer) -> None:
    """Remind, once, who has not answered every case of a written consultation."""
    waited_for = queries.silent(found)
    people.tell(
        waited_for, "board_opinion_due", subject=("meeting", found.id), whoever_covers=False
    )
    # Not through the row: whoever has the meeting's form open has nothing to look at anew.
    db.session.execute(
        sa.update(Meeting)
        .where(Meeting.id == found.id)
        .values(reminded_at=now())
        .execution_options(synchronize_session=False)
    )
    _record("reminded consulted", found, "meeting", by, {"number": [None, len(waited_for)]})


def uninvite(found: Meeting, person_id: UUID, *, by: Viewer) -> None:
    """Take an invitation back."""
    for guest in queries.guests(found):
        if guest.person_id == person_id:
            db.session.delete(guest)
            db.session.flush()
            touch(found.id)
            name = guest.person.name
            _record("uninvited guest", found, "meeting", by, {"person": [name, None]})


def arrive(
    found: Meeting, person: Person, discipline: str, *, by: Viewer, at: datetime | None = None
) -> None:
    """Somebody is there, for a discipline; who had left is back."""
    if discipline not in rules.DISCIPLINES:
        raise Invalid(_("Choose the discipline."), field="discipline")
    there = _attendance(found, person.id)
    if there is not None and there.left_at is None and there.discipline == discipline:
        return
    if there is not None:
        there.left_at, there.discipline = None, discipline
    else:
        there = Attendance(
            meeting_id=found.id,
            person_id=person.id,
            discipline=discipline,
            arrived_at=at or now(),
            recorded_by=by.person_id,
        )
        db.session.add(there)
    db.session.flush()
    touch(found.id)
    changes = {"person": [None, person.name], "discipline": [None, discipline]}
    _record("noted arrival", found, "meeting", by, changes)


def leave(found: Meeting, person_id: UUID, *, by: Viewer) -> None:
    """Somebody has left."""
    there = _attendance(found, person_id)
    if there is None or there.left_at is not None:
        return
    there.left_at = max(now(), there.arrived_at)
    db.session.flush()
    touch(found.id)
    _record("noted leaving", found, "meeting", by, {"person": [there.person.name, None]})


def never_came(found: Meeting, person_id: UUID, *, by: Viewer) -> None:
    """It was a mistake: somebody was not there at all."""
    there = _attendance(found, person_id)
    if there is None:
        return
    name = there.person.name
    db.session.delete(there)
    db.session.flush()
    touch(found.id)
    _record("took back arrival", found, "meeting", by, {"person": [name, None]})


def _attendance(found: Meeting, person_id: UUID) -> Attendance | None:
    return db.session.scalar(
        sa.select(Attendance).where(
            Attendance.meeting_id == found.id, Attendance.person_id == person_id
        )
    )


# -- the calendar ------------------------------------------------------------------------------


def new_calendar_address(*, by: Viewer) -> CalendarFeed:
    """A secret address of one's calendar; the one before is worthless from now on."""
    found = queries.feed_of(by)
    if found is None:
        found = CalendarFeed(person_id=by.person_id)
        db.session.add(found)
    else:
        found.serial, found.made_at = found.serial + 1, now()
    db.session.flush()
    _record("made calendar address", found, "calendar", by, {"serial": [None, found.serial]})
    return found
