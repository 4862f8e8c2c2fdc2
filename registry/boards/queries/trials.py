"""The directory of trials: the network's, for everybody who sees boards."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa

from registry.access import Right, Viewer
from registry.boards.models import Trial
from registry.db import db
from registry.errors import NotFound


def trials(viewer: Viewer) -> Sequence[Trial]:
    """All trials, the open ones first."""
    viewer.need(Right.SIGNED_IN)
    order = sa.case({"open": 0, "soon": 1, "paused": 2}, value=Trial.status, else_=3)
    return db.session.scalars(sa.select(Trial).order_by(order, Trial.code)).all()


def trial(viewer: Viewer, trial_id: UUID | None) -> Trial:
    """A trial to change. Raises NotFound where there is none."""
    viewer.need(Right.KEEP_TRIALS)
    found = db.session.get(Trial, trial_id)
    if found is None:
        raise NotFound()
    return found


def can_be_named(viewer: Viewer) -> list[tuple[str, str]]:
    """Trials a recommendation can name: (code, title) of those that are open or soon will be."""
    viewer.need(Right.BOARDS)
    query = sa.select(Trial.code, Trial.title).where(Trial.status.in_(["open", "soon"]))
    return [(row[0], row[1]) for row in db.session.execute(query.order_by(Trial.code))]
