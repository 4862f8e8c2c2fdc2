"""A case in words: what was sent as readable lines, with what changed since the version before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from registry import codes, dictionary
from registry.course import facts as plain
from registry.course import wording
from registry.course.models import BY_NAME
from registry.course.models.tumour import SYNDROME
from registry.language import gettext as _
from registry.referrals.case import ASKED, MANY, Change, Row, Rows
from registry.referrals.models import Referral

Changed = Mapping[tuple[str, int, str], Change]


@dataclass(frozen=True)
class Line:
    """One answer: what was asked, what was said, and what was said before, if that changed."""

    label: str
    text: str
    changed: bool = False
    before: str = ""


@dataclass(frozen=True)
class Block:
    """Lines that belong together."""

    title: str
    lines: tuple[Line, ...]

    @property
    def changed(self) -> bool:
        """Did anything in it change?"""
        return any(line.changed for line in self.lines)


def blocks(asked: Row, facts: Rows, changed: Changed | None = None) -> list[Block]:
    """What a referral says, in the order of the form; what was not asked is left out."""
    changed = changed or {}
    layout = (
        (_("Question"), (("referral", ASKED),)),
        (_("The patient now"), (("follow_up", ()), ("history", ()))),
        (_("Tumour"), (("tumour", _TUMOUR),)),
        (_("Pathology"), (("pathology", ()),)),
        (_("Stage"), (("staging", ()),)),
        (_("Imaging"), (("imaging", ()),)),
        (_("Syndrome"), (("tumour", SYNDROME),)),
        (_("Markers and blood values"), (("biomarker", ()),)),
        (_("Treatment so far"), (("therapy", ()),)),
    )
    found = []
    for title, parts in layout:
        lines = [line for part in parts for line in _lines(*part, asked, facts, changed)]
        if lines:
            found.append(Block(str(title), tuple(lines)))
    return found


_TUMOUR = tuple(name for name in plain.names("tumour") if name not in SYNDROME)


def _lines(
    entity: str, names: tuple[str, ...], asked: Row, facts: Rows, changed: Changed
) -> list[Line]:
    rows = [asked] if entity == "referral" else list(facts.get(entity, ()))
    gone = [key for key in changed if key[0] == entity and key[1] >= len(rows)]
    if entity in MANY:
        return _many(entity, rows, changed, gone)
    found = []
    for name in names or tuple(plain.names(entity)):
        text = said(entity, rows[0], name) if rows else ""
        change = changed.get((entity, 0, name))
        if text or change:
            before = answered(entity, name, change.before) if change else ""
            shown = text or _("No longer stated")
            found.append(Line(label(entity, name), shown, change is not None, before))
    return found


def _many(
    entity: str, rows: list[Row], changed: Changed, gone: list[tuple[str, int, str]]
) -> list[Line]:
    first, *rest = plain.names(entity)
    found = []
    for number, row in enumerate(rows):
        parts = [
            f"{label(entity, name)}: {text}" for name in rest if (text := said(entity, row, name))
        ]
        touched = any(key[:2] == (entity, number) for key in changed)
        title = said(entity, row, first) or _("Not stated")
        found.append(Line(title, "; ".join(parts), touched))
    for number in sorted({key[1] for key in gone}):
        before = changed.get((entity, number, first))
        title = answered(entity, first, before.before) if before else _("An entry")
        found.append(Line(title, _("No longer stated"), True))
    return found


def said(entity: str, row: Row, name: str) -> str:
    """One answer in words: a value with its unit, or why there is none; empty if not answered."""
    reason = (row.get("absent") or {}).get(name)
    if entity == "referral":
        return _asked(name, row.get(name)) or wording.absence(reason)
    value = plain.from_json(entity, {name: row.get(name)})[0][name]
    return wording.value(entity, name, value) or wording.absence(reason)


def _asked(name: str, value: Any) -> str:
    if value in (None, "", []):
        return ""
    declared = dictionary.of(Referral, name)
    if declared.codes:
        listed = value if isinstance(value, list) else [value]
        return ", ".join(codes.label(declared.codes, one) for one in listed)
    if declared.kind == "yes_no":
        return str({"yes": _("Yes"), "no": _("No")}.get(value, value))
    return str(value)


def answered(entity: str, name: str, answer: str) -> str:
    """An answer as `case.answer` gave it, in words; empty where there was none."""
    if answer in dictionary.ABSENT:
        return wording.absence({"why": answer})
    value: Any = answer
    kind = dictionary.kind_of(Referral if entity == "referral" else BY_NAME[entity], name)
    if kind == "codes":
        value = answer.split(";") if answer else []
    return said(entity, {name: value}, name)


def label(entity: str, name: str) -> str:
    """What a variable is called."""
    if entity == "referral":
        return str(dictionary.of(Referral, name).label)
    return wording.label(entity, name)
