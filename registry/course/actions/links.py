"""What an entry points to: read, set, and only within one patient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from registry.course.models import LINKS, links_of
from registry.course.models.entry import Entry
from registry.db import db
from registry.errors import Invalid
from registry.language import gettext as _


def links_in(entry: Entry) -> dict[str, UUID | None]:
    """The ids of what an entry points to, by column."""
    return {f"{name}_id": getattr(entry, f"{name}_id") for name in links_of(type(entry))}


def link(entry: Entry, links: Mapping[str, UUID | None]) -> None:
    """Tie an entry to others of the same patient. What belongs to a therapy or a series is about
    its tumour."""
    names = links_of(type(entry))
    if unknown := set(links) - {f"{name}_id" for name in names}:
        raise KeyError(", ".join(sorted(unknown)))
    tumour_id = None
    for name in names:
        wanted = links.get(f"{name}_id")
        found = _own(LINKS[name], entry, wanted, f"{name}_id")
        setattr(entry, f"{name}_id", wanted)
        tumour_id = tumour_id or getattr(found, "tumour_id", None)
    if "tumour" in names and links.get("tumour_id") is None:
        entry.tumour_id = tumour_id  # type: ignore[attr-defined]


def _own(model: type[Any], entry: Entry, wanted: UUID | None, field: str) -> Any:
    if wanted is None:
        return None
    found = db.session.get(model, wanted)
    if found is None or found.patient_id != entry.patient_id or wanted == entry.id:
        raise Invalid(_("Choose one of this patient's."), field=field)
    return found
