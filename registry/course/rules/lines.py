"""Lines of therapy: derived from all therapies and progressions, beside what somebody overruled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from registry.clinical import tables, therapy_lines
from registry.clinical.results import N_, Reason

#: Classes whose kind decides, not the mechanism: they open no line of their own.
_BY_CLASS = therapy_lines.LOCAL_CLASSES | therapy_lines.UNNUMBERED_CLASSES
_ADJUNCTIVE = frozenset({"maintenance", "adjuvant"})


@dataclass(frozen=True)
class Given:
    """A therapy as the record has it: its id, its tumour's id, and its columns."""

    id: str
    tumour_id: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class TherapyLine:
    """The line of a therapy: the number that counts (None for no line), the derived one, and why.

    `overruled`: somebody stated another line, for the reason in `reasons`.
    """

    number: int | None
    derived: int | None
    overruled: bool
    reasons: tuple[Reason, ...]


def lines(
    therapies: Sequence[Given], progressions: Iterable[tuple[str, str]]
) -> dict[str, TherapyLine]:
    """The line of every therapy, by its id, each tumour counted apart.

    `progressions` are (tumour id, ISO date). A therapy that names no tumour is counted with the
    others that name none; where there is only one tumour, with those of that one.
    """
    progressed = list(progressions)
    named = {one.tumour_id for one in therapies if one.tumour_id}
    named |= {tumour for tumour, _day in progressed if tumour}
    only = next(iter(named)) if len(named) == 1 else ""
    found: dict[str, TherapyLine] = {}
    for tumour in sorted({one.tumour_id or only for one in therapies}):
        own = [one for one in therapies if (one.tumour_id or only) == tumour]
        days = [day for where, day in progressed if (where or only) in (tumour, "")]
        found |= _of_one(own, days)
    return found


def _of_one(therapies: Sequence[Given], days: Sequence[str]) -> dict[str, TherapyLine]:
    dated = [one for one in therapies if one.values.get("start")]
    found = {
        one.id: _overruled(one, None, (Reason(N_("The start is not known: no line is derived.")),))
        for one in therapies
        if not one.values.get("start")
    }
    read = [(one, _read(one.values)) for one in dated]
    places = {id(therapy): one for one, therapy in read}
    for line in therapy_lines.therapy_lines([therapy for _one, therapy in read], list(days)):
        one = places[id(line.therapy)]
        found[one.id] = _overruled(one, line.number, (line.reason,))
    return found


def _overruled(one: Given, derived: int | None, reasons: tuple[Reason, ...]) -> TherapyLine:
    stated = one.values.get("line_override")
    if stated is None:
        return TherapyLine(derived, derived, False, reasons)
    why = one.values.get("line_override_reason") or ""
    overruled = Reason(N_("Overruled: %(why)s"), {"why": why})
    return TherapyLine(int(stated) or None, derived, True, (overruled, *reasons))


def _read(values: Mapping[str, Any]) -> therapy_lines.Therapy:
    """A therapy as the rule reads it."""
    agent = values.get("agent") or ""
    row = tables.by_key("therapies", "therapy_id").get(agent)
    kind = values.get("therapy_class") or (row["class"] if row else "")
    if kind not in _BY_CLASS and row:
        kind = therapy_lines.mechanism(agent)
    drugs = row["components"].split("+") if row and row["components"] else []
    named = drugs or [values.get("agent_stated") or agent or kind or "?"]
    setting = values.get("setting")
    return therapy_lines.Therapy(
        start=_iso(values.get("start")),
        drugs=tuple(drug.strip() for drug in named),
        kind=kind,
        intent=values.get("intent") or therapy_lines.PALLIATIVE,
        end=_iso(values.get("stop")),
        stop_reason=values.get("stop_reason") or "",
        background=setting == "background",
        adjunctive=setting in _ADJUNCTIVE,
    )


def _iso(date: Any) -> str:
    return "" if date is None else str(getattr(date, "iso", date))


def usual(agent: str | None) -> Mapping[str, str]:
    """What the catalogue says of an agent: class, usual schedule, safety; empty for another."""
    return tables.by_key("therapies", "therapy_id").get(agent or "") or {}


def class_of(agent: str | None) -> str:
    """The kind of therapy an agent belongs to; empty for an agent the catalogue does not have."""
    row = tables.by_key("codes/therapy", "code").get(agent or "")
    return row["class"] if row else ""
