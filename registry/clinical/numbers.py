"""Numbers as people write them: read exactly, never rounded, never guessed."""

from __future__ import annotations

import re
from decimal import Decimal

from registry.clinical.results import N_

LONGEST = 40  # characters; a longer "number" is a slip of the keyboard
_POINT = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]{1,2}")


def number(text: str) -> Decimal:
    """`text` as an exact decimal.

    Accepts a decimal point, or a decimal comma with one or two digits behind it (three would be
    taken for thousands by half of the readers). Raises ValueError with a sentence otherwise.
    """
    stripped = text.strip()
    if len(stripped) <= LONGEST:
        if _POINT.fullmatch(stripped):
            return Decimal(stripped)
        if _COMMA.fullmatch(stripped):
            return Decimal(stripped.replace(",", "."))
    raise ValueError(N_("not a number: %(text)s") % {"text": text[:LONGEST]})


def number_or_none(text: str) -> Decimal | None:
    """As `number`, but blank is None."""
    return number(text) if text.strip() else None


def plain(value: Decimal) -> str:
    """`value` without exponent and without trailing zeros, for sentences."""
    if value == value.to_integral_value():
        return f"{value:f}".split(".")[0] if abs(value.adjusted()) < LONGEST else str(value)
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".")
