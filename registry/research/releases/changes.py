"""What changed from a project's previous release to this one, by file and variable.

Both are read side by side in their order (patient, then row), some megabytes at a time, so that
releases of any size can be compared. Pseudonyms are the same in all releases of a project.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from registry.later import Later

np: Any = Later("numpy")
pa: Any = Later("pyarrow")
pc: Any = Later("pyarrow.compute")
arrow_csv: Any = Later("pyarrow.csv")

#: Bytes that are read of a file at once; the library reads up to 32 times as many ahead.
_BYTES = 1 << 19


@dataclass
class Changes:
    """Of one file: rows that are new, gone or changed, and how many changed by column.

    `columns_new` and `columns_gone` are columns that only one of the two has: they are no change
    of a row.
    """

    added: int = 0
    gone: int = 0
    changed: int = 0
    by_column: Counter[str] = field(default_factory=Counter)
    columns_new: list[str] = field(default_factory=list)
    columns_gone: list[str] = field(default_factory=list)
    gone_keys: set[str] = field(default_factory=set)

    def as_json(self) -> dict[str, Any]:
        """For the manifest."""
        return {
            "rows_added": self.added,
            "rows_gone": self.gone,
            "rows_changed": self.changed,
            "cells_changed": dict(sorted(self.by_column.items())),
            "columns_new": self.columns_new,
            "columns_gone": self.columns_gone,
        }


def between(before: BinaryIO, after: BinaryIO) -> Changes:
    """Compare two versions of a file of a release."""
    old, new = _Side(before), _Side(after)
    both = [name for name in new.header if name in set(old.header)]
    found = Changes(
        columns_new=[name for name in new.header if name not in old.header],
        columns_gone=[name for name in old.header if name not in new.header],
    )
    while old.fill() | new.fill():
        _compare(*_up_to_the_same(old, new), both, found)
    return found


def _compare(old: _Rows, new: _Rows, both: Sequence[str], found: Changes) -> None:
    """Count what differs in rows that reach to the same key."""
    at = np.minimum(np.searchsorted(new.keys, old.keys), max(0, len(new.keys) - 1))
    stayed = new.keys[at] == old.keys if len(new.keys) else np.zeros(len(old.keys), bool)
    found.added += len(new.keys) - int(stayed.sum())
    found.gone += len(old.keys) - int(stayed.sum())
    found.gone_keys.update(old.table.column(0).filter(pa.array(~stayed)).to_pylist())
    ours, theirs = old.table.filter(pa.array(stayed)), new.table.take(pa.array(at[stayed]))
    changed = np.zeros(len(ours), bool)
    for name in both:
        differs = pc.not_equal(ours[name], theirs[name]).to_numpy()
        if number := int(differs.sum()):
            found.by_column[name] += number
            changed |= differs
    found.changed += int(changed.sum())


@dataclass(frozen=True)
class _Rows:
    """Some rows, and the key of each: the patient, and the row's own pseudonym if it has one."""

    table: Any
    keys: Any

    def part(self, start: int, end: int) -> _Rows:
        return _Rows(self.table.slice(start, end - start), self.keys[start:end])


class _Side:
    """A file that is read piece by piece in the order of its keys."""

    def __init__(self, lines: BinaryIO) -> None:
        self.header = lines.readline().decode().rstrip("\r\n").split(",")
        self._blocks = _blocks(lines, self.header)
        own = len(self.header) > 1 and self.header[1].endswith("_id")
        self._key = self.header[: 2 if own else 1]
        self._held: _Rows | None = None
        self.ended = False

    def fill(self) -> bool:
        """Read on where nothing is held. Is there anything?"""
        while self._held is None and not self.ended:
            block = next(self._blocks, None)
            if block is None:
                self.ended = True
            elif block.num_rows:
                # What stands between the parts sorts before all that stands in them.
                joined = pc.binary_join_element_wise(*(block[name] for name in self._key), ",")
                keys = np.array(joined.to_pylist(), bytes)
                self._held = _Rows(block, keys)
        return self._held is not None

    @property
    def last(self) -> bytes | None:
        """The key up to which everything is held; None where that is the end."""
        return None if self._held is None else bytes(self._held.keys[-1])

    def take(self, last: bytes | None) -> _Rows:
        """What is held up to a key; all of it without one."""
        held = self._held or _Rows(_nothing(self.header), np.empty(0, bytes))
        end = len(held.keys) if last is None else int(np.searchsorted(held.keys, last, "right"))
        self._held = held.part(end, len(held.keys)) if end < len(held.keys) else None
        return held.part(0, end)


def _up_to_the_same(old: _Side, new: _Side) -> tuple[_Rows, _Rows]:
    """The next rows of both, up to the last key that is held of both."""
    lasts = [one.last for one in (old, new)]
    last = min((one for one in lasts if one is not None), default=None)
    if None in lasts:  # one of them has ended: the other is taken as it comes
        last = None
    return old.take(last), new.take(last)


def _blocks(lines: BinaryIO, header: Sequence[str]) -> Iterator[Any]:
    """The rows after the header as Arrow tables of texts."""
    if not lines.read(1):
        return
    lines.seek(-1, os.SEEK_CUR)
    reader = arrow_csv.open_csv(
        lines,
        read_options=arrow_csv.ReadOptions(
            column_names=header, block_size=_BYTES, use_threads=False
        ),
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False
        ),
    )
    for batch in reader:
        yield pa.Table.from_batches([batch]).combine_chunks()


def _nothing(header: Sequence[str]) -> Any:
    return pa.table({name: pa.array([], pa.string()) for name in header})
