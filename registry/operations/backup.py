"""`netreg backup`: the database and the files it refers to, as one consistent folder, while people
work. The keys are never in it.

The database is read in one snapshot and the files are copied after it: a file is written before the
row that refers to it is committed, so what the snapshot refers to is there, unless it was removed
meanwhile. Then the backup is made again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import current_app

from registry import audit, health, storage
from registry.db import db, now, snapshot
from registry.keys import ring
from registry.operations import tables
from registry.operations.manifest import NAME, PREFIX, Manifest

#: What refers to files of the storage: by table, the column with the file's id.
FILES = (
    ("release_file", "file_id"),
    ("document", "id"),
    ("import_upload", "report_file_id"),
    ("import_upload", "refused_file_id"),
    ("centre_export", "file_id"),
)
#: What lies elsewhere when NETREG_FILES says so, and is copied there.
_ELSEWHERE = frozenset({"document"})
TRIES = 3
_BLOCK = 1 << 20

Say = Callable[[str], None]


class NotMade(Exception):
    """There is no new backup; the text says why."""


def make(to: Path, *, keep: int, say: Say = lambda text: None) -> tuple[Path, Manifest]:
    """Write a backup into a new folder below `to`, and remove old ones but the last `keep`.

    Returns the folder and its manifest. Raises NotMade.
    """
    to.mkdir(mode=0o700, parents=True, exist_ok=True)
    moment = now()
    target = to / f"{PREFIX}{moment:%Y%m%dT%H%M%S%f}Z"
    draft = target.with_name(target.name + ".partial")
    _clear_drafts(to)
    made = _attempt(draft, moment, say)
    for _again in range(1, TRIES):
        if not made.missing:
            break
        say("Files were removed meanwhile: beginning again.")
        made = _attempt(draft, moment, say)
    made.write(draft)
    _on_disk(draft)
    os.replace(draft, target)
    if not made.missing:
        _note_success(target, made)
        forget_old(to, keep)
    return target, made


def _attempt(draft: Path, moment: datetime, say: Say) -> Manifest:
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    made = Manifest(
        product=current_app.extensions["netreg_version"],
        at=moment,
        database=db.engine.dialect.name,
        revision="",
        keys=ring().marks(),
    )
    copy = _sqlite if made.database == "sqlite" else _postgresql
    referred = copy(draft, made, say)
    say("Copying files")
    _copy_files(draft, made)
    there = {place.rpartition("/")[2] for place in made.files}
    made.missing = sorted(file_id.hex for file_id in referred if file_id.hex not in there)
    return made


def _sqlite(draft: Path, made: Manifest, say: Say) -> set[UUID]:
    source, target = Path(str(db.engine.url.database)), draft / "database.sqlite3"
    say("Copying the database")
    tables.copy_sqlite(source, target)
    made.note(draft, target)
    with tables.opened(target) as copy:
        names = tables.sqlite_names(copy)
        made.tables = {name: tables.look_at_sqlite(copy, name) for name in names}
        made.revision = _first(copy.execute("SELECT version_num FROM alembic_version").fetchone())
        referred = {
            UUID(value)
            for table, column in _kept_here()
            if table in made.tables
            for (value,) in copy.execute(f'SELECT "{column}" FROM "{table}"')  # noqa: S608
            if value is not None
        }
    engine = sa.create_engine(f"sqlite:///{target}", poolclass=sa.NullPool)
    with engine.connect() as connection:
        made.seal = audit.newest_seal(connection)
    for leftover in draft.glob("database.sqlite3-*"):
        leftover.unlink()
    made.note(draft, target)  # opened in write-ahead mode: what is noted is what lies there
    return referred


def _postgresql(draft: Path, made: Manifest, say: Say) -> set[UUID]:
    (draft / "tables").mkdir(mode=0o700)
    with snapshot() as connection:
        tables.begin_writing_text(connection)
        names = tables.names(connection)
        say(f"Copying {len(names)} tables")
        for name in names:
            path = draft / "tables" / f"{name}.copy.gz"
            made.tables[name] = tables.write_out(connection, name, path)
            made.note(draft, path)
        made.sequences = tables.sequences(connection)
        made.revision = _first(
            connection.exec_driver_sql("SELECT version_num FROM alembic_version").fetchone()
        )
        made.seal = audit.newest_seal(connection)
        return {
            value
            for table, column in _kept_here()
            if table in names
            for value in connection.scalars(sa.select(sa.table(table, sa.column(column, sa.Uuid))))
            if value is not None
        }


def _kept_here() -> list[tuple[str, str]]:
    """What refers to files of the instance folder."""
    elsewhere = _ELSEWHERE if current_app.extensions["netreg_settings"].files else frozenset()
    return [(table, column) for table, column in FILES if table not in elsewhere]


def _first(row: Any) -> str:
    if row is None:
        raise NotMade("The database was never migrated: there is nothing to back up.")
    return str(row[0])


def _storage_root() -> Path:
    return storage.place(UUID(int=0)).parent.parent


def stored_files(root: Path) -> Iterable[Path]:
    """The whole files of a storage; what is just being written is not one yet."""
    return sorted(path for path in root.glob("??/*") if path.suffix == "" and path.is_file())


def copied(source: Path, target: Path) -> str:
    """Copy a file; gives its checksum."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with source.open("rb") as lines, target.open("wb") as out:
        while block := lines.read(_BLOCK):
            digest.update(block)
            out.write(block)
    return digest.hexdigest()


def _copy_files(draft: Path, made: Manifest) -> None:
    root = _storage_root()
    for path in stored_files(root):
        target = draft / "files" / path.relative_to(root)
        try:
            sha256 = copied(path, target)
        except FileNotFoundError:  # removed since the folder was read
            target.unlink(missing_ok=True)
            continue
        made.note(draft, target, sha256)


def _on_disk(folder: Path) -> None:
    """Have the system write everything to the disk before the backup gets its name."""
    for path in folder.rglob("*"):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _note_success(target: Path, made: Manifest) -> None:
    """Say where the health page looks that there is a backup."""
    folder: Path = current_app.extensions["netreg_settings"].instance / "backups"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = folder / "last.json.part"
    said = {"at": made.at.isoformat(), "path": str(target), "ok": True, "bytes": made.size}
    draft.write_text(json.dumps(said) + "\n")
    os.replace(draft, folder / "last.json")


def backups(to: Path) -> list[Path]:
    """The whole backups in a folder, oldest first."""
    return sorted(path for path in to.glob(f"{PREFIX}*Z") if (path / NAME).is_file())


def forget_old(to: Path, keep: int) -> list[Path]:
    """Remove the oldest backups so that `keep` are left; gives those removed."""
    old = backups(to)[: -max(1, keep)]
    for path in old:
        shutil.rmtree(path)
    return old


def _clear_drafts(to: Path) -> None:
    for path in to.glob(f"{PREFIX}*Z.partial"):  # left by one that was killed
        shutil.rmtree(path, ignore_errors=True)


def newest_revision() -> str:
    """The revision this version of the product needs."""
    return health.newest_revision()
