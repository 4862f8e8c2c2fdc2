"""A response assessment: what the reader stated."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Mapped

from registry.course.models.entry import Entry, OfTumour, SinceDiagnosis
from registry.dates import PartialDate
from registry.db import Model
from registry.dictionary import Identity, Level, technical, variable


class Response(Entry, OfTumour, SinceDiagnosis, Model):
    """How the tumour answered, on a date, by a method."""

    __tablename__ = "response"
    entity = "response"
    entity_label = _l("Response")
    entity_order = 80

    therapy_id: Mapped[UUID | None] = technical(sa.ForeignKey("therapy.id"), index=True)
    date: Mapped[PartialDate | None] = variable(
        label=_l("Date of assessment"), level=Level.MINIMAL, absent=("not_known",)
    )
    criteria: Mapped[str | None] = variable(
        label=_l("Method"), codes="response_criteria", absent=("not_known",)
    )
    response_stated: Mapped[str | None] = variable(
        label=_l("Response as stated"),
        codes="response",
        level=Level.MINIMAL,
        absent=("not_known", "not_done"),
        item="best_response",
        mappings={"LOINC": "88040-1"},
    )
    new_lesion: Mapped[str | None] = variable(
        label=_l("New lesion"), kind="yes_no", absent=("not_known",)
    )
    note: Mapped[str | None] = variable(sa.Text(), label=_l("Note"), identity=Identity.FREE_TEXT)
