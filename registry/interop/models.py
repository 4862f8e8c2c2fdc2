"""What was brought in: one row an import, one row a record of its source."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from registry.db import Json, Model, Moment, new_id, now
from registry.dictionary import technical


class Import(Model):
    """A file that was brought in, by which map, for which centre."""

    __tablename__ = "import"

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    organisation_id: Mapped[UUID] = technical(sa.ForeignKey("organisation.id"))
    source: Mapped[str] = technical(sa.String(40))
    at: Mapped[datetime] = technical(Moment(), default=now)
    title: Mapped[str] = technical(sa.String(200))
    citation: Mapped[str] = technical(sa.Text())
    licence: Mapped[str] = technical(sa.String(200))
    consent_basis: Mapped[str] = technical(sa.String(60))
    file_sha256: Mapped[str] = technical(sa.String(64))
    map_sha256: Mapped[str] = technical(sa.String(64))
    rows: Mapped[int] = technical()
    created: Mapped[int] = technical()
    unchanged: Mapped[int] = technical()


class SourceRow(Model):
    """A record of a source that became a patient.

    The source's own id and its content are kept as keyed fingerprints: equal ones are found, and
    a hospital's numbers cannot be read from here. `kept` holds cells that no variable has a place
    for, as stated: by column, a text for each of the record's rows that has one.
    """

    __tablename__ = "source_row"
    __table_args__ = (
        sa.UniqueConstraint(
            "organisation_id", "source", "source_id_index", name="uq_source_row_source_id"
        ),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    import_id: Mapped[UUID] = technical(sa.ForeignKey("import.id"), index=True)
    organisation_id: Mapped[UUID] = technical(sa.ForeignKey("organisation.id"))
    source: Mapped[str] = technical(sa.String(40))
    source_id_index: Mapped[str] = technical(sa.String(40))
    content_index: Mapped[str] = technical(sa.String(40))
    patient_id: Mapped[UUID] = technical(sa.ForeignKey("patient.id"), index=True)
    kept: Mapped[dict[str, Any]] = technical(Json, default=dict)
