"""When the next cycles of a therapy would be given: proposals, kept only when somebody says so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from registry.course import facts
from registry.course import queries as course
from registry.course.rules import lines
from registry.dates import today
from registry.patients.models import Patient

#: So many cycles are proposed at most.
MOST = 6
_AGAIN = ("activity_gbq", "dose_value", "dose_unit")


@dataclass(frozen=True)
class Planned:
    """One cycle that would come: its number and day; `ahead`: the day has not come yet."""

    number: int
    date: date
    ahead: bool


def planned_cycles(therapy: Any, patient: Patient) -> list[Planned]:
    """The cycles that would follow the last one known to the day, up to the usual number.

    The interval is the one stated for the therapy, else the usual one of its agent.
    """
    days = _interval(therapy)
    known = [one for one in _cycles(therapy, patient) if one.date and one.date.precision == "day"]
    if days is None:
        return []
    if known:
        first, number = known[-1].date.earliest + timedelta(days), _number(therapy, patient)
    elif therapy.start is not None and therapy.start.precision == "day":
        first, number = therapy.start.earliest, 1
    else:
        return []
    last = therapy.stop.latest if therapy.stop is not None else None
    found = []
    for step in range(max(min(_usual(therapy) - number + 1, MOST), 0)):
        day = first + timedelta(days * step)
        if last is None or day <= last:
            found.append(Planned(number + step, day, day > today()))
    return found


def next_as_last(therapy: Any, patient: Patient) -> list[dict[str, str]]:
    """The next cycle with the dose of the last one, to be checked; its date is asked anew."""
    known = _cycles(therapy, patient)
    again = {"number": str(_number(therapy, patient))}
    if known:
        again |= {
            name: str(facts.plain(getattr(known[-1], name)))
            for name in _AGAIN
            if getattr(known[-1], name) is not None
        }
    return [again]


def _cycles(therapy: Any, patient: Patient) -> list[Any]:
    return [one for one in course.entries(patient, "cycle") if one.therapy_id == therapy.id]


def _number(therapy: Any, patient: Patient) -> int:
    return course.next_cycle(patient.id, therapy.id)


def _interval(therapy: Any) -> int | None:
    if therapy.interval_days:
        return int(therapy.interval_days)
    usual = lines.usual(therapy.agent).get("cycle_days") or ""
    return int(usual) if usual.isdigit() and int(usual) > 1 else None


def _usual(therapy: Any) -> int:
    """How many cycles there are: as stated, else the usual number."""
    if therapy.cycles:
        return int(therapy.cycles)
    most = lines.usual(therapy.agent).get("max_cycles") or ""
    return int(most) if most.isdigit() else MOST
