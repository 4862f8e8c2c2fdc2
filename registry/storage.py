"""Files by random id. Written beside and moved into place: whole or not.

What the house makes itself (releases, exports) lies in the instance folder. Files about patients
lie there too, or wherever NETREG_FILES says (`registry/stores.py`). They are sealed: encrypted
block by block while they are written, and decrypted while they are read, so that no readable copy
ever lies on a disk.
"""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, cast
from uuid import UUID

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import current_app
from sqlalchemy.orm import Session

from registry import stores
from registry.db import db
from registry.errors import Unreadable
from registry.keys import ring

_BLOCK = 1 << 20


def _root() -> Path:
    instance: Path = current_app.extensions["netreg_settings"].instance
    return instance / "files"


def place(file_id: UUID) -> Path:
    """Where the file of this id lies in the instance folder."""
    return _root() / _name(file_id)


def _name(file_id: UUID) -> str:
    text = file_id.hex
    return f"{text[-2:]}/{text}"


def sealed_store() -> stores.Store:
    """Where sealed files lie."""
    kept = current_app.extensions
    if "netreg_sealed_store" not in kept:
        address = getattr(kept["netreg_settings"], "files", "")
        kept["netreg_sealed_store"] = stores.at(address, _root())
    store: stores.Store = kept["netreg_sealed_store"]
    return store


def writing(file_id: UUID) -> AbstractContextManager[BinaryIO]:
    """Open a new file for writing; it appears under its id only when the block ends well."""
    return stores.Folder(_root()).writing(_name(file_id))


def unnamed() -> BinaryIO:
    """A file for as long as it is open, which no name leads to: it is gone with its process."""
    root = _root()
    root.mkdir(parents=True, exist_ok=True)
    return cast(BinaryIO, tempfile.TemporaryFile(dir=root, buffering=0))


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
    sealed_store().remove(_name(file_id))


# -- sealed files ------------------------------------------------------------------------------
#
# MAGIC, the length of the key's id, the id, 16 bytes of salt; then the blocks, each encrypted by
# AES-256-GCM with a key made from the sealing key, the salt and the file's id. A block's place and
# whether it is the last are authenticated: blocks cannot be altered, exchanged, moved to another
# file, or cut off at the end.

MAGIC = b"NRSF1"
SEALED_BLOCK = 1 << 16
_SALT, _TAG = 16, 16


class _Seal:
    """The key of one sealed file. A fresh salt makes a fresh key, so the counter is the nonce."""

    def __init__(self, file_id: UUID, key_id: str, salt: bytes) -> None:
        try:
            root = ring().sealing[key_id]
        except KeyError as error:
            raise Unreadable("the key of a sealed file is missing") from error
        self.header = MAGIC + bytes([len(key_id.encode())]) + key_id.encode() + salt
        about = b"netreg sealed file" + file_id.bytes
        self._cipher = AESGCM(HKDF(SHA256(), 32, salt, about).derive(root))

    def _about(self, number: int, last: bool) -> tuple[bytes, bytes]:
        nonce = number.to_bytes(11, "big") + bytes([last])
        return nonce, self.header + nonce

    def close(self, block: bytes, number: int, last: bool) -> bytes:
        nonce, about = self._about(number, last)
        return self._cipher.encrypt(nonce, block, about)

    def open(self, block: bytes, number: int, last: bool) -> bytes:
        nonce, about = self._about(number, last)
        try:
            return self._cipher.decrypt(nonce, block, about)
        except InvalidTag as error:
            raise Unreadable("a sealed file was altered") from error


class SealedWriter:
    """Takes a file piece by piece and writes it encrypted. Knows its size and checksum after."""

    def __init__(self, out: BinaryIO, file_id: UUID) -> None:
        self.key_id = ring().current
        self.size = 0
        self._seal = _Seal(file_id, self.key_id, os.urandom(_SALT))
        self._digest = hashlib.sha256()
        self._out, self._held, self._number = out, b"", 0
        out.write(self._seal.header)

    @property
    def sha256(self) -> str:
        """The checksum of what was written, unencrypted."""
        return self._digest.hexdigest()

    def write(self, piece: bytes) -> None:
        """Take the next piece, of any length."""
        self.size += len(piece)
        self._digest.update(piece)
        held, at = self._held + piece, 0
        while len(held) - at > SEALED_BLOCK:
            self._put(held[at : at + SEALED_BLOCK], last=False)
            at += SEALED_BLOCK
        self._held = held[at:]

    def finish(self) -> None:
        """Write what is held back as the last block."""
        self._put(self._held, last=True)

    def _put(self, block: bytes, *, last: bool) -> None:
        self._out.write(self._seal.close(block, self._number, last))
        self._number += 1


@contextmanager
def sealing(file_id: UUID, name: str = "") -> Iterator[SealedWriter]:
    """Open a new file that is encrypted as it is written; it appears whole or not at all. `name`
    is where it lies, if not at the place of its id."""
    with sealed_store().writing(name or _name(file_id)) as out:
        writer = SealedWriter(out, file_id)
        yield writer
        writer.finish()


def unsealed(file_id: UUID, name: str = "") -> Iterator[bytes]:
    """A sealed file piece by piece, decrypted. The first piece is read at once, so that a missing
    file (FileNotFoundError) or key (Unreadable) is told before an answer has begun."""
    pieces = _opened(sealed_store(), file_id, name or _name(file_id))
    return chain([next(pieces)], pieces)


def _opened(store: stores.Store, file_id: UUID, name: str) -> Iterator[bytes]:
    with store.open(name) as lines:
        seal = _Seal(file_id, *_header(lines))
        block, number = lines.read(SEALED_BLOCK + _TAG), 0
        while True:
            following = lines.read(SEALED_BLOCK + _TAG)
            yield seal.open(block, number, last=not following)
            if not following:
                return
            block, number = following, number + 1


class SealedReader(io.RawIOBase):
    """A sealed file to read anywhere in it, one block at a time in memory."""

    name = ""  # readers of files ask for it; a sealed file has none to tell

    def __init__(self, file_id: UUID) -> None:
        super().__init__()
        self._lines = sealed_store().open(_name(file_id))
        self._seal = _Seal(file_id, *_header(self._lines))
        self._start = self._lines.tell()
        length = self._lines.seek(0, os.SEEK_END) - self._start
        self._last = max(0, -(-length // (SEALED_BLOCK + _TAG)) - 1)
        self.size = length - (self._last + 1) * _TAG
        self._at, self._number, self._block = 0, -1, b""

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """The place in the file."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Decrypt the block of the place and take what stands there."""
        if self._at >= self.size:
            return 0
        number, within = divmod(self._at, SEALED_BLOCK)
        piece = self._take(number)[within : within + len(buffer)]
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def _take(self, number: int) -> bytes:
        if self._number != number:
            self._lines.seek(self._start + number * (SEALED_BLOCK + _TAG))
            sealed = self._lines.read(SEALED_BLOCK + _TAG)
            self._block = self._seal.open(sealed, number, last=number == self._last)
            self._number = number
        return self._block

    def close(self) -> None:
        """Close the file."""
        self._lines.close()
        super().close()


def _header(lines: BinaryIO) -> tuple[str, bytes]:
    """The id of the key and the salt."""
    start = lines.read(len(MAGIC) + 1)
    if len(start) != len(MAGIC) + 1 or not start.startswith(MAGIC):
        raise Unreadable("this is no sealed file")
    return lines.read(start[-1]).decode(errors="replace"), lines.read(_SALT)


def current_key() -> str:
    """The id of the key that files are sealed under now."""
    return ring().current


def sealed_under(file_id: UUID) -> str:
    """The id of the key a sealed file lies encrypted under."""
    with sealed_store().open(_name(file_id)) as lines:
        return _header(lines)[0]


def sealed_files(after: UUID | None = None) -> Iterator[UUID]:
    """The ids of the sealed files there are, in the order of their places."""
    start, store = _name(after) if after else "", sealed_store()
    for name, _written in store.names():
        if name > start and (found := _id_of(name)) and _is_sealed(store, name):
            yield found


def _id_of(name: str) -> UUID | None:
    """The id of the file that lies under a name; None for a draft and for what is no file of an
    id."""
    folder, _slash, text = name.partition("/")
    if len(text) != 32 or text[-2:] != folder:
        return None
    try:
        return UUID(hex=text)
    except ValueError:
        return None


def _is_sealed(store: stores.Store, name: str) -> bool:
    try:
        with store.open(name) as lines:
            return lines.read(len(MAGIC)) == MAGIC
    except OSError:  # removed since the folder was read
        return False


def forgotten(before: datetime, known: Callable[[Sequence[UUID]], set[UUID]]) -> int:
    """Remove sealed files and drafts last written before a moment that no row knows of: what a
    killed process left. `known` gives those of some ids that rows know. Returns how many."""
    store, count = sealed_store(), 0
    old = [name for name, written in store.names() if written < before]
    ids = {one: name for name in old if (one := _id_of(name)) and _is_sealed(store, name)}
    wanted = list(ids)
    for at in range(0, len(wanted), 500):
        some = wanted[at : at + 500]
        for one in set(some) - known(some):
            store.remove(ids[one])
            count += 1
    for name in old:
        if name.endswith(stores.DRAFT) and _id_of(name.removesuffix(stores.DRAFT)):
            store.drop(name)
            count += 1
    return count


def reseal(file_id: UUID) -> str:
    """Encrypt a sealed file anew under the current key, as a rotation of keys needs it; returns
    the key's id. At every moment the old file or the new one is there, whole. A file that is
    under the current key is left as it is."""
    current = ring().current
    if sealed_under(file_id) != current:
        with sealing(file_id) as writer:
            for piece in unsealed(file_id):
                writer.write(piece)
    return current


# -- a file stays with its row -----------------------------------------------------------------

_NEW, _GONE = "netreg_new_files", "netreg_gone_files"


def remove_if_undone(file_id: UUID) -> None:
    """Remove this new file if the session's transaction is rolled back instead of committed."""
    db.session().info.setdefault(_NEW, []).append(file_id)


def remove_when_done(file_id: UUID, folder: str = "") -> None:
    """Remove this sealed file, or a folder of sealed files, once the change is on disk."""
    db.session().info.setdefault(_GONE, []).append((file_id, folder))


@sa.event.listens_for(Session, "after_commit")
def _kept(session: Session) -> None:
    if session.in_nested_transaction():
        return
    session.info.pop(_NEW, None)
    for file_id, folder in session.info.pop(_GONE, ()):
        if folder:
            sealed_store().clear(folder)
        else:
            remove(file_id)


@sa.event.listens_for(Session, "after_rollback")
def _undone(session: Session) -> None:
    if not session.in_nested_transaction():
        session.info.pop(_GONE, None)
        for file_id in session.info.pop(_NEW, ()):
            remove(file_id)
