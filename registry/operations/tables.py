"""A database as tables that can be written out, read in and compared, row for row.

PostgreSQL: each table is its own `COPY … TO STDOUT` text, in the order of its primary key, and its
checksum is that of the text. SQLite: the database is one file; the checksum of a table is made over
its rows in the order of its primary key. Both are the same before and after if and only if the rows
are. What the queue of background work keeps is left out: the work is in the product's own tables.
"""

from __future__ import annotations

import gzip
import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from psycopg import sql

QUEUE = "huey_"
REVISION = "alembic_version"
_BLOCK = 1 << 20
#: How values are written, whatever the server and the role usually say.
_AS_TEXT = (
    "SET LOCAL TimeZone = 'UTC'",
    "SET LOCAL DateStyle = 'ISO, YMD'",
    "SET LOCAL IntervalStyle = 'postgres'",
    "SET LOCAL bytea_output = 'hex'",
    "SET LOCAL extra_float_digits = 1",
)


@dataclass(frozen=True)
class Table:
    """A table as it was: its columns, how many rows, and the checksum over them."""

    columns: tuple[str, ...]
    rows: int
    sha256: str

    def stored(self) -> dict[str, Any]:
        """As it stands in a manifest."""
        return asdict(self)

    @classmethod
    def read(cls, stored: dict[str, Any]) -> Table:
        """From a manifest."""
        return cls(tuple(stored["columns"]), int(stored["rows"]), str(stored["sha256"]))


# -- PostgreSQL --------------------------------------------------------------------------------


def _raw(connection: sa.Connection) -> Any:
    """The driver's own connection, inside the transaction of this one."""
    return connection.connection.dbapi_connection


def begin_writing_text(connection: sa.Connection) -> None:
    """From now on, in this transaction, values are written in the one way that is compared."""
    for statement in _AS_TEXT:
        connection.exec_driver_sql(statement)


def names(connection: sa.Connection) -> list[str]:
    """The product's tables, in order of their names."""
    found = sa.inspect(connection).get_table_names()
    return sorted(name for name in found if not name.startswith(QUEUE) and name != REVISION)


def _columns(connection: sa.Connection, table: str) -> tuple[list[str], list[sql.Composable]]:
    """The columns of a table by name, and what its rows are ordered by."""
    inspector = sa.inspect(connection)
    described = {c["name"]: c["type"] for c in inspector.get_columns(table)}
    key = inspector.get_pk_constraint(table)["constrained_columns"] or sorted(described)
    order: list[sql.Composable] = []
    for name in key:
        text = isinstance(described[name], sa.String)
        # By bytes: another machine may sort words in another way.
        order.append(sql.SQL('{} COLLATE "C"' if text else "{}").format(sql.Identifier(name)))
    return sorted(described), order


def copied_out(connection: sa.Connection, table: str) -> tuple[tuple[str, ...], Iterator[bytes]]:
    """The columns of a table and its rows as COPY text, piece by piece."""
    columns, order = _columns(connection, table)
    command = sql.SQL("COPY (SELECT {} FROM {} ORDER BY {}) TO STDOUT").format(
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.Identifier(table),
        sql.SQL(", ").join(order),
    )

    def pieces() -> Iterator[bytes]:
        with _raw(connection).cursor() as cursor, cursor.copy(command) as copy:
            for piece in copy:
                yield bytes(piece)

    return tuple(columns), pieces()


def write_out(connection: sa.Connection, table: str, path: Path) -> Table:
    """Write a table into a compressed file; gives what was written."""
    columns, pieces = copied_out(connection, table)
    digest, rows = hashlib.sha256(), 0
    with (
        path.open("wb") as out,
        gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1, mtime=0) as packed,
    ):
        for piece in pieces:
            digest.update(piece)
            rows += piece.count(b"\n")  # a line break within a value is written as \n
            packed.write(piece)
    return Table(columns, rows, digest.hexdigest())


def look_at(connection: sa.Connection, table: str) -> Table:
    """A table of PostgreSQL as it is now."""
    columns, pieces = copied_out(connection, table)
    digest, rows = hashlib.sha256(), 0
    for piece in pieces:
        digest.update(piece)
        rows += piece.count(b"\n")
    return Table(columns, rows, digest.hexdigest())


def read_in(connection: sa.Connection, table: str, path: Path, columns: tuple[str, ...]) -> None:
    """Fill an empty table from a file that `write_out` wrote."""
    command = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with (
        gzip.open(path, "rb") as lines,
        _raw(connection).cursor() as cursor,
        cursor.copy(command) as copy,
    ):
        while block := lines.read(_BLOCK):
            copy.write(block)


def sequences(connection: sa.Connection) -> dict[str, int]:
    """The number each sequence of the product gave last."""
    query = (
        "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = current_schema()"
        " AND last_value IS NOT NULL ORDER BY sequencename"
    )
    rows = connection.exec_driver_sql(query)
    return {name: last for name, last in rows if not name.startswith(QUEUE)}


def set_sequences(connection: sa.Connection, last: dict[str, int]) -> None:
    """Go on numbering where the sequences were."""
    for name, number in last.items():
        connection.execute(
            sa.text("SELECT setval(CAST(quote_ident(:name) AS regclass), :number)"),
            {"name": name, "number": number},
        )


def without_references(connection: sa.Connection) -> list[str]:
    """Remove the foreign keys, so that tables can be filled in any order. Gives the statements
    that make them again, which check every row."""
    rows = connection.exec_driver_sql(
        "SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid)"
        " FROM pg_constraint WHERE contype = 'f' AND connamespace = current_schema()::regnamespace"
        " ORDER BY 1, 2"
    ).all()
    for table, name, _definition in rows:
        connection.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    return [f"ALTER TABLE {table} ADD CONSTRAINT {name} {what}" for table, name, what in rows]


# -- SQLite ------------------------------------------------------------------------------------


def opened(path: Path) -> closing[sqlite3.Connection]:
    """A SQLite file to read only."""
    connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None)
    return closing(connection)


def sqlite_names(connection: sqlite3.Connection) -> list[str]:
    """The product's tables of a SQLite file, in order of their names."""
    found = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    return sorted(name for (name,) in found if not name.startswith("sqlite_") and name != REVISION)


def look_at_sqlite(connection: sqlite3.Connection, table: str) -> Table:
    """A table of a SQLite file as it is now."""
    described = connection.execute(f'PRAGMA table_info("{table}")').fetchall()
    columns = sorted(column[1] for column in described)
    key = [column[1] for column in sorted(described, key=lambda c: c[5]) if column[5]] or columns
    wanted = ", ".join(f'"{name}"' for name in columns)
    order = ", ".join(f'"{name}"' for name in key)
    digest, rows = hashlib.sha256(), 0
    query = f'SELECT {wanted} FROM "{table}" ORDER BY {order}'  # noqa: S608 - names of our tables
    for row in connection.execute(query):
        digest.update(repr(row).encode() + b"\n")
        rows += 1
    return Table(tuple(columns), rows, digest.hexdigest())


def copy_sqlite(source: Path, target: Path) -> None:
    """One consistent copy of a SQLite database that others go on writing to. In write-ahead mode
    nobody waits for it; the copy is a single file."""
    with opened(source) as reading, closing(sqlite3.connect(target)) as writing:
        reading.backup(writing, pages=-1)  # all at once: steps would begin anew with each write
        writing.execute("PRAGMA journal_mode=DELETE")
        [verdict] = writing.execute("PRAGMA integrity_check").fetchone()
        if verdict != "ok":
            raise OSError(f"the database file is damaged: {verdict}")
