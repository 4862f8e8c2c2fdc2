"""Who meets the criteria of a cohort: one query a criterion, the deciding in `criteria.py`.

What is found here are people, never shown: a number of them is told by `actions_cohorts.tell`, and
rows leave in a release alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry import codes as vocabularies
from registry import dictionary
from registry.course.models import ENTITIES
from registry.dates import PartialDate
from registry.language import gettext as _
from registry.patients import queries as patients
from registry.patients.models import Patient
from registry.research import rules
from registry.research.cohorts import criteria, lines, standing
from registry.research.cohorts.criteria import Criteria, Criterion, Entry, Subject
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
    """Every criterion in words."""
    found = {}
    for step in asked.steps:
        for one in step.criteria:
            subject = known[one.variable]
            labels = {code: _label(subject, code) for code in one.values}
            found[one] = criteria.words(one, subject, labels)
    return found


def _label(subject: Subject, code: str) -> str:
    return vocabularies.label(subject.codes, code) if subject.codes else code


def read(kept: Any) -> Criteria:
    """Criteria from data somebody wrote: every part is checked. Raises Unclear."""
    known = subjects()
    steps = kept.get("steps") if isinstance(kept, dict) else None
    if not isinstance(steps, list):
        raise criteria.Unclear("steps", _("This is no cohort: it has no list of steps."))
    found = Criteria()
    for number, step in enumerate(steps):
        match = step.get("match") if isinstance(step, dict) else None
        if match not in criteria.MATCHES or not step.get("criteria"):
            raise criteria.Unclear("match", _("A step says all, any or none, and has criteria."))
        for one in step["criteria"]:
            subject = known.get(str(one.get("variable")))
            if subject is None:
                name = str(one.get("variable"))[:60]
                raise criteria.Unclear("variable", _("There is no variable %(n)s.", n=name))
            added = criteria.checked(
                subject,
                operator=str(one.get("operator")),
                values=[str(value) for value in one.get("values", ())],
                when=str(one.get("when", criteria.EVER)),
                event=str(one.get("event", "")),
            )
            found = found.with_criterion(number, match, added)
    return found


# -- reading -----------------------------------------------------------------------------------


def population() -> sa.Select[Any]:
    """The people of research: who said yes to it, without those of unsent drafts alone."""
    return sa.select(Patient.id).where(
        Patient.id.in_(patients.consenting(*rules.CRITERIA["consents"])),
        Patient.provisional.is_(False),
    )


def _entries(execute: Execute, key: str) -> dict[UUID, list[Entry]]:
    """What every patient's entries say of a variable."""
    entity, _dot, name = key.partition(".")
    model = _MODELS[entity]
    table = sa.inspect(model).local_table
    whose = table.c.id if model is Patient else table.c.patient_id
    date = _date_of(model)
    query = sa.select(whose, table.c.id, sa.null() if date is None else date, table.c[name]).where(
        whose.in_(population()), table.c[name].is_not(None)
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


def _events_needed(asked: Criteria) -> set[str]:
    found = set()
    for step in asked.steps:
        for one in step.criteria:
            if one.when == criteria.AT_DIAGNOSIS:
                found.add("diagnosis")
            elif one.event:
                found.add(one.event)
    return found


def people(execute: Execute, asked: Criteria) -> list[set[UUID]]:
    """Who is left: at first all of research, then after each step. The last are the cohort.

    `execute` runs a query: of the session, or of a connection with one view of the database.
    """
    known = subjects()
    everybody = set(execute(population()).scalars())
    events = {event: _first_dates(execute, event) for event in sorted(_events_needed(asked))}
    of_lines = [key for key in asked.variables() if lines.is_of_lines(key)]
    values = {key: _values(execute, key) for key in asked.variables() if not lines.is_of_lines(key)}
    if of_lines:
        courses = lines.of_patients(execute, population())
        values |= {key: lines.entries(courses, key) for key in of_lines}
    left = [everybody]
    for step in asked.steps:
        before = left[-1]
        met = [
            _who_meets(one, known[one.variable], values, events, before) for one in step.criteria
        ]
        left.append(_joined(step.match, before, met))
    return left


def _who_meets(
    one: Criterion,
    subject: Subject,
    values: Mapping[str, Mapping[UUID, list[Entry]]],
    events: Mapping[str, Mapping[UUID, PartialDate]],
    among: Iterable[UUID],
) -> set[UUID]:
    of_variable = values[one.variable]
    found = set()
    for patient in among:
        own = {event: dates[patient] for event, dates in events.items() if patient in dates}
        if criteria.meets(one, subject.family, of_variable.get(patient, ()), own):
            found.add(patient)
    return found


def _joined(match: str, before: set[UUID], met: list[set[UUID]]) -> set[UUID]:
    if match == criteria.ALL:
        return before.intersection(*met)
    any_of = set[UUID]().union(*met)
    return before - any_of if match == criteria.NONE else before & any_of


def by_latest_code(execute: Execute, key: str, among: set[UUID]) -> dict[str, set[UUID]]:
    """The people of a cohort by what the latest entry says that has this coded variable."""
    found: dict[str, set[UUID]] = {}
    for patient, entries in _entries(execute, key).items():
        if patient in among and (value := criteria.latest(entries)):
            found.setdefault(str(value), set()).add(patient)
    return found


def followed(execute: Execute) -> dict[UUID, tuple[int, bool]]:
    """Days from the first diagnosis to death or the last contact of everybody of research, and
    whether it was death; who has no two full dates is left out."""
    found = {}
    for patient, (origin, last) in standing.lasts(execute, population()).items():
        days = rules.since(origin, last["death_date"] or last["date"]).days
        if last["vital_status"] in ("alive", "dead") and days and int(days) >= 0:
            found[patient] = (int(days), last["vital_status"] == "dead")
    return found
