"""Every step of the table is taken here.

The row of the referral is held, the copy the person saw is compared with the one in force, the
state moves, the event and the audit row are written, and who must know is told. Whoever comes
second is told who was first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from registry import audit
from registry.access import Viewer
from registry.db import db, now
from registry.errors import Conflict
from registry.referrals import queries, rules
from registry.referrals.actions.advising import acknowledge, advise
from registry.referrals.actions.clock import turn_clock
from registry.referrals.actions.deciding import (
    accept,
    answer,
    assign,
    defer,
    request,
    take_back_request,
)
from registry.referrals.actions.deciding import list_for_board as list_it
from registry.referrals.actions.leaving import close, decline, redirect, reopen, withdraw
from registry.referrals.actions.reading import was_looked_at
from registry.referrals.actions.sending import give_information, send
from registry.referrals.actions.taking import More, Taking, record, who_was_first
from registry.referrals.actions.telling import tell
from registry.referrals.case import Case
from registry.referrals.models import (
    Referral,
    ReferralEvent,
)
from registry.referrals.rules import Side

_NOTHING = More()


def take(
    referral: Referral,
    name: str,
    *,
    by: Viewer,
    version: int,
    case: Case | None = None,
    text: str = "",
    kinds: Sequence[str] = (),
    assignee_id: UUID | None = None,
    at: datetime | None = None,
    more: More = _NOTHING,
) -> ReferralEvent:
    """Take a step of the table on a referral that was fetched for the viewer; gives its event.

    `version` is of the copy the viewer saw. `at` is when it happened, for what is entered later.
    Raises Conflict when another step came first, Forbidden when the viewer may not take it, and
    Invalid, with the field, when something the step needs is missing.
    """
    queries.fresh(referral)
    step = queries.step(by, referral, name)
    if step is None or referral.version != version:
        raise Conflict(who_was_first(referral))
    taking = Taking(
        step, referral, by, at or now(), case, text.strip(), tuple(kinds), assignee_id, more
    )
    taking.check_needs()
    with audit.together():
        return _take(taking)


def _take(taking: Taking) -> ReferralEvent:
    referral, by, name = taking.referral, taking.by, taking.step.name
    before, centre_looks = referral.state, Side.CENTRE in queries.sides(by, referral)
    # The state moves last: what it stands for is on the row before the row says so.
    _EFFECTS[name](taking)
    turn_clock(taking)
    referral.move(taking.step.to)
    referral.moved_at = now()
    if centre_looks and name != "redirect":
        was_looked_at(referral, taking.at)
    event = _event(taking, before)
    if event.shown_to == "both":
        referral.said_at, referral.said_by = taking.at, by.organisation_id
    db.session.add(event)
    db.session.flush()
    changes: dict[str, Any] = {"state": [before, taking.step.to], **taking.changes}
    record(referral, by, f"referral: {name.replace('_', ' ')}", changes)
    tell(taking)
    return event


def submit(
    referral: Referral, case: Case, *, by: Viewer, version: int, at: datetime | None = None
) -> None:
    """Send a draft, or the information that was asked for. Raises as `take`."""
    name = "submit" if referral.state == rules.DRAFT else "give_information"
    take(referral, name, by=by, version=version, case=case, at=at)


def list_for_board(
    viewer: Viewer, referral_id: UUID, *, version: int | None = None, on: date | None = None
) -> Referral:
    """Put an accepted case on its centre's list for the board; for the room of boards.

    Raises NotFound to a stranger, Forbidden, and Conflict where it is not accepted (any more).
    """
    found = queries.referral(viewer, referral_id)
    stands = found.version if version is None else version
    take(found, "list_for_board", by=viewer, version=stands, more=More(board_on=on))
    return found


def _event(taking: Taking, before: str) -> ReferralEvent:
    name = taking.step.name
    return ReferralEvent(
        referral_id=taking.referral.id,
        at=taking.at,
        person_id=taking.by.person_id,
        organisation_id=taking.by.organisation_id,
        step=name,
        from_state=before,
        to_state=taking.step.to,
        text="" if name == "advise" else taking.text,
        details=taking.details,
        shown_to="centre" if name in rules.OF_THE_CENTRE else "both",
    )


_EFFECTS: dict[str, Callable[[Taking], None]] = {
    "submit": send,
    "give_information": give_information,
    "withdraw": withdraw,
    "accept": accept,
    "request_information": request,
    "decline": decline,
    "assign": assign,
    "advise": advise,
    "acknowledge": acknowledge,
    "close": close,
    "answer": answer,
    "take_back_request": take_back_request,
    "redirect": redirect,
    "list_for_board": list_it,
    "defer": defer,
    "reopen": reopen,
}
