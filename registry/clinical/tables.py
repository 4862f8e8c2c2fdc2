"""Reading the data tables that lie beside the rules (CSV, UTF-8, one header row)."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

DATA = Path(__file__).parent / "data"


@cache
def rows(name: str) -> tuple[Mapping[str, str], ...]:
    """The rows of `data/NAME.csv` (or `data/codes/LIST.csv` as "codes/LIST"), read once."""
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as handle:
        return tuple(MappingProxyType(row) for row in csv.DictReader(handle))


@cache
def by_key(name: str, key: str) -> Mapping[str, Mapping[str, str]]:
    """The rows of a table under the value of one column, which must be unique."""
    table = {row[key]: row for row in rows(name)}
    if len(table) != len(rows(name)):
        raise ValueError(f"{name}: column {key} is not unique")
    return MappingProxyType(table)


def codes(name: str) -> tuple[str, ...]:
    """The codes of one code list, in the order they are offered."""
    return tuple(row["code"] for row in rows(f"codes/{name}"))


# The columns whose text a user sees: the catalogue of translations takes them from here.
TEXT_COLUMNS = {
    "decision_flags": ("meaning",),
    "endpoints": ("label",),
    "follow_up_intervals": ("why",),
    "grade_categories": ("label", "display_grade"),
    "grade_flags": ("label", "when"),
    "grade_statuses": ("label", "when"),
    "level1_items": ("label",),
    "missing_for_advice": ("why",),
    "record_checks": ("label",),
    "symptom_diary": ("label",),
    "therapies": ("name",),
    "units": ("why",),
    "urgency_by_category": ("reason",),
    "urgency_red_flags": ("label",),
}


def texts() -> tuple[str, ...]:
    """Every English text of the tables and code lists that a page may show, each once."""
    found: dict[str, None] = {}
    for name, columns in TEXT_COLUMNS.items():
        for row in rows(name):
            found.update(dict.fromkeys(row[column] for column in columns if row[column]))
    for path in sorted((DATA / "codes").glob("*.csv")):
        found.update(dict.fromkeys(row["label"] for row in rows(f"codes/{path.stem}")))
    return tuple(found)
