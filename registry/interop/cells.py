"""One cell of a file to one value of a variable: as stated, or refused with the reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from difflib import get_close_matches
from functools import cache
from typing import Any

import sqlalchemy as sa

from registry import codes, dictionary
from registry.clinical.ki67 import parse_ki67
from registry.clinical.numbers import number
from registry.dates import PartialDate, today
from registry.dictionary import Identity, Variable

#: Longer cells are a slip of the file, not an answer.
LONGEST = 10_000
_EARLIEST_YEAR = 1900
_ORDERS = {"ymd": "year month day", "dmy": "day month year", "mdy": "month day year"}
_DATE_PART = re.compile(r"[./\-\s]+")


class Refused(Exception):
    """A cell that cannot be taken over; the text says why."""


@dataclass(frozen=True)
class Absent:
    """A reason that stands in the place of a value."""

    why: str
    because: str = ""

    def as_json(self) -> dict[str, str]:
        """As entries keep it."""
        return {"why": self.why, **({"because": self.because} if self.because else {})}


class LeftBlank:
    """The map says: take nothing from this cell."""


LEFT_BLANK = LeftBlank()


@dataclass(frozen=True)
class Target:
    """A variable of an entity, and how it takes text."""

    entity: str
    name: str
    declared: Variable
    kind: str
    longest: int | None = None

    @property
    def path(self) -> str:
        """Entity and variable, such as `pathology.ki67_percent`."""
        return f"{self.entity}.{self.name}"

    @property
    def hidden(self) -> bool:
        """May its values not be shown in a report?"""
        return self.declared.identity is Identity.IDENTIFYING

    @property
    def code_list(self) -> str:
        """The name of its code list; empty where it has none."""
        return self.declared.codes or ("yes_no" if self.kind == "yes_no" else "")


def targets(model: type[Any]) -> dict[str, Target]:
    """Every variable of an entity that a file may fill: not those the rules derive."""
    found = {}
    for name, declared in dictionary.described(model).items():
        kind = dictionary.kind_of(model, name)
        if kind == "derived":
            continue
        column = sa.inspect(model).columns[name].type
        length = getattr(column, "length", None) if isinstance(column, sa.String) else None
        found[name] = Target(model.entity, name, declared, kind, length)
    return found


@dataclass(frozen=True)
class Reading:
    """What is done to a cell's text before it is a value (see docs/import.md)."""

    values: Mapping[str, Any] | None = None
    otherwise: Any = "refuse"
    ignore_case: bool = False
    pattern: re.Pattern[str] | None = None
    replace: str = r"\g<0>"
    factor: Decimal | None = None
    round: int | None = None
    split: str = ""
    order: str = "ymd"
    missing: Mapping[str, Any] = field(default_factory=dict)

    def is_marker(self, text: str) -> bool:
        """Is the text a missing marker? A value the map names itself is none."""
        own = self.values or {}
        return text in self.missing and text not in own and text.casefold() not in own


@dataclass(frozen=True)
class Taken:
    """What became of a cell: a value (or Absent, or LEFT_BLANK) and what is unusual about it."""

    value: Any
    unusual: str = ""
    outside_list: str = ""


def take(text: str, target: Target, reading: Reading) -> Taken:
    """The value of a cell that is neither blank nor a missing marker. Raises Refused."""
    if target.kind == "codes":
        pieces = [p.strip() for p in text.split(reading.split)] if reading.split else [text]
        return _list([_mapped(piece, reading) for piece in pieces if piece], target)
    mapped = _mapped(text, reading)
    if not isinstance(mapped, str):
        return Taken(mapped)
    return typed(_converted(mapped, reading), target, reading.order)


def _list(pieces: list[Any], target: Target) -> Taken:
    chosen: list[str] = []
    for piece in pieces:
        if isinstance(piece, Absent):
            return Taken(piece)
        if isinstance(piece, LeftBlank):
            continue
        value = typed(piece, target).value
        chosen += [code for code in value if code not in chosen]
    return Taken(chosen or LEFT_BLANK)


def _mapped(text: str, reading: Reading) -> Any:
    """After pattern and value map: text, Absent or LEFT_BLANK."""
    if reading.pattern is not None:
        found = reading.pattern.fullmatch(text)
        if found is None:
            return _other(text, reading, f"does not match the pattern {reading.pattern.pattern}")
        text = found.expand(reading.replace).strip()
    if reading.values is None:
        return text or LEFT_BLANK
    key = text.casefold() if reading.ignore_case else text
    if key in reading.values:
        return reading.values[key]
    return _other(text, reading, "is not among the values of the map")


def _other(text: str, reading: Reading, problem: str) -> Any:
    if reading.otherwise == "refuse":
        raise Refused(problem)
    return text if reading.otherwise == "as stated" else reading.otherwise


def _converted(text: str, reading: Reading) -> str:
    """In the variable's unit; without a factor every digit stays as stated."""
    if reading.factor is None and reading.round is None:
        return text
    try:
        value = number(text)
    except ValueError:
        raise Refused("is not a number") from None
    if reading.factor is not None:
        value *= reading.factor
    if reading.round is not None:
        value = value.quantize(Decimal(1).scaleb(-reading.round), ROUND_HALF_UP)
    return f"{value:f}"


def typed(text: str, target: Target, order: str = "ymd") -> Taken:
    """A text as the variable's value, checked as a form would. Raises Refused."""
    return _TYPES[target.kind](text, target, order)


def _text(text: str, target: Target, order: str) -> Taken:
    longest = target.longest or LONGEST
    if len(text) > longest:
        raise Refused(f"has {len(text)} characters; at most {longest} fit")
    return Taken(text.replace("\r\n", "\n"))


def _number(text: str, target: Target, order: str) -> Taken:
    try:
        value = number(text)
    except ValueError:
        raise Refused("is not a number") from None
    if len(f"{value:f}") > 40:
        raise Refused("has too many digits")
    low_high, unit = target.declared.possible, str(target.declared.unit or "")
    if low_high and not low_high[0] <= value <= low_high[1]:
        raise Refused(f"must be from {low_high[0]:f} to {low_high[1]:f} {unit}".rstrip())
    usual = target.declared.plausible
    if usual and not usual[0] <= value <= usual[1]:
        return Taken(value, unusual=f"most are from {usual[0]:f} to {usual[1]:f} {unit}".rstrip())
    return Taken(value)


def _ki67(text: str, target: Target, order: str) -> Taken:
    try:
        found = parse_ki67(text)
    except ValueError:
        raise Refused("is no Ki-67: a number (12), a range (3-20) or a limit (<3)") from None
    if found.impossible():
        raise Refused("must be from 0 to 100 %")
    return _text(text, target, order)


def _code(text: str, target: Target, order: str) -> Taken:
    name = target.code_list
    if codes.known(name, text):
        return Taken(text)
    if codes.acceptable(name, text):
        return Taken(text, outside_list=text)
    raise Refused(f"is not a code of {name}{_nearest(text, name)}")


def _nearest(text: str, name: str) -> str:
    near = get_close_matches(text, list(_spellings(name)), n=1, cutoff=0.75)
    return f"; did you mean {_spellings(name)[near[0]]}?" if near else ""


@cache
def _spellings(name: str) -> Mapping[str, str]:
    found = {code.label: code.code for code in codes.codes(name).values()}
    return found | {code: code for code in codes.codes(name)}


def _codes(text: str, target: Target, order: str) -> Taken:
    return Taken([_code(text, target, order).value])


def _date(text: str, target: Target, order: str) -> Taken:
    try:
        value = _ordered(text, order)
    except ValueError:
        raise Refused(f"is not a date ({_ORDERS[order]}; month and day may be missing)") from None
    if value.earliest > today():
        raise Refused("lies in the future")
    if value.earliest.year < _EARLIEST_YEAR:
        raise Refused(f"the year must be {_EARLIEST_YEAR} or later")
    return Taken(value)


def _ordered(text: str, order: str) -> PartialDate:
    """A date of one, two or three parts in the stated order."""
    parts = _DATE_PART.split(text)
    names = _ORDERS[order].split()
    if len(parts) < 3:
        names = [n for n in names if n == "year" or (n == "month" and len(parts) == 2)]
    given = dict(zip(names, parts, strict=True))
    return PartialDate.from_parts(given["year"], given.get("month", ""), given.get("day", ""))


_TYPES: Mapping[str, Callable[[str, Target, str], Taken]] = {
    "text": _text,
    "long_text": _text,
    "number": _number,
    "ki67": _ki67,
    "code": _code,
    "yes_no": _code,
    "codes": _codes,
    "partial_date": _date,
}
ORDERS = tuple(_ORDERS)
