"""Two versions of one entry: what was typed here, and what stands in the record by now."""

from __future__ import annotations

from typing import Any

from registry.course import facts, wording
from registry.course.forms import EntryForm
from registry.course.views.desk import Desk
from registry.people import queries as people


def versions(desk: Desk, form: EntryForm) -> list[dict[str, Any]]:
    """Question by question; what neither version answers is left out."""
    said, entity = form.stated(), desk.entity
    rows = []
    for name in facts.names(entity):
        mine = wording.value(entity, name, said.values[name])
        stands = wording.value(entity, name, getattr(desk.entry, name))
        mine = mine or wording.absence(said.absent.get(name))
        stands = stands or wording.absence(desk.entry.absent.get(name))
        if mine or stands:
            rows.append({"label": wording.label(entity, name), "mine": mine, "stands": stands})
    return rows + _links(desk, form)


def changed_by(entry: Any) -> str:
    """Who saved the version that stands."""
    names = people.person_names([entry.changed_by]) if entry.changed_by else {}
    return names.get(entry.changed_by, "")


def _links(desk: Desk, form: EntryForm) -> list[dict[str, Any]]:
    rows = []
    for name in form.links:
        words = {option.value: option.label for option in form[name].options}
        stands = words.get(str(getattr(desk.entry, f"{name}_id")), "")
        mine = words.get(form.link(name), "")
        rows.append({"label": str(form[name].label.text), "mine": mine, "stands": stands})
    return rows
