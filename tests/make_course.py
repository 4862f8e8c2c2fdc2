"""Builders of the course: an entry of each kind, and what a person fills in to make one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient

from registry.access import Viewer
from registry.course import actions, facts
from registry.patients.models import Patient
from tests import make

#: What a person fills in for one entry of each kind.
FILLED: dict[str, dict[str, str]] = {
    "tumour": {
        "primary_site": "C25.2",
        "diagnosis_date-year": "2022",
        "diagnosis_date-month": "5",
        "functioning": "no",
    },
    "pathology": {
        "date-year": "2022",
        "differentiation": "well",
        "ki67_percent": "8",
        "mitoses_per_2mm2": "3",
        "grade_stated": "G2",
    },
    "staging": {"staging_system": "AJCC8", "t": "T2", "n": "N0", "m": "M0", "stage_stated": "II"},
    "imaging": {"modality": "CT_MULTIPHASE", "date-year": "2022", "result": "Tail of pancreas"},
    "biomarker": {"analyte": "CGA_MASS", "value": "120", "unit": "ng/mL"},
    "history": {"diabetes": "no", "smoking": "never"},
    "therapy": {
        "therapy_class": "surgery",
        "start-year": "2022",
        "start-month": "7",
        "residual": "R0",
    },
    "response": {"response_stated": "PR", "date-year": "2023"},
    "progression": {"date-year": "2024", "kind": "progression"},
    "follow_up": {"date-year": "2024", "vital_status": "alive", "ecog": "1"},
    "metastasis": {"site": "liver", "date-year": "2023", "basis": "imaging"},
    "syndrome": {"syndrome": "carcinoid", "start-year": "2022", "control": "partly"},
    "heart_assessment": {"date-year": "2024", "carcinoid_heart_disease": "no"},
    "genomic_finding": {"gene": "MEN1", "origin": "germline", "finding": "none"},
    "cycle": {"number": "1", "date-year": "2023", "activity_gbq": "7.4"},
    "lesion": {"organ": "liver", "is_node": "no", "role": "target"},
    "measurement": {"state": "measured", "size_mm": "22"},
    "adverse_event": {"term": "Diarrhea", "grade": "2", "start-year": "2023"},
    "questionnaire": {"instrument": "QLQ-C30", "date-year": "2023", "answers-1": "2"},
    "symptom_diary": {"date-year": "2023", "flushing_per_day": "3", "pain": "2"},
    "late_effect": {"kind": "diabetes", "date-year": "2024"},
    "support_need": {"date-year": "2024", "needs": "nutrition"},
    "overview": {"date-year": "2022", "sstr_done": "yes", "prrt": "no"},
    "board_opinion": {"date-year": "2022", "recommendation": "evaluate_surgery"},
    "stated_endpoint": {"endpoint": "OS", "time": "19.7", "time_unit": "months"},
}


def entry(
    entity: str,
    patient: Patient,
    by: Viewer,
    *,
    absent: Mapping[str, Any] | None = None,
    tumour: Any = None,
    therapy: Any = None,
    source: tuple[str, str] = ("entered", ""),
    links: Mapping[str, Any] | None = None,
    **row: Any,
) -> Any:
    """An entry from plain JSON values: dates as text, numbers as text. `links`: name → entry."""
    values, why = facts.from_json(entity, {**row, "absent": dict(absent or {})})
    to = {"tumour": tumour, "therapy": therapy, **(links or {})}
    ids: dict[str, UUID] = {f"{name}_id": one.id for name, one in to.items() if one is not None}
    return actions.add(entity, patient, by=by, values=values, absent=why, source=source, **ids)


def tumour(patient: Patient, by: Viewer, site: str = "C25.2", **row: Any) -> Any:
    """A primary, of the tail of the pancreas unless said."""
    return entry(
        "tumour", patient, by, primary_site=site, **{"diagnosis_date": "2022-05-10", **row}
    )


def new_url(entity: str, patient: Patient) -> str:
    """Where an entry is added."""
    return f"/patients/{patient.id}/course/{entity}/new"


def edit_url(found: Any) -> str:
    """Where an entry is changed."""
    return f"/course/{found.entity}/{found.id}"


def fill(client: FlaskClient, url: str, answers: Mapping[str, str], **more: Any) -> Any:
    """Open a form, fill it in and send it, with everything the page itself sends along."""
    page = client.get(url)
    return make.post(client, url, {**hidden(page.text), **answers}, page.text, **more)


def keep(client: FlaskClient, url: str, answers: Mapping[str, str]) -> Any:
    """The same by somebody who looks again at what is unusual, and saves it as it is."""
    answer = fill(client, url, answers)
    if "Save as it is" not in answer.text:
        return answer
    return make.post(client, url, {**hidden(answer.text), **answers}, answer.text)


def hidden(page: str) -> dict[str, str]:
    """The hidden inputs of the entry's form."""
    found = {}
    for name in ("patient_id", "entity", "version", "seen", "entry_id"):
        mark = f'name="{name}" value="'
        if mark in page:
            found[name] = page.split(mark, 1)[1].split('"', 1)[0]
    return found


#: One entry of every kind, in the order they are made: what it belongs to, and what it says.
_COURSE: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "tumour": (
        {},
        {"primary_site": "C25.2", "diagnosis_date": "2022-05-10", "functioning": "yes",
         "syndrome": "insulinoma"},
    ),
    "therapy": (
        {"tumour": "tumour"},
        {"therapy_class": "surgery", "start": "2022-07-02", "residual": "R0"},
    ),
    "response": (
        {"therapy": "therapy"},
        {"response_stated": "CR", "date": "2022-10", "timepoint": "baseline"},
    ),
    "lesion": ({"baseline": "response"}, {"organ": "liver", "role": "target"}),
    "pathology": (
        {"tumour": "tumour"},
        {"date": "2022-05-10", "differentiation": "well", "ki67_percent": "8",
         "mitoses_per_2mm2": "3", "grade_stated": "G2", "specimen_kind": "resection"},
    ),
    "staging": (
        {"tumour": "tumour"},
        {"date": "2022-06", "staging_system": "AJCC8", "t": "T2", "n": "N0", "m": "M0",
         "stage_stated": "II"},
    ),
    "imaging": (
        {"tumour": "tumour"},
        {"date": "2022-06-01", "modality": "PET_68GA_DOTATATE", "krenning": "3"},
    ),
    "biomarker": (
        {},
        {"analyte": "CGA_MASS", "value": "120", "unit": "ng/mL", "upper_limit": "100",
         "date": "2022-06-01"},
    ),
    "history": ({}, {"diabetes": "no", "date": "2022"}),
    "progression": ({"tumour": "tumour"}, {"date": "2024-03", "kind": "recurrence"}),
    "follow_up": (
        {},
        {"date": "2025-01-15", "vital_status": "alive", "ecog": "1", "disease_status": "worse"},
    ),
    "measurement": (
        {"lesion": "lesion", "response": "response"}, {"state": "measured", "size_mm": "22"},
    ),
    "metastasis": ({"tumour": "tumour"}, {"site": "liver", "date": "2023-02"}),
    "syndrome": ({"tumour": "tumour"}, {"syndrome": "insulinoma", "start": "2022-03"}),
    "heart_assessment": ({}, {"date": "2023", "carcinoid_heart_disease": "no"}),
    "genomic_finding": ({"tumour": "tumour"}, {"gene": "MEN1", "finding": "none"}),
    "cycle": ({"therapy": "therapy"}, {"number": "1", "date": "2022-07-02"}),
    "adverse_event": (
        {"therapy": "therapy"}, {"term": "diarrhea", "grade": "2", "start": "2022-08"},
    ),
    "questionnaire": (
        {}, {"instrument": "QLQ-C30", "date": "2023-01-10", "answers": {"1": 2, "2": 1}},
    ),
    "symptom_diary": ({}, {"date": "2023-01-10", "flushing_per_day": "3", "pain": "2"}),
    "late_effect": ({"therapy": "therapy"}, {"kind": "diabetes", "date": "2023"}),
    "support_need": ({}, {"date": "2023", "needs": ["nutrition"]}),
    "overview": ({}, {"date": "2022-06", "prrt": "no", "sstr_done": "yes"}),
    "board_opinion": ({}, {"date": "2022-06-20", "recommendation": ["evaluate_surgery"]}),
    "stated_endpoint": ({}, {"endpoint": "PFS", "time": "19.7", "time_unit": "months"}),
}  # fmt: skip


def _needed(entity: str) -> set[str]:
    """The kinds an entry of this kind belongs to, through all links, and itself."""
    return {entity}.union(*(_needed(other) for other in _COURSE[entity][0].values()))


def a_course(patient: Patient, by: Viewer, *only: str) -> dict[str, Any]:
    """A whole course: one of every kind, with dates, linked as they are in life.

    With `only`, just entries of these kinds and those they belong to: quicker where the others do
    not matter.
    """
    wanted = set[str]().union(*map(_needed, only or _COURSE))
    made: dict[str, Any] = {}
    for name, (belongs, row) in _COURSE.items():
        if name in wanted:
            links = {link: made[other] for link, other in belongs.items()}
            made[name] = entry(name, patient, by, links=links, **row)
    return made
