"""What an edit check finds, and how hard it is."""

from __future__ import annotations

from dataclasses import dataclass

from registry.clinical import tables
from registry.clinical.results import Reason

REFUSE, WARN = "refuse", "warn"

ABSENT = ("", "not_known", "not_done", "not_available", "not_applicable", "unknown")


@dataclass(frozen=True, slots=True)
class Finding:
    """One contradiction: a code, whether it is refused or warned of, the reason, the variables.

    `because` are the reasons of the derivation it was compared with.
    """

    code: str
    severity: str
    reason: Reason
    variables: tuple[str, ...]
    because: tuple[Reason, ...] = ()


def name_of(variable: str) -> str:
    """The English label of an "entity.variable", or its words where it has none."""
    for row in tables.rows("level1_items"):
        if variable == f"{row['group']}.{row['variable']}":
            return row["label"]
    return variable.replace("_", " ").replace(".", " ").capitalize()
