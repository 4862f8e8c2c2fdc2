"""Overall survival from the files of a release: who is followed how long, and in which group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from flask_babel import lazy_gettext as _l

from registry import codes as vocabularies
from registry.clinical.endpoints import DAYS_PER_MONTH
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
}
_AGES = ((50, "18-49"), (65, "50-64"), (75, "65-74"))
_MONTHS = {"days": 1 / DAYS_PER_MONTH, "weeks": 7 / DAYS_PER_MONTH, "months": 1.0, "years": 12.0}

Row = Mapping[str, str]


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
    """Overall survival of a release, whole or by group."""

    groups: list[Group]
    times: list[float]
    tested: LogRank | None
    n: int
    events: int
    left_out: int


def can_group(files: Mapping[str, Sequence[str]]) -> list[str]:
    """Which groups the files of a release (name → header) can make."""
    return [key for key, (file, column, _label) in GROUPS.items() if column in files.get(file, ())]


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
    latest: dict[str, tuple[int, str]] = {}
    for row in others:
        if not row.get("derived_category"):
            continue
        when = int(row.get("date_days") or -(10**6))
        if when >= latest.get(row["patient_id"], (-(10**9), ""))[0]:
            latest[row["patient_id"]] = (when, row["derived_category"])
    return {
        patient: vocabularies.label("grade_category", code)
        for patient, (_when, code) in latest.items()
    }


def _age(text: str) -> str:
    years = int(text.rstrip("+"))
    return next((name for limit, name in _AGES if years < limit), "75+")


def survival(patients: Sequence[Row], named: Mapping[str, str] | None) -> Survival | None:
    """The curves; None where nobody has a status and a time. The seven largest groups."""
    kept = [
        (time, EVENT if row["vital_status"] == "dead" else CENSORED, row["patient_id"])
        for row in patients
        if row.get("vital_status") in ("alive", "dead")
        and (time := months(row)) is not None
        and time >= 0
        and (named is None or row["patient_id"] in named)
    ]
    if named is not None:
        sizes: dict[str, int] = {}
        for _time, _kind, patient in kept:
            sizes[named[patient]] = sizes.get(named[patient], 0) + 1
        largest = sorted(sizes, key=lambda one: (-sizes[one], one))[: figures.MOST_GROUPS]
        kept = [one for one in kept if named[one[2]] in largest]
    if not kept:
        return None
    times = Times(
        tuple(time for time, _kind, _patient in kept),
        tuple(kind for _time, kind, _patient in kept),
        None if named is None else tuple(named[patient] for _time, _kind, patient in kept),
    )
    curves = [(name or "", times.of(name)) for name in (times.names() or [None])]  # type: ignore[list-item]
    fitted = [(name, kaplan_meier(one), one) for name, one in curves]
    ticks = figures.moments(figures.longest([curve for _name, curve, _one in fitted]))
    return Survival(
        [_group(name, curve, one, ticks) for name, curve, one in fitted],
        ticks,
        log_rank(times),
        len(kept),
        times.kinds.count(EVENT),
        len(patients) - len(kept),
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
