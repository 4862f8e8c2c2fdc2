"""The centre's clock, and by when it must have looked, decided and advised."""

from __future__ import annotations

from datetime import datetime

from registry.db import db
from registry.people import queries as people_queries
from registry.referrals import queries, rules, targets
from registry.referrals.actions.taking import Taking
from registry.referrals.models import Referral
from registry.referrals.rules import Calendar


def turn_clock(taking: Taking) -> None:
    """Stop or run the centre's clock, and say by when it must have decided and advised."""
    referral, effect = taking.referral, taking.step.clock
    clock = rules.clock_after(effect, referral.clock, referral.urgency)
    with db.session.no_autoflush:  # the referral is written once, when all is said of it
        zone, calendar = place_of(referral)
    if referral.stopped_since is not None and clock != rules.STOPPED:
        count_pause(referral, referral.stopped_since, taking.at, zone, calendar)
        referral.stopped_since = None
    if clock == rules.STOPPED and referral.stopped_since is None:
        referral.stopped_since = taking.at
    if effect == "start":
        begin(referral, taking.at)
        look_at_first(referral, zone, calendar)
    if referral.clock != clock:
        referral.escalated_at = None
    referral.clock = clock
    set_deadlines(referral, zone, calendar)


def begin(referral: Referral, at: datetime) -> None:
    """The targets of a centre count from now; nothing stood still yet."""
    referral.clock, referral.clock_from, referral.stopped_since = rules.RUNNING, at, None
    referral.paused_days = referral.paused_working_days = 0
    referral.escalated_at = None


def place_of(referral: Referral) -> tuple[str, Calendar]:
    """The time zone and the working days of the centre that has the referral."""
    centre = people_queries.organisation_by_id(referral.to_organisation_id)
    return centre.time_zone, queries.calendar_of(centre)


def count_pause(
    referral: Referral, since: datetime, until: datetime, zone: str, calendar: Calendar
) -> None:
    """Add a time in which the centre had nothing to do to its pause."""
    start, end = rules.local_day(since, zone), rules.local_day(until, zone)
    pause = referral.pause.longer(start, end, calendar)
    referral.paused_days, referral.paused_working_days = pause.days, pause.working_days


def look_at_first(referral: Referral, zone: str, calendar: Calendar) -> None:
    """Somebody at the centre has to look at it, by this day."""
    if referral.clock_from is not None:
        start = rules.local_day(referral.clock_from, zone)
        found = targets.in_force()
        referral.look_due = rules.look_due(start, referral.urgency, calendar, found)


def set_deadlines(referral: Referral, zone: str, calendar: Calendar) -> None:
    """By when the centre must have decided or advised, from its targets and its working days."""
    if referral.clock_from is None:
        return
    start, found = rules.local_day(referral.clock_from, zone), targets.in_force()
    word, pause = referral.urgency, referral.pause
    referral.answer_due = rules.advice_due(start, word, pause, found)
    decided = referral.decided_at is not None
    due = rules.decision_due(start, word, pause, calendar, found)
    before, referral.deadline = referral.deadline, referral.answer_due if decided else due
    if referral.deadline != before:
        referral.escalated_at = None
