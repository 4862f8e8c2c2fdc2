"""What an import did, or would do: numbers, refusals, changes, and every cell's account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

from registry.interop.mapping import Map
from registry.interop.rows import LISTED, Account, Fate, Refusal

#: Refusals that are listed one by one; beyond them they are counted by column and reason.
REFUSALS = 5_000


@dataclass(frozen=True)
class Change:
    """One thing that a corrected file says otherwise than before.

    `kind`: `value` (before → after), `added` (an entry), `gone` (an entry the file no longer
    has). `conflict`: somebody changed it by hand meanwhile. `key` names it for a choice.
    """

    row: int
    patient_id: str
    kind: str
    entity: str
    entry_id: str = ""
    variable: str = ""
    before: Any = None
    after: Any = None
    said: Any = None  # what the file had said before
    conflict: bool = False
    hidden: bool = False  # identifying: before and after are not shown
    taken: bool = True  # applied; False: kept as it is in the record

    @property
    def key(self) -> str:
        """Which change it is, in a form."""
        return f"{self.entry_id or self.patient_id}.{self.variable}"


@dataclass
class Report:
    """What an import did, or would do."""

    map: Map
    columns: list[str] = field(default_factory=list)
    files: dict[str, list[str]] = field(default_factory=dict)
    encodings: dict[str, str] = field(default_factory=dict)
    read: int = 0
    patients: int = 0
    created: int = 0
    unchanged: int = 0
    changed: int = 0
    left_out: int = 0  # patients of whom a row was refused
    refused: int = 0  # rows
    refusals: list[Refusal] = field(default_factory=list)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    account: Account = field(default_factory=Account)
    entries: Counter[str] = field(default_factory=Counter)
    contradictions: list[Refusal] = field(default_factory=list)
    contradicting: int = 0  # records
    changes: list[Change] = field(default_factory=list)
    change_count: int = 0
    conflicts: int = 0
    known: list[Refusal] = field(default_factory=list)  # patients who may be known already
    known_count: int = 0
    import_id: UUID | None = None

    def refuse(self, found: Iterable[Refusal]) -> None:
        """Note refusals; each row counts once."""
        listed = list(found)
        self.refused += len({(one.file, one.row) for one in listed})
        for one in listed:
            if len(self.reasons) < LISTED or (one.column, one.reason) in self.reasons:
                self.reasons[one.column, one.reason] += 1
        self.refusals += listed[: max(0, REFUSALS - len(self.refusals))]

    def contradict(self, found: Sequence[Refusal]) -> None:
        """Note the contradictions of one record."""
        self.contradicting += bool(found)
        self.contradictions += found[: max(0, LISTED - len(self.contradictions))]

    def change(self, found: Sequence[Change]) -> None:
        """Note what a corrected record says otherwise."""
        self.change_count += len(found)
        self.conflicts += sum(one.conflict for one in found)
        self.changes += found[: max(0, LISTED - len(self.changes))]

    def nothing_made(self) -> None:
        """All of it was taken back."""
        self.created = self.changed = self.contradicting = 0
        self.entries, self.contradictions = Counter(), []
        self.import_id = None

    def as_json(self) -> dict[str, Any]:
        """What a page shows of it; who the patients are is not in it."""
        uses = {name: one.uses() for name, one in self.map.parts.items()}
        return {
            "numbers": {
                name: getattr(self, name)
                for name in (
                    "read", "patients", "created", "unchanged", "changed", "left_out", "refused",
                    "contradicting", "change_count", "conflicts", "known_count",
                )
            },
            "encodings": self.encodings,
            "entries": dict(self.entries),
            "columns": [
                {
                    "file": name,
                    "column": column,
                    "uses": uses[name].get(column, []),
                    "fates": {
                        Fate(fate).name.lower(): count
                        for fate, count in self.account.fates.get(
                            f"{name}: {column}" if name else column, {}
                        ).items()
                    },
                }
                for name, columns in (self.files or {"": self.columns}).items()
                for column in columns
            ],
            "refusals": [asdict(one) for one in self.refusals[:LISTED]],
            "reasons": [
                [column, reason, count]
                for (column, reason), count in self.reasons.most_common(50)
            ],
            "contradictions": [asdict(one) for one in self.contradictions],
            "unusual": [asdict(one) for one in self.account.unusual[:200]],
            "unusual_count": len(self.account.unusual) + self.account.more_unusual,
            "outside": [[*one, count] for one, count in self.account.outside.most_common(50)],
            "read_as": [
                [one.column, one.path, one.text, one.given, count]
                for one, count in self.account.read_as.most_common(500)
            ],
            "changes": [{**asdict(one), "key": one.key} for one in self.changes],
            "known": [asdict(one) for one in self.known[:200]],
            "converted": converted(self.map),
        }  # fmt: skip


def converted(source: Map) -> list[list[str]]:
    """Every column whose numbers are converted, with what is done to them."""
    return [
        [column, filling.target.path, rule.converted]
        for part in source.parts.values()
        for block in part.all_blocks
        for filling in block.fillings
        for rule in filling.rules
        for column in rule.columns
        if rule.converted
    ]
