"""Reading what was imported, what waits to be, and who imports. What belongs to a centre is seen by
those of its people who may bring data in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry.access import Right, Role, Seat, Viewer, the_house
from registry.db import db
from registry.errors import NotFound
from registry.interop import rules
from registry.interop.exporting import own_patients
from registry.interop.models import (
    CentreExport,
    Import,
    ImportChange,
    SavedMap,
    SourceRow,
    Upload,
)
from registry.patients import queries as patients
from registry.patients.models import Patient
from registry.people import queries as people
from registry.people.models import REFERENCE_CENTRE


def importer(centre: str) -> Viewer:
    """The house, seated at a reference centre. Raises NotFound for any other code."""
    place = people.organisation(centre)
    if place.kind != REFERENCE_CENTRE:
        raise NotFound(f"{centre} is not a reference centre")
    seat = Seat(
        place.id, place.name, place.code, place.kind, place.time_zone, frozenset({Role.CLINICIAN})
    )
    return the_house("netreg import", seat)


def patients_of(viewer: Viewer, source: str) -> dict[str, UUID]:
    """The patients an organisation has from a source, by the fingerprint of the source's id."""
    query = sa.select(SourceRow.source_id_index, SourceRow.patient_id).where(
        SourceRow.organisation_id == viewer.organisation_id, SourceRow.source == source
    )
    return {row[0]: row[1] for row in db.session.execute(query.order_by(SourceRow.id))}


def is_centre(viewer: Viewer) -> bool:
    """Does the viewer work for a reference centre? Only these have patients of their own."""
    return bool(viewer.seat and viewer.seat.organisation_kind == REFERENCE_CENTRE)


def _one(viewer: Viewer, right: Right, model: type[Any], found_id: UUID) -> Any:
    viewer.need(right)
    found = db.session.scalar(
        sa.select(model).where(
            model.id == found_id, model.organisation_id == viewer.organisation_id
        )
    )
    if found is None:
        raise NotFound()
    return found


def upload(viewer: Viewer, upload_id: UUID) -> Upload:
    """A file of the viewer's centre on its way in. Raises NotFound."""
    found: Upload = _one(viewer, Right.BRING_IN, Upload, upload_id)
    return found


def uploads(viewer: Viewer) -> Sequence[Upload]:
    """The files that wait, newest first."""
    viewer.need(Right.BRING_IN)
    query = sa.select(Upload).where(
        Upload.organisation_id == viewer.organisation_id,
        Upload.state.not_in((rules.BROUGHT, rules.DISCARDED)),
    )
    return db.session.scalars(query.order_by(Upload.created_at.desc(), Upload.id)).all()


def imported(viewer: Viewer, import_id: UUID) -> Import:
    """An import of the viewer's centre. Raises NotFound, also while it is being written."""
    found: Import = _one(viewer, Right.BRING_IN, Import, import_id)
    if found.state == rules.WRITING:
        raise NotFound()
    return found


def imports(viewer: Viewer, limit: int = 200) -> Sequence[Import]:
    """What was brought in, newest first."""
    viewer.need(Right.BRING_IN)
    query = sa.select(Import).where(
        Import.organisation_id == viewer.organisation_id, Import.state != rules.WRITING
    )
    return db.session.scalars(query.order_by(Import.at.desc(), Import.id).limit(limit)).all()


def changes_of(viewer: Viewer, import_id: UUID, limit: int = 500) -> Sequence[ImportChange]:
    """What an import changed in patients who were there already, in order."""
    imported(viewer, import_id)
    query = sa.select(ImportChange).where(
        ImportChange.import_id == import_id, ImportChange.kind != "record"
    )
    return db.session.scalars(query.order_by(ImportChange.position).limit(limit)).all()


def pseudonyms(viewer: Viewer, ids: Sequence[UUID]) -> dict[UUID, str]:
    """The pseudonyms of patients the viewer's organisation may see."""
    viewer.need(Right.BRING_IN)
    query = sa.select(Patient.id, Patient.pseudonym).where(
        Patient.id.in_(list(ids)), Patient.id.in_(patients.related_to(viewer))
    )
    return {row[0]: row[1] for row in db.session.execute(query)} if ids else {}


def upload_of(viewer: Viewer, import_id: UUID) -> Upload | None:
    """The file an import came from, while something of it is kept."""
    viewer.need(Right.BRING_IN)
    return db.session.scalar(
        sa.select(Upload).where(
            Upload.import_id == import_id, Upload.organisation_id == viewer.organisation_id
        )
    )


def saved_maps(viewer: Viewer) -> list[SavedMap]:
    """The newest version of each map the centre keeps, by name."""
    viewer.need(Right.BRING_IN)
    newest = (
        sa.select(SavedMap.name, sa.func.max(SavedMap.version).label("version"))
        .where(SavedMap.organisation_id == viewer.organisation_id)
        .group_by(SavedMap.name)
        .subquery()
    )
    query = (
        sa.select(SavedMap)
        .join(newest, sa.and_(SavedMap.name == newest.c.name, SavedMap.version == newest.c.version))
        .where(SavedMap.organisation_id == viewer.organisation_id)
    )
    return list(db.session.scalars(query.order_by(SavedMap.name)))


def saved_map(viewer: Viewer, map_id: UUID) -> SavedMap:
    """A version of a map of the viewer's centre. Raises NotFound."""
    found: SavedMap = _one(viewer, Right.BRING_IN, SavedMap, map_id)
    return found


def map_of_source(viewer: Viewer, name: str) -> SavedMap | None:
    """The newest version of the centre's map of a source; None where none is kept."""
    viewer.need(Right.BRING_IN)
    return db.session.scalar(
        sa.select(SavedMap)
        .where(SavedMap.organisation_id == viewer.organisation_id, SavedMap.name == name)
        .order_by(SavedMap.version.desc())
        .limit(1)
    )


def versions_of(viewer: Viewer, name: str) -> Sequence[SavedMap]:
    """Every version of a map, newest first."""
    viewer.need(Right.BRING_IN)
    query = sa.select(SavedMap).where(
        SavedMap.organisation_id == viewer.organisation_id, SavedMap.name == name
    )
    return db.session.scalars(query.order_by(SavedMap.version.desc())).all()


def export(viewer: Viewer, export_id: UUID) -> CentreExport:
    """One's own export: nobody downloads for somebody else. Raises NotFound."""
    found: CentreExport = _one(viewer, Right.EXPORT_OWN, CentreExport, export_id)
    if found.person_id != viewer.person_id:
        raise NotFound()
    return found


def exports(viewer: Viewer, limit: int = 50) -> Sequence[CentreExport]:
    """One's own exports for this centre, newest first."""
    viewer.need(Right.EXPORT_OWN)
    query = sa.select(CentreExport).where(
        CentreExport.organisation_id == viewer.organisation_id,
        CentreExport.person_id == viewer.person_id,
    )
    query = query.order_by(CentreExport.asked_at.desc(), CentreExport.id)
    return db.session.scalars(query.limit(limit)).all()


def patient_count(viewer: Viewer) -> int:
    """How many patients an export of the centre's own data would have."""
    viewer.need(Right.EXPORT_OWN)
    query = sa.select(sa.func.count()).select_from(own_patients(viewer.organisation_id).subquery())
    return db.session.scalar(query) or 0
