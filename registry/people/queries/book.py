"""Reading the audit: who did or opened what, for administrators and privacy officers.

What a change says of a record is never read here: an entry that is about a patient is shown by who,
when and what kind of thing, and nothing of what stands in the record.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from registry import audit
from registry.access import Right, Viewer
from registry.audit import AuditEntry
from registry.db import db
from registry.people.models import Organisation, Person
from registry.people.queries.pages import any_of

SHOWN = 100
MOST_LINES = 50_000
_BATCH = 2_000


@dataclass(frozen=True)
class Filters:
    """What to look for. `patient_id` is that of the pseudonym asked for; `nobody` finds nothing
    (there is no such patient)."""

    since: date | None = None
    until: date | None = None
    who: str = ""
    organisation_id: UUID | None = None
    action: str = ""
    kind: str = ""
    patient_id: UUID | None = None
    nobody: bool = False


@dataclass(frozen=True)
class Entry:
    """An entry as it is listed."""

    number: int
    at: datetime
    who: str
    person_id: UUID | None
    for_name: str
    organisation: str
    action: str
    kind: str
    subject_id: str
    patient_id: UUID | None
    changes: dict[str, Any]


def _midnight(day: date, viewer: Viewer) -> datetime:
    zone = ZoneInfo(viewer.seat.time_zone) if viewer.seat else UTC
    return datetime.combine(day, time(), zone)


def _query(viewer: Viewer, filters: Filters) -> sa.Select[Any]:
    entry = AuditEntry
    query: Any = sa.select(entry, Organisation.name).outerjoin(
        Organisation, Organisation.id == entry.organisation_id
    )
    if filters.since:
        query = query.where(entry.at >= _midnight(filters.since, viewer))
    if filters.until:
        query = query.where(entry.at < _midnight(filters.until + timedelta(days=1), viewer))
    if filters.who:
        people = sa.select(Person.id).where(any_of(filters.who, Person.name, Person.email))
        query = query.where(
            sa.or_(
                entry.person_id.in_(people),
                entry.for_id.in_(people),
                sa.and_(entry.person_id.is_(None), entry.person_name.contains(filters.who)),
            )
        )
    if start := audit.goes_on(filters.action):
        told_apart = [one for one in audit.words() if one.startswith(start)]
        query = query.where(
            entry.action.startswith(start, autoescape=True), entry.action.not_in(told_apart)
        )
    elif filters.action:
        query = query.where(entry.action == filters.action)
    for column, wanted in (
        (entry.organisation_id, filters.organisation_id),
        (entry.subject_kind, filters.kind),
        (entry.patient_id, filters.patient_id),
    ):
        if wanted:
            query = query.where(column == wanted)
    found: sa.Select[Any] = query.where(sa.false()) if filters.nobody else query
    return found


def _entry(row: AuditEntry, organisation: str | None) -> Entry:
    return Entry(
        number=row.id,
        at=row.at,
        who=row.person_name,
        person_id=row.person_id,
        for_name=row.for_name,
        organisation=organisation or "",
        action=row.action,
        kind=row.subject_kind,
        subject_id=row.subject_id,
        patient_id=row.patient_id,
        changes=row.changes if row.patient_id is None else {},
    )


def entries(
    viewer: Viewer, filters: Filters, *, before: int | None = None, limit: int = SHOWN
) -> list[Entry]:
    """The latest entries that fit, below a number; one more than `limit` says that there are
    more."""
    viewer.need(Right.READ_AUDIT)
    query = _query(viewer, filters).order_by(AuditEntry.id.desc()).limit(limit + 1)
    if before:
        query = query.where(AuditEntry.id < before)
    return [_entry(row, organisation) for row, organisation in db.session.execute(query)]


def all_entries(viewer: Viewer, filters: Filters, most: int = MOST_LINES) -> Iterator[Entry]:
    """Every entry that fits, newest first, read in pieces; at most so many."""
    before: int | None = None
    left = most
    while left > 0:
        found = entries(viewer, filters, before=before, limit=min(_BATCH, left))
        shown = found[: min(_BATCH, left)]
        yield from shown
        left -= len(shown)
        if len(found) == len(shown):
            return
        before = shown[-1].number
        db.session.expunge_all()


def places(viewer: Viewer) -> list[tuple[UUID, str]]:
    """Every organisation there ever was, to filter by."""
    viewer.need(Right.READ_AUDIT)
    rows = db.session.execute(
        sa.select(Organisation.id, Organisation.name).order_by(Organisation.name, Organisation.id)
    )
    return [(row[0], row[1]) for row in rows]
