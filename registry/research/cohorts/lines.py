"""Lines of therapy as variables of a cohort: derived from the record each time, kept nowhere."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry.clinical.endpoints import DAYS_PER_MONTH, Endpoint
from registry.course.models import BY_NAME
from registry.dates import PartialDate
from registry.language import lazy_gettext as _l
from registry.research.cohorts.criteria import Subject
from registry.research.cohorts.deciding import Between, Entry
from registry.research.statistics.courses import Course, Line, lines, recorded

#: Lines that can be asked for one by one.
NUMBERS = (1, 2, 3)
_COUNT = "lines.number"
#: The entity of any line, and what a criterion calls the start of one as an event.
_ANY, _NUMBERED = "line", "line_"
#: What lines are made of, by kind of entry: reading whole rows of everybody takes twice as long.
_READ = {
    "therapy": (
        "id", "tumour_id", "therapy_class", "agent", "agent_stated", "intent", "setting", "start",
        "stop", "stop_reason", "best_response", "line_override", "line_override_reason",
    ),
    "progression": ("id", "tumour_id", "date", "basis"),
    "response": ("id", "therapy_id", "date", "timepoint", "response_stated", "derived_response"),
    "follow_up": ("id", "date", "death_date", "vital_status"),
}  # fmt: skip


def _months(endpoint: Endpoint) -> Decimal | Between | None:
    """The months of an endpoint; at least so many where it was cut short."""
    if endpoint.days is None:
        return None
    months = Decimal(str(round(endpoint.days / DAYS_PER_MONTH, 4)))
    return months if endpoint.event else Between(months)


#: The variables of a line: name, words, code list, kind, unit, and how it is read.
_VARIABLES: tuple[tuple[str, Any, str, str, Any, Callable[[Line], Any]], ...] = (
    ("class", _l("Class of therapy"), "therapy_class", "codes", "",
     lambda line: list(line.classes)),
    ("agent", _l("Agent, regimen or procedure"), "therapy", "codes", "",
     lambda line: list(line.agents)),
    ("best_response", _l("Best response"), "response", "text", "", lambda line: line.best),
    ("pfs_months", _l("Progression-free survival"), "", "number", _l("months"),
     lambda line: _months(line.pfs)),
    ("ttnt_months", _l("Time to next treatment"), "", "number", _l("months"),
     lambda line: _months(line.ttnt)),
)  # fmt: skip


def subjects() -> dict[str, Subject]:
    """What can be asked of lines: how many there are, of any, and of each of the first three."""
    label = str(_l("Lines of therapy, derived"))
    found = [Subject(_COUNT, str(_l("Number of lines")), label, "number", dated=False)]
    any_line = str(_l("Any line, derived"))
    found.append(Subject(f"{_ANY}.number", str(_l("Which line")), any_line, "number"))
    found += _of_entity(_ANY, any_line)
    for number in NUMBERS:
        found += _of_entity(f"{_NUMBERED}{number}", str(_l("Line %(n)s, derived", n=number)))
    return {one.key: one for one in found}


def _of_entity(entity: str, label: str) -> list[Subject]:
    return [
        Subject(f"{entity}.{name}", str(words), label, kind, codes, str(unit))
        for name, words, codes, kind, unit, _read in _VARIABLES
    ]


def is_of_lines(key: str) -> bool:
    """Is this variable (entity.name) one of lines?"""
    return key.partition(".")[0] in ("lines", _ANY) or key.startswith(_NUMBERED)


def of_patients(
    execute: Callable[[sa.Select[Any]], Any], population: sa.Select[Any]
) -> dict[UUID, list[Line]]:
    """The palliative systemic lines of everybody of research, one query a kind of entry."""
    rows: dict[UUID, dict[str, list[Any]]] = {}
    for entity, names in _READ.items():
        table: sa.Table = sa.inspect(BY_NAME[entity]).local_table  # type: ignore[attr-defined]
        query = sa.select(table.c.patient_id, *(table.c[name] for name in names)).where(
            table.c.patient_id.in_(population), table.c.error_at.is_(None)
        )
        for row in execute(query.order_by(table.c.id)).mappings():
            rows.setdefault(row["patient_id"], {}).setdefault(entity, []).append(row)
    return {
        patient: lines(str(patient), _course(own), recorded, "id")
        for patient, own in rows.items()
        if "therapy" in own
    }


def _course(own: dict[str, list[Any]]) -> Course:
    responses = [{**row, "therapy_id": str(row["therapy_id"] or "")} for row in
                 own.get("response", ())]  # fmt: skip
    return Course(own["therapy"], own.get("progression", ()), responses, own.get("follow_up", ()))


def entries(found: dict[UUID, list[Line]], key: str) -> dict[UUID, list[Entry]]:
    """The values of a variable of lines, by patient; a line is dated by its start."""
    if key == _COUNT:
        return {
            patient: [Entry(None, "", max(line.number for line in own))]
            for patient, own in found.items()
            if own
        }
    entity, _dot, name = key.partition(".")
    wanted = None if entity == _ANY else int(entity.removeprefix(_NUMBERED))
    return {
        patient: [
            Entry(PartialDate(line.start), f"{line.tumour}/{line.number}", _read(line, name))
            for line in some
        ]
        for patient, own in found.items()
        if (some := [line for line in own if wanted in (None, line.number)])
    }


def _read(line: Line, name: str) -> Any:
    if name == "number":
        return Decimal(line.number)
    return next(one[-1] for one in _VARIABLES if one[0] == name)(line)


def starts(found: dict[UUID, list[Line]], event: str) -> dict[UUID, PartialDate]:
    """When the line of an event (`line_2`) began, of every patient who had it."""
    number = int(event.removeprefix(_NUMBERED))
    return {
        patient: min(begun)
        for patient, own in found.items()
        if (begun := [PartialDate(line.start) for line in own if line.number == number])
    }
