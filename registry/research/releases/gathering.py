"""The chosen patients with all their rows, in the order of their pseudonyms.

Each table is read once, in whatever order the database gives it. What is read is laid aside by
batches of patients; then one batch after the other is taken up and put in order.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from registry.later import Later
from registry.research.releases.ahead import ahead
from registry.research.releases.cells import Cases, Rows, bytes_of, ids_of, letters
from registry.research.releases.pseudonyms import LENGTH, Pseudonyms
from registry.research.releases.reading import BY_ID, Table, blocks
from registry.research.releases.spilling import Spill

np: Any = Later("numpy")
pa: Any = Later("pyarrow")
pc: Any = Later("pyarrow.compute")
_SOME = 50_000


def named(names: Pseudonyms, kind: str, ids: Any) -> Any:
    """The pseudonyms of records, each a row of letters; ids are an Arrow array of texts."""
    written = ids.cast(pa.binary())
    parts = [
        names.many(kind, written.slice(start, _SOME).to_pylist())
        for start in range(0, len(written), _SOME)
    ]
    return np.concatenate(parts) if parts else np.empty((0, LENGTH), np.uint8)


def _order(names: Any) -> Any:
    """What puts names in order, as numbers that sort as the letters do."""
    return np.ascontiguousarray(names).view(">u8").astype(np.uint64)


class Chosen:
    """The patients of a release, each with a place in the order of their pseudonyms: the files then
    say nothing about entry."""

    def __init__(self, ids: Any, names: Pseudonyms) -> None:
        self.number = len(ids)
        high, low = ids_of(ids)
        by_id = np.lexsort((low, high))
        self._high, self._low = high[by_id], low[by_id]
        runs = np.unique(self._high, return_counts=True)[1]
        self._most_alike = int(runs.max(initial=1))
        keys = _order(named(names, "patient", ids))[by_id]
        self._places = np.empty(self.number, np.int32)
        self._places[np.lexsort((keys[:, 1], keys[:, 0]))] = np.arange(self.number, dtype=np.int32)
        self.few: list[str] | None = ids.to_pylist() if self.number <= BY_ID else None

    def places(self, ids: Any) -> Any:
        """The place of each of these patients; -1 of one who was not chosen."""
        high, low = ids_of(ids)
        order = np.argsort(high)
        at = np.empty(len(high), np.int64)
        at[order] = np.searchsorted(self._high, high[order])
        for _one in range(1, self._most_alike):  # ids that begin alike stand side by side
            here = np.minimum(at, self.number - 1)
            at += (self._high[here] == high) & (self._low[here] < low)
        here = np.minimum(at, self.number - 1)
        found = (self._high[here] == high) & (self._low[here] == low)
        return np.where(found, self._places[here], -1)


class Gathered:
    """All rows of the chosen patients, laid aside by batches of `size` patients."""

    def __init__(
        self, chosen: Chosen, tables: Sequence[Table], names: Pseudonyms, spill: Spill, size: int
    ) -> None:
        self.chosen, self._names, self._spill, self._size = chosen, names, spill, size
        self._tables = {table.entity: table for table in tables}

    def read(self, connection: sa.Connection, told: Callable[[], None]) -> None:
        """Read every table once; `told` is called again and again meanwhile."""
        if not self.chosen.number:
            return
        for table in self._tables.values():
            query = table.query(self.chosen.few, connection.dialect.name)
            for rows in ahead(blocks(connection, query)):
                self._lay_aside(table, rows)
                told()

    def _lay_aside(self, table: Table, rows: Any) -> None:
        """Name the rows of one block, and keep them by the batch of their patient."""
        if not rows.num_rows:
            return
        [rows] = rows.combine_chunks().to_batches()
        places = self.chosen.places(rows[table.whose])
        batches = places // self._size
        order = np.argsort(batches, kind="stable")
        order = order[np.searchsorted(batches[order], 0) :]  # who was not chosen stands before
        kept = rows.take(pa.array(order))
        names = letters(named(self._names, table.entity, kept["id"]))
        kept = pa.RecordBatch.from_arrays(
            [pa.array(places[order] % self._size), names, *(kept[name] for name in table.names)],
            ["place", "name", *table.names],
        )
        ends = np.flatnonzero(np.diff(batches[order], append=-1)) + 1
        start = 0
        for end in ends.tolist():
            some = kept.slice(start, end - start)
            self._spill.put((table.entity, int(batches[order[start]])), some)
            start = end

    def batches(
        self, entities: Collection[str] = (), levels: Sequence[int] = ()
    ) -> Iterator[Cases]:
        """One batch of patients after the other, with their rows of these entities (all, if none is
        named). `levels` says of each patient how much less is told."""
        for start in range(0, self.chosen.number, self._size):
            patients = min(self._size, self.chosen.number - start)
            rows = {
                entity: self._rows(table, start // self._size, patients)
                for entity, table in self._tables.items()
                if not entities or entity in entities
            }
            told = np.frombuffer(bytes(levels[start : start + patients]), np.uint8)
            yield Cases(self._names, rows, told if levels else None)

    def _rows(self, table: Table, batch: int, patients: int) -> Rows:
        found = self._spill.take((table.entity, batch))
        if found is None:
            return Rows(table, _nothing(table), patients)
        [rows] = found.combine_chunks().to_batches()
        keys = _order(bytes_of(rows["name"], LENGTH))
        order = np.lexsort((keys[:, 1], keys[:, 0], rows["place"].to_numpy()))
        return Rows(table, rows.take(pa.array(order)), patients)


def _nothing(table: Table) -> Any:
    """No rows."""
    kinds = {"place": pa.int64(), "name": pa.string(), **dict.fromkeys(table.names, pa.string())}
    return pa.RecordBatch.from_pylist([], pa.schema(kinds))
