"""The hospital's list of its referrals."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from registry.access import Viewer
from registry.db import db, now
from registry.patients import queries as patients
from registry.patients.models import Patient
from registry.people.models import Organisation, Person
from registry.referrals import rules
from registry.referrals.models import (
    Referral,
)
from registry.referrals.queries.reach import from_here, knows_patient


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
        .where(from_here(viewer), knows_patient(viewer))
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
