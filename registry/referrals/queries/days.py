"""The working days of a centre, and what is late there or about to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry.access import Right, Viewer
from registry.db import db, now, table_of
from registry.driver import answer
from registry.patients import queries as patients
from registry.patients.models import Patient
from registry.people import queries as people
from registry.people.models import Organisation, Person
from registry.referrals import rules
from registry.referrals.models import ClosedDay, InformationRequest, Referral
from registry.referrals.queries.reach import knows_patient
from registry.referrals.rules import Calendar

#: So far back closed days can still matter to a deadline.
BACK = timedelta(days=400)


def calendar_of(centre: Organisation) -> Calendar:
    """On which days a centre works."""
    return Calendar(centre.country, closed_days(centre.id))


def closed_days(organisation_id: UUID | None) -> Mapping[date, str]:
    """The centre's own closed days, by day, with the reason."""
    given = {"organisation_id": organisation_id, "since": now().date() - BACK}
    return {row.day: row.why for row in answer(_closed(), given)}


@cache
def _closed() -> sa.Select[Any]:
    day = table_of(ClosedDay).c
    return (
        sa.select(day.day, day.why)
        .where(
            day.organisation_id == sa.bindparam("organisation_id"), day.day > sa.bindparam("since")
        )
        .order_by(day.day)
    )


@dataclass(frozen=True)
class LateRow:
    """A case that is late at its centre, or about to be, and with what."""

    id: UUID
    pseudonym: str
    name: str  # empty for those who see no names
    patient_id: UUID
    urgency: str
    state: str
    what: str  # look, decision, advice
    due: date
    lateness: str
    assignee: str
    assignee_id: UUID | None
    submitted_days: int
    escalated: bool


LOOK, DECISION, ADVICE = "look", "decision", "advice"
MOST_LATE = 200


def late(viewer: Viewer, *, limit: int = MOST_LATE) -> list[LateRow]:
    """What is overdue at the viewer's centre or will be within two working days: by urgency, then
    the day it is due. A lead who may not triage sees no names."""
    viewer.need(Right.SEE_LATE)
    if viewer.organisation_id is None:
        return []
    centre = people.organisation_by_id(viewer.organisation_id)
    return late_at(centre, names=viewer.may(Right.TRIAGE), limit=limit, viewer=viewer)


def late_at(
    centre: Organisation,
    *,
    names: bool = False,
    limit: int = MOST_LATE,
    viewer: Viewer | None = None,
) -> list[LateRow]:
    """The same for a centre, for the worker that tells its people."""
    calendar = calendar_of(centre)
    today = rules.local_day(now(), centre.time_zone)
    until = calendar.add(today, rules.AHEAD)
    query = (
        sa.select(Referral, Patient, Person.name)
        .join(Patient, Patient.id == Referral.patient_id)
        .outerjoin(Person, Person.id == Referral.assignee_id)
        .where(
            Referral.to_organisation_id == centre.id,
            Referral.phase == rules.LIVE,
            sa.or_(
                Referral.look_due <= until,
                sa.and_(Referral.deadline <= until, Referral.clock == rules.RUNNING),
            ),
        )
        .order_by(
            Referral.urgency_rank, sa.func.coalesce(Referral.look_due, Referral.deadline),
            Referral.id,
        )
        .limit(limit)
    )  # fmt: skip
    if viewer is not None and names:
        query = query.where(knows_patient(viewer))
    return [
        _late_row(found, patient, assignee, today, calendar, names)
        for found, patient, assignee in db.session.execute(query)
    ]


def _late_row(
    found: Referral,
    patient: Patient,
    assignee: str | None,
    today: date,
    calendar: Calendar,
    names: bool,
) -> LateRow:
    what, due = owed(found)
    return LateRow(
        id=found.id,
        pseudonym=patient.pseudonym,
        name=(patients.identity(patient).name if names else "") or "",
        patient_id=patient.id,
        urgency=found.urgency,
        state=found.state,
        what=what,
        due=due,
        lateness=rules.lateness(due, today, calendar),
        assignee=assignee or "",
        assignee_id=found.assignee_id,
        submitted_days=(now() - found.submitted_at).days if found.submitted_at else 0,
        escalated=found.escalated_at is not None,
    )


def owed(found: Referral) -> tuple[str, date]:
    """What the centre owes next, and by when."""
    deadline = found.deadline or date.max
    if found.look_due is not None and (found.look_due <= deadline or found.clock != rules.RUNNING):
        return LOOK, found.look_due
    return (ADVICE if found.decided_at is not None else DECISION), deadline


@dataclass(frozen=True)
class WaitingRow:
    """A question of the centre that has no answer though its day has passed."""

    referral_id: UUID
    pseudonym: str
    hospital: str
    by_date: date | None
    asked_of: str | None


def answer_is_late(centre_id: UUID | None, today: date) -> tuple[sa.ColumnElement[bool], ...]:
    """Conditions on a referral and its question: the hospital's answer is late on that day."""
    return (
        Referral.to_organisation_id == centre_id,
        Referral.phase == rules.LIVE,
        Referral.state == rules.INFORMATION_REQUESTED,
        InformationRequest.answered_at.is_(None),
        InformationRequest.withdrawn_at.is_(None),
        InformationRequest.by_date < today,
    )


def late_information(
    centre_id: UUID | None, today: date, *, limit: int = MOST_LATE
) -> list[WaitingRow]:
    """Questions of a centre whose answer is late, the oldest first."""
    query = (
        sa.select(
            Referral.id,
            Patient.pseudonym,
            Organisation.name,
            InformationRequest.by_date,
            InformationRequest.asked_of,
        )
        .join(Referral, Referral.id == InformationRequest.referral_id)
        .join(Patient, Patient.id == Referral.patient_id)
        .join(Organisation, Organisation.id == Referral.from_organisation_id)
        .where(*answer_is_late(centre_id, today))
        .order_by(InformationRequest.by_date, Referral.id)
        .limit(limit)
    )
    return [WaitingRow(*row) for row in db.session.execute(query)]
