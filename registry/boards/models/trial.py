"""The directory of trials that a network keeps."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from registry.boards.models.meeting import listed
from registry.boards.rules import trials as rules
from registry.db import Json, Model, Moment, new_id, now
from registry.dictionary import technical


class Trial(Model):
    """A trial with its criteria as data (`rules.trials`)."""

    __tablename__ = "trial"
    __table_args__ = (sa.CheckConstraint(f"status IN ({listed(rules.STATUSES)})", name="status"),)

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    version: Mapped[int] = technical(default=1)
    code: Mapped[str] = technical(sa.String(40), unique=True)  # such as an NCT number
    title: Mapped[str] = technical(sa.String(300))
    phase: Mapped[str] = technical(sa.String(20), default="")
    status: Mapped[str] = technical(sa.String(20))
    countries: Mapped[list[Any]] = technical(Json, default=list)
    contact: Mapped[str] = technical(sa.String(300), default="")
    link: Mapped[str] = technical(sa.String(500), default="")
    criteria: Mapped[dict[str, Any]] = technical(Json, default=dict)
    checked_on: Mapped[str] = technical(sa.String(10), default="")
    changed_at: Mapped[datetime] = technical(Moment(), default=now)
    changed_by: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))

    __mapper_args__ = {"version_id_col": version}
