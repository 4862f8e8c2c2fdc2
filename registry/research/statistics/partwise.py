"""What the figures of the network are made of, read from the record a few hundred patients at a
time: of each patient only what is counted is kept, so that memory hardly follows the record."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry.clinical.edit_checks.across.imaging import KRENNING_POSITIVE_FROM
from registry.clinical.endpoints import DAYS_PER_MONTH, Endpoint
from registry.course.models import BY_NAME
from registry.dates import PartialDate
from registry.db import db
from registry.patients.models import Patient
from registry.research import rules
from registry.research.cohorts import evaluating, lines
from registry.research.statistics import sequences
from registry.research.statistics.courses import Line
from registry.research.statistics.told import WINDOWS

#: Patients read at a time.
AT_ONCE = 250
POSITIVE, NEGATIVE = "positive", "negative"
MARKERS, SCALES = "markers", "scales"
#: Lines whose responses are told one by one, and from which it is told what followed.
LINES = (1, 2, 3)


class Latest:
    """In each window the latest value of each patient: two arrays, for there may be millions."""

    def __init__(self) -> None:
        self._who = {start: array("I") for start, _end in WINDOWS}
        self._value = {start: array("f") for start, _end in WINDOWS}

    def add(self, place: int, values: Sequence[tuple[float, float]]) -> None:
        """The values (months, value) of the patient at a place in the list of all."""
        for start, end in WINDOWS:
            within = [one for one in values if start <= one[0] < end]
            if within:
                self._who[start].append(place)
                self._value[start].append(max(within, key=lambda one: one[0])[1])

    def of(self, people: Sequence[UUID]) -> dict[int, dict[UUID, float]]:
        """By window, of whom and what."""
        found = {}
        for start, places in self._who.items():
            values = zip(places, self._value[start], strict=True)
            found[start] = {people[place]: value for place, value in values}
        return found


@dataclass
class Facts:
    """What is counted of everybody."""

    followed: dict[str, dict[UUID, tuple[int, bool]]] = field(
        default_factory=lambda: {"survival": {}, "pfs": {}, "ttnt": {}}
    )
    groups: dict[str, dict[UUID, str]] = field(
        default_factory=lambda: {"grade": {}, "sex": {}, "sstr": {}}
    )
    classes: dict[UUID, Mapping[int, str]] = field(default_factory=dict)
    best: dict[int, dict[UUID, str]] = field(default_factory=lambda: {one: {} for one in LINES})


def read(people: Sequence[UUID]) -> Facts:
    """How these people are followed, of which groups they are, and their lines."""
    facts = Facts()
    for place in range(0, len(people), AT_ONCE):
        some = people[place : place + AT_ONCE]
        within = sa.select(Patient.id).where(Patient.id.in_(some))
        own = {who: who for who in some}  # one object each, however often it is read
        _read_standing(facts, within, own)
        _read_lines(facts, within, own)
    return facts


def values(people: Sequence[UUID], what: str) -> dict[str, Latest]:
    """The `markers` or the `scales` of quality of life of these people over time."""
    found: dict[str, Latest] = {}
    for place in range(0, len(people), AT_ONCE):
        some = people[place : place + AT_ONCE]
        within = sa.select(Patient.id).where(Patient.id.in_(some))
        _read_values(found, what, within, {who: place + at for at, who in enumerate(some)})
    return found


def _read_standing(facts: Facts, within: sa.Select[Any], own: Mapping[UUID, UUID]) -> None:
    execute = db.session.execute
    facts.followed["survival"] |= {
        own[who]: found for who, found in evaluating.followed(execute, within).items()
    }
    for name, variable in (
        ("grade", "pathology.derived_category"),
        ("sex", "patient.sex_at_birth"),
        ("sstr", "imaging.krenning"),
    ):
        codes = evaluating.latest_codes(execute, variable, within)
        facts.groups[name] |= {
            own[who]: sstr(code) if name == "sstr" else code for who, code in codes.items()
        }


def sstr(score: str) -> str:
    """Is this Krenning score positive?"""
    return POSITIVE if int(score) >= KRENNING_POSITIVE_FROM else NEGATIVE


def _read_lines(facts: Facts, within: sa.Select[Any], own: Mapping[UUID, UUID]) -> None:
    for who, found in lines.of_patients(db.session.execute, within).items():
        if not found:
            continue
        [facts.classes[own[who]]] = sequences.of_classes(found)
        first = numbered(found, 1)
        if first is not None:
            for name, endpoint in (("pfs", first.pfs), ("ttnt", first.ttnt)):
                if until := _until(endpoint):
                    facts.followed[name][own[who]] = until
        for number in LINES:
            line = numbered(found, number)
            if line is not None and line.best:
                facts.best[number][own[who]] = line.best


def numbered(found: Sequence[Line], number: int) -> Line | None:
    """The first line of this number, of whichever tumour."""
    return next((one for one in found if one.number == number), None)


def _until(endpoint: Endpoint) -> tuple[int, bool] | None:
    """Days until the event or the last time it was known not to have happened."""
    if endpoint.days is None or endpoint.event is None:
        return None
    return endpoint.days, endpoint.event == 1


# -- markers and quality of life ---------------------------------------------------------------


def _read_values(
    kept: dict[str, Latest], what: str, within: sa.Select[Any], places: Mapping[UUID, int]
) -> None:
    begun = _first_diagnoses(within)
    found: dict[tuple[str, UUID], list[tuple[float, float]]] = {}
    for who, name, when, value in _markers(within) if what == MARKERS else _scales(within):
        months = _months(begun.get(who), when)
        if months is not None and months >= 0:
            found.setdefault((name, who), []).append((months, value))
    for (name, who), some in found.items():
        kept.setdefault(name, Latest()).add(places[who], some)


def _months(origin: PartialDate | None, when: PartialDate | None) -> float | None:
    """Months between two dates, where both are known to the month: from days, else whole ones."""
    since = rules.since(origin, when)
    if since.days:
        return int(since.days) / DAYS_PER_MONTH
    return float(since.months) if since.months else None


def _of(entity: str, within: sa.Select[Any], *names: str) -> Iterator[Any]:
    table: sa.Table = sa.inspect(BY_NAME[entity]).local_table  # type: ignore[attr-defined]
    query = sa.select(table.c.patient_id, *(table.c[name] for name in names)).where(
        table.c.patient_id.in_(within), table.c.error_at.is_(None)
    )
    yield from db.session.execute(query.order_by(table.c.id))


def _first_diagnoses(within: sa.Select[Any]) -> dict[UUID, PartialDate]:
    found: dict[UUID, list[PartialDate | None]] = {}
    for who, day in _of("tumour", within, "diagnosis_date"):
        found.setdefault(who, []).append(day)
    return {who: day for who, days in found.items() if (day := rules.first_diagnosis(days))}


def _markers(within: sa.Select[Any]) -> Iterator[tuple[UUID, str, PartialDate | None, float]]:
    """Markers as times the upper limit of normal that the laboratory stated."""
    for who, analyte, value, limit, day in _of(
        "biomarker", within, "analyte", "value", "upper_limit", "date"
    ):
        if analyte and value is not None and limit:
            yield who, analyte, day, float(value) / float(limit)


def _scales(within: sa.Select[Any]) -> Iterator[tuple[UUID, str, PartialDate | None, float]]:
    for who, scores, day in _of("questionnaire", within, "scores", "date"):
        for scale, score in (scores or {}).items():
            if score is not None:
                yield who, scale, day, float(score)
