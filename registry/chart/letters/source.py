"""Everything a letter may tell, read once for somebody who may write about the patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry.access import Viewer
from registry.chart import survivorship
from registry.chart.survivorship import Survivorship
from registry.clinical import follow_up_record
from registry.clinical.follow_up import Due
from registry.course import queries as course
from registry.course.intervals import in_force
from registry.course.queries import Record
from registry.db import db, now
from registry.patients import queries as patients
from registry.patients import rules as relations
from registry.patients.models import CareRelation, Patient
from registry.patients.queries import Identity
from registry.people.models import Organisation
from registry.referrals import queries as referrals
from registry.referrals.queries import ReferralRow


@dataclass(frozen=True)
class Source:
    """The record and what stands around it."""

    viewer: Viewer
    patient: Patient
    identity: Identity
    hospital_number: str
    record: Record
    lines: dict[Any, Any]
    findings: Sequence[Any]
    due: Sequence[Due]
    referrals: Sequence[ReferralRow]
    own: Organisation
    centres: Sequence[Organisation]
    hospitals: Sequence[Organisation]
    survivorship: Survivorship
    shares_for_care: bool
    today: date

    @property
    def centre(self) -> Organisation:
        """The place that signs: one's own centre, else the one that treats, else one's own."""
        if self.own in self.centres or not self.centres:
            return self.own
        return self.centres[0]


def source(viewer: Viewer, patient_id: UUID) -> Source:
    """What a letter about a patient is made of. NotFound to a stranger, Forbidden to a reader."""
    patient = patients.patient_to_write(viewer, patient_id)
    record = course.record_of(patient)
    today = referrals.today_here(viewer)
    effects, needs = record.of("late_effect"), record.of("support_need")
    consents = patients.consents(viewer, patient.id)
    care = consents.get("care")
    return Source(
        viewer=viewer,
        patient=patient,
        identity=patients.identity(patient),
        hospital_number=patients.hospital_number(viewer, patient.id),
        record=record,
        lines=course.lines(record),
        findings=course.findings(record),
        due=follow_up_record.due_for(course.rows_of(record), today, in_force().rows),
        referrals=referrals.of_patient(viewer, patient.id),
        own=db.session.get_one(Organisation, viewer.organisation_id),
        centres=_related(patient, relations.TREATING),
        hospitals=_related(patient, relations.REFERRING),
        survivorship=survivorship.told(viewer, patient, effects, needs),
        shares_for_care=care is not None and care.answer == "yes",
        today=today,
    )


def _related(patient: Patient, kind: str) -> Sequence[Organisation]:
    """The organisations that have a relation with the patient now, the longest one first."""
    query = (
        sa.select(Organisation)
        .join(CareRelation, CareRelation.organisation_id == Organisation.id)
        .where(
            CareRelation.patient_id == patient.id,
            CareRelation.kind == kind,
            sa.or_(CareRelation.until_at.is_(None), CareRelation.until_at > now()),
        )
        .order_by(CareRelation.from_at, CareRelation.id)
    )
    return db.session.scalars(query).all()
