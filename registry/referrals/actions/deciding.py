"""The centre decides: accepts, asks, assigns."""

from __future__ import annotations

from registry.access import Role
from registry.course import actions as course
from registry.db import db
from registry.patients import actions as patients
from registry.patients import rules as relations
from registry.referrals import queries
from registry.referrals.actions.taking import Taking
from registry.referrals.models import InformationRequest


def accept(taking: Taking) -> None:
    """The centre treats: it may see and write, and the record opens with what was sent."""
    referral, by = taking.referral, taking.by
    referral.decided_at = taking.at
    centre, patient_id = referral.to_organisation_id, referral.patient_id
    patients.relate(patient_id, centre, relations.TREATING, by=by, why="accepted referral")
    patients.end_relation(patient_id, centre, relations.ADDRESSED, by=by)
    sent = queries.latest_submission(referral)
    if sent is not None:
        source = ("referral", str(referral.id))
        course.open_record(referral.patient, sent.facts, by=by, source=source)
    if referral.assignee_id is None and Role.CLINICIAN in by.roles:
        referral.assignee_id = by.person_id


def request(taking: Taking) -> None:
    """Keep what the centre asks for."""
    db.session.add(
        InformationRequest(
            referral_id=taking.referral.id,
            what=taking.text,
            asked_at=taking.at,
            asked_by=taking.by.person_id,
        )
    )


def assign(taking: Taking) -> None:
    """Somebody at the centre takes the case."""
    before, after = taking.referral.assignee_id, taking.assignee_id
    taking.referral.assignee_id = after
    taking.changes["assignee"] = [str(before) if before else None, str(after)]
