"""Many new entries at once: what follows from them is derived in memory and their rows are made
as they are inserted, by the room that owns them. What is derived is what `actions.add` derives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry.access import Viewer
from registry.clinical.edit_checks import REFUSE
from registry.clinical.results import Reason
from registry.course import facts as facts_
from registry.course import rules
from registry.course.models import BY_NAME, EntryChange, FollowUpDue, FollowUpPlan, links_of
from registry.course.rules.response import assessments, derive_response
from registry.dates import PartialDate
from registry.db import table_of

#: Tables that are made anew from the record, or keep its history: nobody's work is in them.
DERIVED = (table_of(FollowUpDue), table_of(FollowUpPlan), table_of(EntryChange))


@dataclass
class NewEntry:
    """An entry that is to be made. `links` are places in the same list, by the link's name."""

    entity: str
    values: dict[str, Any]
    absent: dict[str, Any]
    links: dict[str, int] = field(default_factory=dict)
    derived: dict[str, Any] = field(default_factory=dict)

    def stated(self) -> dict[str, Any]:
        """Every variable, as stated or None."""
        return {**_blank(self.entity), **self.values}


@dataclass(frozen=True)
class Problem:
    """A date that cannot be: of which entry, at which variable, and why."""

    place: int
    variable: str
    reason: Reason


@cache
def _blank(entity: str) -> Mapping[str, Any]:
    return dict.fromkeys(facts_.names(entity))


@cache
def _dates(entity: str) -> tuple[str, ...]:
    return tuple(facts_.dates(entity))


def _dates_of(entry: NewEntry) -> dict[str, PartialDate]:
    return {name: entry.values[name] for name in _dates(entry.entity) if entry.values.get(name)}


# -- dates that cannot be ----------------------------------------------------------------------


def impossible_dates(entries: Sequence[NewEntry], birth: PartialDate | None) -> list[Problem]:
    """What `actions.add` would refuse, entry after entry."""
    found: list[Problem] = []
    death: PartialDate | None = None
    for place, entry in enumerate(entries):
        stated = _dates_of(entry)
        if not stated:
            continue
        dead = rules.says_dead(entry.values)
        problems = rules.date_problems(
            entry.entity, stated, birth=birth, death=death, says_dead=dead
        )
        if "death_date" in stated:
            problems += _after(entries[:place], stated["death_date"])
        found += [
            Problem(place, one.variable, one.reason) for one in problems if one.severity == REFUSE
        ]
        if "death_date" in stated:
            death = min(stated["death_date"], death) if death else stated["death_date"]
    return found


def _after(entries: Sequence[NewEntry], death: PartialDate) -> list[rules.DateProblem]:
    for entry in entries:
        dates = {n: d for n, d in _dates_of(entry).items() if n != "death_date"}
        dead = rules.says_dead(entry.values)
        for problem in rules.date_problems(entry.entity, dates, death=death, says_dead=dead):
            if problem.reason.template == rules.AFTER_DEATH and problem.severity == REFUSE:
                values = {
                    "entry": str(BY_NAME[entry.entity].entity_label),
                    "date": dates[problem.variable].iso,
                }
                reason = Reason(rules.DEATH_BEFORE, values)
                return [rules.DateProblem("death_date", REFUSE, reason)]
    return []


# -- derived beside stated ---------------------------------------------------------------------


def derive(entries: Sequence[NewEntry], *, licensed: bool) -> None:
    """Put what follows from the entries beside what they state."""
    for entry in entries:
        if entry.entity == "pathology":
            site = _tumour(entries, entry).get("primary_site")
            entry.derived = rules.derive_pathology(entry.stated(), topography=site)
    for entry in entries:
        if entry.entity == "staging":
            tumour = _tumour(entries, entry)
            entry.derived = rules.derive_staging(
                entry.stated(),
                topography=tumour.get("primary_site"),
                grade_category=rules.category_for_staging(_categories(entries, entry)),
                diagnosis_date=tumour.get("diagnosis_date"),
                licensed=licensed,
            )
        elif entry.entity == "questionnaire":
            entry.derived = rules.derive_questionnaire(entry.stated())
    _derive_series(entries)


def _derive_series(entries: Sequence[NewEntry]) -> None:
    """Responses by the lesions measured, series by series; without lesions nothing is derived."""
    lesions: dict[int, list[int]] = {}
    for place, entry in enumerate(entries):
        if entry.entity == "lesion" and "baseline" in entry.links:
            lesions.setdefault(entry.links["baseline"], []).append(place)
    for baseline, spots in lesions.items():
        visits = [
            place
            for place, entry in enumerate(entries)
            if entry.entity == "response" and entry.links.get("baseline", place) == baseline
        ]
        visits.sort(key=lambda place: _when(entries[place]))
        sizes = [
            place
            for place, entry in enumerate(entries)
            if entry.entity == "measurement" and entry.links.get("response") in visits
        ]
        rows = [[_text_row(entries, place) for place in some] for some in (spots, visits, sizes)]
        found = assessments(*rows)
        for place, visit in zip(visits, rows[1], strict=True):
            entries[place].derived = derive_response(visit, found.get(str(place)))


def _text_row(entries: Sequence[NewEntry], place: int) -> dict[str, str]:
    """An entry as texts, its place standing for its id."""
    entry = entries[place]
    plain = {n: facts_.plain(value) for n, value in entry.stated().items()}
    texts = {name: "" if value is None else str(value) for name, value in plain.items()}
    links = {f"{name}_id": "" for name in links_of(BY_NAME[entry.entity])}
    links |= {f"{name}_id": str(target) for name, target in entry.links.items()}
    return {**texts, **links, "id": str(place)}


def _tumour(entries: Sequence[NewEntry], entry: NewEntry) -> Mapping[str, Any]:
    place = entry.links.get("tumour")
    return entries[place].values if place is not None else {}


def _categories(entries: Sequence[NewEntry], entry: NewEntry) -> list[str | None]:
    """The derived categories of the same tumour, oldest first, undated ones last."""
    if "tumour" not in entry.links:
        return []
    same = [
        one
        for one in entries
        if one.entity == "pathology" and one.links.get("tumour") == entry.links["tumour"]
    ]
    return [one.derived.get("derived_category") for one in sorted(same, key=_when)]


def _when(entry: NewEntry) -> tuple[bool, date, str]:
    dated = entry.values.get(BY_NAME[entry.entity].dated_by)
    if not isinstance(dated, PartialDate):
        return True, date.max, ""
    return False, dated.earliest, dated.iso


# -- rows --------------------------------------------------------------------------------------


@cache
def _template(entity: str) -> Mapping[str, Any]:
    """A row with the columns' defaults."""
    blank: dict[str, Any] = {}
    for column in table_of(BY_NAME[entity]).columns:
        default: Any = column.default
        blank[column.key] = None
        if default is not None and default.is_scalar:
            blank[column.key] = default.arg
        elif default is not None and isinstance(column.type, sa.JSON):
            blank[column.key] = default.arg(None)
    return blank


class Adding:
    """Collects the rows of new entries, attributed to the viewer and a source."""

    def __init__(self, by: Viewer, *, at: datetime, source: tuple[str, str]) -> None:
        self._common = {
            "organisation_id": by.organisation_id,
            "entered_by": by.person_id,
            "changed_by": by.person_id,
            "entered_at": at,
            "changed_at": at,
            "source_kind": source[0],
            "source_id": source[1],
            "version": 1,
        }
        self._rows: dict[str, list[dict[str, Any]]] = {}

    def add(
        self,
        entry_id: UUID,
        patient_id: UUID,
        entity: str,
        *,
        values: Mapping[str, Any],
        absent: Mapping[str, Any],
        links: Mapping[str, UUID],
        derived: Mapping[str, Any],
    ) -> None:
        """Take in one entry; values may be plain JSON (dates and numbers as text)."""
        row = {**_template(entity), **self._common, **values, **derived}
        row |= {f"{name}_id": target for name, target in links.items()}
        row["id"], row["patient_id"], row["absent"] = entry_id, patient_id, dict(absent)
        self._rows.setdefault(entity, []).append(row)

    def insert(self, connection: Any, order: Mapping[str, int]) -> None:
        """Write what was collected, in an order in which what is pointed to comes first."""
        for entity in sorted(self._rows, key=lambda one: order[one]):
            connection.execute(sa.insert(table_of(BY_NAME[entity])), self._rows[entity])
        self._rows.clear()


def forget(connection: Any, entity: str, ids: Sequence[UUID]) -> None:
    """Take out entries: for an import that is undone."""
    table = table_of(BY_NAME[entity])
    connection.execute(sa.delete(table).where(table.c.id.in_(ids)))


def forget_patients(connection: Any, ids: Sequence[UUID], order: Mapping[str, int]) -> None:
    """Take out the whole course of patients, in an order in which what points comes first."""
    for table in DERIVED:
        connection.execute(sa.delete(table).where(table.c.patient_id.in_(ids)))
    for entity in sorted(BY_NAME, key=lambda one: -order[one]):
        table = table_of(BY_NAME[entity])
        connection.execute(sa.delete(table).where(table.c.patient_id.in_(ids)))
