"""Keeping the directory of trials."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from registry import audit
from registry.access import Viewer
from registry.boards.models import Trial
from registry.db import db, now
from registry.errors import Conflict, Invalid
from registry.language import gettext as _
from registry.language import lazy_gettext as _l

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
        _record(there, by)
    return new, changed


def add(said: dict[str, Any], *, by: Viewer) -> Trial:
    """Add one trial. Raises Invalid where one with its number is there."""
    _refuse_same_code(said["code"])
    made = Trial(changed_by=by.person_id, **said)
    db.session.add(made)
    _record(made, by)
    return made


def change(found: Trial, said: dict[str, Any], *, by: Viewer, version: int) -> None:
    """Change one trial. Raises Conflict where somebody else did so meanwhile."""
    if found.version != version:
        raise Conflict(_("This was changed by somebody else while you were working on it."))
    if said["code"] != found.code:
        _refuse_same_code(said["code"])
    if all(getattr(found, name) == value for name, value in said.items()):
        return
    for name, value in said.items():
        setattr(found, name, value)
    found.changed_at, found.changed_by = now(), by.person_id
    _record(found, by)


def _refuse_same_code(code: str) -> None:
    if db.session.scalar(sa.select(Trial.id).where(Trial.code == code)) is not None:
        raise Invalid(_("A trial with this number is there already."), field="code")


def _record(one: Trial, by: Viewer) -> None:
    db.session.flush()
    audit.record(
        "kept trial",
        by=by,
        subject=("trial", one.id),
        changes={"code": [None, one.code], "status": [None, one.status]},
    )
