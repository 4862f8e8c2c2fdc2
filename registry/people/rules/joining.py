"""Invitations, links, requests and covers: how long they hold, and their words."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from datetime import timedelta
from uuid import UUID

from registry.access import Role
from registry.language import lazy_gettext as _l

INVITATION_HOLDS = timedelta(days=14)
PASSWORD_LINK_HOLDS = timedelta(hours=2)

#: How often a public form may be sent: from one network address, and about one account.
FROM_ADDRESS = 10
ABOUT_ACCOUNT = 3
LONGEST_COVER = timedelta(days=366)

OPEN, ACCEPTED, WITHDRAWN, EXPIRED = "open", "accepted", "withdrawn", "expired"
INVITATION_STATES = {
    OPEN: _l("Waiting for an answer"),
    EXPIRED: _l("Expired"),
    ACCEPTED: _l("Accepted"),
    WITHDRAWN: _l("Withdrawn"),
}

#: Why a request for an account is refused, in words that say nothing about anybody.
REFUSALS = {
    "unknown_here": _l("The organisation does not know who this is."),
    "work_address": _l("Use the e-mail address of your organisation."),
    "no_need": _l("The organisation already has the accounts it needs."),
    "ask_lead": _l("Please speak with the lead of your organisation first."),
    "twice": _l("There is another request of the same person."),
}

#: What somebody may ask to be; everything else is given by an administrator.
ASKABLE = (Role.REFERRER, Role.TRIAGE_COORDINATOR, Role.CLINICIAN, Role.RESEARCHER)

_ADDRESS = re.compile(r"[^@\s<>()\[\]\\,;:\"]+@[^@\s<>()\[\]\\,;:\"]+")


def is_address(text: str) -> bool:
    """Can this be an e-mail address?"""
    return len(text) <= 254 and bool(_ADDRESS.fullmatch(text))


def secret(key: bytes, kind: str, record: UUID, serial: int) -> str:
    """What a one-time link carries: the record's id and a proof that we made it. Nothing is kept
    that could be stolen from the database."""
    proof = hmac.new(key, f"{kind}\x1f{record}\x1f{serial}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(record.bytes + proof[:26]).decode()


def record_of(link: str) -> UUID | None:
    """The id in a link, not yet proven."""
    try:
        raw = base64.urlsafe_b64decode(link.encode("ascii", "ignore"))
    except ValueError:
        return None
    return UUID(bytes=raw[:16]) if len(raw) == 42 else None


def is_proven(link: str, key: bytes, kind: str, record: UUID, serial: int) -> bool:
    """Did we make this link, for this record as it is now?"""
    return hmac.compare_digest(
        link.encode("utf-8", "replace"), secret(key, kind, record, serial).encode()
    )
