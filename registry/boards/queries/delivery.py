"""Where recommendations are: sent, opened, acknowledged, told; overdue; followed or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased, joinedload

from registry.access import Viewer
from registry.boards.models import (
    AgendaItem,
    Board,
    Delivery,
    Implementation,
    Meeting,
    Recommendation,
)
from registry.boards.rules import delivery as rules
from registry.course import queries as course
from registry.course import wording
from registry.course.models import Therapy
from registry.dates import PartialDate
from registry.db import db, now
from registry.errors import NotFound
from registry.patients import queries as patients
from registry.patients.models import CareRelation, Patient
from registry.patients.queries import Identity
from registry.people.models import Organisation, Person
from registry.referrals.models import Advice, Referral


@dataclass(frozen=True)
class DeliveryRow:
    """One letter and how far it came."""

    id: UUID
    recipient: str
    to: str
    address: str
    due_at: datetime
    sent_at: datetime | None
    opened_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str
    told_at: datetime | None
    told_by: str

    @property
    def state(self) -> str:
        """How far it came."""
        if self.told_at:
            return rules.TOLD
        if self.acknowledged_at:
            return rules.ACKNOWLEDGED
        if self.opened_at:
            return rules.OPENED
        return rules.SENT if self.sent_at else rules.TO_SEND

    @property
    def is_done(self) -> bool:
        """Is there nothing more to be done about it?"""
        if self.recipient == rules.PATIENT:
            return self.told_at is not None
        if self.recipient == rules.REFERRER and self.acknowledged_at is None:
            return False
        return self.sent_at is not None

    @property
    def is_overdue(self) -> bool:
        """Should it have been done by now?"""
        return not self.is_done and self.due_at < now()


def deliveries(found: Recommendation) -> list[DeliveryRow]:
    """The letters of a recommendation that was fetched for a viewer."""
    reader = aliased(Person)
    query = (
        sa.select(Delivery, Organisation.name, Person.name, Advice.acknowledged_at, reader.name)
        .outerjoin(Organisation, Organisation.id == Delivery.organisation_id)
        .outerjoin(Person, Person.id == Delivery.person_id)
        .outerjoin(Advice, Advice.id == Delivery.advice_id)
        .outerjoin(reader, reader.id == Advice.acknowledged_by)
        .where(Delivery.recommendation_id == found.id)
    )
    order = list(rules.RECIPIENTS)
    rows = [_row(*row) for row in db.session.execute(query)]
    return sorted(rows, key=lambda one: order.index(one.recipient))


def _row(
    one: Delivery, place: str | None, who: str | None, acknowledged: datetime | None,
    reader: str | None,
) -> DeliveryRow:  # fmt: skip
    return DeliveryRow(
        one.id, one.recipient, ", ".join(t for t in (who, place) if t), one.address, one.due_at,
        one.sent_at, one.opened_at, acknowledged, reader or "", one.told_at, one.told_by,
    )  # fmt: skip


def delivery(found: Recommendation, recipient: str) -> Delivery:
    """The letter to one recipient. Raises NotFound where there is none."""
    one = db.session.scalar(
        sa.select(Delivery).where(
            Delivery.recommendation_id == found.id, Delivery.recipient == recipient
        )
    )
    if one is None:
        raise NotFound()
    return one


# -- followed or not ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Followed:
    """What somebody said of a recommendation being followed."""

    outcome: str
    reason: str
    text: str
    option: int | None
    dated: PartialDate | None
    therapy: str
    at: datetime
    who: str
    place: str


def followed(found: Recommendation) -> list[Followed]:
    """What was said of it, newest first: the first holds."""
    query = (
        sa.select(Implementation, Person.name, Organisation.name, Therapy)
        .outerjoin(Person, Person.id == Implementation.by)
        .outerjoin(Organisation, Organisation.id == Implementation.organisation_id)
        .outerjoin(Therapy, Therapy.id == Implementation.therapy_id)
        .where(Implementation.recommendation_id == found.id)
        .order_by(Implementation.at.desc(), Implementation.id.desc())
    )
    return [
        Followed(
            one.outcome, one.reason, one.text, one.option, one.dated,
            _therapy(therapy), one.at, who or "", place or "",
        )
        for one, who, place, therapy in db.session.execute(query)
    ]  # fmt: skip


def _therapy(found: Any) -> str:
    return wording.therapy(found) if found is not None else ""


@dataclass(frozen=True)
class Proposal:
    """A therapy of the course that may be what was recommended."""

    id: UUID
    name: str
    when: str
    option: int | None  # the option with the same agent


def proposals(found: Recommendation) -> list[Proposal]:
    """Therapies begun on or after the day of the meeting; those with a recommended agent first."""
    content = found.content or {}
    day = PartialDate(content["meeting"]["day"])
    query = course.standing(Therapy).where(Therapy.patient_id == found.item.patient_id)
    agents = [one.get("agent", "") for one in content["options"]]
    rows = []
    for one in db.session.scalars(query):
        if one.start is None or one.start.latest < day.earliest:
            continue
        option = agents.index(one.agent) + 1 if one.agent and one.agent in agents else None
        rows.append(Proposal(one.id, wording.therapy(one), wording.when(one), option))
    return sorted(rows, key=lambda one: (one.option is None, one.option or 0, one.when))


# -- what is overdue ---------------------------------------------------------------------------


@dataclass(frozen=True)
class OpenRow:
    """A letter that has not done what it is for."""

    recommendation_id: UUID
    identity: Identity
    recipient: str
    to: str
    board: str
    met_at: datetime
    due_at: datetime
    sent_at: datetime | None
    opened_at: datetime | None
    reminded_at: datetime | None

    @property
    def days_left(self) -> int:
        """Days to the last day, negative when it is over."""
        return (self.due_at.date() - now().date()).days


def _superseded() -> sa.ColumnElement[bool]:
    """Is there a newer version that was signed?"""
    newer = aliased(Recommendation)
    return (
        sa.select(newer.id)
        .where(
            newer.item_id == Recommendation.item_id,
            newer.number > Recommendation.number,
            newer.locked_at.is_not(None),
        )
        .correlate(Recommendation)
        .exists()
    )


def _ours(viewer: Viewer) -> sa.ColumnElement[bool]:
    """Of the viewer's centre, or for the viewer's hospital."""
    return sa.or_(
        Meeting.organisation_id == viewer.organisation_id,
        Referral.from_organisation_id == viewer.organisation_id,
    )


def _open() -> sa.ColumnElement[bool]:
    """Letters with something left to do, of versions that hold."""
    waiting = sa.or_(
        sa.and_(Delivery.recipient == rules.REFERRER, Advice.acknowledged_at.is_(None)),
        sa.and_(Delivery.recipient == rules.FAMILY_DOCTOR, Delivery.sent_at.is_(None)),
        sa.and_(Delivery.recipient == rules.PATIENT, Delivery.told_at.is_(None)),
    )
    return sa.and_(sa.not_(_superseded()), waiting)


def open_letters(viewer: Viewer, *, limit: int = 200) -> list[OpenRow]:
    """What is not yet delivered of the viewer's centre's recommendations, or of those to the
    viewer's hospital; the longest overdue first."""
    known = patients.related_to(viewer).where(CareRelation.patient_id == AgendaItem.patient_id)
    query = (
        sa.select(Delivery, Patient, Board.name, Meeting.starts_at, Organisation.name, Person.name)
        .join(Recommendation, Recommendation.id == Delivery.recommendation_id)
        .join(AgendaItem, AgendaItem.id == Recommendation.item_id)
        .join(Patient, Patient.id == AgendaItem.patient_id)
        .join(Meeting, Meeting.id == AgendaItem.meeting_id)
        .join(Board, Board.id == Meeting.board_id)
        .outerjoin(Referral, Referral.id == AgendaItem.referral_id)
        .outerjoin(Advice, Advice.id == Delivery.advice_id)
        .outerjoin(Organisation, Organisation.id == Delivery.organisation_id)
        .outerjoin(Person, Person.id == Delivery.person_id)
        .where(_open(), _ours(viewer), known.correlate(AgendaItem).exists())
        .order_by(Delivery.due_at, Delivery.id)
        .limit(limit)
    )
    return [
        OpenRow(
            one.recommendation_id, patients.identity(patient), one.recipient,
            ", ".join(t for t in (who, place) if t) or one.address, board, met, one.due_at,
            one.sent_at, one.opened_at, one.reminded_at,
        )
        for one, patient, board, met, place, who in db.session.execute(query)
    ]  # fmt: skip


@dataclass(frozen=True)
class UnansweredRow:
    """A recommendation of which nobody has said whether it was followed."""

    recommendation_id: UUID
    identity: Identity
    board: str
    met_at: datetime
    review_date: str


def unanswered(viewer: Viewer, *, limit: int = 100) -> list[UnansweredRow]:
    """What was signed some time ago at the viewer's centre, or for the viewer's hospital, and of
    which nobody has said whether it was followed; the oldest first."""
    known = patients.related_to(viewer).where(CareRelation.patient_id == AgendaItem.patient_id)
    said = sa.select(Implementation.id).where(Implementation.recommendation_id == Recommendation.id)
    query = (
        sa.select(Recommendation, Patient, Board.name, Meeting.starts_at)
        .join(AgendaItem, AgendaItem.id == Recommendation.item_id)
        .join(Patient, Patient.id == AgendaItem.patient_id)
        .join(Meeting, Meeting.id == AgendaItem.meeting_id)
        .join(Board, Board.id == Meeting.board_id)
        .outerjoin(Referral, Referral.id == AgendaItem.referral_id)
        .where(
            Recommendation.locked_at < now() - rules.ASK_AFTER,
            sa.not_(_superseded()),
            sa.not_(said.correlate(Recommendation).exists()),
            _ours(viewer),
            known.correlate(AgendaItem).exists(),
        )
        .order_by(Recommendation.locked_at, Recommendation.id)
        .limit(limit)
    )
    return [
        UnansweredRow(one.id, patients.identity(patient), board, met, one.review_date or "")
        for one, patient, board, met in db.session.execute(query)
    ]


def to_remind(moment: datetime) -> Sequence[Delivery]:
    """Letters to referring doctors that are overdue and were not reminded of lately."""
    query = (
        sa.select(Delivery)
        .options(joinedload(Delivery.recommendation).joinedload(Recommendation.item))
        .join(Recommendation, Recommendation.id == Delivery.recommendation_id)
        .outerjoin(Advice, Advice.id == Delivery.advice_id)
        .where(
            _open(),
            Delivery.recipient == rules.REFERRER,
            Delivery.sent_at.is_not(None),
            Delivery.due_at < moment,
            sa.or_(
                Delivery.reminded_at.is_(None),
                Delivery.reminded_at < moment - rules.REMIND_EVERY,
            ),
        )
        .order_by(Delivery.due_at, Delivery.id)
        .limit(100)
    )
    return db.session.scalars(query).all()


# -- on the chart ------------------------------------------------------------------------------


@dataclass(frozen=True)
class OnChart:
    """A recommendation as the chart shows it."""

    id: UUID
    board: str
    day: str
    number: int
    options: list[dict[str, str]]
    summary: str
    outcome: str
    review_date: str


def of_patient(viewer: Viewer, patient: Patient) -> list[OnChart]:
    """What boards recommended for a patient who was fetched for the viewer, newest first; of each
    case the version that holds."""
    found: dict[UUID, OnChart] = {}
    for one, outcome in db.session.execute(_of_patient(), {"patient": patient.id}):
        content = one.content
        found.setdefault(
            one.item_id,
            OnChart(
                one.id, content["meeting"]["board"], content["meeting"]["day"], one.number,
                content["options"], content["summary"], outcome or "", content["review_date"],
            ),
        )  # fmt: skip
    return list(found.values())


@cache
def _of_patient() -> sa.Select[Any]:
    """Asked for every chart, so it is put together once."""
    last = (
        sa.select(Implementation.outcome)
        .where(Implementation.recommendation_id == Recommendation.id)
        .order_by(Implementation.at.desc(), Implementation.id.desc())
        .limit(1)
        .correlate(Recommendation)
        .scalar_subquery()
    )
    return (
        sa.select(Recommendation, last)
        .join(AgendaItem, AgendaItem.id == Recommendation.item_id)
        .where(
            AgendaItem.patient_id == sa.bindparam("patient"), Recommendation.locked_at.is_not(None)
        )
        .order_by(Recommendation.locked_at.desc())
    )
