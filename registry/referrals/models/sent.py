"""What was sent with a referral, and what happened to it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from registry.db import Json, Model, Moment, new_id, now
from registry.dictionary import technical


class Submission(Model):
    """What was sent, frozen: facts keyed by dictionary variable, and what followed from them.

    No identity stands in it. The database refuses to change or remove one.
    """

    __tablename__ = "submission"
    __table_args__ = (
        sa.UniqueConstraint("referral_id", "number", name="uq_submission_number"),
        sa.CheckConstraint("number > 0", name="number"),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    referral_id: Mapped[UUID] = technical(sa.ForeignKey("referral.id"))
    number: Mapped[int] = technical()
    asked: Mapped[dict[str, Any]] = technical(Json)  # the referral's own variables
    facts: Mapped[dict[str, Any]] = technical(Json)  # entity to rows, as the course takes them
    derived: Mapped[dict[str, Any]] = technical(Json)  # grade, stage, urgency with their reasons
    missing: Mapped[list[Any]] = technical(Json)
    sent_at: Mapped[datetime] = technical(Moment(), default=now)
    sent_by: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
    organisation_id: Mapped[UUID | None] = technical(sa.ForeignKey("organisation.id"))


class ReferralEvent(Model):
    """A step that was taken: when, by whom, from which state to which."""

    __tablename__ = "referral_event"
    __table_args__ = (
        sa.CheckConstraint("shown_to IN ('both', 'centre')", name="shown_to"),
        sa.Index("ix_referral_event_referral_id", "referral_id", "at", "id"),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    referral_id: Mapped[UUID] = technical(sa.ForeignKey("referral.id"))
    at: Mapped[datetime] = technical(Moment(), default=now)
    person_id: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
    organisation_id: Mapped[UUID | None] = technical(sa.ForeignKey("organisation.id"))
    step: Mapped[str] = technical(sa.String(30))
    from_state: Mapped[str] = technical(sa.String(30))
    to_state: Mapped[str] = technical(sa.String(30))
    text: Mapped[str] = technical(sa.Text(), default="")
    shown_to: Mapped[str] = technical(sa.String(10), default="both")
    # What belongs to the step beside its text: the centre it went to, items asked for, days.
    details: Mapped[dict[str, Any]] = technical(Json, default=dict)
