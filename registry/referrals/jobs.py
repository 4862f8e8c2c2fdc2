"""The worker's part: every morning of a centre its people are told what is late, and of what has
been late for too long its lead; and deadlines follow the centre's calendar."""

from __future__ import annotations

import logging
from uuid import UUID

from registry.db import db
from registry.jobs import job
from registry.referrals.actions import mornings

log = logging.getLogger("netreg.referrals")


@job("referrals.morning", sweep=True)
def morning() -> None:
    """Look at every centre whose morning has come and that was not looked at today."""
    db.session.rollback()
    for centre_id in mornings.due():
        try:
            mornings.look(centre_id)
            db.session.commit()
        except Exception:
            db.session.rollback()
            log.warning("the morning of a centre was not looked at; it is tried again in a minute")
    db.session.rollback()


@job("referrals.set_deadlines")
def set_deadlines(centre_id: str) -> None:
    """The calendar of a centre has changed: so do its deadlines. What a worker that dies leaves is
    done in the morning."""
    db.session.rollback()
    mornings.set_deadlines(UUID(centre_id))
    db.session.commit()
