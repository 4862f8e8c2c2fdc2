"""An analysis as it is shown: its figure, tables, definition, completeness, and what redoes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from registry.language import lazy_gettext as _l

#: What is said wherever numbers of a release are shown.
FEW = _l("Do not publish a number that describes fewer than 5 patients.")

Row = Mapping[str, str]


class Files(Protocol):
    """The files of a release: what they are called, their columns and their rows."""

    def columns(self, name: str) -> Sequence[str]:
        """The heading of a file; nothing where there is no such file."""

    def rows(self, name: str) -> Sequence[Row]:
        """The rows of a file; nothing where there is no such file."""


@dataclass(frozen=True)
class Choice:
    """Something the reader can choose: (value, words), what is chosen, and the words for none."""

    name: str
    label: Any
    options: Sequence[tuple[str, Any]]
    chosen: str
    none: Any


@dataclass(frozen=True)
class Table:
    """Numbers as they are shown. `numbers` says from which column on they are numbers."""

    caption: Any
    columns: Sequence[Any]
    rows: Sequence[Sequence[str]]
    numbers: int = 1


@dataclass(frozen=True)
class Shown:
    """What a page shows of an analysis. Without `draw` nothing can be shown, and `empty` says why.

    `numbers` are those of the figure as CSV, `data` the rows it was made from: each a heading and
    its lines. `code` are scripts that redo it from `data`, by their ending.
    """

    name: str
    title: Any
    definition: Any
    choices: Sequence[Choice] = ()
    alternative: str = ""
    draw: Callable[[str], bytes] | None = None
    tables: Sequence[Table] = ()
    said: Sequence[Any] = ()
    complete: Sequence[tuple[Any, int, int]] = ()  # what, how many have it, of how many
    numbers: tuple[Sequence[str], Sequence[Sequence[str]]] = ((), ())
    data: tuple[Sequence[str], Sequence[Sequence[str]]] = ((), ())
    code: Mapping[str, str] = field(default_factory=dict)
    how: Sequence[Any] = ()
    empty: Any = ""


def exact(value: float | None) -> str:
    """A number for a file: six digits after the point, empty for none."""
    return "" if value is None else f"{value:.6f}"


def one_digit(value: float | None, none: Any = "–") -> str:
    """A number for a page."""
    return str(none) if value is None else f"{value:.1f}"


def p_value(p: float) -> str:
    """A p value for a page: two digits that count, and no smaller than a thousandth."""
    return "< 0.001" if p < 0.001 else f"{p:.2g}"


def chosen(asked: Mapping[str, str], name: str, options: Sequence[str]) -> str:
    """What was asked for, where it can be; else nothing."""
    found = asked.get(name, "")
    return found if found in options else ""


def lacking(files: Files, needs: Sequence[tuple[str, str]]) -> list[str]:
    """Which of these variables (file, name) the release does not have, as `file: name`. A date is
    there as days, as months or shifted."""
    endings = ("", "_days", "_months", "_shifted")
    return [
        f"{file}: {name}"
        for file, name in needs
        if not any(f"{name}{ending}" in files.columns(file) for ending in endings)
    ]
