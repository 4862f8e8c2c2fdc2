"""Who of a centre's patients is due for what: one range of an index, whatever the size."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry.access import Right, Viewer
from registry.course.models import FollowUpDue, FollowUpPlan
from registry.db import db, now
from registry.patients import rules
from registry.patients.models import CareRelation
from registry.people.models import Person

#: Until when, in days from today; what is overdue has a day before today.
HORIZONS = {"overdue": -1, "4": 28, "12": 84}
#: How far back tests that came early are listed.
EARLY_DAYS = 84


@dataclass(frozen=True)
class Filters:
    """What the list is narrowed to; empty strings narrow nothing."""

    when: str = "12"  # overdue, 4, 12 (weeks), early
    test: str = ""
    grade: str = ""
    site: str = ""
    clinician: UUID | None = None


@dataclass(frozen=True)
class DueRow:
    """One test of one patient."""

    patient_id: UUID
    test: str
    on: date
    is_dated: bool
    grade: str
    site_group: str
    clinician_id: UUID | None
    item: dict[str, Any]  # why: reasons, source, last time


Mark = tuple[date, UUID, str]


def due(
    viewer: Viewer, filters: Filters, today: date, *, after: Mark | None = None, limit: int = 50
) -> list[DueRow]:
    """The centre's own patients' tests, the earliest first; one more than `limit` says that there
    are more. `after` is the last row of the page before."""
    viewer.need(Right.FOLLOW_UP)
    columns = (
        FollowUpDue.patient_id, FollowUpDue.test, FollowUpDue.on, FollowUpDue.is_dated,
        FollowUpPlan.grade, FollowUpPlan.site_group, FollowUpPlan.clinician_id,
        FollowUpPlan.items,
    )  # fmt: skip
    query = _narrowed(sa.select(*columns), viewer, filters, today)
    key = (FollowUpDue.on, FollowUpDue.patient_id, FollowUpDue.test)
    if after is not None:
        values = [sa.literal(value, column.type) for column, value in zip(key, after, strict=True)]
        query = query.where(sa.tuple_(*key) > sa.tuple_(*values))
    found = db.session.execute(query.order_by(*key).limit(limit + 1)).all()
    return [
        DueRow(
            one.patient_id, one.test, one.on, one.is_dated, one.grade, one.site_group,
            one.clinician_id, _item(one.items, filters, one.test),
        )
        for one in found
    ]  # fmt: skip


def _item(items: list[dict[str, Any]], filters: Filters, test: str) -> dict[str, Any]:
    kind = "early" if filters.when == "early" else "due"
    return next((one for one in items if one["test"] == test and one["kind"] == kind), {})


def _narrowed(query: Any, viewer: Viewer, filters: Filters, today: date) -> Any:
    query = (
        query.select_from(FollowUpDue)
        .join(FollowUpPlan, FollowUpPlan.patient_id == FollowUpDue.patient_id)
        .where(_treated_here(viewer), *_when(filters, today))
    )
    if filters.test:
        query = query.where(FollowUpDue.test == filters.test)
    if filters.grade:
        query = query.where(FollowUpPlan.grade == filters.grade)
    if filters.site:
        query = query.where(FollowUpPlan.site_group == filters.site)
    if filters.clinician:
        query = query.where(FollowUpPlan.clinician_id == filters.clinician)
    return query


def _treated_here(viewer: Viewer) -> Any:
    """The care relation decides, looked up for each row of the range by its key."""
    return (
        sa.exists()
        .where(
            CareRelation.patient_id == FollowUpDue.patient_id,
            CareRelation.organisation_id == viewer.organisation_id,
            CareRelation.kind == rules.TREATING,
            sa.or_(CareRelation.until_at.is_(None), CareRelation.until_at > now()),
        )
        .correlate(FollowUpDue)
    )


def _when(filters: Filters, today: date) -> list[Any]:
    if filters.when == "early":
        since = today - timedelta(days=EARLY_DAYS)
        return [FollowUpDue.kind == "early", FollowUpDue.on >= since]
    until = today + timedelta(days=HORIZONS.get(filters.when, HORIZONS["12"]))
    return [FollowUpDue.kind == "due", FollowUpDue.on <= until]


def counts(viewer: Viewer, today: date) -> dict[tuple[str, str], int]:
    """How many tests are due, by (test, overdue | 4 | 12), each counted once."""
    viewer.need(Right.FOLLOW_UP)
    band = sa.case(
        (FollowUpDue.on < today, "overdue"),
        (FollowUpDue.on <= today + timedelta(days=28), "4"),
        else_="12",
    )
    query = _narrowed(
        sa.select(FollowUpDue.test, band, sa.func.count()), viewer, Filters(), today
    ).group_by(FollowUpDue.test, band)
    return {(test, when): count for test, when, count in db.session.execute(query)}


def clinicians(viewer: Viewer) -> dict[UUID, str]:
    """Who entered the last contact of the centre's patients, by name."""
    viewer.need(Right.FOLLOW_UP)
    ids = (
        sa.select(FollowUpPlan.clinician_id)
        .join(CareRelation, CareRelation.patient_id == FollowUpPlan.patient_id)
        .where(
            CareRelation.organisation_id == viewer.organisation_id,
            CareRelation.kind == rules.TREATING,
            FollowUpPlan.clinician_id.is_not(None),
        )
    )
    query = sa.select(Person.id, Person.name).where(Person.id.in_(ids)).order_by(Person.name)
    return {row.id: row.name for row in db.session.execute(query)}


def plan_of(patient_id: UUID) -> FollowUpPlan | None:
    """The plan of a patient who was fetched for a viewer, if it is made yet."""
    return db.session.get(FollowUpPlan, patient_id)
