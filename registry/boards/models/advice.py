"""What a board recommends: written live, every save kept, locked by the chair's signature.

The advice that the referrer gets is `referrals.Advice`; here stand the board's own parts of it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, relationship

from registry.boards.models.agenda import AgendaItem
from registry.db import Json, Model, Moment, new_id, now
from registry.dictionary import technical
from registry.people.models import Person


class Recommendation(Model):
    """One version of what was recommended. `draft` is as typed until it is signed; then `content`
    is what was signed and nothing of the row changes: a trigger refuses it, and its hash stands in
    a sealed entry of the audit."""

    __tablename__ = "recommendation"
    __table_args__ = (
        sa.UniqueConstraint("item_id", "number", name="uq_recommendation_number"),
        sa.CheckConstraint("number > 0", name="number"),
        sa.CheckConstraint("(number = 1) = (amended_because = '')", name="amended"),
        sa.CheckConstraint("(locked_at IS NULL) = (sha256 = '')", name="locked"),
        sa.CheckConstraint("(locked_at IS NULL) = (content IS NULL)", name="content"),
        sa.Index("ix_recommendation_review", "review_date"),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    item_id: Mapped[UUID] = technical(sa.ForeignKey("agenda_item.id"))
    number: Mapped[int] = technical(default=1)
    amended_because: Mapped[str] = technical(sa.String(500), default="")
    revision: Mapped[int] = technical(default=0)
    draft: Mapped[dict[str, Any] | None] = technical(Json)
    saved_at: Mapped[datetime] = technical(Moment(), default=now)
    saved_by: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
    content: Mapped[dict[str, Any] | None] = technical(Json)
    review_date: Mapped[str | None] = technical(sa.String(10))  # of the content, to be found by
    locked_at: Mapped[datetime | None] = technical(Moment())
    sha256: Mapped[str] = technical(sa.String(64), default="")

    item: Mapped[AgendaItem] = relationship()
    signatures: Mapped[list[Signature]] = relationship(order_by="Signature.at")
    dissents: Mapped[list[Dissent]] = relationship(order_by="Dissent.id")


class RecommendationEdit(Model):
    """What stood in a draft after a save: nothing anybody typed is lost, and two who write at once
    are brought together by what each began with."""

    __tablename__ = "recommendation_edit"
    __table_args__ = (
        sa.UniqueConstraint("recommendation_id", "revision", name="uq_recommendation_edit_one"),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    recommendation_id: Mapped[UUID] = technical(sa.ForeignKey("recommendation.id"))
    revision: Mapped[int] = technical()
    typed: Mapped[dict[str, Any]] = technical(Json)
    at: Mapped[datetime] = technical(Moment(), default=now)
    by: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))


class Dissent(Model):
    """A member or guest disagrees, in their own words. Belongs to the text that is signed."""

    __tablename__ = "dissent"

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    recommendation_id: Mapped[UUID] = technical(sa.ForeignKey("recommendation.id"), index=True)
    person_id: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
    who: Mapped[str] = technical(sa.String(200))
    text: Mapped[str] = technical(sa.Text())
    at: Mapped[datetime] = technical(Moment(), default=now)


class Signature(Model):
    """Somebody signed a recommendation: the chair, and where the board wants it a second one."""

    __tablename__ = "signature"
    __table_args__ = (
        sa.UniqueConstraint("recommendation_id", "person_id", name="uq_signature_one"),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    recommendation_id: Mapped[UUID] = technical(sa.ForeignKey("recommendation.id"))
    person_id: Mapped[UUID] = technical(sa.ForeignKey("person.id"))
    at: Mapped[datetime] = technical(Moment(), default=now)

    person: Mapped[Person] = relationship()
