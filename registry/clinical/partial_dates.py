"""Partial dates as text: YYYY, YYYY-MM or YYYY-MM-DD, compared without making up a day."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date
from functools import lru_cache

from registry.clinical.results import N_

_FORM = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")

DAY, MONTH, YEAR = "day", "month", "year"


def bounds(text: str) -> tuple[date, date]:
    """The first and the last day a partial date can mean. Raises ValueError otherwise."""
    return _bounds(text)


@lru_cache(16384)
def _bounds(text: str) -> tuple[date, date]:
    found = _FORM.fullmatch(text.strip())
    if not found:
        raise ValueError(N_("not a date: %(text)s") % {"text": text[:40]})
    year, month, day = found[1], found[2], found[3]
    try:
        first = date(int(year), int(month or 1), int(day or 1))
    except ValueError:
        raise ValueError(N_("not a date: %(text)s") % {"text": text[:40]}) from None
    if day:
        return first, first
    last_month = int(month or 12)
    return first, date(int(year), last_month, monthrange(int(year), last_month)[1])


def precision(text: str) -> str:
    """`day`, `month` or `year`. Raises ValueError when the text is no date."""
    bounds(text)
    return (YEAR, MONTH, DAY)[text.strip().count("-")]


def surely_before(earlier: str, later: str) -> bool:
    """Whether the first date is certainly before the second, whatever the missing parts are."""
    return _bounds(earlier)[1] < _bounds(later)[0]


def assumed(text: str) -> date:
    """One day for counting: the 15th where the month is known, 1 July where only the year is.

    The result carries a precision of its own (`precision`), which must be shown beside it.
    """
    first, last = _bounds(text)
    if first == last:  # it is a day
        return first
    known = precision(text)
    return first.replace(day=15) if known == MONTH else first.replace(month=7, day=1)
