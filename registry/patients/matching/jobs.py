"""What the worker does about pairs."""

from __future__ import annotations

from registry.db import db
from registry.jobs import job
from registry.patients.matching import pairs


@job("patients.match", sweep=True, long=True)
def match() -> None:
    """Compare whoever is due, some at a time; what is left is found by the next sweep."""
    while True:
        done = pairs.compare_due()
        db.session.commit()
        db.session.remove()
        if not done:
            return
