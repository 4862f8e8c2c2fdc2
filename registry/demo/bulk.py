"""Entering whole courses at once.

The same rules derive beside what is stated as when a person enters an entry by hand; what differs
is that rows go in by the table and that the audit has one entry a patient, as for an import
(docs/decisions/0020-demonstration-in-bulk.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry.access import Viewer
from registry.audit import AuditEntry
from registry.course import facts, rules
from registry.course.models import BY_NAME, ENTITIES, LINKS, links_of
from registry.course.rules import response as response_rule
from registry.dates import PartialDate
from registry.db import Exact, db, new_id
from registry.demo.case import Case, Row
from registry.patients import queries as patients
from registry.patients import rules as patient_rules
from registry.patients.models import CareRelation, Consent, LocalIdentifier, NameIndex, Patient

Rows = dict[str, list[dict[str, Any]]]

_DERIVED = ("pathology", "staging", "response", "questionnaire")


@dataclass
class Batch:
    """Rows by table, to be written together."""

    rows: dict[type[Any], list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, model: type[Any], row: dict[str, Any]) -> None:
        """Keep a row for the table of a model."""
        self.rows.setdefault(model, []).append(row)

    def write(self) -> None:
        """Write everything; what others point to comes first."""
        first = (Patient, LocalIdentifier, NameIndex, CareRelation, Consent, *ENTITIES)
        for model in (*first, AuditEntry):
            if rows := self.rows.get(model):
                db.session.execute(sa.insert(_table(model)), rows)
        self.rows.clear()


def _table(model: type[Any]) -> sa.Table:
    """The table itself: no object is made of a row."""
    found: sa.Table = model.__table__
    return found


# -- a course ----------------------------------------------------------------------------------


def course(
    batch: Batch,
    case: Case,
    patient_id: UUID,
    *,
    by: Viewer,
    licensed: bool,
    known: Mapping[str, UUID] | None = None,
) -> None:
    """Add a case's course to a batch.

    `known`: the ids of the first tumour and pathology where the facts of the diagnosis are in the
    record already; then only what came later is added. `licensed`: may stages be derived?
    """
    made = entries(case, licensed=licensed, known=known)
    for entity, rows in made.items():
        for row in rows:
            batch.add(BY_NAME[entity], row | _whose(case, row, patient_id, by))
    counts = {entity: [None, len(rows)] for entity, rows in made.items() if rows}
    batch.add(AuditEntry, audited("imported", case.today, by, patient_id, counts))


def audited(
    action: str, day: date, by: Viewer, patient_id: UUID, changes: dict[str, Any]
) -> dict[str, Any]:
    """A row of the audit."""
    return {
        "at": _moment(day, day),
        "person_id": by.person_id,
        "person_name": by.name,
        "organisation_id": by.organisation_id,
        "action": action,
        "subject_kind": "patient",
        "subject_id": str(patient_id),
        "patient_id": patient_id,
        "changes": changes,
        "for_id": None,
        "for_name": "",
    }


def entries(case: Case, *, licensed: bool, known: Mapping[str, UUID] | None = None) -> Rows:
    """The entries of a case by entity: ids, links, stated and derived columns.

    Raises ValueError for text that is no date, InvalidOperation for text that is no number.
    """
    ids = {model.entity: [new_id() for _ in case.of(model.entity)] for model in ENTITIES}
    for entity, entry_id in (known or {}).items():
        ids[entity][0] = entry_id
    stated: Rows = {}
    for model in ENTITIES:
        entity = model.entity
        own = enumerate(case.of(entity))
        stated[entity] = [_stated(entity, row, ids[entity][at], ids) for at, row in own]
    for entity in _DERIVED:
        _derive(entity, stated, licensed)
    if known is not None:
        for entity, rows in case.facts.items():
            del stated[entity][: len(rows)]
    return stated


@cache
def _columns(entity: str) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    model = BY_NAME[entity]
    names = tuple(facts.names(entity))
    columns = _table(model).columns
    numbers = tuple(name for name in names if isinstance(columns[name].type, Exact))
    links = tuple(f"{link}_id" for link in links_of(model))
    return (*names, *links), tuple(facts.dates(entity)), numbers


def _shape(entity: str) -> tuple[dict[str, Any], tuple[str, ...], tuple[str, ...]]:
    """Every variable and link of an entity, empty: rows of one table have the same columns; and
    which of them are dates and numbers."""
    names, dates, numbers = _columns(entity)
    return dict.fromkeys(names), dates, numbers


def _stated(entity: str, row: Row, entry_id: UUID, ids: Mapping[str, list[UUID]]) -> dict[str, Any]:
    found, dates, numbers = _shape(entity)
    found |= {"id": entry_id, "absent": {}} | row
    for name in dates:
        if found[name] is not None:
            found[name] = PartialDate(found[name])
    for name in numbers:
        if found[name] is not None:
            found[name] = Decimal(found[name])
    for name in facts.LINKS:
        found.pop(name, None)
    for link in links_of(BY_NAME[entity]):
        place = row.get(link, 0 if link == "tumour" else None)
        if place is not None:
            found[f"{link}_id"] = ids[LINKS[link].entity][place]
    return found


def _derive(entity: str, stated: Rows, licensed: bool) -> None:
    if entity == "response":
        _derive_responses(stated)
        return
    tumours = {row["id"]: row for row in stated["tumour"]}
    for row in stated[entity]:
        tumour = tumours.get(row.get("tumour_id"), {})
        if entity == "pathology":
            row |= rules.derive_pathology(row, topography=tumour.get("primary_site"))
        elif entity == "staging":
            row |= _staged(row, tumour, stated["pathology"], licensed)
        else:
            row |= rules.derive_questionnaire(row)


def _staged(
    row: dict[str, Any], tumour: Mapping[str, Any], reports: list[dict[str, Any]], licensed: bool
) -> dict[str, Any]:
    own = [one for one in reports if one["tumour_id"] == row["tumour_id"]]
    own.sort(key=lambda one: str(one["date"]))
    return rules.derive_staging(
        row,
        topography=tumour.get("primary_site"),
        grade_category=rules.category_for_staging([one["derived_category"] for one in own]),
        diagnosis_date=tumour.get("diagnosis_date"),
        licensed=licensed,
    )


def _derive_responses(stated: Rows) -> None:
    """Each series is assessed once, all its assessments together."""
    lesions: dict[UUID, list[dict[str, str]]] = {}
    for lesion in stated["lesion"]:
        lesions.setdefault(lesion["baseline_id"], []).append(_text(lesion))
    sizes: dict[UUID, list[dict[str, str]]] = {}
    for size in stated["measurement"]:
        sizes.setdefault(size["response_id"], []).append(_text(size))
    series: dict[UUID, list[dict[str, Any]]] = {}
    for row in stated["response"]:
        series.setdefault(row["baseline_id"] or row["id"], []).append(row)
    for baseline, rows in series.items():
        spots, visits = lesions.get(baseline, []), [_text(row) for row in rows]
        measured = [size for row in rows for size in sizes.get(row["id"], [])]
        found = response_rule.assessments(spots, visits, measured) if spots else {}
        for row, visit in zip(rows, visits, strict=True):
            row |= rules.derive_response(visit, found.get(visit["id"]))


def _text(row: Mapping[str, Any]) -> dict[str, str]:
    """A row as the rule of a series reads it."""
    return {
        name: "" if value is None else str(facts.plain(value))
        for name, value in row.items()
        if name != "absent"
    }


def _whose(case: Case, row: Mapping[str, Any], patient_id: UUID, by: Viewer) -> dict[str, Any]:
    at = _moment(_day_of(row, case), case.today)
    return {
        "version": 1,
        "patient_id": patient_id,
        "organisation_id": by.organisation_id,
        "entered_by": by.person_id,
        "entered_at": at,
        "changed_at": at,
        "changed_by": by.person_id,
        "source_kind": "entered",
        "source_id": "",
        "accepted": {},
    }


def _day_of(row: Mapping[str, Any], case: Case) -> date:
    """When an entry was made: soon after what it is about."""
    for name in ("stop", "date", "start", "first_seen", "diagnosis_date"):
        day = row.get(name)
        if isinstance(day, PartialDate):
            return max(day.earliest, case.diagnosed) + timedelta(days=1)
    return case.today


def _moment(day: date, today: date) -> datetime:
    at = datetime.combine(min(day, today), time(15, 20), UTC)
    return min(at, datetime.now(UTC) - timedelta(minutes=1))


# -- a patient ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Registered:
    """Who a patient is, and what they agreed to, as the centre that looks after them enters it."""

    identity: Mapping[str, Any]
    hospital_number: str
    consents: Mapping[str, str]
    on: date


def patient(batch: Batch, who: Registered, *, by: Viewer, today: date) -> UUID:
    """Add a patient of the viewer's own centre to a batch; gives the id."""
    made = Patient(id=new_id(), pseudonym=patient_rules.new_pseudonym())
    at = _moment(who.on, today)
    for name in ("family_name", "given_names"):
        made.hide(name, who.identity[name])
    row = {
        column.key: getattr(made, column.key, None)
        for column in sa.inspect(Patient).mapper.column_attrs
    }
    row |= {
        "version": 1, "provisional": False, "source": "", "absent": {}, "created_at": at,
        "created_by": by.person_id, "created_at_organisation": by.organisation_id,
        **{name: who.identity[name] for name in ("sex_at_birth", "birth_date", "country")},
    }  # fmt: skip
    batch.add(Patient, row)
    _findable(batch, made.id, who, by)
    batch.add(CareRelation, {
        "id": new_id(), "patient_id": made.id, "organisation_id": by.organisation_id,
        "kind": patient_rules.TREATING, "why": "registered by the centre", "from_at": at,
        "until_at": None,
    })  # fmt: skip
    for purpose, answer in who.consents.items():
        batch.add(Consent, {
            "id": new_id(), "patient_id": made.id, "purpose": purpose, "answer": answer,
            "form_version": patient_rules.CONSENT_VERSION, "given_on": PartialDate.of(who.on),
            "recorded_at": at, "recorded_by": by.person_id, "ended_at": None,
        })  # fmt: skip
    batch.add(AuditEntry, audited("registered patient", who.on, by, made.id, {}))
    return made.id


def _findable(batch: Batch, patient_id: UUID, who: Registered, by: Viewer) -> None:
    """What makes a patient found by name and number, though neither can be read."""
    number = LocalIdentifier(id=new_id(), patient_id=patient_id)
    number.hide(who.hospital_number)
    batch.add(LocalIdentifier, {
        "id": number.id, "patient_id": patient_id, "organisation_id": by.organisation_id,
        "number": number.number, "number_index": patients.number_index(
            by.organisation_id, who.hospital_number
        ),
    })  # fmt: skip
    prints = patients.fingerprints(
        family_name=who.identity["family_name"], given_names=who.identity["given_names"],
        birth_date=who.identity["birth_date"], national_number="",
        organisations=[by.organisation_id] if by.organisation_id else [],
    )  # fmt: skip
    for kind, value in sorted(prints):
        batch.add(NameIndex, {"id": new_id(), "patient_id": patient_id, "kind": kind,
                              "value": value})  # fmt: skip


def checked(rows: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
    """Refuse what no form would let through, for the tests. Raises Invalid."""
    for entity, row in rows:
        absent = row["absent"]
        values = {name: row[name] for name in facts.names(entity)}
        facts.check(entity, values, absent)
