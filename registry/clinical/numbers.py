"""Numbers as people write them: read exactly, never rounded, never guessed."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

from registry.clinical.results import N_

LONGEST = 40  # characters; a longer "number" is a slip of the keyboard
_POINT = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]{1,2}")


@lru_cache(8192)
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
    """`value` without trailing zeros and, where it is not out of all proportion, exponent."""
    text = str(value)
    if "E" in text and abs(value.adjusted()) < LONGEST:
        text = f"{value:f}"
    if "." in text and "E" not in text:
        text = text.rstrip("0").rstrip(".")
    return text
