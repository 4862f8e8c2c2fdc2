"""Who meets the criteria of a cohort: one query a criterion, the deciding in `deciding.py`.

What is found here are people, never shown: a number of them is told by `actions_cohorts.tell`, and
rows leave in a release alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry import dictionary
from registry.course.models import ENTITIES
from registry.dates import PartialDate
from registry.language import gettext as _
from registry.patients import queries as patients
from registry.patients.models import Patient
from registry.research import rules
from registry.research.cohorts import criteria, deciding, lines, standing
from registry.research.cohorts.criteria import Criteria, Criterion, Part, Step, Subject
from registry.research.cohorts.deciding import Entry
from registry.research.releases import columns

Execute = Callable[[sa.Select[Any]], Any]

#: Where the date of an entry stands, in the order in which they are looked for.
_DATES = ("date", "start", "diagnosis_date", "first_seen")
#: (entity, column) of the events criteria can be timed by: the earliest there is.
_EVENTS = {
    "diagnosis": ("tumour", "diagnosis_date"),
    "first_therapy": ("therapy", "start"),
    "first_progression": ("progression", "date"),
    "first_metastasis": ("metastasis", "date"),
}
_MODELS: dict[str, Any] = {"patient": Patient, **{one.entity: one for one in ENTITIES}}


def subjects() -> dict[str, Subject]:
    """Every variable a cohort can be made by: what is derived of a patient, those that may leave
    the house with their dates, and lines of therapy."""
    found = {}
    for entity, model in _MODELS.items():
        dated = _date_of(model) is not None
        for name, declared in dictionary.described(model).items():
            kind = dictionary.kind_of(model, name)
            if columns.why_withheld(entity, name, declared, kind) or kind in ("items", "link"):
                continue
            if (entity, name) in columns.AGE_GROUPS | columns.NUMBERS_BY_NAME:
                continue
            codes = declared.codes or ("yes_no" if kind == "yes_no" else "")
            kind = "number" if (entity, name) in columns.DERIVED_NUMBERS else kind
            subject = Subject(
                f"{entity}.{name}",
                str(declared.label),
                str(model.entity_label),
                kind,
                codes,
                str(declared.unit),
                dated,
            )
            found[subject.key] = subject
    return {**standing.subjects(), **found, **lines.subjects()}


def _date_of(model: Any) -> Any:
    table = sa.inspect(model).local_table
    return next((table.c[name] for name in _DATES if name in table.c), None)


def spoken(asked: Criteria, known: Mapping[str, Subject]) -> dict[Criterion, str]:
    """Every criterion in words; one about what the dictionary has no longer, by its name."""
    return {
        one: criteria.words(one, known.get(one.variable) or Subject(one.variable, "–", "–", ""))
        for one in asked.every()
    }


def read(kept: Any) -> Criteria:
    """Criteria from data somebody wrote: every part is checked. Raises Unclear."""
    steps = kept.get("steps") if isinstance(kept, dict) else None
    if not isinstance(steps, list):
        raise criteria.Unclear("steps", _("This is no cohort: it has no list of steps."))
    known = subjects()
    found = Criteria(tuple(_read_step(step, known) for step in steps))
    found.need_sense()
    return found


def written(text: str) -> dict[str, Any]:
    """Criteria from a text in JSON, as they are kept: those of a cohort, or in the manifest of a
    release. Raises Unclear."""
    try:
        kept = json.loads(text)
    except (ValueError, RecursionError):
        raise criteria.Unclear("written", _("This is no JSON.")) from None
    for name in ("criteria", "json", "cohort"):  # as the manifest of a release has them
        if isinstance(kept, dict) and isinstance(kept.get(name), dict):
            kept = kept[name]
    return read(kept).as_json()


def _read_step(step: Any, known: Mapping[str, Subject], depth: int = 1) -> Step:
    """A step, or a group in one: deeper ones are refused before they are read."""
    match = str(step.get("match")) if isinstance(step, dict) else ""
    parts = step.get("criteria") if isinstance(step, dict) else None
    if match not in criteria.MATCHES or not parts or not isinstance(parts, list):
        raise criteria.Unclear("match", _("A step says how its criteria hold, and has some."))
    if depth > 2:
        raise criteria.Unclear("match", _("A group in a step has no groups of its own."))
    return Step(
        match,
        tuple(
            _read_step(one, known, depth + 1)
            if isinstance(one, dict) and "criteria" in one
            else _read_criterion(one, known)
            for one in parts
        ),
    )


def _read_criterion(one: Any, known: Mapping[str, Subject]) -> Criterion:
    facts = one if isinstance(one, dict) else {}
    name, values, months = facts.get("variable"), facts.get("values", []), facts.get("months", 0)
    subject = known.get(str(name))
    if subject is None:
        raise criteria.Unclear("variable", _("There is no variable %(n)s.", n=str(name)[:60]))
    if not isinstance(values, list) or type(months) is not int:
        raise criteria.Unclear("values", _("Values are a list, and months a whole number."))
    return criteria.checked(
        subject,
        operator=str(facts.get("operator")),
        values=[str(value) for value in values],
        when=str(facts.get("when", criteria.EVER)),
        event=str(facts.get("event", "")),
        months=months,
    )


# -- reading -----------------------------------------------------------------------------------


def population() -> sa.Select[Any]:
    """The people of research: who said yes to it, without those of unsent drafts alone."""
    return sa.select(Patient.id).where(
        Patient.id.in_(patients.consenting(*rules.CRITERIA["consents"])),
        Patient.provisional.is_(False),
    )


def _entries(
    execute: Execute, key: str, within: sa.Select[Any] | None = None
) -> dict[UUID, list[Entry]]:
    """What every patient's entries say of a variable; of those `within`, or all of research."""
    entity, _dot, name = key.partition(".")
    model = _MODELS[entity]
    table = sa.inspect(model).local_table
    whose = table.c.id if model is Patient else table.c.patient_id
    date = _date_of(model)
    query = sa.select(whose, table.c.id, sa.null() if date is None else date, table.c[name]).where(
        whose.in_(population() if within is None else within), table.c[name].is_not(None)
    )
    if "error_at" in table.c:
        query = query.where(table.c.error_at.is_(None))
    found: dict[UUID, list[Entry]] = {}
    for patient, entry, when, value in execute(query):
        found.setdefault(patient, []).append(Entry(when, str(entry), value))
    return found


def _values(execute: Execute, key: str) -> dict[UUID, list[Entry]]:
    if standing.is_of_standing(key):
        return standing.entries(execute, population(), key)
    return _entries(execute, key)


def _first_dates(execute: Execute, event: str) -> dict[UUID, PartialDate]:
    """When an event was for the first time, of every patient who had it."""
    entity, name = _EVENTS[event]
    found = {}
    for patient, entries in _entries(execute, f"{entity}.{name}").items():
        first = rules.first_diagnosis(one.value for one in entries)
        if first is not None:
            found[patient] = first
    return found


def _first_of_kind(execute: Execute, kind: str) -> dict[UUID, PartialDate]:
    """When the first therapy of a kind began, of every patient who had one with a date."""
    table: sa.Table = sa.inspect(_MODELS["therapy"]).local_table
    query = sa.select(table.c.patient_id, table.c.start).where(
        table.c.patient_id.in_(population()),
        table.c.error_at.is_(None),
        table.c.therapy_class == kind,
        table.c.start.is_not(None),
    )
    found: dict[UUID, PartialDate] = {}
    for patient, start in execute(query):
        found[patient] = min(found.get(patient, start), start)
    return found


def _events_needed(asked: Criteria) -> set[str]:
    found = {one.event for one in asked.every() if one.event}
    if any(one.when == criteria.AT_DIAGNOSIS for one in asked.every()):
        found.add("diagnosis")
    return found


@dataclass(frozen=True)
class _Facts:
    """What criteria are decided by: the entries of each variable and the days of each event, of
    every patient."""

    known: Mapping[str, Subject]
    values: Mapping[str, Mapping[UUID, list[Entry]]]
    events: Mapping[str, Mapping[UUID, PartialDate]]

    def who_meets(self, part: Part, among: set[UUID], *, possibly: bool = False) -> set[UUID]:
        """Those who meet a criterion or a group of them, certainly or possibly. Who possibly meets
        one of which none may hold does not certainly meet that group."""
        if isinstance(part, Criterion):
            family, own = self.known[part.variable].family, self.values[part.variable]
            return {
                one
                for one in among
                if deciding.meets(
                    part, family, own.get(one, ()), self._days(one), possibly=possibly
                )
            }
        if part.match == criteria.SAME:
            asked = [
                (one, self.known[one.variable].family, self.values[one.variable])
                for one in part.every()
            ]
            return {
                one
                for one in among
                if deciding.meet_in_one(
                    [(each, family, own.get(one, ())) for each, family, own in asked],
                    self._days(one),
                    possibly=possibly,
                )
            }
        wanted = not possibly if part.match == criteria.NONE else possibly
        met = [self.who_meets(one, among, possibly=wanted) for one in part.criteria]
        return _joined(part.match, among, met)

    def _days(self, patient: UUID) -> dict[str, PartialDate]:
        return {event: days[patient] for event, days in self.events.items() if patient in days}


def people(execute: Execute, asked: Criteria) -> list[set[UUID]]:
    """Who is left: at first all of research, then after each step. The last are the cohort.

    `execute` runs a query: of the session, or of a connection with one view of the database.
    """
    left = [set(execute(population()).scalars())]
    facts = _facts(execute, asked)
    for step in asked.steps:
        left.append(facts.who_meets(step, left[-1]))
    return left


def _facts(execute: Execute, asked: Criteria) -> _Facts:
    """Everything these criteria are decided by; lines are made once."""
    wanted, days = asked.variables(), _events_needed(asked)
    lined = [key for key in wanted if lines.is_of_lines(key)]
    begun = sorted(event for event in days if event.startswith("line_"))
    courses = lines.of_patients(execute, population()) if lined or begun else {}
    events = {event: lines.starts(courses, event) for event in begun}
    for event in sorted(days - set(begun)):
        if event.startswith(criteria.FIRST_OF):
            events[event] = _first_of_kind(execute, event.removeprefix(criteria.FIRST_OF))
        else:
            events[event] = _first_dates(execute, event)
    values = {key: lines.entries(courses, key) for key in lined}
    return _Facts(
        subjects(),
        values | {key: _values(execute, key) for key in wanted if key not in values},
        events,
    )


def _joined(match: str, before: set[UUID], met: list[set[UUID]]) -> set[UUID]:
    if match == criteria.ALL:
        return before.intersection(*met)
    any_of = set[UUID]().union(*met)
    return before - any_of if match == criteria.NONE else before & any_of


def latest_codes(execute: Execute, key: str, within: sa.Select[Any]) -> dict[UUID, str]:
    """What the latest entry says that has this coded variable, of each of these patients."""
    found = _entries(execute, key, within).items()
    return {who: str(value) for who, entries in found if (value := deciding.latest(entries))}


def followed(execute: Execute, within: sa.Select[Any]) -> dict[UUID, tuple[int, bool]]:
    """Days from the first diagnosis to death or the last contact of each of these patients, and
    whether it was death; who has no two full dates is left out."""
    found = {}
    for patient, (origin, last) in standing.lasts(execute, within).items():
        days = rules.since(origin, last["death_date"] or last["date"]).days
        if last["vital_status"] in ("alive", "dead") and days and int(days) >= 0:
            found[patient] = (int(days), last["vital_status"] == "dead")
    return found
