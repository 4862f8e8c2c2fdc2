"""One cell of a file to one value of a variable: as stated, or refused with the reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal
from difflib import get_close_matches
from functools import cache, lru_cache
from typing import Any

import sqlalchemy as sa

from registry import codes, dictionary
from registry.clinical.ki67 import parse_ki67
from registry.clinical.toxicity import folded
from registry.dates import today
from registry.dictionary import Identity, Variable
from registry.interop.notation import ORDERS, Notation, scaled
from registry.interop.patterns import Pattern

#: Longer cells are a slip of the file, not an answer.
LONGEST = 10_000
_EARLIEST_YEAR = 1900
#: Dates of what is only planned.
_PLANNED = {"follow_up.next_visit"}
#: A limit or a range, as reports write them.
_LIMIT = re.compile(
    r"(?:(?:<=?|>=?|=<|=>|≤|≥|~|≈|[Uu]nder |[Oo]ver |[Aa]bout )\s*(?P<only>[\d.,]+)"
    r"|(?P<low>[\d.,]+)\s*(?:-|–|—|to)\s*(?P<high>[\d.,]+))"
)
_HIGHEST_ANSWER = 10  # of the items of questionnaires


class Refused(Exception):
    """A cell that cannot be taken over; the text says why.

    `given` is what the map made of the cell, where that is not what stands in it.
    """

    def __init__(self, why: str, given: str = "") -> None:
        super().__init__(why)
        self.given = given


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


@cache
def targets(model: type[Any]) -> Mapping[str, Target]:
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
    pattern: Pattern | None = None
    replace: str = r"\g<0>"
    factor: Decimal | None = None
    round: int | None = None
    split: str = ""
    notation: Notation = field(default_factory=Notation)
    missing: Mapping[str, Any] = field(default_factory=dict)
    limits: bool = False
    names: bool = False
    unit: str = ""  # of the file, where the map names it

    def is_marker(self, text: str) -> bool:
        """Is the text a missing marker? A value the map names itself is none."""
        own = self.values or {}
        return text in self.missing and text not in own and text.casefold() not in own


@dataclass(frozen=True)
class Taken:
    """What became of a cell: a value (or Absent, or LEFT_BLANK) and what is unusual about it.

    `given` is what pattern and values made of the text, where that is another.
    """

    value: Any
    unusual: str = ""
    outside_list: str = ""
    given: str = ""


def take(text: str, target: Target, reading: Reading) -> Taken:
    """The value of a cell that is neither blank nor a missing marker. Raises Refused, and TooLong
    for a pattern that does not end."""
    if len(text) > LONGEST:
        raise Refused(f"has {len(text)} characters; at most {LONGEST} are taken")
    if target.kind == "codes":
        pieces = [p.strip() for p in text.split(reading.split)] if reading.split else [text]
        found = _list([_mapped(piece, reading) for piece in pieces if piece], target, reading)
        return _told(found, text)
    mapped = _mapped(text, reading)
    if not isinstance(mapped, str):
        return _told(Taken(mapped), text)
    try:
        found = typed(mapped, target, reading)
    except Refused as problem:
        raise Refused(str(problem), mapped if mapped != text else "") from None
    plainly = isinstance(found.value, str) and found.value != text
    return replace(found, given=str(found.value) if plainly else mapped if mapped != text else "")


def _told(found: Taken, text: str) -> Taken:
    """With what the text was read as, in words: codes, or the reason for none."""
    if isinstance(found.value, Absent):
        return replace(found, given=found.value.why)
    if isinstance(found.value, list) and found.value != [text]:
        return replace(found, given=";".join(found.value))
    return found


def _list(pieces: list[Any], target: Target, reading: Reading) -> Taken:
    chosen: list[str] = []
    for piece in pieces:
        if isinstance(piece, Absent):
            return Taken(piece)
        if isinstance(piece, LeftBlank):
            continue
        value = typed(piece, target, reading).value
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


def _converted(value: Decimal, reading: Reading) -> Decimal:
    """In the variable's unit; without a factor every digit stays as stated."""
    if reading.factor is not None:
        value *= reading.factor
    if reading.round is not None:
        value = value.quantize(Decimal(1).scaleb(-reading.round), ROUND_HALF_UP)
    return value


def _read_number(text: str, reading: Reading) -> Decimal:
    try:
        return reading.notation.number(text)
    except ValueError as error:
        said = str(error)
        raise Refused(f"is not a number: {said}" if "mark" in said else "is not a number") from None


def typed(text: str, target: Target, reading: Reading | None = None) -> Taken:
    """A text as the variable's value, checked as a form would. Raises Refused."""
    return _TYPES[target.kind](text, target, reading or Reading())


def _text(text: str, target: Target, reading: Reading) -> Taken:
    longest = target.longest or LONGEST
    if len(text) > longest:
        raise Refused(f"has {len(text)} characters; at most {longest} fit")
    return Taken(text.replace("\r\n", "\n"))


def _number(text: str, target: Target, reading: Reading) -> Taken:
    if reading.limits and is_limit(text, reading.notation):
        return Taken(Absent("not_available", f"stated as {text} {reading.unit}".rstrip()))
    value = _converted(_read_number(text, reading), reading)
    if len(f"{value:f}") > 40:
        raise Refused("has too many digits")
    low_high, unit = target.declared.possible, str(target.declared.unit or "")
    if low_high and not low_high[0] <= value <= low_high[1]:
        raise Refused(f"must be from {low_high[0]:f} to {low_high[1]:f} {unit}".rstrip())
    usual = target.declared.plausible
    if usual and not usual[0] <= value <= usual[1]:
        return Taken(value, unusual=f"most are from {usual[0]:f} to {usual[1]:f} {unit}".rstrip())
    return Taken(value)


def is_limit(text: str, notation: Notation) -> bool:
    """Is it `<2`, `>= 50`, `~10`, `2-20` or `2 to 20`: numbers, but none of them the value?"""
    found = _LIMIT.fullmatch(text)
    if found is None:
        return False
    try:
        ends = [notation.number(end) for end in found.group("only", "low", "high") if end]
    except ValueError:
        return False
    return len(ends) == 1 or ends[0] < ends[1]


def _ki67(text: str, target: Target, reading: Reading) -> Taken:
    try:
        if reading.factor is not None:
            text = scaled(text, reading.factor)
        found = parse_ki67(text)
    except ValueError:
        raise Refused("is no Ki-67: a number (12), a range (3-20) or a limit (<3)") from None
    if found.impossible():
        raise Refused("must be from 0 to 100 %")
    return _text(text, target, reading)


def _code(text: str, target: Target, reading: Reading) -> Taken:
    name = target.code_list
    if codes.known(name, text):
        return Taken(text)
    if codes.acceptable(name, text):
        return Taken(text, outside_list=text)
    if reading.ignore_case:
        same = [code for code in codes.codes(name) if code.casefold() == text.casefold()]
        if len(same) == 1:
            return Taken(same[0])
    if reading.names:
        called = _called(name).get(folded(text), [])
        if len(called) == 1:
            return Taken(called[0])
    raise Refused(f"is not a code of {name}{_nearest(text, name)}")


def _nearest(text: str, name: str) -> str:
    near = get_close_matches(text, list(_spellings(name)), n=1, cutoff=0.75)
    return f"; did you mean {_spellings(name)[near[0]]}?" if near else ""


def _called(name: str) -> Mapping[str, list[str]]:
    """What a list calls its codes, in whatever spelling: name → codes."""
    found: dict[str, list[str]] = {}
    for one in codes.codes(name).values():
        found.setdefault(_folded(one.label), []).append(one.code)
    return found


@lru_cache(4096)
def _folded(label: str) -> str:
    return folded(label)


@cache
def _spellings(name: str) -> Mapping[str, str]:
    found = {code.label: code.code for code in codes.codes(name).values()}
    return found | {code: code for code in codes.codes(name)}


def _codes(text: str, target: Target, reading: Reading) -> Taken:
    return Taken([_code(text, target, reading).value])


def _date(text: str, target: Target, reading: Reading) -> Taken:
    try:
        value = reading.notation.date(text)
    except ValueError:
        order = ORDERS[reading.notation.order]
        raise Refused(f"is not a date ({order}; month and day may be missing)") from None
    if value.earliest > today() and target.path not in _PLANNED:
        raise Refused("lies in the future")
    if value.earliest.year < _EARLIEST_YEAR:
        raise Refused(f"the year must be {_EARLIEST_YEAR} or later")
    return Taken(value)


def _link(text: str, target: Target, reading: Reading) -> Taken:
    if not text.startswith("https://"):
        raise Refused("is no address that begins with https://")
    return _text(text, target, reading)


def item(text: str) -> str:
    """The answer to one item of a questionnaire: the number that was ticked. Raises Refused."""
    if not (text.isascii() and text.isdigit() and int(text) <= _HIGHEST_ANSWER):
        raise Refused(f"is no answer: a number from 0 to {_HIGHEST_ANSWER}")
    return str(int(text))


def _items(text: str, target: Target, reading: Reading) -> Taken:
    raise Refused('takes answers by item: { items = { "1" = "column" } }')


_TYPES: Mapping[str, Callable[[str, Target, Reading], Taken]] = {
    "text": _text,
    "long_text": _text,
    "number": _number,
    "ki67": _ki67,
    "code": _code,
    "yes_no": _code,
    "codes": _codes,
    "partial_date": _date,
    "link": _link,
    "items": _items,
}
