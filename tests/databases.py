"""The databases tests run on: one SQLite file and one PostgreSQL database, migrated once.

Before each test they are made empty again, which takes a few milliseconds.
"""

from __future__ import annotations

import contextlib
import functools
import shutil
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from psycopg import sql

from tests import postgres

ROOT = Path(__file__).resolve().parent.parent
EMPTY_OF_ROWS = {"alembic_version"}  # the tables that a migrated database may have rows in


def migrate(url: str, revision: str = "head", *, down: bool = False) -> None:
    """Bring the database to a revision, as `netreg db upgrade` does."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    config = Config(toml_file=ROOT / "pyproject.toml")
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        (command.downgrade if down else command.upgrade)(config, revision)


class Sqlite:
    """One file, replaced by a copy of a migrated one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "test.sqlite3"
        self.url = f"sqlite:///{self.path}"
        self._migrated = folder / "migrated.sqlite3"
        migrate(f"sqlite:///{self._migrated}")
        # In WAL mode the last pages may still be beside the file: fold them in before copying.
        with contextlib.closing(
            sa.create_engine(f"sqlite:///{self._migrated}").raw_connection()
        ) as raw:
            raw.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]

    def empty(self) -> None:
        """Forget everything written. Nobody may be connected."""
        for leftover in ("-wal", "-shm"):
            self.path.with_name(self.path.name + leftover).unlink(missing_ok=True)
        shutil.copyfile(self._migrated, self.path)

    def blank(self, name: str) -> str:
        """The URL of a new database without any table."""
        path = self.folder / f"{name}.sqlite3"
        for old in self.folder.glob(f"{path.name}*"):
            old.unlink()
        return f"sqlite:///{path}"

    def another(self, name: str) -> str:
        """The URL of a new, migrated, empty database beside the usual one."""
        url = self.blank(name)
        shutil.copyfile(self._migrated, self.folder / f"{name}.sqlite3")
        return url


@functools.cache
def _look(tables: tuple[str, ...]) -> bytes:
    """Which of these tables have rows, asked at once."""
    asked = sql.SQL(" UNION ALL ").join(
        sql.SQL("(SELECT {} FROM {} LIMIT 1)").format(sql.Literal(name), sql.Identifier(name))
        for name in tables
    )
    return asked.as_bytes()


class Postgres:
    """One database, copied from a migrated template; its rows are removed."""

    def __init__(self, server: postgres.Server) -> None:
        self.server = server
        migrate(server.create("migrated"))
        self.url = server.create("test", template="migrated")
        self._connection = server.connect("test")
        # Triggers and references are not asked. Set once: to set it forgets all plans.
        self._connection.execute("SET session_replication_role = replica")
        if self._filled() - EMPTY_OF_ROWS:
            raise RuntimeError("a migration leaves rows behind: empty() would remove them")

    def _filled(self) -> set[str]:
        tables = self._connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
        found = self._connection.execute(_look(tuple(name for (name,) in tables))).fetchall()
        return {name for (name,) in found}

    def empty(self) -> None:
        """Forget everything written."""
        with self._connection.transaction():
            for name in sorted(self._filled() - EMPTY_OF_ROWS):
                self._connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)))
            self._connection.execute(
                "SELECT setval(format('%I.%I', schemaname, sequencename), start_value, false)"
                " FROM pg_sequences WHERE last_value IS NOT NULL"
            )

    def blank(self, name: str) -> str:
        """The URL of a new database without any table."""
        return self.server.create(name)

    def another(self, name: str) -> str:
        """The URL of a new, migrated, empty database beside the usual one."""
        return self.server.create(name, template="migrated")

    def close(self) -> None:
        """Let go of the server."""
        self._connection.close()
