"""The database session, the types of columns, and the rule that reading never writes."""

from __future__ import annotations

import contextlib
import contextvars
import sqlite3
import uuid
from collections.abc import Iterator
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
def only_reading() -> Iterator[None]:
    """Within, the session reads, so that it holds up nobody who writes; at the end its transaction
    is over. RuntimeError where one is open already: what it has written would be undone."""
    if db.session().in_transaction():
        raise RuntimeError("only_reading() in an open transaction")
    token = _forced.set(False)
    try:
        yield
    finally:
        db.session.rollback()
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
