"""The referrals of a patient, as the chart reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from registry.access import Right, Viewer
from registry.db import db, now
from registry.patients.models import Patient
from registry.referrals.models import (
    Referral,
)
from registry.referrals.queries.advising import AdviceRow, advice_of
from registry.referrals.queries.reach import from_here, knows_at, knows_patient, sent_from
from registry.referrals.queries.sent import EventRow, events_of


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
    here = sa.or_(from_here(viewer), Referral.to_organisation_id == viewer.organisation_id)
    query = (
        sa.select(Referral.id, Patient.pseudonym)
        .join(Patient, Patient.id == Referral.patient_id)
        .where(Referral.id.in_(list(ids)), here, knows_patient(viewer))
    )
    return {row.id: row.pseudonym for row in db.session.execute(query)}


@cache
def _of_patient() -> sa.Select[Any]:
    """Asked for every chart, so it is put together once."""
    here = sa.bindparam("here", type_=sa.Uuid())
    return (
        sa.select(Referral)
        .options(joinedload(Referral.from_organisation), joinedload(Referral.to_organisation))
        .where(
            Referral.patient_id == sa.bindparam("patient"),
            Referral.submitted_at.is_not(None),
            sa.or_(sent_from(here), Referral.to_organisation_id == here),
            knows_at(here, sa.bindparam("now")),
        )
        .order_by(Referral.submitted_at.desc(), Referral.id.desc())
    )


def of_patient(viewer: Viewer, patient_id: UUID) -> list[ReferralRow]:
    """The referrals of a patient that the viewer's organisation sent or was sent, newest first;
    drafts are not among them."""
    asked = {"patient": patient_id, "here": viewer.organisation_id, "now": now()}
    found: list[Referral] = list(db.session.scalars(_of_patient(), asked))
    if not found:
        return []
    happened, given = events_of(viewer, found), advice_of(found)
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
