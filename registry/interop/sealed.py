"""Files of a centre that wait in the storage: sealed block by block, read from any place.

Each file has a key of its own, derived from the ring's root for its id, so that a rotation of the
sealing key does not touch it. A block is told by its number: none can be moved, left out at the
end, or put into another file.
"""

from __future__ import annotations

import io
import os
from typing import Any, BinaryIO
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from registry import storage
from registry.errors import Unreadable
from registry.keys import ring

_BLOCK = 64 * 1024
_MORE = 12 + 16  # nonce and tag


def _cipher(file_id: UUID) -> AESGCM:
    return AESGCM(ring().derive(f"file of a centre {file_id}"))


def _place(number: int, last: bool) -> bytes:
    return f"{number} {last:d}".encode()


class Writer(io.RawIOBase):
    """Seals what is written to it. `finish()` writes the last block; without it nothing opens."""

    def __init__(self, file_id: UUID, out: BinaryIO) -> None:
        super().__init__()
        self._cipher, self._out = _cipher(file_id), out
        self._held = bytearray()
        self._number = 0
        self.size = 0

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, block: Any) -> int:
        """Seal as many whole blocks as there are; at least one byte is held for the last."""
        self._held += block
        self.size += len(block)
        while len(self._held) > _BLOCK:
            self._seal(bytes(self._held[:_BLOCK]), last=False)
            del self._held[:_BLOCK]
        return len(block)

    def finish(self) -> None:
        """Seal what is held as the last block."""
        self._seal(bytes(self._held), last=True)
        self._held.clear()

    def _seal(self, plain: bytes, *, last: bool) -> None:
        nonce = os.urandom(12)
        self._out.write(nonce + self._cipher.encrypt(nonce, plain, _place(self._number, last)))
        self._number += 1


class Reader(io.RawIOBase):
    """A sealed file, opened block by block as it is read. Raises Unreadable when altered."""

    def __init__(self, file_id: UUID) -> None:
        super().__init__()
        self._cipher = _cipher(file_id)
        self._file = storage.place(file_id).open("rb")
        sealed = os.fstat(self._file.fileno()).st_size
        full = _BLOCK + _MORE
        self._blocks = max(1, -(-sealed // full))
        self.size = sealed - self._blocks * _MORE
        self._at = 0
        self._open: tuple[int, bytes] = (-1, b"")

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        """The place."""
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Open the block at the place."""
        if self._at >= self.size:
            self._block(self._blocks - 1)  # a file cut short does not open
            return 0
        number, within = divmod(self._at, _BLOCK)
        piece = self._block(number)[within : within + len(buffer)]
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def _block(self, number: int) -> bytes:
        if self._open[0] != number:
            self._file.seek(number * (_BLOCK + _MORE))
            raw = self._file.read(_BLOCK + _MORE)
            place = _place(number, number == self._blocks - 1)
            try:
                self._open = (number, self._cipher.decrypt(raw[:12], raw[12:], place))
            except InvalidTag as error:
                raise Unreadable("a kept file cannot be opened") from error
        return self._open[1]

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


class SealedFile:
    """A kept file that is opened like a path."""

    def __init__(self, file_id: UUID, name: str) -> None:
        self.file_id, self.name = file_id, name

    def open(self, mode: str = "rb") -> BinaryIO:
        """Open it to read bytes."""
        if mode != "rb":
            raise ValueError("a kept file is only read")
        return io.BufferedReader(Reader(self.file_id), _BLOCK)


class Incoming:
    """A file while it comes in: sealed as it is received, kept only if `keep()` is called."""

    def __init__(self, file_id: UUID) -> None:
        self.file_id = file_id
        target = storage.place(file_id)
        target.parent.mkdir(parents=True, exist_ok=True)
        self._draft = target.with_suffix(".part")
        self._target = target
        self._out = self._draft.open("wb")
        self._sealed = Writer(file_id, self._out)

    @property
    def size(self) -> int:
        """How many bytes have come."""
        return self._sealed.size

    def write(self, block: Any) -> int:
        """Seal what comes."""
        return self._sealed.write(block)

    def seek(self, _offset: int, _whence: int = 0) -> int:
        """The form's reader goes back to the start when a part is whole; nothing is read here."""
        return 0

    def read(self, _size: int = -1) -> bytes:
        """Nothing: it is read when it is kept."""
        return b""

    def keep(self) -> None:
        """Put it into the storage, whole."""
        self._sealed.finish()
        self._out.flush()
        os.fsync(self._out.fileno())
        self._out.close()
        os.replace(self._draft, self._target)

    def close(self) -> None:
        """Throw away what was not kept."""
        if not self._out.closed:
            self._out.close()
        self._draft.unlink(missing_ok=True)
