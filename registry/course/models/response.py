"""Response: what the reader stated, the lesions measured, and what RECIST makes of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from registry.course.models.entry import Entry, OfTherapy, OfTumour, SinceDiagnosis
from registry.dates import PartialDate
from registry.db import Exact, Json, Model
from registry.dictionary import Identity, Level, technical, variable
from registry.language import lazy_gettext as _l


class OfBaseline:
    """Belongs to a series of measurements, named by its baseline assessment."""

    baseline_id: Mapped[UUID | None] = technical(sa.ForeignKey("response.id"), index=True)


class Response(Entry, OfTumour, OfTherapy, SinceDiagnosis, OfBaseline, Model):
    """How the tumour stood on a date, by a method; a baseline begins a series."""

    __tablename__ = "response"
    entity = "response"
    entity_label = _l("Response")
    entity_order = 78

    date: Mapped[PartialDate | None] = variable(
        label=_l("Date of assessment"), level=Level.MINIMAL, absent=("not_known",)
    )
    timepoint: Mapped[str | None] = variable(
        label=_l("Baseline or later"),
        help=_l("A baseline starts a series of measured lesions before a therapy."),
        codes="timepoint",
    )
    criteria: Mapped[str | None] = variable(
        label=_l("Method"), codes="response_criteria", absent=("not_known",)
    )
    response_stated: Mapped[str | None] = variable(
        label=_l("Response as stated"),
        codes="response",
        level=Level.MINIMAL,
        absent=("not_known", "not_done", "not_applicable"),
        item="best_response",
        mappings={"LOINC": "88040-1"},
    )
    non_target: Mapped[str | None] = variable(
        label=_l("Lesions not measured"), codes="non_target_response", absent=("not_known",)
    )
    new_lesion: Mapped[str | None] = variable(
        label=_l("New lesion"), codes="new_lesion", absent=("not_known",)
    )
    new_lesion_seen_on: Mapped[str | None] = variable(
        label=_l("New lesion seen on"),
        help=_l("A lesion seen on SSTR PET alone needs a match on CT or MRI to count."),
        codes="imaging_modality",
        show_if=("new_lesion", {"yes", "equivocal"}),
    )
    note: Mapped[str | None] = variable(sa.Text(), label=_l("Note"), identity=Identity.FREE_TEXT)

    derived_target: Mapped[str | None] = variable(
        sa.String(20),
        label=_l("Response of the target lesions, derived"),
        kind="derived",
        codes="target_response",
    )
    derived_response: Mapped[str | None] = variable(
        sa.String(20), label=_l("Response, derived"), kind="derived", codes="response"
    )
    derived_sum_mm: Mapped[Decimal | None] = variable(
        Exact(), label=_l("Sum of diameters"), kind="derived", unit="mm"
    )
    derived_nadir_mm: Mapped[Decimal | None] = variable(
        Exact(), label=_l("Smallest earlier sum"), kind="derived", unit="mm"
    )
    derived_status: Mapped[str | None] = variable(
        sa.String(20), label=_l("Standing of the derived response"), kind="derived"
    )
    derived_version: Mapped[str | None] = variable(
        sa.String(40), label=_l("Version of the response rule"), kind="derived"
    )
    contradictions: Mapped[str | None] = variable(
        sa.String(400), label=_l("Contradictions found"), kind="derived"
    )
    derivation: Mapped[dict[str, Any] | None] = technical(Json)
    findings: Mapped[list[Any]] = technical(Json, default=list)


class Lesion(Entry, OfTumour, OfBaseline, Model):
    """A lesion followed through a series; entered once, at the baseline."""

    __tablename__ = "lesion"
    entity = "lesion"
    entity_label = _l("Lesion")
    entity_order = 80
    dated_by = "first_seen"

    label: Mapped[str | None] = variable(
        sa.String(80),
        label=_l("Lesion"),
        help=_l("As the reader calls it, such as segment VII."),
        identity=Identity.FREE_TEXT,
    )
    organ: Mapped[str | None] = variable(
        label=_l("Organ"), help=_l("Paired organs count as one."), codes="lesion_organ"
    )
    is_node: Mapped[str | None] = variable(
        label=_l("Lymph node"), help=_l("Nodes are measured by the short axis."), kind="yes_no"
    )
    role: Mapped[str | None] = variable(label=_l("Target or not"), codes="lesion_role")
    treated_before: Mapped[str | None] = variable(
        label=_l("In an area treated before"), kind="yes_no", absent=("not_known",)
    )
    first_seen: Mapped[PartialDate | None] = variable(label=_l("First seen"), absent=("not_known",))
    note: Mapped[str | None] = variable(sa.Text(), label=_l("Note"), identity=Identity.FREE_TEXT)


class Measurement(Entry, Model):
    """One lesion at one assessment."""

    __tablename__ = "measurement"
    entity = "measurement"
    entity_label = _l("Measurement")
    entity_order = 82
    dated_by = "entered_at"

    lesion_id: Mapped[UUID | None] = technical(sa.ForeignKey("lesion.id"), index=True)
    response_id: Mapped[UUID | None] = technical(sa.ForeignKey("response.id"), index=True)
    size_mm: Mapped[Decimal | None] = variable(
        Exact(),
        label=_l("Size"),
        help=_l("Longest diameter; of a node the short axis."),
        unit="mm",
        plausible=(0, 250),
        possible=(0, 500),
    )
    state: Mapped[str | None] = variable(label=_l("How the lesion is"), codes="lesion_state")
