"""Names for patients and rows that hold within one project and say nothing outside it."""

from __future__ import annotations

import hmac
from uuid import UUID

from registry.keys import ring

LENGTH = 16
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
#: Two letters for each ten bits: base 32 (RFC 4648), four times as fast as letter by letter.
_PAIRS = [one + other for one in _LETTERS for other in _LETTERS]


class Pseudonyms:
    """Keyed, of one length, the same in every release of the project.

    Each project has a key of its own, derived from the house's root key: who has the files of two
    projects cannot tell which rows are of the same patient, and who has no key can compute none.
    """

    def __init__(self, project: str) -> None:
        self._key = ring().derive(f"research pseudonyms {project}")

    def of(self, kind: str, record_id: UUID | str) -> str:
        """The name of a record of this kind: 16 letters and digits (80 bits). A text is an id as
        `str` writes it."""
        digest = hmac.digest(self._key, f"{kind}:{record_id}".encode(), "sha256")
        bits, pairs = int.from_bytes(digest[:10], "big"), _PAIRS
        return (
            f"{pairs[bits >> 70]}{pairs[bits >> 60 & 1023]}{pairs[bits >> 50 & 1023]}"
            f"{pairs[bits >> 40 & 1023]}{pairs[bits >> 30 & 1023]}{pairs[bits >> 20 & 1023]}"
            f"{pairs[bits >> 10 & 1023]}{pairs[bits & 1023]}"
        )

    def number(self, kind: str, record_id: UUID | str, below: int) -> int:
        """A secret number of a record, from 0 to below `below`, as even as makes no difference."""
        digest = hmac.digest(self._key, f"{kind}:{record_id}".encode(), "sha256")
        return int.from_bytes(digest[:16], "big") % below
