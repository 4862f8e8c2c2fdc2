"""The centre's worklist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from registry.access import Right, Viewer
from registry.dates import PartialDate
from registry.db import db, now
from registry.patients import queries as patients
from registry.patients.models import Patient
from registry.people import queries as people
from registry.people.models import Organisation, Person
from registry.referrals import rules
from registry.referrals.models import (
    Referral,
)
from registry.referrals.queries.hospital_list import waited
from registry.referrals.queries.reach import knows_patient, steps
from registry.referrals.rules import Side, Step


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
            knows_patient(viewer),
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
