"""The database session, the types of columns, and the rule that reading never writes."""

from __future__ import annotations

import collections
import contextlib
import contextvars
import copy
import functools
import sqlite3
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
import uuid_utils
from flask import g, has_request_context, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import orm
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator

from registry import one_writer
from registry.dates import PartialDate

READING = frozenset({"GET", "HEAD", "OPTIONS"})

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Json = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


class Moment(TypeDecorator[datetime]):
    """A moment in UTC. SQLite forgets zones, so it is given and read as UTC."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        moment: datetime = value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


class PartialDateType(TypeDecorator[PartialDate]):
    """A partial date as its ISO text, which also sorts."""

    impl = sa.String(10)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str | None:
        return PartialDate(str(value)).iso if value is not None else None

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> PartialDate | None:
        return PartialDate(value) if value is not None else None


class Exact(TypeDecorator[Decimal]):
    """A decimal kept digit for digit as stated: NUMERIC on PostgreSQL, text on SQLite."""

    impl = sa.Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> Any:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.String(40))
        return dialect.type_descriptor(sa.Numeric(asdecimal=True))

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        if value is None:
            return None
        value = Decimal(str(value))
        return format(value, "f") if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Decimal | None:
        return Decimal(value) if value is not None else None


class Base(orm.DeclarativeBase):
    """Parent of every mapped class."""

    registry = orm.registry(
        metadata=metadata,
        type_annotation_map={
            uuid.UUID: sa.Uuid(),
            datetime: Moment(),
            PartialDate: PartialDateType(),
            Decimal: Exact(),
            dict[str, Any]: Json,
            list[Any]: Json,
        },
    )


db = SQLAlchemy(model_class=Base)

if TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model


def table_of(model: type[Any]) -> sa.Table:
    """The table of a mapped class, for statements about many rows at once."""
    found: Any = sa.inspect(model).local_table
    assert isinstance(found, sa.Table)
    return found


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
                    dialect=connection.dialect,
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


def new_id() -> uuid.UUID:
    """A time-ordered identifier that tells nobody how many records there are."""
    return uuid.UUID(int=uuid_utils.uuid7().int)


_pretended: contextvars.ContextVar[datetime | None] = contextvars.ContextVar("now", default=None)


def now() -> datetime:
    """The present moment, in UTC."""
    return _pretended.get() or datetime.now(UTC)


@contextlib.contextmanager
def acting_at(moment: datetime) -> Iterator[None]:
    """Let the house act as if it were another moment: for the synthetic network and for tests."""
    token = _pretended.set(moment)
    try:
        yield
    finally:
        _pretended.reset(token)


# -- reading never writes ----------------------------------------------------------------------

_forced: contextvars.ContextVar[bool | None] = contextvars.ContextVar("writing", default=None)


def _may_write() -> bool:
    forced = _forced.get()
    if forced is not None:
        return forced
    return not (has_request_context() and request.method in READING)


@contextlib.contextmanager
def own_transaction() -> Iterator[sa.Connection]:
    """A short writing transaction of its own, apart from the session's.

    For the three things that must be kept whatever the page answers: the audit of a read, the
    count of failed sign-ins, and the progress of a job. Call it when the session holds no open
    transaction that has written, or SQLite makes it wait for itself.
    """
    token = _forced.set(True)
    try:
        with db.engine.begin() as connection:
            yield connection
    finally:
        _forced.reset(token)


@contextlib.contextmanager
def snapshot() -> Iterator[sa.Connection]:
    """One view of the whole database to read much from; what others write meanwhile is not seen.

    It holds up nobody: on SQLite it takes no write lock, and the progress of what is being read
    can be written with `own_transaction`.
    """
    options: dict[str, Any] = {}
    if db.engine.dialect.name == "postgresql":
        options["isolation_level"] = "REPEATABLE READ"
    with db.engine.connect().execution_options(**options) as connection:
        token = _forced.set(False)
        try:
            reading = connection.begin()
        finally:
            _forced.reset(token)
        with reading:
            yield connection


@sa.event.listens_for(sa.Engine, "connect")
def _prepare(connection: Any, record: Any) -> None:
    if not isinstance(connection, sqlite3.Connection):
        return
    # The driver's own transactions lose updates between processes; ours begin explicitly.
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "busy_timeout=30000",
        "foreign_keys=ON",
        "synchronous=FULL",
    ):
        connection.execute(f"PRAGMA {pragma}")


@sa.event.listens_for(sa.Engine, "do_connect")
def _in_turn(dialect: Any, record: Any, arguments: Any, options: dict[str, Any]) -> None:
    if dialect.name == "sqlite":
        options["factory"] = one_writer.Connection


def _reads_first() -> bool:
    """Does the session read before it writes? A transaction of its own is there to write."""
    return _forced.get() is None and has_request_context() and bool(g.get("reads_first"))


@sa.event.listens_for(sa.Engine, "begin")
def _begin(connection: sa.Connection) -> None:
    writing = _may_write()
    if connection.dialect.name == "sqlite":
        # A transaction that began as a read cannot become a write in WAL mode: decide at once,
        # and let the database itself refuse a write inside a GET.
        if writing and not _reads_first():
            _begin_to_write(connection)
        else:
            # Neither can fail, and every page says them: the driver is told at once.
            raw: Any = connection.connection.dbapi_connection
            raw.execute("PRAGMA query_only=ON")
            raw.execute("BEGIN")
    elif connection.dialect.driver == "psycopg":
        raw = connection.connection.dbapi_connection
        raw.read_only = not writing


def _begin_to_write(connection: sa.Connection) -> None:
    raw: Any = connection.connection.dbapi_connection
    raw.take_turn()
    try:
        raw.execute("PRAGMA query_only=OFF")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    except BaseException:
        raw.give_up_turn()
        raise


def begin_writing() -> None:
    """From here on this request writes. Where its page reads first (`Room.page`), what it read
    until now is what it saw a moment ago, as ever on PostgreSQL: what must not have changed since
    is read again. Nothing happens where the transaction writes already."""
    if not _reads_first():
        return
    connection = db.session.connection()
    g.reads_first = False
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("ROLLBACK")
        _begin_to_write(connection)


@sa.event.listens_for(orm.Session, "before_flush")
def _no_write_while_reading(session: orm.Session, context: Any, instances: Any) -> None:
    if not _may_write():
        raise RuntimeError("a page that is read must not write")
