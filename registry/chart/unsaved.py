"""What the reader typed about a patient and did not save: where it is gone on with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from registry.access import Viewer
from registry.course.forms.table import TABLES
from registry.course.models import BY_NAME, SheetDraft
from registry.course.queries.drafts import drafts_of
from registry.language import gettext as _


@dataclass(frozen=True)
class Unsaved:
    """A page that was begun: what it is, until when it was typed into, its address."""

    title: str
    at: datetime
    endpoint: str
    address: dict[str, Any]


def unsaved(viewer: Viewer, patient_id: UUID) -> Sequence[Unsaved]:
    """Every page about a patient (fetched for the viewer) the viewer typed into and left."""
    found = [(draft, _place(draft, patient_id)) for draft in drafts_of(viewer, patient_id)]
    return [Unsaved(place[0], d.saved_at, *place[1:]) for d, place in found if place is not None]


def _place(draft: SheetDraft, patient_id: UUID) -> tuple[str, str, dict[str, Any]] | None:
    kind, _colon, rest = draft.page.partition(":")
    entity, _colon, which = rest.partition(":")
    patient = {"patient_id": patient_id}
    asked = dict(parse_qsl("".join(draft.typed.get("asked") or [])))
    if kind == "visit":
        return _("Follow-up visit"), "course.visit", patient
    if kind == "level1":
        tumour = {} if rest == "first" else {"tumour_id": rest}
        return _("Level 1"), "course.level_1", patient | tumour
    if entity not in BY_NAME:
        return None
    if kind == "entry":
        address = {"entity": entity, "entry_id": which}
        return str(BY_NAME[entity].entity_label), "course.edit", address
    if kind == "table":
        parent = {TABLES[entity].parent: which} if which else {}
        return str(TABLES[entity].title), "course.table", {**patient, "entity": entity, **parent}
    if kind == "assessment":
        title = _("Assessment of measured lesions")
        if draft.typed.get("opened"):
            return title, "course.assessment", {"response_id": which}
        return title, "course.assess", {**asked, **patient}
    title = _("New: %(entry)s", entry=BY_NAME[entity].entity_label)
    return title, "course.add", {**asked, **patient, "entity": entity}
