"""What a recommendation says: from what was typed to what is signed, and how two who write at
once are brought together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from registry.clinical import tables
from registry.language import lazy_gettext as _l

Typed = Mapping[str, Sequence[str]]

#: How many ordered options a recommendation can have.
MOST_OPTIONS = 6
OPTION = (
    "kind", "agent", "intent", "evidence", "trial", "off_label", "condition", "note",
)  # fmt: skip
#: What a board can find otherwise than it was recorded, and the entry that this becomes.
CHANGES = {
    "grade": _l("Grade"),
    "stage": _l("Stage"),
    "type": _l("Kind of tumour"),
    "site": _l("Primary site"),
}
#: Kinds of advice that name no agent and still go a way, and the classes of therapy on that way.
WAYS = {
    "evaluate_surgery": frozenset({"surgery"}),
    "evaluate_local": frozenset({"liver-directed", "ablation"}),
    "evaluate_radiotherapy": frozenset({"radiotherapy"}),
    "watchful_waiting": frozenset({"surveillance"}),
}
#: Kinds of advice that end what they name: they go no way.
ENDING = frozenset({"stop_systemic"})

#: Whether the board changes what was planned before.
PLANS = {
    "as_planned": _l("No, as it was planned"),
    "changed": _l("Yes"),
    "none": _l("Nothing was planned before"),
}


@dataclass(frozen=True)
class Merged:
    """What two wrote, brought together; `clashes`: what both changed, as the other has it."""

    typed: dict[str, list[str]]
    clashes: dict[str, list[str]]


def merge(base: Typed, mine: Typed, theirs: Typed) -> Merged:
    """Three sides to one: what only one changed is taken from that one. What both changed
    differently is a clash: `typed` then has mine, and theirs is handed back to be shown."""
    found: dict[str, list[str]] = {}
    clashes: dict[str, list[str]] = {}
    for name in dict.fromkeys((*base, *mine, *theirs)):
        before, ours, other = (_said(side, name) for side in (base, mine, theirs))
        chosen = ours
        if ours == before:
            chosen = other
        elif other not in (before, ours):
            clashes[name] = other
        if chosen:
            found[name] = chosen
    return Merged(found, clashes)


def _said(side: Typed, name: str) -> list[str]:
    return [text for text in side.get(name, ()) if text.strip()]


def text(typed: Typed, name: str) -> str:
    """One answer as typed; empty where there is none."""
    said = _said(typed, name)
    return said[0].strip() if said else ""


def options(typed: Typed) -> list[dict[str, str]]:
    """The options in their order; a slot that says nothing is none."""
    found = []
    for number in range(1, MOST_OPTIONS + 1):
        one = {name: text(typed, f"o{number}-{name}") for name in OPTION}
        if any(one.values()):
            found.append(one)
    return found


def changes(typed: Typed) -> list[dict[str, str]]:
    """What the board found otherwise: what, to which value, of what kind, and why."""
    found = []
    for what in CHANGES:
        to = text(typed, f"{what}_to")
        if to:
            kind = text(typed, f"{what}_kind")
            found.append({"what": what, "to": to, "kind": kind, "why": text(typed, f"{what}_why")})
    return found


def against(found: Iterable[Mapping[str, str]], listed: Iterable[str]) -> list[str]:
    """What is not among the listed options: agents, and kinds of advice whose classes of therapy
    nothing listed belongs to. None where nothing is listed.

    >>> against([{"kind": "evaluate_systemic", "agent": "EVE"}], ["SSA_LAN", "EVE"])
    []
    >>> against([{"kind": "evaluate_surgery"}], ["SSA_LAN", "EVE"])
    ['evaluate_surgery']
    """
    known = set(listed)
    if not known:
        return []
    catalogue = tables.by_key("therapies", "therapy_id")
    classes = {catalogue[agent]["class"] for agent in known if agent in catalogue}
    return [said for one in found if (said := _other_way(one, known, classes))]


def _other_way(one: Mapping[str, str], known: set[str], classes: set[str]) -> str:
    agent, kind = one.get("agent", ""), one.get("kind", "")
    if agent:
        return "" if agent in known or kind in ENDING or not kind else agent
    return kind if kind in WAYS and not WAYS[kind] & classes else ""


def kinds(content: Mapping[str, Any]) -> list[str]:
    """The kinds of advice of a recommendation, each once, in the order of its options."""
    named = [one["kind"] for one in content["options"]]
    return list(dict.fromkeys([*named, *content.get("tests", ())]))


_NEEDED = {
    "summary": _l("Write what was discussed."),
    "responsible": _l("Say who sees to it."),
    "plain": _l("Write it in words for the patient."),
}


def problems(typed: Typed, *, listed: Iterable[str], today: date) -> dict[str, Any]:
    """What keeps a draft from being signed on a day, by field."""
    found = {name: why for name, why in _NEEDED.items() if not text(typed, name)}
    said = options(typed)
    if not said and not _said(typed, "tests"):
        found["o1-kind"] = _l("Recommend at least one thing, or a test.")
    found |= _options_without_kind(typed)
    if against(said, listed) and not text(typed, "against_because"):
        found["against_because"] = _l("This is not among the listed options: say why.")
    if text(typed, "review_date") and text(typed, "review_date") <= today.isoformat():
        found["review_date"] = _l("Enter a day that is still to come.")
    return found | _changes_without_words(typed)


def _options_without_kind(typed: Typed) -> dict[str, Any]:
    found = {}
    for number in range(1, MOST_OPTIONS + 1):
        one = {name: text(typed, f"o{number}-{name}") for name in OPTION}
        if any(one.values()) and not one["kind"]:
            found[f"o{number}-kind"] = _l("Choose the kind of this option.")
    return found


def _changes_without_words(typed: Typed) -> dict[str, Any]:
    found = {}
    for one in changes(typed):
        if not one["kind"]:
            found[f"{one['what']}_kind"] = _l("Say whether it changed or was corrected.")
        if not one["why"]:
            found[f"{one['what']}_why"] = _l("Say why.")
    return found


def content(
    typed: Typed,
    *,
    listed: Iterable[str],
    dissents: Sequence[Mapping[str, str]],
    around: Mapping[str, Any],
) -> dict[str, Any]:
    """What is signed. `around`: the meeting, who was there, and what the case looked like."""
    said = options(typed)
    return {
        "summary": text(typed, "summary"),
        "answer": text(typed, "answer"),
        "options": [{name: value for name, value in one.items() if value} for one in said],
        "tests": _said(typed, "tests"),
        "responsible": text(typed, "responsible"),
        "review_date": text(typed, "review_date"),
        "plain": text(typed, "plain"),
        "plan": text(typed, "plan"),
        "against": against(said, listed),
        "against_because": text(typed, "against_because"),
        "changes": changes(typed),
        "dissents": [dict(one) for one in dissents],
        **around,
    }


def mark(record_id: object, number: int, because: str, signed: Mapping[str, Any]) -> str:
    """The hash of a signed version: of everything its readers are shown."""
    whole = [str(record_id), number, because, signed]
    plain = json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(plain.encode()).hexdigest()
