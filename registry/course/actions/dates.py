"""Dates that cannot be: before birth, after death, out of order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from registry.clinical.edit_checks import REFUSE
from registry.clinical.results import Reason
from registry.course import facts as facts_
from registry.course import queries, rules
from registry.course.models import Tumour
from registry.course.models.entry import Entry
from registry.course.queries import reading
from registry.dates import PartialDate
from registry.db import db
from registry.errors import Invalid
from registry.language import gettext as _
from registry.patients.models import Patient


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
        says_dead=rules.says_dead(values),
    )
    if "death_date" in stated:
        found += _after_death(patient, stated["death_date"])
    return found


def _after_death(patient: Patient, death: PartialDate) -> list[rules.DateProblem]:
    """What is recorded after a death that is about to be recorded."""
    db.session.flush()
    record = reading.record(patient)
    worst: dict[str, rules.DateProblem] = {}
    for entity, entries in record.entries.items():
        for entry in entries:
            dates = {
                name: getattr(entry, name)
                for name in facts_.dates(entity)
                if getattr(entry, name) and name != "death_date"
            }
            dead = entity == "follow_up" and entry.vital_status == "dead"
            for problem in rules.date_problems(entity, dates, death=death, says_dead=dead):
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


def refuse_impossible_dates(
    entity: str, patient: Patient, values: Mapping[str, Any], entry: Entry | None = None
) -> None:
    """Raise Invalid at the first date that cannot be."""
    for problem in date_problems(entity, patient, values, entry=entry):
        if problem.severity == REFUSE:
            text = _(problem.reason.template, **problem.reason.values)
            raise Invalid(text, field=problem.variable)
