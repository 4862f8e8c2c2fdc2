"""Reading referrals: every query takes the viewer; the hospital, or the centre asked, may know.

A draft is seen by the hospital it comes from (and by the centre whose coordinator entered it),
never by the centre it is addressed to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased, joinedload

from registry.access import Right, Viewer
from registry.dates import PartialDate
from registry.db import db, now
from registry.errors import Forbidden, NotFound
from registry.patients import queries as patients
from registry.patients.models import CareRelation, Patient
from registry.people import queries as people
from registry.people.models import Organisation, Person
from registry.referrals import rules
from registry.referrals.models import (
    Advice,
    InformationRequest,
    Referral,
    ReferralEvent,
    Submission,
)
from registry.referrals.rules import Side, Step


def _knows_patient(viewer: Viewer) -> sa.ColumnElement[bool]:
    """Does the viewer's organisation have a care relation with the referral's patient now?"""
    related = patients.related_to(viewer).where(CareRelation.patient_id == Referral.patient_id)
    return related.correlate(Referral).exists()


def _from_here(viewer: Viewer) -> sa.ColumnElement[bool]:
    """Referrals of the viewer's own hospital, or entered here for another."""
    return sa.or_(
        Referral.from_organisation_id == viewer.organisation_id,
        Referral.entered_at_organisation_id == viewer.organisation_id,
    )


def referral(viewer: Viewer, referral_id: UUID | None) -> Referral:
    """A referral to read. Raises NotFound to a stranger."""
    if referral_id is None or not viewer.may(Right.READ_REFERRAL):
        raise NotFound()
    sent = Referral.submitted_at.is_not(None)
    query = (
        sa.select(Referral)
        .options(
            joinedload(Referral.patient),
            joinedload(Referral.from_organisation),
            joinedload(Referral.to_organisation),
        )
        .where(
            Referral.id == referral_id,
            sa.or_(sent, Referral.state == rules.DRAFT),
            sa.or_(
                _from_here(viewer),
                sa.and_(Referral.to_organisation_id == viewer.organisation_id, sent),
            ),
            _knows_patient(viewer),
        )
    )
    found = db.session.scalar(query)
    if found is None:
        raise NotFound()
    return found


def sides(viewer: Viewer, found: Referral) -> frozenset[Side]:
    """From where the viewer acts on a referral they were given."""
    here, acting = viewer.organisation_id, set()
    if here == found.from_organisation_id:
        acting.add(Side.REFERRING)
    if here == found.entered_at_organisation_id and found.entered_for_another:
        acting.add(Side.ON_BEHALF)
    if here == found.to_organisation_id and found.state != rules.DRAFT:
        acting.add(Side.CENTRE)
    return frozenset(acting)


def steps(viewer: Viewer, found: Referral) -> list[Step]:
    """The steps the viewer may take now."""
    if not viewer.may(Right.STEP):
        return []
    return rules.steps_for(found.state, sides(viewer, found), viewer.roles)


def step(viewer: Viewer, found: Referral, name: str) -> Step | None:
    """A step the viewer may take, or None where it is not one of this state.

    Raises Forbidden where the state has the step and the viewer may not take it.
    """
    known = rules.step_of(found.state, name)
    if known is None:
        return None
    if not viewer.may(Right.STEP) or not rules.may_take(known, sides(viewer, found), viewer.roles):
        raise Forbidden()
    return known


def referral_to_write(viewer: Viewer, referral_id: UUID | None) -> Referral:
    """A referral whose form the viewer may change now: a draft, or one that awaits information.

    NotFound to a stranger, Forbidden to a reader and once it is with the centre.
    """
    found = referral(viewer, referral_id)
    names = {step.name for step in steps(viewer, found)}
    if not names & {"submit", "give_information"}:
        raise Forbidden()
    return found


def by_form_key(viewer: Viewer, key: UUID) -> Referral | None:
    """The draft that the same first page already made, if it did."""
    return db.session.scalar(
        sa.select(Referral).where(Referral.form_key == key, _from_here(viewer))
    )


def fresh(found: Referral) -> Referral:
    """The same referral as it is now, held until the end of the transaction: of two who decide
    at once the second waits here and then sees what the first did."""
    db.session.execute(sa.select(Referral.id).where(Referral.id == found.id).with_for_update())
    db.session.refresh(found)
    return found


# -- one case ----------------------------------------------------------------------------------


def submissions(found: Referral) -> list[Submission]:
    """What was sent with a referral that was fetched for a viewer, the newest first."""
    query = (
        sa.select(Submission)
        .where(Submission.referral_id == found.id)
        .order_by(Submission.number.desc())
    )
    return list(db.session.scalars(query))


def latest_submission(found: Referral) -> Submission | None:
    """What was sent last."""
    query = (
        sa.select(Submission)
        .where(Submission.referral_id == found.id)
        .order_by(Submission.number.desc())
        .limit(1)
    )
    return db.session.scalars(query).first()


@dataclass(frozen=True)
class EventRow:
    """A step that was taken, as it is listed."""

    at: datetime
    step: str
    from_state: str
    to_state: str
    who: str
    place: str
    text: str
    shown_to: str


def events(viewer: Viewer, found: Referral) -> list[EventRow]:
    """What happened, oldest first; what only the centre sees is shown to the centre alone."""
    return _events(viewer, [found]).get(found.id, [])


def _events(viewer: Viewer, found: Sequence[Referral]) -> dict[UUID, list[EventRow]]:
    at_centre = {one.id for one in found if Side.CENTRE in sides(viewer, one)}
    query = (
        sa.select(ReferralEvent, Person.name, Organisation.name)
        .outerjoin(Person, Person.id == ReferralEvent.person_id)
        .outerjoin(Organisation, Organisation.id == ReferralEvent.organisation_id)
        .where(ReferralEvent.referral_id.in_([one.id for one in found]))
        .order_by(ReferralEvent.at, ReferralEvent.id)
    )
    rows: dict[UUID, list[EventRow]] = {}
    for event, who, place in db.session.execute(query):
        if event.shown_to == "both" or event.referral_id in at_centre:
            rows.setdefault(event.referral_id, []).append(
                EventRow(
                    event.at,
                    event.step,
                    event.from_state,
                    event.to_state,
                    who or "",
                    place or "",
                    event.text,
                    event.shown_to,
                )
            )
    return rows


def last_event(found: Referral) -> tuple[str, str, datetime] | None:
    """Who took the last step, which, and when: to tell the one who came second."""
    query = (
        sa.select(Person.name, ReferralEvent.step, ReferralEvent.at)
        .outerjoin(Person, Person.id == ReferralEvent.person_id)
        .where(ReferralEvent.referral_id == found.id)
        .order_by(ReferralEvent.at.desc(), ReferralEvent.id.desc())
        .limit(1)
    )
    row = db.session.execute(query).first()
    return (row[0] or "", row[1], row[2]) if row else None


@dataclass(frozen=True)
class AdviceRow:
    """An advice as it is read."""

    id: UUID
    kinds: tuple[str, ...]
    text: str
    at: datetime
    who: str
    acknowledged_at: datetime | None
    acknowledged_by: str


def advice(found: Referral) -> list[AdviceRow]:
    """The advice given on a referral that was fetched for a viewer, oldest first."""
    return _advice([found]).get(found.id, [])


def _advice(found: Sequence[Referral]) -> dict[UUID, list[AdviceRow]]:
    reader = aliased(Person)
    query = (
        sa.select(Advice, Person.name, reader.name)
        .outerjoin(Person, Person.id == Advice.given_by)
        .outerjoin(reader, reader.id == Advice.acknowledged_by)
        .where(Advice.referral_id.in_([one.id for one in found]))
        .order_by(Advice.at, Advice.id)
    )
    rows: dict[UUID, list[AdviceRow]] = {}
    for one, who, read_by in db.session.execute(query):
        rows.setdefault(one.referral_id, []).append(
            AdviceRow(
                one.id,
                tuple(one.kinds or ()),
                one.text or "",
                one.at,
                who or "",
                one.acknowledged_at,
                read_by or "",
            )
        )
    return rows


def unacknowledged(found: Referral) -> list[Advice]:
    """Advice that nobody has acknowledged yet."""
    query = sa.select(Advice).where(
        Advice.referral_id == found.id, Advice.acknowledged_at.is_(None)
    )
    return list(db.session.scalars(query.order_by(Advice.at, Advice.id)))


def open_request(found: Referral) -> InformationRequest | None:
    """What the centre asked for and has not been told yet."""
    query = (
        sa.select(InformationRequest)
        .where(InformationRequest.referral_id == found.id, InformationRequest.answered_at.is_(None))
        .order_by(InformationRequest.asked_at.desc(), InformationRequest.id.desc())
    )
    return db.session.scalars(query).first()


def other_live(found: Referral) -> bool:
    """Is another referral of the same patient still with the same centre?"""
    query = sa.select(Referral.id).where(
        Referral.patient_id == found.patient_id,
        Referral.to_organisation_id == found.to_organisation_id,
        Referral.id != found.id,
        Referral.phase.in_([rules.LIVE, rules.ANSWERED]),
    )
    return db.session.scalars(query.limit(1)).first() is not None


def others_of_patient(found: Referral) -> list[Referral]:
    """The other referrals of the same patient that were sent or are drafts."""
    query = sa.select(Referral).where(
        Referral.patient_id == found.patient_id,
        Referral.id != found.id,
        sa.or_(Referral.submitted_at.is_not(None), Referral.state == rules.DRAFT),
    )
    return list(db.session.scalars(query.order_by(Referral.id)))


# -- the chart ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class ReferralRow:
    """A referral of a patient, as the chart shows it."""

    id: UUID
    state: str
    from_name: str
    to_name: str
    question: str
    question_text: str
    urgency: str
    submitted_at: datetime | None
    answer_due: date | None
    events: tuple[EventRow, ...]
    advice: tuple[AdviceRow, ...]


def pseudonyms(viewer: Viewer, ids: Sequence[UUID]) -> dict[UUID, str]:
    """The patients' pseudonyms of referrals the viewer may know of, in one query."""
    if not ids or not viewer.may(Right.READ_REFERRAL):
        return {}
    here = sa.or_(_from_here(viewer), Referral.to_organisation_id == viewer.organisation_id)
    query = (
        sa.select(Referral.id, Patient.pseudonym)
        .join(Patient, Patient.id == Referral.patient_id)
        .where(Referral.id.in_(list(ids)), here, _knows_patient(viewer))
    )
    return {row.id: row.pseudonym for row in db.session.execute(query)}


def of_patient(viewer: Viewer, patient_id: UUID) -> list[ReferralRow]:
    """The referrals of a patient that the viewer's organisation sent or was sent, newest first;
    drafts are not among them."""
    sent_here = Referral.to_organisation_id == viewer.organisation_id
    query = (
        sa.select(Referral)
        .options(joinedload(Referral.from_organisation), joinedload(Referral.to_organisation))
        .where(
            Referral.patient_id == patient_id,
            Referral.submitted_at.is_not(None),
            sa.or_(_from_here(viewer), sent_here),
            _knows_patient(viewer),
        )
        .order_by(Referral.submitted_at.desc(), Referral.id.desc())
    )
    found = list(db.session.scalars(query))
    if not found:
        return []
    happened, given = _events(viewer, found), _advice(found)
    return [
        ReferralRow(
            one.id,
            one.state,
            one.from_organisation.name,
            one.to_organisation.name,
            one.question or "",
            one.question_text or "",
            one.urgency,
            one.submitted_at,
            one.answer_due,
            tuple(happened.get(one.id, ())),
            tuple(given.get(one.id, ())),
        )
        for one in found
    ]


# -- the hospital's list -----------------------------------------------------------------------


@dataclass(frozen=True)
class MineRow:
    """A referral as its hospital sees it in the list."""

    id: UUID
    state: str
    identity: patients.Identity
    centre: str
    question: str
    referrer: str
    urgency: str
    created_at: datetime
    saved_at: datetime | None
    submitted_at: datetime | None
    answer_due: date | None
    advised_at: datetime | None
    ended_at: datetime | None
    clock: str

    @property
    def waiting_days(self) -> int:
        """Days since it was sent, until the advice or the end."""
        return waited(self.submitted_at, self.advised_at or self.ended_at)


def waited(since: datetime | None, until: datetime | None) -> int:
    """Whole days a patient has been waiting since the referral was sent; nothing stops that."""
    return ((until or now()) - since).days if since else 0


def mine(
    viewer: Viewer,
    *,
    only_own: bool = False,
    drafts: bool = False,
    ended: bool = False,
    before: UUID | None = None,
    limit: int = 50,
) -> list[MineRow]:
    """The hospital's referrals, newest first: those under way, its drafts, or those that ended.

    One row more than `limit` tells that there are older ones.
    """
    centre = aliased(Organisation)
    query = (
        sa.select(Referral, Patient, centre.name, Person.name)
        .join(Patient, Patient.id == Referral.patient_id)
        .join(centre, centre.id == Referral.to_organisation_id)
        .outerjoin(Person, Person.id == sa.func.coalesce(Referral.referrer_id, Referral.entered_by))
        .where(_from_here(viewer), _knows_patient(viewer))
        .order_by(Referral.id.desc())
        .limit(limit + 1)
    )
    if drafts:
        query = query.where(Referral.state == rules.DRAFT)
    elif ended:
        query = query.where(Referral.phase == rules.ENDED, Referral.submitted_at.is_not(None))
    else:
        query = query.where(Referral.phase.in_([rules.LIVE, rules.ANSWERED]))
    if only_own:
        query = query.where(
            sa.or_(
                Referral.referrer_id == viewer.person_id, Referral.entered_by == viewer.person_id
            )
        )
    if before is not None:
        query = query.where(Referral.id < before)
    return [
        MineRow(
            id=r.id,
            state=r.state,
            identity=patients.identity(patient),
            centre=centre_name,
            question=r.question or "",
            referrer=r.on_behalf_of or who or "",
            urgency=r.urgency,
            created_at=r.created_at,
            saved_at=r.draft_saved_at,
            submitted_at=r.submitted_at,
            answer_due=r.answer_due,
            advised_at=r.advised_at,
            ended_at=r.ended_at,
            clock=r.clock,
        )
        for r, patient, centre_name, who in db.session.execute(query)
    ]


# -- the worklist ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Filters:
    """What the worklist is narrowed to; empty is everything that is open."""

    state: str = ""
    site_group: str = ""
    grade_group: str = ""
    assignee: str = ""  # an id, "none" or "me"
    overdue: bool = False


Mark = tuple[int, date, UUID]  # urgency rank, deadline and id: the place of a row in the order


@dataclass(frozen=True)
class WorkRow:
    """A referral as the centre's worklist shows it."""

    id: UUID
    version: int
    state: str
    identity: patients.Identity
    hospital: str
    assignee: str
    question: str
    urgency: str
    urgency_derived: Mapping[str, Any]
    red_flags: tuple[str, ...]
    primary_site: str
    site_group: str
    grade_category: str
    grade_status: str
    stage: str
    stage_derived: bool
    syndrome: str
    missing_count: int
    deadline: date
    clock: str
    submitted_at: datetime
    advised_at: datetime | None
    ended_at: datetime | None
    urgency_rank: int
    steps: tuple[Step, ...]

    @property
    def mark(self) -> Mark:
        """The place in the order, to read on from."""
        return self.urgency_rank, self.deadline, self.id

    @property
    def waiting_days(self) -> int:
        """Days since it was sent, until the advice or the end."""
        return waited(self.submitted_at, self.advised_at or self.ended_at)

    def days_left(self, today: date) -> int | None:
        """Days to the deadline, negative when overdue; None while the clock does not run."""
        return (self.deadline - today).days if self.clock == rules.RUNNING else None

    def age(self, today: date) -> str:
        """Age in years; two where the birth date leaves both open."""
        return age_text(self.identity.birth_date, today)


def age_text(born: PartialDate | None, today: date) -> str:
    """Age in whole years on a day, as 63, or 62–63 where the birth date is partial."""
    if born is None:
        return ""
    low, high = (_years(day, today) for day in (born.latest, born.earliest))
    return str(low) if low == high else f"{max(low, 0)}–{high}"


def _years(born: date, today: date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def today_here(viewer: Viewer) -> date:
    """The day it is at the viewer's organisation."""
    return rules.local_day(now(), viewer.seat.time_zone if viewer.seat else "UTC")


def worklist(
    viewer: Viewer,
    filters: Filters = Filters(),
    *,
    after: Mark | None = None,
    only: Sequence[UUID] | None = None,
    limit: int = 50,
) -> list[WorkRow]:
    """What was sent to the viewer's centre, by urgency, deadline and id, in one query.

    `only` narrows to the patients a search found, in every state. One row more than `limit` tells
    that the list goes on; read on with the `mark` of the last row shown.
    """
    viewer.need(Right.TRIAGE)
    hospital, assignee = aliased(Organisation), aliased(Person)
    place = (Referral.urgency_rank, Referral.deadline, Referral.id)
    query = (
        sa.select(Referral, Patient, hospital.name, assignee.name)
        .join(Patient, Patient.id == Referral.patient_id)
        .join(hospital, hospital.id == Referral.from_organisation_id)
        .outerjoin(assignee, assignee.id == Referral.assignee_id)
        .where(
            Referral.to_organisation_id == viewer.organisation_id,
            Referral.submitted_at.is_not(None),
            _knows_patient(viewer),
        )
        .order_by(*place)
        .limit(limit + 1)
    )
    if only is None:
        query = query.where(*_narrow(viewer, filters))
    else:
        query = query.where(Referral.patient_id.in_(list(only)), Referral.submitted_at.is_not(None))
    if after is not None:
        query = query.where(sa.tuple_(*place) > sa.tuple_(*(sa.literal(v) for v in after)))
    return [_work_row(viewer, *row) for row in db.session.execute(query)]


def _narrow(viewer: Viewer, filters: Filters) -> list[sa.ColumnElement[bool]]:
    phase = rules.PHASE.get(filters.state, filters.state or rules.LIVE)
    wanted = [Referral.phase == (phase if phase in rules.PHASES else rules.LIVE)]
    if filters.state in rules.STATES:
        wanted.append(Referral.state == filters.state)
    if filters.site_group:
        group = "" if filters.site_group == "none" else filters.site_group
        wanted.append(Referral.site_group == group)
    if filters.grade_group:
        wanted.append(Referral.grade_group == filters.grade_group)
    if filters.assignee:
        wanted.append(Referral.assignee_id == _assignee(viewer, filters.assignee))
    if filters.overdue:
        wanted += [Referral.deadline < today_here(viewer), Referral.clock == rules.RUNNING]
    return wanted


def _assignee(viewer: Viewer, word: str) -> UUID | None:
    if word == "me":
        return viewer.person_id
    if word == "none":
        return None
    return UUID(word)


def _work_row(
    viewer: Viewer, found: Referral, patient: Patient, hospital: str, assignee: str | None
) -> WorkRow:
    if found.submitted_at is None or found.deadline is None:
        raise ValueError("a draft is not on a worklist")
    return WorkRow(
        id=found.id,
        version=found.version,
        state=found.state,
        identity=patients.identity(patient),
        hospital=hospital,
        assignee=assignee or "",
        question=found.question or "",
        urgency=found.urgency,
        urgency_derived=found.urgency_derived or {},
        red_flags=tuple(found.red_flags or ()),
        primary_site=found.primary_site,
        site_group=found.site_group,
        grade_category=found.grade_category,
        grade_status=found.grade_status,
        stage=found.stage,
        stage_derived=found.stage_derived,
        syndrome=found.syndrome,
        missing_count=found.missing_count,
        deadline=found.deadline,
        clock=found.clock,
        submitted_at=found.submitted_at,
        advised_at=found.advised_at,
        ended_at=found.ended_at,
        urgency_rank=found.urgency_rank,
        steps=tuple(steps(viewer, found)),
    )


def counts(viewer: Viewer) -> dict[str, int]:
    """How many referrals of the centre stand in each state that is not the end."""
    query = (
        sa.select(Referral.state, sa.func.count())
        .where(
            Referral.to_organisation_id == viewer.organisation_id,
            Referral.phase.in_([rules.LIVE, rules.ANSWERED]),
        )
        .group_by(Referral.state)
    )
    return dict(db.session.execute(query).all())


def colleagues(viewer: Viewer) -> Sequence[Person]:
    """Who at the viewer's centre can take a case."""
    if viewer.organisation_id is None:
        return ()
    roles = rules.step_of(rules.SUBMITTED, "assign")
    return people.members(viewer.organisation_id, roles.who[Side.CENTRE] if roles else ())
