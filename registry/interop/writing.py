"""Writing what was planned: new patients in batches, each table in one statement.

`hidden` is for the background: what is written batch by batch is seen by nobody until `show`
makes all of it visible in one short transaction, and `take_back` leaves nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry import audit
from registry.access import Viewer
from registry.course import bulk as course
from registry.db import new_id, table_of
from registry.interop import changes
from registry.interop.links import ranks
from registry.interop.mapping import Map
from registry.interop.models import Import, SourceRow
from registry.patients import bulk as people

SOURCE_KIND = "import"
_AT_ONCE = 500


class Writer:
    """Writes planned patients for one import."""

    def __init__(
        self, import_id: UUID, source: Map, *, by: Viewer, at: datetime, hidden: bool
    ) -> None:
        self._import_id, self._source, self._by, self._at = import_id, source, by, at
        self._hidden = hidden
        self._people = people.Registering(
            by,
            at=at,
            source=source.name,
            why=f"imported: {source.name}"[:100],
            purposes=source.purposes,
            basis=source.basis,
            hidden=hidden,
        )
        self._course = course.Adding(by, at=at, source=(SOURCE_KIND, source.name))

    def prepare(self, plans: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Make the rows of one batch, without the database."""
        return [self._take_in(plan) for plan in plans]

    def insert(self, connection: Any, rows: Sequence[dict[str, Any]]) -> None:
        """Write the batch that was prepared, in the connection's transaction."""
        self._people.insert(connection)
        self._course.insert(connection, ranks())
        connection.execute(sa.insert(table_of(SourceRow)), list(rows))
        if not self._hidden:
            tell(connection, counts_of(rows), self._source.name, by=self._by)

    def _take_in(self, plan: Mapping[str, Any]) -> dict[str, Any]:
        patient_id = new_id()
        self._people.add(patient_id, plan["patient"], plan["absent"], plan["number"])
        ids = [new_id() for _entry in plan["entries"]]
        said = []
        for entry_id, one in zip(ids, plan["entries"], strict=True):
            self._course.add(
                entry_id,
                patient_id,
                one["entity"],
                values=one["values"],
                absent=one["absent"],
                links={name: ids[place] for name, place in one["links"].items()},
                derived=one["derived"],
            )
            row = {**one["values"], **({"absent": one["absent"]} if one["absent"] else {})}
            said.append(changes.snapshot_of_entry(one["entity"], entry_id, one["place"], row))
        patient = changes.snapshot_of_patient(plan["patient"], plan["absent"], plan["number"])
        return {
            "id": new_id(),
            "import_id": self._import_id,
            "organisation_id": self._by.organisation_id,
            "source": self._source.name,
            "source_id_index": plan["sid"],
            "content_index": plan["content"],
            "patient_id": patient_id,
            "kept": plan["kept"],
            "made": {"patient": patient, "entries": said},
        }


def counts_of(rows: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    """Each patient of a batch, and how many entries of which kind were made."""
    found = []
    for row in rows:
        counts: dict[str, int] = {}
        for one in row["made"]["entries"]:
            counts[one["e"]] = counts.get(one["e"], 0) + 1
        found.append([str(row["patient_id"]), counts])
    return found


def tell(connection: Any, made: Sequence[Sequence[Any]], source: str, *, by: Viewer) -> None:
    """The audit of new patients: one entry each, which says how many entries of which kind."""
    about: list[Any] = []
    for patient, counts in made:
        patient_id = UUID(patient)
        changed = {"source": [None, source], **{kind: [None, n] for kind, n in counts.items()}}
        about.append((("patient", patient_id), patient_id, changed))
    audit.record_many("imported patient", by=by, about=about, connection=connection)


def show(
    connection: Any,
    imported: Import,
    told: Iterable[Sequence[Sequence[Any]]],
    *,
    by: Viewer,
    at: datetime,
) -> None:
    """Let everybody see what was written hidden, with its audit: one short transaction.

    `told` is what `counts_of` said of each batch, so that nothing has to be read for it.
    """
    ids = sa.select(SourceRow.patient_id).where(SourceRow.import_id == imported.id)
    people.show(connection, ids, imported.organisation_id, at=at)
    for some in told:
        tell(connection, some, imported.source, by=by)


def take_back(connection: Any, import_id: UUID) -> int:
    """Remove one batch of what was written hidden; returns how many patients. 0: nothing left."""
    query = (
        sa.select(SourceRow.id, SourceRow.patient_id)
        .where(SourceRow.import_id == import_id)
        .order_by(SourceRow.id)
        .limit(_AT_ONCE)
    )
    found = connection.execute(query).all()
    if not found:
        return 0
    ids = [row[1] for row in found]
    rows = [row[0] for row in found]
    connection.execute(sa.delete(table_of(SourceRow)).where(SourceRow.id.in_(rows)))
    course.forget_patients(connection, ids, ranks())
    people.forget(connection, ids)
    return len(ids)
