"""The worker's sealing of the audit."""

from __future__ import annotations

from registry import audit
from registry.db import db
from registry.jobs import job


@job("audit.seal", sweep=True)
def seal() -> None:
    """Seal batch after batch until nothing is left."""
    while audit.seal():
        db.session.commit()
    db.session.rollback()
