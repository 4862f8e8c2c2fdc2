"""Does a patient meet a criterion? Decided by the entries of the variable and the days of events.

Nothing is guessed: what a partial date or a range does not decide does not meet a criterion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date as day
from decimal import Decimal
from typing import Any

from registry.clinical.ki67 import parse_ki67
from registry.dates import PartialDate
from registry.research import rules
from registry.research.cohorts.criteria import (
    ABOUT_DIAGNOSIS,
    AT_DIAGNOSIS,
    AT_LEAST,
    BEFORE,
    DATED,
    EVER,
    FIRST,
    KNOWN,
    LATEST,
    NOT_KNOWN,
    ONE_OF,
    Criterion,
)


@dataclass(frozen=True)
class Entry:
    """One entry of a patient: when it was, in which order it was entered, and what it says."""

    date: PartialDate | None
    order: str
    value: Any


@dataclass(frozen=True)
class Between:
    """A number of which only the lowest and the highest it can be are known: a time that was cut
    short has no highest."""

    low: Decimal
    high: Decimal = Decimal("Infinity")


def meets(
    criterion: Criterion, family: str, entries: Sequence[Entry], events: Mapping[str, PartialDate]
) -> bool:
    """Does a patient with these entries, of this one variable, meet the criterion?

    `not_known` means that no entry in question has a value.
    """
    filled = [one for one in entries if one.value not in (None, "", [])]
    chosen = _chosen(criterion, filled, events)
    if criterion.operator == NOT_KNOWN:
        return not chosen
    return any(_holds(criterion, family, one.value) for one in chosen)


def meet_in_one(
    asked: Sequence[tuple[Criterion, str, Sequence[Entry]]], events: Mapping[str, PartialDate]
) -> bool:
    """Is there one entry that meets all of these criteria (with the family and the entries of
    their variables)? Each looks at the entries that those before it have left, so that the latest
    value of a marker is the latest of that marker."""
    left: set[str] | None = None
    for criterion, family, entries in asked:
        filled = [
            one
            for one in entries
            if one.value not in (None, "", []) and (left is None or one.order in left)
        ]
        chosen = _chosen(criterion, filled, events)
        if criterion.operator == NOT_KNOWN:
            left = (left or set()) - {one.order for one in chosen}
        else:
            left = {one.order for one in chosen if _holds(criterion, family, one.value)}
        if not left:
            return False
    return True


def _chosen(
    criterion: Criterion, filled: Sequence[Entry], events: Mapping[str, PartialDate]
) -> list[Entry]:
    if criterion.when == EVER:
        return list(filled)
    if criterion.when in (FIRST, LATEST):
        # Where no entry has a date the order of entering stands for it.
        dated = [one for one in filled if one.date is not None] or list(filled)
        ordered = sorted(dated, key=lambda one: (one.date.iso if one.date else "", one.order))
        return ordered[:1] if criterion.when == FIRST else ordered[-1:]
    origin = events.get("diagnosis" if criterion.when == AT_DIAGNOSIS else criterion.event)
    if origin is None:
        return []
    return [one for one in filled if one.date and _in_time(criterion, origin, one.date)]


def latest(entries: Sequence[Entry]) -> Any:
    """What the latest entry says that says something; None where none does."""
    filled = [one for one in entries if one.value not in (None, "", [])]
    chosen = _chosen(Criterion("", KNOWN, when=LATEST), filled, {})
    return chosen[0].value if chosen else None


def _in_time(criterion: Criterion, origin: PartialDate, date: PartialDate) -> bool:
    if criterion.when == AT_DIAGNOSIS:
        months = rules.months_between(origin, date)
        return months is not None and abs(months) <= ABOUT_DIAGNOSIS
    if criterion.when == BEFORE:
        return date.certainly_before(origin) and _near(criterion, date, origin)
    same_day = date.iso == origin.iso and date.precision == "day"
    return (same_day or origin.certainly_before(date)) and _near(criterion, origin, date)


def _near(criterion: Criterion, first: PartialDate, last: PartialDate) -> bool:
    """Are there certainly no more months between two dates than were asked for?"""
    return not criterion.months or last.latest <= _months_later(first.earliest, criterion.months)


def _months_later(date: day, months: int) -> day:
    """The same day so many months later; the last of that month where it is shorter."""
    years, month = divmod(date.year * 12 + date.month - 1 + months, 12)
    if years > day.max.year:
        return day.max
    last = PartialDate(f"{years:04d}-{month + 1:02d}").latest
    return min(last, last.replace(day=min(date.day, last.day)))


def _holds(criterion: Criterion, family: str, value: Any) -> bool:
    if criterion.operator == KNOWN:
        return True
    if criterion.operator == ONE_OF:
        there = value if isinstance(value, list) else [str(value)]
        return any(one in criterion.values for one in there)
    wanted = criterion.values[0]
    if family == DATED:
        return _date_holds(criterion.operator, value, PartialDate(wanted))
    low, high = _span(value)
    if low is None or high is None:
        return False
    limit = Decimal(wanted)
    return low >= limit if criterion.operator == AT_LEAST else high <= limit


def _date_holds(operator: str, value: PartialDate, wanted: PartialDate) -> bool:
    if operator == AT_LEAST:
        return value.earliest >= wanted.earliest
    return value.latest <= wanted.latest


def _span(value: Any) -> tuple[Decimal | None, Decimal | None]:
    """The lowest and highest a value can be."""
    if isinstance(value, str):
        try:
            read = parse_ki67(value)
        except ValueError:
            return None, None
        return read.low, read.high
    if isinstance(value, Between):
        return value.low, value.high
    exact = Decimal(value)
    return exact, exact
