"""Adding and changing an entry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID

from registry.access import Viewer
from registry.course import facts as facts_
from registry.course import queries
from registry.course.actions.dates import refuse_impossible_dates
from registry.course.actions.derived import derive, derive_again, derive_dependents
from registry.course.actions.history import keep, record, shown
from registry.course.actions.links import link, links_in
from registry.course.models import BY_NAME, Tumour
from registry.course.models.entry import Entry
from registry.db import db, new_id, now
from registry.errors import Conflict
from registry.language import gettext as _
from registry.patients.models import Patient


def add(
    entity: str,
    patient: Patient,
    *,
    by: Viewer,
    values: dict[str, Any],
    absent: dict[str, Any] | None = None,
    source: tuple[str, str] = ("entered", ""),
    entry_id: UUID | None = None,
    **links: UUID | None,
) -> Entry:
    """Add an entry to the course of a patient who was fetched to write.

    `values` and `absent` are by column; `links` (`tumour_id`, `therapy_id` …, see
    `models.LINKS`) must be the patient's.
    `entry_id` is the id the form was given: the same form sent twice makes one entry.
    Raises Invalid with the field for what cannot be, such as a stop before its start.
    """
    there: Any = db.session.get(BY_NAME[entity], entry_id) if entry_id else None
    if there is not None:
        if there.patient_id != patient.id:
            raise Conflict()
        return cast(Entry, there)
    facts_.check(entity, values, absent or {})
    refuse_impossible_dates(entity, patient, values)
    return insert(
        entity,
        patient,
        by=by,
        values=values,
        absent=absent or {},
        source=source,
        entry_id=entry_id,
        links=links,
    )


def insert(
    entity: str,
    patient: Patient,
    *,
    by: Viewer,
    values: Mapping[str, Any],
    absent: Mapping[str, Any],
    source: tuple[str, str],
    links: Mapping[str, UUID | None],
    entry_id: UUID | None = None,
) -> Entry:
    added = cast(
        Entry,
        BY_NAME[entity](
            id=entry_id or new_id(),
            patient_id=patient.id,
            organisation_id=by.organisation_id,
            entered_by=by.person_id,
            changed_by=by.person_id,
            source_kind=source[0],
            source_id=source[1],
            absent=dict(absent),
            **values,
        ),
    )
    link(added, links)
    derive(added)
    db.session.add(added)
    db.session.flush()
    changes = {name: [None, value] for name, value in shown(added).items() if value is not None}
    record(f"added {entity}", added, by=by, changes=changes | {"source": [None, source[0]]})
    if isinstance(added, Tumour):
        adopt(added, by=by)
    derive_dependents(added, by=by)
    return added


def change(
    entry: Entry,
    *,
    by: Viewer,
    version: int,
    values: dict[str, Any],
    absent: dict[str, Any] | None = None,
    **links: UUID | None,
) -> None:
    """Change an entry that was fetched to write; `values` and `links` are those to change.

    Raises Conflict when `version` is not the copy in force, Invalid for what cannot be.
    """
    lock(entry, version)
    entity, before = entry.entity, shown(entry)
    absent = entry.absent if absent is None else absent
    facts_.check(entity, values, absent)
    patient = db.session.get_one(Patient, entry.patient_id)
    refuse_impossible_dates(entity, patient, facts_.stated(entry) | values, entry)
    with db.session.no_autoflush:
        _set(entry, values, absent)
        link(entry, links_in(entry) | links)
        if not db.session.is_modified(entry):
            return
        entry.changed_at, entry.changed_by = now(), by.person_id
        derive(entry)
    db.session.flush()
    after = shown(entry)
    changes = {name: [before[name], after[name]] for name in after if before[name] != after[name]}
    record(f"changed {entity}", entry, by=by, changes=changes)
    keep("changed", entry, by=by, changes=changes)
    derive_dependents(entry, by=by, before=before)
    _take_along(entry, before.get("tumour_id"), by=by)


def _take_along(entry: Any, left: str | None, *, by: Viewer) -> None:
    """What rests on an entry that moved to another tumour moves with it."""
    if left is None or str(entry.tumour_id) == left:
        return
    for one in queries.resting_on(entry):
        if str(getattr(one, "tumour_id", None)) == left:
            change(one, by=by, version=one.version, values={}, tumour_id=entry.tumour_id)


def _set(entry: Entry, values: Mapping[str, Any], absent: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if getattr(entry, name) != value:
            setattr(entry, name, value)
    if absent != entry.absent:
        entry.absent = dict(absent)


def adopt(tumour: Any, *, by: Viewer) -> None:
    """What was entered before the patient's only tumour is about that tumour."""
    orphans = queries.without_tumour(tumour.patient_id)
    if not orphans or len(queries.tumours(tumour.patient_id)) > 1:
        return
    for orphan in orphans:
        orphan.tumour_id = tumour.id
        derive(orphan)
        db.session.flush()
        record(
            f"linked {orphan.entity}",
            orphan,
            by=by,
            changes={"tumour_id": [None, str(tumour.id)]},
        )
        keep("linked", orphan, by=by, changes={"tumour_id": [None, str(tumour.id)]})
    for staging in queries.stagings(tumour):
        derive_again(staging, by=by)


def lock(entry: Entry, version: int) -> None:
    """Who comes second sees what the first wrote. Raises Conflict on an old copy."""
    db.session.refresh(entry, with_for_update=True)
    if entry.version != version:
        raise Conflict(_("This was changed by somebody else while you were working on it."))
