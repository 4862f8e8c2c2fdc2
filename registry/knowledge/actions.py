"""Keeping the support directory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry import audit
from registry.access import Viewer
from registry.db import db, now
from registry.knowledge import rules
from registry.knowledge.models import SupportContact


def add_contact(values: Mapping[str, Any], *, by: Viewer) -> SupportContact:
    """Add a contact; `values` by column."""
    made = SupportContact(**values, changed_by=by.person_id)
    db.session.add(made)
    db.session.flush()
    audit.record("added support contact", by=by, subject=("support_contact", made.id))
    return made


def change_contact(found: SupportContact, values: Mapping[str, Any], *, by: Viewer) -> bool:
    """Change a contact; returns whether anything differs."""
    changes = {
        name: [getattr(found, name), value]
        for name, value in values.items()
        if getattr(found, name) != value
    }
    if not changes:
        return False
    for name, (_before, after) in changes.items():
        setattr(found, name, after)
    found.changed_at, found.changed_by = now(), by.person_id
    db.session.flush()
    subject = ("support_contact", found.id)
    audit.record("changed support contact", by=by, subject=subject, changes=changes)
    return True


def take_over(rows: Sequence[rules.Row], *, by: Viewer) -> tuple[int, int, int]:
    """Bring the directory to what a file says; returns how many were added, changed, the same.

    A line is about the contact of its id, else of its country and name. What the file does not
    name stays.
    """
    kept = db.session.scalars(sa.select(SupportContact)).all()
    by_id = {one.id: one for one in kept}
    by_name = {(one.country, one.name.casefold()): one for one in kept}
    added = changed = same = 0
    for row in rows:
        values = {name: row[name] for name in (*rules.LONGEST, "active")}
        name = (row["country"], row["name"].casefold())
        found = by_id.get(UUID(row["id"])) if row["id"] else None
        found = found or by_name.get(name)
        if found is None:
            by_name[name] = add_contact(values, by=by)
            added += 1
        elif change_contact(found, values, by=by):
            changed += 1
        else:
            same += 1
    return added, changed, same
