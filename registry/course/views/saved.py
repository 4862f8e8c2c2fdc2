"""What a person is told after saving, with the way to take it back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import render_template
from markupsafe import Markup

from registry import web
from registry.course import wording
from registry.errors import NotFound
from registry.language import gettext as _

#: So many entries are taken back at once; what stands in the session must stay small.
MOST_UNDONE = 12


def tell_saved(entries: Sequence[Any]) -> None:
    """Say what was saved, with a button that takes back exactly this."""
    if len(entries) == 1:
        tell_done(_("Saved: %(entry)s.", entry=wording.named(entries[0])), entries)
    else:
        tell_done(_("%(n)s entries saved.", n=len(entries)), entries)


def tell_done(text: str, entries: Sequence[Any]) -> None:
    """Say what was done with entries, with the same button."""
    items = [item(one) for one in entries]
    if not items or len(items) > MOST_UNDONE:
        web.done(text)
        return
    page = render_template("course/_undo.html", text=text, items=items)
    web.done(Markup(page))  # noqa: S704 - the template escapes what it shows


def item(entry: Any) -> str:
    """An entry and the copy in force, as one word of a form."""
    return f"{entry.entity}/{entry.id}/{entry.version}"


def read_item(text: str) -> tuple[str, Any, int]:
    """Entity, id and version of such a word. Raises NotFound for another word."""
    entity, _slash, rest = text.partition("/")
    entry_id, _slash, version = rest.partition("/")
    found = web.as_id(entry_id)
    if found is None or web.as_number(version) is None:
        raise NotFound()
    return entity, found, int(version)
