"""The centre's clock: when it runs, and by when the centre must have decided and advised."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from registry.clinical import urgency

# The centre's clock stops while it waits for information, but never for an urgent case. How long
# the patient has been waiting in all is counted apart and never stops (grading.md §5).

RUNNING, STOPPED, OVER = "running", "stopped", "over"
CLOCK_STATES = ("", RUNNING, STOPPED, OVER)


def clock_after(effect: str, before: str, answer: str) -> str:
    """The centre's clock after a step. `answer` is the urgency that holds."""
    if effect == "stop":
        return before if answer == urgency.URGENT else STOPPED
    return {"start": RUNNING, "run": RUNNING, "end": OVER}.get(effect, before)


URGENCIES = tuple(urgency.RANK)


def urgency_of(rank: int) -> str:
    """The word for a rank of the worklist."""
    return next(word for word, number in urgency.RANK.items() if number == rank)


def local_day(moment: datetime, zone: str) -> date:
    """The day it was in a time zone."""
    return moment.astimezone(ZoneInfo(zone)).date()


@dataclass(frozen=True)
class Pause:
    """How long the centre's clock has stood still, in calendar and in working days."""

    days: int = 0
    working_days: int = 0

    def longer(self, start: date, end: date) -> Pause:
        """And from `start` to `end` as well."""
        days = max((end - start).days, 0)
        each = (start + timedelta(days=n) for n in range(1, days + 1))
        working = sum(day.weekday() < 5 for day in each)
        return Pause(self.days + days, self.working_days + working)


def decision_due(sent: date, answer: str, pause: Pause) -> date:
    """The last day for the centre's decision."""
    due = urgency.deadline(sent, answer, urgency.DECISION)
    return urgency.add_working_days(due, pause.working_days)


def advice_due(sent: date, answer: str, pause: Pause) -> date:
    """The last day for the advice: what the referrer is told to expect."""
    return urgency.deadline(sent, answer, urgency.ADVICE) + timedelta(days=pause.days)
