"""Reading the course: fetching an entry is the permission check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa

from registry.access import Right, Viewer
from registry.course.models import (
    BY_NAME,
    ENTITIES,
    LINKS,
    EntryChange,
    FollowUp,
    Pathology,
    Response,
    Staging,
    Therapy,
    Tumour,
    links_of,
)
from registry.course.models.entry import Entry
from registry.dates import PartialDate
from registry.db import db
from registry.errors import Forbidden, NotFound
from registry.patients import queries as patients
from registry.patients import rules as relations
from registry.patients.models import Patient


def in_order(entries: Sequence[Any]) -> list[Any]:
    """Entries by the date they are about, oldest first, undated ones last; then as entered."""
    return sorted(entries, key=_place)


def _place(entry: Any) -> tuple[bool, date, str, Any, str]:
    dated = date_of(entry)
    first = dated.earliest if dated else date.max
    return dated is None, first, dated.iso if dated else "", entry.entered_at, str(entry.id)


def date_of(entry: Any) -> PartialDate | None:
    """The date an entry is about; None where there is none (never made up)."""
    found = getattr(entry, entry.dated_by)
    return found if isinstance(found, PartialDate) else None


@dataclass(frozen=True)
class Record:
    """Everything entered about a patient, by entity, each in the order of its dates."""

    patient: Patient
    entries: dict[str, list[Any]]

    def of(self, entity: str) -> list[Any]:
        """All entries of an entity."""
        return self.entries[entity]

    @property
    def tumours(self) -> list[Tumour]:
        """The primaries."""
        return cast("list[Tumour]", self.entries["tumour"])

    @property
    def therapies(self) -> list[Therapy]:
        """All therapies."""
        return cast("list[Therapy]", self.entries["therapy"])

    def of_tumour(self, entity: str, tumour_id: UUID) -> list[Any]:
        """The entries of an entity that are about one tumour; where there is only one tumour,
        also those that do not say which."""
        alone = len(self.tumours) == 1
        return [
            entry
            for entry in self.entries[entity]
            if entry.tumour_id == tumour_id or (alone and entry.tumour_id is None)
        ]

    @property
    def death_date(self) -> PartialDate | None:
        """When the patient died, if recorded."""
        return _death(cast("list[FollowUp]", self.entries["follow_up"]))

    @property
    def has_died(self) -> bool:
        """Is a death recorded, with its date or without?"""
        return any(
            row.vital_status == "dead" or row.death_date is not None
            for row in cast("list[FollowUp]", self.entries["follow_up"])
        )

    @property
    def is_empty(self) -> bool:
        """Nothing entered yet."""
        return not any(self.entries.values())


def record(viewer: Viewer, patient_id: UUID | None) -> Record:
    """The whole course of a patient in one query an entity. Raises NotFound to a stranger."""
    return record_of(patients.patient(viewer, patient_id))


def record_of(patient: Patient) -> Record:
    """The course of a patient who was fetched for a viewer."""
    return part_of_record(patient, [model.entity for model in ENTITIES])


def part_of_record(patient: Patient, entities: Sequence[str]) -> Record:
    """Only these kinds of entries of a patient who was fetched for a viewer."""
    return Record(patient, {entity: entries(patient, entity) for entity in entities})


def standing(model: type[Any]) -> sa.Select[Any]:
    """The entries of a kind that stand: without those marked as entered in error."""
    return sa.select(model).where(model.error_at.is_(None))


def in_error(patient: Patient) -> list[Any]:
    """What was marked as entered in error, newest mark first."""
    found = [
        one
        for model in ENTITIES
        for one in db.session.scalars(
            sa.select(model).where(model.patient_id == patient.id, model.error_at.is_not(None))
        )
    ]
    return sorted(found, key=lambda one: (one.error_at, str(one.id)), reverse=True)


def resting_on(entry: Entry) -> list[Any]:
    """The standing entries that point to this one."""
    found: list[Any] = []
    for model in ENTITIES:
        for name in links_of(model):
            if LINKS[name] is type(entry):
                column = getattr(model, f"{name}_id")
                found += db.session.scalars(standing(model).where(column == entry.id)).all()
    return found


def count_resting_on(entry: Entry) -> int:
    """How many standing entries point to this one."""
    each = [
        standing(model)
        .with_only_columns(sa.func.count())
        .where(getattr(model, f"{name}_id") == entry.id)
        for model in ENTITIES
        for name in links_of(model)
        if LINKS[name] is type(entry)
    ]
    return sum(db.session.scalars(sa.union_all(*each))) if each else 0


def linkable(
    patient_id: UUID, names: Sequence[str], *, but: Entry | None = None
) -> dict[str, list[Any]]:
    """By link, the entries of a patient (fetched for a viewer) that it may point to."""
    found = {}
    for name in names:
        model = LINKS[name]
        query = standing(model).where(model.patient_id == patient_id)
        if name == "baseline":
            query = query.where(Response.timepoint == "baseline")
        if name == "review_of":
            query = query.where(
                sa.or_(Pathology.report_kind.is_(None), Pathology.report_kind == "local")
            )
        if but is not None and isinstance(but, model):
            query = query.where(model.id != but.id)
        found[name] = in_order(db.session.scalars(query).all())
    return found


def entries(patient: Patient, entity: str, **where: Any) -> list[Any]:
    """The standing entries of a kind, with these values, of a patient fetched for a viewer."""
    model = BY_NAME[entity]
    query = standing(model).where(model.patient_id == patient.id).filter_by(**where)
    return in_order(db.session.scalars(query).all())


def changes_of(entry: Entry) -> list[EntryChange]:
    """What was changed in an entry that was fetched for a viewer, oldest first."""
    query = sa.select(EntryChange).where(
        EntryChange.patient_id == entry.patient_id, EntryChange.entry_id == entry.id
    )
    return list(db.session.scalars(query.order_by(EntryChange.at, EntryChange.id)))


def entry(viewer: Viewer, entity: str, entry_id: UUID | None) -> Entry:
    """An entry to read. Raises NotFound to a stranger, and for an entity there is none of."""
    model = BY_NAME.get(entity)
    if model is None or entry_id is None or not viewer.may(Right.READ_RECORD):
        raise NotFound()
    query = sa.select(model).where(
        model.id == entry_id, model.patient_id.in_(patients.related_to(viewer))
    )
    found = db.session.scalar(query)
    if found is None:
        raise NotFound()
    return cast(Entry, found)


def entry_to_write(viewer: Viewer, entity: str, entry_id: UUID | None) -> Entry:
    """An entry the viewer may change. NotFound to a stranger, Forbidden to a reader.

    The centre that treats the patient may change every entry, a referring hospital its own.
    """
    found = entry(viewer, entity, entry_id)
    if not may_change(viewer, patients.relation(viewer, found.patient_id), found):
        raise Forbidden()
    return found


def exists(entity: str, entry_id: UUID | None) -> bool:
    """Is there an entry with this id, whosever it is? Nothing else is told."""
    return entry_id is not None and bool(existing(entity, [entry_id]))


def existing(entity: str, ids: Sequence[UUID]) -> set[UUID]:
    """Those of these ids that are entries already, whosever they are."""
    model = BY_NAME[entity]
    return set(db.session.scalars(sa.select(model.id).where(model.id.in_(ids)))) if ids else set()


def may_change(viewer: Viewer, kinds: frozenset[str], found: Entry) -> bool:
    """May the viewer, whose organisation has these care relations, change this entry?"""
    if not patients.may_write(viewer, kinds):
        return False
    return relations.TREATING in kinds or found.organisation_id == viewer.organisation_id


def death_date(patient_id: UUID, *, but: UUID | None = None) -> PartialDate | None:
    """When a patient fetched for a viewer died, leaving out one follow-up."""
    query = standing(FollowUp).where(
        FollowUp.patient_id == patient_id, FollowUp.death_date.is_not(None)
    )
    return _death([one for one in db.session.scalars(query) if one.id != but])


def has_died(patient_id: UUID) -> bool:
    """Is the death of a patient fetched for a viewer recorded, with its date or without?"""
    dead = sa.or_(FollowUp.vital_status == "dead", FollowUp.death_date.is_not(None))
    query = standing(FollowUp).where(FollowUp.patient_id == patient_id, dead)
    return db.session.scalar(sa.select(query.exists())) is True


def _death(found: Sequence[FollowUp]) -> PartialDate | None:
    return min((one.death_date for one in found if one.death_date), default=None)


def pathologies(tumour: Tumour) -> list[Pathology]:
    """A tumour's pathologies, oldest first."""
    query = standing(Pathology).where(Pathology.tumour_id == tumour.id)
    return in_order(db.session.scalars(query).all())


def stagings(tumour: Tumour) -> list[Staging]:
    """A tumour's stagings, oldest first."""
    query = standing(Staging).where(Staging.tumour_id == tumour.id)
    return in_order(db.session.scalars(query).all())


def tumours(patient_id: UUID) -> list[Tumour]:
    """The tumours of a patient who was fetched for a viewer."""
    return in_order(
        db.session.scalars(standing(Tumour).where(Tumour.patient_id == patient_id)).all()
    )


def without_tumour(patient_id: UUID) -> list[Any]:
    """The entries of a patient that could say which tumour they are about and do not."""
    models = [model for model in ENTITIES if hasattr(model, "tumour_id")]
    each = [
        sa.select(sa.literal(model.entity), model.id).where(
            model.patient_id == patient_id,
            model.tumour_id.is_(None),
            model.error_at.is_(None),
        )
        for model in models
    ]
    found = db.session.execute(sa.union_all(*each)).all()
    return [db.session.get_one(BY_NAME[entity], entry_id) for entity, entry_id in sorted(found)]


def therapies(patient_id: UUID) -> list[Therapy]:
    """The therapies of a patient who was fetched for a viewer."""
    return in_order(
        db.session.scalars(standing(Therapy).where(Therapy.patient_id == patient_id)).all()
    )
