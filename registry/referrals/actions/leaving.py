"""A referral leaves the centre: withdrawn, declined, closed, passed on; or comes back."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from flask_babel import ngettext

from registry.access import Viewer
from registry.db import db
from registry.errors import Invalid
from registry.language import gettext as _
from registry.patients import actions as patients
from registry.patients import queries as patient_queries
from registry.patients import rules as relations
from registry.patients.documents import arriving
from registry.people import queries as people
from registry.people.actions import before_closing
from registry.people.models import Organisation
from registry.referrals import queries, rules
from registry.referrals.actions.clock import begin, count_pause, look_at_first, place_of
from registry.referrals.actions.taking import Taking
from registry.referrals.models import FormerCentre, Referral


@before_closing
def open_cases_of(place: Organisation) -> str:
    """A centre that closes has no open case: without its mornings nobody would see it late."""
    query = sa.select(sa.func.count()).where(
        Referral.to_organisation_id == place.id, Referral.phase == rules.LIVE
    )
    number = db.session.scalar(query) or 0
    if not number:
        return ""
    return str(
        ngettext(
            "It has %(num)s open case. Pass it on, decline or close it first.",
            "It has %(num)s open cases. Pass them on, decline or close them first.",
            number,
        )
    )


def withdraw(taking: Taking) -> None:
    """The hospital takes it back."""
    referral, by = taking.referral, taking.by
    referral.draft = referral.draft_saved_at = referral.draft_saved_by = None
    referral.ended_at, referral.look_due = taking.at, None
    if referral.submitted_at is None:
        _throw_away(referral, by)
    else:
        end_request(taking)
        stop_asking(referral, by)


def end_request(taking: Taking) -> None:
    """A question that was not answered is not asked any more; what was half typed goes with it."""
    referral = taking.referral
    referral.draft = referral.draft_saved_at = referral.draft_saved_by = None
    asked = queries.open_request(referral)
    if asked is not None:
        asked.withdrawn_at = taking.at


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
        stop_asking(referral, by)
    else:
        patients.end_relation(referral.patient_id, centre, relations.ADDRESSED, by=by)


def stop_asking(referral: Referral, by: Viewer) -> None:
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
    end_request(taking)
    stop_asking(referral, taking.by)
    if taking.more.advice:
        taking.details["advice"] = taking.more.advice


def close(taking: Taking) -> None:
    """The case ends."""
    taking.referral.ended_at = taking.at


# -- to another centre -------------------------------------------------------------------------


def redirect(taking: Taking) -> None:
    """Pass it on: the same referral with all that was said. How long the patient waits counts on,
    the new centre's targets count from now, and consent is looked at again."""
    referral, by = taking.referral, taking.by
    to = _another_centre(taking)
    need_consent(referral, by)
    end_request(taking)
    stop_asking(referral, by)
    before = people.organisation_by_id(referral.to_organisation_id)
    db.session.add(
        FormerCentre(
            referral_id=referral.id,
            organisation_id=before.id,
            from_at=referral.clock_from or taking.at,
            left_at=taking.at,
        )
    )
    referral.to_organisation_id = to.id
    referral.assignee_id = referral.decided_at = None
    patients.relate(referral.patient_id, to.id, relations.ADDRESSED, by=by, why="passed on")
    begin(referral, taking.at)
    look_at_first(referral, to.time_zone, queries.calendar_of(to))
    taking.details |= {"from": before.name, "to": to.name}
    taking.changes["centre"] = [str(before.id), str(to.id)]


def _another_centre(taking: Taking) -> Organisation:
    known = {one.id: one for one in people.centres(taking.by)}
    to = known.get(taking.more.centre_id) if taking.more.centre_id else None
    if to is None or to.id == taking.referral.to_organisation_id:
        raise Invalid(str(rules.NEED_MESSAGES["centre"]), field="centre")
    return to


def need_consent(referral: Referral, by: Viewer) -> None:
    """Raise Invalid unless the patient agrees, now, that the case is shared for care."""
    consents = patient_queries.consents(by, referral.patient_id)
    if "care" not in consents or consents["care"].answer != "yes":
        raise Invalid(
            _("The patient's consent to share for care does not stand any more: ask the hospital.")
        )


# -- it was not the end ------------------------------------------------------------------------


def reopen(taking: Taking) -> None:
    """Take back that it ended. The time in which it lay with the hospital, or was answered, does
    not count for the centre; that in which the centre had wrongly declined does."""
    referral, by = taking.referral, taking.by
    if referral.state != rules.CLOSED:
        need_consent(referral, by)
        patients.relate(
            referral.patient_id, referral.to_organisation_id, relations.ADDRESSED, by=by,
            why="reopened",
        )  # fmt: skip
    if referral.state == rules.DECLINED:
        referral.decided_at = None
    else:
        ended = referral.ended_at or taking.at
        zone, calendar = place_of(referral)
        since = min(referral.advised_at or ended, ended)
        count_pause(referral, since, taking.at, zone, calendar)
    if referral.state == rules.WITHDRAWN:
        referral.decided_at = None
    referral.ended_at = None
