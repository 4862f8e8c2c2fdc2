"""Keeping the directory of trials."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from registry import audit
from registry.access import Viewer
from registry.boards.models import Trial
from registry.db import db, now

audit.learn({"kept trial": _l("Added or changed a trial in the directory")})


def keep(facts: list[dict[str, Any]], *, by: Viewer) -> tuple[int, int]:
    """Add trials, or change those with the same code; gives how many were new and changed."""
    known = {one.code: one for one in db.session.scalars(sa.select(Trial))}
    new = changed = 0
    for said in facts:
        there = known.get(said["code"])
        if there is None:
            there = Trial(changed_by=by.person_id, **said)
            db.session.add(there)
            known[there.code] = there
            new += 1
        elif all(getattr(there, name) == value for name, value in said.items()):
            continue
        else:
            for name, value in said.items():
                setattr(there, name, value)
            there.changed_at, there.changed_by = now(), by.person_id
            changed += 1
        db.session.flush()
        audit.record(
            "kept trial",
            by=by,
            subject=("trial", there.id),
            changes={"code": [None, there.code], "status": [None, there.status]},
        )
    return new, changed
