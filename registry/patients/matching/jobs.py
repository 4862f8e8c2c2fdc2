"""What the worker does about pairs."""

from __future__ import annotations

import time
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


#: Where one writes at a time, so many times as long as comparing took is left to the others: a
#: patient among a million has eighty of nearly the same birth date to be compared with.
REST = 3


@job("patients.match", sweep=True, long=True)
def match() -> None:
    """Compare whoever is due, some at a time; what is left is found by the next sweep."""
    with snapshot() as connection:  # counting holds up nobody
        total = pairs.known(connection)
    one_writer = db.engine.dialect.name == "sqlite"
    while True:
        begun = time.monotonic()
        done = pairs.compare_due(1 if one_writer else pairs.BATCH, total=total)
        db.session.commit()
        db.session.remove()
        if not done:
            return
        if one_writer:
            time.sleep(REST * (time.monotonic() - begun))
