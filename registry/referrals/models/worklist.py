"""What somebody keeps of the worklist: views by name, and what they like to see on it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from registry.db import Json, Model, Moment, new_id, now
from registry.dictionary import technical


class SavedView(Model):
    """Filters and columns under a name: of one person at one centre, or shared with its team.

    Nothing of a patient stands in it.
    """

    __tablename__ = "saved_view"
    __table_args__ = (
        sa.UniqueConstraint("organisation_id", "person_id", "name", name="uq_saved_view_name"),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    person_id: Mapped[UUID] = technical(sa.ForeignKey("person.id"))
    organisation_id: Mapped[UUID] = technical(sa.ForeignKey("organisation.id"))
    name: Mapped[str] = technical(sa.String(60))
    filters: Mapped[dict[str, Any]] = technical(Json)  # as they stand in the address
    columns: Mapped[list[Any]] = technical(Json)
    shared: Mapped[bool] = technical(default=False)
    made_at: Mapped[datetime] = technical(Moment(), default=now)


class WorklistSetting(Model):
    """What a person likes on the worklist: its columns, and whether single keys do something."""

    __tablename__ = "worklist_setting"

    person_id: Mapped[UUID] = technical(sa.ForeignKey("person.id"), primary_key=True)
    columns: Mapped[list[Any]] = technical(Json, default=list)
    keys_off: Mapped[bool] = technical(default=False)
