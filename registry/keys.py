"""The key ring: seals identifying columns, makes blind indexes, and derives one key a purpose.

Sealed text is `kid.nonce+ciphertext` (AES-256-GCM). What is authenticated besides the text is its
place (table, column, row), so that a sealed name cannot be moved to another patient's row.

A generation of keys has an id, a key that seals and a key that finds (makes the fingerprints under
which patients are found). A new generation is added by `netreg keys rotate`: then `current` seals
and finds, and the ones before it are still read and asked. The root key makes what must outlive
every rotation: the audit's chain, the pseudonyms of releases, the fingerprints of imported rows.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import json
import logging
import os
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from flask import current_app

from registry.errors import Unreadable

log = logging.getLogger("netreg.keys")

#: How long a process may go on with the ring it knows before it looks at the file again.
LOOK_SECONDS = 1.0
LENGTH = 32  # bytes of every key


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass(frozen=True)
class KeyRing:
    """`sealing` maps key id to 32 bytes; `current` names the one that seals; `root` derives.

    `finding` maps key id to the key of fingerprints; a generation without one, such as the first,
    finds by the root key.
    """

    current: str
    sealing: dict[str, bytes]
    root: bytes
    finding: dict[str, bytes] = field(default_factory=dict)
    _ciphers: dict[str, AESGCM] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Made once: a list opens fifty names a page.
        made = {name: AESGCM(key) for name, key in self.sealing.items()}
        object.__setattr__(self, "_ciphers", made)

    def seal(self, text: str, *place: str | UUID) -> str:
        """Encrypt text for its place (table, column, row)."""
        nonce = os.urandom(12)
        sealed = self._ciphers[self.current].encrypt(nonce, text.encode(), _aad(place))
        return f"{self.current}.{_b64(nonce + sealed)}"

    def open(self, sealed: str, *place: str | UUID) -> str:
        """Decrypt; raises Unreadable when the key is missing or the value was altered or moved."""
        key_id, _, body = sealed.partition(".")
        raw = _raw(body)
        try:
            return self._ciphers[key_id].decrypt(raw[:12], raw[12:], _aad(place)).decode()
        except (KeyError, InvalidTag) as error:
            raise Unreadable("a sealed value cannot be opened") from error

    def derive(self, purpose: str) -> bytes:
        """A 32-byte key for one purpose, from the root key."""
        return _derived(self.root, purpose)

    def blind(self, purpose: str, value: str) -> str:
        """A keyed fingerprint under which equal values can be found and nothing can be read.

        It is by the root key and outlives every rotation.
        """
        return _blind(self.root, purpose, value)

    def find(self, purpose: str, value: str, key_id: str = "") -> str:
        """The fingerprint of a generation (default: the current one), to be stored."""
        return _blind(self.finding.get(key_id or self.current, self.root), purpose, value)

    def finds(self, purpose: str, value: str) -> list[str]:
        """The fingerprints of every generation, to be looked up: a row has one of them."""
        keys = {self.finding.get(key_id, self.root): None for key_id in self.sealing}
        return [_blind(key, purpose, value) for key in keys]

    def with_generation(self, key_id: str) -> KeyRing:
        """This ring with a new generation that is not the current one yet."""
        if key_id in self.sealing:
            raise ValueError(f"there is a key {key_id} already")
        return replace(
            self,
            sealing={**self.sealing, key_id: secrets.token_bytes(LENGTH)},
            finding={**self.finding, key_id: secrets.token_bytes(LENGTH)},
        )

    def without_generation(self, key_id: str) -> KeyRing:
        """This ring without a generation that nothing uses. Raises ValueError for the current."""
        if key_id == self.current:
            raise ValueError("the current key cannot be retired")
        return replace(
            self,
            sealing={k: v for k, v in self.sealing.items() if k != key_id},
            finding={k: v for k, v in self.finding.items() if k != key_id},
        )

    def joined(self, other: KeyRing) -> KeyRing:
        """This ring with the keys of another besides, to read with."""
        return replace(
            self,
            sealing={**other.sealing, **self.sealing},
            finding={**other.finding, **self.finding},
        )

    def marks(self) -> dict[str, str]:
        """By key id a fingerprint of each key, to tell whether another ring has the same ones."""
        keys = {f"sealing {key_id}": key for key_id, key in self.sealing.items()}
        keys |= {f"finding {key_id}": key for key_id, key in self.finding.items()}
        keys["root"] = self.root
        return {
            name: hmac.new(key, b"netreg key mark", hashlib.sha256).hexdigest()[:16]
            for name, key in sorted(keys.items())
        }


@functools.lru_cache(maxsize=512)
def _derived(key: bytes, purpose: str) -> bytes:
    return HKDFExpand(SHA256(), LENGTH, purpose.encode()).derive(key)


def _blind(key: bytes, purpose: str, value: str) -> str:
    return hmac.new(_derived(key, purpose), value.encode(), hashlib.sha256).hexdigest()[:40]


def _aad(place: tuple[str | UUID, ...]) -> bytes:
    return "\x1f".join(str(part) for part in place).encode()


def from_json(text: str) -> KeyRing:
    """Read the ring from JSON: {"current": "k1", "sealing": {"k1": "…"}, "root": "…"}, and from the
    second generation on "finding": {"k2": "…"}. Raises ValueError, which repeats no key."""
    try:
        stored = json.loads(text)
        found = KeyRing(
            current=stored["current"],
            sealing={key_id: _raw(value) for key_id, value in stored["sealing"].items()},
            root=_raw(stored["root"]),
            finding={key_id: _raw(value) for key_id, value in stored.get("finding", {}).items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError("the key ring is not the JSON that docs/running.md describes") from None
    if found.current not in found.sealing:
        raise ValueError("the key ring has no key of the id that is current")
    if any(len(key) != LENGTH for key in _keys(found)):
        raise ValueError(f"each key of the ring must be {LENGTH} bytes in URL-safe base64")
    if not set(found.finding) <= set(found.sealing):
        raise ValueError("the key ring has a finding key without its sealing key")
    return found


def _keys(found: KeyRing) -> Iterator[bytes]:
    yield found.root
    yield from found.sealing.values()
    yield from found.finding.values()


def to_json(found: KeyRing) -> str:
    """The ring as it is stored."""
    stored: dict[str, object] = {
        "current": found.current,
        "sealing": {key_id: _b64(key) for key_id, key in found.sealing.items()},
        "root": _b64(found.root),
    }
    if found.finding:
        stored["finding"] = {key_id: _b64(key) for key_id, key in found.finding.items()}
    return json.dumps(stored, indent=2) + "\n"


def fresh() -> KeyRing:
    """A ring nobody has used."""
    return KeyRing("k1", {"k1": secrets.token_bytes(LENGTH)}, secrets.token_bytes(LENGTH))


def weak(found: KeyRing) -> bool:
    """Was a key typed rather than drawn: few different bytes, or one key used twice?"""
    keys = list(_keys(found))
    return len(set(keys)) < len(keys) or any(len(set(key)) < LENGTH // 3 for key in keys)


class Holder:
    """Where the ring of the running application comes from. A ring in a file is read again when
    the file has changed, so that a new key needs no restart."""

    def __init__(self, text: str, path: Path, *, make: bool = True) -> None:
        """Raises ValueError or OSError where there is no ring to be read. With `make` a file that
        is not there is made: for the embedded default, never where a ring was in use."""
        self.path = None if text else path
        if make and self.path is not None and not self.path.exists():
            keep_once(self.path, to_json(fresh()))
        self._changed = self._mark()
        self._ring = from_json(text if self.path is None else self.path.read_text())
        self._looked = time.monotonic()
        self._one = threading.Lock()

    def _mark(self) -> tuple[int, int]:
        if self.path is None:
            return (0, 0)
        about = self.path.stat()
        return (about.st_mtime_ns, about.st_ino)

    def ring(self) -> KeyRing:
        """The ring as it is now, or as it was less than LOOK_SECONDS ago."""
        if self.path is not None and time.monotonic() - self._looked >= LOOK_SECONDS:
            with self._one:
                self._look()
        return self._ring

    def look(self) -> KeyRing:
        """The ring as it is now."""
        with self._one:
            self._look()
        return self._ring

    def _look(self) -> None:
        self._looked = time.monotonic()
        if self.path is None:
            return
        try:
            changed = self._mark()
            if changed != self._changed:
                self._ring, self._changed = from_json(self.path.read_text()), changed
        except (OSError, ValueError) as problem:  # what is known stays in use
            log.error("the key ring cannot be read again: %s", type(problem).__name__)

    def put(self, new: KeyRing) -> None:
        """Write the ring to its file: whole, and readable by its owner alone.

        Raises ValueError where the ring is not in a file: the operator has to put it in its place.
        """
        if self.path is None:
            raise ValueError("the key ring is not in a file")
        about = self.path.stat()
        reads_group = bool(about.st_mode & 0o070)  # else whose group it is does not matter
        draft = self.path.with_name(f"{self.path.name}.{secrets.token_hex(8)}")
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
                out.write(to_json(new))
                out.flush()
                os.fsync(out.fileno())
            os.chmod(draft, about.st_mode & 0o777)
            if about.st_uid != os.geteuid() or (about.st_gid != os.getegid() and reads_group):
                os.chown(draft, about.st_uid, about.st_gid)
            os.replace(draft, self.path)
        finally:
            draft.unlink(missing_ok=True)
        self.look()


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


def holder() -> Holder:
    """Where the running application's ring comes from."""
    found: Holder = current_app.extensions["netreg_keys"]
    return found


def ring() -> KeyRing:
    """The ring of the running application."""
    return holder().ring()
