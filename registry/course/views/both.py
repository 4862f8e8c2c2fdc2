"""Two versions of one entry: what was typed here, and what stands in the record by now.

What only the other changed is taken over into the form; where both changed something, what was
typed here stays. Who answers sees both and what will be saved.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from registry.course import facts, forms, queries, wording
from registry.course.forms import EntryForm
from registry.course.views.desk import Desk
from registry.people import queries as people

#: Kinds of changes of what an entry states.
_STATED = ("changed", "linked")


def versions(desk: Desk, form: EntryForm, opened: int | None = None) -> list[dict[str, Any]]:
    """Question by question: mine, what stands, and which of them is in the form now; what neither
    version answers is left out. `opened` is the copy that was worked on, where that is known."""
    said, entity, entry = form.stated(), desk.entity, desk.entry
    mine = {name: (facts.plain(said.values[name]), *_why(said.absent.get(name)))
            for name in facts.names(entity)}  # fmt: skip
    mine |= {f"{name}_id": (form.link(name) or None, None, None) for name in form.links}
    theirs = changed_by_others(entry, mine, opened)
    rows = []
    for name in facts.names(entity):
        typed = wording.value(entity, name, said.values[name])
        stands = wording.value(entity, name, getattr(entry, name))
        typed = typed or wording.absence(said.absent.get(name))
        stands = stands or wording.absence(entry.absent.get(name))
        if typed or stands:
            rows.append(row(wording.label(entity, name), typed, stands, name in theirs))
    rows += _links(desk, form, theirs)
    if theirs:
        kept = desk.form(stored=forms.stored(entry), absent=entry.absent)
        for name in theirs:
            form.take(name.removesuffix("_id") if name not in form else name, kept)
    return rows


def row(label: str, mine: str, stands: str, is_theirs: bool) -> dict[str, Any]:
    """One question: what was typed, what stands, and which of the two will be saved."""
    saved = stands if is_theirs else mine
    return {"label": label, "mine": mine, "stands": stands, "saved": saved}


def changed_by_others(
    entry: Any, mine: Mapping[str, tuple[Any, ...]], opened: int | None
) -> set[str]:
    """What somebody else changed since a copy was opened, and who typed here did not.

    `mine` has by column the value as JSON, and why there is none, as code and in words.
    """
    first = _before(entry, opened) if opened is not None and 0 < opened < entry.version else {}
    found = set()
    for name, typed in mine.items():
        stands = (facts.plain(getattr(entry, name)), *_why((entry.absent or {}).get(name)))
        if name.endswith("_id"):
            stands = (str(stands[0]) if stands[0] else None, None, None)
        before = (
            first.get(name, stands[0]),
            (first["absent"] or {}).get(name) if "absent" in first else stands[1],
            (first["because"] or {}).get(name) if "because" in first else stands[2],
        )
        if _same(typed, before) and not _same(before, stands):
            found.add(name)
    return found


def _before(entry: Any, opened: int) -> dict[str, Any]:
    """What an entry stated in a copy, of all that was changed since."""
    found: dict[str, Any] = {}
    for change in queries.changes_of(entry):
        if change.version > opened and change.kind in _STATED:
            for name, (before, _after) in change.changes.items():
                found.setdefault(name, before)
    return found


def _why(absent: Mapping[str, Any] | None) -> tuple[Any, Any]:
    return (absent or {}).get("why"), (absent or {}).get("because")


def _same(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    return [each or None for each in one] == [each or None for each in other]


def changed_by(entry: Any) -> str:
    """Who saved the version that stands."""
    names = people.person_names([entry.changed_by]) if entry.changed_by else {}
    return names.get(entry.changed_by, "")


def _links(desk: Desk, form: EntryForm, theirs: set[str]) -> list[dict[str, Any]]:
    rows = []
    for name in form.links:
        words = {option.value: option.label for option in form[name].options}
        stands = words.get(str(getattr(desk.entry, f"{name}_id")), "")
        mine = words.get(form.link(name), "")
        rows.append(row(str(form[name].label.text), mine, stands, f"{name}_id" in theirs))
    return rows
