"""For how many of research each variable is known, in rough steps, as everybody may see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from registry import dictionary
from registry.research import rules
from registry.research.cohorts import evaluating
from registry.research.releases import columns

#: Told in steps of this many per cent, and only of enough patients.
STEP = 10


def share(count: int, total: int) -> int | None:
    """The share as it is told, from a count and a total that was told: per cent, rounded down to
    the step; None where too few have it. Nothing but rounded numbers go in, so that no step tells
    the exact ones."""
    told = rules.rounded(count)
    return None if told is None else min(99, 100 * told // total) // STEP * STEP


def shares(execute: Callable[[sa.Select[Any]], Any], total: int) -> dict[str, int]:
    """By entity.variable, for variables that do not say who somebody is. One query an entity."""
    everybody, found = evaluating.population(), {}
    for file in columns.files():
        table = sa.inspect(file.model).local_table
        whose = table.c.id if file.entity == "patient" else table.c.patient_id
        names = [
            name
            for name, declared in dictionary.described(file.model).items()
            if declared.identity is not dictionary.Identity.IDENTIFYING
        ]
        known: list[Any] = [
            sa.func.count(sa.distinct(sa.case((table.c[one].is_not(None), whose)))) for one in names
        ]
        query = sa.select(*known).where(whose.in_(everybody))
        if "error_at" in table.c:
            query = query.where(table.c.error_at.is_(None))
        for name, count in zip(names, execute(query).one(), strict=True):
            told = share(count, total)
            if told is not None:
                found[f"{file.entity}.{name}"] = told
    return found
