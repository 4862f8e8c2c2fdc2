"""Overall survival from the files of a release: who is followed how long, and in which group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from registry import codes as vocabularies
from registry.clinical.edit_checks.across.imaging import KRENNING_POSITIVE_FROM
from registry.clinical.endpoints import DAYS_PER_MONTH
from registry.language import lazy_gettext as _l
from registry.research.statistics import figures
from registry.research.statistics.survival import (
    CENSORED,
    EVENT,
    Curve,
    LogRank,
    Point,
    Times,
    follow_up,
    kaplan_meier,
    log_rank,
)

#: The groups that can be compared: file and column they are made from, and their name.
GROUPS = {
    "sex": ("patients.csv", "sex_at_birth", _l("Sex at birth")),
    "age": ("patients.csv", "age_at_diagnosis", _l("Age at diagnosis")),
    "grade": ("pathology.csv", "derived_category", _l("Category, from the latest pathology")),
    "sstr": ("imaging.csv", "krenning", _l("SSTR, from the latest Krenning score")),
}
_AGES = ((50, "18-49"), (65, "50-64"), (75, "65-74"))
_MONTHS = {"days": 1 / DAYS_PER_MONTH, "weeks": 7 / DAYS_PER_MONTH, "months": 1.0, "years": 12.0}

Row = Mapping[str, str]


@dataclass(frozen=True)
class Subject:
    """Whom a curve follows (a patient, or a line of one), how many months, and until what."""

    key: str
    months: float
    kind: int


@dataclass(frozen=True)
class Group:
    """One curve, its table and its medians, in months."""

    name: str
    curve: Curve
    points: list[Point]
    median: float | None
    low: float | None
    high: float | None
    followed: float | None


@dataclass(frozen=True)
class Survival:
    """The curves of a release, whole or by group."""

    groups: list[Group]
    times: list[float]
    tested: LogRank | None
    n: int
    events: int
    of: Times
    kept: list[Subject]


def is_possible(files: Mapping[str, Sequence[str]]) -> bool:
    """Does the release have vital status and a time?"""
    return {"vital_status", "follow_up_days"} <= set(files.get("patients.csv", ()))


def months(row: Row) -> float | None:
    """Time from diagnosis to death or last contact in months: from days, else calendar months,
    else as a source states it."""
    if row.get("follow_up_days"):
        return int(row["follow_up_days"]) / DAYS_PER_MONTH
    if row.get("follow_up_months"):
        return float(row["follow_up_months"])
    unit = _MONTHS.get(row.get("follow_up_unit", ""))
    stated = row.get("follow_up_interval")
    return float(Decimal(stated)) * unit if stated and unit else None


def groups_of(group: str, patients: Iterable[Row], others: Iterable[Row]) -> dict[str, str]:
    """The group of each patient, in words; who is in none is not in the dictionary."""
    if group == "sex":
        return {
            row["patient_id"]: vocabularies.label("sex_at_birth", row["sex_at_birth"])
            for row in patients
            if row.get("sex_at_birth")
        }
    if group == "age":
        return {
            row["patient_id"]: _age(row["age_at_diagnosis"])
            for row in patients
            if row.get("age_at_diagnosis")
        }
    latest = _latest(others, GROUPS[group][1])
    if group == "sstr":
        return {patient: str(_sstr(score)) for patient, score in latest.items()}
    return {patient: vocabularies.label("grade_category", code) for patient, code in latest.items()}


def _latest(rows: Iterable[Row], column: str) -> dict[str, str]:
    """What the latest row of each patient says that says something."""
    found: dict[str, tuple[int, str]] = {}
    for row in rows:
        if not row.get(column):
            continue
        when = int(row.get("date_days") or -(10**6))
        if when >= found.get(row["patient_id"], (-(10**9), ""))[0]:
            found[row["patient_id"]] = (when, row[column])
    return {patient: value for patient, (_when, value) in found.items()}


def _sstr(score: str) -> Any:
    positive = int(score) >= KRENNING_POSITIVE_FROM
    return _l("SSTR positive") if positive else _l("SSTR negative")


def _age(text: str) -> str:
    """The group of an age, or of a band of ages where all of it lies in one; else the band."""
    low, _dash, high = text.partition("-")
    groups = {_age_group(one) for one in (low, high or low)}
    return groups.pop() if len(groups) == 1 else text


def _age_group(text: str) -> str:
    years = int(text.strip("<+"))
    return next((name for limit, name in _AGES if years < limit), "75+")


def age_as_number(text: str) -> str:
    """An age in years, the middle of a band; empty where there is none."""
    low, _dash, high = text.strip("<+").partition("-")
    return str((int(low) + int(high) + 1) // 2) if high else low


def subjects(patients: Iterable[Row]) -> list[Subject]:
    """Everybody with a status and a time, from diagnosis on."""
    return [
        Subject(row["patient_id"], time, EVENT if row["vital_status"] == "dead" else CENSORED)
        for row in patients
        if row.get("vital_status") in ("alive", "dead")
        and (time := months(row)) is not None
        and time >= 0
    ]


def curves(
    found: Sequence[Subject], named: Mapping[str, str] | None, landmark: float | None = None
) -> Survival | None:
    """The curves of these subjects, by group where there are names; None where nobody is left.

    Who has no name is left out, and all but the seven largest groups. With a landmark those who
    are still followed then, counted from it.
    """
    kept = [one for one in found if named is None or one.key in named]
    if landmark:
        kept = [replace(one, months=one.months - landmark) for one in kept if one.months > landmark]
    if named is not None:
        sizes = Counter(named[one.key] for one in kept)
        largest = sorted(sizes, key=lambda one: (-sizes[one], one))[: figures.MOST_GROUPS]
        kept = [one for one in kept if named[one.key] in largest]
    if not kept:
        return None
    times = Times(
        tuple(one.months for one in kept),
        tuple(one.kind for one in kept),
        None if named is None else tuple(named[one.key] for one in kept),
    )
    names: list[str | None] = list(times.names()) or [None]
    fitted = [(name or "", kaplan_meier(times.of(name)), times.of(name)) for name in names]
    ticks = figures.moments(figures.longest([curve for _name, curve, _one in fitted]))
    return Survival(
        [_group(name, curve, one, ticks) for name, curve, one in fitted],
        ticks,
        log_rank(times),
        len(kept),
        times.kinds.count(EVENT),
        times,
        kept,
    )


def _group(name: str, curve: Curve, times: Times, ticks: Sequence[float]) -> Group:
    low, high = curve.median_interval()
    return Group(
        name,
        curve,
        [curve.at(time) for time in ticks],
        curve.median(),
        low,
        high,
        follow_up(times).median(),
    )


def drawn(found: Survival) -> list[figures.Drawn]:
    """The curves for the figure, with the same numbers at risk as the table."""
    return [
        figures.Drawn(one.name, one.curve, tuple(str(point.at_risk) for point in one.points))
        for one in found.groups
    ]
