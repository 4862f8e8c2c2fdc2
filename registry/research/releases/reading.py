"""Reading the tables, each once, as Arrow columns of texts.

A value is the text the database writes of it, the same from both databases, or nothing; what a text
means is found later, once for each, because the same few codes, dates and numbers stand in
millions of cells: they come as dictionaries. Ids of rows are as `str` writes them, 36 bytes each.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from decimal import Decimal
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from registry.dates import PartialDate
from registry.db import Exact, PartialDateType
from registry.later import Later
from registry.research.releases import days
from registry.research.releases.ahead import ahead
from registry.research.releases.copying import copied

pa: Any = Later("pyarrow")
pc: Any = Later("pyarrow.compute")
arrow_csv: Any = Later("pyarrow.csv")

#: Bytes (of a server) and rows (of a file) that are read at once, about as much.
_BYTES, _ROWS = 4 << 20, 20_000
#: The columns that say whose a row is, and which.
_IDS, _ID_LENGTH = frozenset({"id", "patient_id"}), 36
#: Remembered meanings of one column at most: what bounds the memory.
_MOST = 100_000
#: Up to so many patients are asked for by their ids; of more the whole table is read.
BY_ID = 20_000

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


def _parser(kind: sa.types.TypeEngine[Any]) -> Parse:
    """How the text of a value is read back."""
    for known, parse in (
        (PartialDateType, PartialDate),
        (Exact, Decimal),
        (sa.JSON, json.loads),
        (sa.Boolean, lambda raw: raw in ("true", "1")),
        (sa.Integer, int),
    ):
        if isinstance(kind, known):
            return parse
    return str


class Table:
    """A table as it is read: its columns as texts, and what the texts mean. No more columns are
    read than are needed: names of patients never are."""

    def __init__(self, entity: str, model: Any, wanted: Collection[str]) -> None:
        self.entity = entity
        self.table: sa.Table = sa.inspect(model).local_table
        self.whose = "id" if entity == "patient" else "patient_id"
        self.columns = [column for column in self.table.c if column.name in wanted]
        self._parse = {column.name: _parser(column.type) for column in self.columns}
        self._known: dict[tuple[str, Any], Remembered] = {}
        self._dates: dict[str, tuple[Sequence[str], days.Listed]] = {}
        #: Texts of a column, and the cells that a function makes of them.
        self.cells: dict[tuple[str, Any], tuple[Sequence[str], Any]] = {}

    @property
    def names(self) -> list[str]:
        """Of its columns, without the one that names the patient in another table."""
        return [column.name for column in self.columns if column.name != "patient_id"]

    def known(self, name: str, work: Parse) -> Remembered:
        """What a function gives for the value that each text of a column stands for."""
        key = (name, work)
        if key not in self._known:
            parse = self._parse[name]
            self._known[key] = Remembered(lambda text: work(parse(text)))
        return self._known[key]

    def dates(self, name: str, texts: Sequence[str]) -> days.Listed:
        """The dates that a column's texts stand for, worked out once while these are the same."""
        held = self._dates.get(name)
        if held is None or held[0] is not texts:
            known = self.known(name, days.numbers)
            held = self._dates[name] = (texts, days.listed([known[one] for one in texts]))
        return held[1]

    def query(self, ids: Sequence[str] | None, dialect: str) -> sa.Select[Any]:
        """Its rows; with ids those of these patients alone."""
        query = sa.select(*(as_text(one, dialect).label(one.name) for one in self.columns))
        if ids is not None:
            query = query.where(_among(self.table.c[self.whose], ids, dialect))
        if "error_at" in self.table.c:  # what was entered in error does not leave
            query = query.where(self.table.c.error_at.is_(None))
        return query


def as_text(column: Any, dialect: str) -> sa.ColumnElement[Any]:
    """A column as the text that stands for its value on both databases."""
    if dialect == "sqlite" and isinstance(column.type, sa.Uuid):
        raw = sa.type_coerce(column, sa.Text)
        text: Any = sa.func.substr(raw, 1, 8, type_=sa.Text)
        for start in (9, 13, 17):
            text = text + "-" + sa.func.substr(raw, start, 4, type_=sa.Text)
        return cast(sa.ColumnElement[Any], text + "-" + sa.func.substr(raw, 21, type_=sa.Text))
    if isinstance(column.type, sa.String | PartialDateType):
        return sa.type_coerce(column, sa.Text)
    if dialect == "sqlite" and isinstance(column.type, sa.JSON):
        return sa.type_coerce(column, sa.Text)
    if dialect == "postgresql" and not isinstance(column.type, sa.Boolean):
        return sa.type_coerce(column, sa.Text)  # COPY writes the same text of it as a cast does
    return sa.cast(column, sa.Text)


def _among(column: sa.Column[Any], ids: Sequence[str], dialect: str) -> sa.ColumnElement[bool]:
    """Is it one of these ids? They are one value, however many there are."""
    if dialect == "postgresql":
        written = sa.literal("{" + ",".join(ids) + "}", sa.Text)
        return column == sa.any_(sa.cast(written, postgresql.ARRAY(sa.Uuid)))
    listed = json.dumps([one.replace("-", "") for one in ids])
    return column.in_(sa.select(sa.column("value")).select_from(sa.func.json_each(listed)))


def blocks(connection: sa.Connection, query: sa.Select[Any]) -> Generator[Any]:
    """The rows of a query of texts, as one Arrow table after the other."""
    if connection.dialect.name == "postgresql":
        names = [column.name for column in query.selected_columns]
        written = query.compile(connection, compile_kwargs={"literal_binds": True})
        for block in ahead(copied(connection, str(written), _BYTES)):
            yield _parsed(block, names)
    else:
        yield from _fetched(connection, query)


def _kind(name: str) -> Any:
    """How a column is held."""
    return pa.binary(_ID_LENGTH) if name in _IDS else pa.dictionary(pa.int32(), pa.string())


def _parsed(block: bytearray, names: Sequence[str]) -> Any:
    """CSV as PostgreSQL writes it: nothing is empty, an empty text is two quotes."""
    return arrow_csv.read_csv(
        pa.py_buffer(block),
        read_options=arrow_csv.ReadOptions(
            column_names=names, block_size=len(block) + 1, use_threads=False
        ),
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
        convert_options=arrow_csv.ConvertOptions(
            column_types={name: _kind(name) for name in names},
            strings_can_be_null=True,
            null_values=[""],
            quoted_strings_can_be_null=False,
            check_utf8=False,
        ),
    )


def _fetched(connection: sa.Connection, query: sa.Select[Any]) -> Iterator[Any]:
    names = [column.name for column in query.selected_columns]
    result = connection.execute(query, execution_options={"yield_per": _ROWS})
    for rows in result.partitions():
        values = zip(names, zip(*rows, strict=True), strict=True)
        yield pa.table([held(name, pa.array(some, pa.string())) for name, some in values], names)


def held(name: str, texts: Any) -> Any:
    """A column of texts as it is held."""
    if name in _IDS:
        return texts.cast(pa.binary()).cast(pa.binary(_ID_LENGTH))
    return texts.dictionary_encode()
