"""Which dates of an entry cannot be, and which are unusual."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from registry.clinical import tables
from registry.clinical.edit_checks import REFUSE, WARN
from registry.clinical.results import N_, Reason
from registry.dates import PartialDate

ALLOW = "allow"
#: The day of a contact that says that the patient is dead: the news comes later than the death.
_CONTACT = ("follow_up", "date")

#: Dates of what is only planned: no event contradicts them.
_PLANNED = frozenset({("follow_up", "next_visit")})

AFTER_DEATH = N_("This is after the patient's death (%(date)s).")
DEATH_BEFORE = N_("The record has an entry after this date: %(entry)s, %(date)s.")


@dataclass(frozen=True)
class DateProblem:
    """A date that cannot be, or is unusual: at which variable, how grave, and why."""

    variable: str
    severity: str
    reason: Reason


def date_problems(
    entity: str,
    dates: Mapping[str, PartialDate],
    *,
    birth: PartialDate | None = None,
    death: PartialDate | None = None,
    diagnosis: PartialDate | None = None,
    says_dead: bool = False,
) -> list[DateProblem]:
    """What is wrong with the dates of one entry, by what they certainly mean.

    Before birth is refused, after death too unless it is something that can come to light later
    (`data/record_dates.csv`). `says_dead`: the entry is a contact that tells of the death, which
    may be later than it. An order that is unusual and not impossible is warned of.
    """
    found = []
    for name, date in dates.items():
        if (entity, name) in _PLANNED:
            continue
        if birth is not None and date.certainly_before(birth):
            found.append(_problem(name, REFUSE, N_("This is before the patient was born.")))
        if death is not None and name != "death_date" and death.certainly_before(date):
            severity = _after_death().get((entity, name), REFUSE)
            if (entity, name) == _CONTACT:
                severity = ALLOW if says_dead else REFUSE
            if severity != ALLOW:
                found.append(_problem(name, severity, AFTER_DEATH, date=death.iso))
    found += [one for one in _within(entity, dates) if not (says_dead and entity == "follow_up")]
    if diagnosis is not None and entity in _FOLLOWS_DIAGNOSIS:
        name = _FOLLOWS_DIAGNOSIS[entity]
        if name in dates and dates[name].certainly_before(diagnosis):
            text = N_("This is before the diagnosis (%(date)s).")
            found.append(_problem(name, WARN, text, date=diagnosis.iso))
    return found


@cache
def _after_death() -> dict[tuple[str, str], str]:
    """How grave it is that a date lies after the death: refuse, warn or allow."""
    rows = tables.rows("record_dates")
    return {(row["entity"], row["variable"]): row["after_death"] for row in rows}


def says_dead(values: Mapping[str, Any]) -> bool:
    """Does a contact with these values tell of a death?"""
    status = values.get("vital_status")
    return status == "dead" or (not status and values.get("death_date") is not None)


_FOLLOWS_DIAGNOSIS = {
    "therapy": "start",
    "progression": "date",
    "response": "date",
    "follow_up": "date",
}
#: (entity, earlier, later, how grave, what is said at the later).
_ORDER = (
    ("therapy", "start", "stop", REFUSE, N_("This is before the start (%(date)s).")),
    (
        "follow_up",
        "date",
        "death_date",
        REFUSE,
        N_("This is before the date of contact (%(date)s)."),
    ),
    (
        "tumour",
        "first_symptom_date",
        "diagnosis_date",
        WARN,
        N_("This is before the first symptom (%(date)s)."),
    ),
)


def _within(entity: str, dates: Mapping[str, PartialDate]) -> list[DateProblem]:
    return [
        _problem(later, severity, text, date=dates[earlier].iso)
        for owner, earlier, later, severity, text in _ORDER
        if owner == entity
        and earlier in dates
        and later in dates
        and dates[later].certainly_before(dates[earlier])
    ]


def _problem(variable: str, severity: str, template: str, **values: str) -> DateProblem:
    return DateProblem(variable, severity, Reason(template, values))
