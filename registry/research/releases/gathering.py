"""The chosen patients with all their rows, in the order of their pseudonyms.

Each table is read once, in whatever order the database gives it. What is read is laid aside by
batches of patients; then one batch after the other is taken up and put in order.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from registry.later import Later
from registry.research.releases.ahead import ahead
from registry.research.releases.cells import Cases, Column, Rows, ids_of, letters, written_ids
from registry.research.releases.days import NONE, Numbers
from registry.research.releases.dictionaries import at_of
from registry.research.releases.pseudonyms import Pseudonyms
from registry.research.releases.reading import BY_ID, Table, blocks
from registry.research.releases.spilling import Spill

np: Any = Later("numpy")
pa: Any = Later("pyarrow")
#: The number of a text that has none: with the numbers before it, two bytes a cell.
OTHER = 2**16 - 1
#: Odd, and with as many ones as zeros: what is multiplied by it is spread over all high bits.
_SPREAD = 0x9E3779B97F4A7C15


def _by_name(names: Numbers) -> Numbers:
    """What puts names in order."""
    halves = np.ascontiguousarray(names).view(">u8").astype(np.uint64)
    order = np.argsort(halves[:, 0])
    begun = halves[order, 0]
    if (begun[1:] == begun[:-1]).any():  # two that begin alike: of a million one time in two
        return np.lexsort((halves[:, 1], halves[:, 0]))
    return order


class Chosen:
    """The patients of a release, each with a place in the order of their pseudonyms: the files then
    say nothing about entry.

    They are found by their ids in a table of hashes: those with the same hash stand side by side.
    """

    def __init__(self, high: Numbers, low: Numbers, names: Pseudonyms) -> None:
        """Their ids are two numbers each."""
        self.number = len(high)
        called = names.many("patient", high, low)
        by_name = _by_name(called)
        self.names = called[by_name]
        self._bits = max(1, self.number.bit_length() + 1)
        hashes = self._hashes(high, low)[by_name]
        by_hash = np.argsort(hashes, kind="stable")
        self._ids = np.stack((high, low), 1)[by_name[by_hash]]
        self._places = by_hash.astype(np.int32)
        alike = np.bincount(hashes, minlength=1 << self._bits)
        self._most_alike = int(alike.max(initial=0))
        self._starts = (np.cumsum(alike) - alike).astype(np.int32)
        self.few: list[str] | None = None
        if self.number <= BY_ID:
            self.few = [one.decode() for one in written_ids(high, low).tolist()]

    @classmethod
    def of(cls, ids: Iterable[Any], names: Pseudonyms) -> Chosen:
        """Those with these ids, in Arrow arrays (`reading.held`)."""
        halves = [np.empty((2, 0), np.uint64), *(np.stack(ids_of(some)) for some in ids)]
        high, low = np.concatenate(halves, axis=1)
        return cls(high, low, names)

    def _hashes(self, high: Numbers, low: Numbers) -> Numbers:
        mixed = (low ^ (high * np.uint64(_SPREAD))) * np.uint64(_SPREAD)
        return (mixed >> np.uint64(64 - self._bits)).astype(np.int32)

    def places(self, high: Numbers, low: Numbers) -> Numbers:
        """The place of each of these patients; -1 of one who was not chosen."""
        found = np.full(len(high), NONE, np.int32)
        rows, at = np.arange(len(high)), self._starts[self._hashes(high, low)]
        for _one in range(self._most_alike):
            at = np.minimum(at, self.number - 1)
            ids = self._ids[at]
            here = (ids[:, 1] == low[rows]) & (ids[:, 0] == high[rows])
            found[rows[here]] = self._places[at[here]]
            rows, at = rows[~here], at[~here] + 1
        return found

    def without(self, gone: Numbers, names: Pseudonyms) -> Chosen:
        """These patients but some, who are given by their places."""
        left = self._ids[~gone[self._places]]
        return Chosen(left[:, 0], left[:, 1], names)


class Numbered:
    """The different texts of a column, numbered from 1 in the order in which they come; 0 is
    nothing. Once there are too many, those that are new are not numbered any more."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._numbers: dict[str, int] = {}

    def of(self, column: Any) -> tuple[Numbers, Any]:
        """The numbers of a dictionary's rows, and the texts of those that have none (`OTHER`)."""
        words = column.dictionary.to_pylist()
        known = list(map(self._numbers.get, words))
        if None in known:
            known = [number or self._new(text) for number, text in zip(known, words, strict=True)]
        numbers = np.array([*known, 0], np.uint16)
        found = numbers[at_of(column.indices)]
        if OTHER not in numbers:
            return found, None
        return found, column.filter(pa.array(found == OTHER)).cast(pa.string())

    def _new(self, text: str) -> int:
        if len(self.texts) >= OTHER - 1:
            return int(OTHER)
        self.texts.append(text)
        number = self._numbers[text] = len(self.texts)
        return number


class _Aside:
    """How the rows of a table are laid aside: the place of the patient in its batch, the row's id
    and the number of the text in each column; texts without a number lie beside."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.columns = {name: Numbered() for name in table.names if name != "id"}
        self.kind = np.dtype([
            ("place", "<u4"), ("id", "<u8", 2), ("numbers", "<u2", len(self.columns)),
        ])  # fmt: skip


def _texts() -> Any:
    """How texts without a number are laid aside."""
    return pa.schema({"text": pa.string()})


class Gathered:
    """All rows of the chosen patients, laid aside by batches of `size` patients."""

    def __init__(
        self, chosen: Chosen, tables: Sequence[Table], names: Pseudonyms, spill: Spill, size: int
    ) -> None:
        self.chosen, self._names, self._spill, self._size = chosen, names, spill, size
        self._tables = {table.entity: _Aside(table) for table in tables}

    def read(self, connection: sa.Connection, told: Callable[[], None]) -> None:
        """Read every table once; `told` is called again and again meanwhile."""
        if not self.chosen.number:
            return
        for aside in self._tables.values():
            query = aside.table.query(self.chosen.few, connection.dialect.name)
            for rows in ahead(blocks(connection, query)):
                self._lay_aside(aside, rows)
                told()

    def _lay_aside(self, aside: _Aside, rows: Any) -> None:
        """Name the rows of one block, and keep them by the batch of their patient."""
        if not rows.num_rows:
            return
        [rows] = rows.combine_chunks().to_batches()
        ids = ids_of(rows["id"])
        whose = ids if aside.table.whose == "id" else ids_of(rows[aside.table.whose])
        places = self.chosen.places(*whose)
        found = np.empty(rows.num_rows, aside.kind)
        found["place"] = places % self._size
        found["id"][:, 0], found["id"][:, 1] = ids
        others = {}
        for at, (name, numbered) in enumerate(aside.columns.items()):
            found["numbers"][:, at], other = numbered.of(rows[name])
            if other is not None:
                others[name] = (other, np.cumsum(found["numbers"][:, at] == OTHER) - 1)
        batches = places // self._size
        order = np.argsort(batches, kind="stable")
        order = order[np.searchsorted(batches[order], 0) :]  # who was not chosen stands before
        found = found[order]
        ends = np.flatnonzero(np.diff(batches[order], append=-1)) + 1
        start = 0
        for end in ends.tolist():
            key = (aside.table.entity, int(batches[order[start]]))
            self._spill.put(key, found[start:end].view(np.uint8))
            for at, name in enumerate(aside.columns):
                if name in others:
                    texts, which = others[name]
                    mine = found["numbers"][start:end, at] == OTHER
                    self._put_texts(
                        (*key, name), texts.take(pa.array(which[order[start:end]][mine]))
                    )
            start = end

    def _put_texts(self, key: tuple[str, int, str], texts: Any) -> None:
        if len(texts):
            batch = pa.RecordBatch.from_arrays([texts], schema=_texts())
            self._spill.put(key, memoryview(batch.serialize()).cast("B"))

    def batches(
        self, entities: Collection[str] = (), levels: Sequence[int] = ()
    ) -> Iterator[Cases]:
        """One batch of patients after the other, with their rows. `levels` says of each patient how
        much less is told. Where entities are given, the rows are of these alone, without their
        names and in no order."""
        for start in range(0, self.chosen.number, self._size):
            patients = min(self._size, self.chosen.number - start)
            rows = {
                entity: self._rows(aside, start // self._size, patients, named=not entities)
                for entity, aside in self._tables.items()
                if not entities or entity in entities
            }
            told = np.frombuffer(bytes(levels[start : start + patients]), np.uint8)
            yield Cases(self._names, rows, told if levels else None)

    def _rows(self, aside: _Aside, batch: int, patients: int, *, named: bool) -> Rows:
        key = (aside.table.entity, batch)
        found = np.frombuffer(b"".join(self._spill.take(key)), aside.kind)
        names, order = None, np.argsort(found["place"], kind="stable")
        if named:
            called = self._called(*key, found)
            order = _by_name(called)
            order = order[np.argsort(found["place"][order].astype(np.uint16), kind="stable")]
            names = letters(called[order])
        numbers = np.ascontiguousarray(found["numbers"].T)
        columns = {
            name: self._column(numbered, numbers[at], (*key, name), order)
            for at, (name, numbered) in enumerate(aside.columns.items())
        }
        return Rows(
            aside.table, found["place"][order], names, found["id"][order],
            columns, patients,
        )  # fmt: skip

    def _called(self, entity: str, batch: int, rows: Any) -> Any:
        """The pseudonyms of rows."""
        if entity == "patient":
            return self.chosen.names[batch * self._size + rows["place"].astype(np.int64)]
        return self._names.many(entity, rows["id"][:, 0], rows["id"][:, 1])

    def _column(
        self, numbered: Numbered, numbers: Numbers, key: tuple[str, int, str], order: Numbers
    ) -> Column:
        """A column in this order: the places of its texts, and those."""
        at, texts = numbers.astype(np.int32) - 1, numbered.texts
        if pieces := self._spill.take(key):
            batches = [pa.ipc.read_record_batch(pa.py_buffer(one), _texts()) for one in pieces]
            more = pa.Table.from_batches(batches).column(0).combine_chunks().dictionary_encode()
            at[numbers == OTHER] = len(texts) + more.indices.to_numpy()
            texts = [*texts, *more.dictionary.to_pylist()]
        return at[order], texts
