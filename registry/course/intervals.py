"""The follow-up intervals in force: the product's table, or the network's own (a setting)."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from flask import current_app

from registry.clinical import follow_up


@dataclass(frozen=True)
class Intervals:
    """The rows, where they come from, and a version that changes with either rules or rows."""

    rows: tuple[Mapping[str, str], ...]
    version: str
    own: bool  # the network's own table


def in_force() -> Intervals:
    """The intervals of this installation."""
    return read(str(current_app.extensions["netreg_settings"].follow_up_intervals))


@cache
def read(path: str) -> Intervals:
    """The table at a path, the product's own where there is none. Read once a process.

    Raises ValueError with what is wrong: a table that is half right must not decide anything.
    """
    if path:
        with Path(path).open(encoding="utf-8", newline="") as lines:
            rows: tuple[Mapping[str, str], ...] = tuple(csv.DictReader(lines))
        missing = set(follow_up.default_rows()[0]) - set(rows[0] if rows else ())
        if missing:
            raise ValueError(f"follow-up intervals: columns missing: {', '.join(sorted(missing))}")
        wrong = follow_up.problems(rows)
        if wrong:
            told = "; ".join(one.template % one.values for one in wrong)
            raise ValueError(f"follow-up intervals: {told}")
    else:
        rows = tuple(follow_up.default_rows())
    text = json.dumps([dict(row) for row in rows], sort_keys=True)
    mark = hashlib.sha256(text.encode()).hexdigest()[:10]
    version = f"{follow_up.RULE} {follow_up.VERSION} {mark}"
    return Intervals(rows, version, bool(path))
