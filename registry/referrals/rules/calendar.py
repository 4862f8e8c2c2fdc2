"""The days on which a centre works: not on weekends, public holidays and its own closed days.

Weekends and public holidays are those of the centre's country, from the package `holidays`. For a
country it does not know, the weekend is Saturday and Sunday and there are no holidays: the page of
working days says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache

SATURDAY, SUNDAY = 5, 6
ONE = timedelta(days=1)


@cache
def public_holidays(country: str, year: int) -> Mapping[date, str]:
    """Day to name of a country's nationwide public holidays in a year. `country`: ISO 3166-1."""
    import holidays

    try:
        return dict(sorted(holidays.country_holidays(country, years=year).items()))
    except NotImplementedError:
        return {}


@cache
def weekend(country: str) -> frozenset[int]:
    """The days of the week on which a country rests, 0 Monday to 6 Sunday."""
    import holidays

    try:
        return frozenset(holidays.country_holidays(country).weekend)
    except NotImplementedError:
        return frozenset({SATURDAY, SUNDAY})


@cache
def is_known(country: str) -> bool:
    """Are the public holidays of the country known?"""
    import holidays

    return country in holidays.list_supported_countries()


@dataclass(frozen=True)
class Calendar:
    """On which days somebody works. `closed`: their own closed days, with the reason."""

    country: str = ""
    closed: Mapping[date, str] = field(default_factory=dict)

    def rests(self, day: date) -> str | None:
        """The name of the holiday or closed day, "" on a weekend, None on a working day."""
        if day in self.closed:
            return self.closed[day] or ""
        if self.country:
            name = public_holidays(self.country, day.year).get(day)
            if name is not None:
                return name
            return "" if day.weekday() in weekend(self.country) else None
        return "" if day.weekday() >= SATURDAY else None

    def is_working(self, day: date) -> bool:
        """Is it a working day?"""
        return self.rests(day) is None

    def add(self, start: date, days: int) -> date:
        """The day that is `days` working days after `start`; `start` itself for none."""
        day = start
        for _left in range(_bounded(days)):
            day = next(self._working_after(day))
        return day

    def between(self, start: date, end: date) -> int:
        """How many working days there are after `start` up to and with `end`."""
        days = (end - start).days
        return sum(self.is_working(start + timedelta(days=n)) for n in range(1, days + 1))

    def _working_after(self, day: date) -> Iterator[date]:
        for number in range(1, 3_700):  # ten years without a working day: a calendar gone wrong
            if self.is_working(day + timedelta(days=number)):
                yield day + timedelta(days=number)
        raise ValueError("this calendar has no working days")


def _bounded(days: int) -> int:
    if not 0 <= days <= 4_000:
        raise ValueError("days must be between 0 and 4000")
    return days


#: Monday to Friday, nothing else known.
WEEKDAYS = Calendar()
