"""What somebody who is consulted thinks of a case."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, relationship

from registry.boards.models.meeting import listed
from registry.boards.rules import meetings as rules
from registry.db import Model, Moment, new_id, now
from registry.dictionary import technical
from registry.people.models import Person


class Vote(Model):
    """One opinion a person and case; it can be changed until the case is decided."""

    __tablename__ = "board_vote"
    __table_args__ = (
        sa.UniqueConstraint("item_id", "person_id", name="uq_board_vote_one"),
        sa.CheckConstraint(f"choice IN ({listed(rules.CHOICES)})", name="choice"),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    item_id: Mapped[UUID] = technical(sa.ForeignKey("agenda_item.id"))
    person_id: Mapped[UUID] = technical(sa.ForeignKey("person.id"))
    choice: Mapped[str] = technical(sa.String(20))
    text: Mapped[str] = technical(sa.Text(), default="")
    at: Mapped[datetime] = technical(Moment(), default=now)

    person: Mapped[Person] = relationship()
