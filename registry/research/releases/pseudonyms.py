"""Names for patients and rows that hold within one project and say nothing outside it."""

from __future__ import annotations

import hmac
from base64 import b32encode
from collections.abc import Iterable
from hashlib import sha256
from typing import Any
from uuid import UUID

from registry.keys import ring
from registry.later import Later

np: Any = Later("numpy")

LENGTH = 16
#: Base 32 as RFC 4648 has it: ten bytes of a digest are sixteen letters.
_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_BYTES = 10


class Pseudonyms:
    """Keyed, of one length, the same in every release of the project.

    Each project has a key of its own, derived from the house's root key: who has the files of two
    projects cannot tell which rows are of the same patient, and who has no key can compute none.
    """

    def __init__(self, project: str) -> None:
        self._key = ring().derive(f"research pseudonyms {project}")
        padded = self._key.ljust(sha256().block_size, b"\0")
        self._inner = sha256(bytes(byte ^ 0x36 for byte in padded))
        self._outer = sha256(bytes(byte ^ 0x5C for byte in padded))

    def of(self, kind: str, record_id: UUID | str) -> str:
        """The name of a record of this kind: 16 letters and digits (80 bits). A text is an id as
        `str` writes it."""
        return b32encode(self._digests(kind, [str(record_id).encode()])).decode()

    def many(self, kind: str, record_ids: Iterable[bytes]) -> Any:
        """The names of many records, each a row of 16 letters; ids as `str` writes them."""
        return _spelled(self._digests(kind, record_ids))

    def _digests(self, kind: str, record_ids: Iterable[bytes]) -> bytes:
        """Ten bytes for each: HMAC-SHA256 (RFC 2104) of the kind and the id, of which the part that
        is the same for all is worked out once."""
        begun, outer, found = self._inner.copy(), self._outer, bytearray()
        begun.update(f"{kind}:".encode())
        for one in record_ids:
            inner, last = begun.copy(), outer.copy()
            inner.update(one)
            last.update(inner.digest())
            found += last.digest()[:_BYTES]
        return bytes(found)

    def number(self, kind: str, record_id: UUID | str, below: int) -> int:
        """A secret number of a record, from 0 to below `below`, as even as makes no difference."""
        digest = hmac.digest(self._key, f"{kind}:{record_id}".encode(), "sha256")
        return int.from_bytes(digest[:16], "big") % below


def _spelled(digests: bytes) -> Any:
    """Ten bytes after ten bytes in base 32, as rows of sixteen letters."""
    parts = np.frombuffer(digests, np.uint8).reshape(-1, 2, _BYTES // 2).astype(np.uint64)
    bits = parts[..., 0]
    for place in range(1, _BYTES // 2):
        bits = bits << np.uint64(8) | parts[..., place]
    shifts = np.arange(35, -1, -5, dtype=np.uint64)
    letters = np.frombuffer(_LETTERS, np.uint8)
    return letters[bits[..., None] >> shifts & np.uint64(31)].reshape(-1, LENGTH)
