"""The worker's sealing of the audit."""

from __future__ import annotations

from sqlalchemy.exc import IntegrityError

from registry import audit
from registry.db import db
from registry.jobs import job


@job("audit.seal", sweep=True)
def seal() -> None:
    """Seal batch after batch until nothing is left."""
    try:
        while audit.seal():
            db.session.commit()
    except IntegrityError:
        pass  # another sealer was first, and goes on
    db.session.rollback()
