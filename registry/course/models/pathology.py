"""A pathology assessment of one specimen, with the grade as reported and as derived."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from registry.course.models.entry import (
    NOT_GIVEN,
    Entry,
    OfTumour,
    Recharacterised,
    SinceDiagnosis,
)
from registry.dates import PartialDate
from registry.db import Exact, Json, Model
from registry.dictionary import Identity, Level, technical, variable
from registry.language import lazy_gettext as _l


def _stain(label: Any) -> Any:
    return variable(label=label, codes="ihc_result", level=Level.MINIMAL, absent=NOT_GIVEN)


class Pathology(Entry, OfTumour, SinceDiagnosis, Recharacterised, Model):
    """What a pathologist reported, and beside it what the rules derive from it."""

    __tablename__ = "pathology"
    entity = "pathology"
    entity_label = _l("Pathology")
    entity_order = 20

    date: Mapped[PartialDate | None] = variable(
        label=_l("Date of specimen"),
        level=Level.MINIMAL,
        absent=NOT_GIVEN,
        item="specimen_date",
    )
    report_kind: Mapped[str | None] = variable(
        label=_l("Whose report"),
        help=_l("A central review names the local report of the same specimen."),
        codes="report_kind",
    )
    review_of_id: Mapped[UUID | None] = technical(sa.ForeignKey("pathology.id"), index=True)
    specimen_site: Mapped[str | None] = variable(
        label=_l("Specimen taken from"),
        codes="specimen_site",
        level=Level.MINIMAL,
        absent=("not_known",),
    )
    specimen_kind: Mapped[str | None] = variable(
        label=_l("Kind of specimen"),
        codes="specimen_kind",
        level=Level.MINIMAL,
        absent=("not_known",),
    )
    laboratory: Mapped[str | None] = variable(
        sa.String(200), label=_l("Laboratory"), identity=Identity.FREE_TEXT
    )
    differentiation: Mapped[str | None] = variable(
        label=_l("Differentiation"),
        help=_l("As the pathologist stated it; never concluded from Ki-67."),
        codes="differentiation",
        level=Level.MINIMAL,
        absent=NOT_GIVEN,
        mappings={"FHIR": "mcode-histologic-behavior-and-type", "CommNETs": "P10"},
    )
    cell_type: Mapped[str | None] = variable(
        label=_l("Cell type"),
        codes="cell_type",
        level=Level.MINIMAL,
        absent=("not_known",),
        show_if=("differentiation", {"poor"}),
    )
    morphology: Mapped[str | None] = variable(
        label=_l("Morphology"),
        help=_l("ICD-O-3.2 code or name. It does not decide the grade."),
        codes="morphology",
        level=Level.MINIMAL,
        absent=("not_known",),
        mappings={"FHIR": "mcode-tumor-morphology"},
    )
    ki67_percent: Mapped[str | None] = variable(
        sa.String(20),
        label=_l("Ki-67"),
        help=_l("A number (12), a range (3-20) or a limit (<3)."),
        kind="ki67",
        unit="%",
        level=Level.MINIMAL,
        absent=NOT_GIVEN,
        width=5,
        mappings={"FHIR": "mcode-tumor-marker-test", "CommNETs": "P9"},
    )
    mitoses_per_2mm2: Mapped[Decimal | None] = variable(
        Exact(),
        label=_l("Mitoses"),
        unit=_l("per 2 mm²"),
        plausible=(0, 100),
        possible=(0, 1000),
        level=Level.MINIMAL,
        absent=NOT_GIVEN,
    )
    necrosis: Mapped[str | None] = variable(
        label=_l("Necrosis"), codes="necrosis", level=Level.MINIMAL, absent=("not_known",)
    )
    mixed_component_pct: Mapped[Decimal | None] = variable(
        Exact(),
        label=_l("Neuroendocrine share of a mixed tumour"),
        help=_l("Only for mixed neoplasms (MiNEN)."),
        unit="%",
        possible=(0, 100),
    )
    type_stated: Mapped[str | None] = variable(
        label=_l("Type as reported"),
        help=_l("The kind of tumour in the report's own words; grade and code stand apart."),
        codes="tumour_type",
        absent=NOT_GIVEN,
    )
    grade_stated: Mapped[str | None] = variable(
        label=_l("Grade as reported"),
        codes="grade_stated",
        level=Level.MINIMAL,
        absent=NOT_GIVEN,
        mappings={"FHIR": "mcode-histologic-grade"},
    )
    grade_system: Mapped[str | None] = variable(
        label=_l("Grading edition"),
        codes="grade_system",
        level=Level.MINIMAL,
        absent=("not_known",),
    )
    nodes_examined: Mapped[Decimal | None] = variable(
        Exact(),
        label=_l("Lymph nodes examined"),
        plausible=(0, 60),
        possible=(0, 200),
        absent=NOT_GIVEN,
        mappings={"LOINC": "21894-1"},
    )
    nodes_positive: Mapped[Decimal | None] = variable(
        Exact(),
        label=_l("Lymph nodes with tumour"),
        plausible=(0, 40),
        possible=(0, 200),
        absent=NOT_GIVEN,
        mappings={"LOINC": "21893-3"},
    )
    lymphovascular_invasion: Mapped[str | None] = variable(
        label=_l("Invasion of lymph or blood vessels"), kind="yes_no", absent=NOT_GIVEN
    )
    perineural_invasion: Mapped[str | None] = variable(
        label=_l("Invasion along nerves"), kind="yes_no", absent=NOT_GIVEN
    )
    chromogranin_a_ihc: Mapped[str | None] = _stain(_l("Chromogranin A staining"))
    synaptophysin_ihc: Mapped[str | None] = _stain(_l("Synaptophysin staining"))
    sstr2_ihc: Mapped[str | None] = _stain(_l("SSTR2 staining"))
    insm1_ihc: Mapped[str | None] = variable(
        label=_l("INSM1 staining"), codes="ihc_result", absent=NOT_GIVEN
    )
    slides_available: Mapped[str | None] = variable(
        label=_l("Slides or blocks can be sent for review"), kind="yes_no", absent=("not_known",)
    )
    slides_status: Mapped[str | None] = variable(
        label=_l("Slides or blocks for review"), codes="transfer_status", absent=("not_known",)
    )
    slides_date: Mapped[PartialDate | None] = variable(
        label=_l("Since"),
        show_if=("slides_status", {"requested", "sent", "received", "returned"}),
    )
    central_review: Mapped[str | None] = variable(
        label=_l("Reviewed by a reference pathologist"),
        kind="yes_no",
        level=Level.MINIMAL,
        absent=("not_known",),
    )
    structured_report: Mapped[str | None] = variable(
        label=_l("Structured report"),
        kind="yes_no",
        level=Level.MINIMAL,
        absent=("not_known",),
        mappings={"CommNETs": "P11"},
    )
    note: Mapped[str | None] = variable(
        sa.Text(),
        label=_l("Report in words"),
        identity=Identity.FREE_TEXT,
    )

    derived_category: Mapped[str | None] = variable(
        sa.String(40), label=_l("Category, derived"), kind="derived", codes="grade_category"
    )
    derived_grade: Mapped[str | None] = variable(
        sa.String(10), label=_l("Grade, derived"), kind="derived"
    )
    derived_status: Mapped[str | None] = variable(
        sa.String(20), label=_l("Standing of the derived grade"), kind="derived"
    )
    derived_version: Mapped[str | None] = variable(
        sa.String(40), label=_l("Version of the grading rule"), kind="derived"
    )
    contradictions: Mapped[str | None] = variable(
        sa.String(400), label=_l("Contradictions found"), kind="derived"
    )
    derivation: Mapped[dict[str, Any] | None] = technical(Json)
    findings: Mapped[list[Any]] = technical(Json, default=list)
