"""`netreg restore`: a backup into an empty place, compared row for row and file for file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from flask import current_app

from config import ROOT
from registry import audit
from registry.db import db
from registry.operations import tables
from registry.operations.backup import copied, stored_files
from registry.operations.manifest import Damaged, Manifest

Say = Callable[[str], None]


class NotEmpty(Exception):
    """There is something where the backup should go."""


def restore(folder: Path, say: Say = lambda text: None) -> Manifest:
    """Put a backup into the database and the storage of the application, both empty.

    Raises Damaged when the backup is not whole or what arrived is not what it holds, NotEmpty when
    the place is in use. On PostgreSQL all of the database arrives or nothing.
    """
    found = Manifest.read(folder)
    say("Checking the backup")
    found.check(folder)
    found.check_keys(folder)
    if found.database != db.engine.dialect.name:
        raise Damaged(f"it is of {found.database}, and DATABASE_URL names {db.engine.dialect.name}")
    _refuse_unknown(found.revision)
    files = current_app.extensions["netreg_settings"].instance / "files"
    if files.is_dir() and next(iter(stored_files(files)), None):
        raise NotEmpty(f"There are files in {files}.")
    say("Bringing the database in")
    (_sqlite if found.database == "sqlite" else _postgresql)(folder, found)
    say("Bringing the files in")
    _bring_files(folder, found, files)
    say("Checking the audit")
    _check_audit(found)
    return found


def _refuse_unknown(revision: str) -> None:
    try:
        ScriptDirectory(str(ROOT / "migrations")).get_revision(revision)
    except CommandError as problem:
        raise Damaged(
            f"revision {revision} is not known to this version of the product: install the "
            "version the backup is of, or a newer one"
        ) from problem


def _sqlite(folder: Path, found: Manifest) -> None:
    target = Path(str(db.engine.url.database))
    if target.exists() and target.stat().st_size:
        with tables.opened(target) as connection:
            for name in tables.sqlite_names(connection):
                if tables.look_at_sqlite(connection, name).rows:
                    raise NotEmpty(f"Table {name} of {target} is not empty.")
    db.engine.dispose()
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = target.with_name(target.name + ".restoring")
    shutil.copyfile(folder / "database.sqlite3", draft)
    draft.chmod(0o600)
    with tables.opened(draft) as connection:
        now_there = {
            name: tables.look_at_sqlite(connection, name)
            for name in tables.sqlite_names(connection)
        }
    _compare(found, now_there)
    for beside in ("-wal", "-shm"):
        target.with_name(target.name + beside).unlink(missing_ok=True)
    os.replace(draft, target)
    for leftover in target.parent.glob(f"{draft.name}-*"):
        leftover.unlink()


def _migrate(revision: str) -> None:
    config = Config(toml_file=ROOT / "pyproject.toml")
    engine = sa.create_engine(db.engine.url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def _refuse_used(connection: sa.Connection, revision: str) -> None:
    """Only a database without tables, or one migrated to the backup's revision without rows."""
    names = tables.names(connection)
    for name in names:
        if connection.execute(sa.text(f'SELECT 1 FROM "{name}" LIMIT 1')).first():  # noqa: S608
            raise NotEmpty(f"Table {name} of the database is not empty.")
    if names:
        at = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        if at != revision:
            raise NotEmpty(
                f"The database is at revision {at} and the backup at {revision}: give an empty "
                "database, without tables."
            )


def _postgresql(folder: Path, found: Manifest) -> None:
    engine = sa.create_engine(db.engine.url, poolclass=sa.NullPool, hide_parameters=True)
    with engine.connect() as connection:
        _refuse_used(connection, found.revision)
    _migrate(found.revision)
    with engine.begin() as connection:
        tables.begin_writing_text(connection)
        again = tables.without_references(connection)
        for name, table in found.tables.items():
            tables.read_in(connection, name, folder / "tables" / f"{name}.copy.gz", table.columns)
        tables.set_sequences(connection, found.sequences)
        for statement in again:
            connection.exec_driver_sql(statement)
        now_there = {name: tables.look_at(connection, name) for name in tables.names(connection)}
        _compare(found, now_there)  # before the commit: what differs never becomes visible
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")


def _compare(found: Manifest, now_there: dict[str, tables.Table]) -> None:
    for name in sorted({*found.tables, *now_there}):
        before, after = found.tables.get(name), now_there.get(name)
        if before != after:
            counts = [one.rows if one else "no" for one in (before, after)]
            raise Damaged(f"table {name} differs: {counts[0]} rows in the backup, {counts[1]} here")


def _bring_files(folder: Path, found: Manifest, files: Path) -> None:
    for place in found.files:
        target = files / Path(place).relative_to("files")
        if copied(folder / place, target) != found.parts[place][1]:
            raise Damaged(f"{place} did not arrive as it was")
        target.chmod(0o600)


def _check_audit(found: Manifest) -> None:
    verdict = audit.verify()
    problems = [*verdict.problems, *audit.absent([found.seal] if found.seal else [])]
    if problems:
        raise Damaged(f"the audit is not whole: {problems[0]}")


def newer_needed(found: Manifest) -> str:
    """The revision to upgrade to afterwards; empty when there is none."""
    head: Any = ScriptDirectory(str(ROOT / "migrations")).get_current_head()
    return str(head) if head != found.revision else ""
