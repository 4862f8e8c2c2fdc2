"""What contradicts itself in a record, and the lines of its therapies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from registry.course import facts
from registry.course.models import BY_NAME, links_of
from registry.course.queries import reading
from registry.course.queries.record import Record
from registry.course.rules import checks
from registry.course.rules import lines as therapy_lines
from registry.course.rules.checks import Standing
from registry.dates import today
from registry.patients.models import Patient


@dataclass(frozen=True)
class Shown:
    """One finding: the entry it is shown at, at which variable, and its acceptance if there is."""

    standing: Standing
    entry: Any  # the entry, or None where it is about the patient
    variable: str

    @property
    def finding(self) -> Any:
        """What was found: code, severity, reason, entries."""
        return self.standing.finding

    @property
    def accepted(self) -> Mapping[str, Any] | None:
        """{"because", "by", "at", "mark"} where somebody accepted these very values."""
        return self.standing.accepted

    @property
    def accepted_by(self) -> UUID | None:
        """Who accepted it."""
        by = (self.accepted or {}).get("by")
        return UUID(by) if by else None

    @property
    def key(self) -> str:
        """Under which name the entry keeps an acceptance."""
        return checks.key_of(self.finding)

    @property
    def mark(self) -> str:
        """A mark of the values concerned."""
        return checks.mark_of(self.finding)


def row(entry: Any) -> dict[str, Any]:
    """An entry as the checks read it."""
    found: dict[str, Any] = {
        name: facts.plain(value)
        for name, value in vars(entry).items()
        if not name.startswith("_") and name in entry.__table__.columns
    }
    links = {f"{name}_id": str(found.get(f"{name}_id") or "") for name in links_of(type(entry))}
    return {**found, **links, "id": str(entry.id)}


def rows_of(record: Record) -> dict[str, list[dict[str, Any]]]:
    """A record as the checks read it."""
    rows = {entity: [row(one) for one in found] for entity, found in record.entries.items()}
    born = record.patient.birth_date
    rows["patient"] = [{"id": str(record.patient.id), "birth_date": facts.plain(born)}]
    return rows


def findings(record: Record) -> list[Shown]:
    """Everything that contradicts itself in a record that was fetched for a viewer.

    What somebody accepted with a reason is among them, with that reason, until a value changes.
    """
    rows = rows_of(record)
    by_id = {(e.entity, str(e.id)): e for found in record.entries.values() for e in found}
    listed = checks.standing(checks.findings(rows, BY_NAME, today=today()), rows)
    return [_shown(one, by_id) for one in listed]


def _shown(one: Standing, by_id: Mapping[tuple[str, str], Any]) -> Shown:
    entry = by_id.get(one.finding.entries[0]) if one.finding.entries else None
    variable = checks.field_of(one.finding, entry.entity) if entry is not None else ""
    return Shown(one, entry, variable)


def findings_of(patient: Patient, entry: Any) -> list[Shown]:
    """What contradicts itself in the record of a patient and is shown at one entry of it."""
    return findings_at(patient, [entry])


def findings_at(patient: Patient, entries: Iterable[Any]) -> list[Shown]:
    """What contradicts itself in the record of a patient and is shown at one of these entries."""
    rows = reading.rows_of(reading.record(patient))
    found = checks.standing(checks.findings(rows, BY_NAME, today=today()), rows)
    by_id = {(entry.entity, str(entry.id)): entry for entry in entries}
    return [shown for one in found if (shown := _shown(one, by_id)).entry is not None]


def draft_findings(patient: Patient, draft: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Any]:
    """What entries about to be kept (rows by entity, each with its id) would contradict in the
    record of a patient who was fetched for a viewer."""
    return checks.of_draft(reading.rows_of(reading.record(patient)), draft, BY_NAME)


def lines(record: Record) -> dict[Any, therapy_lines.TherapyLine]:
    """The line of every therapy of a record, by the therapy's id."""
    found = therapy_lines.lines(given(record), progressions(record))
    return {one.id: found[str(one.id)] for one in record.therapies}


def given(record: Record) -> list[therapy_lines.Given]:
    """The therapies of a record as the rule of lines reads them."""
    return [
        therapy_lines.Given(str(one.id), str(one.tumour_id or ""), facts.stated(one))
        for one in record.therapies
    ]


def progressions(record: Record) -> list[tuple[str, str]]:
    """The dated progressions that count for lines, each with its tumour.

    A marker that rises alone is none.
    """
    return [
        (str(one.tumour_id or ""), one.date.iso)
        for one in record.of("progression")
        if one.date is not None and one.basis != "biochemical"
    ]
