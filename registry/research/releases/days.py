"""Partial dates of many rows at once, as numbers: days, months and completed years between them.

A date is six numbers: the first and the last day it can mean (as YYYYMMDD), the number of the first
one, that of the day and of the month where these are known, and a key that sorts as the dates do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from registry.dates import PartialDate
from registry.later import Later

np: Any = Later("numpy")
Numbers = Any  # an array of numpy

#: Stands for what is not known.
NONE = -1


def numbers(when: PartialDate) -> tuple[int, ...]:
    """The numbers of a date."""
    first, last = when.earliest, when.latest
    start = first.toordinal()
    year, month, _day = when.parts
    return (
        _as_number(first),
        _as_number(last),
        start,
        start if when.precision == "day" else NONE,
        NONE if month is None else year * 12 + month,
        start * 100 + len(when.iso),
    )


def _as_number(day: Any) -> int:
    return int(day.year * 10_000 + day.month * 100 + day.day)


#: The numbers of a list of dates: an array for each of the six, with NONE at its end.
Listed = Sequence[Numbers]


def listed(dates: Sequence[tuple[int, ...]]) -> Listed:
    """A list of dates, each given as its `numbers`."""
    return list(np.ascontiguousarray(np.array([*dates, (NONE,) * 6], np.int64).T))


@dataclass(frozen=True)
class Dates:
    """The dates of some rows; a row without one has NONE everywhere."""

    first: Numbers
    last: Numbers
    start: Numbers
    day: Numbers
    month: Numbers
    key: Numbers

    @classmethod
    def of(cls, listed: Listed, at: Numbers) -> Dates:
        """The dates at these places in a list; NONE is no date."""
        return cls(*(part[at] for part in listed))

    def take(self, at: Numbers) -> Dates:
        """Those of other rows; NONE is no date."""
        parts = (getattr(self, one.name) for one in fields(self))
        return Dates(*(np.append(one, NONE)[at] for one in parts))

    def otherwise(self, other: Dates) -> Dates:
        """These, and where there is none those."""
        pairs = ((getattr(self, one.name), getattr(other, one.name)) for one in fields(self))
        return Dates(*(np.where(self.there, one, instead) for one, instead in pairs))

    @property
    def there(self) -> Numbers:
        """Is there one?"""
        return self.key != NONE


@dataclass(frozen=True)
class Since:
    """How long after the diagnosis dates are: days, or months where a day is not known (each with
    the rows that have them), or which rows have neither, and why."""

    days: Numbers
    in_days: Numbers
    months: Numbers
    in_months: Numbers
    no_origin: Numbers
    partial: Numbers


def since(origin: Dates, when: Dates) -> Since:
    """Nothing is made up: days need two full dates, and months are given only where days cannot
    be, as together they would tell the day of the month."""
    both = origin.there & when.there
    in_days = (origin.day != NONE) & (when.day != NONE)
    in_months = both & ~in_days & (origin.month != NONE) & (when.month != NONE)
    return Since(
        when.day - origin.day,
        in_days,
        when.month - origin.month,
        in_months,
        when.there & ~origin.there,
        both & ~in_days,
    )


@dataclass(frozen=True)
class Years:
    """Completed years between dates, where both are precise enough, and which rows have none
    because their dates contradict each other or are not precise enough."""

    years: Numbers
    known: Numbers
    contradictory: Numbers
    partial: Numbers


def years(born: Dates, when: Dates) -> Years:
    """Completed years from one date to another."""
    both = born.there & when.there
    contradictory = both & (when.last < born.first)
    low, high = _full_years(born.last, when.first), _full_years(born.first, when.last)
    known = both & ~contradictory & (low == high)
    return Years(low, known, contradictory, both & ~contradictory & ~known)


def _full_years(start: Numbers, end: Numbers) -> Numbers:
    return end // 10_000 - start // 10_000 - (end % 10_000 < start % 10_000)
