"""Life after treatment: late effects that are there, and needs that are not met yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from registry import codes
from registry.access import Viewer
from registry.chart.panels import Opened
from registry.course import wording
from registry.knowledge import queries as knowledge
from registry.knowledge.queries import Contact
from registry.patients.models import Patient

#: What was offered that meets a need; the codes of support_offered by those of support_need.
_MEETS = {
    "information": {"nurse", "patient_organisation"},
    "nutrition": {"dietitian"},
    "pain": {"pain_service", "palliative_service"},
    "fatigue": {"rehabilitation"},
    "anxiety": {"psycho_oncology"},
    "family": {"psycho_oncology", "social_work"},
    "work": {"social_work"},
    "travel": {"social_work"},
    "genetics": {"genetic_counselling"},
    "palliative": {"palliative_service"},
    "peer": {"patient_organisation"},
}


@dataclass(frozen=True)
class Effect:
    """A late effect that has not gone."""

    code: str
    text: str
    since: str
    grade: str


@dataclass(frozen=True)
class Need:
    """Something the patient asked for, when, and whether anything was offered for it."""

    code: str
    text: str
    asked: str
    offered: str  # in words; empty where nothing that meets it was offered


@dataclass(frozen=True)
class Survivorship:
    """What stays after treatment, what is needed, and who can help."""

    patient_id: UUID
    country: str
    effects: list[Effect]
    needs: list[Need]
    contacts: list[Contact]


def of_patient(opened: Opened) -> Survivorship:
    """Late effects, needs and contacts of a patient."""
    record = opened.record
    effects, needs = record.of("late_effect"), record.of("support_need")
    return told(opened.viewer, opened.patient, effects, needs)


def told(viewer: Viewer, patient: Patient, effects: list[Any], asked: list[Any]) -> Survivorship:
    """The same from entries that were read already, oldest first."""
    return Survivorship(
        patient.id,
        patient.country or "",
        [_effect(one) for one in effects if one.resolved_date is None and one.kind],
        unmet(asked),
        knowledge.support_for(viewer, patient.country),
    )


def _effect(entry: Any) -> Effect:
    return Effect(
        entry.kind,
        wording.value("late_effect", "kind", entry.kind),
        wording.when(entry),
        wording.value("late_effect", "grade", entry.grade),
    )


def unmet(asked: list[Any]) -> list[Need]:
    """The needs not met yet, by the latest time each was named.

    A need is met when what was offered then or later fits it and the patient did not refuse. Being
    asked again without naming it says that it is over.
    """
    open_needs: dict[str, Need] = {}
    for entry in asked:
        named = [code for code in entry.needs or [] if code != "none"]
        if entry.needs:
            open_needs = {code: one for code, one in open_needs.items() if code in named}
        offered = set(entry.offered or [])
        for code in [*open_needs, *named]:
            fitting = offered & _MEETS.get(code, offered)
            if fitting and entry.accepted_offer == "yes":
                open_needs.pop(code, None)
                continue
            before = open_needs.get(code)
            words = ", ".join(codes.label("support_offered", one) for one in sorted(fitting))
            open_needs[code] = Need(
                code,
                codes.label("support_need", code),
                before.asked if before else wording.when(entry),
                words or (before.offered if before else ""),
            )
    return list(open_needs.values())
