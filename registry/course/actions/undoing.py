"""Taking back what was just saved: the values before, or the mark of an entry made in error."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from registry.access import Viewer
from registry.course import facts as facts_
from registry.course import queries
from registry.course.actions.entry import change, lock
from registry.course.actions.mistakes import mark_error, restore
from registry.course.models.entry import Entry
from registry.errors import Invalid
from registry.language import gettext as _

#: Kinds of kept changes that a person made and can take back.
_UNDONE = ("changed", "linked", "error", "restored")


def undo(entry: Entry, *, by: Viewer, version: int) -> None:
    """Take back the last step of an entry: a change is changed back, a new entry is marked as
    entered in error, a mark is taken off. The step itself stays in the history.

    Raises Conflict when somebody changed the entry since, Invalid where others rest on it.
    """
    lock(entry, version)
    steps = [
        one
        for one in queries.changes_of(entry)
        if one.version == entry.version and one.kind in _UNDONE
    ]
    if not steps:
        if entry.version > 1:
            raise Invalid(_("There is nothing to take back."), field="because")
        mark_error(entry, by=by, version=version, because=_("Taken back right after it was saved."))
    elif steps[-1].kind == "error":
        restore(entry, by=by, version=version)
    elif steps[-1].kind == "restored":
        mark_error(entry, by=by, version=version, because=_("Taken back right after it was saved."))
    else:
        _change_back(entry, steps[-1].changes, by=by, version=version)


def _change_back(entry: Entry, changes: dict[str, Any], *, by: Viewer, version: int) -> None:
    before = {name: pair[0] for name, pair in changes.items()}
    codes, said = before.pop("absent", None), before.pop("because", None)
    links = {name: value for name, value in before.items() if name.endswith("_id")}
    values, _none = facts_.from_json(
        entry.entity, {name: value for name, value in before.items() if name not in links}
    )
    absent = dict(entry.absent or {})
    if "absent" in changes:
        absent = {name: absent.get(name, {"why": why}) | {"why": why} for name, why in
                  (codes or {}).items()}  # fmt: skip
    if "because" in changes:
        for name, reason in absent.items():
            text = (said or {}).get(name)
            absent[name] = {"why": reason["why"], **({"because": text} if text else {})}
    change(
        entry,
        by=by,
        version=version,
        values=values,
        absent=absent,
        **{name: UUID(value) if value else None for name, value in links.items()},
    )
