"""A record opens with the facts of a submission."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from registry.access import Viewer
from registry.course import facts as facts_
from registry.course import queries
from registry.course.actions.entry import insert
from registry.course.models import BY_NAME, LINKS, Tumour, links_of
from registry.patients.models import Patient


def open_record(
    patient: Patient,
    facts: Mapping[str, Any],
    *,
    by: Viewer,
    source: tuple[str, str] = ("referral", ""),
) -> None:
    """Enter the facts of a submission as the record's first entries; nothing is typed twice.

    What the same source added before is not added again, nor a tumour of the same place, nor an
    entry the record already has word for word. Facts were sent as they are: dates that contradict
    each other are kept as stated, and the record shows so.
    """
    there = queries.record_of(patient)
    tumour_ids = [
        _tumour_for(patient, row, there.tumours, by=by, source=source)
        for row in facts.get("tumour", [])
    ]
    if not tumour_ids and there.tumours:
        tumour_ids = [there.tumours[0].id]
    ids: dict[str, list[UUID | None]] = {"tumour": list(tumour_ids)}
    for model in BY_NAME.values():
        if model.entity == "tumour":
            continue
        known = _counted(there.of(model.entity))
        for row in facts.get(model.entity, []):
            added = _open(model.entity, patient, row, ids, known, by=by, source=source)
            ids.setdefault(model.entity, []).append(added)


def _tumour_for(
    patient: Patient,
    row: Mapping[str, Any],
    there: list[Tumour],
    *,
    by: Viewer,
    source: tuple[str, str],
) -> UUID:
    """The tumour a row of facts is about: one the record has, or a new one."""
    values, absent = facts_.from_json("tumour", row)
    for tumour in there:
        same_source = (tumour.source_kind, tumour.source_id) == source
        if tumour.primary_site == values.get("primary_site") or (same_source and len(there) == 1):
            return tumour.id
    added = insert("tumour", patient, by=by, values=values, absent=absent, links={}, source=source)
    return added.id


def _counted(entries: list[Any]) -> list[tuple[dict[str, Any], tuple[str, str], UUID]]:
    return [(facts_.row_of(e), (e.source_kind, e.source_id), e.id) for e in entries]


def _open(
    entity: str,
    patient: Patient,
    row: Mapping[str, Any],
    ids: Mapping[str, list[UUID | None]],
    known: list[tuple[dict[str, Any], tuple[str, str], UUID]],
    *,
    by: Viewer,
    source: tuple[str, str],
) -> UUID | None:
    """Add one row, unless it is empty or the record has it; gives the id of the entry."""
    values, absent = facts_.from_json(entity, row)
    fresh = facts_.to_json(values, absent)
    if not fresh:
        return None
    for place, (have, from_, entry_id) in enumerate(known):
        if from_ == source or have == fresh:
            del known[place]  # one earlier entry stands for one row
            return entry_id
    return insert(
        entity,
        patient,
        by=by,
        values=values,
        absent=absent,
        links=_links_of_row(entity, row, ids),
        source=source,
    ).id


def _links_of_row(
    entity: str, row: Mapping[str, Any], ids: Mapping[str, list[UUID | None]]
) -> dict[str, UUID | None]:
    """What a row points to by position; where it says nothing, the first tumour."""
    found = {}
    for name in links_of(BY_NAME[entity]):
        position = row.get(name, 0 if name == "tumour" else None)
        if position is not None:
            found[f"{name}_id"] = _at(ids.get(LINKS[name].entity, []), position)
    return found


def _at(ids: list[Any], position: int) -> UUID | None:
    return ids[position] if 0 <= position < len(ids) else None
