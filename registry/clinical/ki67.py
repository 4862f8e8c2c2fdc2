"""Ki-67 as reports state it: a value, a range, or a limit with a comparator."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from registry.clinical.numbers import number, plain
from registry.clinical.results import N_

LOWEST = Decimal(0)
HIGHEST = Decimal(100)

JUST_BELOW, EXACTLY, JUST_ABOVE = -1, 0, 1
Bound = tuple[Decimal, int]
"""A value, and whether it is meant just below it, exactly, or just above it."""

_COMPARATOR = re.compile(r"(<=|>=|=<|=>|≤|≥|<|>|=|~|≈)\s*(.+)", re.DOTALL)
_RANGE = re.compile(r"([0-9.,]+)\s*%?\s*[-–—]\s*([0-9.,]+)")
_SAME = {"=<": "<=", "≤": "<=", "=>": ">=", "≥": ">=", "≈": "~", "=": ""}


@dataclass(frozen=True, slots=True)
class Ki67:
    """The share of stained nuclei in per cent.

    `comparator` is "" (a value), "-" (a range), "~" (about), or one of < <= > >=.
    `low` and `high` are the ends; an open comparator has 0 or 100 at its open end.
    `stated` is what the report says, kept as said.
    """

    low: Decimal
    high: Decimal
    comparator: str = ""
    stated: str = ""

    @classmethod
    def of(cls, value: Decimal | int | str) -> Ki67:
        """A single value."""
        exact = value if isinstance(value, Decimal) else Decimal(value)
        return cls(exact, exact, "", plain(exact))

    def impossible(self) -> bool:
        """Whether any of it lies outside 0 to 100 %."""
        if self.low < LOWEST or self.high > HIGHEST:
            return True
        if self.comparator == ">":
            return self.low >= HIGHEST
        return self.comparator == "<" and self.high <= LOWEST

    def lowest(self) -> Bound:
        """The lower end."""
        return (self.low, JUST_ABOVE if self.comparator == ">" else EXACTLY)

    def highest(self) -> Bound:
        """The upper end."""
        return (self.high, JUST_BELOW if self.comparator == "<" else EXACTLY)

    def deciding(self) -> Bound:
        """The highest end that was *stated*: "2-5" decides by 5, ">= 20" by 20.

        The highest count decides a grade; an end nobody stated is no evidence.
        """
        return self.lowest() if self.comparator in (">", ">=") else self.highest()

    def text(self) -> str:
        """As stated, without the per cent sign, for sentences."""
        return self.stated.removesuffix("%").rstrip()

    def __str__(self) -> str:
        return self.stated


def parse_ki67(text: str) -> Ki67:
    """What a report states as Ki-67: `12`, `12,5`, `<3 %`, `>=20`, `3-20`, `~30`.

    Values outside 0-100 are read as stated (grading answers them as impossible).
    Raises ValueError with a sentence for anything else; it never guesses.
    """
    stated = text.strip()
    body = stated.removesuffix("%").strip()
    if not body:
        raise ValueError(N_("Ki-67 is empty"))
    span = _RANGE.fullmatch(body)
    if span:
        low, high = number(span[1]), number(span[2])
        if low > high:
            raise ValueError(N_("Ki-67 range runs backwards: %(text)s") % {"text": stated[:40]})
        return Ki67(low, high, "-" if low < high else "", stated)
    compared = _COMPARATOR.fullmatch(body)
    if not compared:
        value = _value(body, stated)
        return Ki67(value, value, "", stated)
    comparator = _SAME.get(compared[1], compared[1])
    value = _value(compared[2], stated)
    if comparator in ("<", "<="):
        return Ki67(min(LOWEST, value), value, comparator, stated)
    if comparator in (">", ">="):
        return Ki67(value, max(HIGHEST, value), comparator, stated)
    return Ki67(value, value, comparator, stated)


def _value(text: str, stated: str) -> Decimal:
    try:
        return number(text)
    except ValueError:
        raise ValueError(
            N_("Ki-67 is not a value, range or limit: %(text)s") % {"text": stated[:40]}
        ) from None
