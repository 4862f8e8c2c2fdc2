"""Who has read a referral, and the centre's first look.

Neither is a step: the row's version stays, so that the page somebody has open is not out of date
because a colleague looked at it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry.access import Right, Viewer
from registry.db import db, now
from registry.referrals import queries
from registry.referrals.models import Reading, Referral, ReferralEvent
from registry.referrals.rules import Side


def read(referral: Referral, *, by: Viewer) -> None:
    """The viewer has the case before them: what was said until now is not new any more."""
    if by.person_id is None:
        return
    mark = db.session.get(Reading, (referral.id, by.person_id))
    if mark is None:
        mark = Reading(referral_id=referral.id, person_id=by.person_id)
        db.session.add(mark)
    mark.read_at = now()
    if by.may(Right.TRIAGE) and Side.CENTRE in queries.sides(by, referral):
        _first_look(referral, by)
    db.session.flush()


def _first_look(referral: Referral, by: Viewer) -> None:
    """Of a centre that has not looked yet: the hospital sees that somebody did."""
    if referral.look_due is None:
        return
    at = now()
    # What is owed now is the decision: should that be late too, the lead is told anew.
    _write(referral.id, look_due=None, first_look_at=referral.first_look_at or at,
           escalated_at=None, said_at=at, said_by=by.organisation_id)  # fmt: skip
    happened(referral, "first_opened", by=by, at=at)


def happened(referral: Referral, what: str, *, by: Viewer, at: datetime, **more: Any) -> None:
    """Something that is no step stands in the thread, for both sides."""
    db.session.add(
        ReferralEvent(
            referral_id=referral.id,
            at=at,
            person_id=by.person_id,
            organisation_id=by.organisation_id,
            step=what,
            from_state=referral.state,
            to_state=referral.state,
            **more,
        )
    )


def was_looked_at(referral: Referral, at: datetime) -> None:
    """A step of the centre is a look as well."""
    if referral.look_due is not None:
        referral.look_due = referral.escalated_at = None
        referral.first_look_at = referral.first_look_at or at


def said(referral: Referral, by: Viewer) -> None:
    """Something was said that the other side may read."""
    _write(referral.id, said_at=now(), said_by=by.organisation_id)


def _write(referral_id: UUID, **values: object) -> None:
    db.session.execute(
        sa.update(Referral)
        .where(Referral.id == referral_id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
