"""Accepting a warning with a reason: it stays visible, and lapses when a value changes."""

from __future__ import annotations

from registry.access import Viewer
from registry.course.actions.entry import lock
from registry.course.actions.history import keep, record
from registry.course.models.entry import Entry
from registry.db import db, now
from registry.errors import Invalid
from registry.language import gettext as _


def accept(
    entry: Entry, *, by: Viewer, version: int, warnings: dict[str, str], because: str
) -> None:
    """Accept warnings of an entry, given as key and mark of the values (see `rules.checks`).

    Raises Invalid without a reason, Conflict on an old copy.
    """
    because = because.strip()
    if not because:
        raise Invalid(_("Say why it is right."), field="because")
    if len(because) > 1000:
        raise Invalid(_("Use at most %(n)s characters.", n=1000), field="because")
    lock(entry, version)
    fresh = {
        key: {
            "because": because,
            "by": str(by.person_id) if by.person_id else None,
            "at": now().isoformat(),
            "mark": mark,
        }
        for key, mark in warnings.items()
    }
    entry.accepted = {**(entry.accepted or {}), **fresh}
    entry.changed_at, entry.changed_by = now(), by.person_id
    db.session.flush()
    record(f"accepted a warning: {entry.entity}", entry, by=by, changes={})
    keep("accepted", entry, by=by, changes={key: [None, because] for key in warnings})
