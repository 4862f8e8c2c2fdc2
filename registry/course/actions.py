"""Writing the course: add and change entries, derive beside them, open a record from facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from flask_babel import gettext as _

from registry import audit
from registry.access import Viewer
from registry.clinical.edit_checks import REFUSE
from registry.clinical.results import Reason
from registry.course import facts as facts_
from registry.course import queries, rules
from registry.course.licence import may_derive_stages
from registry.course.models import (
    BY_NAME,
    LINKS,
    EntryChange,
    Pathology,
    Staging,
    Tumour,
    links_of,
)
from registry.course.models.entry import Entry
from registry.dates import PartialDate
from registry.db import db, new_id, now
from registry.errors import Conflict, Invalid
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
    _refuse_impossible_dates(entity, patient, values)
    return _add(
        entity,
        patient,
        by=by,
        values=values,
        absent=absent or {},
        source=source,
        entry_id=entry_id,
        links=links,
    )


def _add(
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
    _link(added, links)
    _derive(added)
    db.session.add(added)
    db.session.flush()
    changes = {name: [None, value] for name, value in _shown(added).items() if value is not None}
    _record(f"added {entity}", added, by=by, changes=changes | {"source": [None, source[0]]})
    if isinstance(added, Tumour):
        _adopt(added, by=by)
    _derive_dependents(added, by=by)
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
    _lock(entry, version)
    entity, before = entry.entity, _shown(entry)
    absent = entry.absent if absent is None else absent
    facts_.check(entity, values, absent)
    patient = db.session.get_one(Patient, entry.patient_id)
    _refuse_impossible_dates(entity, patient, facts_.stated(entry) | values, entry)
    with db.session.no_autoflush:
        _set(entry, values, absent)
        _link(entry, _links(entry) | links)
        if not db.session.is_modified(entry):
            return
        entry.changed_at, entry.changed_by = now(), by.person_id
        _derive(entry)
    db.session.flush()
    after = _shown(entry)
    changes = {name: [before[name], after[name]] for name in after if before[name] != after[name]}
    _record(f"changed {entity}", entry, by=by, changes=changes)
    _keep("changed", entry, by=by, changes=changes)
    _derive_dependents(entry, by=by, before=before)


def _set(entry: Entry, values: Mapping[str, Any], absent: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if getattr(entry, name) != value:
            setattr(entry, name, value)
    if absent != entry.absent:
        entry.absent = dict(absent)


# -- links -------------------------------------------------------------------------------------


def _links(entry: Entry) -> dict[str, UUID | None]:
    return {f"{name}_id": getattr(entry, f"{name}_id") for name in links_of(type(entry))}


def _link(entry: Entry, links: Mapping[str, UUID | None]) -> None:
    """Tie an entry to others of the same patient. What belongs to a therapy or a series is about
    its tumour."""
    names = links_of(type(entry))
    if unknown := set(links) - {f"{name}_id" for name in names}:
        raise KeyError(", ".join(sorted(unknown)))
    tumour_id = None
    for name in names:
        wanted = links.get(f"{name}_id")
        found = _own(LINKS[name], entry, wanted, f"{name}_id")
        setattr(entry, f"{name}_id", wanted)
        tumour_id = tumour_id or getattr(found, "tumour_id", None)
    if "tumour" in names and links.get("tumour_id") is None:
        entry.tumour_id = tumour_id  # type: ignore[attr-defined]


def _adopt(tumour: Any, *, by: Viewer) -> None:
    """What was entered before the patient's only tumour is about that tumour."""
    orphans = queries.without_tumour(tumour.patient_id)
    if not orphans or len(queries.tumours(tumour.patient_id)) > 1:
        return
    for orphan in orphans:
        orphan.tumour_id = tumour.id
        _derive(orphan)
        db.session.flush()
        _record(
            f"linked {orphan.entity}",
            orphan,
            by=by,
            changes={"tumour_id": [None, str(tumour.id)]},
        )
        _keep("linked", orphan, by=by, changes={"tumour_id": [None, str(tumour.id)]})
    for staging in queries.stagings(tumour):
        _derive_again(staging, by=by)


def _own(model: type[Any], entry: Entry, wanted: UUID | None, field: str) -> Any:
    if wanted is None:
        return None
    found = db.session.get(model, wanted)
    if found is None or found.patient_id != entry.patient_id or wanted == entry.id:
        raise Invalid(_("Choose one of this patient's."), field=field)
    return found


# -- dates that cannot be ----------------------------------------------------------------------


def date_problems(
    entity: str,
    patient: Patient,
    values: Mapping[str, Any],
    *,
    entry: Entry | None = None,
    tumour: Tumour | None = None,
) -> list[rules.DateProblem]:
    """What is wrong with the dates of an entry before it is kept: refusals and warnings."""
    stated = {name: values[name] for name in facts_.dates(entity) if values.get(name)}
    if not stated:
        return []
    found = rules.date_problems(
        entity,
        stated,
        birth=patient.birth_date,
        death=queries.death_date(patient.id, but=entry.id if entry else None),
        diagnosis=tumour.diagnosis_date if tumour else None,
    )
    if "death_date" in stated:
        found += _after_death(patient, stated["death_date"])
    return found


def _after_death(patient: Patient, death: PartialDate) -> list[rules.DateProblem]:
    """What is recorded after a death that is about to be recorded."""
    record = queries.record_of(patient)
    worst: dict[str, rules.DateProblem] = {}
    for entity, entries in record.entries.items():
        for entry in entries:
            dates = {
                name: getattr(entry, name)
                for name in facts_.dates(entity)
                if getattr(entry, name) and name != "death_date"
            }
            for problem in rules.date_problems(entity, dates, death=death):
                if problem.reason.template != rules.AFTER_DEATH:
                    continue
                reason = Reason(
                    rules.DEATH_BEFORE,
                    {"entry": str(entry.entity_label), "date": dates[problem.variable].iso},
                )
                worst.setdefault(
                    problem.severity, rules.DateProblem("death_date", problem.severity, reason)
                )
    return list(worst.values())


def _refuse_impossible_dates(
    entity: str, patient: Patient, values: Mapping[str, Any], entry: Entry | None = None
) -> None:
    for problem in date_problems(entity, patient, values, entry=entry):
        if problem.severity == REFUSE:
            text = _(problem.reason.template, **problem.reason.values)
            raise Invalid(text, field=problem.variable)


# -- derived beside stated ---------------------------------------------------------------------


def _tumour_of(entry: Any) -> Tumour | None:
    return db.session.get(Tumour, entry.tumour_id) if entry.tumour_id else None


def _derived(entry: Any) -> dict[str, Any]:
    """What the rules derive for a pathology or staging; empty for other entries."""
    if isinstance(entry, Pathology):
        tumour = _tumour_of(entry)
        return rules.derive_pathology(
            facts_.stated(entry), topography=tumour.primary_site if tumour else None
        )
    if isinstance(entry, Staging):
        tumour = _tumour_of(entry)
        categories = [p.derived_category for p in queries.pathologies(tumour)] if tumour else []
        return rules.derive_staging(
            facts_.stated(entry),
            topography=tumour.primary_site if tumour else None,
            grade_category=rules.category_for_staging(categories),
            diagnosis_date=tumour.diagnosis_date if tumour else None,
            licensed=may_derive_stages(),
        )
    return {}


def _derive(entry: Any) -> None:
    with db.session.no_autoflush:
        for name, value in _derived(entry).items():
            setattr(entry, name, value)


def _derive_dependents(entry: Any, *, by: Viewer, before: Mapping[str, Any] | None = None) -> None:
    """Derive anew what rests on this entry: a site decides grades, a grade decides stage tables."""
    tumours = []
    if isinstance(entry, Tumour) and before is not None:
        tumours = [entry]
    elif isinstance(entry, Pathology):
        ids = {str(one) for one in (entry.tumour_id, (before or {}).get("tumour_id")) if one}
        tumours = [db.session.get_one(Tumour, UUID(one)) for one in sorted(ids)]
    for tumour in tumours:
        if isinstance(entry, Tumour):
            for pathology in queries.pathologies(tumour):
                _derive_again(pathology, by=by)
        for staging in queries.stagings(tumour):
            _derive_again(staging, by=by)


def _derive_again(entry: Any, *, by: Viewer) -> None:
    """Derive an entry anew. What was stated is untouched, so its version stays: an editor who
    has it open is not refused for what nobody stated."""
    fresh = _derived(entry)
    old = {name: getattr(entry, name) for name in fresh}
    if fresh == old:
        return
    model = type(entry)
    db.session.execute(
        sa.update(model)
        .where(model.id == entry.id)
        .values(**fresh)
        .execution_options(synchronize_session=False)
    )
    db.session.refresh(entry)
    changes = {
        name: [old[name], fresh[name]]
        for name in fresh
        if name not in ("derivation", "findings") and old[name] != fresh[name]
    }
    _record(f"derived {entry.entity} anew", entry, by=by, changes=changes)
    _keep(
        "derived",
        entry,
        by=by,
        changes={n: [facts_.plain(v) for v in c] for n, c in changes.items()},
    )


# -- audit -------------------------------------------------------------------------------------


def _shown(entry: Entry) -> dict[str, Any]:
    """What the audit may hold of an entry, by name: values as JSON, links, reasons as codes."""
    found = {name: facts_.plain(value) for name, value in facts_.stated(entry).items()}
    found |= {link: str(one) if one else None for link, one in _links(entry).items()}
    found["absent"] = {name: reason["why"] for name, reason in (entry.absent or {}).items()} or None
    return found


def _record(action: str, entry: Entry, *, by: Viewer, changes: dict[str, Any]) -> None:
    safe = {
        name: "changed"
        if name in facts_.names(entry.entity) and facts_.is_free_text(entry.entity, name)
        else change
        for name, change in changes.items()
    }
    audit.record(
        action,
        by=by,
        subject=(entry.entity, entry.id),
        patient_id=entry.patient_id,
        changes=safe,
    )


def _keep(kind: str, entry: Entry, *, by: Viewer, changes: Mapping[str, Any]) -> None:
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


# -- entered in error --------------------------------------------------------------------------


def _lock(entry: Entry, version: int) -> None:
    """Who comes second sees what the first wrote. Raises Conflict on an old copy."""
    db.session.refresh(entry, with_for_update=True)
    if entry.version != version:
        raise Conflict(_("This was changed by somebody else while you were working on it."))


def mark_error(entry: Entry, *, by: Viewer, version: int, because: str) -> None:
    """Mark an entry as entered in error: it counts nowhere any more, and nothing is deleted.

    Raises Invalid without a reason, or while other entries rest on it; Conflict on an old copy.
    """
    because = because.strip()
    if not because:
        raise Invalid(_("Say why it was entered in error."), field="because")
    _lock(entry, version)
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
    _lock(entry, version)
    if entry.error_at is None:
        return
    because = entry.error_because
    entry.error_at = entry.error_by = entry.error_because = None
    _derive(entry)
    _after_error("restored", entry, by=by, changes={"error": [because, None]})


def _after_error(kind: str, entry: Entry, *, by: Viewer, changes: dict[str, Any]) -> None:
    entry.changed_at, entry.changed_by = now(), by.person_id
    db.session.flush()
    words = {"error": "marked as entered in error", "restored": "restored"}
    _record(f"{words[kind]}: {entry.entity}", entry, by=by, changes={})
    _keep(kind, entry, by=by, changes=changes)
    _derive_dependents(entry, by=by, before=_shown(entry))


# -- opening a record --------------------------------------------------------------------------


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
    return _add("tumour", patient, by=by, values=values, absent=absent, links={}, source=source).id


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
    return _add(
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
