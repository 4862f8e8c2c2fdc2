"""The centre decides: accepts, asks, assigns."""

from __future__ import annotations

from registry.access import Role
from registry.clinical import missing_for_advice
from registry.course import actions as course
from registry.db import db
from registry.errors import Invalid
from registry.language import gettext as _
from registry.patients import actions as patients
from registry.patients import rules as relations
from registry.referrals import queries, rules
from registry.referrals.actions.leaving import end_request
from registry.referrals.actions.taking import Taking
from registry.referrals.models import InformationRequest


def accept(taking: Taking) -> None:
    """The centre treats: it may see and write, and the record opens with what was sent."""
    referral, by = taking.referral, taking.by
    end_request(taking)
    referral.decided_at = taking.at
    referral.complete_at = referral.complete_at or taking.at  # the centre goes on with what it has
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
    """Keep what the centre asks for: items of the data set, words, and by when."""
    referral, more = taking.referral, taking.more
    known = set(missing_for_advice.labels())
    items = [one for one in dict.fromkeys(more.items) if one in known]
    if not items and not taking.text:
        raise Invalid(str(rules.NEED_MESSAGES["request"]), field="request")
    if more.by_date is not None and more.by_date < taking.at.date():
        raise Invalid(_("Choose a day that is still to come."), field="by_date")
    stops = rules.clock_after("stop", referral.clock, referral.urgency) == rules.STOPPED
    db.session.add(
        InformationRequest(
            referral_id=referral.id,
            what=taking.text,
            items=items,
            asked_of=more.asked_of or None,
            by_date=more.by_date,
            stops_clock=stops,
            asked_at=taking.at,
            asked_by=taking.by.person_id,
        )
    )
    by = more.by_date.isoformat() if more.by_date else ""
    taking.details |= {"items": items, "by_date": by, "stops_clock": stops}
    if more.asked_of:
        taking.details["asked_of"] = more.asked_of


def take_back_request(taking: Taking) -> None:
    """The question was a mistake, or has been settled on the telephone."""
    end_request(taking)


def answer(taking: Taking) -> None:
    """What was asked is answered in words; the form stays as it was sent."""
    asked = queries.open_request(taking.referral)
    if asked is not None:
        asked.answered_at, asked.answered_by = taking.at, taking.by.person_id
        asked.answer = taking.text
    referral = taking.referral
    referral.draft = referral.draft_saved_at = referral.draft_saved_by = None


def list_for_board(taking: Taking) -> None:
    """It is to be discussed, on a day that is wished for or whenever there is room."""
    referral, wished = taking.referral, taking.more.board_on
    if wished is not None and wished < taking.at.date():
        raise Invalid(_("Choose a day that is still to come."), field="board_on")
    referral.listed_at, referral.board_on = taking.at, wished
    taking.details["board_on"] = wished.isoformat() if wished else ""


def defer(taking: Taking) -> None:
    """It is not ready for the board, or the board had no time: accepted, and off the list."""
    taking.referral.board_on = None


def assign(taking: Taking) -> None:
    """Somebody at the centre takes the case."""
    before, after = taking.referral.assignee_id, taking.assignee_id
    taking.referral.assignee_id = after
    taking.changes["assignee"] = [str(before) if before else None, str(after)]
