"""Sending what was recommended on its way, noting that it arrived, and whether it was followed."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry import audit
from registry.access import Viewer
from registry.boards.models import Delivery, Implementation, Recommendation
from registry.boards.rules import advice as advice_rules
from registry.boards.rules import delivery as rules
from registry.course.models import Therapy
from registry.dates import PartialDate
from registry.db import db, now
from registry.errors import Forbidden, Invalid
from registry.language import gettext as _
from registry.language import lazy_gettext as _l
from registry.people import actions as people
from registry.referrals import actions as referrals
from registry.referrals import queries as referral_queries
from registry.referrals import rules as referral_rules
from registry.referrals.models import Referral

audit.learn(
    {
        "delivered recommendation": _l("Sent what a board recommends"),
        "opened recommendation": _l("Opened what a board recommends"),
        "opened letter of board": _l("Opened a letter of a board"),
        "sent letter of board": _l("Sent a letter of a board"),
        "told patient of board": _l("Told the patient what a board recommends"),
        "followed recommendation": _l("Said whether a recommendation was followed"),
        "listed recommendation": _l("Saw what a board recommends in a list"),
        "opened figures of boards": _l("Opened the figures of the boards"),
        "reminded of recommendation": _l("Reminded somebody of a recommendation"),
    }
)


def _record(action: str, found: Recommendation, by: Viewer, **said: Any) -> None:
    audit.record(
        action,
        by=by,
        subject=("recommendation", found.id),
        patient_id=found.item.patient_id,
        changes={name: [None, value] for name, value in said.items()},
    )


def deliver(found: Recommendation, *, by: Viewer) -> list[Delivery]:
    """What was signed becomes advice on the referral, and letters to the doctors and the patient
    are on their way. Delivered twice is delivered once."""
    there = db.session.scalar(
        sa.select(Delivery.id).where(Delivery.recommendation_id == found.id).limit(1)
    )
    if there is not None:
        return []
    item, moment = found.item, now()
    made = []
    referral = db.session.get(Referral, item.referral_id) if item.referral_id else None
    if referral is not None:
        advice_id = _advise(referral, found, by)
        made.append(
            Delivery(
                recommendation_id=found.id,
                recipient=rules.REFERRER,
                organisation_id=referral.from_organisation_id,
                person_id=referral.referrer_id or referral.entered_by,
                advice_id=advice_id,
                due_at=moment + rules.DUE[rules.REFERRER],
                sent_at=moment if advice_id else None,
                sent_by=by.person_id if advice_id else None,
            )
        )
    made += [
        Delivery(recommendation_id=found.id, recipient=one, due_at=moment + rules.DUE[one])
        for one in (rules.FAMILY_DOCTOR, rules.PATIENT)
    ]
    db.session.add_all(made)
    db.session.flush()
    _record("delivered recommendation", found, by, to=[one.recipient for one in made])
    return made


def _advise(referral: Referral, found: Recommendation, by: Viewer) -> UUID | None:
    """The advice of the referral, which its doctor acknowledges; None where the referral has come
    to an end before."""
    if referral_rules.step_of(referral.state, "advise") is None:
        return None
    try:
        if referral_queries.step(by, referral, "advise") is None:
            return None
    except Forbidden:
        return None
    content = found.content or {}
    referrals.take(
        referral,
        "advise",
        by=by,
        version=referral.version,
        kinds=advice_rules.kinds(content),
        text=str(content["advice_text"]),
    )
    given = referral_queries.unacknowledged(referral)
    return given[-1].id if given else None


def send(one: Delivery, *, by: Viewer, address: str = "") -> None:
    """A letter has left: on paper, by fax or as a file."""
    if one.recipient == rules.FAMILY_DOCTOR and not address.strip() and not one.address:
        raise Invalid(_("Say to whom it went."), field="address")
    one.address = address.strip()[:400] or one.address
    one.sent_at, one.sent_by = now(), by.person_id
    db.session.flush()
    _record("sent letter of board", one.recommendation, by, to=one.recipient)


def open_letter(one: Delivery, *, by: Viewer) -> None:
    """Somebody at the place it went to has opened the letter; the first time counts."""
    if one.opened_at is None and one.organisation_id == by.organisation_id:
        one.opened_at, one.opened_by = now(), by.person_id
        db.session.flush()


def tell_patient(one: Delivery, *, by: Viewer, on: PartialDate, who: str) -> None:
    """The patient was told, when and by whom."""
    if not who.strip():
        raise Invalid(_("Say who told the patient."), field="who")
    one.told_at = datetime.combine(on.earliest, now().timetz())
    if one.told_at > now():
        raise Invalid(_("This date is in the future."), field="on")
    found = one.recommendation
    held = (found.content or {})["meeting"]["day"]
    if found.locked_at is not None and on.iso < min(held, found.locked_at.date().isoformat()):
        raise Invalid(_("This is before the meeting."), field="on")
    one.told_by = who.strip()[:200]
    one.sent_at = one.sent_at or now()
    db.session.flush()
    _record("told patient of board", one.recommendation, by, on=on.iso)


def follow(
    found: Recommendation,
    *,
    by: Viewer,
    outcome: str,
    reason: str = "",
    text: str = "",
    option: int | None = None,
    dated: PartialDate | None = None,
    therapy_id: UUID | None = None,
) -> Implementation:
    """Say whether a recommendation was followed. What was said before stays; the last one holds."""
    if outcome not in rules.OUTCOMES:
        raise Invalid(_("Say whether it was followed."), field="outcome")
    if outcome != rules.DONE and reason not in rules.REASONS:
        raise Invalid(_("Choose the reason."), field="reason")
    if therapy_id is not None:
        therapy = db.session.get(Therapy, therapy_id)
        if therapy is None or therapy.patient_id != found.item.patient_id:
            raise Invalid(_("Choose one of the options."), field="therapy")
    made = Implementation(
        recommendation_id=found.id,
        outcome=outcome,
        reason="" if outcome == rules.DONE else reason,
        text=text.strip()[:500],
        option=option,
        dated=dated,
        therapy_id=therapy_id,
        at=now(),
        by=by.person_id,
        organisation_id=by.organisation_id,
    )
    db.session.add(made)
    db.session.flush()
    _record("followed recommendation", found, by, outcome=outcome, reason=made.reason)
    return made


def remind(one: Delivery, *, by: Viewer) -> None:
    """Remind who has not acknowledged."""
    people.tell(
        [one.person_id], "board_reminder", subject=("recommendation", one.recommendation_id)
    )
    one.reminded_at = now()
    db.session.flush()
    _record("reminded of recommendation", one.recommendation, by, to=one.recipient)
