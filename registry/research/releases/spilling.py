"""A place for rows that are read long before they are written: no memory holds all of them.

They lie in a file without a name, encrypted under a key that this process alone holds and never
writes down. Whatever ends the process takes both away.
"""

from __future__ import annotations

import os
from collections.abc import Hashable
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from registry import storage

_NONCE = 12


class Spill:
    """Pieces by key, each read back in the order in which it was put there."""

    def __init__(self) -> None:
        self._file = storage.unnamed()
        self._cipher = AESGCM(os.urandom(32))
        self._pieces: dict[Hashable, list[tuple[int, int]]] = {}
        self._size = 0

    def put(self, key: Hashable, plain: Any) -> None:
        """Keep a piece of bytes."""
        sealed = self._cipher.encrypt(self._nonce(self._size), plain, None)
        self._file.write(sealed)
        self._pieces.setdefault(key, []).append((self._size, len(sealed)))
        self._size += len(sealed)

    def take(self, key: Hashable) -> list[bytes]:
        """All that was put under a key."""
        return [self._read(*one) for one in self._pieces.get(key, ())]

    def _read(self, start: int, size: int) -> bytes:
        sealed = os.pread(self._file.fileno(), size, start)
        return self._cipher.decrypt(self._nonce(start), sealed, None)

    @staticmethod
    def _nonce(start: int) -> bytes:
        """The place in the file: never used twice under the key."""
        return start.to_bytes(_NONCE, "big")

    def close(self) -> None:
        """Forget everything."""
        self._file.close()
