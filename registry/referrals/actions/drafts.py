"""Beginning a referral and keeping what was typed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from registry.access import Role, Seat, Viewer
from registry.db import db, new_id, now
from registry.errors import Conflict, Forbidden, Invalid, Refusal
from registry.language import gettext as _
from registry.patients import actions as patients
from registry.patients import queries as patient_queries
from registry.patients import rules as relations
from registry.patients.models import Patient
from registry.people import queries as people_queries
from registry.people.models import REFERENCE_CENTRE, Organisation
from registry.referrals import queries, rules
from registry.referrals.actions.taking import record, who_was_first
from registry.referrals.models import (
    Referral,
)


@dataclass(frozen=True)
class NewPatient:
    """Who the patient of a new referral is, as typed on its first page."""

    facts: dict[str, Any]
    absent: dict[str, Any]
    hospital_number: str = ""


def start_draft(
    *,
    by: Viewer,
    form_key: UUID,
    to: Organisation,
    patient: Patient | None = None,
    new: NewPatient | None = None,
    consents: dict[str, str] | None = None,
    hospital: Organisation | None = None,
    on_behalf_of: str = "",
    contact: dict[str, str] | None = None,
    known: dict[str, list[str]] | None = None,
) -> Referral:
    """Begin a referral for a patient the viewer knows, or for a new, provisional one.

    The same `form_key` sent twice makes one draft. With `hospital` a coordinator enters it for a
    doctor of that hospital. `known` is what the form begins with, as if it were typed. Raises
    Invalid for a hospital number that is taken and for a centre
    that cannot be asked.
    """
    if to.kind != REFERENCE_CENTRE or not to.active:
        raise Invalid(_("Choose the centre."), field="centre")
    there = queries.by_form_key(by, form_key)
    if there is not None and there.state == rules.WITHDRAWN and there.submitted_at is None:
        there, form_key = None, new_id()  # the page of a draft that was thrown away, sent again
    if there is not None:
        return there
    acting = by if hospital is None else _acting_for(hospital, by)
    try:
        with db.session.begin_nested():
            if patient is None:
                patient = _register(
                    new or NewPatient({}, {}), acting, for_another=hospital is not None
                )
            elif hospital is not None:
                patients.relate(patient.id, hospital.id, relations.REFERRING, by=by, why="referral")
            made = Referral(
                id=new_id(),
                form_key=form_key,
                patient_id=patient.id,
                from_organisation_id=acting.organisation_id,
                to_organisation_id=to.id,
                referrer_id=by.person_id if hospital is None else None,
                entered_by=by.person_id,
                entered_at_organisation_id=by.organisation_id,
                on_behalf_of=on_behalf_of or None,
                draft=(known or {}) | _first_draft(consents or {}, contact or {}),
                draft_saved_at=now(),
                draft_saved_by=by.person_id,
            )
            db.session.add(made)
            db.session.flush()
    except (IntegrityError, Refusal):
        # The same page sent twice at once: the other one was first, so its draft is ours.
        there = queries.by_form_key(by, form_key)
        if there is None:
            raise
        return there
    if hospital is not None:
        patients.relate(patient.id, by.organisation_id, relations.ADDRESSED, by=by, why="referral")
    record(made, by, "began referral", {"state": [None, rules.DRAFT]})
    return made


def _acting_for(hospital: Organisation, by: Viewer) -> Viewer:
    """The coordinator, working for the hospital whose doctor asked."""
    if Role.TRIAGE_COORDINATOR not in by.roles:
        raise Forbidden()
    seat = Seat(
        hospital.id,
        hospital.name,
        hospital.code,
        hospital.kind,
        hospital.time_zone,
        frozenset(),
    )
    return replace(by, seat=seat)


def _register(new: NewPatient, acting: Viewer, *, for_another: bool) -> Patient:
    number = new.hospital_number
    if for_another and patient_queries.number_is_taken(acting, number):
        number = ""  # that the hospital has such a patient is not for the centre to learn
    return patients.register(
        by=acting,
        facts=new.facts,
        absent=new.absent,
        hospital_number=number,
        relation=relations.REFERRING,
        why="referral",
        provisional=True,
    )


def _first_draft(consents: dict[str, str], contact: dict[str, str]) -> dict[str, list[str]]:
    kept = {f"consent_{purpose}": answer for purpose, answer in consents.items()} | contact
    return {name: [text] for name, text in kept.items() if text}


def save_draft(
    referral: Referral,
    typed: dict[str, list[str]],
    *,
    by: Viewer,
    version: int,
    to: Organisation | None = None,
) -> Referral:
    """Keep what was typed, as it was typed. Raises Conflict when somebody saved meanwhile.

    Sending the same again after an answer that was lost is no conflict.
    """
    queries.fresh(referral)
    if referral.version != version:
        if referral.draft == typed and referral.draft_saved_by == by.person_id:
            return referral
        raise Conflict(_who_saved(referral))
    if referral.state not in (rules.DRAFT, rules.INFORMATION_REQUESTED):
        raise Conflict(who_was_first(referral))
    referral.draft, referral.draft_saved_at, referral.draft_saved_by = typed, now(), by.person_id
    if to is not None and referral.state == rules.DRAFT and not referral.entered_for_another:
        referral.to_organisation_id = to.id
    db.session.flush()
    return referral


def _who_saved(referral: Referral) -> str:
    names = people_queries.person_names([referral.draft_saved_by])
    who = names.get(referral.draft_saved_by) if referral.draft_saved_by else None
    if referral.draft is None or who is None:
        return who_was_first(referral)
    return str(_("%(who)s saved this meanwhile. What you typed is still here.", who=who))
