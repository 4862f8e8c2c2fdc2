"""The targets in force: the product's table, or the network's own (a setting).

Defaults are choices of this project (standards §4); days by urgency for first look, decision and
advice.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

from flask import current_app

from registry.clinical import urgency
from registry.clinical.urgency import ADVICE, DECISION, FIRST_LOOK, Targets


def in_force() -> Targets:
    """The targets of this installation: urgency to step to days."""
    return read(_path())


def are_own() -> bool:
    """Has the network a table of its own?"""
    return bool(_path())


def _path() -> str:
    return str(current_app.extensions["netreg_settings"].urgency_targets)


@cache
def read(path: str) -> Targets:
    """The table at a path, the product's own where there is none. Read once a process.

    Raises ValueError with what is wrong: a table that is half right must not decide anything.
    """
    if not path:
        return urgency.targets()
    with Path(path).open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    try:
        found = urgency.targets(rows)
    except (KeyError, TypeError, ValueError) as problem:
        raise ValueError(f"urgency targets: {problem} is missing or no number") from problem
    told = problems(found)
    if told:
        raise ValueError(f"urgency targets: {'; '.join(told)}")
    return found


def problems(found: Targets) -> list[str]:
    """What is wrong with a table of targets."""
    told = [f"{word}: no row" for word in urgency.RANK if word not in found]
    told += [f"{word}: not an urgency" for word in found if word not in urgency.RANK]
    for word, days in found.items():
        if not all(0 < number <= 366 for number in days.values()):
            told.append(f"{word}: days must be from 1 to 366")
        elif not days[FIRST_LOOK] <= days[DECISION] <= days[ADVICE]:
            told.append(f"{word}: first look, decision and advice are not in order")
    return told
