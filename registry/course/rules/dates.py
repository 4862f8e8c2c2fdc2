"""Which dates of an entry cannot be, and which are unusual."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from registry.clinical.edit_checks import REFUSE, WARN
from registry.clinical.results import N_, Reason
from registry.dates import PartialDate

#: Entries that may come to light after a death: an autopsy, a late report.
_MAY_FOLLOW_DEATH = frozenset(
    {
        ("tumour", "diagnosis_date"),
        ("pathology", "date"),
        ("staging", "date"),
        ("therapy", "stop"),
    }
)

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
) -> list[DateProblem]:
    """What is wrong with the dates of one entry, by what they certainly mean.

    Before birth is refused, after death too unless it is something that can come to light later.
    An order that is unusual and not impossible is warned of.
    """
    found = []
    for name, date in dates.items():
        if (entity, name) in _PLANNED:
            continue
        if birth is not None and date.certainly_before(birth):
            found.append(_problem(name, REFUSE, N_("This is before the patient was born.")))
        if death is not None and name != "death_date" and death.certainly_before(date):
            late = (entity, name) in _MAY_FOLLOW_DEATH
            severity = WARN if late else REFUSE
            found.append(_problem(name, severity, AFTER_DEATH, date=death.iso))
    found += _within(entity, dates)
    if diagnosis is not None and entity in _FOLLOWS_DIAGNOSIS:
        name = _FOLLOWS_DIAGNOSIS[entity]
        if name in dates and dates[name].certainly_before(diagnosis):
            text = N_("This is before the diagnosis (%(date)s).")
            found.append(_problem(name, WARN, text, date=diagnosis.iso))
    return found


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
