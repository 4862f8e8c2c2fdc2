"""The files of one making while they are written: measured, noted before they are begun, and
removed when nothing becomes of them."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

from registry import storage
from registry.db import new_id
from registry.research.releases.documents import Made

Tell = Callable[..., None]


class Measured(io.RawIOBase):
    """A file that counts and sums up what is written to it."""

    def __init__(self, out: BinaryIO) -> None:
        super().__init__()
        self._out = out
        self._digest = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, block: Any) -> int:
        """Pass the block on."""
        self._out.write(block)
        self._digest.update(block)
        self.size += len(block)
        return len(block)

    def tell(self) -> int:
        """The place in the file."""
        return self.size

    @property
    def sha256(self) -> str:
        """The checksum of what was written so far."""
        return self._digest.hexdigest()


class Files:
    """The files of one making. `tell` notes in the release what is begun, before it is."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self.begun: list[UUID] = []
        self.made: list[Made] = []

    def note(self, number: int) -> list[UUID]:
        """Ids for new files, known to whoever has to clear up."""
        fresh = [new_id() for _one in range(number)]
        self.begun += fresh
        self._tell(drafts=[str(one) for one in self.begun])
        return fresh

    def keep(
        self, name: str, media_type: str, file_id: UUID, written: Measured, rows: int | None
    ) -> None:
        """Remember a finished file; nobody writes to it any more."""
        self._kept(name, media_type, file_id, written.size, written.sha256, rows)

    def _kept(
        self, name: str, media_type: str, file_id: UUID, size: int, sha256: str, rows: int | None
    ) -> None:
        storage.place(file_id).chmod(0o400)
        self.made.append(Made(name, media_type, size, sha256, rows, file_id))

    def write(self, name: str, media_type: str, content: bytes) -> None:
        """Write a small file at once."""
        [file_id] = self.note(1)
        with storage.writing(file_id) as out:
            written = Measured(out)
            written.write(content)
        self.keep(name, media_type, file_id, written, None)

    def write_by(self, name: str, media_type: str, write: Callable[[BinaryIO], None]) -> None:
        """Write a file by a function that may go back in what it wrote, or write to its name."""
        [file_id] = self.note(1)
        with storage.writing(file_id) as out:
            write(out)
        size = storage.place(file_id).stat().st_size
        self._kept(name, media_type, file_id, size, storage.sha256(file_id), None)

    def place_of(self, name: str) -> Path:
        """Where a finished file lies."""
        return storage.place(next(one.file_id for one in self.made if one.name == name))

    def remove(self) -> None:
        """Leave nothing of this making."""
        remove(self.begun)


def remove(file_ids: Sequence[UUID]) -> None:
    """Remove files, or what was begun of them."""
    for file_id in file_ids:
        storage.remove(file_id)
