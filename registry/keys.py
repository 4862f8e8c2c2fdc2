"""The key ring: seals identifying columns, makes blind indexes, and derives one key a purpose.

Sealed text is `kid.nonce+ciphertext` (AES-256-GCM). What is authenticated besides the text is its
place (table, column, row), so that a sealed name cannot be moved to another patient's row.
Blind indexes and pseudonyms use keys of their own that survive a rotation of the sealing key.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from flask import current_app

from registry.errors import Unreadable


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass(frozen=True)
class KeyRing:
    """`sealing` maps key id to 32 bytes; `current` names the one that seals; `root` derives."""

    current: str
    sealing: dict[str, bytes]
    root: bytes

    def seal(self, text: str, *place: str | UUID) -> str:
        """Encrypt text for its place (table, column, row)."""
        nonce = os.urandom(12)
        sealed = AESGCM(self.sealing[self.current]).encrypt(nonce, text.encode(), _aad(place))
        return f"{self.current}.{_b64(nonce + sealed)}"

    def open(self, sealed: str, *place: str | UUID) -> str:
        """Decrypt; raises Unreadable when the key is missing or the value was altered or moved."""
        key_id, _, body = sealed.partition(".")
        raw = _raw(body)
        try:
            return AESGCM(self.sealing[key_id]).decrypt(raw[:12], raw[12:], _aad(place)).decode()
        except (KeyError, InvalidTag) as error:
            raise Unreadable("a sealed value cannot be opened") from error

    def derive(self, purpose: str) -> bytes:
        """A 32-byte key for one purpose, from the root key."""
        return HKDFExpand(SHA256(), 32, purpose.encode()).derive(self.root)

    def blind(self, purpose: str, value: str) -> str:
        """A keyed fingerprint under which equal values can be found and nothing can be read."""
        return hmac.new(self.derive(purpose), value.encode(), hashlib.sha256).hexdigest()[:40]


def _aad(place: tuple[str | UUID, ...]) -> bytes:
    return "\x1f".join(str(part) for part in place).encode()


def from_json(text: str) -> KeyRing:
    """Read the ring from JSON: {"current": "k1", "sealing": {"k1": "…"}, "root": "…"}."""
    stored = json.loads(text)
    return KeyRing(
        current=stored["current"],
        sealing={key_id: _raw(value) for key_id, value in stored["sealing"].items()},
        root=_raw(stored["root"]),
    )


def load(text: str, path: Path) -> KeyRing:
    """The ring from the operator's setting, or from the embedded default's file (made once)."""
    if text:
        return from_json(text)
    if not path.exists():
        fresh = {
            "current": "k1",
            "sealing": {"k1": _b64(secrets.token_bytes(32))},
            "root": _b64(secrets.token_bytes(32)),
        }
        keep_once(path, json.dumps(fresh))
    return from_json(path.read_text())


def keep_once(path: Path, text: str) -> None:
    """Write a secret file readable by its owner alone; the first of several writers wins whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def ring() -> KeyRing:
    """The ring of the running application."""
    found: KeyRing = current_app.extensions["netreg_keys"]
    return found
