"""A primary tumour: where, when found and how, and its syndrome."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from registry.course.models.entry import Entry
from registry.dates import PartialDate
from registry.db import Exact, Json, Model
from registry.dictionary import Identity, Level, variable
from registry.language import lazy_gettext as _l

#: What is asked of the syndrome of a tumour, in this order.
SYNDROME = (
    "functioning", "syndrome", "flushing", "diarrhoea", "carcinoid_heart_disease", "echo_date",
    "hereditary_syndrome",
)  # fmt: skip


class Tumour(Entry, Model):
    """One primary (or a tumour of unknown primary). A patient may have several."""

    __tablename__ = "tumour"
    entity = "tumour"
    entity_label = _l("Tumour")
    entity_order = 10
    dated_by = "diagnosis_date"

    primary_site: Mapped[str | None] = variable(
        label=_l("Primary site"),
        help=_l("Type a name or an ICD-O-3 code. Unknown primary is C80.9."),
        codes="topography",
        level=Level.MINIMAL,
        absent=("not_known", "not_available"),
        mappings={"FHIR": "Condition.bodySite", "OMOP": "condition_occurrence", "CommNETs": "P8"},
    )
    primary_multiple: Mapped[str | None] = variable(
        label=_l("Several primaries"),
        kind="yes_no",
        level=Level.MINIMAL,
        absent=("not_known",),
    )
    primary_size_mm: Mapped[Decimal | None] = variable(
        Exact(),
        label=_l("Largest size of the primary"),
        unit="mm",
        plausible=(1, 200),
        possible=(0, 500),
        level=Level.MINIMAL,
        absent=("not_known", "not_available"),
        mappings={"FHIR": "mcode-tumor-size"},
    )
    diagnosis_date: Mapped[PartialDate | None] = variable(
        label=_l("Date of diagnosis"),
        help=_l("Date of the pathology report; else of the first positive imaging."),
        level=Level.MINIMAL,
        absent=("not_known", "not_available"),
        mappings={"FHIR": "Condition.onsetDateTime"},
    )
    diagnosis_basis: Mapped[str | None] = variable(
        label=_l("Basis of diagnosis"),
        codes="diagnosis_basis",
        level=Level.MINIMAL,
        absent=("not_known",),
    )
    age_at_diagnosis: Mapped[Decimal | None] = variable(
        Exact(),
        label=_l("Age at diagnosis, as stated"),
        help=_l("Only where the source gives an age and no dates."),
        unit=_l("years"),
        possible=(0, 120),
        identity=Identity.QUASI,
        mappings={"ERDRI": "5.2"},
    )
    age_group_stated: Mapped[str | None] = variable(
        sa.String(20),
        label=_l("Age group at diagnosis, as stated"),
        help=_l("Only where the source gives a group, such as 65-69 or 85+."),
        unit=_l("years"),
        identity=Identity.QUASI,
    )
    first_symptom_date: Mapped[PartialDate | None] = variable(
        label=_l("First symptom"),
        level=Level.MINIMAL,
        absent=("not_known", "not_applicable"),
        mappings={"ERDRI": "5.1"},
    )
    presentation: Mapped[str | None] = variable(
        label=_l("How it was found"),
        codes="presentation",
        level=Level.MINIMAL,
        absent=("not_known",),
    )
    functioning: Mapped[str | None] = variable(
        label=_l("Functioning tumour"),
        help=_l("Does it cause a hormonal syndrome?"),
        kind="yes_no",
        level=Level.MINIMAL,
        absent=("not_known",),
    )
    syndrome: Mapped[str | None] = variable(
        label=_l("Functioning syndrome"),
        codes="functioning_syndrome",
        level=Level.MINIMAL,
        absent=("not_known",),
        show_if=("functioning", {"yes"}),
    )
    flushing: Mapped[str | None] = variable(
        label=_l("Flushing"), kind="yes_no", level=Level.MINIMAL, absent=("not_known",)
    )
    diarrhoea: Mapped[str | None] = variable(
        label=_l("Diarrhoea"), kind="yes_no", level=Level.MINIMAL, absent=("not_known",)
    )
    carcinoid_heart_disease: Mapped[str | None] = variable(
        label=_l("Carcinoid heart disease"),
        kind="yes_no",
        level=Level.MINIMAL,
        absent=("not_known", "not_done"),
        show_if=("functioning", {"yes"}),
    )
    echo_date: Mapped[PartialDate | None] = variable(
        label=_l("Date of echocardiogram"),
        level=Level.MINIMAL,
        absent=("not_known", "not_done"),
        show_if=("functioning", {"yes"}),
    )
    hereditary_syndrome: Mapped[str | None] = variable(
        label=_l("Hereditary syndrome"),
        codes="hereditary_syndrome",
        level=Level.MINIMAL,
        absent=("not_known", "not_done"),
    )
    laterality: Mapped[str | None] = variable(
        label=_l("Side"), codes="laterality", absent=("not_known", "not_applicable")
    )
    metastatic_sites: Mapped[list[Any] | None] = variable(
        Json,
        label=_l("Metastases found in"),
        kind="codes",
        codes="metastatic_site",
        level=Level.MINIMAL,
        absent=("not_applicable", "not_known"),
        item="mets_other",
    )
    note: Mapped[str | None] = variable(sa.Text(), label=_l("Note"), identity=Identity.FREE_TEXT)
