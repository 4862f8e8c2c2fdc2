"""The worker's part: every morning of a centre its people are told what is late, and of what has
been late for too long its lead; and deadlines follow the centre's calendar."""

from __future__ import annotations

import logging
from uuid import UUID

from registry.db import db, snapshot
from registry.jobs import job
from registry.referrals.actions import mornings

log = logging.getLogger("netreg.referrals")


@job("referrals.morning", sweep=True)
def morning() -> None:
    """Look at every centre whose morning has come and that was not looked at today."""
    db.session.rollback()
    for centre_id in mornings.due():
        try:
            _set_deadlines(centre_id)
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
    _set_deadlines(UUID(centre_id))


#: Cases whose deadlines are set at once: nobody waits longer to write than this takes.
_AT_ONCE = 500


def _set_deadlines(centre_id: UUID) -> None:
    """What has to be set is read without holding up anybody, and set in parts."""
    db.session.rollback()
    zone, calendar = mornings.working_days(centre_id)
    db.session.rollback()
    with snapshot() as connection:
        wanted = mornings.deadlines_to_set(centre_id, zone, calendar, connection)
    for first in range(0, len(wanted), _AT_ONCE):
        mornings.set_some(wanted[first : first + _AT_ONCE])
        db.session.commit()
    db.session.rollback()
