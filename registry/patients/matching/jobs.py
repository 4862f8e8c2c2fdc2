"""What the worker does about pairs."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from registry.db import db, now, snapshot
from registry.jobs import job
from registry.patients.matching import merging, pairs
from registry.patients.matching.models import Merge


@job("patients.gather", sweep=True)
def gather() -> None:
    """Look after records that were joined lately: nothing is left behind that came in meanwhile."""
    lately = sa.select(Merge.id).where(
        Merge.undone_at.is_(None), Merge.at > now() - timedelta(hours=1)
    )
    for merge_id in list(db.session.scalars(lately)):
        merge = db.session.get(Merge, merge_id)
        if merge is not None and merge.undone_at is None:
            merging.gather(merge)
        db.session.commit()


@job("patients.match", sweep=True, long=True)
def match() -> None:
    """Compare whoever is due, some at a time; what is left is found by the next sweep."""
    with snapshot() as connection:  # counting holds up nobody
        total = pairs.known(connection)
    while True:
        done = pairs.compare_due(total=total)
        db.session.commit()
        db.session.remove()
        if not done:
            return
