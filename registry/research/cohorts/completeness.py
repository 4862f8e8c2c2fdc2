"""For how many of research each variable is known, in rough steps, as everybody may see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from registry import dictionary
from registry.research.cohorts import actions as actions_cohorts
from registry.research.cohorts import disclosure, evaluating
from registry.research.releases import columns

#: Told in steps of this many per cent, and only of enough patients.
STEP = 10


def share(told: int | None, total: int) -> int | None:
    """The share as it is told, from a count and a total that were told: per cent, rounded down to
    the step; None where too few have it. Nothing but told numbers go in, so that no step tells
    the exact ones."""
    return None if told is None else min(99, 100 * told // total) // STEP * STEP


def shares(execute: Callable[[sa.Select[Any]], Any], total: int) -> dict[str, int]:
    """By entity.variable, for variables that do not say who somebody is, each counted as a cohort
    of those of whom it is known would be. One query an entity."""
    everybody, found = evaluating.population(), {}
    key = actions_cohorts.key_of_marks()
    for file in columns.files():
        table = sa.inspect(file.model).local_table
        whose = table.c.id if file.entity == "patient" else table.c.patient_id
        names = [
            name
            for name, declared in dictionary.described(file.model).items()
            if declared.identity is not dictionary.Identity.IDENTIFYING
        ]
        known = [sa.func.count(table.c[one]) for one in names]
        query = sa.select(whose, *known).where(whose.in_(everybody)).group_by(whose)
        if "error_at" in table.c:
            query = query.where(table.c.error_at.is_(None))
        sets = [disclosure.Growing() for _name in names]
        for person, *numbers in execute(query.execution_options(yield_per=1000)):
            mark = disclosure.mark_of(person, key)
            for one, number in zip(sets, numbers, strict=True):
                if number:
                    one.add(mark)
        for name, told in zip(names, actions_cohorts.tell_grown(sets), strict=True):
            told_share = share(told.number, total)
            if told_share is not None:
                found[f"{file.entity}.{name}"] = told_share
    return found
