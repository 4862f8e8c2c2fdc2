"""Sending a draft, or the information that was asked for."""

from __future__ import annotations

from uuid import UUID

from registry.access import Viewer
from registry.course.licence import may_derive_stages
from registry.dates import PartialDate
from registry.db import db, now
from registry.driver import add_rows
from registry.errors import Invalid
from registry.language import gettext as _
from registry.patients import actions as patients
from registry.patients import rules as relations
from registry.referrals import queries
from registry.referrals.actions.taking import Taking
from registry.referrals.case import ASKED, CONTACT, Case, assess
from registry.referrals.models import (
    Referral,
    Submission,
)


def send(taking: Taking) -> None:
    """Freeze what is sent; derive; bring the triage columns up to it."""
    referral, case, by = taking.referral, taking.case, taking.by
    if case is None:
        raise Invalid(_("Check the referral before you send it."))
    _refuse_incomplete(case, referral)
    with db.session.no_autoflush:  # the patient and the referral are written once, with all of it
        patients.relate(
            referral.patient_id,
            referral.to_organisation_id,
            relations.ADDRESSED,
            by=by,
            why="referral",
        )
        patients.confirm(referral.patient, by=by)
        _keep_consents(referral.patient_id, case.consents, by)
    last = queries.latest_submission(referral) if referral.submitted_at else None
    referral.submitted_at = referral.submitted_at or taking.at
    for name in ASKED:
        setattr(referral, name, case.asked.get(name))
    referral.absent = dict(case.asked.get("absent") or {})
    for name in CONTACT:
        setattr(referral, name, case.contact.get(name))
    found = assess(
        case.asked,
        case.facts,
        birth_date=referral.patient.birth_date,
        sex_at_birth=referral.patient.sex_at_birth,
        licensed=may_derive_stages(),
    )
    for name, value in found.columns().items():
        setattr(referral, name, value)
    if not found.missing:
        referral.complete_at = referral.complete_at or taking.at
    sent = {
        "referral_id": referral.id,
        "number": last.number + 1 if last else 1,
        "asked": case.asked,
        "facts": case.facts,
        "derived": found.derived_json(),
        "missing": found.missing_json(),
        "sent_at": taking.at,
        "sent_by": by.person_id,
        "organisation_id": by.organisation_id,
    }
    add_rows(Submission, [sent])
    referral.draft = referral.draft_saved_at = referral.draft_saved_by = None
    taking.changes |= {"submission": [None, sent["number"]], "urgency": [None, referral.urgency]}


def _refuse_incomplete(case: Case, referral: Referral) -> None:
    """Only these can block sending: identity, consent to share for care, question, contact."""
    patient = referral.patient
    if not patient.full_name or not (patient.birth_date or patient.absent.get("birth_date")):
        raise Invalid(_("Enter who the patient is."))
    if case.consents.get("care") != "yes":
        raise Invalid(
            _("Without consent to share for care nothing can be sent."), field="consent_care"
        )
    if not case.asked.get("question"):
        raise Invalid(_("Choose the question."), field="question")
    if not (case.asked.get("question_text") or "").strip():
        raise Invalid(_("Write the question in your words."), field="question_text")
    if not case.contact.get("contact_name"):
        raise Invalid(_("Enter who answers questions."), field="contact_name")
    if not (case.contact.get("contact_telephone") or case.contact.get("contact_email")):
        raise Invalid(
            _("Enter a telephone number or an e-mail address."), field="contact_telephone"
        )


def _keep_consents(patient_id: UUID, answers: dict[str, str], by: Viewer) -> None:
    """Record what the patient answered; *not asked* never takes back an earlier answer."""
    today = PartialDate.of(now().date())
    patients.answer_consents(patient_id, answers, by=by, given_on=today, only_new=True)


def give_information(taking: Taking) -> None:
    """Send again what was completed; what was asked is answered."""
    send(taking)
    asked = queries.open_request(taking.referral)
    if asked is not None:
        asked.answered_at, asked.answered_by = taking.at, taking.by.person_id
