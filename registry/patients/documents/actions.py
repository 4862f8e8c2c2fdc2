"""Keeping a file about a patient, and marking it as entered in error."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from registry import audit, storage
from registry.access import Viewer
from registry.dates import PartialDate
from registry.db import db, new_id, now
from registry.errors import Conflict, Invalid
from registry.language import gettext as _
from registry.patients.documents import content, rules
from registry.patients.models import Document, Patient

_BLOCK = 1 << 18


def add(
    patient: Patient,
    *,
    by: Viewer,
    data: bytes,
    name: str,
    kind: str,
    title: str = "",
    dated: PartialDate | None = None,
    entry: tuple[str, UUID] | None = None,
    document_id: UUID | None = None,
) -> Document:
    """Keep a file of a patient the viewer may write about.

    `name` is the file's own name, `title` what somebody calls it instead; `entry` is (kind, id) of
    the entry it belongs to, which the caller has fetched. Raises Invalid for a file that is not
    kept, Conflict where a document of this id is kept already.
    """
    if len(data) > rules.LARGEST:
        raise Invalid(_("This file is larger than 40 MB."), field="file")
    name = rules.clean_name(name)
    found = content.recognise(data, name)
    made = Document(
        id=document_id or new_id(),
        patient_id=patient.id,
        organisation_id=by.organisation_id,
        entry_kind=entry[0] if entry else None,
        entry_id=entry[1] if entry else None,
        kind=kind,
        dated=dated,
        media_type=found.type.media_type,
        size=len(data),
        scan=rules.ACTIVE if found.is_active else rules.NOT_SCANNED,
        added_by=by.person_id,
    )
    made.hide(rules.clean_name(title) or name or str(found.type.label))
    _write(made, data)
    audit.record(
        "added document",
        by=by,
        subject=("document", made.id),
        patient_id=patient.id,
        changes={"kind": [None, kind], "sha256": [None, made.sha256]},
    )
    return made


def _write(made: Document, data: bytes) -> None:
    """The row first: of two that keep the same id at once the second does not reach the file."""
    made.sha256, made.key_id = "", storage.current_key()
    db.session.add(made)
    try:
        db.session.flush()
    except IntegrityError as error:
        raise Conflict(_("This document was kept already.")) from error
    storage.remove_if_undone(made.id)
    with storage.sealing(made.id) as out:
        for at in range(0, len(data), _BLOCK):
            out.write(data[at : at + _BLOCK])
    made.sha256, made.key_id = out.sha256, out.key_id
    db.session.flush()


def mark_error(found: Document, *, by: Viewer, because: str) -> None:
    """Say that a document does not belong here. It stays, with the reason."""
    if found.error_at is not None:
        return
    found.error_at, found.error_by, found.error_because = now(), by.person_id, because
    db.session.flush()
    _record("marked as entered in error: document", found, by=by, changes={"error": [None, "yes"]})


def restore(found: Document, *, by: Viewer) -> None:
    """Take back that a document does not belong here."""
    if found.error_at is None:
        return
    found.error_at = found.error_by = found.error_because = None
    db.session.flush()
    _record("restored: document", found, by=by, changes={"error": ["yes", None]})


def _record(action: str, found: Document, *, by: Viewer, changes: dict[str, Any]) -> None:
    audit.record(
        action,
        by=by,
        subject=("document", found.id),
        patient_id=found.patient_id,
        changes=changes,
    )
