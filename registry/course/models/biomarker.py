"""One measured marker or laboratory value, with its unit and upper limit."""

from __future__ import annotations

from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from registry.course.models.entry import Entry, SinceDiagnosis
from registry.dates import PartialDate
from registry.db import Exact, Model
from registry.dictionary import Identity, Level, variable
from registry.language import lazy_gettext as _l


class Biomarker(Entry, SinceDiagnosis, Model):
    """A value means nothing without its unit; it is never converted silently."""

    __tablename__ = "biomarker"
    entity = "biomarker"
    entity_label = _l("Marker or blood value")
    entity_order = 50

    analyte: Mapped[str | None] = variable(
        label=_l("Analyte"), codes="biomarker", level=Level.MINIMAL, item="hormone"
    )
    comparator: Mapped[str | None] = variable(
        label=_l("Above or below"),
        help=_l("Only where the laboratory gives a limit: <25 or >1000."),
        codes="comparator",
        level=Level.MINIMAL,
        mappings={"FHIR": "Quantity.comparator"},
    )
    value: Mapped[Decimal | None] = variable(
        Exact(),
        label=_l("Value"),
        possible=(0, 10_000_000),
        level=Level.MINIMAL,
        absent=("not_known", "not_done", "not_available"),
        item="cga_value",
    )
    unit: Mapped[str | None] = variable(
        sa.String(30), label=_l("Unit"), level=Level.MINIMAL, width=10
    )
    upper_limit: Mapped[Decimal | None] = variable(
        Exact(), label=_l("Upper limit of normal"), possible=(0, 10_000_000), level=Level.MINIMAL
    )
    date: Mapped[PartialDate | None] = variable(
        label=_l("Date"), level=Level.MINIMAL, absent=("not_known",), item="cga_date"
    )
    fasting: Mapped[str | None] = variable(
        label=_l("Fasting"), kind="yes_no", absent=("not_known",)
    )
    ppi: Mapped[str | None] = variable(
        label=_l("On a proton-pump inhibitor"),
        kind="yes_no",
        level=Level.MINIMAL,
        absent=("not_known",),
        item="cga_ppi",
    )
    assay: Mapped[str | None] = variable(
        sa.String(100), label=_l("Assay"), identity=Identity.FREE_TEXT
    )
