"""What a new referral can begin with: what is known of the patient, and of who refers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from registry.access import Viewer
from registry.course import facts as plain
from registry.course import queries as course
from registry.course.queries import Record
from registry.db import db
from registry.patients.models import Patient
from registry.referrals import rules
from registry.referrals.case import CONTACT
from registry.referrals.models import Referral, Submission
from registry.referrals.queries.reach import from_here, knows_patient

#: Rows of each kind a form begins with; the newest ones, more are in the record.
_NEWEST = {"imaging": 6, "biomarker": 8, "therapy": 12}


@dataclass(frozen=True)
class LiveRow:
    """A referral of a patient that is a draft, with a centre, or answered and not yet closed."""

    id: UUID
    state: str
    to_name: str
    question: str
    since: datetime


def live_of_patients(viewer: Viewer, ids: Iterable[UUID]) -> dict[UUID, list[LiveRow]]:
    """The live referrals of patients, as far as the viewer may know of them: those of one's own
    organisation, and those sent to it. One query, newest first."""
    wanted = list(ids)
    if not wanted:
        return {}
    to_here = sa.and_(
        Referral.to_organisation_id == viewer.organisation_id, Referral.submitted_at.is_not(None)
    )
    query = (
        sa.select(Referral)
        .options(joinedload(Referral.to_organisation))
        .where(
            Referral.patient_id.in_(wanted),
            Referral.phase.in_([rules.DRAFT, rules.LIVE, rules.ANSWERED]),
            sa.or_(from_here(viewer), to_here),
            knows_patient(viewer),
        )
        .order_by(Referral.id.desc())
        .limit(200)
    )
    found: dict[UUID, list[LiveRow]] = {}
    for one in db.session.scalars(query):
        row = LiveRow(
            one.id,
            one.state,
            one.to_organisation.name,
            one.question or "",
            one.submitted_at or one.created_at,
        )
        found.setdefault(one.patient_id, []).append(row)
    return found


def last_of_own(viewer: Viewer) -> Referral | None:
    """The referral this person sent last, from the organisation they work for now."""
    return db.session.scalars(
        sa.select(Referral)
        .where(
            Referral.referrer_id == viewer.person_id,
            Referral.from_organisation_id == viewer.organisation_id,
            Referral.submitted_at.is_not(None),
        )
        .order_by(Referral.id.desc())
        .limit(1)
    ).first()


def contact_of(referral: Referral | None) -> dict[str, str]:
    """Who answered questions about a referral, to be used again."""
    if referral is None:
        return {}
    return {name: text for name in CONTACT if (text := getattr(referral, name))}


def facts_of_patient(viewer: Viewer, patient: Patient) -> dict[str, list[dict[str, Any]]]:
    """What is known of a patient who was fetched for the viewer, as the form takes it: from the
    record, else from what one's own hospital sent last. Empty where nothing is known."""
    record = course.record_of(patient)
    if not record.is_empty:
        return _of_record(record)
    sent = db.session.scalars(
        sa.select(Submission)
        .join(Referral, Referral.id == Submission.referral_id)
        .where(Referral.patient_id == patient.id, from_here(viewer))
        .order_by(Submission.sent_at.desc(), Submission.id.desc())
        .limit(1)
    ).first()
    return dict(sent.facts) if sent is not None else {}


def _of_record(record: Record) -> dict[str, list[dict[str, Any]]]:
    """The newest tumour with its newest report and stage, how the patient was last, and the newest
    examinations, values and treatments."""
    found: dict[str, Sequence[Any]] = {}
    tumours = course.in_order(record.tumours)[-1:]
    found["tumour"] = tumours
    for entity in ("pathology", "staging"):
        about = record.of_tumour(entity, tumours[0].id) if tumours else record.of(entity)
        found[entity] = _dated(about)[-1:]
    for entity in ("follow_up", "history"):
        found[entity] = _dated(record.of(entity))[-1:]
    for entity, most in _NEWEST.items():
        found[entity] = _dated(record.of(entity))[-most:]
    return {entity: [plain.row_of(one) for one in rows] for entity, rows in found.items() if rows}


def _dated(entries: Sequence[Any]) -> list[Any]:
    """In the order of their dates; those without one first, so that the last is the newest."""
    ordered = course.in_order(entries)
    without = [one for one in ordered if course.date_of(one) is None]
    return [*without, *(one for one in ordered if course.date_of(one) is not None)]
