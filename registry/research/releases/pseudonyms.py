"""Names for patients and rows that hold within one project and say nothing outside it."""

from __future__ import annotations

import base64
import hashlib
import hmac
from uuid import UUID

from registry.keys import ring

LENGTH = 16


class Pseudonyms:
    """Keyed, of one length, the same in every release of the project.

    Each project has a key of its own, derived from the house's root key: who has the files of two
    projects cannot tell which rows are of the same patient, and who has no key can compute none.
    """

    def __init__(self, project: str) -> None:
        self._key = ring().derive(f"research pseudonyms {project}")

    def of(self, kind: str, record_id: UUID) -> str:
        """The name of a record of this kind: 16 letters and digits (80 bits)."""
        digest = hmac.new(self._key, f"{kind}:{record_id}".encode(), hashlib.sha256).digest()
        return base64.b32encode(digest[:10]).decode()

    def number(self, kind: str, record_id: UUID, below: int) -> int:
        """A secret number of a record, from 0 to below `below`, as even as makes no difference."""
        digest = hmac.new(self._key, f"{kind}:{record_id}".encode(), hashlib.sha256).digest()
        return int.from_bytes(digest[:16], "big") % below
