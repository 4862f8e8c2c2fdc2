"""Edit checks over a whole record: what contradicts itself, and what somebody accepted, and why."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from registry import dictionary
from registry.clinical import edit_checks
from registry.clinical.edit_checks import REFUSE, WARN, Finding
from registry.clinical.results import N_, Reason

#: A whole record as plain rows by entity (see `clinical.edit_checks.record_findings`).
Rows = Mapping[str, Sequence[Mapping[str, Any]]]

UNUSUAL = "unusual_value"
_UNUSUAL = N_("Unusual: most are from %(low)s to %(high)s %(unit)s. Please check.")
#: Of two dates out of order the later one is looked at.
_SAID_AT_THE_END = frozenset({"stop_before_start", "before_diagnosis_symptom"})
#: Checked with more knowledge than the plain range of the column.
_CHECKED_BETTER = frozenset({("cycle", "activity_gbq"), ("biomarker", "value")})


@dataclass(frozen=True)
class Standing:
    """A finding, and the acceptance of exactly these values, if somebody gave one."""

    finding: Finding
    accepted: Mapping[str, Any] | None = None

    @property
    def is_open(self) -> bool:
        """Nobody accepted it as it stands."""
        return self.accepted is None

    @property
    def entity(self) -> str:
        """The kind of the entry it is shown at."""
        return self.finding.entries[0][0]

    @property
    def entry_id(self) -> str:
        """The entry it is shown at."""
        return self.finding.entries[0][1]


def findings(
    rows: Rows, models: Mapping[str, type[Any]], *, today: date | None = None
) -> list[Finding]:
    """Everything that contradicts itself or is unusual in a record, in the order of its entries.

    Beside the checks across entries: what a derivation found within an entry (its own `findings`)
    and values outside the plausible range of their column.
    """
    found = list(edit_checks.record_findings(rows, today=today))
    for entity, entries in rows.items():
        if entity not in models:
            continue
        model: Any = models[entity]
        ranges = _ranges(model)
        for row in entries:
            if row.get("error_at"):
                continue
            if row.get("findings"):
                found += _kept(entity, row)
            found += [
                _unusual(entity, row, name, declared, usual)
                for name, declared, usual in ranges
                if _is_outside(row.get(name), *usual)
            ]
    return _once(found)


def _once(found: Iterable[Finding]) -> list[Finding]:
    """Each contradiction once: what an entry keeps of itself may be found across entries too."""
    seen: dict[tuple[str, Any], Finding] = {}
    for one in found:
        seen.setdefault((one.code, tuple(sorted(one.entries))), one)
    return list(seen.values())


def _kept(entity: str, row: Mapping[str, Any]) -> list[Finding]:
    """What the derivation of an entry found, as the entry keeps it."""
    return [
        Finding(
            code=one["code"],
            severity=one["severity"],
            reason=Reason(one["reason"]["template"], one["reason"]["values"]),
            variables=tuple(one["variables"]),
            entries=((entity, str(row["id"])),),
        )
        for one in row["findings"]
    ]


@cache
def _ranges(model: Any) -> tuple[tuple[str, dictionary.Variable, tuple[Decimal, Decimal]], ...]:
    """The variables of a kind of entry that have a plausible range, which is all that is known."""
    return tuple(
        (name, one, one.plausible)
        for name, one in dictionary.described(model).items()
        if one.plausible is not None and (model.entity, name) not in _CHECKED_BETTER
    )


def _is_outside(value: Any, low: Decimal, high: Decimal) -> bool:
    """Is it a value outside what is plausible?"""
    if value is None or value == "":
        return False
    return not low <= (value if type(value) is Decimal else Decimal(str(value))) <= high


def _unusual(
    entity: str,
    row: Mapping[str, Any],
    name: str,
    declared: dictionary.Variable,
    usual: tuple[Decimal, Decimal],
) -> Finding:
    low, high = usual
    said = {"low": f"{low:f}", "high": f"{high:f}", "unit": str(declared.unit)}
    return Finding(
        code=UNUSUAL,
        severity=WARN,
        reason=Reason(_UNUSUAL, said),
        variables=(f"{entity}.{name}",),
        because=(Reason("%(value)s", {"value": str(row[name])}),),
        entries=((entity, str(row["id"])),),
    )


def mark_of(finding: Finding) -> str:
    """A mark of what was accepted: it lapses when one of the values concerned changes."""
    values = [reason.values.get("value", "") for reason in finding.because if reason.values]
    text = "\n".join([finding.mark, *finding.variables, *values])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def key_of(finding: Finding) -> str:
    """Under which name an entry keeps an acceptance: the check, and the other entry concerned."""
    others = "".join(f":{entry_id[-8:]}" for _entity, entry_id in finding.entries[1:2])
    place = finding.variables[0].partition(".")[2] if finding.code == UNUSUAL else ""
    return f"{finding.code}{f':{place}' if place else ''}{others}"


def standing(found: Iterable[Finding], rows: Rows) -> list[Standing]:
    """Each finding with its acceptance, where one holds for the values as they are."""
    accepted = {
        (entity, str(row["id"])): row["accepted"]
        for entity, entries in rows.items()
        for row in entries
        if row.get("accepted")
    }
    listed = []
    for one in found:
        kept = accepted.get(one.entries[0], {}).get(key_of(one)) if one.entries else None
        holds = kept is not None and kept.get("mark") == mark_of(one)
        listed.append(Standing(one, kept if holds else None))
    return listed


def concerning(found: Iterable[Finding], entity: str, entry_id: str) -> list[Finding]:
    """The findings in which one entry has a part."""
    return [one for one in found if (entity, entry_id) in one.entries]


def field_of(finding: Finding, entity: str) -> str:
    """The variable of an entity at which a finding is shown; empty where it names none of it."""
    own = [name for name in finding.variables if name.partition(".")[0] == entity]
    place = -1 if finding.code in _SAID_AT_THE_END else 0
    return own[place].partition(".")[2] if own else ""


def of_draft(rows: Rows, draft: Rows, models: Mapping[str, type[Any]]) -> list[Finding]:
    """What entries that are about to be kept would newly contradict: findings in which they take
    part, and which do not stand in the record already, word for word.

    `rows` is the record as it stands, `draft` the entries as they would be, each with its id.
    """
    ids = {(entity, str(row["id"])) for entity, entries in draft.items() for row in entries}
    after = {
        entity: [
            *(row for row in rows.get(entity, ()) if (entity, str(row["id"])) not in ids),
            *draft.get(entity, ()),
        ]
        for entity in {**rows, **draft}
    }
    found = [one for one in findings(after, models) if ids & set(one.entries)]
    known = {mark_of(one) for one in findings(rows, models)} if found else set()
    return [one for one in found if mark_of(one) not in known]


__all__ = [
    "REFUSE",
    "UNUSUAL",
    "WARN",
    "Rows",
    "Standing",
    "concerning",
    "field_of",
    "findings",
    "key_of",
    "mark_of",
    "of_draft",
    "standing",
]
