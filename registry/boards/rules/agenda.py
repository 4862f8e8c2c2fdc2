"""The agenda: why a case stands on it, what becomes of it, and why it is put off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from registry.language import lazy_gettext as _l

LISTED, DISCUSSED, DEFERRED, REMOVED = "listed", "discussed", "deferred", "removed"
STATES = {
    LISTED: _l("Listed"),
    DISCUSSED: _l("Discussed"),
    DEFERRED: _l("Deferred"),
    REMOVED: _l("Taken off"),
}

REFERRAL, REVIEW, OWN = "referral", "review", "own"
WHY = {
    REFERRAL: _l("Referral"),
    REVIEW: _l("Back at its review date"),
    OWN: _l("Patient of the centre"),
}

DEFERRALS = {
    "images_missing": _l("Images are missing"),
    "pathology_missing": _l("Pathology or slides are missing"),
    "information_missing": _l("Other information is missing"),
    "expert_absent": _l("An expert is not there"),
    "no_quorum": _l("No quorum"),
    "no_time": _l("No time left"),
    "patient_changed": _l("The patient's condition changed"),
    "other": _l("Other reason"),
}

#: Reasons that say the case was not prepared.
NOT_PREPARED = frozenset({"images_missing", "pathology_missing", "information_missing"})


def moved(order: Sequence[Any], one: Any, *, to: int) -> list[Any]:
    """The order with one moved to a place, counted from 0; beyond the ends it stays at the end."""
    rest = [other for other in order if other != one]
    place = max(0, min(to, len(rest)))
    return [*rest[:place], one, *rest[place:]]
