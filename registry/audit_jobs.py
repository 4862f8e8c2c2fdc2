"""The worker's sealing of the audit."""

from __future__ import annotations

import json
import logging
import os
import syslog
from typing import Any

from flask import current_app
from sqlalchemy.exc import IntegrityError

from registry import audit
from registry.db import db
from registry.jobs import job

log = logging.getLogger("netreg.audit")


def _write_down(noted: dict[str, Any] | None) -> None:
    """Write the newest seal where somebody who can change the database cannot (NETREG_SEAL_LOG).

    One that cannot be written keeps nothing from being sealed: the next one vouches for it too.
    """
    place: str = current_app.extensions["netreg_settings"].seal_log
    if not place or noted is None:
        return
    line = json.dumps(noted)
    if place == "syslog":
        syslog.openlog("netreg-audit", facility=syslog.LOG_AUTH)
        syslog.syslog(syslog.LOG_INFO, line)
        return
    try:
        handle = os.open(place, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        with os.fdopen(handle, "a") as out:
            out.write(line + "\n")
    except OSError as problem:
        log.error("the seal could not be written to NETREG_SEAL_LOG: %s", problem.strerror)


@job("audit.seal", sweep=True)
def seal() -> None:
    """Seal batch after batch until nothing is left."""
    try:
        while audit.seal():
            noted = audit.newest_seal(db.session.connection())
            db.session.commit()
            _write_down(noted)
    except IntegrityError:
        pass  # another sealer was first, and goes on
    db.session.rollback()
