"""Entered in error: an entry that counts nowhere any more, and can be taken back."""

from __future__ import annotations

from typing import Any

from registry.access import Viewer
from registry.course import queries
from registry.course.actions.derived import derive, derive_dependents
from registry.course.actions.entry import lock
from registry.course.actions.history import keep, record, shown
from registry.course.models.entry import Entry
from registry.db import db, now
from registry.errors import Invalid
from registry.language import gettext as _


def mark_error(entry: Entry, *, by: Viewer, version: int, because: str) -> None:
    """Mark an entry as entered in error: it counts nowhere any more, and nothing is deleted.

    Raises Invalid without a reason, or while other entries rest on it; Conflict on an old copy.
    """
    because = because.strip()
    if not because:
        raise Invalid(_("Say why it was entered in error."), field="because")
    lock(entry, version)
    if entry.error_at is not None:
        return
    resting = queries.resting_on(entry)
    if resting:
        text = _("%(n)s other entries belong to this one: move or mark them first.", n=len(resting))
        raise Invalid(text, field="because")
    entry.error_at, entry.error_by, entry.error_because = now(), by.person_id, because
    _after_error("error", entry, by=by, changes={"error": [None, because]})


def restore(entry: Entry, *, by: Viewer, version: int) -> None:
    """Take back that an entry was entered in error. Raises Conflict on an old copy."""
    lock(entry, version)
    if entry.error_at is None:
        return
    because = entry.error_because
    entry.error_at = entry.error_by = entry.error_because = None
    derive(entry)
    _after_error("restored", entry, by=by, changes={"error": [because, None]})


def _after_error(kind: str, entry: Entry, *, by: Viewer, changes: dict[str, Any]) -> None:
    entry.changed_at, entry.changed_by = now(), by.person_id
    db.session.flush()
    words = {"error": "marked as entered in error", "restored": "restored"}
    record(f"{words[kind]}: {entry.entity}", entry, by=by, changes={})
    keep(kind, entry, by=by, changes=changes)
    derive_dependents(entry, by=by, before=shown(entry))
