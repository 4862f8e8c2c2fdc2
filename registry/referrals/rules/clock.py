"""The centre's clock: when it runs, and by when the centre must have decided and advised."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from registry.clinical import urgency
from registry.clinical.urgency import Targets
from registry.language import lazy_gettext as _l
from registry.referrals.rules.calendar import WEEKDAYS, Calendar

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
_WORDS = {number: word for word, number in urgency.RANK.items()}


def urgency_of(rank: int) -> str:
    """The word for a rank of the worklist."""
    return _WORDS[rank]


def local_day(moment: datetime, zone: str) -> date:
    """The day it was in a time zone."""
    return moment.astimezone(ZoneInfo(zone)).date()


@dataclass(frozen=True)
class Pause:
    """How long the centre's clock has stood still, in calendar and in working days."""

    days: int = 0
    working_days: int = 0

    def longer(self, start: date, end: date, calendar: Calendar = WEEKDAYS) -> Pause:
        """And from `start` to `end` as well: the day it stops on still counts, the day it runs
        again on does not."""
        days = max((end - start).days, 0)
        return Pause(self.days + days, self.working_days + calendar.between(start, end))


def look_due(
    start: date, answer: str, calendar: Calendar = WEEKDAYS, targets: Targets | None = None
) -> date:
    """The last day for the centre's first look. Nothing stops this one."""
    return calendar.add(start, urgency.target(answer, urgency.FIRST_LOOK, targets))


def decision_due(
    start: date,
    answer: str,
    pause: Pause,
    calendar: Calendar = WEEKDAYS,
    targets: Targets | None = None,
) -> date:
    """The last day for the centre's decision. `start`: the day, there, on which it was asked."""
    days = urgency.target(answer, urgency.DECISION, targets)
    return calendar.add(start, days + pause.working_days)


def advice_due(start: date, answer: str, pause: Pause, targets: Targets | None = None) -> date:
    """The last day for the advice, in calendar days: what the referrer is told to expect."""
    days = urgency.target(answer, urgency.ADVICE, targets)
    return start + timedelta(days=days + pause.days)


# -- late, or about to be ----------------------------------------------------------------------

LATE, TODAY, SOON = "late", "today", "soon"
#: So many working days ahead something is about to be late.
AHEAD = 2

LATENESS = {
    LATE: _l("Overdue"),
    TODAY: _l("Due today"),
    SOON: _l("Due within two working days"),
}


def lateness(due: date, today: date, calendar: Calendar = WEEKDAYS) -> str:
    """late, today, soon, or empty where there is time."""
    if due <= today:
        return LATE if due < today else TODAY
    return SOON if due <= calendar.add(today, AHEAD) else ""


def to_escalate(
    due: date, today: date, answer: str = urgency.ROUTINE, calendar: Calendar = WEEKDAYS
) -> bool:
    """Is the lead to be told? Of an urgent case on the first morning it is overdue, of others when
    a whole working day has gone by since."""
    if due >= today:
        return False
    return answer == urgency.URGENT or calendar.between(due, today) > 1


def morning(moment: datetime, zone: str) -> date | None:
    """The day whose morning has come in a zone; None before its hour."""
    there = moment.astimezone(ZoneInfo(zone))
    return there.date() if there.hour >= MORNING_HOUR else None


#: The hour, at the centre, from which its people are told what is late.
MORNING_HOUR = 7
