"""One form for every entity of the course: fields from the dictionary, laid out in sections."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from registry.course import facts as facts_
from registry.course.models import BY_NAME
from registry.forms import Choice, Facts, HouseForm, Option, field_for


@dataclass(frozen=True)
class Section:
    """Questions that belong together. `folded`: shown on demand, for what is seldom stated."""

    title: Any
    names: tuple[str, ...]
    folded: bool = False
    hint: Any = ""


_AS_STATED = Section(
    _l("Where a source gives a time and no date"), ("interval", "interval_unit"), folded=True
)

SECTIONS: dict[str, tuple[Section, ...]] = {
    "tumour": (
        Section(
            _l("Primary tumour"),
            ("primary_site", "primary_size_mm", "laterality", "primary_multiple"),
        ),
        Section(
            _l("Diagnosis"),
            ("diagnosis_date", "diagnosis_basis", "first_symptom_date", "presentation"),
        ),
        Section(
            _l("Syndrome"),
            (
                "functioning",
                "syndrome",
                "flushing",
                "diarrhoea",
                "carcinoid_heart_disease",
                "echo_date",
                "hereditary_syndrome",
            ),
        ),
        Section(_l("Metastases"), ("metastatic_sites", "note")),
        Section(
            _l("Where a source gives an age and no dates"),
            ("age_at_diagnosis", "age_group_stated"),
            folded=True,
        ),
    ),
    "pathology": (
        Section(_l("Specimen"), ("date", "specimen_kind", "specimen_site", "laboratory")),
        Section(
            _l("What decides the grade"),
            (
                "differentiation",
                "cell_type",
                "ki67_percent",
                "mitoses_per_2mm2",
                "necrosis",
                "mixed_component_pct",
            ),
        ),
        Section(
            _l("As reported"),
            ("grade_stated", "grade_system", "type_stated", "morphology"),
            hint=_l("What the report says is kept as it says it, whatever the numbers say."),
        ),
        Section(
            _l("Nodes and invasion"),
            (
                "nodes_examined",
                "nodes_positive",
                "lymphovascular_invasion",
                "perineural_invasion",
            ),
        ),
        Section(
            _l("Staining and review"),
            (
                "chromogranin_a_ihc",
                "synaptophysin_ihc",
                "sstr2_ihc",
                "central_review",
                "structured_report",
                "slides_available",
                "change_kind",
                "note",
            ),
        ),
        _AS_STATED,
    ),
    "staging": (
        Section(
            _l("When and by which system"),
            ("date", "staging_system", "staging_prefix", "change_kind"),
        ),
        Section(_l("T, N, M and stage"), ("t", "n", "m", "stage_stated", "extent_stated")),
        Section(
            _l("Metastases"),
            (
                "mets_liver",
                "liver_burden",
                "mets_nodes_distant",
                "mets_bone",
                "mets_peritoneum",
                "mets_lung",
                "mets_brain",
                "note",
            ),
        ),
        _AS_STATED,
    ),
    "imaging": (
        Section(_l("Examination"), ("modality", "date", "images_sent")),
        Section(_l("Result"), ("krenning", "fdg_result", "result")),
        _AS_STATED,
    ),
    "biomarker": (
        Section(
            _l("Value"),
            ("analyte", "date", "comparator", "value", "unit", "upper_limit", "assay"),
        ),
        Section(_l("What bears on it"), ("fasting", "ppi")),
        _AS_STATED,
    ),
    "history": (
        Section(
            _l("Illnesses"),
            (
                "date",
                "cardiac_comorbidity",
                "renal_comorbidity",
                "diabetes",
                "other_malignancy",
                "family_history_endocrine",
            ),
        ),
        Section(
            _l("Habits, exposure, body"),
            ("smoking", "asbestos_exposure", "radiation_exposure", "height_cm", "note"),
        ),
        Section(_l("As a source states it"), ("race_stated",), folded=True),
    ),
    "therapy": (
        Section(
            _l("What was given"),
            ("therapy_class", "agent", "agent_stated", "intent", "dose", "cycles", "residual"),
        ),
        Section(
            _l("From when to when"), ("start", "stop", "stop_reason", "best_response", "note")
        ),
        _AS_STATED,
    ),
    "response": (
        Section(
            _l("Assessment"), ("date", "criteria", "response_stated", "new_lesion", "note")
        ),
        _AS_STATED,
    ),
    "progression": (
        Section(_l("What happened"), ("date", "kind", "basis", "sites", "note")),
        _AS_STATED,
    ),
    "follow_up": (
        Section(
            _l("Contact"), ("date", "vital_status", "death_date", "death_cause")
        ),
        Section(
            _l("How the patient is"), ("disease_status", "ecog", "weight_kg", "note")
        ),
        _AS_STATED,
    ),
    "stated_endpoint": (
        Section(_l("As the source states it"), ("endpoint", "time", "time_unit", "event",
                                                "starts_at")),
    ),
}  # fmt: skip

#: What an entry is nothing without: the question, and what to do. An absence answers it too.
KEY_QUESTION = {
    "tumour": ("primary_site", _l("Enter the primary site, or that it is not known.")),
    "imaging": ("modality", _l("Choose the examination.")),
    "biomarker": ("analyte", _l("Choose what was measured.")),
    "therapy": ("therapy_class", _l("Choose the kind of therapy.")),
    "response": ("response_stated", _l("Choose the response, or why it is not stated.")),
    "progression": ("date", _l("Enter the date, or that it is not known.")),
    "follow_up": ("date", _l("Enter the date of contact, or that it is not known.")),
    "stated_endpoint": ("endpoint", _l("Choose the endpoint.")),
}


def sections(entity: str) -> tuple[Section, ...]:
    """How the questions of an entity are laid out."""
    return SECTIONS[entity]


class EntryForm(HouseForm):
    """A form for one entry of the course."""

    entity: str
    links: tuple[str, ...] = ()

    def validate(self, extra_validators: Any = None) -> bool:
        """Check every field; an entry must say at least what it is about."""
        fine = bool(super().validate(extra_validators))
        name, message = KEY_QUESTION.get(self.entity, ("", ""))
        if name and self[name].is_empty and not self[name].errors:
            self[name].errors.append(str(message))
            return False
        if fine and not name and self.stated().is_empty:
            first = self[sections(self.entity)[0].names[0]]
            first.errors.append(_("Nothing is entered yet."))
            return False
        return fine

    def stated(self) -> Facts:
        """What the form says, without the answers to questions that do not arise."""
        said = self.facts(facts_.names(self.entity))
        values = {name: None if value == [] else value for name, value in said.values.items()}
        absent = dict(said.absent)
        for name in said.values:
            if not self.arises(name):
                values[name] = None
                absent.pop(name, None)
        return Facts(values, absent)

    def arises(self, name: str) -> bool:
        """Is the question asked, given the answer it depends on?"""
        condition = self[name].show_if
        if condition is None:
            return True
        return self.arises(condition[0]) and self[condition[0]].data in condition[1]

    def link(self, name: str) -> str:
        """The chosen tumour or therapy; empty where none is asked for or chosen."""
        return (self[name].data or "") if name in self.links else ""

    @property
    def used(self) -> set[str]:
        """The questions that have an answer, an error or a warning."""
        return {f.short_name for f in self if not f.is_empty or f.errors or f.warnings}

    def refuse(self, field: str, message: str) -> None:
        """Show a refusal where it belongs; where there is no such field, at the first one."""
        name = field.removesuffix("_id") if field not in self else field
        place = self[name] if name in self else self[sections(self.entity)[0].names[0]]
        place.errors.append(message)

    def warn(self, field: str, message: str) -> None:
        """Show a warning where it belongs."""
        self[field].warnings.append(message)

    @property
    def mark(self) -> str:
        """A mark of the warnings now shown; sent back with the form it says they were seen."""
        if not self.warnings:
            return ""
        said = {name: [self[name].warnings, str(self[name].data)] for name in self.warnings}
        text = json.dumps(said, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@cache
def _fields(entity: str) -> Mapping[str, Any]:
    model = BY_NAME[entity]
    return {name: field_for(model, name) for name in facts_.names(entity)}


def form_class(
    entity: str, *, tumours: Sequence[Option] = (), therapies: Sequence[Option] = ()
) -> type[EntryForm]:
    """The form of an entity. With `tumours` or `therapies` it also asks which one is meant."""
    links: dict[str, Any] = {}
    if tumours:
        links["tumour"] = Choice(_l("About which tumour"), options=list(tumours))
    if therapies:
        links["therapy"] = Choice(_l("Response to which therapy"), options=list(therapies))
    members = {**_fields(entity), **links, "entity": entity, "links": tuple(links)}
    return type(f"{entity.title().replace('_', '')}Form", (EntryForm,), members)


def stored(entry: Any) -> dict[str, Any]:
    """What a form shows of an entry: its values and links."""
    links = {
        name: str(getattr(entry, f"{name}_id") or "")
        for name in ("tumour", "therapy")
        if hasattr(entry, f"{name}_id")
    }
    return {**facts_.stated(entry), **links}


def laid_out(entity: str) -> Iterable[str]:
    """Every question that stands in a section."""
    return [name for section in SECTIONS[entity] for name in section.names]
