"""What a new entry begins with: obvious links, an earlier entry, a report to review."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from registry import web
from registry.course import facts, queries
from registry.course.models import links_of
from registry.course.views.desk import Desk
from registry.errors import NotFound

#: Links that are filled in where there is only one they can mean.
_OBVIOUS = {"tumour", "therapy", "baseline", "response"}
#: What may begin as a copy of the last one. Its date is always asked anew.
COPIED = ("staging", "imaging", "follow_up", "symptom_diary", "cycle", "heart_assessment")
#: What a central review has in common with the report of the same specimen.
_SPECIMEN = ("date", "specimen_kind", "specimen_site")
#: Never copied: what is about one moment, or was said about one entry.
_ALWAYS_NEW = frozenset({"note", "result", "archive_link", "transfer_status", "transfer_date",
                         "images_sent", "change_kind", "number", "delayed", "netpet",
                         "death_date", "death_cause", "interval", "interval_unit"})  # fmt: skip


@dataclass(frozen=True)
class Start:
    """What stands in the form at first. `copied` is the entry that was copied: then it must be
    said that the answers were checked. `last` is the one that could be copied."""

    stored: dict[str, Any] = field(default_factory=dict)
    absent: dict[str, Any] = field(default_factory=dict)
    copied: Any = None
    review_of: Any = None
    last: Any = None

    def is_confirmed(self, sent: Mapping[str, str]) -> bool:
        """Was it said that the copied answers were checked?"""
        return self.copied is None or sent.get("checked") == "yes"


def start(desk: Desk, asked: Mapping[str, str]) -> Start:
    """What the address asks for: `from` an entry, a `review_of` a report, or links by name.

    Raises NotFound for an entry that is not this patient's.
    """
    links = _links(desk, asked)
    if asked.get("review_of") and desk.entity == "pathology":
        return _review(desk, links)
    last = queries.latest(desk.patient.id, desk.entity) if desk.entity in COPIED else None
    if not asked.get("from") or desk.entity not in COPIED:
        return Start(stored=links | _defaults(desk, links), last=last)
    copied = queries.entry(web.viewer(), desk.entity, web.as_id(asked["from"]))
    if copied.patient_id != desk.patient.id:
        raise NotFound()
    stated = {
        name: value
        for name, value in facts.stated(copied).items()
        if name != copied.dated_by and name not in _ALWAYS_NEW
    }
    tied = {name: str(getattr(copied, f"{name}_id") or "") for name in links_of(desk.model)}
    absent = {n: why for n, why in (copied.absent or {}).items() if n in stated}
    return Start(links | _defaults(desk, links) | stated | tied, absent, copied=copied)


def _links(desk: Desk, asked: Mapping[str, str]) -> dict[str, Any]:
    """What the address says, else what can only be one, else the tumour of the last entry."""
    found = {name: asked.get(name, "") for name in links_of(desk.model)}
    for name, entries in desk.linkable.items():
        if found[name]:
            continue
        if len(entries) == 1 and name in _OBVIOUS:
            found[name] = str(entries[0].id)
        elif name == "tumour":
            found[name] = _likely_tumour(desk, found)
    return found


def _likely_tumour(desk: Desk, links: Mapping[str, str]) -> str:
    """Of several primaries the one of what the entry belongs to, else the one worked on last."""
    for name in ("therapy", "baseline", "review_of"):
        chosen = [one for one in desk.linkable.get(name, ()) if str(one.id) == links.get(name)]
        if chosen and chosen[0].tumour_id:
            return str(chosen[0].tumour_id)
    worked = queries.worked_on_last(desk.patient.id)
    return str(worked) if worked else ""


def _defaults(desk: Desk, links: Mapping[str, Any]) -> dict[str, Any]:
    """What is so unless it is said otherwise."""
    if desk.entity == "cycle" and links.get("therapy"):
        return {"number": queries.next_cycle(desk.patient.id, web.as_id(links["therapy"]))}
    if desk.entity == "adverse_event":
        return {"ctcae_version": "5.0"}
    return {}


def _review(desk: Desk, links: dict[str, Any]) -> Start:
    """A central review of a report begins with its specimen."""
    local = next(
        (one for one in desk.linkable["review_of"] if str(one.id) == links["review_of"]), None
    )
    if local is None:
        raise NotFound()
    stated = {name: getattr(local, name) for name in _SPECIMEN}
    tied = {"tumour": str(local.tumour_id or ""), "review_of": str(local.id)}
    stored = links | stated | tied | {"report_kind": "central_review"}
    return Start(stored=stored, review_of=local)
