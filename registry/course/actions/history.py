"""What is kept of a change: in the audit that it happened, beside the entry what it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from registry import audit
from registry.access import Viewer
from registry.course import facts as facts_
from registry.course.actions import plans
from registry.course.actions.links import links_in
from registry.course.models import EntryChange
from registry.course.models.entry import Entry
from registry.db import db


def shown(entry: Entry) -> dict[str, Any]:
    """An entry by name: values as JSON, links, why values are absent as codes and in words."""
    found = {name: facts_.plain(value) for name, value in facts_.stated(entry).items()}
    found |= {link: str(one) if one else None for link, one in links_in(entry).items()}
    found["absent"] = {name: reason["why"] for name, reason in (entry.absent or {}).items()} or None
    said = {name: reason.get("because") for name, reason in (entry.absent or {}).items()}
    found["because"] = {name: text for name, text in said.items() if text} or None
    return found


def record(action: str, entry: Entry, *, by: Viewer, changes: dict[str, Any]) -> None:
    """Put a change into the audit, without free text."""
    known = facts_.names(entry.entity)
    safe = {
        name: "changed"
        if name == "because" or (name in known and facts_.is_free_text(entry.entity, name))
        else change
        for name, change in changes.items()
    }
    plans.touch(entry)
    audit.record(
        action,
        by=by,
        subject=(entry.entity, entry.id),
        patient_id=entry.patient_id,
        changes=safe,
    )


def keep(kind: str, entry: Entry, *, by: Viewer, changes: Mapping[str, Any]) -> None:
    """Keep the values before and after, for those who may read the record."""
    if changes:
        db.session.add(
            EntryChange(
                patient_id=entry.patient_id,
                entry_kind=entry.entity,
                entry_id=entry.id,
                version=entry.version,
                kind=kind,
                changes=dict(changes),
                by=by.person_id,
                organisation_id=by.organisation_id,
            )
        )
