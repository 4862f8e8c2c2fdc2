"""The worker's part of files that come in: looking at them, and clearing up."""

from __future__ import annotations

import time
from uuid import UUID

from registry.db import db
from registry.jobs import job
from registry.patients.documents import looking

#: Every file is looked for as seldom as this, in seconds.
_ORPHANS_EACH = 3600.0
_looked_at: list[float] = []


@job("documents.check", sweep=True)
def check(arriving_id: str = "") -> None:
    """Look at a file that came; without one, at all that wait."""
    db.session.rollback()
    for one in [UUID(arriving_id)] if arriving_id else looking.waiting():
        try:
            looking.check(one)
        except Exception as problem:
            db.session.rollback()
            looking.log.warning("a file was not looked at: %s", type(problem).__name__)


@job("documents.clear_up", sweep=True)
def clear_up() -> None:
    """Remove what was given up; once an hour what no row knows of; scan what was not scanned."""
    db.session.rollback()
    looking.clear_up()
    looking.scan_again()
    if not _looked_at or time.monotonic() - _looked_at[-1] > _ORPHANS_EACH:
        _looked_at[:] = [time.monotonic()]
        looking.clear_orphans()
