"""Boards and meetings: of one's own centre; of another only while a meeting one is invited to
lasts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from registry.access import Right, Role, Viewer
from registry.boards.models import (
    AgendaItem,
    Attendance,
    Board,
    BoardMember,
    CalendarFeed,
    Guest,
    Meeting,
    Vote,
)
from registry.boards.rules import agenda as agenda_rules
from registry.boards.rules import meetings as rules
from registry.db import db, now
from registry.errors import Forbidden, NotFound
from registry.people import queries as people
from registry.people.models import Membership, Organisation, Person

#: Who can be asked onto a board or as a guest.
_SITTING = (Role.CLINICIAN, Role.BOARD_CHAIR, Role.TRIAGE_COORDINATOR, Role.GUEST_EXPERT)


def is_inside(viewer: Viewer, organisation_id: UUID) -> bool:
    """Does the viewer work for the centre whose meeting it is?"""
    return viewer.organisation_id == organisation_id and viewer.may(Right.PREPARE_BOARD)


def boards(viewer: Viewer) -> Sequence[Board]:
    """The boards of the viewer's centre."""
    if not viewer.may(Right.PREPARE_BOARD):
        return ()
    query = (
        sa.select(Board)
        .where(Board.organisation_id == viewer.organisation_id)
        .order_by(Board.active.desc(), Board.name, Board.id)
    )
    return db.session.scalars(query).all()


def board(viewer: Viewer, board_id: UUID | None) -> Board:
    """A board of the viewer's centre with its members. Raises NotFound to a stranger."""
    query = (
        sa.select(Board)
        .options(selectinload(Board.members).joinedload(BoardMember.person))
        .where(Board.id == board_id, Board.organisation_id == viewer.organisation_id)
    )
    found = db.session.scalar(query) if viewer.may(Right.PREPARE_BOARD) else None
    if found is None:
        raise NotFound()
    return found


def _invited(viewer: Viewer) -> sa.ColumnElement[bool]:
    """Meetings the viewer is a guest of, or sits in as a member from another centre."""
    guest = sa.select(Guest.meeting_id).where(Guest.person_id == viewer.person_id)
    member = sa.select(BoardMember.board_id).where(
        BoardMember.person_id == viewer.person_id, BoardMember.left_at.is_(None)
    )
    return sa.or_(Meeting.id.in_(guest), Meeting.board_id.in_(member))


def meeting(viewer: Viewer, meeting_id: UUID | None) -> Meeting:
    """A meeting to look at. Raises NotFound to a stranger, and to a guest when it does not last."""
    if meeting_id is None or not viewer.may(Right.BOARDS):
        raise NotFound()
    query = (
        sa.select(Meeting)
        .options(joinedload(Meeting.board), joinedload(Meeting.organisation))
        .where(Meeting.id == meeting_id)
    )
    found = db.session.scalar(query)
    if found is None or not may_look(viewer, found):
        raise NotFound()
    return found


def may_look(viewer: Viewer, found: Meeting) -> bool:
    """Inside always; who is invited while it lasts."""
    if is_inside(viewer, found.organisation_id):
        return True
    lasts = rules.is_open_to_guests(found.state, found.starts_at, found.ends_at, now())
    if not lasts:
        return False
    query = sa.select(Meeting.id).where(Meeting.id == found.id, _invited(viewer))
    return db.session.scalar(query) is not None


def meeting_to_write(viewer: Viewer, meeting_id: UUID | None) -> Meeting:
    """A meeting of the viewer's own centre. NotFound to a stranger, Forbidden to a guest."""
    found = meeting(viewer, meeting_id)
    if not is_inside(viewer, found.organisation_id):
        raise Forbidden()
    return found


def fresh(found: Meeting) -> Meeting:
    """The same meeting as it is now, held until the end of the transaction."""
    db.session.execute(sa.select(Meeting.id).where(Meeting.id == found.id).with_for_update())
    db.session.refresh(found)
    return found


# -- lists -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MeetingRow:
    """A meeting as it is listed."""

    id: UUID
    board: str
    place: str
    kind: str
    state: str
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    capacity: int
    cases: int
    unsigned: int  # discussed and not signed
    is_open: bool  # may the viewer look now?


def meetings(
    viewer: Viewer, *, past: bool = False, until: datetime | None = None, limit: int = 30
) -> list[MeetingRow]:
    """Meetings of the viewer's centre and those the viewer is invited to: the next ones, or those
    that were, latest first."""
    inside = viewer.may(Right.PREPARE_BOARD)
    ours = Meeting.organisation_id == viewer.organisation_id
    line = now() - timedelta(hours=12)
    over = sa.and_(Meeting.ends_at < line, Meeting.state != rules.UNDER_WAY)
    query = (
        sa.select(Meeting, Board.name, Board.time_zone, Organisation.name)
        .join(Board, Board.id == Meeting.board_id)
        .join(Organisation, Organisation.id == Meeting.organisation_id)
        .where(sa.or_(ours, _invited(viewer)) if inside else _invited(viewer))
        .where(over if past else sa.not_(over))
        .order_by(*((Meeting.starts_at.desc(),) if past else (Meeting.starts_at,)), Meeting.id)
        .limit(limit)
    )
    if until is not None:
        query = query.where(Meeting.starts_at <= until)
    rows = db.session.execute(query).all()
    counted = _counted([row[0].id for row in rows])
    moment = now()
    return [
        MeetingRow(
            one.id, name, place, one.kind, one.state, one.starts_at, one.ends_at, zone,
            one.capacity, *counted.get(one.id, (0, 0)),
            is_inside(viewer, one.organisation_id)
            or rules.is_open_to_guests(one.state, one.starts_at, one.ends_at, moment),
        )
        for one, name, zone, place in rows
    ]  # fmt: skip


def _counted(ids: Sequence[UUID]) -> dict[UUID, tuple[int, int]]:
    """Cases of each meeting, and how many of them wait for the chair."""
    from registry.boards.models import Recommendation

    signed = sa.select(Recommendation.item_id).where(Recommendation.locked_at.is_not(None))
    waiting = sa.and_(AgendaItem.state == agenda_rules.DISCUSSED, AgendaItem.id.not_in(signed))
    query = (
        sa.select(
            AgendaItem.meeting_id,
            sa.func.count(),
            sa.func.sum(sa.case((waiting, 1), else_=0)),
        )
        .where(AgendaItem.meeting_id.in_(list(ids)), AgendaItem.state != agenda_rules.REMOVED)
        .group_by(AgendaItem.meeting_id)
    )
    return {row[0]: (row[1], int(row[2] or 0)) for row in db.session.execute(query)}


def taken_dates(board_id: UUID) -> set[datetime]:
    """When a board already has a meeting, cancelled ones too: they are not made again."""
    query = sa.select(Meeting.starts_at).where(Meeting.board_id == board_id)
    return set(db.session.scalars(query))


def next_of(found: Meeting) -> Meeting | None:
    """The next planned meeting of the same board, to carry cases over to."""
    query = (
        sa.select(Meeting)
        .where(
            Meeting.board_id == found.board_id,
            Meeting.kind == rules.MEETING,
            Meeting.state == rules.PLANNED,
            Meeting.starts_at > found.starts_at,
        )
        .order_by(Meeting.starts_at)
    )
    return db.session.scalars(query.limit(1)).first()


# -- people ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Seated:
    """Somebody expected at a meeting, and whether they are there."""

    person_id: UUID
    name: str
    place: str
    discipline: str
    is_guest: bool
    arrived_at: datetime | None
    left_at: datetime | None

    @property
    def is_there(self) -> bool:
        """There now, or to the end."""
        return self.arrived_at is not None and self.left_at is None


def members(found: Board) -> list[BoardMember]:
    """Who sits on a board now."""
    return [one for one in found.members if one.left_at is None]


def seated(found: Meeting) -> list[Seated]:
    """Members and guests of a meeting that was fetched for a viewer, and who came without being
    either; by discipline and name."""
    rows: dict[UUID, tuple[Person, str, bool]] = {}
    sitting = (
        sa.select(BoardMember)
        .options(joinedload(BoardMember.person))
        .where(BoardMember.board_id == found.board_id, BoardMember.left_at.is_(None))
    )
    for member in db.session.scalars(sitting):
        rows[member.person_id] = (member.person, member.discipline, False)
    for guest in guests(found):
        rows[guest.person_id] = (guest.person, guest.discipline, True)
    there = {one.person_id: one for one in attendances(found)}
    for one in there.values():
        rows.setdefault(one.person_id, (one.person, one.discipline, False))
    places = _places(rows)
    order = list(rules.DISCIPLINES)
    listed = [
        Seated(
            person_id,
            person.name,
            places.get(person_id, ""),
            there[person_id].discipline if person_id in there else discipline,
            is_guest,
            there[person_id].arrived_at if person_id in there else None,
            there[person_id].left_at if person_id in there else None,
        )
        for person_id, (person, discipline, is_guest) in rows.items()
    ]
    return sorted(listed, key=lambda one: (order.index(one.discipline), one.name))


def guests(found: Meeting) -> Sequence[Guest]:
    """Who is invited to this one meeting."""
    query = (
        sa.select(Guest)
        .options(joinedload(Guest.person))
        .where(Guest.meeting_id == found.id)
        .order_by(Guest.id)
    )
    return db.session.scalars(query).all()


def attendances(found: Meeting) -> Sequence[Attendance]:
    """Who was there."""
    query = (
        sa.select(Attendance)
        .options(joinedload(Attendance.person))
        .where(Attendance.meeting_id == found.id)
        .order_by(Attendance.arrived_at, Attendance.id)
    )
    return db.session.scalars(query).all()


def person(person_id: UUID) -> Person:
    """Somebody who is noted as there. Raises NotFound."""
    found = db.session.get(Person, person_id)
    if found is None:
        raise NotFound()
    return found


def _places(ids: Iterable[UUID]) -> dict[UUID, str]:
    """Where people work, by the first of their roles that counts for a board."""
    query = (
        sa.select(Membership.person_id, Organisation.name)
        .join(Organisation, Organisation.id == Membership.organisation_id)
        .where(Membership.person_id.in_(list(ids)))
        .order_by(Membership.id.desc())
    )
    return {row[0]: row[1] for row in db.session.execute(query)}


def can_be_asked(viewer: Viewer, *, elsewhere: bool) -> list[tuple[Person, str]]:
    """Clinicians and guest experts with an account: of the viewer's centre, or also of others."""
    query = (
        sa.select(Person, Organisation.name)
        .join(Membership, Membership.person_id == Person.id)
        .join(Organisation, Organisation.id == Membership.organisation_id)
        .where(
            Person.active,
            Membership.role.in_([one.value for one in _SITTING]),
            sa.or_(Membership.until_date.is_(None), Membership.until_date >= now().date()),
        )
        .order_by(Person.name, Person.id)
    )
    if not elsewhere:
        query = query.where(Membership.organisation_id == viewer.organisation_id)
    found: dict[UUID, tuple[Person, str]] = {}
    for person, place in db.session.execute(query):
        found.setdefault(person.id, (person, place))
    return list(found.values())


# -- the calendar ------------------------------------------------------------------------------


def feed_of(viewer: Viewer) -> CalendarFeed | None:
    """The viewer's own calendar, if there is one."""
    return db.session.scalar(
        sa.select(CalendarFeed).where(CalendarFeed.person_id == viewer.person_id)
    )


def feed(feed_id: UUID) -> CalendarFeed | None:
    """A calendar by its id, of somebody whose account is open."""
    query = (
        sa.select(CalendarFeed)
        .join(Person, Person.id == CalendarFeed.person_id)
        .where(CalendarFeed.id == feed_id, Person.active)
    )
    return db.session.scalar(query)


def calendar_of(found: CalendarFeed) -> list[tuple[Meeting, str, str]]:
    """Meetings of somebody's calendar from the last 30 days on: (meeting, board, place)."""
    viewer = people.viewer_of_person(found.person)
    inside = [
        seat.organisation_id
        for seat in viewer.seats
        if seat.roles & {Role.CLINICIAN, Role.BOARD_CHAIR, Role.TRIAGE_COORDINATOR}
    ]
    query = (
        sa.select(Meeting, Board.name, Organisation.name)
        .join(Board, Board.id == Meeting.board_id)
        .join(Organisation, Organisation.id == Meeting.organisation_id)
        .where(
            sa.or_(Meeting.organisation_id.in_(inside), _invited(viewer)),
            Meeting.ends_at > now() - timedelta(days=30),
        )
        .order_by(Meeting.starts_at, Meeting.id)
        .limit(200)
    )
    return [(row[0], row[1], row[2]) for row in db.session.execute(query)]


def consulted(found: Meeting) -> list[Seated]:
    """Who is asked for an opinion in a written consultation; nobody in a meeting."""
    if found.kind != rules.WRITTEN:
        return []
    return [one for one in seated(found) if one.discipline != rules.COORDINATION]


def silent(found: Meeting) -> list[UUID]:
    """Who is consulted in writing and has not answered every case of it."""
    standing = AgendaItem.state.in_((agenda_rules.LISTED, agenda_rules.DISCUSSED))
    items = sa.select(AgendaItem.id).where(AgendaItem.meeting_id == found.id, standing)
    asked = db.session.scalar(sa.select(sa.func.count()).select_from(items.subquery())) or 0
    counted = (
        sa.select(Vote.person_id, sa.func.count().label("answers"))
        .where(Vote.item_id.in_(items))
        .group_by(Vote.person_id)
    )
    given = {one.person_id: one.answers for one in db.session.execute(counted)}
    return [one.person_id for one in consulted(found) if given.get(one.person_id, 0) < asked]


def to_remind(moment: datetime) -> list[Meeting]:
    """Written consultations that end soon, and whose reminder is due and was not sent."""
    query = (
        sa.select(Meeting)
        .where(
            Meeting.kind == rules.WRITTEN,
            Meeting.state.in_((rules.PLANNED, rules.UNDER_WAY)),
            Meeting.reminded_at.is_(None),
            Meeting.ends_at > moment,
            Meeting.ends_at <= moment + rules.REMIND_BEFORE,
        )
        .order_by(Meeting.ends_at, Meeting.id)
        .limit(100)
    )
    found = db.session.scalars(query).all()
    return [one for one in found if rules.remind_at(one.starts_at, one.ends_at) <= moment]
