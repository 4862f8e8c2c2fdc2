"""What changed from a project's previous release to this one, by file and variable.

Both are read side by side in their order (patient, then row), a row at a time, so that releases of
any size can be compared. Pseudonyms are the same in all releases of a project.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO

_Key = tuple[str, str]
_Row = tuple[_Key, Mapping[str, str]]


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


def between(before: TextIO, after: TextIO) -> Changes:
    """Compare two versions of a file of a release."""
    old, new = csv.DictReader(before), csv.DictReader(after)
    had, has = list(old.fieldnames or ()), list(new.fieldnames or ())
    both = [name for name in has if name in set(had)]
    found = Changes(
        columns_new=[name for name in has if name not in had],
        columns_gone=[name for name in had if name not in has],
    )
    for one, other in _side_by_side(_keyed(old, had), _keyed(new, has)):
        if one is None:
            found.added += 1
        elif other is None:
            found.gone += 1
            found.gone_keys.add(one[0][0])
        else:
            differing = [name for name in both if one[1][name] != other[1][name]]
            found.changed += bool(differing)
            found.by_column.update(differing)
    return found


def _keyed(rows: csv.DictReader[str], header: Sequence[str]) -> Iterator[_Row]:
    """Rows with their key: the patient, and the row's own pseudonym where it has one."""
    own = header[1] if len(header) > 1 and header[1].endswith("_id") else header[0]
    for row in rows:
        yield (row[header[0]], row[own]), row


def _side_by_side(
    before: Iterator[_Row], after: Iterator[_Row]
) -> Iterator[tuple[_Row | None, _Row | None]]:
    one, other = next(before, None), next(after, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one[0] < other[0]):
            yield one, None
            one = next(before, None)
        elif one is None or other[0] < one[0]:
            yield None, other
            other = next(after, None)
        else:
            yield one, other
            one, other = next(before, None), next(after, None)
