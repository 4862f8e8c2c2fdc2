"""An imaging examination: what was done, when, and what it showed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from registry.course.models.entry import NOT_GIVEN, Entry, OfTumour, SinceDiagnosis
from registry.dates import PartialDate
from registry.db import Exact, Json, Model
from registry.dictionary import Identity, Level, variable
from registry.language import lazy_gettext as _l


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
    krenning_scale: Mapped[str | None] = variable(
        label=_l("Which Krenning scale"),
        help=_l("Planar and PET scores are not the same scale."),
        codes="krenning_scale",
        absent=("not_known",),
    )
    suv_max: Mapped[Decimal | None] = variable(
        Exact(),
        label=_l("Highest uptake (SUVmax)"),
        plausible=(1, 150),
        possible=(0, 500),
        absent=NOT_GIVEN,
    )
    fdg_result: Mapped[str | None] = variable(
        label=_l("FDG uptake"),
        help=_l("Only for FDG PET."),
        codes="fdg_result",
        level=Level.MINIMAL,
        absent=NOT_GIVEN,
    )
    netpet: Mapped[str | None] = variable(
        label=_l("NETPET grade"),
        help=_l("SSTR and FDG PET read together; enter it with the later of the two."),
        codes="netpet",
        absent=NOT_GIVEN,
    )
    sites: Mapped[list[Any] | None] = variable(
        Json, label=_l("Tumour seen in"), kind="codes", codes="imaging_site"
    )
    images_sent: Mapped[str | None] = variable(
        label=_l("Images sent to the centre"), kind="yes_no", absent=("not_known",)
    )
    transfer_status: Mapped[str | None] = variable(
        label=_l("Transfer of the images"),
        help=_l("The images stay in the hospitals' archives; what is kept here is where they are."),
        codes="transfer_status",
    )
    transfer_date: Mapped[PartialDate | None] = variable(
        label=_l("Since"),
        show_if=("transfer_status", {"requested", "sent", "received", "returned"}),
    )
    archive_link: Mapped[str | None] = variable(
        sa.String(500),
        label=_l("Link to the images"),
        help=_l("An address in your image archive or viewer that begins with https://."),
        kind="link",
        identity=Identity.FREE_TEXT,
    )
    result: Mapped[str | None] = variable(
        sa.Text(), label=_l("Result in words"), identity=Identity.FREE_TEXT
    )
