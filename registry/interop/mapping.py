"""What a map is made of: how the columns of a file become variables. See docs/import.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

from registry.interop.cells import LONGEST, Absent, Reading, Target
from registry.interop.patterns import Pattern

HOSPITAL_NUMBER = "hospital_number"

#: A number and the unit without which it means nothing.
UNITS = {"interval": "interval_unit", "time": "time_unit", "value": "unit"}


class MapError(Exception):
    """What is wrong with a map, all of it, a line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


@dataclass(frozen=True)
class Condition:
    """Holds for a row, or not. `any` holds when one of its parts does."""

    column: str = ""
    one_of: frozenset[str] | None = None
    none_of: frozenset[str] = frozenset()
    blank: bool | None = None
    matches: Pattern | None = None
    any: tuple[Condition, ...] = ()

    def holds(self, cell: Mapping[str, str], missing: Mapping[str, Any]) -> bool:
        """Does it hold? A missing marker counts as blank."""
        if self.any:
            return any(one.holds(cell, missing) for one in self.any)
        text = cell[self.column]
        if self.blank is not None and (not text or text in missing) != self.blank:
            return False
        if self.one_of is not None and text not in self.one_of:
            return False
        if text in self.none_of:
            return False
        return self.matches is None or self.matches.fullmatch(text[:LONGEST]) is not None

    def columns(self) -> Iterator[str]:
        """The columns it reads."""
        if self.column:
            yield self.column
        for one in self.any:
            yield from one.columns()


@dataclass(frozen=True)
class Rule:
    """Where one variable's value comes from. Cells of several columns are joined."""

    columns: tuple[str, ...] = ()
    join: str = ""
    constant: Any = None  # a typed value
    absent: Absent | None = None
    when: tuple[Condition, ...] = ()
    reading: Reading = field(default_factory=Reading)
    #: Of a questionnaire: the column of each item.
    items: Mapping[str, str] = field(default_factory=dict)
    #: In words, where a number is converted: `× 10 (cm → mm)`.
    converted: str = ""
    #: What texts were taken as before: the words of a column are few.
    seen: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class Filling:
    """A variable and its rules; the first that gives something counts."""

    target: Target
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class Block:
    """How one entry is made of a row."""

    entity: str
    place: str
    fillings: tuple[Filling, ...]
    when: tuple[Condition, ...] | None = None  # None: made when a column gives something
    name: str = ""
    links: Mapping[str, str] = field(default_factory=dict)  # what it points to: link → name
    file: str = ""  # of which of the files its rows are; empty: the first
    once: bool = False  # for several rows of a patient: made of all of them together

    def columns(self) -> Iterator[tuple[str, str]]:
        """The columns it takes values from, each with the variable it fills."""
        for filling in self.fillings:
            for rule in filling.rules:
                for column in rule.columns:
                    yield column, filling.target.path

    @cached_property
    def quiet(self) -> frozenset[str] | None:
        """The columns without which it makes nothing, where it can be told from them alone."""
        if self.when is not None or any(True for _column in self.conditions()):
            return None
        return frozenset(column for column, _path in self.columns())

    def conditions(self) -> Iterator[str]:
        """The columns its conditions read."""
        for condition in self.when or ():
            yield from condition.columns()
        for filling in self.fillings:
            for rule in filling.rules:
                for condition in rule.when:
                    yield from condition.columns()


@dataclass(frozen=True)
class Ignored:
    """A column that is left out, why, and what must hold for that to be right."""

    reason: str
    same_as: str = ""
    always: str | None = None


@dataclass(frozen=True)
class Map:
    """A whole map."""

    name: str
    title: str
    citation: str
    licence: str
    id_column: str
    basis: str
    statement: str
    purposes: tuple[str, ...]
    delimiter: str
    encoding: str
    comment_lines: str
    several_rows: bool
    missing: Mapping[str, Any]
    patient: Block
    blocks: tuple[Block, ...]
    ignored: Mapping[str, Ignored]
    kept: Mapping[str, str]
    sha256: str
    sheet: str = ""
    header_row: int = 0
    merged: str = ""
    #: Further files, joined by the source's id: each read as a map of its own.
    files: Mapping[str, Map] = field(default_factory=dict)

    @property
    def parts(self) -> dict[str, Map]:
        """The map of each file; the first has no name."""
        return {"": self, **self.files}

    @property
    def all_blocks(self) -> tuple[Block, ...]:
        """The patient's block and the others."""
        return (self.patient, *self.blocks)

    def uses(self) -> dict[str, list[str]]:
        """What each column named by the map is for, in words."""
        found: dict[str, list[str]] = {self.id_column: ["the source's id"]}
        for block in self.all_blocks:
            for column, path in block.columns():
                found.setdefault(column, []).append(path)
        for block in self.all_blocks:
            for column in block.conditions():
                found.setdefault(column, []).append(f"a condition of {block.place}")
        for column in (*self.kept, *self.ignored):
            found.setdefault(column, [])
        return {column: list(dict.fromkeys(uses)) for column, uses in found.items()}

    def named(self) -> set[str]:
        """The columns that give a value, decide a condition, or name the record."""
        found = {self.id_column}
        for block in self.all_blocks:
            found |= {column for column, _path in block.columns()} | set(block.conditions())
        return found

    @cached_property
    def hidden_columns(self) -> set[str]:
        """The columns that fill identifying variables: their cells are never shown."""
        return {
            column
            for block in self.all_blocks
            for filling in block.fillings
            for rule in filling.rules
            for column in rule.columns
            if filling.target.hidden
        }

    def fitted(self, columns: Sequence[str]) -> Map:
        """With each name that ends in a star, under keep and ignore, written out for the columns
        of a file that it fits and that the map does not name otherwise."""
        named = set(self.uses())

        def written_out(stated: Mapping[str, Any]) -> dict[str, Any]:
            found: dict[str, Any] = {}
            for name, content in stated.items():
                fits = [c for c in columns if c not in named and fnmatchcase(c, _star(name))]
                found |= dict.fromkeys(fits, content) if name not in columns and fits else {}
                if name in columns or not fits:
                    found[name] = content
            return found

        kept = written_out(self.kept)
        named |= set(kept)
        return replace(self, kept=kept, ignored=written_out(self.ignored))

    def needed(self) -> set[str]:
        """Every column the file must have."""
        others = {one.same_as for one in self.ignored.values() if one.same_as}
        return set(self.uses()) | others


def _star(name: str) -> str:
    """A name as a pattern in which only a star at the end means something."""
    plain = name[:-1] if len(name) > 1 and name.endswith("*") else name
    escaped = "".join(f"[{letter}]" if letter in "*?[" else letter for letter in plain)
    return escaped + ("*" if plain != name else "")
