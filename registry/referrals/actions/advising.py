"""Advice is given and acknowledged."""

from __future__ import annotations

from registry.db import db
from registry.referrals import queries
from registry.referrals.actions.taking import Taking
from registry.referrals.models import Advice


def advise(taking: Taking) -> None:
    """Keep the advice."""
    referral = taking.referral
    referral.advised_at = referral.advised_at or taking.at
    db.session.add(
        Advice(
            referral_id=referral.id,
            kinds=list(taking.kinds),
            text=taking.text,
            at=taking.at,
            given_by=taking.by.person_id,
            organisation_id=taking.by.organisation_id,
        )
    )
    taking.changes["kinds"] = [None, list(taking.kinds)]


def acknowledge(taking: Taking) -> None:
    """All advice given so far was read."""
    for advice in queries.unacknowledged(taking.referral):
        advice.acknowledged_at, advice.acknowledged_by = taking.at, taking.by.person_id
        taking.advisers.append(advice.given_by)
