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
    "therapy": {"therapy_class": "surgery", "start-year": "2022", "start-month": "7"},
    "response": {"response_stated": "PR", "date-year": "2023"},
    "progression": {"date-year": "2024", "kind": "progression"},
    "follow_up": {"date-year": "2024", "vital_status": "alive", "ecog": "1"},
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
    **row: Any,
) -> Any:
    """An entry from plain JSON values: dates as text, numbers as text."""
    values, why = facts.from_json(entity, {**row, "absent": dict(absent or {})})
    links: dict[str, UUID] = {}
    if tumour is not None:
        links["tumour_id"] = tumour.id
    if therapy is not None:
        links["therapy_id"] = therapy.id
    return actions.add(entity, patient, by=by, values=values, absent=why, source=source, **links)


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


def hidden(page: str) -> dict[str, str]:
    """The hidden inputs of the entry's form."""
    found = {}
    for name in ("patient_id", "entity", "version", "seen", "entry_id"):
        mark = f'name="{name}" value="'
        if mark in page:
            found[name] = page.split(mark, 1)[1].split('"', 1)[0]
    return found


def a_course(patient: Patient, by: Viewer) -> dict[str, Any]:
    """A whole course: one of every kind, with dates, linked as they are in life."""
    primary = tumour(patient, by, functioning="yes", syndrome="insulinoma")
    return {
        "tumour": primary,
        "pathology": entry(
            "pathology", patient, by, tumour=primary, date="2022-05-10", differentiation="well",
            ki67_percent="8", mitoses_per_2mm2="3", grade_stated="G2", specimen_kind="resection",
        ),
        "staging": entry(
            "staging", patient, by, tumour=primary, date="2022-06", staging_system="AJCC8",
            t="T2", n="N0", m="M0", stage_stated="II",
        ),
        "imaging": entry(
            "imaging", patient, by, tumour=primary, date="2022-06-01", modality="PET_68GA_DOTATATE",
            krenning="3",
        ),
        "biomarker": entry(
            "biomarker", patient, by, analyte="CGA_MASS", value="120", unit="ng/mL",
            upper_limit="100", date="2022-06-01",
        ),
        "history": entry("history", patient, by, diabetes="no", date="2022"),
        "therapy": (surgery := entry(
            "therapy", patient, by, tumour=primary, therapy_class="surgery", start="2022-07-02",
            residual="R0",
        )),
        "response": entry(
            "response", patient, by, therapy=surgery, response_stated="CR", date="2022-10",
        ),
        "progression": entry(
            "progression", patient, by, tumour=primary, date="2024-03", kind="recurrence",
        ),
        "follow_up": entry(
            "follow_up", patient, by, date="2025-01-15", vital_status="alive", ecog="1",
            disease_status="worse",
        ),
        "stated_endpoint": entry(
            "stated_endpoint", patient, by, endpoint="PFS", time="19.7", time_unit="months",
        ),
    }  # fmt: skip
