"""Partial dates: a year, a year and month, or a day, kept as precise as they were stated."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property, total_ordering

_SHAPE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")


@total_ordering
@dataclass(frozen=True)
class PartialDate:
    """`iso` is YYYY, YYYY-MM or YYYY-MM-DD. Raises ValueError for anything else."""

    iso: str

    def __post_init__(self) -> None:
        found = _SHAPE.fullmatch(self.iso)
        if not found:
            raise ValueError(f"not a date: {self.iso!r}")
        year, month, day = (int(part) if part else 1 for part in found.groups())
        date(year, month, day)

    @classmethod
    def kept(cls, iso: str) -> PartialDate:
        """A date from a column of dates, which was checked before it was written there."""
        found = object.__new__(cls)
        object.__setattr__(found, "iso", iso)
        return found

    @classmethod
    def from_parts(cls, year: str, month: str = "", day: str = "") -> PartialDate:
        """Three typed boxes to a date; a day needs a month, a month needs a year."""
        year, month, day = year.strip(), month.strip(), day.strip()
        if not year or (day and not month):
            raise ValueError("incomplete date")
        if not re.fullmatch(r"[0-9]{4}", year):
            raise ValueError("year needs four digits")
        parts = [year]
        for part in (month, day):
            if part:
                if not re.fullmatch(r"[0-9]{1,2}", part):
                    raise ValueError("not a number")
                parts.append(part.zfill(2))
        return cls("-".join(parts))

    @classmethod
    def of(cls, value: date) -> PartialDate:
        """A full date."""
        return cls(value.isoformat())

    @property
    def precision(self) -> str:
        """`year`, `month` or `day`."""
        return {4: "year", 7: "month", 10: "day"}[len(self.iso)]

    @property
    def parts(self) -> tuple[int, int | None, int | None]:
        """Year, month or None, day or None."""
        iso = self.iso
        return (
            int(iso[:4]),
            int(iso[5:7]) if len(iso) > 4 else None,
            int(iso[8:]) if len(iso) > 7 else None,
        )

    @cached_property
    def earliest(self) -> date:
        """The first day this can mean."""
        return date.fromisoformat((self.iso + "-01-01")[:10])

    @property
    def latest(self) -> date:
        """The last day this can mean."""
        year, month, day = self.parts
        month = month or 12
        return date(year, month, day or calendar.monthrange(year, month)[1])

    def certainly_before(self, other: PartialDate) -> bool:
        """True only when no reading of the two allows otherwise."""
        return self.latest < other.earliest

    def days_to(self, other: PartialDate) -> int | None:
        """Days between two full dates, or None where either is partial: no day is made up."""
        if self.precision != "day" or other.precision != "day":
            return None
        return (other.earliest - self.earliest).days

    def __str__(self) -> str:
        return self.iso

    def __lt__(self, other: PartialDate) -> bool:
        return (self.earliest, self.iso) < (other.earliest, other.iso)


def today() -> date:
    """The day it is, in UTC."""
    return datetime.now(UTC).date()
