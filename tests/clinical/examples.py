"""The worked examples under `tests/data/clinical`, read as they are."""

from __future__ import annotations

import csv
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "data" / "clinical"


def rows(name: str) -> list[dict[str, str]]:
    """The rows of one example file."""
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def named(row: dict[str, str]) -> str:
    """The id a test case shows."""
    return row["case_id"]
