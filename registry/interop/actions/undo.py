"""Taking an import back: what it made and nobody has since touched goes, what was touched stays
and is listed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry import audit, jobs
from registry.access import Right, Viewer
from registry.course import actions as course
from registry.course import bulk
from registry.course import facts as course_facts
from registry.course.models import BY_NAME, EntryChange
from registry.db import db, metadata, now, table_of
from registry.errors import Conflict, Invalid
from registry.interop import changes, rules
from registry.interop.links import links_of, ranks
from registry.interop.models import Import, ImportChange, SourceRow
from registry.language import gettext as _
from registry.patients import actions as patients
from registry.patients import bulk as people
from registry.patients import rules as relations
from registry.patients.models import CareRelation, Consent, Patient

#: Why something was kept, in words for the page.
CHANGED = "entries were changed by hand"
ADDED = "entries were added by hand"
IDENTITY = "who the patient is was changed by hand"
ELSEWHERE = "referrals, documents or other work refer to the patient"
CONSENT = "consent was answered since"
OTHER_CENTRE = "another organisation cares for the patient"


def ask_undo(imported: Import, *, by: Viewer) -> None:
    """Have an import undone. Raises Conflict when it is not there to be undone."""
    by.need(Right.BRING_IN)
    if imported.state == rules.UNDOING:
        return
    if imported.state != rules.DONE:
        raise Conflict(_("This import cannot be undone now."))
    imported.state = rules.UNDOING
    imported.undone_by, imported.heartbeat_at = by.person_id, None
    imported.done, imported.total = 0, imported.created
    imported.undo = {"removed": {}, "kept": []}
    db.session.flush()
    audit.record("asked to undo import", by=by, subject=("import", imported.id))
    jobs.after_commit("interop.undo", str(imported.id))


@dataclass
class Undoing:
    """The undoing of one import, record after record. The caller commits."""

    imported: Import
    by: Viewer
    removed: Counter[str] = field(default_factory=Counter)
    kept: list[list[str]] = field(default_factory=list)

    # -- corrections -----------------------------------------------------------------------------

    def put_back(self, found: Sequence[ImportChange]) -> None:
        """Undo the corrections of one patient, the last first."""
        whole = True
        for one in sorted(found, key=lambda change: -change.position):
            if one.kind == changes.RECORD:
                if whole:
                    self._remember(one)
            elif one.taken:
                try:
                    done = self._put_back(one)
                except (Invalid, Conflict):
                    done = False
                whole = whole and done
                self.removed["change"] += done
        if not whole:
            self.kept.append([str(found[0].patient_id), CHANGED])
        ids = [one.id for one in found]
        db.session.execute(
            sa.update(ImportChange).where(ImportChange.id.in_(ids)).values(taken=False)
        )

    def _put_back(self, one: ImportChange) -> bool:
        if one.what == "patient":
            return self._put_back_patient(one)
        entry: Any = db.session.get(BY_NAME[one.what], one.entry_id, populate_existing=True)
        if entry is None:
            return True
        if one.kind == changes.GONE:
            if entry.error_at is not None:
                course.restore(entry, by=self.by, version=entry.version)
            return True
        if one.kind == changes.ADDED:
            return self._remove_entry(one.what, entry)
        row = course_facts.row_of(entry)
        if changes.states(row).get(one.variable) != one.after:
            return False
        is_reason = isinstance(one.before, dict) and "why" in one.before
        before: dict[str, Any] = (
            {"absent": {one.variable: one.before}} if is_reason else {one.variable: one.before}
        )
        changes.change_entry(one.what, entry.id, {one.variable}, before, by=self.by)
        return True

    def _put_back_patient(self, one: ImportChange) -> bool:
        """Who the patient is was not kept: it cannot be put back, and is listed."""
        patient = db.session.get_one(Patient, one.patient_id)
        if one.variable not in people.PLAIN or one.variable == "birth_date":
            return False
        if getattr(patient, one.variable) != one.after or isinstance(one.before, dict):
            return False
        patients.change(patient, by=self.by, facts={one.variable: one.before})
        return True

    def _remove_entry(self, entity: str, entry: Any) -> bool:
        from registry.course import queries

        if entry.version != 1 or entry.error_at is not None or queries.resting_on(entry):
            return False
        bulk.forget(db.session.connection(), entity, [entry.id])
        db.session.expunge(entry)
        self.removed[entity] += 1
        return True

    def _remember(self, one: ImportChange) -> None:
        db.session.execute(
            sa.update(SourceRow)
            .where(
                SourceRow.patient_id == one.patient_id,
                SourceRow.source == self.imported.source,
                SourceRow.organisation_id == self.imported.organisation_id,
            )
            .values(
                made=one.before["made"],
                content_index=one.before["content"],
                kept=one.before["kept"],
            )
            .execution_options(synchronize_session=False)
        )

    # -- new patients ----------------------------------------------------------------------------

    def take_out(self, rows: Sequence[Any]) -> None:
        """Take out what a batch of records made. `rows`: id, patient_id and made of each."""
        connection = db.session.connection()
        ids = [row.patient_id for row in rows]
        entries = _entries_of(connection, ids)
        touched = _touched_elsewhere(connection, ids, self.imported)
        gone: list[UUID] = []
        about = []
        for row in rows:
            why, stay, go = _judged(row, entries.get(row.patient_id, {}), touched)
            for entity, entry_ids in go.items():
                self.removed[entity] += len(entry_ids)
            if not why:
                gone.append(row.patient_id)
                self.removed["patient"] += 1
            else:
                self.kept.append([str(row.patient_id), why])
                _remove_entries(connection, go)
                _keep_record(connection, row, stay)
            about.append((("patient", row.patient_id), row.patient_id,
                          {"kept": [None, why]} if why else {}))  # fmt: skip
        if gone:
            _remove_patients(connection, gone)
        audit.record_many("undid import", by=self.by, about=about, connection=connection)


def _entries_of(
    connection: Any, ids: Sequence[UUID]
) -> dict[UUID, dict[str, tuple[str, int, bool, dict[str, str]]]]:
    """Every entry of some patients: id → (entity, version, marked or accepted, links)."""
    found: dict[UUID, dict[str, tuple[str, int, bool, dict[str, str]]]] = {}
    for entity, model in BY_NAME.items():
        table = table_of(model)
        links = list(links_of(entity))
        columns = [table.c[f"{name}_id"] for name in links]
        query = sa.select(
            table.c.id, table.c.patient_id, table.c.version, table.c.error_at, table.c.accepted,
            *columns,
        ).where(table.c.patient_id.in_(ids))  # fmt: skip
        for row in connection.execute(query):
            marked = row.error_at is not None or bool(row.accepted)
            to = {name: str(row[5 + n]) for n, name in enumerate(links) if row[5 + n]}
            of_patient = found.setdefault(row.patient_id, {})
            of_patient[str(row.id)] = (entity, row.version, marked, to)
    return found


def _touched_elsewhere(connection: Any, ids: Sequence[UUID], imported: Import) -> dict[UUID, str]:
    """Patients who are more than what was imported, and why."""
    found: dict[UUID, str] = {}
    ours = {
        *(model.__tablename__ for model in BY_NAME.values()),
        *(model.__tablename__ for model in (*people.TABLES, *people.COMPARED)),
        SourceRow.__tablename__,
        ImportChange.__tablename__,
        *(table.name for table in bulk.DERIVED),
    }
    for table in metadata.sorted_tables:
        for column in table.columns:
            if table.name not in ours and any(
                key.column.table.name == "patient" for key in column.foreign_keys
            ):
                query = sa.select(column).where(column.in_(ids)).distinct()
                found |= dict.fromkeys(connection.execute(query).scalars(), ELSEWHERE)
    relation = sa.select(CareRelation.patient_id).where(
        CareRelation.patient_id.in_(ids),
        sa.or_(
            CareRelation.organisation_id != imported.organisation_id,
            CareRelation.kind != relations.TREATING,
        ),
    )
    found |= dict.fromkeys(connection.execute(relation).scalars(), OTHER_CENTRE)
    consent = sa.select(Consent.patient_id).where(
        Consent.patient_id.in_(ids),
        sa.or_(Consent.ended_at.is_not(None), Consent.form_version != imported.consent_basis),
    )
    found |= dict.fromkeys(connection.execute(consent).scalars(), CONSENT)
    identity = sa.select(Patient.id).where(Patient.id.in_(ids), Patient.version != 1)
    found |= dict.fromkeys(connection.execute(identity).scalars(), IDENTITY)
    return found


def _judged(
    row: Any,
    entries: Mapping[str, tuple[str, int, bool, dict[str, str]]],
    touched: Mapping[UUID, str],
) -> tuple[str, set[str], dict[str, list[UUID]]]:
    """Why a patient stays (empty: goes), which entries stay, and which go."""
    made = {one["i"]: one.get("n", 1) for one in (row.made or {}).get("entries", [])}
    stay = {
        entry_id
        for entry_id, (_entity, version, marked, _links) in entries.items()
        if entry_id not in made or version != made[entry_id] or marked
    }
    why = touched.get(row.patient_id, "")
    if stay:
        why = why or (CHANGED if stay & set(made) else ADDED)
    while True:  # what a kept entry points to stays as well
        needed = {to for one in stay for to in entries[one][3].values() if to in entries} - stay
        if not needed:
            break
        stay |= needed
    go: dict[str, list[UUID]] = {}
    for entry_id, (entity, *_rest) in entries.items():
        if entry_id not in stay:
            go.setdefault(entity, []).append(UUID(entry_id))
    return why, stay, go


def _remove_entries(connection: Any, go: Mapping[str, Sequence[UUID]]) -> None:
    for entity in sorted(go, key=lambda one: -ranks()[one]):
        bulk.forget(connection, entity, go[entity])
        connection.execute(
            sa.delete(table_of(EntryChange)).where(EntryChange.entry_id.in_(go[entity]))
        )


def _keep_record(connection: Any, row: Any, stay: set[str]) -> None:
    """What stays is still known as the source's: brought in again, the rest is added to it."""
    made = row.made or {"patient": {}, "entries": []}
    kept = {**made, "entries": [one for one in made["entries"] if one["i"] in stay]}
    connection.execute(
        sa.update(table_of(SourceRow))
        .where(SourceRow.id == row.id)
        .values(made=kept, content_index="")
    )


def _remove_patients(connection: Any, ids: Sequence[UUID]) -> None:
    bulk.forget_patients(connection, ids, ranks())
    for table in (table_of(ImportChange), table_of(SourceRow)):
        connection.execute(sa.delete(table).where(table.c.patient_id.in_(ids)))
    people.forget(connection, ids)


def finish(undoing: Undoing) -> None:
    """The import stays, as one that was undone."""
    imported = undoing.imported
    imported.state, imported.undone_at = rules.UNDONE, now()
    imported.maker = imported.heartbeat_at = None
    noted(undoing)
    removed = imported.undo["removed"] if imported.undo else {}
    audit.record(
        "undid import",
        by=undoing.by,
        subject=("import", imported.id),
        changes={"removed": [None, removed], "kept": [None, len((imported.undo or {})["kept"])]},
    )


def noted(undoing: Undoing) -> None:
    """Add what was done since the last time to what the import says of its undoing."""
    before = undoing.imported.undo or {"removed": {}, "kept": []}
    removed = Counter(before["removed"])
    removed.update(undoing.removed)
    undoing.imported.undo = {
        "removed": dict(removed),
        "kept": [*before["kept"], *undoing.kept][:1_000],
    }
    undoing.removed, undoing.kept = Counter(), []
