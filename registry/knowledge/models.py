"""Where patients find support, country by country; kept by the administrator."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from registry.db import Json, Model, Moment, new_id, now
from registry.dictionary import technical


class SupportContact(Model):
    """A patient organisation, helpline or service, given with the patient's summary letter."""

    __tablename__ = "support_contact"
    __table_args__ = (sa.Index("ix_support_contact_country", "country", "active"),)

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    version: Mapped[int] = technical(default=1)
    country: Mapped[str] = technical(sa.String(40))  # a code; empty: for every country
    kind: Mapped[str] = technical(sa.String(40))
    name: Mapped[str] = technical(sa.String(200))
    what_for: Mapped[str] = technical(sa.String(400), default="")
    website: Mapped[str] = technical(sa.String(500), default="")
    telephone: Mapped[str] = technical(sa.String(60), default="")
    email: Mapped[str] = technical(sa.String(200), default="")
    languages: Mapped[list[Any]] = technical(Json, default=list)
    active: Mapped[bool] = technical(default=True)
    changed_at: Mapped[datetime] = technical(Moment(), default=now)
    changed_by: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))

    __mapper_args__ = {"version_id_col": version}
