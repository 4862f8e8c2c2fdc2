"""A referral leaves the centre: withdrawn, declined, closed."""

from __future__ import annotations

from collections.abc import Sequence

from registry.access import Viewer
from registry.patients import actions as patients
from registry.patients import rules as relations
from registry.patients.documents import arriving
from registry.referrals import queries, rules
from registry.referrals.actions.taking import Taking
from registry.referrals.models import Referral


def withdraw(taking: Taking) -> None:
    """The hospital takes it back."""
    referral, by = taking.referral, taking.by
    referral.draft = referral.draft_saved_at = referral.draft_saved_by = None
    referral.ended_at = taking.at
    if referral.submitted_at is None:
        _throw_away(referral, by)
    else:
        _stop_asking(referral, by)


def _throw_away(referral: Referral, by: Viewer) -> None:
    """What the draft alone brought about ends with it: who may see the patient, and, of one who
    was known from it alone, who the patient is."""
    patient, hospital = referral.patient, referral.from_organisation_id
    arriving.forget(referral_id=referral.id)
    others = queries.others_of_patient(referral)
    brought = patient.provisional or referral.entered_for_another
    if brought and hospital not in {one.from_organisation_id for one in others}:
        patients.end_relation(patient.id, hospital, relations.REFERRING, by=by)
    if referral.entered_for_another:
        _stop_helping(referral, others, by)
    if patient.provisional and not others:
        patients.forget(patient, by=by)


def _stop_helping(referral: Referral, others: Sequence[Referral], by: Viewer) -> None:
    """The centre that entered it for a hospital has no part in the patient from this draft."""
    centre = referral.entered_at_organisation_id
    if any(o.state == rules.DRAFT and o.entered_at_organisation_id == centre for o in others):
        return
    if others:
        _stop_asking(referral, by)
    else:
        patients.end_relation(referral.patient_id, centre, relations.ADDRESSED, by=by)


def _stop_asking(referral: Referral, by: Viewer) -> None:
    """The centre reads on for a while, unless it is asked about this patient elsewhere too."""
    if not queries.other_live(referral):
        patients.end_relation(
            referral.patient_id,
            referral.to_organisation_id,
            relations.ADDRESSED,
            by=by,
            after=relations.AFTER_DECLINING,
        )


def decline(taking: Taking) -> None:
    """The centre says no."""
    referral = taking.referral
    referral.decided_at = referral.ended_at = taking.at
    referral.draft = referral.draft_saved_at = referral.draft_saved_by = None
    _stop_asking(referral, taking.by)


def close(taking: Taking) -> None:
    """The case ends."""
    taking.referral.ended_at = taking.at
