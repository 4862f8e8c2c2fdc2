"""What the two sides say to each other, what a centre notes for itself, and who has read it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from registry.db import Model, Moment, new_id, now
from registry.dictionary import technical

MESSAGE, NOTE = "message", "note"


class Message(Model):
    """A message both sides read, or a note only the organisation that wrote it ever sees.

    Documents belong to it by their entry: kind `referral_message` and its id.
    """

    __tablename__ = "referral_message"
    __table_args__ = (
        sa.CheckConstraint(f"kind IN ('{MESSAGE}', '{NOTE}')", name="kind"),
        sa.Index("ix_referral_message_referral_id", "referral_id", "at", "id"),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    referral_id: Mapped[UUID] = technical(sa.ForeignKey("referral.id"))
    at: Mapped[datetime] = technical(Moment(), default=now)
    person_id: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
    organisation_id: Mapped[UUID | None] = technical(sa.ForeignKey("organisation.id"))
    kind: Mapped[str] = technical(sa.String(10), default=MESSAGE)
    text: Mapped[str] = technical(sa.Text())
    form_key: Mapped[UUID] = technical(unique=True, default=new_id)  # sent twice, kept once


class Reading(Model):
    """Until when somebody has read a referral: what was said later is new to them."""

    __tablename__ = "referral_reading"

    referral_id: Mapped[UUID] = technical(sa.ForeignKey("referral.id"), primary_key=True)
    person_id: Mapped[UUID] = technical(sa.ForeignKey("person.id"), primary_key=True)
    read_at: Mapped[datetime] = technical(Moment(), default=now)


class FormerCentre(Model):
    """A centre that had a referral and passed it on. It reads for a while what there was until it
    left, then only what it did itself."""

    __tablename__ = "former_centre"
    __table_args__ = (sa.Index("ix_former_centre_organisation_id", "organisation_id", "left_at"),)

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    referral_id: Mapped[UUID] = technical(sa.ForeignKey("referral.id"), index=True)
    organisation_id: Mapped[UUID] = technical(sa.ForeignKey("organisation.id"))
    from_at: Mapped[datetime] = technical(Moment())
    left_at: Mapped[datetime] = technical(Moment(), default=now)
