"""A staging: T, N, M and stage as stated, and the stage group as derived."""

from __future__ import annotations

from typing import Any

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
from registry.db import Json, Model
from registry.dictionary import Identity, Level, technical, variable
from registry.language import lazy_gettext as _l


def _metastases(label: Any) -> Any:
    return variable(label=label, kind="yes_no", level=Level.MINIMAL, absent=NOT_GIVEN)


class Staging(Entry, OfTumour, SinceDiagnosis, Recharacterised, Model):
    """One staging in one system and edition; an old stage is never moved to a newer edition."""

    __tablename__ = "staging"
    entity = "staging"
    entity_label = _l("Staging")
    entity_order = 30

    date: Mapped[PartialDate | None] = variable(
        label=_l("Date of staging"),
        level=Level.MINIMAL,
        absent=NOT_GIVEN,
        item="staging_date",
    )
    staging_system: Mapped[str | None] = variable(
        label=_l("System and edition"),
        codes="staging_system",
        level=Level.MINIMAL,
        absent=("not_known",),
    )
    staging_prefix: Mapped[str | None] = variable(
        label=_l("Clinical or pathological"),
        codes="staging_prefix",
        level=Level.MINIMAL,
        absent=("not_known",),
    )
    t: Mapped[str | None] = variable(
        sa.String(20),
        label="T",
        codes="t_category",
        level=Level.MINIMAL,
        absent=NOT_GIVEN,
        mappings={"FHIR": "mcode-tnm-primary-tumor-category"},
    )
    n: Mapped[str | None] = variable(
        sa.String(20),
        label="N",
        codes="n_category",
        level=Level.MINIMAL,
        absent=NOT_GIVEN,
        mappings={"FHIR": "mcode-tnm-regional-nodes-category"},
    )
    m: Mapped[str | None] = variable(
        sa.String(20),
        label="M",
        codes="m_category",
        level=Level.MINIMAL,
        absent=NOT_GIVEN,
        mappings={"FHIR": "mcode-tnm-distant-metastases-category", "CommNETs": "P12"},
    )
    stage_stated: Mapped[str | None] = variable(
        label=_l("Stage as reported"),
        codes="stage_group",
        level=Level.MINIMAL,
        absent=NOT_GIVEN,
        mappings={"FHIR": "mcode-tnm-stage-group"},
    )
    extent_stated: Mapped[str | None] = variable(
        label=_l("Extent as reported"),
        help=_l("Where a source says how far the tumour has spread without T, N and M."),
        codes="extent",
        absent=NOT_GIVEN,
    )
    mets_liver: Mapped[str | None] = _metastases(_l("Liver metastases"))
    liver_burden: Mapped[str | None] = variable(
        label=_l("Share of liver involved"),
        codes="liver_burden",
        level=Level.MINIMAL,
        absent=NOT_GIVEN,
        show_if=("mets_liver", {"yes"}),
    )
    mets_nodes_distant: Mapped[str | None] = _metastases(_l("Distant lymph nodes"))
    mets_bone: Mapped[str | None] = _metastases(_l("Bone metastases"))
    mets_peritoneum: Mapped[str | None] = _metastases(_l("Peritoneal metastases"))
    mets_lung: Mapped[str | None] = _metastases(_l("Lung metastases"))
    mets_brain: Mapped[str | None] = _metastases(_l("Brain metastases"))
    note: Mapped[str | None] = variable(sa.Text(), label=_l("Note"), identity=Identity.FREE_TEXT)

    derived_stage: Mapped[str | None] = variable(
        sa.String(20), label=_l("Stage group, derived"), kind="derived", codes="stage_group"
    )
    derived_status: Mapped[str | None] = variable(
        sa.String(20), label=_l("Standing of the derived stage"), kind="derived"
    )
    derived_version: Mapped[str | None] = variable(
        sa.String(40), label=_l("Version of the staging table"), kind="derived"
    )
    contradictions: Mapped[str | None] = variable(
        sa.String(400), label=_l("Contradictions found"), kind="derived"
    )
    derivation: Mapped[dict[str, Any] | None] = technical(Json)
    findings: Mapped[list[Any]] = technical(Json, default=list)
