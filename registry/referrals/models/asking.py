"""What the centre asked for."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from registry.db import Json, Model, Moment, new_id, now
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
    items: Mapped[list[Any]] = technical(Json, default=list)  # of the level-1 data set
    # Who is asked, where that is not the doctor who referred: the hospital passes it on.
    asked_of: Mapped[str | None] = technical(sa.String(120))
    by_date: Mapped[date | None] = technical(sa.Date())
    stops_clock: Mapped[bool] = technical(default=True)  # not in the urgent lane
    answer: Mapped[str] = technical(sa.Text(), default="")  # in words, where no form was sent
    withdrawn_at: Mapped[datetime | None] = technical(Moment())  # taken back, or decided without
    reminded_at: Mapped[datetime | None] = technical(Moment())  # the hospital was told it is late
