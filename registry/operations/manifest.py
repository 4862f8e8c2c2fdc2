"""What a backup is: a folder whose manifest says what must be in it.

manifest.json      format, product and time; revision; tables with rows and checksums; files;
                   fingerprints of the keys (never the keys); the newest seal of the audit
manifest.mac       keyed by the root key: whether the manifest was altered
database.sqlite3   on SQLite
tables/NAME.copy.gz   on PostgreSQL: COPY text, columns as the manifest has them
files/ab/…ab       the files of the storage as they lie there, sealed ones sealed
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from registry.keys import ring
from registry.operations.tables import Table

FORMAT = 1
NAME, MAC = "manifest.json", "manifest.mac"
PREFIX = "netreg-"
_BLOCK = 1 << 20


class Damaged(Exception):
    """The backup is not what its manifest says, or not one of ours. The text says what."""


def sha256_of(path: Path) -> str:
    """The checksum of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as lines:
        while block := lines.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


@dataclass
class Manifest:
    """What a backup holds."""

    product: str
    at: datetime
    database: str  # sqlite | postgresql
    revision: str
    tables: dict[str, Table] = field(default_factory=dict)
    sequences: dict[str, int] = field(default_factory=dict)
    #: By place below the folder: [size, sha256]; of the database and of the stored files.
    parts: dict[str, list[Any]] = field(default_factory=dict)
    #: Files that rows refer to and that the storage did not have.
    missing: list[str] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)
    seal: dict[str, Any] | None = None

    def note(self, folder: Path, path: Path, sha256: str = "") -> None:
        """Take a part into the manifest."""
        place = path.relative_to(folder).as_posix()
        self.parts[place] = [path.stat().st_size, sha256 or sha256_of(path)]

    @property
    def files(self) -> list[str]:
        """The stored files, as places below the folder."""
        return sorted(place for place in self.parts if place.startswith("files/"))

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(int(size) for size, _sha256 in self.parts.values())

    def write(self, folder: Path) -> None:
        """Write it and its keyed fingerprint into the folder, last of all."""
        text = json.dumps(
            {
                "format": FORMAT,
                "product": self.product,
                "at": self.at.isoformat(),
                "database": self.database,
                "revision": self.revision,
                "tables": {name: table.stored() for name, table in sorted(self.tables.items())},
                "sequences": self.sequences,
                "parts": dict(sorted(self.parts.items())),
                "missing": self.missing,
                "keys": self.keys,
                "seal": self.seal,
            },
            indent=1,
        )
        (folder / NAME).write_text(text)
        (folder / MAC).write_text(_mac(text.encode()))

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read a backup's manifest. Raises Damaged."""
        try:
            stored = json.loads((folder / NAME).read_text())
            if stored["format"] != FORMAT:
                raise Damaged(f"format {stored['format']} is not known to this version")
            return cls(
                product=stored["product"],
                at=datetime.fromisoformat(stored["at"]),
                database=stored["database"],
                revision=stored["revision"],
                tables={name: Table.read(one) for name, one in stored["tables"].items()},
                sequences=stored["sequences"],
                parts=stored["parts"],
                missing=stored["missing"],
                keys=stored["keys"],
                seal=stored["seal"],
            )
        except OSError as problem:
            raise Damaged(f"{folder} holds no backup: {NAME} cannot be read") from problem
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            raise Damaged(f"{NAME} is not the manifest of a backup") from problem

    def check(self, folder: Path) -> None:
        """Is every part there, and as it was written? Raises Damaged with the first that is not."""
        for place, (size, sha256) in self.parts.items():
            path = folder / place
            if ".." in Path(place).parts or Path(place).is_absolute():
                raise Damaged(f"{place} is no place within a backup")
            if not path.is_file():
                raise Damaged(f"{place} is missing")
            if path.stat().st_size != size or sha256_of(path) != sha256:
                raise Damaged(f"{place} was altered or cut short")

    def check_keys(self, folder: Path) -> None:
        """Can the ring of this place read it, and is the manifest the one that was written?
        Raises Damaged."""
        have = ring().marks()
        lacking = [name for name, mark in self.keys.items() if have.get(name) != mark]
        if lacking:
            raise Damaged(
                f"the key ring in place lacks {', '.join(lacking)}: put the ring of "
                f"{self.at:%Y-%m-%d} in place, or bring a retired key back with "
                "`netreg keys recall FILE`, the file that `netreg keys retire` wrote"
            )
        try:
            mac = (folder / MAC).read_text().strip()
        except OSError:
            mac = ""
        if not hmac.compare_digest(mac, _mac((folder / NAME).read_bytes())):
            raise Damaged(f"{NAME} was altered after the backup was made")


def _mac(content: bytes) -> str:
    return hmac.new(ring().derive("backup manifest"), content, hashlib.sha256).hexdigest()
