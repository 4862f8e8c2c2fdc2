"""Names for patients and rows that hold within one project and say nothing outside it."""

from __future__ import annotations

import functools
import hmac
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from registry.keys import ring
from registry.later import Later
from registry.research.releases.days import Numbers

np: Any = Later("numpy")

#: Letters of a name: ten bytes in base 32.
LENGTH = 16
_BYTES = 10
#: Digits and letters of base 32 (RFC 4648) in the order of their codes, so that names sort as the
#: bytes they stand for.
_LETTERS = b"234567ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Pseudonyms:
    """Keyed, of one length, the same in every release of the project.

    A name is the first ten bytes of the record's id as AES-256 enciphers it, under a key of the
    project and the kind of record, derived from the house's root key: who has the files of two
    projects cannot tell which rows are of the same patient, and who has no key can compute none.
    An id is two numbers of 64 bits, the halves of a UUID.
    """

    def __init__(self, project: str) -> None:
        self.project, self._ring = project, ring()

    def of(self, kind: str, record_id: UUID) -> str:
        """The name of a record of this kind: 16 letters and digits (80 bits)."""
        return bytes(self.many(kind, *_halves(record_id))[0]).decode()

    def many(self, kind: str, high: Numbers, low: Numbers) -> Numbers:
        """The names of many records, each a row of 16 letters."""
        return _spelled(self._secret(f"names of {kind}", high, low)[:, :_BYTES], _LETTERS)

    def numbers(self, kind: str, high: Numbers, low: Numbers, below: int) -> Numbers:
        """Secret numbers of records, from 0 to below `below`, as even as makes no difference."""
        secret = np.ascontiguousarray(self._secret(f"numbers of {kind}", high, low)[:, :8])
        return (secret.view(">u8")[:, 0].astype(np.uint64) % np.uint64(below)).astype(np.int64)

    def _secret(self, purpose: str, high: Numbers, low: Numbers) -> Numbers:
        """Sixteen bytes of each, which the key alone can tell from chance. Blocks are enciphered
        one by one, as no two records have the same id."""
        key = self._ring.derive(f"research {purpose} in {self.project}")
        plain = np.ascontiguousarray(np.stack((high, low), 1).astype(">u8"))
        cipher = Cipher(algorithms.AES256(key), modes.ECB()).encryptor()  # noqa: S305
        return np.frombuffer(cipher.update(plain.view(np.uint8).ravel()), np.uint8).reshape(-1, 16)


class DigestPseudonyms(Pseudonyms):
    """As the first release of a project named its records before version 5 of the rules: by
    HMAC-SHA256 (RFC 2104), which takes ten times as long. Such a project keeps its names."""

    def many(self, kind: str, high: Numbers, low: Numbers) -> Numbers:
        """The names of many records, each a row of 16 letters."""
        found = b"".join(one[:_BYTES] for one in self._digests(kind, high, low))
        rows = np.frombuffer(found, np.uint8).reshape(-1, _BYTES)
        return _spelled(rows, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")

    def numbers(self, kind: str, high: Numbers, low: Numbers, below: int) -> Numbers:
        """Secret numbers of records, from 0 to below `below`."""
        found = (int.from_bytes(one[:16], "big") for one in self._digests(kind, high, low))
        return np.array([one % below for one in found], np.int64)

    def _digests(self, kind: str, high: Numbers, low: Numbers) -> list[bytes]:
        key = self._ring.derive(f"research pseudonyms {self.project}")
        ids = (UUID(int=int(one) << 64 | int(other)) for one, other in zip(high, low, strict=True))
        return [hmac.digest(key, f"{kind}:{one}".encode(), "sha256") for one in ids]


def _halves(record_id: UUID) -> tuple[Numbers, Numbers]:
    """An id as two numbers, each in an array."""
    halves = np.frombuffer(record_id.bytes, ">u8").astype(np.uint64)
    return halves[:1], halves[1:]


@functools.cache
def _pairs(letters: bytes) -> Numbers:
    """The two letters of every ten bits, as one number each."""
    both = bytearray()
    for one in letters:
        for other in letters:
            both += bytes((one, other))
    return np.frombuffer(both, np.uint16)


def _spelled(rows: Numbers, letters: bytes) -> Numbers:
    """Rows of ten bytes in base 32, as rows of sixteen letters."""
    wide = np.zeros((len(rows), 2, 8), np.uint8)
    wide[:, :, 3:] = rows.reshape(-1, 2, _BYTES // 2)
    bits = wide.view(">u8")[..., 0].astype(np.uint64)
    found = np.empty((len(rows), 2, 4), np.uint16)
    for place, shift in enumerate((30, 20, 10, 0)):
        found[..., place] = _pairs(letters)[bits >> np.uint64(shift) & np.uint64(1023)]
    return found.reshape(-1, LENGTH // 2).view(np.uint8)
