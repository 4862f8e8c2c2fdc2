"""Bringing a file in: everything or nothing, and the same file twice adds nothing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry import audit
from registry.access import Viewer
from registry.course import actions as course
from registry.course import facts
from registry.course.models import BY_NAME
from registry.db import db, new_id
from registry.errors import Conflict, Invalid
from registry.interop import joining, rows, tables
from registry.interop.mapping import Map, MapError
from registry.interop.models import Import, SourceRow
from registry.interop.rows import Account, Made, Refusal, Row
from registry.keys import ring
from registry.patients import actions as patients
from registry.patients import rules as patient_rules
from registry.patients.models import Patient
from registry.people.models import Organisation

DIFFERS = "differs from what was imported"
SOURCE_KIND = "import"

#: Shows progress over an iterable; the second argument is its length, the third what is done.
Progress = Callable[[Iterable[Any], int, str], Any]


@dataclass
class Report:
    """What an import did, or would do."""

    map: Map
    columns: list[str] = field(default_factory=list)
    read: int = 0
    created: int = 0
    unchanged: int = 0
    refusals: list[Refusal] = field(default_factory=list)
    account: Account = field(default_factory=Account)
    entries: Counter[str] = field(default_factory=Counter)
    contradictions: list[Refusal] = field(default_factory=list)
    import_id: UUID | None = None

    @property
    def refused(self) -> int:
        """How many rows were refused."""
        return len({refusal.row for refusal in self.refusals})


def no_progress(items: Iterable[Any], length: int, label: str) -> Any:
    """Shows nothing."""
    return items


def bring_in(path: Path, by_map: Map, *, by: Viewer, progress: Progress = no_progress) -> Report:
    """Read a file by its map and make its patients, at the viewer's organisation.

    Nothing is written when a row is refused; the caller commits, or rolls back to have tried
    only. Raises MapError where map and file do not fit, FileError where it cannot be read.
    """
    report = Report(by_map)
    fresh = _read(path, report, progress)
    known = _known(by_map, by)
    wanted = [row for row in fresh if _is_new(row, known, report, by)]
    if wanted:  # also where rows were refused: so that what the record refuses is named with them
        with db.session.begin_nested() as all_of_it:
            _write(path, wanted, report, by, progress)
            if report.refusals:
                all_of_it.rollback()
                report.created, report.entries, report.contradictions = 0, Counter(), []
    return report


# -- reading -----------------------------------------------------------------------------------


def _read(path: Path, report: Report, progress: Progress) -> list[Row]:
    """Every row by the map; the refused ones are noted and left out."""
    by_map = report.map
    fresh: dict[str, Row] = {}
    with tables.opened(
        path,
        delimiter=by_map.delimiter,
        encoding=by_map.encoding,
        comment=by_map.comment_lines,
    ) as table:
        report.columns = table.columns
        report.map = by_map = by_map.fitted(table.columns)
        _check_columns(table.columns, by_map)
        for found in progress(table.rows(), 0, "Reading"):
            report.read += 1
            if isinstance(found, tables.BadRow):
                report.refusals.append(Refusal(found.number, "", "", found.reason))
                continue
            row = rows.make(found[0], found[1], by_map)
            _gather(row, fresh, by_map)
            report.account.close(row)
            report.refusals += row.refusals
    return [row for row in fresh.values() if not row.refusals]


def _gather(row: Row, fresh: dict[str, Row], by_map: Map) -> None:
    """Take a row as a patient's first, or join it to it; an id that may not stand twice is
    refused."""
    first = fresh.setdefault(row.source_id, row)
    if first is row or not row.source_id:
        return
    if not by_map.several_rows:
        hidden = by_map.id_column in by_map.hidden_columns
        row.refuse(by_map.id_column, f"stands in row {first.number} as well", hidden=hidden)
    else:
        joining.join(first, row, by_map.id_column)


def _check_columns(columns: list[str], by_map: Map) -> None:
    """Every column of the file must be named by the map, and the other way round."""
    named, needed = set(by_map.uses()), by_map.needed()
    unnamed = [repr(name) for name in columns if name not in named]
    lacking = [repr(name) for name in sorted(needed - set(columns))]
    problems = []
    if unnamed:
        problems.append(
            "The file has columns that the map does not name. Map them, or name them under"
            f" [keep] or [ignore] with a reason: {', '.join(unnamed)}"
        )
    if lacking:
        problems.append(f"The map names columns that the file does not have: {', '.join(lacking)}")
    if problems:
        raise MapError(problems)


# -- what is known already ---------------------------------------------------------------------


def _one_at_a_time(by: Viewer) -> None:
    """Two imports for a centre wait for each other, so that each sees what the other brought in.
    Others may go on working for the centre."""
    query = sa.select(Organisation.id).where(Organisation.id == by.organisation_id)
    db.session.execute(query.with_for_update(key_share=True))


def _known(by_map: Map, by: Viewer) -> dict[str, str]:
    """What the organisation has of this source: fingerprints of content by those of ids."""
    _one_at_a_time(by)
    query = sa.select(SourceRow.source_id_index, SourceRow.content_index).where(
        SourceRow.organisation_id == by.organisation_id, SourceRow.source == by_map.name
    )
    return {row[0]: row[1] for row in db.session.execute(query)}


def source_id_index(source: str, organisation_id: UUID | None, source_id: str) -> str:
    """The fingerprint under which a record of a source is found again."""
    return ring().blind(f"source id {organisation_id} {source}", source_id)


def content_index(row: Row) -> str:
    """The fingerprint of what a row says, by the map."""

    def plain(made: Made) -> list[Any]:
        links = [made.name, made.tumour, made.therapy]
        return [made.entity, facts.to_json(made.values, made.absent), links]

    content = [plain(row.patient), row.hospital_number, [plain(e) for e in row.entries], row.kept]
    return ring().blind("source row", json.dumps(content, sort_keys=True, ensure_ascii=False))


def _is_new(row: Row, known: dict[str, str], report: Report, by: Viewer) -> bool:
    """Is it a record the organisation does not have? One that has changed is refused."""
    content = known.get(source_id_index(report.map.name, by.organisation_id, row.source_id))
    report.unchanged += content is not None and content == content_index(row)
    if content is not None and content != content_index(row):
        column = report.map.id_column
        report.refusals.append(Refusal(row.number, column, row.shown(column), DIFFERS))
    return content is None


# -- writing -----------------------------------------------------------------------------------


def _write(path: Path, wanted: list[Row], report: Report, by: Viewer, progress: Progress) -> None:
    source = report.map
    made = Import(
        id=new_id(),
        organisation_id=by.organisation_id,
        source=source.name,
        title=source.title,
        citation=source.citation,
        licence=source.licence,
        consent_basis=source.basis,
        file_sha256=tables.sha256(path),
        map_sha256=source.sha256,
        rows=report.read,
        created=len(wanted),
        unchanged=report.unchanged,
    )
    db.session.add(made)
    db.session.flush()
    report.import_id = made.id
    for row in progress(wanted, len(wanted), "Writing"):
        try:
            _make(row, made, report, by)
        except Invalid as problem:
            report.refusals.append(_refusal(row, problem, source))
        except Conflict as problem:  # the session cannot go on after what the database refused
            report.refusals.append(_refusal(row, problem, source))
            return
        report.created += 1
    audit.record(
        "imported",
        by=by,
        subject=("import", made.id),
        changes={"source": [None, source.name], "patients": [None, report.created]},
    )


def _refusal(row: Row, problem: Invalid | Conflict, source: Map) -> Refusal:
    """A refusal of the record, at the cell that gave the value."""
    reason = str(problem.message)
    if row.at is None or problem.field not in row.at.told:
        return Refusal(row.number, source.id_column, row.shown(source.id_column), reason)
    column, shown = row.at.told[problem.field]
    path = f"{row.at.entity}.{problem.field}"
    return Refusal(row.at.row or row.number, column, shown, f"{reason} ({path})")


def _make(row: Row, made: Import, report: Report, by: Viewer) -> None:
    """One patient with everything the row says."""
    source = report.map
    row.at = row.patient
    patient = patients.register(
        by=by,
        facts=row.patient.values,
        absent=row.patient.absent,
        hospital_number=row.hospital_number,
        relation=patient_rules.TREATING,
        why=f"imported: {source.name}",
        source=source.name,
    )
    for purpose in source.purposes:
        patients.answer_consent(patient.id, purpose, "yes", by=by, form_version=source.basis)
    _add_entries(row, patient, report, by)
    db.session.add(
        SourceRow(
            import_id=made.id,
            organisation_id=by.organisation_id,
            source=source.name,
            source_id_index=source_id_index(source.name, by.organisation_id, row.source_id),
            content_index=content_index(row),
            patient_id=patient.id,
            kept=row.kept,
        )
    )


class _Named:
    """Entries that others point to, by their block's name and the row they were made of."""

    def __init__(self) -> None:
        self._made: list[tuple[str, int, UUID]] = []

    def add(self, name: str, row: int, entry_id: UUID) -> None:
        """Remember an entry."""
        self._made.append((name, row, entry_id))

    def find(self, name: str, row: int) -> UUID | None:
        """The entry of this name (of any, without one): of the same row, else of the latest
        before it, else the first."""
        called = [(made, one) for known, made, one in self._made if not name or known == name]
        if not name:
            same = [one for made, one in called if made == row]
            return same[0] if same else next((one for _made, one in called), None)
        before = [one for made, one in called if made <= row]
        return before[-1] if before else next((one for _made, one in called), None)


def _add_entries(row: Row, patient: Patient, report: Report, by: Viewer) -> None:
    """The entries of a row; each belongs to the tumour it names, else to the first."""
    tumours, therapies = _Named(), _Named()
    for one in joining.in_order(row.entries):
        row.at = one
        of_tumour = hasattr(BY_NAME[one.entity], "tumour_id")
        entry = course.add(
            one.entity,
            patient,
            by=by,
            values=one.values,
            absent=one.absent,
            tumour_id=tumours.find(one.tumour, one.row) if of_tumour else None,
            therapy_id=therapies.find(one.therapy, one.row) if one.therapy else None,
            source=(SOURCE_KIND, report.map.name),
        )
        if one.entity == "tumour":
            tumours.add(one.name, one.row, entry.id)
        elif one.entity == "therapy":
            therapies.add(one.name, one.row, entry.id)
        report.entries[one.entity] += 1
        for finding in getattr(entry, "findings", None) or []:
            text = finding["reason"]["template"] % finding["reason"]["values"]
            report.contradictions.append(Refusal(row.number, one.entity, "", text))
