"""Hospitals, reference centres and the network's office."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from registry.db import Json, Model, new_id
from registry.dictionary import technical

REFERRING_HOSPITAL = "referring_hospital"
REFERENCE_CENTRE = "reference_centre"
NETWORK_OFFICE = "network_office"


class Organisation(Model):
    """A referring hospital, a reference centre, or the network's own office."""

    __tablename__ = "organisation"
    __table_args__ = (
        sa.CheckConstraint(
            f"kind IN ('{REFERRING_HOSPITAL}', '{REFERENCE_CENTRE}', '{NETWORK_OFFICE}')",
            name="kind",
        ),
        sa.CheckConstraint("(cutoff_weekday IS NULL) = (cutoff_time IS NULL)", name="board_cutoff"),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    code: Mapped[str] = technical(sa.String(20), unique=True)
    name: Mapped[str] = technical(sa.String(200))
    kind: Mapped[str] = technical(sa.String(30))
    country: Mapped[str] = technical(sa.String(2))
    region: Mapped[str] = technical(sa.String(100), default="")
    city: Mapped[str] = technical(sa.String(100), default="")
    latitude: Mapped[float | None] = technical()
    longitude: Mapped[float | None] = technical()
    time_zone: Mapped[str] = technical(sa.String(60), default="UTC")
    languages: Mapped[list[Any]] = technical(Json, default=list)
    sites: Mapped[list[Any]] = technical(Json, default=list)  # triage groups it takes
    services: Mapped[list[Any]] = technical(Json, default=list)
    weekly_capacity: Mapped[int | None] = technical()
    board_weekday: Mapped[int | None] = technical()  # 0 Monday … 6 Sunday
    #: Until when a case is put on the next board: a weekday (0 Monday … 6 Sunday) and a time of day
    #: there (HH:MM), both or neither.
    cutoff_weekday: Mapped[int | None] = technical()
    cutoff_time: Mapped[str | None] = technical(sa.String(5))
    board_cutoff: Mapped[str] = technical(sa.String(60), default="")  # what else is to be said
    #: Countries it takes patients from; none stated: from anywhere.
    countries: Mapped[list[Any]] = technical(Json, default=list)
    how_to_refer: Mapped[str] = technical(sa.Text(), default="")  # as the public directory says it
    website: Mapped[str] = technical(sa.String(200), default="")
    in_directory: Mapped[bool] = technical(default=True)
    emergency_telephone: Mapped[str] = technical(sa.String(60), default="")
    accreditation: Mapped[str] = technical(sa.String(200), default="")
    active: Mapped[bool] = technical(default=True)
    version: Mapped[int] = technical(default=1)

    __mapper_args__ = {"version_id_col": version}
