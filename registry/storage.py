"""Files by random id in the instance folder. Written beside and moved into place: whole or not."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from flask import current_app

_BLOCK = 1 << 20


def _root() -> Path:
    instance: Path = current_app.extensions["netreg_settings"].instance
    return instance / "files"


def place(file_id: UUID) -> Path:
    """Where the file of this id lies."""
    text = file_id.hex
    return _root() / text[-2:] / text


@contextmanager
def writing(file_id: UUID) -> Iterator[BinaryIO]:
    """Open a new file for writing; it appears under its id only when the block ends well."""
    target = place(file_id)
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_suffix(".part")
    try:
        with draft.open("wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        os.replace(draft, target)
    finally:
        draft.unlink(missing_ok=True)


def sha256(file_id: UUID) -> str:
    """The checksum of the file as it lies on disk."""
    digest = hashlib.sha256()
    with place(file_id).open("rb") as lines:
        while block := lines.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def blocks(file_id: UUID) -> Iterator[bytes]:
    """The file piece by piece, opened when the first piece is asked for: also after the request
    whose answer it is has ended."""
    path = place(file_id)

    def read() -> Iterator[bytes]:
        with path.open("rb") as lines:
            while block := lines.read(_BLOCK):
                yield block

    return read()


def remove(file_id: UUID) -> None:
    """Remove a file, or what a killed process left of it. None there is no error."""
    target = place(file_id)
    target.with_suffix(".part").unlink(missing_ok=True)
    target.unlink(missing_ok=True)
