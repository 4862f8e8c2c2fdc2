"""What this network added to the shipped code lists."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, relationship

from registry.db import Model, Moment, new_id, now
from registry.dictionary import technical
from registry.people.models.person import Person


class LocalCode(Model):
    """A code of our own in an open list. A retired one is still read and no longer offered."""

    __tablename__ = "local_code"
    __table_args__ = (sa.UniqueConstraint("list", "code", name="uq_local_code_list_code"),)

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    list: Mapped[str] = technical(sa.String(40))
    code: Mapped[str] = technical(sa.String(30))
    label: Mapped[str] = technical(sa.String(200))
    source: Mapped[str] = technical(sa.String(200))
    why: Mapped[str] = technical(sa.String(500), default="")
    added_at: Mapped[datetime] = technical(Moment(), default=now)
    added_by_id: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
    changed_at: Mapped[datetime] = technical(Moment(), default=now)
    retired_at: Mapped[datetime | None] = technical(Moment())
    version: Mapped[int] = technical(default=1)

    __mapper_args__ = {"version_id_col": version}

    added_by: Mapped[Person | None] = relationship()
