"""Reading patients with all their rows, a batch at a time, without holding much.

Rows come as the database writes their values as text; what a value means is found once for each
text and remembered, because the same few codes, dates and numbers stand in millions of cells.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
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


def _dashed(raw: str) -> str:
    """An id as PostgreSQL writes it; SQLite keeps it without the dashes."""
    if len(raw) == 36:
        return raw
    return f"{raw[:8]}-{raw[8:12]}-{raw[12:16]}-{raw[16:20]}-{raw[20:]}"


def _parser(kind: sa.types.TypeEngine[Any]) -> Parse:
    """How the text of a value is read back."""
    for known, parse in (
        (PartialDateType, PartialDate),
        (Exact, Decimal),
        (sa.Uuid, UUID),
        (sa.JSON, json.loads),
        (sa.Boolean, lambda raw: raw in ("true", 1, "1")),
        (sa.Integer, int),
    ):
        if isinstance(kind, known):
            return parse
    return lambda raw: raw


class Table:
    """A table as it is read: where each column stands in a row, and what its texts mean."""

    def __init__(self, model: Any) -> None:
        self.table: sa.Table = sa.inspect(model).local_table
        self.places = {column.name: place for place, column in enumerate(self.table.c)}
        self.meaning = {column.name: Remembered(_parser(column.type)) for column in self.table.c}
        self.own = self.places["id"]

    def select(self, key: str, ids: Sequence[str], dialect: str) -> sa.Select[Any]:
        """The rows of these patients, as texts; `key` is the column that names the patient."""
        raw = [_as_text(column, dialect) for column in self.table.c]
        where: Any = self.table.c[key].in_([UUID(one) for one in ids])
        if dialect == "postgresql":
            array = sa.cast(list(ids), postgresql.ARRAY(postgresql.UUID))
            where = self.table.c[key] == sa.any_(array)
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
    """A row: values by name, read when they are asked for."""

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
    """Reads the rows of some entities: (entity, model)."""

    def __init__(
        self, connection: sa.Connection, models: Sequence[tuple[str, Any]], names: Pseudonyms
    ) -> None:
        self._connection, self._names = connection, names
        self._dialect = connection.dialect.name
        self._tables = {entity: Table(model) for entity, model in models}

    def batches(self, ids: Sequence[bytes], size: int) -> Iterator[Batch]:
        """The patients of these ids, so many at once."""
        for start in range(0, len(ids), size):
            some = [str(UUID(bytes=one)) for one in ids[start : start + size]]
            yield Batch(some, {entity: self.rows(entity, some) for entity in self._tables})

    def rows(self, entity: str, ids: Sequence[str]) -> list[list[Raw]]:
        """The rows of each of these patients."""
        table = self._tables[entity]
        key = "id" if entity == "patient" else "patient_id"
        whose, own, name = table.places[key], table.own, self._names.of
        found: dict[str, list[Raw]] = {one: [] for one in ids}
        for values in self._connection.execute(table.select(key, ids, self._dialect)):
            row = Raw(table, values, name(entity, _dashed(values[own])))
            found[_dashed(values[whose])].append(row)
        for rows in found.values():
            if len(rows) > 1:
                rows.sort(key=lambda one: one.name)
        return list(found.values())
