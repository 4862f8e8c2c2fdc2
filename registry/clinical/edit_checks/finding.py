"""What an edit check finds, and how hard it is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache

from registry.clinical import tables
from registry.clinical.results import Reason

REFUSE, WARN = "refuse", "warn"

ABSENT = ("", "not_known", "not_done", "not_available", "not_applicable", "unknown")


@dataclass(frozen=True, slots=True)
class Finding:
    """One contradiction: a code, whether it is refused or warned of, the reason, the variables.

    `because` are the reasons of the derivation it was compared with. `entries` names what it is
    about as (entity, id), the entry it is shown at first; empty where one entry was checked alone.
    """

    code: str
    severity: str
    reason: Reason
    variables: tuple[str, ...]
    because: tuple[Reason, ...] = ()
    entries: tuple[tuple[str, str], ...] = ()
    source: str = "project"

    @property
    def mark(self) -> str:
        """What a person accepted: another value or entry makes it another finding to accept."""
        said = [self.code, self.reason.template, *map("=".join, sorted(self.reason.values.items()))]
        said += ["/".join(entry) for entry in sorted(self.entries)]
        return hashlib.sha256("\n".join(said).encode()).hexdigest()[:16]


@cache
def name_of(variable: str) -> str:
    """The English label of an "entity.variable", or its words where it has none."""
    for row in tables.rows("level1_items"):
        if variable == f"{row['group']}.{row['variable']}":
            return row["label"]
    return variable.replace("_", " ").replace(".", " ").capitalize()
