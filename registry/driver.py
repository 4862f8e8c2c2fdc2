"""What every page asks and writes, straight through the driver: in a third of SQLAlchemy's time.

For questions and rows that the program puts together once and sends again and again; everything
else is SQLAlchemy's. Values go through its own types, so what stands in the database is the same.
"""

from __future__ import annotations

import collections
import contextlib
import copy
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from registry.db import db, table_of


def add_rows(model: type[Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows that nobody goes on to work with, all at once and in their order, in the session's
    transaction; columns that are not given get their defaults. Objects cost several times as much.
    """
    if rows:
        table = table_of(model)
        missing = [one for one in _defaults(table) if one[0] not in rows[0]]
        whole = [{**row, **{name: made() for name, made in missing}} for row in rows]
        add_whole_rows(db.session.connection(), table, whole)


@functools.cache
def _defaults(table: sa.Table) -> list[tuple[str, Callable[[], Any]]]:
    """The columns with a default of ours, and what makes it."""
    found: list[tuple[str, Callable[[], Any]]] = []
    for column in table.columns:
        default: Any = column.default
        if default is not None and default.is_callable:
            found.append((column.name, functools.partial(default.arg, None)))
        elif default is not None:
            found.append((column.name, functools.partial(copy.copy, default.arg)))
    return found


def add_whole_rows(
    connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Write rows in their order, straight through the driver; each gives the same columns and needs
    no defaults. What is the same object in the row before is brought into the database's form once:
    of a list that was read, every row says who read it.
    """
    if not rows:
        return
    statement = _through_driver(table, connection.dialect, tuple(rows[0]), len(rows) > 1)
    columns = [_as_stored([row[name] for row in rows], form) for name, form in statement.forms]
    if statement.by_column:
        connection.exec_driver_sql(statement.text, tuple(columns))
    else:
        connection.exec_driver_sql(statement.text, list(zip(*columns, strict=True)))


def _as_stored(values: list[Any], form: Callable[[Any], Any] | None) -> list[Any]:
    if form is None:
        return values
    stored, last, made = [], object(), None
    for value in values:
        if value is not last:
            last, made = value, form(value)
        stored.append(made)
    return stored


@dataclass(frozen=True)
class _Insertion:
    """How rows are written through the driver: the text, what brings the value of each column into
    the database's form, and whether it takes all values of a column together."""

    text: str
    forms: list[tuple[str, Callable[[Any], Any] | None]]
    by_column: bool


@functools.cache
def _through_driver(
    table: sa.Table, dialect: sa.Dialect, names: tuple[str, ...], several: bool
) -> _Insertion:
    columns = [table.c[name] for name in names]
    forms = [one.type.dialect_impl(dialect).bind_processor(dialect) for one in columns]
    quote = dialect.identifier_preparer.quote
    said = ", ".join(quote(name) for name in names)
    if several and dialect.name == "postgresql":  # one statement, whatever the number of rows
        lists = ", ".join(f"%s::{_kind(one, dialect)}[]" for one in columns)
        values = f"SELECT * FROM unnest({lists})"  # noqa: S608 - types of our own
    else:
        mark = "?" if dialect.paramstyle == "qmark" else "%s"
        values = f"VALUES ({', '.join(mark for _one in columns)})"
        several = False
    text = f"INSERT INTO {quote(table.name)} ({said}) {values}"
    return _Insertion(text, list(zip(names, forms, strict=True)), several)


def _kind(column: sa.Column[Any], dialect: sa.Dialect) -> str:
    """The type of a column's values; texts without their length, which is the table's to refuse."""
    kind = column.type.compile(dialect=dialect)
    return "TEXT" if kind.startswith("VARCHAR") else kind


def driver_rows(connection: sa.Connection, statements: Iterable[tuple[str, Any]]) -> list[Any]:
    """The rows of several statements as the driver's own tuples, a list for each, in a fifth less
    than SQLAlchemy's time: it tells nothing of columns that the caller knows.

    `statements` are the driver's own SQL with its values, never put together from what somebody
    typed. Whoever listens to statements hears them, and errors are what SQLAlchemy makes of them.
    """
    listeners = list(connection.dispatch.before_cursor_execute)
    found = []
    with contextlib.closing(connection.connection.cursor()) as cursor:
        for text, values in statements:
            for hear in listeners:
                hear(connection, cursor, text, values, None, False)
            try:
                cursor.execute(text, values)
                found.append(cursor.fetchall())
            except connection.dialect.loaded_dbapi.Error as error:
                raise sa.exc.DBAPIError.instance(
                    text, values, error, connection.dialect.loaded_dbapi.Error,
                    hide_parameters=connection.engine.hide_parameters, dialect=connection.dialect,
                ) from error  # fmt: skip
    return found


def answer(statement: Any, values: Mapping[str, Any]) -> list[Any]:
    """The rows of a question that is put together once and asked at every page, in the session's
    transaction: named tuples, as SQLAlchemy's own, in a third of its time. Its parameters are one
    value each, and it says no more than what it selects.
    """
    connection = db.session.connection()
    asked = _question(statement, connection.dialect)
    [found] = driver_rows(connection, [(asked.text, asked.given(values))])
    if not found:
        return []
    if asked.read:
        columns: list[Any] = list(zip(*found, strict=True))
        for place, read in asked.read:
            columns[place] = [read(value) for value in columns[place]]
        found = zip(*columns, strict=True)
    return [asked.row(one) for one in found]


@dataclass(frozen=True)
class _Question:
    """A statement as the driver takes it, with what brings values into the database's form and
    back."""

    text: str
    fixed: dict[str, Any]  # parameters that stand in the statement, in the database's form
    forms: list[tuple[str, Callable[[Any], Any] | None]]  # of those that are given
    order: tuple[str, ...] | None  # of all; without one they are given by name
    read: list[tuple[int, Callable[[Any], Any]]]  # of the columns that the driver does not read
    row: Callable[[Iterable[Any]], Any]

    def given(self, values: Mapping[str, Any]) -> Any:
        """The parameters."""
        made = dict(self.fixed)
        for name, form in self.forms:
            made[name] = values[name] if form is None else form(values[name])
        return made if self.order is None else tuple([made[name] for name in self.order])


@functools.cache
def _question(statement: Any, dialect: sa.Dialect) -> _Question:
    compiled: Any = statement.compile(dialect=dialect)
    fixed, forms = {}, []
    for name, bind in compiled.binds.items():
        form = bind.type.dialect_impl(dialect).bind_processor(dialect)
        if bind.required:
            forms.append((name, form))
        else:
            fixed[name] = form(bind.value) if form is not None else bind.value
    columns = list(statement.selected_columns)
    names: Any = [one.key for one in columns]
    named: Any = collections.namedtuple("Row", names, rename=True)  # type: ignore[misc]
    read = [one.type.dialect_impl(dialect).result_processor(dialect, None) for one in columns]
    return _Question(
        str(compiled),
        fixed,
        forms,
        tuple(compiled.positiontup) if compiled.positional else None,
        [(place, one) for place, one in enumerate(read) if one is not None],
        named._make,
    )
