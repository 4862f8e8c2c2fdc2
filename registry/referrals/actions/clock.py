"""The centre's clock, and by when it must have decided and advised."""

from __future__ import annotations

from datetime import datetime

from registry.people import queries as people_queries
from registry.referrals import rules
from registry.referrals.actions.taking import Taking
from registry.referrals.models import Referral


def turn_clock(taking: Taking) -> None:
    """Stop or run the centre's clock, and say when it must have decided and advised."""
    referral, effect = taking.referral, taking.step.clock
    clock = rules.clock_after(effect, referral.clock, referral.urgency)
    if referral.stopped_since is not None and clock != rules.STOPPED:
        _count_pause(referral, taking.at)
    if clock == rules.STOPPED and referral.stopped_since is None:
        referral.stopped_since = taking.at
    referral.clock = clock
    _set_deadlines(referral)


def _count_pause(referral: Referral, until: datetime) -> None:
    zone, since = _zone(referral), referral.stopped_since or until
    pause = referral.pause.longer(rules.local_day(since, zone), rules.local_day(until, zone))
    referral.paused_days, referral.paused_working_days = pause.days, pause.working_days
    referral.stopped_since = None


def _zone(referral: Referral) -> str:
    return people_queries.organisation_by_id(referral.to_organisation_id).time_zone


def _set_deadlines(referral: Referral) -> None:
    if referral.submitted_at is None:
        return
    sent, word = rules.local_day(referral.submitted_at, _zone(referral)), referral.urgency
    referral.answer_due = rules.advice_due(sent, word, referral.pause)
    decided = referral.decided_at is not None
    due = referral.answer_due if decided else rules.decision_due(sent, word, referral.pause)
    referral.deadline = due
