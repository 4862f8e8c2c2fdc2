"""Reading cohorts: one's own, and those that others share. Never how many without the guard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from registry.access import Right, Viewer
from registry.db import db
from registry.errors import NotFound
from registry.research.models import Cohort, CohortVersion


def mine(viewer: Viewer, limit: int = 100) -> Sequence[Cohort]:
    """One's own cohorts, the last changed first."""
    viewer.need(Right.COUNT)
    return db.session.scalars(
        sa.select(Cohort)
        .where(Cohort.owner_id == viewer.person_id)
        .options(selectinload(Cohort.versions))
        .order_by(Cohort.changed_at.desc(), Cohort.id.desc())
        .limit(limit)
    ).all()


def cohort(viewer: Viewer, cohort_id: UUID) -> Cohort:
    """One's own cohort, or one that is shared. Raises NotFound."""
    viewer.need(Right.COUNT)
    found = db.session.scalar(
        sa.select(Cohort)
        .where(
            Cohort.id == cohort_id,
            sa.or_(Cohort.owner_id == viewer.person_id, Cohort.shared.is_(True)),
        )
        .options(joinedload(Cohort.owner), selectinload(Cohort.versions))
    )
    if found is None:
        raise NotFound()
    return found


def everybody(viewer: Viewer) -> dict[str, Any] | None:
    """What was last told to anybody of all of research, as the guard had it; None before that.

    A page that is only read cannot remember a number it tells, so it tells no new one.
    """
    viewer.need(Right.COUNT)
    told = db.session.scalar(
        sa.select(Cohort.told).order_by(Cohort.changed_at.desc(), Cohort.id.desc()).limit(1)
    )
    return told[0] if told else None


def version(found: Cohort, number: int) -> CohortVersion:
    """A saved version of a cohort. Raises NotFound."""
    for one in found.versions:
        if one.number == number:
            return one
    raise NotFound()
