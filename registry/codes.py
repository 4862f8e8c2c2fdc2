"""Closed vocabularies from data files: code, label, edition, source. One file a list.

Two lists are open: topography and morphology. A well-formed code outside them is kept as stated,
grouped *other*, and flagged.

A network may add codes of its own to some lists, without a release. Who keeps them hands them in
through `add_local`; they are marked as local wherever they are shown.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from registry.language import gettext

_OPEN = {
    "topography": re.compile(r"C[0-9]{2}(\.[0-9])?"),
    "morphology": re.compile(r"[0-9]{4}/[0-9]"),
}


@dataclass(frozen=True)
class Code:
    """One word of a vocabulary. `label` is English; `shown()` translates it."""

    code: str
    label: str
    edition: str = ""
    source: str = ""
    local: bool = False  # added by this network
    retired: bool = False  # still read, no longer offered

    @property
    def marked(self) -> str:
        """The English label, with the mark of a local one: for what leaves the house."""
        return f"{self.label} (local)" if self.local else self.label

    def shown(self) -> str:
        """The label in the reader's language; of a local one as it was given, and so marked."""
        if self.local:
            return str(gettext("%(label)s (local)", label=self.label))
        return str(gettext(self.label))


Local = Mapping[str, Mapping[str, Code]]
_local: Callable[[], Local] = dict
_addable: Container[str] = ()


def add_local(source: Callable[[], Local], lists: Container[str]) -> None:
    """Say where the local codes are asked for (list → code → Code), and which lists may have some.

    Asked at each look-up in such a list, so the source must answer from memory.
    """
    global _local, _addable
    _local, _addable = source, lists


def codes(name: str) -> Mapping[str, Code]:
    """The list by its name, in file order, the local ones last. Raises KeyError for an unknown
    list."""
    listed = shipped(name)
    added = _local().get(name) if name in _addable else None
    if not added:
        return listed
    # A code that a later release ships is the shipped one from then on.
    return {**listed, **{code: one for code, one in added.items() if code not in listed}}


@cache
def shipped(name: str) -> Mapping[str, Code]:
    """The list as it came with the product. Raises KeyError for an unknown list."""
    path = resources.files("registry.clinical") / "data" / "codes" / f"{name}.csv"
    if not path.is_file():
        raise KeyError(f"no code list {name!r}")
    with path.open(encoding="utf-8") as lines:
        return {
            row["code"]: Code(
                row["code"], row["label"], row.get("edition") or "", row.get("source") or ""
            )
            for row in csv.DictReader(lines)
        }


@cache
def names() -> tuple[str, ...]:
    """Every list there is."""
    folder = resources.files("registry.clinical") / "data" / "codes"
    return tuple(sorted(entry.name[:-4] for entry in folder.iterdir() if entry.name[-4:] == ".csv"))


def is_open(name: str) -> bool:
    """May a well-formed code outside the list be kept?"""
    return name in _OPEN


def known(name: str, code: str) -> bool:
    """Is the code in the list?"""
    return _find(name, code) is not None


def acceptable(name: str, code: str) -> bool:
    """Is the code in the list, or well-formed where the list is open?"""
    return known(name, code) or bool(name in _OPEN and _OPEN[name].fullmatch(code))


def label(name: str, code: str | None) -> str:
    """The label to show; a code kept as stated is shown as stated and named *other*."""
    if code is None or code == "":
        return ""
    found = _find(name, code)
    return found.shown() if found else gettext("Other: %(code)s", code=code)


def _find(name: str, code: str) -> Code | None:
    # The shipped ones first: most pages then never ask the database for the local ones.
    return shipped(name).get(code) or codes(name).get(code)
