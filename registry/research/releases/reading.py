"""Reading patients with all their rows, a batch at a time, without holding much.

Rows come as the database writes their values as text; what a value means is found once for each
text and remembered, because the same few codes, dates and numbers stand in millions of cells.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from registry.dates import PartialDate
from registry.db import Exact, PartialDateType
from registry.research.releases.pseudonyms import Pseudonyms

#: Remembered meanings of one column at most: what bounds the memory.
_MOST = 100_000

Parse = Callable[[Any], Any]


class Remembered(dict[Any, Any]):
    """What a function gives for a value, worked out once; forgets everything when it grows."""

    __slots__ = ("_work",)

    def __init__(self, work: Parse) -> None:
        super().__init__()
        self._work = work

    def __missing__(self, value: Any) -> Any:
        if len(self) >= _MOST:
            self.clear()
        found = self[value] = self._work(value)
        return found


class _AsItIs(dict[Any, Any]):
    """Ids as `str` writes them, not remembered: every one stands once."""

    def __missing__(self, value: Any) -> Any:
        return value if len(value) == 36 else _dashed(value)


def _written(raw: bytes) -> str:
    """An id as `str` writes it."""
    return _dashed(raw.hex())


def _dashed(raw: str) -> str:
    """The same of an id without dashes, as SQLite keeps it."""
    return f"{raw[:8]}-{raw[8:12]}-{raw[12:16]}-{raw[16:20]}-{raw[20:]}"


def _parser(kind: sa.types.TypeEngine[Any]) -> Parse:
    """How the text of a value is read back."""
    for known, parse in (
        (PartialDateType, PartialDate),
        (Exact, Decimal),
        (sa.JSON, json.loads),
        (sa.Boolean, lambda raw: raw in ("true", 1, "1")),
        (sa.Integer, int),
    ):
        if isinstance(kind, known):
            return parse
    return lambda raw: raw


class Table:
    """A table as it is read: where each column stands in a row, and what its texts mean. No more
    columns are read than are needed: names of patients never are."""

    def __init__(self, model: Any, wanted: Collection[str]) -> None:
        self.table: sa.Table = sa.inspect(model).local_table
        self.columns = [column for column in self.table.c if column.name in wanted]
        self.places = {column.name: place for place, column in enumerate(self.columns)}
        self.meaning = {
            column.name: _AsItIs()
            if isinstance(column.type, sa.Uuid)
            else Remembered(_parser(column.type))
            for column in self.columns
        }
        self.own = self.places["id"]

    def select(self, key: str, ids: Sequence[str], dialect: str) -> sa.Select[Any]:
        """The rows of these patients, as texts; `key` is the column that names the patient."""
        raw = [_as_text(column, dialect) for column in self.columns]
        where: Any
        if dialect == "postgresql":  # one value, however many there are
            written = sa.literal("{" + ",".join(ids) + "}", sa.Text)
            where = self.table.c[key] == sa.any_(sa.cast(written, postgresql.ARRAY(sa.Uuid)))
        else:
            where = self.table.c[key].in_([UUID(one) for one in ids])
        query = sa.select(*raw).where(where)
        if "error_at" in self.table.c:  # what was entered in error does not leave
            query = query.where(self.table.c.error_at.is_(None))
        return query


def _as_text(column: sa.Column[Any], dialect: str) -> sa.ColumnElement[Any]:
    if dialect == "postgresql" and not isinstance(column.type, sa.String):
        if isinstance(column.type, PartialDateType):
            return sa.type_coerce(column, sa.Text)
        return sa.cast(column, sa.Text)
    return sa.type_coerce(column, sa.Text)


class Raw(Mapping[str, Any]):
    """A row: values by name, read when they are asked for; ids as the database writes them."""

    __slots__ = ("name", "table", "values_")

    def __init__(self, table: Table, values: Sequence[Any], name: str) -> None:
        self.table = table
        self.values_ = values
        self.name = name  # the row's pseudonym

    def __getitem__(self, name: str) -> Any:
        raw = self.values_[self.table.places[name]]
        return None if raw is None else self.table.meaning[name][raw]

    def __iter__(self) -> Iterator[str]:
        return iter(self.table.places)

    def __len__(self) -> int:
        return len(self.table.places)


@dataclass(frozen=True)
class Batch:
    """Some patients in their order: entity → the rows of each, in the order of their names."""

    ids: Sequence[str]
    rows: Mapping[str, Sequence[Sequence[Raw]]]


class Reader:
    """Reads the rows of some entities: (entity, model, names of columns)."""

    def __init__(
        self,
        connection: sa.Connection,
        models: Sequence[tuple[str, Any, Collection[str]]],
        names: Pseudonyms,
    ) -> None:
        self._connection, self._names = connection, names
        self._dialect = connection.dialect.name
        self._tables = {entity: Table(model, wanted) for entity, model, wanted in models}

    def batches(self, ids: Sequence[bytes], size: int) -> Iterator[Batch]:
        """The patients of these ids (the last 16 bytes of each), so many at once. On a server the
        next are read while these are worked on."""
        starts = range(0, len(ids), size)
        if self._dialect != "postgresql":
            yield from (self._batch(ids[start : start + size]) for start in starts)
            return
        with ThreadPoolExecutor(1) as beside:
            coming: list[Future[Batch]] = []
            try:
                for start in starts:
                    coming.append(beside.submit(self._batch, ids[start : start + size]))
                    if len(coming) == 2:
                        yield coming.pop(0).result()
                while coming:
                    yield coming.pop(0).result()
            finally:
                for one in coming:
                    one.cancel()

    def _batch(self, ids: Sequence[bytes]) -> Batch:
        some = [_written(one[-16:]) for one in ids]
        return Batch(some, {entity: self.rows(entity, some) for entity in self._tables})

    def rows(self, entity: str, ids: Sequence[str]) -> list[list[Raw]]:
        """The rows of each of these patients."""
        table = self._tables[entity]
        key = "id" if entity == "patient" else "patient_id"
        whose, own, name = table.places[key], table.own, self._names.of
        found: dict[str, list[Raw]] = {one: [] for one in ids}
        read = self._connection.execute(table.select(key, ids, self._dialect)).all()
        if self._dialect == "postgresql":
            for values in read:
                found[values[whose]].append(Raw(table, values, name(entity, values[own])))
        else:
            for values in read:
                row = Raw(table, values, name(entity, _dashed(values[own])))
                found[_dashed(values[whose])].append(row)
        for rows in found.values():
            if len(rows) > 1:
                rows.sort(key=lambda one: one.name)
        return list(found.values())
