"""Adding to the code lists of a network, without a release."""

from __future__ import annotations

import re

from registry import audit, codes
from registry.access import Right, Viewer
from registry.db import db, now
from registry.errors import Conflict, Invalid
from registry.language import gettext as _
from registry.people.models import LocalCode
from registry.people.queries import code_lists as queries
from registry.people.rules.lists import OPEN_LISTS

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_]{1,29}")


def add_code(
    *, by: Viewer, name: str, code: str, label: str, source: str, why: str = ""
) -> LocalCode:
    """Add a code to a list that is open for it. Raises Invalid with the field that is wrong."""
    by.need(Right.ADMINISTER)
    code, label = code.strip(), label.strip()
    if name not in OPEN_LISTS:
        raise Invalid(_("This list cannot be added to."), field="list")
    if not _CODE.fullmatch(code):
        raise Invalid(
            _("Use 2 to 30 letters without accents, digits and _, beginning with a letter."),
            field="code",
        )
    there = codes.codes(name)
    if code.casefold() in {known.casefold() for known in there}:
        raise Invalid(_("The list has this code already."), field="code")
    if label.casefold() in {one.label.casefold() for one in there.values()}:
        raise Invalid(_("The list has this entry already, under another code."), field="label")
    added = LocalCode(
        list=name, code=code, label=label, source=source, why=why, added_by_id=by.person_id
    )
    db.session.add(added)
    _keep(added, "added code", by=by, changes={"code": [None, f"{name}: {code}"]})
    return added


def retire_code(one: LocalCode, *, by: Viewer) -> None:
    """Offer a code no more; records that hold it stay readable."""
    by.need(Right.ADMINISTER)
    if one.retired_at is None:
        one.retired_at = now()
        _keep(one, "retired code", by=by)


def offer_again(one: LocalCode, *, by: Viewer) -> None:
    """Take a retirement back."""
    by.need(Right.ADMINISTER)
    if one.retired_at is not None:
        one.retired_at = None
        _keep(one, "took back code", by=by)


def remove_code(one: LocalCode, *, by: Viewer) -> None:
    """Remove a code that nothing holds. Raises Conflict for one in use: retire it instead."""
    by.need(Right.ADMINISTER)
    if queries.in_use(one):
        raise Conflict(_("This code is in use. Retire it instead: it is then offered no more."))
    db.session.delete(one)
    _keep(one, "removed code", by=by, changes={"code": [f"{one.list}: {one.code}", None]})


def _keep(
    one: LocalCode, action: str, *, by: Viewer, changes: dict[str, list[str | None]] | None = None
) -> None:
    one.changed_at = now()
    db.session.flush()
    said = changes or {"code": [f"{one.list}: {one.code}"] * 2}
    audit.record(action, by=by, subject=("local_code", one.id), changes=said)
    queries.look_again()
