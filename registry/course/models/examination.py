"""Examinations of the heart and of genes."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from registry.course.models.entry import NOT_GIVEN, Entry, OfTumour
from registry.dates import PartialDate
from registry.db import Model
from registry.dictionary import Identity, variable
from registry.language import lazy_gettext as _l


def _valve(label: Any) -> Any:
    return variable(label=label, codes="valve_finding", absent=NOT_GIVEN)


class HeartAssessment(Entry, Model):
    """The heart in a functioning tumour: carcinoid heart disease, valve by valve."""

    __tablename__ = "heart_assessment"
    entity = "heart_assessment"
    entity_label = _l("Heart examination")
    entity_order = 54

    date: Mapped[PartialDate | None] = variable(
        label=_l("Date of examination"), absent=("not_known",)
    )
    carcinoid_heart_disease: Mapped[str | None] = variable(
        label=_l("Carcinoid heart disease"), codes="yes_no_not_examined", absent=("not_known",)
    )
    tricuspid: Mapped[str | None] = _valve(_l("Tricuspid valve"))
    pulmonary: Mapped[str | None] = _valve(_l("Pulmonary valve"))
    left_sided: Mapped[str | None] = _valve(_l("Mitral or aortic valve"))
    right_ventricle: Mapped[str | None] = variable(
        label=_l("Right ventricle"), codes="ventricle_finding", absent=NOT_GIVEN
    )
    note: Mapped[str | None] = variable(sa.Text(), label=_l("Note"), identity=Identity.FREE_TEXT)


class GenomicFinding(Entry, OfTumour, Model):
    """One gene examined: what was found, in the blood or in the tumour."""

    __tablename__ = "genomic_finding"
    entity = "genomic_finding"
    entity_label = _l("Genetic finding")
    entity_order = 56

    date: Mapped[PartialDate | None] = variable(label=_l("Date of report"), absent=("not_known",))
    gene: Mapped[str | None] = variable(
        label=_l("Gene or marker"), codes="gene", mappings={"FHIR": "mcode-genomic-variant"}
    )
    origin: Mapped[str | None] = variable(
        label=_l("Inherited or of the tumour"), codes="gene_origin", absent=("not_known",)
    )
    finding: Mapped[str | None] = variable(
        label=_l("Finding"), codes="gene_finding", absent=NOT_GIVEN
    )
    variant: Mapped[str | None] = variable(
        sa.String(200),
        label=_l("Variant"),
        help=_l("In HGVS notation, such as NM_130799.3:c.1A>G."),
        identity=Identity.FREE_TEXT,
        mappings={"ERDRI": "6.2"},
    )
    method: Mapped[str | None] = variable(
        label=_l("Method"), codes="gene_method", absent=("not_known",)
    )
    note: Mapped[str | None] = variable(sa.Text(), label=_l("Note"), identity=Identity.FREE_TEXT)
