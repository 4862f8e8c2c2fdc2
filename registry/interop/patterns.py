"""Regular expressions of a map, with a limit on their time: a pattern that is tried in too many
ways on one cell stops the import with a word about it, and not the machine."""

from __future__ import annotations

from typing import Any

import regex

#: Seconds for one cell; a sound pattern takes millionths.
_SECONDS = 0.5
#: Longer ones are no pattern for a cell.
LONGEST = 2_000


class TooLong(Exception):
    """A pattern needs too long for a cell; the text names the pattern."""


class Pattern:
    """A compiled expression. Raises ValueError for what is none."""

    def __init__(self, text: str, *, ignore_case: bool = False) -> None:
        if len(text) > LONGEST:
            raise ValueError(f"must be text of at most {LONGEST} characters")
        try:
            self._compiled: Any = regex.compile(text, regex.IGNORECASE * ignore_case)
        except (regex.error, RecursionError, OverflowError) as error:
            raise ValueError(str(error)) from None
        self.pattern = text
        self.groupindex: dict[str, int] = dict(self._compiled.groupindex)

    def fullmatch(self, text: str) -> Any:
        """The match of the whole text, or None. Raises TooLong."""
        try:
            return self._compiled.fullmatch(text, timeout=_SECONDS)
        except TimeoutError:
            raise TooLong(
                f"the pattern {self.pattern!r} takes too long for a cell: make it simpler"
                " (a repetition within a repetition?)"
            ) from None

    def fits(self, template: str) -> str:
        """What is wrong with a replacement for this pattern; empty if nothing is."""
        try:
            found = regex.compile(f"(?:{self.pattern})?").fullmatch("")
            found.expand(template)
        except (regex.error, IndexError, AttributeError) as error:
            return str(error)
        return ""
