"""Whether a recommendation reached who had to know it, and whether it was followed."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, relationship

from registry.boards.models.advice import Recommendation
from registry.boards.models.meeting import listed
from registry.boards.rules import delivery as rules
from registry.dates import PartialDate
from registry.db import Model, Moment, new_id, now
from registry.dictionary import technical


class Delivery(Model):
    """A letter on its way to the referring doctor, the family doctor or the patient.

    That the referring doctor has acknowledged stands on the `Advice`, and nowhere else.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        sa.CheckConstraint(f"recipient IN ({listed(rules.RECIPIENTS)})", name="recipient"),
        sa.UniqueConstraint("recommendation_id", "recipient", name="uq_delivery_recipient"),
        sa.CheckConstraint("(told_at IS NULL) = (told_by = '')", name="told"),
        sa.Index("ix_delivery_due_at", "due_at"),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    version: Mapped[int] = technical(default=1)
    recommendation_id: Mapped[UUID] = technical(sa.ForeignKey("recommendation.id"))
    recipient: Mapped[str] = technical(sa.String(20))
    address: Mapped[str] = technical(sa.String(400), default="")  # who has no account
    organisation_id: Mapped[UUID | None] = technical(sa.ForeignKey("organisation.id"), index=True)
    person_id: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
    advice_id: Mapped[UUID | None] = technical(sa.ForeignKey("advice.id"), index=True)
    due_at: Mapped[datetime] = technical(Moment())  # until it is acknowledged, or the patient told
    sent_at: Mapped[datetime | None] = technical(Moment())
    sent_by: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
    opened_at: Mapped[datetime | None] = technical(Moment())
    opened_by: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
    told_at: Mapped[datetime | None] = technical(Moment())  # the patient
    told_by: Mapped[str] = technical(sa.String(200), default="")
    reminded_at: Mapped[datetime | None] = technical(Moment())

    recommendation: Mapped[Recommendation] = relationship()

    __mapper_args__ = {"version_id_col": version}


class Implementation(Model):
    """Whether a recommendation was followed, as somebody saw it on a day. The last one holds."""

    __tablename__ = "implementation"
    __table_args__ = (
        sa.CheckConstraint(f"outcome IN ({listed(rules.OUTCOMES)})", name="outcome"),
        sa.CheckConstraint("outcome = 'done' OR reason <> ''", name="reason"),
        sa.Index("ix_implementation_recommendation_id", "recommendation_id", "at"),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    recommendation_id: Mapped[UUID] = technical(sa.ForeignKey("recommendation.id"))
    outcome: Mapped[str] = technical(sa.String(20))
    reason: Mapped[str] = technical(sa.String(30), default="")
    text: Mapped[str] = technical(sa.String(500), default="")
    option: Mapped[int | None] = technical()  # which of the ordered options was followed
    dated: Mapped[PartialDate | None] = technical()
    therapy_id: Mapped[UUID | None] = technical(sa.ForeignKey("therapy.id"), index=True)
    at: Mapped[datetime] = technical(Moment(), default=now)
    by: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
    organisation_id: Mapped[UUID | None] = technical(sa.ForeignKey("organisation.id"))
