"""The record as light rows: one query an entity, only the columns a page shows, decoded once.

A chart of ten years has more than 500 entries. As mapped objects they cost more than everything
else on the page together; as plain rows they cost little more than reading them does. A row has
the columns of its entity as attributes, and the entity's name, label and dating column, so that
what `course.wording` says of an entry it says of a row. Ids are text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import cache, cached_property
from typing import Any

import sqlalchemy as sa

from registry.course.models import ENTITIES
from registry.course.queries import record as whole
from registry.dates import PartialDate
from registry.db import Exact, Moment, PartialDateType, db
from registry.dictionary import described
from registry.driver import driver_rows
from registry.patients.models import Patient

#: Provenance that only the pages of one entity show.
_PROVENANCE = frozenset({"entered_by", "entered_at", "changed_at", "changed_by", "source_id"})
_MISTAKES = frozenset({"error_at", "error_by", "error_because"})
_NEVER = frozenset({"patient_id"})
#: Why something was derived is shown of these; of the others it is asked for where it is shown.
_WITH_REASONS = frozenset({"pathology", "staging"})


class Row:
    """An entry as it was read. Its attributes are the columns of its entity."""

    entity = ""
    entity_label: Any = ""
    dated_by = "date"
    error_at: Any = None

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"{self.entity} has no {name}")


class Record(whole.Record):
    """The record of a patient as rows."""

    @property
    def tumours(self) -> list[Any]:
        """The primaries."""
        return self.entries["tumour"]

    @property
    def therapies(self) -> list[Any]:
        """All therapies."""
        return self.entries["therapy"]

    @cached_property
    def death_date(self) -> PartialDate | None:
        """When the patient died, if recorded."""
        dates = (row.death_date for row in self.entries["follow_up"])
        return min((day for day in dates if day), default=None)


@cache
def _kind(model: Any) -> type[Row]:
    facts = ("entity", "entity_label", "dated_by")
    return type(f"{model.__name__}Row", (Row,), {name: getattr(model, name) for name in facts})


@cache
def _columns(model: Any, whole: bool) -> tuple[Any, ...]:
    left_out = _NEVER if whole else _NEVER | _PROVENANCE | _MISTAKES
    if not whole and model.entity not in _WITH_REASONS:
        left_out = left_out | {"derivation"}
    wanted = set(described(model)) | {c.key for c in model.__table__.c if not c.info["variable"]}
    return tuple(c for c in model.__table__.c if c.key in wanted - left_out)


@cache
def _statement(model: Any, dialect: Any) -> tuple[str, bool]:
    """The standing entries of one patient as the driver's own SQL, and whether its parameter has a
    place instead of a name. What the columns mean is told by `_decoded`: a statement of 25 columns
    costs the library more than its rows cost the database."""
    query = sa.select(*(sa.type_coerce(c, sa.String) for c in _columns(model, False))).where(
        model.__table__.c.patient_id == sa.bindparam("patient"),
        model.__table__.c.error_at.is_(None),
    )
    compiled = query.compile(dialect=dialect)
    return str(compiled), bool(compiled.positional)


@cache
def _decoded(model: Any) -> tuple[tuple[int, str], ...]:
    """Which columns of a row are not what the driver gives, by place, and what they are."""
    kinds = {sa.Uuid: "id", PartialDateType: "date", Exact: "number", sa.JSON: "json",
             Moment: "moment"}  # fmt: skip
    return tuple(
        (place, kinds[type(column.type)])
        for place, column in enumerate(_columns(model, False))
        if type(column.type) in kinds
    )


class _Known(dict[Any, Any]):
    """What values of one kind mean, each decoded when it is asked for first."""

    def __init__(self, decode: Callable[[Any], Any]) -> None:
        super().__init__({None: None})
        self._decode = decode

    def __missing__(self, value: Any) -> Any:
        found = self[value] = self._decode(value)
        return found


class Decoder:
    """From what a driver gives to what a page reads, a column at a time. The same text is decoded
    once a page: rows that say the same share it, so nobody may change what a row holds."""

    def __init__(self) -> None:
        self._known = {kind: _Known(decode) for kind, decode in _DECODED.items()}

    def column(self, kind: str, column: Sequence[Any]) -> Sequence[Any]:
        """A column decoded; one that the driver decodes itself as it is."""
        if kind not in _DECODED or column.count(None) == len(column):
            return column
        first = next(value for value in column if value is not None)
        if kind != "id" and type(first) is not str:
            return column
        return list(map(self._known[kind].__getitem__, column))


def _id(value: Any) -> str:
    """An id as text with its dashes; SQLite keeps it without."""
    if isinstance(value, str) and len(value) == 32:
        return f"{value[:8]}-{value[8:12]}-{value[12:16]}-{value[16:20]}-{value[20:]}"
    return str(value)


#: What is kept as text by every driver, or by SQLite's, and how it is read.
_DECODED: dict[str, Callable[[Any], Any]] = {
    "id": _id, "date": PartialDate.kept, "number": Decimal, "json": json.loads,
}  # fmt: skip


def _rows(model: Any, found: Sequence[Any], decoder: Decoder) -> list[Any]:
    if not found:
        return []
    kind, names = _kind(model), _names(model)
    columns: list[Sequence[Any]] = list(zip(*found, strict=True))
    for place, what in _decoded(model):
        columns[place] = decoder.column(what, columns[place])
    rows = []
    for values in zip(*columns, strict=True):
        row = kind()
        row.__dict__ = dict(zip(names, values))  # noqa: B905 - strict costs a fifth; one row's columns
        rows.append(row)
    return rows


@cache
def _names(model: Any) -> tuple[str, ...]:
    return tuple(column.key for column in _columns(model, False))


def in_order(rows: list[Any]) -> list[Any]:
    """Rows by their date as stated, oldest first, undated ones last, then as they were entered."""
    if not rows:
        return rows
    dated_by = rows[0].dated_by
    if dated_by == "entered_at":
        return sorted(rows, key=lambda row: row.id)

    def place(row: Any) -> tuple[bool, str, str]:
        dated = getattr(row, dated_by)
        return (dated is None, dated.iso if dated is not None else "", row.id)

    return sorted(rows, key=place)


def record(patient: Patient) -> Record:
    """The standing entries of a patient who was fetched for a viewer."""
    connection, decoder = db.session.connection(), Decoder()
    dialect = connection.dialect
    bind = sa.Uuid().dialect_impl(dialect).bind_processor(dialect)
    key = bind(patient.id) if bind is not None else patient.id
    statements = [_statement(model, dialect) for model in ENTITIES]
    answers = driver_rows(
        connection,
        [(text, (key,) if positional else {"patient": key}) for text, positional in statements],
    )
    kinds: list[Any] = list(ENTITIES)
    found = {
        model.entity: in_order(_rows(model, rows, decoder))
        for model, rows in zip(kinds, answers, strict=True)
    }
    return Record(patient, found)


def rows_of(record: whole.Record) -> dict[str, list[dict[str, Any]]]:
    """The record as the clinical rules read it."""
    rows = {entity: [one.__dict__ for one in found] for entity, found in record.entries.items()}
    born = record.patient.birth_date
    return {
        **rows,
        "patient": [{"id": str(record.patient.id), "birth_date": born.iso if born else ""}],
    }


def entries(
    patient: Patient,
    model: Any,
    *,
    where: Mapping[str, Any],
    limit: int,
    offset: int,
) -> list[Any]:
    """Some entries of one kind, newest first, also those entered in error; with who entered them.

    `where` narrows by column. Undated ones come last.
    """
    table = model.__table__
    dated = table.c[model.dated_by]
    query = _of(model, patient, where, sa.select(*_columns(model, True)))
    query = query.order_by(dated.is_(None), dated.desc(), table.c.id.desc())
    found = db.session.connection().execute(query.limit(limit).offset(offset))
    kind, names = _kind(model), [column.key for column in _columns(model, True)]
    rows = []
    for values in found:
        row = kind()
        row.__dict__.update(zip(names, values, strict=True))
        rows.append(row)
    return rows


def count(patient: Patient, model: Any, where: Mapping[str, Any]) -> int:
    """How many there are."""
    counted = sa.select(sa.func.count()).select_from(model.__table__)
    found = db.session.connection().scalar(_of(model, patient, where, counted))
    return int(found or 0)


def kinds_there(patient: Patient, model: Any, column: str) -> list[tuple[Any, int]]:
    """The values a column has among the entries of a kind, with how many have each."""
    wanted = model.__table__.c[column]
    query = sa.select(wanted, sa.func.count()).where(wanted.is_not(None)).group_by(wanted)
    found = db.session.connection().execute(_of(model, patient, {}, query))
    return sorted(((one, number) for one, number in found), key=lambda pair: (-pair[1], pair[0]))


def _of(model: Any, patient: Patient, where: Mapping[str, Any], query: Any) -> Any:
    query = query.where(model.__table__.c.patient_id == patient.id)
    for name, wanted in where.items():
        query = query.where(model.__table__.c[name] == wanted)
    return query
