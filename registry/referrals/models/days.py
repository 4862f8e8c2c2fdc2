"""Days on which a centre does not work, and the mornings on which it was told what is late."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from registry.db import Model, Moment, new_id, now
from registry.dictionary import technical


class ClosedDay(Model):
    """A day on which a centre is closed, beside weekends and public holidays."""

    __tablename__ = "closed_day"
    __table_args__ = (sa.UniqueConstraint("organisation_id", "day", name="uq_closed_day_one"),)

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    organisation_id: Mapped[UUID] = technical(sa.ForeignKey("organisation.id"))
    day: Mapped[date] = technical(sa.Date())
    why: Mapped[str] = technical(sa.String(100), default="")
    added_by: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))


class MorningLook(Model):
    """On this day the centre's people were told what is late: once, however many workers look."""

    __tablename__ = "morning_look"

    organisation_id: Mapped[UUID] = technical(sa.ForeignKey("organisation.id"), primary_key=True)
    day: Mapped[date] = technical(sa.Date(), primary_key=True)
    at: Mapped[datetime] = technical(Moment(), default=now)
