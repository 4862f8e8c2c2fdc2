"""What of a patient is sealed, and what a patient is found by: for rotations of keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry import rekeying
from registry.db import db, new_id
from registry.keys import ring
from registry.patients import queries
from registry.patients.matching.models import IdentityChange, Merge
from registry.patients.models import (
    ArrivingFile,
    CareRelation,
    Document,
    LocalIdentifier,
    NameIndex,
    Patient,
)

for _name in ("family_name", "given_names", "national_number", "telephone", "address"):
    rekeying.sealed(Patient, _name)
rekeying.sealed(LocalIdentifier, "number")
rekeying.sealed(Document, "name")
rekeying.sealed(ArrivingFile, "name")
rekeying.sealed(ArrivingFile, "header")
rekeying.sealed(IdentityChange, "before")

_patient, _index, _number = Patient.__table__, NameIndex.__table__, LocalIdentifier.__table__
_relation = CareRelation.__table__
_FACTS = (
    _patient.c.id,
    _patient.c.family_name,
    _patient.c.given_names,
    _patient.c.national_number,
    _patient.c.birth_date,
)


def _places(connection: Any, ids: list[UUID]) -> dict[UUID, set[UUID]]:
    """The organisations that have or had to do with each patient."""
    found: dict[UUID, set[UUID]] = {one: set() for one in ids}
    query = sa.select(_relation.c.patient_id, _relation.c.organisation_id)
    for patient_id, organisation_id in connection.execute(
        query.where(_relation.c.patient_id.in_(ids))
    ):
        found[patient_id].add(organisation_id)
    return found


def _fingerprints(
    row: Any, places: set[UUID], before: Iterable[queries.Names] = (), key_id: str = ""
) -> set[tuple[str, str]]:
    """The fingerprints of a patient's row under a key, those of earlier names among them."""
    plain = {
        name: ring().open(getattr(row, name), "patient", name, row.id) if getattr(row, name) else ""
        for name in ("family_name", "given_names", "national_number")
    }
    return queries.fingerprints(
        **plain, birth_date=row.birth_date, organisations=places, before=before, key_id=key_id
    )


def _stored(connection: Any, ids: list[UUID]) -> dict[UUID, dict[tuple[str, str], UUID]]:
    found: dict[UUID, dict[tuple[str, str], UUID]] = {one: {} for one in ids}
    query = sa.select(_index.c.patient_id, _index.c.kind, _index.c.value, _index.c.id)
    for patient_id, kind, value, row_id in connection.execute(
        query.where(_index.c.patient_id.in_(ids))
    ):
        found[patient_id][kind, value] = row_id
    return found


def index_earlier_names(after: UUID | None) -> tuple[int, UUID | None]:
    """Bring up to date by what the next patients are found who were corrected or joined: there
    was a version that kept earlier names and let nobody be found by them."""
    changed = sa.select(IdentityChange.patient_id)
    return _index_anew(after, changed.union(sa.select(Merge.kept_id)))


def _index_anew(after: UUID | None, only: Any = None) -> tuple[int, UUID | None]:
    """Exchange the fingerprints of the next patients. The row of the patient is held meanwhile, as
    whoever changes the patient holds it; in one transaction, so that each is found at any moment.
    """
    query = sa.select(*_FACTS).order_by(_patient.c.id).limit(rekeying.BATCH)
    if only is not None:
        query = query.where(_patient.c.id.in_(only))
    if after is not None:
        query = query.where(_patient.c.id > after)
    rows = db.session.execute(query.with_for_update(skip_locked=True, key_share=True)).all()
    have = _stored(db.session, [row.id for row in rows])
    places = _places(db.session, [row.id for row in rows])
    before = queries.earlier_names([row.id for row in rows])
    stale: list[UUID] = []
    fresh: list[dict[str, Any]] = []
    changed = 0
    for row in rows:
        wanted = _fingerprints(row, places[row.id], before.get(row.id, ()))
        there = have[row.id]
        old = [row_id for key, row_id in there.items() if key not in wanted]
        new = sorted(wanted - set(there))
        stale += old
        fresh += [
            {"id": new_id(), "patient_id": row.id, "kind": kind, "value": value}
            for kind, value in new
        ]
        changed += bool(old or new)
    if stale:
        db.session.execute(sa.delete(NameIndex).where(_index.c.id.in_(stale)))
    if fresh:
        db.session.execute(sa.insert(NameIndex), fresh)
    return changed, rows[-1].id if len(rows) == rekeying.BATCH else None


def _some(connection: sa.Connection, query: sa.Select[Any], place: Any) -> Iterator[list[Any]]:
    after = None
    while True:
        more = query if after is None else query.where(place > after)
        rows = list(connection.execute(more.order_by(place).limit(1000)))
        if rows:
            yield rows
        if len(rows) < 1000:
            return
        after = rows[-1].id


def _indexed_under(connection: sa.Connection, key_id: str) -> int:
    count = 0
    for rows in _some(connection, sa.select(*_FACTS), _patient.c.id):
        have = _stored(connection, [row.id for row in rows])
        places = _places(connection, [row.id for row in rows])
        count += sum(
            bool(_fingerprints(row, places[row.id], key_id=key_id) & set(have[row.id]))
            for row in rows
        )
    return count


_NUMBERS = (_number.c.id, _number.c.organisation_id, _number.c.number, _number.c.number_index)


def _number_under(row: Any, key_id: str = "") -> str:
    opened = ring().open(row.number, "local_identifier", "number", row.id)
    return queries.number_index(row.organisation_id, opened, key_id)


def _numbers_anew(after: UUID | None) -> tuple[int, UUID | None]:
    query = sa.select(*_NUMBERS).order_by(_number.c.id).limit(rekeying.BATCH)
    if after is not None:
        query = query.where(_number.c.id > after)
    rows = db.session.execute(query.with_for_update(skip_locked=True, key_share=True)).all()
    changed = 0
    for row in rows:
        wanted = _number_under(row)
        if wanted != row.number_index:
            same = sa.update(LocalIdentifier).where(
                _number.c.id == row.id, _number.c.number_index == row.number_index
            )
            db.session.execute(same.values(number_index=wanted))
            changed += 1
    return changed, rows[-1].id if len(rows) == rekeying.BATCH else None


def _numbers_left(connection: sa.Connection, key_id: str) -> int:
    return sum(
        _number_under(row, key_id) == row.number_index
        for rows in _some(connection, sa.select(*_NUMBERS), _number.c.id)
        for row in rows
    )


rekeying.also(rekeying.Part("name_index", _index_anew, _indexed_under))
rekeying.also(rekeying.Part("local_identifier.number_index", _numbers_anew, _numbers_left))
