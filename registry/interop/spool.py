"""What is held on disk while a file is read, so that memory stays the same however long it is.

Two things, in one nameless SQLite file of the run's own: the rows of the file, to be taken again
patient by patient wherever they stood; and what is planned for each patient, to be written when
all of it is known to be good. Both are sealed with a key that only this process has.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import current_app

_AT_ONCE = 2_000

#: A row as it was read: part (number of the file), row number, cells in the order of its columns.
Raw = tuple[int, int, list[str]]


def spool_folder() -> Path:
    """Where runs hold what is too much for memory."""
    folder: Path = current_app.extensions["netreg_settings"].instance / "importing"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


class Spool:
    """Rows and plans of one run. A context manager: nothing is left behind."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="netreg-import-", dir=folder)
        path = Path(self._folder.name) / "spool"
        # Unlinked at once: a killed process leaves an empty folder and no data.
        self._db = sqlite3.connect(path, isolation_level=None)
        for line in (
            "PRAGMA journal_mode=OFF",
            "PRAGMA synchronous=OFF",
            "PRAGMA cache_size=-32000",
            "PRAGMA temp_store=FILE",
            "CREATE TABLE id (key BLOB PRIMARY KEY, place INTEGER) WITHOUT ROWID",
            "CREATE TABLE row (place INTEGER, part INTEGER, number INTEGER, cells BLOB)",
            "CREATE TABLE plan (number INTEGER PRIMARY KEY, content BLOB)",
            "CREATE TABLE told (number INTEGER PRIMARY KEY, content BLOB)",
            "CREATE TABLE seen (key BLOB PRIMARY KEY, row INTEGER) WITHOUT ROWID",
            "BEGIN",
        ):
            self._db.execute(line)
        self._cipher = AESGCM(AESGCM.generate_key(128))
        self._salt = os.urandom(16)
        self._ids: dict[bytes, int] = {}
        self._rows: list[tuple[int, int, int, bytes]] = []
        self._plans: list[tuple[int, bytes]] = []
        self._patients = 0
        self.plans = 0

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *_error: object) -> None:
        self._db.close()
        self._folder.cleanup()

    def _seal(self, content: Any) -> bytes:
        nonce = os.urandom(12)
        text = json.dumps(content, ensure_ascii=True, separators=(",", ":")).encode()
        return nonce + self._cipher.encrypt(nonce, text, None)

    def _open(self, sealed: bytes) -> Any:
        return json.loads(self._cipher.decrypt(sealed[:12], sealed[12:], None))

    def _key(self, text: str) -> bytes:
        return hashlib.blake2b(
            text.encode(errors="surrogatepass"), digest_size=16, key=self._salt
        ).digest()

    # -- rows ------------------------------------------------------------------------------------

    def add_row(self, source_id: str, part: int, number: int, cells: list[str]) -> bool:
        """Keep a row under its patient. False where a further file names a patient whom the first
        does not have. Rows without an id stand alone."""
        place = self._place(source_id, new=part == 0)
        if place is None:
            return False
        self._rows.append((place, part, number, self._seal(cells)))
        if len(self._rows) >= _AT_ONCE:
            self._flush_rows()
        return True

    def _place(self, source_id: str, *, new: bool) -> int | None:
        """Where a patient stood first. The latest ids are remembered, all are on disk."""
        key = self._key(source_id) if source_id else os.urandom(16)
        place = self._ids.get(key)
        if place is None:
            found = self._db.execute("SELECT place FROM id WHERE key = ?", (key,)).fetchone()
            if found is None and not new:
                return None
            place = found[0] if found else self._patients
            if found is None:
                self._patients += 1
                self._db.execute("INSERT INTO id VALUES (?, ?)", (key, place))
            if len(self._ids) >= _AT_ONCE:
                self._ids.clear()
            self._ids[key] = place
        return place

    def _flush_rows(self) -> None:
        self._db.executemany("INSERT INTO row VALUES (?, ?, ?, ?)", self._rows)
        self._rows.clear()

    @property
    def patients(self) -> int:
        """How many patients there are rows of."""
        return self._patients

    def by_patient(self) -> Iterator[list[Raw]]:
        """The rows of each patient, in the order the patients came first."""
        self._flush_rows()
        self._db.execute("CREATE INDEX row_place ON row (place, part, number)")
        query = "SELECT place, part, number, cells FROM row ORDER BY place, part, number"
        found = self._db.execute(query)
        for _place, rows in groupby(found, key=lambda row: row[0]):
            yield [(part, number, self._open(cells)) for _p, part, number, cells in rows]

    # -- what may stand once ---------------------------------------------------------------------

    def first_seen(self, kind: str, text: str, row: int) -> int | None:
        """The row that has said this before; None where this is the first."""
        key = self._key(f"{kind}\x1f{text}")
        found = self._db.execute("SELECT row FROM seen WHERE key = ?", (key,)).fetchone()
        if found is not None:
            return int(found[0])
        self._db.execute("INSERT INTO seen VALUES (?, ?)", (key, row))
        return None

    # -- plans -----------------------------------------------------------------------------------

    def add_plan(self, content: dict[str, Any]) -> None:
        """Keep what is planned for a patient."""
        self._plans.append((self.plans, self._seal(content)))
        self.plans += 1
        if len(self._plans) >= _AT_ONCE:
            self._flush_plans()

    def _flush_plans(self) -> None:
        self._db.executemany("INSERT INTO plan VALUES (?, ?)", self._plans)
        self._plans.clear()

    def planned(self) -> Iterator[dict[str, Any]]:
        """What is planned, in the order it was kept."""
        self._flush_plans()
        for (content,) in self._db.execute("SELECT content FROM plan ORDER BY number"):
            yield self._open(content)

    # -- what is to be told of patients that are written -------------------------------------------

    def add_told(self, content: Any) -> None:
        """Keep what the audit will say of a batch, until it is shown."""
        self._db.execute("INSERT INTO told (content) VALUES (?)", (self._seal(content),))

    def told(self) -> Iterator[Any]:
        """What was kept to be told, batch by batch."""
        for (content,) in self._db.execute("SELECT content FROM told ORDER BY number"):
            yield self._open(content)
