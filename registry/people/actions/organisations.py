"""Setting up organisations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from registry import audit
from registry.access import Right, Role, Viewer
from registry.db import db
from registry.errors import Conflict, Invalid
from registry.language import gettext as _
from registry.people.actions.administrators import keep_one, lock
from registry.people.models import Membership, Organisation

#: What another room says has to be settled before a place is closed; empty where nothing has.
ToSettle = Callable[[Organisation], str]
_TO_SETTLE: list[ToSettle] = []


def before_closing(told: ToSettle) -> ToSettle:
    """Ask this of every place that is to be closed. For rooms that people know nothing of."""
    _TO_SETTLE.append(told)
    return told


def add_organisation(*, by: Viewer, code: str, name: str, kind: str, **facts: Any) -> Organisation:
    """Add a hospital or centre. Raises Invalid for a code that is taken."""
    if by.person_id is not None:
        by.need(Right.ADMINISTER)
    taken = sa.select(Organisation.id).where(Organisation.code == code)
    if db.session.scalar(taken) is not None:
        raise Invalid(_("Another organisation has this code."), field="code")
    added = Organisation(code=code, name=name, kind=kind, **facts)
    db.session.add(added)
    db.session.flush()
    audit.record("added organisation", by=by, subject=("organisation", added.id))
    return added


def change_organisation(place: Organisation, *, by: Viewer, version: int, **facts: Any) -> None:
    """Change what is known of an organisation. Raises Conflict for an edit on an old copy."""
    by.need(Right.ADMINISTER)
    _check(place, version)
    changes = {}
    for name, value in facts.items():
        before = getattr(place, name)
        if before != value:
            changes[name] = [before, value]
            setattr(place, name, value)
    if not changes:
        return
    db.session.flush()
    audit.record("changed organisation", by=by, subject=("organisation", place.id), changes=changes)


def set_organisation_active(place: Organisation, active: bool, *, by: Viewer, version: int) -> None:
    """Deactivate or reactivate an organisation. Its history and its people's accounts stay; while
    it is inactive nobody works for it and nothing can be sent to it. Raises Invalid for what has to
    be settled first: nobody would see it any more."""
    by.need(Right.ADMINISTER)
    _check(place, version)
    if place.active == active:
        return
    if not active:
        if place.id == by.organisation_id:
            raise Invalid(_("You are working for this organisation now. Choose another first."))
        for told in _TO_SETTLE:
            if said := told(place):
                raise Invalid(said)
        lock()
    place.active = active
    db.session.flush()
    if not active and _has_administrators(place):
        keep_one()
    audit.record(
        "reopened organisation" if active else "closed organisation",
        by=by,
        subject=("organisation", place.id),
    )


def _has_administrators(place: Organisation) -> bool:
    query = sa.select(Membership.id).where(
        Membership.organisation_id == place.id, Membership.role == Role.ADMINISTRATOR.value
    )
    return db.session.scalar(query.limit(1)) is not None


def _check(place: Organisation, version: int) -> None:
    if place.version != version:
        raise Conflict(_("This was changed by somebody else while you were working on it."))
