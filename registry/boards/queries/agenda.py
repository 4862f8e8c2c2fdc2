"""The agenda of a meeting, who could be put on it, and what people are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from registry.access import Right, Viewer
from registry.boards.models import AgendaItem, AgendaNeed, Meeting, Recommendation
from registry.boards.queries import meetings
from registry.boards.rules import agenda as rules
from registry.boards.rules import meetings as meeting_rules
from registry.course.models import Pathology, Tumour
from registry.db import db, now
from registry.errors import Forbidden, NotFound
from registry.patients import queries as patients
from registry.patients.models import Patient
from registry.patients.queries import Identity
from registry.people.models import Organisation, Person
from registry.referrals import rules as referral_rules
from registry.referrals.models import Referral

#: States of a referral from which its patient can be put on an agenda.
READY = (referral_rules.ACCEPTED, referral_rules.LISTED)


def item(viewer: Viewer, item_id: UUID | None, *, whole: bool = True) -> AgendaItem:
    """A case of a meeting. To the centre's own people when they may know the patient; to a guest
    while the meeting lasts; else NotFound. Not `whole`: with its meeting alone, for who only asks
    whether something changed."""
    query = sa.select(AgendaItem).where(AgendaItem.id == item_id)
    if whole:
        query = query.options(
            joinedload(AgendaItem.meeting).joinedload(Meeting.board),
            joinedload(AgendaItem.meeting).joinedload(Meeting.organisation),
            joinedload(AgendaItem.patient),
            joinedload(AgendaItem.presenter),
            selectinload(AgendaItem.needs).joinedload(AgendaNeed.person),
        )
    else:
        query = query.options(joinedload(AgendaItem.meeting))
    found = db.session.scalar(query) if viewer.may(Right.BOARDS) else None
    if found is None or not meetings.may_look(viewer, found.meeting):
        raise NotFound()
    inside = meetings.is_inside(viewer, found.meeting.organisation_id)
    if inside and not patients.relation(viewer, found.patient_id):
        raise NotFound()
    if not inside and found.state == rules.REMOVED:
        raise NotFound()
    return found


def item_to_write(viewer: Viewer, item_id: UUID | None) -> AgendaItem:
    """A case of a meeting of the viewer's own centre. Forbidden to a guest."""
    found = item(viewer, item_id)
    if not meetings.is_inside(viewer, found.meeting.organisation_id):
        raise Forbidden()
    return found


@dataclass(frozen=True)
class ItemRow:
    """A case as the agenda lists it."""

    id: UUID
    version: int
    patient_id: UUID
    identity: Identity
    place: int
    state: str
    why: str
    question: str
    question_text: str
    presenter: str
    hospital: str
    urgency: str
    site: str
    grade: str
    stage: str
    missing: int
    needs_open: int
    needs: int
    deferred_for: str
    deferred_text: str
    late_because: str
    recommendation_id: UUID | None
    signed_at: datetime | None

    @property
    def is_ready(self) -> bool:
        """Nothing that is asked for is open."""
        return not self.missing and not self.needs_open


def items(viewer: Viewer, found: Meeting, *, removed: bool = False) -> list[ItemRow]:
    """The agenda of a meeting that was fetched for a viewer, in its order."""
    hospital = Organisation
    query = (
        sa.select(AgendaItem, Patient, Referral, hospital.name, Person.name)
        .join(Patient, Patient.id == AgendaItem.patient_id)
        .outerjoin(Referral, Referral.id == AgendaItem.referral_id)
        .outerjoin(hospital, hospital.id == Referral.from_organisation_id)
        .outerjoin(Person, Person.id == AgendaItem.presenter_id)
        .where(AgendaItem.meeting_id == found.id)
        .order_by(AgendaItem.place, AgendaItem.id)
    )
    if not removed:
        query = query.where(AgendaItem.state != rules.REMOVED)
    if meetings.is_inside(viewer, found.organisation_id):
        query = query.where(AgendaItem.patient_id.in_(patients.related_to(viewer)))
    rows = db.session.execute(query).all()
    ids = [row[0].id for row in rows]
    needs, latest = _needs(ids), latest_of(ids)
    known = _diagnoses([row[1].id for row in rows])
    return [_row(*row, needs=needs, latest=latest, known=known) for row in rows]


def _diagnoses(ids: Sequence[UUID]) -> dict[UUID, tuple[str, str]]:
    """Primary site and grade of patients as the record has them, the latest report deciding."""
    sites = sa.select(Tumour.patient_id, Tumour.primary_site).where(
        Tumour.patient_id.in_(ids), Tumour.error_at.is_(None)
    )
    found = {row[0]: (row[1] or "", "") for row in db.session.execute(sites.order_by(Tumour.id))}
    grade = sa.func.coalesce(Pathology.derived_category, Pathology.grade_stated)
    reports = (
        sa.select(Pathology.patient_id, grade)
        .where(Pathology.patient_id.in_(ids), Pathology.error_at.is_(None), grade.is_not(None))
        .order_by(sa.func.coalesce(Pathology.date, ""), Pathology.id)
    )
    for patient_id, category in db.session.execute(reports):
        found[patient_id] = (found.get(patient_id, ("", ""))[0], category)
    return found


def _row(
    one: AgendaItem,
    patient: Patient,
    referral: Referral | None,
    hospital: str | None,
    presenter: str | None,
    *,
    needs: dict[UUID, tuple[int, int]],
    latest: dict[UUID, tuple[UUID, datetime | None]],
    known: dict[UUID, tuple[str, str]],
) -> ItemRow:
    asked, open_ = needs.get(one.id, (0, 0))
    recommendation_id, signed_at = latest.get(one.id, (None, None))
    site, grade = known.get(patient.id, ("", ""))
    return ItemRow(
        id=one.id,
        version=one.version,
        patient_id=patient.id,
        identity=patients.identity(patient),
        place=one.place,
        state=one.state,
        why=one.why,
        question=one.question,
        question_text=one.question_text,
        presenter=presenter or "",
        hospital=hospital or "",
        urgency=referral.urgency if referral else "",
        site=site or (referral.primary_site if referral else ""),
        grade=grade or (referral.grade_category if referral else ""),
        stage=referral.stage if referral else "",
        missing=referral.missing_count if referral else 0,
        needs_open=open_,
        needs=asked,
        deferred_for=one.deferred_for,
        deferred_text=one.deferred_text,
        late_because=one.late_because,
        recommendation_id=recommendation_id,
        signed_at=signed_at,
    )


def _needs(ids: Sequence[UUID]) -> dict[UUID, tuple[int, int]]:
    """(asked for, still open) of each case."""
    query = (
        sa.select(
            AgendaNeed.item_id,
            sa.func.count(),
            sa.func.sum(sa.case((AgendaNeed.met_at.is_(None), 1), else_=0)),
        )
        .where(AgendaNeed.item_id.in_(list(ids)))
        .group_by(AgendaNeed.item_id)
    )
    return {row[0]: (row[1], int(row[2])) for row in db.session.execute(query)}


def latest_of(ids: Sequence[UUID]) -> dict[UUID, tuple[UUID, datetime | None]]:
    """The latest signed recommendation of each case, else its draft: (id, when signed)."""
    query = (
        sa.select(Recommendation.item_id, Recommendation.id, Recommendation.locked_at)
        .where(Recommendation.item_id.in_(list(ids)))
        .order_by(Recommendation.locked_at.is_not(None), Recommendation.number)
    )
    return {row[0]: (row[1], row[2]) for row in db.session.execute(query)}


def neighbours(found: AgendaItem, rows: Sequence[ItemRow]) -> tuple[ItemRow | None, ItemRow | None]:
    """The case before and the one after."""
    ids = [one.id for one in rows]
    if found.id not in ids:
        return None, None
    at = ids.index(found.id)
    return (rows[at - 1] if at else None), (rows[at + 1] if at + 1 < len(rows) else None)


# -- who could be put on it --------------------------------------------------------------------


@dataclass(frozen=True)
class Candidate:
    """A patient who could be put on the agenda, and why."""

    patient_id: UUID
    referral_id: UUID | None
    identity: Identity
    why: str
    hospital: str
    urgency: str
    question: str
    site: str
    grade: str
    missing: int
    deadline: Any
    is_listed: bool = False  # the worklist put it on the board's list
    review_date: str = ""


def candidates(viewer: Viewer, found: Meeting, *, limit: int = 60) -> list[Candidate]:
    """Referrals that wait for a board: those the worklist has listed for it before those that are
    only accepted, each by urgency, readiness and deadline; then those whose review is due by the
    day of the meeting. Who is on an agenda that is still to come is left out."""
    coming = (
        sa.select(AgendaItem.patient_id)
        .join(Meeting, Meeting.id == AgendaItem.meeting_id)
        .where(
            Meeting.organisation_id == found.organisation_id,
            sa.or_(
                AgendaItem.meeting_id == found.id,
                sa.and_(
                    Meeting.state.in_([meeting_rules.PLANNED, meeting_rules.UNDER_WAY]),
                    AgendaItem.state == rules.LISTED,
                ),
            ),
            AgendaItem.state != rules.REMOVED,
        )
    )
    referred = (
        sa.select(Referral, Patient, Organisation.name)
        .join(Patient, Patient.id == Referral.patient_id)
        .join(Organisation, Organisation.id == Referral.from_organisation_id)
        .where(
            Referral.to_organisation_id == found.organisation_id,
            Referral.state.in_(READY),
            Referral.patient_id.in_(patients.related_to(viewer)),
            Referral.patient_id.not_in(coming),
        )
        .order_by(
            Referral.state != referral_rules.LISTED, Referral.urgency_rank,
            Referral.missing_count, Referral.deadline, Referral.id,
        )
        .limit(limit)
    )  # fmt: skip
    listed = [
        Candidate(
            p.id, r.id, patients.identity(p), rules.REFERRAL, name, r.urgency, r.question or "",
            r.primary_site, r.grade_category, r.missing_count, r.deadline,
            r.state == referral_rules.LISTED,
        )
        for r, p, name in db.session.execute(referred)
    ]  # fmt: skip
    return listed + _reviews(viewer, found, coming, {one.patient_id for one in listed})


def _reviews(
    viewer: Viewer, found: Meeting, coming: sa.Select[Any], known: set[UUID]
) -> list[Candidate]:
    last = (
        sa.select(AgendaItem.patient_id, sa.func.max(Recommendation.review_date).label("day"))
        .join(Recommendation, Recommendation.item_id == AgendaItem.id)
        .join(Meeting, Meeting.id == AgendaItem.meeting_id)
        .where(
            Meeting.organisation_id == found.organisation_id,
            Recommendation.locked_at.is_not(None),
            AgendaItem.patient_id.in_(patients.related_to(viewer)),
            AgendaItem.patient_id.not_in(coming),
        )
        .group_by(AgendaItem.patient_id)
        .subquery()
    )
    due = found.ends_at.date().isoformat()
    query = (
        sa.select(Patient, last.c.day)
        .join(last, last.c.patient_id == Patient.id)
        .where(last.c.day.is_not(None), last.c.day <= due)
        .where(_not_seen_since(found, last))
        .order_by(last.c.day, Patient.id)
        .limit(40)
    )
    return [
        Candidate(
            p.id, None, patients.identity(p), rules.REVIEW, "", "", "", "", "", 0, None,
            review_date=day,
        )
        for p, day in db.session.execute(query)
        if p.id not in known
    ]  # fmt: skip


def _not_seen_since(found: Meeting, last: Any) -> sa.ColumnElement[bool]:
    """No meeting on or after the review date has discussed the patient."""
    later = (
        sa.select(AgendaItem.id)
        .join(Meeting, Meeting.id == AgendaItem.meeting_id)
        .where(
            AgendaItem.patient_id == last.c.patient_id,
            Meeting.organisation_id == found.organisation_id,
            AgendaItem.state == rules.DISCUSSED,
            sa.func.substr(sa.cast(Meeting.starts_at, sa.String), 1, 10) >= last.c.day,
        )
        .correlate(last)
    )
    return sa.not_(later.exists())


def referral_to_answer(viewer: Viewer, patient_id: UUID) -> Referral | None:
    """The latest referral of a patient to the viewer's centre that advice can still be given on."""
    can = {step.state for step in referral_rules.STEPS if step.name == "advise"} | set(READY)
    query = (
        sa.select(Referral)
        .where(
            Referral.patient_id == patient_id,
            Referral.to_organisation_id == viewer.organisation_id,
            Referral.state.in_(sorted(can)),
        )
        .order_by(Referral.submitted_at.desc(), Referral.id.desc())
    )
    return db.session.scalars(query.limit(1)).first()


def on_agenda(found: Meeting, patient_id: UUID) -> AgendaItem | None:
    """The patient's place on this agenda, also one that was taken off."""
    return db.session.scalar(
        sa.select(AgendaItem).where(
            AgendaItem.meeting_id == found.id, AgendaItem.patient_id == patient_id
        )
    )


def places(found: Meeting) -> list[AgendaItem]:
    """The cases of a meeting in their order, to be put into another."""
    query = (
        sa.select(AgendaItem)
        .where(AgendaItem.meeting_id == found.id, AgendaItem.state != rules.REMOVED)
        .order_by(AgendaItem.place, AgendaItem.id)
    )
    return list(db.session.scalars(query))


def whole_items(found: Meeting) -> Sequence[AgendaItem]:
    """The cases of a meeting with what belongs to each, for its pack."""
    query = (
        sa.select(AgendaItem)
        .options(
            joinedload(AgendaItem.meeting).joinedload(Meeting.board),
            joinedload(AgendaItem.patient),
            selectinload(AgendaItem.needs).joinedload(AgendaNeed.person),
        )
        .where(AgendaItem.meeting_id == found.id, AgendaItem.state != rules.REMOVED)
        .order_by(AgendaItem.place, AgendaItem.id)
    )
    return db.session.scalars(query).all()


def left_over(found: Meeting) -> list[AgendaItem]:
    """Cases of earlier meetings of the same board that were not discussed and are nowhere else."""
    carried = sa.select(AgendaItem.carried_from_id).where(AgendaItem.carried_from_id.is_not(None))
    again = (
        sa.select(AgendaItem.patient_id)
        .join(Meeting, Meeting.id == AgendaItem.meeting_id)
        .where(
            Meeting.state.in_([meeting_rules.PLANNED, meeting_rules.UNDER_WAY]),
            Meeting.organisation_id == found.organisation_id,
            AgendaItem.state != rules.REMOVED,
        )
    )
    query = (
        sa.select(AgendaItem)
        .join(Meeting, Meeting.id == AgendaItem.meeting_id)
        .where(
            Meeting.board_id == found.board_id,
            Meeting.starts_at < found.starts_at,
            Meeting.state.in_([meeting_rules.HELD, meeting_rules.CANCELLED]),
            AgendaItem.state.in_([rules.LISTED, rules.DEFERRED]),
            AgendaItem.id.not_in(carried),
            AgendaItem.patient_id.not_in(again),
        )
        .order_by(AgendaItem.listed_at, AgendaItem.id)
    )
    return list(db.session.scalars(query))


# -- what people are asked for -----------------------------------------------------------------


@dataclass(frozen=True)
class NeedRow:
    """What a board asks somebody for."""

    id: UUID
    what: str
    asked_at: datetime
    starts_at: datetime
    board: str
    patient_id: UUID
    pseudonym: str
    met_at: datetime | None


def asked_of(viewer: Viewer) -> list[NeedRow]:
    """What boards ask the viewer for, of patients the viewer may know; the open ones first."""
    query = (
        sa.select(AgendaNeed, AgendaItem.patient_id, Patient.pseudonym, Meeting)
        .options(joinedload(Meeting.board))
        .join(AgendaItem, AgendaItem.id == AgendaNeed.item_id)
        .join(Patient, Patient.id == AgendaItem.patient_id)
        .join(Meeting, Meeting.id == AgendaItem.meeting_id)
        .where(
            AgendaNeed.person_id == viewer.person_id,
            AgendaItem.patient_id.in_(patients.related_to(viewer)),
        )
        .order_by(AgendaNeed.met_at.is_not(None), Meeting.starts_at, AgendaNeed.id)
        .limit(100)
    )
    return [
        NeedRow(
            need.id, need.what, need.asked_at, one.starts_at, one.board.name, patient_id, pseudonym,
            need.met_at,
        )
        for need, patient_id, pseudonym, one in db.session.execute(query)
    ]  # fmt: skip


def need(viewer: Viewer, need_id: UUID | None) -> AgendaNeed:
    """Something a board asked for: to whom it was asked of, and to the board's own people."""
    query = (
        sa.select(AgendaNeed)
        .options(joinedload(AgendaNeed.item).joinedload(AgendaItem.meeting))
        .where(AgendaNeed.id == need_id)
    )
    found = db.session.scalar(query)
    if found is None:
        raise NotFound()
    inside = meetings.is_inside(viewer, found.item.meeting.organisation_id)
    mine = found.person_id == viewer.person_id
    if not (inside or mine) or not patients.relation(viewer, found.item.patient_id):
        raise NotFound()
    return found


def day_of(found: Meeting) -> str:
    """The day of a meeting where it takes place, as ISO."""
    zone = found.board.time_zone
    return referral_rules.local_day(found.starts_at, zone).isoformat()


def is_late(found: Meeting) -> bool:
    """Is the time over until which cases are put on?"""
    return now() > found.cutoff_at


def referrer_of(found: AgendaItem) -> tuple[UUID, str] | None:
    """The doctor whose referral is answered, where there is an account."""
    if found.referral_id is None:
        return None
    query = (
        sa.select(Person.id, Person.name)
        .join(Referral, sa.func.coalesce(Referral.referrer_id, Referral.entered_by) == Person.id)
        .where(Referral.id == found.referral_id)
    )
    row = db.session.execute(query).first()
    return (row[0], row[1]) if row else None
