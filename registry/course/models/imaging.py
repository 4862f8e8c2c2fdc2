"""An imaging examination: what was done, when, and what it showed."""

from __future__ import annotations

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Mapped

from registry.course.models.entry import NOT_GIVEN, Entry, OfTumour, SinceDiagnosis
from registry.dates import PartialDate
from registry.db import Model
from registry.dictionary import Identity, Level, variable


class Imaging(Entry, OfTumour, SinceDiagnosis, Model):
    """One examination. Pictures stay in the hospital's archive."""

    __tablename__ = "imaging"
    entity = "imaging"
    entity_label = _l("Imaging")
    entity_order = 40

    modality: Mapped[str | None] = variable(
        label=_l("Examination"), codes="imaging_modality", level=Level.MINIMAL, item="sstr_tracer"
    )
    date: Mapped[PartialDate | None] = variable(
        label=_l("Date of examination"),
        level=Level.MINIMAL,
        absent=NOT_GIVEN,
        item="ct_mri_date",
    )
    krenning: Mapped[str | None] = variable(
        label=_l("Krenning score"),
        help=_l("Only for SSTR imaging: uptake compared with liver and spleen."),
        codes="krenning",
        level=Level.MINIMAL,
        absent=NOT_GIVEN,
        item="sstr_score",
    )
    fdg_result: Mapped[str | None] = variable(
        label=_l("FDG uptake"),
        help=_l("Only for FDG PET."),
        codes="fdg_result",
        level=Level.MINIMAL,
        absent=NOT_GIVEN,
    )
    images_sent: Mapped[str | None] = variable(
        label=_l("Images sent to the centre"), kind="yes_no", absent=("not_known",)
    )
    result: Mapped[str | None] = variable(
        sa.Text(), label=_l("Result in words"), identity=Identity.FREE_TEXT
    )
