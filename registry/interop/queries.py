"""Reading what was imported, and who imports."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa

from registry.access import Role, Seat, Viewer, the_house
from registry.db import db
from registry.errors import NotFound
from registry.interop.models import SourceRow
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
