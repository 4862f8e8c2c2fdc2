"""What is derived of a patient as a variable of a cohort: the age at the first diagnosis, how they
stand and how long they were followed, as the file of patients of a release has them, and whether
their imaging of somatostatin receptors was positive."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry.clinical.edit_checks.across.imaging import KRENNING_POSITIVE_FROM
from registry.clinical.endpoints import DAYS_PER_MONTH
from registry.course.models import BY_NAME
from registry.dates import PartialDate
from registry.language import lazy_gettext as _l
from registry.patients.models import Patient
from registry.research import rules
from registry.research.cohorts.criteria import Subject
from registry.research.cohorts.deciding import Between, Entry

Execute = Callable[[sa.Select[Any]], Any]
Row = Mapping[str, Any]
Origin = PartialDate | None

AGE, STATUS, FOLLOWED, SSTR = (
    "derived.age_at_diagnosis",
    "derived.vital_status",
    "derived.months_followed",
    "derived.sstr_positive",
)


def subjects() -> dict[str, Subject]:
    """What can be asked. No entry of its own says it, so it has no date, but for imaging, which
    has that of the examination."""
    label = str(_l("Patient, derived"))
    found = (
        Subject(AGE, str(_l("Age at first diagnosis")), label, "number", unit=str(_l("years"))),
        Subject(STATUS, str(_l("Vital status at last contact")), label, "text", "vital_status"),
        Subject(
            FOLLOWED,
            str(_l("Time from first diagnosis to death or last contact")),
            label,
            "number",
            unit=str(_l("months")),
        ),
    )
    sstr = str(
        _l("SSTR positive in imaging: Krenning score of %(n)s or more", n=KRENNING_POSITIVE_FROM)
    )
    undated = {one.key: replace(one, dated=False) for one in found}
    return {**undated, SSTR: Subject(SSTR, sstr, label, "yes_no", "yes_no")}


def is_of_standing(key: str) -> bool:
    """Is this variable (entity.name) one of these?"""
    return key.startswith("derived.")


def entries(execute: Execute, population: sa.Select[Any], key: str) -> dict[UUID, list[Entry]]:
    """The value of one of these variables of everybody of research who has one."""
    if key == SSTR:
        return _sstr(execute, population)
    values: Mapping[UUID, Any]
    if key == AGE:
        columns = sa.inspect(Patient).local_table.c
        born = sa.select(columns.id, columns.birth_date).where(columns.id.in_(population))
        births = dict(iter(execute(born)))
        values = {
            who: age(rows, births.get(who))
            for who, rows in _of_each(execute, "tumour", population).items()
        }
    else:
        read = _status if key == STATUS else months
        values = {
            who: read(origin, row) for who, (origin, row) in lasts(execute, population).items()
        }
    return {who: [Entry(None, "", one)] for who, one in values.items() if one is not None}


def _sstr(execute: Execute, population: sa.Select[Any]) -> dict[UUID, list[Entry]]:
    """Of every examination with a score whether it was positive, as analyses have it."""
    return {
        who: [
            Entry(row["date"], str(row["id"]), _yes_no(int(row["krenning"])))
            for row in rows
            if row["krenning"]
        ]
        for who, rows in _of_each(execute, "imaging", population).items()
    }


def _yes_no(krenning: int) -> str:
    return "yes" if krenning >= KRENNING_POSITIVE_FROM else "no"


#: What is read of each entity.
_READ = {
    "imaging": ("id", "date", "krenning"),
    "tumour": ("id", "diagnosis_date", "age_at_diagnosis"),
    "follow_up": ("id", "vital_status", "date", "death_date", "interval", "interval_unit"),
}


def _of_each(execute: Execute, entity: str, population: sa.Select[Any]) -> dict[UUID, list[Row]]:
    table: sa.Table = sa.inspect(BY_NAME[entity]).local_table  # type: ignore[attr-defined]
    query = sa.select(table.c.patient_id, *(table.c[name] for name in _READ[entity])).where(
        table.c.patient_id.in_(population), table.c.error_at.is_(None)
    )
    rows: dict[UUID, list[Row]] = {}
    for row in execute(query).mappings():
        rows.setdefault(row["patient_id"], []).append(row)
    return rows


def lasts(execute: Execute, population: sa.Select[Any]) -> dict[UUID, tuple[Origin, Row]]:
    """Of everybody of research with a follow-up the first diagnosis and the follow-up that tells
    how they stand."""
    tumours = _of_each(execute, "tumour", population)
    found = {}
    for who, rows in _of_each(execute, "follow_up", population).items():
        origin = rules.first_diagnosis(one["diagnosis_date"] for one in tumours.get(who, ()))
        row = rules.last_standing(rows, origin)
        if row is not None:
            found[who] = (origin, row)
    return found


def _status(_origin: Origin, row: Row) -> Any:
    return row["vital_status"]


def months(origin: Origin, row: Row) -> Decimal | None:
    """From the diagnosis to death or the last contact: from days, else calendar months, else as a
    source states it."""
    since = rules.since(origin, row["death_date"] or row["date"])
    days: Decimal | None = Decimal(since.days) if since.days else None
    if days is None and since.months:
        return Decimal(since.months)
    if days is None:
        days = rules.interval_days(row["interval"], row["interval_unit"])
    return None if days is None else round(days / Decimal(str(DAYS_PER_MONTH)), 4)


def age(tumours: Iterable[Row], born: PartialDate | None) -> Decimal | Between | None:
    """Completed years at the first diagnosis: as stated, else from the dates; the lowest and the
    highest it can be where these are partial. None where they contradict each other."""
    first = min(tumours, key=_order)
    if first["age_at_diagnosis"] is not None:
        return Decimal(int(first["age_at_diagnosis"]))
    diagnosed: PartialDate | None = first["diagnosis_date"]
    if born is None or diagnosed is None or diagnosed.certainly_before(born):
        return None
    low = max(0, _full_years(born.latest, diagnosed.earliest))
    return Between(Decimal(low), Decimal(_full_years(born.earliest, diagnosed.latest)))


def _order(tumour: Row) -> tuple[bool, Any, str]:
    when = tumour["diagnosis_date"]
    return when is None, (when.earliest, when.iso) if when else (), str(tumour["id"])


def _full_years(start: date, end: date) -> int:
    return end.year - start.year - ((end.month, end.day) < (start.month, start.day))
