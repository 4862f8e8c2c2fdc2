"""The advice given."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from registry.db import Json, Model, Moment, new_id, now
from registry.dictionary import Identity, technical, variable
from registry.language import lazy_gettext as _l


class Advice(Model):
    """What a clinician of the centre advised, coded and in words; later acknowledged."""

    __tablename__ = "advice"
    __table_args__ = (
        sa.CheckConstraint(
            "(acknowledged_at IS NULL) = (acknowledged_by IS NULL)", name="acknowledged"
        ),
    )
    entity = "advice"
    entity_label = _l("Advice")
    entity_order = 3

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    referral_id: Mapped[UUID] = technical(sa.ForeignKey("referral.id"), index=True)
    kinds: Mapped[list[Any] | None] = variable(
        Json, label=_l("Kind of advice"), kind="codes", codes="advice_kind", item="recommendation"
    )
    text: Mapped[str | None] = variable(
        sa.Text(), label=_l("Advice in words"), identity=Identity.FREE_TEXT
    )
    at: Mapped[datetime] = technical(Moment(), default=now)
    given_by: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
    organisation_id: Mapped[UUID | None] = technical(sa.ForeignKey("organisation.id"))
    acknowledged_at: Mapped[datetime | None] = technical(Moment())
    acknowledged_by: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
