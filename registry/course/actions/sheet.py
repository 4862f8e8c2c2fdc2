"""Keeping a page over several entries: all of it or nothing; and its draft meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry.access import Viewer
from registry.course import queries
from registry.course.actions.entry import add, change
from registry.course.models import BY_NAME
from registry.course.models.keeping import SheetDraft
from registry.course.queries.drafts import sheet_draft
from registry.dates import PartialDate
from registry.db import db, now
from registry.errors import Conflict, Forbidden, Invalid
from registry.patients import queries as patients
from registry.patients.models import Patient


@dataclass(frozen=True)
class Row:
    """One entry as a page says it: new (no version), or a change of the copy with this version.

    `values` and `absent` are of the columns the page asks; the entry's others stay.
    """

    key: str
    entity: str
    entry_id: UUID
    version: int | None
    values: Mapping[str, Any]
    absent: Mapping[str, Any]
    links: Mapping[str, UUID | None] = field(default_factory=dict)


@dataclass
class Outcome:
    """What became of a page: how many entries were written, and what stands against it."""

    saved: int = 0
    clashes: list[str] = field(default_factory=list)  # keys of rows changed by somebody else
    refusals: list[tuple[str, str, str]] = field(default_factory=list)  # key, column, message

    @property
    def is_kept(self) -> bool:
        """Was all of it kept?"""
        return not self.clashes and not self.refusals


def save(patient: Patient, rows: Sequence[Row], *, by: Viewer) -> Outcome:
    """Add and change the entries of a page for a patient who was fetched to write.

    Where anything stands against it the caller answers with an error, and nothing is kept.
    Sent twice, it is kept once.
    """
    outcome, kinds = Outcome(), patients.relation(by, patient.id)
    for row in rows:
        there: Any = db.session.get(BY_NAME[row.entity], row.entry_id)
        if there is not None and there.patient_id != patient.id:
            raise Conflict()
        try:
            if there is None:
                _add(patient, row, by=by)
            elif _says_the_same(there, row):
                continue
            elif not queries.may_change(by, kinds, there):
                raise Forbidden()
            else:
                _change(there, row, by=by)
            outcome.saved += 1
        except Conflict:
            outcome.clashes.append(row.key)
        except Invalid as refused:
            outcome.refusals.append((row.key, refused.field, refused.message))
    return outcome


def _add(patient: Patient, row: Row, *, by: Viewer) -> None:
    add(
        row.entity,
        patient,
        by=by,
        values=dict(row.values),
        absent=dict(row.absent),
        entry_id=row.entry_id,
        **dict[str, Any](row.links),
    )


def _change(there: Any, row: Row, *, by: Viewer) -> None:
    if row.version is None or there.error_at is not None:
        raise Conflict()  # the page was sent before and says something else now
    change(
        there,
        by=by,
        version=row.version,
        values=dict(row.values),
        absent=absent_after(there, row),
        **row.links,
    )


def absent_after(there: Any, row: Row) -> dict[str, Any]:
    """Why values are missing, after the row: what it does not ask stays, and so do words given."""
    asked = {name: why for name, why in there.absent.items() if name not in row.values}
    for name, why in row.absent.items():
        before = there.absent.get(name, {})
        asked[name] = before if before.get("why") == why["why"] and "because" not in why else why
    return asked


def _says_the_same(there: Any, row: Row) -> bool:
    same = all(_plain(getattr(there, name)) == _plain(v) for name, v in row.values.items())
    return same and absent_after(there, row) == there.absent


def _plain(value: Any) -> Any:
    return value.iso if isinstance(value, PartialDate) else value or None if value != 0 else 0


# -- drafts ------------------------------------------------------------------------------------


def keep_draft(
    patient: Patient, page: str, typed: Mapping[str, Any], *, by: Viewer, version: int
) -> SheetDraft:
    """Keep what this person typed into a page. Raises Conflict when another window of theirs kept
    a later version."""
    draft = sheet_draft(by, patient.id, page)
    if draft is None:
        draft = SheetDraft(patient_id=patient.id, person_id=by.person_id, page=page)
        db.session.add(draft)
    elif draft.version != version:
        raise Conflict()
    draft.typed, draft.saved_at = dict(typed), now()
    db.session.flush()
    return draft


def drop_draft(patient: Patient, page: str, *, by: Viewer) -> None:
    """The page was kept, or thrown away."""
    db.session.execute(
        sa.delete(SheetDraft).where(
            SheetDraft.patient_id == patient.id,
            SheetDraft.person_id == by.person_id,
            SheetDraft.page == page,
        )
    )
