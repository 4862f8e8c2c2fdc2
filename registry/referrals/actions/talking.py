"""What is said beside the steps: messages, notes, and letters to those without an account."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from registry import audit
from registry.access import Viewer
from registry.db import db, new_id, now
from registry.errors import Forbidden, Invalid
from registry.language import gettext as _
from registry.language import lazy_gettext as _l
from registry.people import actions as people
from registry.referrals import queries, rules
from registry.referrals.actions.reading import happened, said
from registry.referrals.actions.taking import record
from registry.referrals.actions.telling import other_side
from registry.referrals.models import MESSAGE, NOTE, Message, Referral
from registry.referrals.rules import Side

audit.learn(
    {
        "wrote message": _l("Wrote a message about a referral"),
        "wrote note": _l("Wrote an internal note about a referral"),
        "recorded letter": _l("Recorded that a letter was sent"),
    }
)

LONGEST = 10_000


def say(
    referral: Referral, text: str, *, by: Viewer, form_key: UUID | None = None, note: bool = False
) -> Message:
    """Write to the other side; or, with `note`, for one's own centre alone.

    The same `form_key` sent twice is one message. Raises Forbidden for who may only read, Invalid
    for an empty text.
    """
    side = queries.speaks_for(by, referral)
    if side is None or (note and side is not Side.CENTRE):
        raise Forbidden()
    there = queries.message_of(referral, form_key, by) if form_key else None
    if there is not None:
        return there
    text = text.strip()
    if not text or len(text) > LONGEST:
        raise Invalid(_("Write the message."), field="text")
    made = Message(
        id=new_id(),
        referral_id=referral.id,
        at=now(),
        person_id=by.person_id,
        organisation_id=by.organisation_id,
        kind=NOTE if note else MESSAGE,
        text=text,
        form_key=form_key or new_id(),
    )
    db.session.add(made)
    db.session.flush()
    record(referral, by, "wrote note" if note else "wrote message", {"message": str(made.id)})
    if not note:
        said(referral, by)
        why = rules.urgent_of("message_received", referral.urgency)
        wanted = [one for one in other_side(referral, side) if one != by.person_id]
        people.tell(wanted, why, subject=("referral", referral.id))
    return made


def was_discussed(referral: Referral, *, by: Viewer, at: datetime) -> None:
    """The centre's board has spoken about the case: both sides see it. It is no step."""
    happened(referral, "discussed", by=by, at=at)
    said(referral, by)


def letter_sent(
    referral: Referral, *, by: Viewer, to_whom: str, how: str, on: date, addressee: str = ""
) -> None:
    """Record by hand that a letter about the case left for somebody who has no account.

    `to_whom` and `how` are codes of `rules.LETTER_TO` and `rules.LETTER_HOW`.
    """
    if queries.speaks_for(by, referral) is None:
        raise Forbidden()
    if to_whom not in rules.LETTER_TO:
        raise Invalid(_("Choose to whom it was sent."), field="to_whom")
    if how not in rules.LETTER_HOW:
        raise Invalid(_("Choose how it was sent."), field="how")
    if on > now().date():
        raise Invalid(_("This day is still to come."), field="on")
    details = {"to_whom": to_whom, "how": how, "on": on.isoformat()}
    text = addressee.strip()[:200]
    happened(referral, "letter_sent", by=by, at=now(), text=text, details=details)
    said(referral, by)
    db.session.flush()
    record(referral, by, "recorded letter", {"letter": details})
