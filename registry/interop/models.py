"""What was brought in and taken out: imports and the records of their sources, files that wait,
maps a centre keeps, and exports of its own data."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from registry.db import Json, Model, Moment, new_id, now
from registry.dictionary import technical
from registry.interop import rules

_UPLOAD_STATES = ", ".join(f"'{state}'" for state in rules.UPLOAD_STATES)
_IMPORT_STATES = ", ".join(f"'{state}'" for state in rules.IMPORT_STATES)
_EXPORT_STATES = ", ".join(f"'{state}'" for state in rules.EXPORT_STATES)


class Import(Model):
    """A file that was brought in, by which map, for which centre.

    While it is `writing` its patients are seen by nobody. `maker` names the process at work and
    `heartbeat_at` says when it last showed a sign of life.
    """

    __tablename__ = "import"
    __table_args__ = (sa.CheckConstraint(f"state IN ({_IMPORT_STATES})", name="state"),)

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
    changed: Mapped[int] = technical(default=0)
    refused: Mapped[int] = technical(default=0)
    state: Mapped[str] = technical(sa.String(20), default=rules.DONE)
    person_id: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
    maker: Mapped[UUID | None] = technical()
    heartbeat_at: Mapped[datetime | None] = technical(Moment())
    undone_at: Mapped[datetime | None] = technical(Moment())
    undone_by: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
    #: What an undo took out and what it kept: {"removed": {…}, "kept": [[patient, why], …]}.
    undo: Mapped[dict[str, Any] | None] = technical(Json)
    done: Mapped[int] = technical(default=0)
    total: Mapped[int] = technical(default=0)


class SourceRow(Model):
    """A record of a source that became a patient.

    The source's own id and its content are kept as keyed fingerprints: equal ones are found, and
    a hospital's numbers cannot be read from here. `kept` holds cells that no variable has a place
    for, as stated: by column, a text for each of the record's rows that has one. `made` is what
    the source said of each entry, so that a corrected file is told from what people changed by
    hand: {"patient": {…}, "entries": [{"e": entity, "i": id, "p": place in the map, "n": version,
    "v": row}]}; who the patient is stands in it as fingerprints. Empty for older imports.
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
    made: Mapped[dict[str, Any] | None] = technical(Json)


class ImportChange(Model):
    """One value that a corrected file changed, or would have: before and after.

    Who a patient is is never in it: such a change names the variable alone. `kind` is value,
    added, gone, or record (what the source had said of the whole record before).
    """

    __tablename__ = "import_change"
    __table_args__ = (sa.Index("ix_import_change_import_id", "import_id", "position"),)

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    import_id: Mapped[UUID] = technical(sa.ForeignKey("import.id"))
    position: Mapped[int] = technical()
    patient_id: Mapped[UUID] = technical(sa.ForeignKey("patient.id"), index=True)
    row: Mapped[int] = technical()
    kind: Mapped[str] = technical(sa.String(10))
    what: Mapped[str] = technical(sa.String(40))  # the entity
    entry_id: Mapped[UUID | None] = technical()
    variable: Mapped[str] = technical(sa.String(60))
    before: Mapped[Any] = technical(Json, nullable=True)
    after: Mapped[Any] = technical(Json, nullable=True)
    conflict: Mapped[bool] = technical(default=False)
    taken: Mapped[bool] = technical(default=True)


class SavedMap(Model):
    """A map a centre keeps, a row a version; the newest of a name is the one in use."""

    __tablename__ = "saved_map"
    __table_args__ = (
        sa.UniqueConstraint("organisation_id", "name", "version", name="uq_saved_map_version"),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    organisation_id: Mapped[UUID] = technical(sa.ForeignKey("organisation.id"))
    name: Mapped[str] = technical(sa.String(40))
    version: Mapped[int] = technical()
    title: Mapped[str] = technical(sa.String(200))
    toml: Mapped[str] = technical(sa.Text())
    sha256: Mapped[str] = technical(sa.String(64))
    saved_at: Mapped[datetime] = technical(Moment(), default=now)
    saved_by: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))


class Upload(Model):
    """A file on its way in: kept sealed in the storage until it is done with or thrown away.

    `files` lists each file with its shape; `toml` is the map being made; `report` is what the
    last check or import said.
    """

    __tablename__ = "import_upload"
    __table_args__ = (
        sa.CheckConstraint(f"state IN ({_UPLOAD_STATES})", name="state"),
        sa.Index("ix_import_upload_organisation_id", "organisation_id", "created_at"),
        sa.Index("ix_import_upload_state", "state"),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    version: Mapped[int] = technical(default=1)
    form_key: Mapped[UUID] = technical(unique=True)
    organisation_id: Mapped[UUID] = technical(sa.ForeignKey("organisation.id"))
    person_id: Mapped[UUID] = technical(sa.ForeignKey("person.id"))
    created_at: Mapped[datetime] = technical(Moment(), default=now)
    expires_at: Mapped[datetime] = technical(Moment())
    state: Mapped[str] = technical(sa.String(20), default=rules.UPLOADED)
    files: Mapped[list[Any]] = technical(Json, default=list)
    toml: Mapped[str] = technical(sa.Text(), default="")
    choices: Mapped[dict[str, Any]] = technical(Json, default=dict)
    phase: Mapped[str] = technical(sa.String(20), default="")
    done: Mapped[int] = technical(default=0)
    total: Mapped[int] = technical(default=0)
    attempts: Mapped[int] = technical(default=0)
    maker: Mapped[UUID | None] = technical()
    heartbeat_at: Mapped[datetime | None] = technical(Moment())
    drafts: Mapped[list[Any]] = technical(Json, default=list)
    error: Mapped[str | None] = technical(sa.Text())
    report_file_id: Mapped[UUID | None] = technical()
    refused_file_id: Mapped[UUID | None] = technical()
    refused_size: Mapped[int] = technical(default=0)
    import_id: Mapped[UUID | None] = technical(sa.ForeignKey("import.id"))

    __mapper_args__ = {"version_id_col": version}

    @property
    def under_way(self) -> bool:
        """Is the worker at it, or asked to be?"""
        return self.state in rules.UNDER_WAY


class CentreExport(Model):
    """A centre's own patients, identified, for those who treat them: one sealed file."""

    __tablename__ = "centre_export"
    __table_args__ = (
        sa.CheckConstraint(f"state IN ({_EXPORT_STATES})", name="state"),
        sa.Index("ix_centre_export_organisation_id", "organisation_id", "asked_at"),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    form_key: Mapped[UUID] = technical(unique=True)
    organisation_id: Mapped[UUID] = technical(sa.ForeignKey("organisation.id"))
    person_id: Mapped[UUID] = technical(sa.ForeignKey("person.id"))
    asked_at: Mapped[datetime] = technical(Moment(), default=now)
    expires_at: Mapped[datetime] = technical(Moment())
    kind: Mapped[str] = technical(sa.String(10))
    reason: Mapped[str] = technical(sa.Text())
    state: Mapped[str] = technical(sa.String(20), default=rules.ASKED)
    done: Mapped[int] = technical(default=0)
    total: Mapped[int] = technical(default=0)
    attempts: Mapped[int] = technical(default=0)
    maker: Mapped[UUID | None] = technical()
    heartbeat_at: Mapped[datetime | None] = technical(Moment())
    drafts: Mapped[list[Any]] = technical(Json, default=list)
    file_id: Mapped[UUID | None] = technical()
    size: Mapped[int] = technical(sa.BigInteger(), default=0)
    patients: Mapped[int] = technical(default=0)

    @property
    def under_way(self) -> bool:
        """Is the worker at it, or asked to be?"""
        return self.state in rules.EXPORT_UNDER_WAY
