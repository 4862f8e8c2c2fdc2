"""What the centre asked for."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from registry.db import Model, Moment, new_id, now
from registry.dictionary import technical


class InformationRequest(Model):
    """What the centre asked for before it decides. It stops the centre's clock, never the
    patient's."""

    __tablename__ = "information_request"
    __table_args__ = (
        sa.CheckConstraint("(answered_at IS NULL) = (answered_by IS NULL)", name="answered"),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    referral_id: Mapped[UUID] = technical(sa.ForeignKey("referral.id"), index=True)
    what: Mapped[str] = technical(sa.Text())
    asked_at: Mapped[datetime] = technical(Moment(), default=now)
    asked_by: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
    answered_at: Mapped[datetime | None] = technical(Moment())
    answered_by: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
