"""Documents beside the entries of the record they belong to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from registry.access import Viewer
from registry.chart.panels import Opened
from registry.course import queries as course
from registry.course import wording
from registry.course.models import BY_NAME
from registry.db import db
from registry.patients import queries as patients
from registry.patients.documents import queries as documents
from registry.patients.documents import rules
from registry.patients.documents.queries import DocumentRow
from registry.patients.models import Patient


@dataclass(frozen=True)
class Listed:
    """A document and what it belongs to, in words; empty for the patient as a whole."""

    document: DocumentRow
    belongs_to: str


@dataclass(frozen=True)
class Documents:
    """The documents of a patient as the chart shows them."""

    patient_id: UUID
    rows: list[Listed]
    may_add: bool
    is_alive: bool  # as far as is known; nobody writes to a patient who has died

    @property
    def standing(self) -> list[Listed]:
        """Those that were not entered in error."""
        return [one for one in self.rows if one.document.error_at is None]


def of_patient(viewer: Viewer, patient: Patient) -> Documents:
    """The documents of a patient who was fetched for the viewer, the newest first."""
    kinds = patients.relation(viewer, patient.id)
    died = patients.may_write(viewer, kinds) and course.has_died(patient.id)
    return _shown(viewer, patient, kinds, is_alive=not died)


def on_chart(opened: Opened) -> Documents:
    """The same beside a record that was read."""
    died = opened.record.has_died
    return _shown(opened.viewer, opened.patient, opened.kinds, is_alive=not died)


def _shown(viewer: Viewer, patient: Patient, kinds: frozenset[str], *, is_alive: bool) -> Documents:
    rows = documents.of_patient(viewer, patient, kinds)
    words = _belonging(rows)
    may_add = patients.may_write(viewer, kinds)
    return Documents(
        patient.id,
        [Listed(one, words.get((one.entry_kind, one.entry_id), "")) for one in rows],
        may_add,
        is_alive=is_alive,
    )


def listed(row: DocumentRow) -> Listed:
    """One document with what it belongs to."""
    return Listed(row, _belonging([row]).get((row.entry_kind, row.entry_id), ""))


def _belonging(rows: Iterable[DocumentRow]) -> dict[tuple[str, UUID | None], str]:
    """What entries are called, by kind and id; in one query a kind."""
    wanted: dict[str, set[UUID]] = {}
    for one in rows:
        if one.entry_id is not None and one.entry_kind in BY_NAME:
            wanted.setdefault(one.entry_kind, set()).add(one.entry_id)
    found: dict[tuple[str, UUID | None], str] = {}
    for kind, ids in wanted.items():
        model: Any = BY_NAME[kind]
        for entry in db.session.scalars(course.standing(model).where(model.id.in_(ids))):
            found[kind, entry.id] = _called(entry)
    return found


def _called(entry: Any) -> str:
    named, kind = wording.named(entry), str(entry.entity_label)
    return named if named.startswith(kind) else f"{kind}: {named}"


def entries(patient: Patient) -> list[tuple[str, str]]:
    """What a document can belong to: (`kind:id`, words), of a patient fetched for the viewer."""
    found = []
    for kind in rules.OF_ENTRIES:
        model: Any = BY_NAME[kind]
        own = db.session.scalars(course.standing(model).where(model.patient_id == patient.id))
        newest_first = reversed(course.in_order(own.all()))
        found += [(f"{kind}:{entry.id}", _called(entry)) for entry in newest_first]
    return found


def entry_of(text: str | None) -> tuple[str, UUID] | None:
    """The entry that `kind:id` stands for; the form has checked that it is one of the offered."""
    kind, _mark, entry_id = (text or "").partition(":")
    return (kind, UUID(entry_id)) if entry_id else None
