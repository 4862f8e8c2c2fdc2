"""The one thread of a case: steps, messages, notes and letters, with who and when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry.access import Right, Role, Viewer
from registry.db import db
from registry.patients.models import Patient
from registry.people.models import Organisation, Person
from registry.referrals import rules
from registry.referrals.models import (
    MESSAGE,
    FormerCentre,
    Message,
    Reading,
    Referral,
    ReferralEvent,
)
from registry.referrals.queries.reach import knows_patient, sides
from registry.referrals.queries.sent import EventRow, events
from registry.referrals.rules import Side

_SPEAKS = {
    Side.REFERRING: {Role.REFERRER},
    Side.ON_BEHALF: {Role.TRIAGE_COORDINATOR},
    Side.CENTRE: {Role.TRIAGE_COORDINATOR, Role.CLINICIAN},
}


def speaks_for(viewer: Viewer, found: Referral) -> Side | None:
    """For which side the viewer may write in the thread; None for who may only read."""
    if not viewer.may(Right.STEP) or found.submitted_at is None:
        return None
    acting = sides(viewer, found)
    for side in (Side.CENTRE, Side.REFERRING, Side.ON_BEHALF):
        if side in acting and viewer.roles & _SPEAKS[side]:
            return side
    return None


def message_of(found: Referral, form_key: UUID, viewer: Viewer) -> Message | None:
    """The message that the same form already made, if it did."""
    return db.session.scalar(
        sa.select(Message).where(
            Message.form_key == form_key,
            Message.referral_id == found.id,
            Message.person_id == viewer.person_id,
        )
    )


STEP, NOTE = "step", "note"


@dataclass(frozen=True)
class Entry:
    """One thing that happened or was said."""

    id: UUID
    at: datetime
    kind: str  # step, message or note
    what: str  # of a step: its name
    who: str
    place: str
    own: bool  # of the viewer's organisation
    new: bool
    text: str
    from_state: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


def thread(viewer: Viewer, found: Referral) -> list[Entry]:
    """Everything the viewer may read of what happened and was said, the latest first.

    A note is read by the organisation that wrote it, and by nobody else. A centre that passed the
    case on reads what there was until it left.
    """
    until = left_at(viewer, found)
    read_at = _read_at(viewer, found)
    entries = [_of_event(viewer, one, read_at) for one in events(viewer, found)]
    entries += [_of_message(viewer, read_at, *row) for row in _messages(viewer, found)]
    kept = [one for one in entries if until is None or one.at <= until or one.own]
    return sorted(kept, key=lambda one: (one.at, one.id), reverse=True)


def _read_at(viewer: Viewer, found: Referral) -> datetime | None:
    return db.session.scalar(
        sa.select(Reading.read_at).where(
            Reading.referral_id == found.id, Reading.person_id == viewer.person_id
        )
    )


def _of_event(viewer: Viewer, one: EventRow, read_at: datetime | None) -> Entry:
    own = one.organisation_id == viewer.organisation_id
    new = not own and (read_at is None or one.at > read_at)
    return Entry(
        one.id, one.at, STEP, one.step, one.who, one.place, own, new, one.text, one.from_state,
        one.details,
    )  # fmt: skip


def _messages(viewer: Viewer, found: Referral) -> Sequence[Any]:
    readable = sa.or_(Message.kind == MESSAGE, Message.organisation_id == viewer.organisation_id)
    query = (
        sa.select(Message, Person.name, Organisation.name)
        .outerjoin(Person, Person.id == Message.person_id)
        .outerjoin(Organisation, Organisation.id == Message.organisation_id)
        .where(Message.referral_id == found.id, readable)
        .order_by(Message.at, Message.id)
    )
    return db.session.execute(query).all()


def _of_message(
    viewer: Viewer, read_at: datetime | None, one: Message, who: str | None, place: str | None
) -> Entry:
    own = one.organisation_id == viewer.organisation_id
    by_me = one.person_id == viewer.person_id
    new = not by_me and (read_at is None or one.at > read_at)
    return Entry(one.id, one.at, one.kind, "", who or "", place or "", own, new, one.text)


def unread_of(viewer: Viewer, ids: Iterable[UUID]) -> set[UUID]:
    """Of these referrals, those in which another organisation said or did something since the
    viewer last read them; in one query."""
    mine = sa.and_(Reading.referral_id == Referral.id, Reading.person_id == viewer.person_id)
    query = (
        sa.select(Referral.id)
        .outerjoin(Reading, mine)
        .where(
            Referral.id.in_(list(ids)),
            Referral.said_at.is_not(None),
            Referral.said_by != viewer.organisation_id,
            sa.or_(Reading.read_at.is_(None), Reading.read_at < Referral.said_at),
        )
    )
    return set(db.session.scalars(query))


# -- a centre that passed it on ----------------------------------------------------------------


def left_at(viewer: Viewer, found: Referral) -> datetime | None:
    """When the viewer's centre passed the case on; None for who has a part in it now."""
    if sides(viewer, found):
        return None
    query = sa.select(sa.func.max(FormerCentre.left_at)).where(
        FormerCentre.referral_id == found.id,
        FormerCentre.organisation_id == viewer.organisation_id,
    )
    return db.session.scalar(query)


@dataclass(frozen=True)
class Part:
    """What a centre did itself in a referral that it reads no more."""

    id: UUID
    left_at: datetime | None
    events: tuple[EventRow, ...]


def own_part(viewer: Viewer, referral_id: UUID) -> Part | None:
    """What the viewer's organisation did in a referral it had part in; None to a stranger.

    Only what it did: no patient, nothing of what was sent, nothing of what came later.
    """
    if not viewer.may(Right.READ_REFERRAL):
        return None
    had = sa.select(FormerCentre.left_at).where(
        FormerCentre.referral_id == referral_id,
        FormerCentre.organisation_id == viewer.organisation_id,
    )
    ended = sa.select(Referral.ended_at).where(
        Referral.id == referral_id,
        Referral.to_organisation_id == viewer.organisation_id,
        Referral.phase == rules.ENDED,
        Referral.submitted_at.is_not(None),
    )
    left = [*db.session.scalars(had), *db.session.scalars(ended)]
    if not left:
        return None
    query = (
        sa.select(ReferralEvent, Person.name, Organisation.name)
        .outerjoin(Person, Person.id == ReferralEvent.person_id)
        .outerjoin(Organisation, Organisation.id == ReferralEvent.organisation_id)
        .where(
            ReferralEvent.referral_id == referral_id,
            ReferralEvent.organisation_id == viewer.organisation_id,
        )
        .order_by(ReferralEvent.at.desc(), ReferralEvent.id.desc())
    )
    rows = tuple(EventRow.of(*row) for row in db.session.execute(query))
    return Part(referral_id, max(filter(None, left), default=None), rows)


# -- for the board -----------------------------------------------------------------------------


@dataclass(frozen=True)
class ListedRow:
    """A case that is listed for its centre's board."""

    id: UUID
    version: int
    patient_id: UUID
    pseudonym: str
    urgency: str
    question: str
    question_text: str
    hospital: str
    listed_at: datetime
    board_on: date | None  # the day that is wished for
    deadline: date | None
    missing_count: int


def listed_for_board(viewer: Viewer) -> list[ListedRow]:
    """The cases of the viewer's centre that wait for its board: by urgency, the day that is wished
    for, and how long they wait."""
    query = (
        sa.select(Referral, Patient.pseudonym, Organisation.name)
        .join(Patient, Patient.id == Referral.patient_id)
        .join(Organisation, Organisation.id == Referral.from_organisation_id)
        .where(
            Referral.to_organisation_id == viewer.organisation_id,
            Referral.phase == rules.LIVE,
            Referral.state == rules.LISTED,
            knows_patient(viewer),
        )
        .order_by(Referral.urgency_rank, Referral.deadline, Referral.id)
    )
    return [
        ListedRow(
            one.id, one.version, one.patient_id, pseudonym, one.urgency, one.question or "",
            one.question_text or "", hospital, one.listed_at or one.moved_at, one.board_on,
            one.deadline, one.missing_count,
        )
        for one, pseudonym, hospital in db.session.execute(query)
    ]  # fmt: skip
