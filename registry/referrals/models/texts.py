"""Texts that somebody keeps for themselves."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from registry.db import Model, Moment, new_id, now
from registry.dictionary import technical


class TextBlock(Model):
    """A text that somebody writes again and again, kept for themselves. It is about no patient."""

    __tablename__ = "text_block"
    __table_args__ = (sa.UniqueConstraint("person_id", "label", name="uq_text_block_label"),)

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    person_id: Mapped[UUID] = technical(sa.ForeignKey("person.id"))
    label: Mapped[str] = technical(sa.String(80))
    text: Mapped[str] = technical(sa.Text())
    changed_at: Mapped[datetime] = technical(Moment(), default=now)
