"""How a file writes its numbers and dates, read as the map says and never guessed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from babel import Locale
from babel.core import UnknownLocaleError

from registry.clinical.numbers import number
from registry.dates import PartialDate

#: The parts of a date, in the orders a map may name.
ORDERS = {"ymd": "year month day", "dmy": "day month year", "mdy": "month day year"}
MARKS = (".", ",")
_DATE_PART = re.compile(r"[./\-\s]+|,\s+")
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}(?:-[0-9]{2})?")
_NUMBER = re.compile(r"[0-9]+(?:[.,][0-9]+)?|[.,][0-9]+")


@dataclass(frozen=True)
class Notation:
    """What a map says of a column's numbers and dates.

    `decimal` and `thousands` are the marks in a number; empty: as `registry.clinical.numbers`
    reads it. `years_from` is the year from which a hundred years of two digits count. `months`
    are the names of months, in small letters.
    """

    order: str = "ymd"
    years_from: int | None = None
    months: str = "en"
    decimal: str = ""
    thousands: str = ""

    def number(self, text: str) -> Decimal:
        """An exact number. Raises ValueError."""
        plain = text.replace("\u00a0", " ").replace("\u202f", " ")
        decimal = self.decimal or {",": ".", ".": ","}.get(self.thousands, "")
        if not decimal:
            return number(self._joined(plain, r"[.,]"))
        plain = self._joined(plain, re.escape(decimal))
        other = "." if decimal == "," else ","
        if other in plain:
            raise ValueError(f"has {other!r}, the map's decimal mark is {decimal!r}")
        return number(plain.replace(",", "."))

    def _joined(self, text: str, decimal: str) -> str:
        """The number without its thousands marks, which must stand before every three digits."""
        if not self.thousands or self.thousands not in text:
            return text
        mark = re.escape(self.thousands)
        if not re.fullmatch(rf"[+-]?\d{{1,3}}(?:{mark}\d{{3}})+(?:{decimal}\d+)?", text):
            raise ValueError(f"has {self.thousands!r} where no thousands mark stands")
        return text.replace(self.thousands, "")

    def date(self, text: str) -> PartialDate:
        """A date of one, two or three parts in the stated order; the name of a month is one
        wherever it stands. Raises ValueError."""
        if _ISO.fullmatch(text):
            return PartialDate(text)  # the year comes first: no other order is meant
        parts = _DATE_PART.split(text)
        names = ORDERS[self.order].split()
        if len(parts) < 3:
            names = [n for n in names if n == "year" or (n == "month" and len(parts) == 2)]
        known = month_names(self.months)
        named = [part for part in parts if part.casefold() in known]
        if len(named) == 1:
            parts = [part for part in parts if part not in named]
            names = [name for name in names if name != "month"]
        given = dict(zip(names, parts, strict=True))
        month = str(known[named[0].casefold()]) if named else given.get("month", "")
        return PartialDate.from_parts(self._year(given["year"]), month, given.get("day", ""))

    def _year(self, text: str) -> str:
        if self.years_from is None or not re.fullmatch(r"[0-9]{2}", text):
            return text
        return str(self.years_from + (int(text) - self.years_from) % 100)


def scaled(text: str, factor: Decimal) -> str:
    """Every number in a range or limit, multiplied: `<0.03` times 100 is `<3.00`."""
    return _NUMBER.sub(lambda found: f"{number(found[0]) * factor:f}", text)


@cache
def month_names(language: str) -> Mapping[str, int]:
    """The names of the months and their abbreviations, without a full stop, in small letters.

    Raises LookupError for a language nobody knows.
    """
    try:
        locale = Locale.parse(language)
    except (UnknownLocaleError, ValueError) as error:
        raise LookupError(language) from error
    found = {"sept": 9} if locale.language == "en" else {}
    for context in ("format", "stand-alone"):
        for width in ("abbreviated", "wide"):
            for month, name in locale.months[context][width].items():
                found[name.casefold().rstrip(".")] = month
    return found
