"""Does a patient meet a criterion? Decided by the entries of the variable and the days of events.

Nothing is guessed: what a partial date or a range does not decide does not certainly meet a
criterion. It possibly does, so that somebody of whom it is open is not taken for one of whom none
of some criteria holds.
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
    criterion: Criterion,
    family: str,
    entries: Sequence[Entry],
    events: Mapping[str, PartialDate],
    *,
    possibly: bool = False,
) -> bool:
    """Does a patient with these entries, of this one variable, meet the criterion: certainly, or
    `possibly`, as far as partial dates and ranges leave it open?

    `not_known` means that no entry in question has a value.
    """
    filled = [one for one in entries if one.value not in (None, "", [])]
    if criterion.operator == NOT_KNOWN:
        return not _chosen(criterion, filled, events, possibly=not possibly)
    chosen = _chosen(criterion, filled, events, possibly=possibly)
    return any(_holds(criterion, family, one.value, possibly=possibly) for one in chosen)


def meet_in_one(
    asked: Sequence[tuple[Criterion, str, Sequence[Entry]]],
    events: Mapping[str, PartialDate],
    *,
    possibly: bool = False,
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
        if criterion.operator == NOT_KNOWN:
            chosen = _chosen(criterion, filled, events, possibly=not possibly)
            left = (left or set()) - {one.order for one in chosen}
        else:
            chosen = _chosen(criterion, filled, events, possibly=possibly)
            left = {
                one.order
                for one in chosen
                if _holds(criterion, family, one.value, possibly=possibly)
            }
        if not left:
            return False
    return True


def _chosen(
    criterion: Criterion,
    filled: Sequence[Entry],
    events: Mapping[str, PartialDate],
    *,
    possibly: bool,
) -> list[Entry]:
    if criterion.when == EVER:
        return list(filled)
    if criterion.when in (FIRST, LATEST):
        # Where no entry has a date the order of entering stands for it.
        dated = [one for one in filled if one.date is not None] or list(filled)
        ordered = sorted(dated, key=lambda one: (one.date.iso if one.date else "", one.order))
        return ordered[:1] if criterion.when == FIRST else ordered[-1:]
    event = "diagnosis" if criterion.when == AT_DIAGNOSIS else criterion.event
    origin = events.get(event)
    if origin is None:  # everybody was diagnosed, with or without a date; other events may not be
        return list(filled) if possibly and event == "diagnosis" else []
    return [
        one
        for one in filled
        if (_in_time(criterion, origin, one.date, possibly=possibly) if one.date else possibly)
    ]


def latest(entries: Sequence[Entry]) -> Any:
    """What the latest entry says that says something; None where none does."""
    filled = [one for one in entries if one.value not in (None, "", [])]
    chosen = _chosen(Criterion("", KNOWN, when=LATEST), filled, {}, possibly=False)
    return chosen[0].value if chosen else None


def _in_time(
    criterion: Criterion, origin: PartialDate, date: PartialDate, *, possibly: bool
) -> bool:
    if criterion.when == AT_DIAGNOSIS:
        months = rules.months_between(origin, date)
        if months is None:
            near = (
                abs(date.parts[0] - origin.parts[0]) <= 1
            )  # of a year alone nothing more is known
            return possibly and near
        return abs(months) <= ABOUT_DIAGNOSIS
    before = criterion.when == BEFORE
    first, last = (date, origin) if before else (origin, date)
    if possibly:
        ordered = first.earliest < last.latest if before else first.earliest <= last.latest
    else:
        same_day = not before and date.iso == origin.iso and date.precision == "day"
        ordered = same_day or first.certainly_before(last)
    if not ordered or not criterion.months:
        return ordered
    # Certainly: the longest it can be is near enough. Possibly: the shortest is.
    start, end = (first.latest, last.earliest) if possibly else (first.earliest, last.latest)
    return end <= _months_later(start, criterion.months)


def _months_later(date: day, months: int) -> day:
    """The same day so many months later; the last of that month where it is shorter."""
    years, month = divmod(date.year * 12 + date.month - 1 + months, 12)
    if years > day.max.year:
        return day.max
    last = PartialDate(f"{years:04d}-{month + 1:02d}").latest
    return min(last, last.replace(day=min(date.day, last.day)))


def _holds(criterion: Criterion, family: str, value: Any, *, possibly: bool) -> bool:
    if criterion.operator == KNOWN:
        return True
    if criterion.operator == ONE_OF:
        there = value if isinstance(value, list) else [str(value)]
        return any(one in criterion.values for one in there)
    at_least = criterion.operator == AT_LEAST
    low: Any
    high: Any
    if family == DATED:
        wanted = PartialDate(criterion.values[0])
        limit: Any = wanted.earliest if at_least else wanted.latest
        low, high = value.earliest, value.latest
    else:
        limit = Decimal(criterion.values[0])
        low, high = _span(value)
    if low is None or high is None:
        return possibly
    # Certainly: the least it can be is enough. Possibly: the most it can be is.
    if at_least:
        return bool((high if possibly else low) >= limit)
    return bool((low if possibly else high) <= limit)


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
