"""What entries can point to, read from the tables: `tumour_id` of a therapy, `therapy_id` of a
cycle. A new entity of the course appears here by itself."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from registry.course.models import BY_NAME
from registry.db import table_of


@cache
def links_of(entity: str) -> Mapping[str, str]:
    """The links of an entity: their name (the column without `_id`) and the entity they mean."""
    tables = {model.__tablename__: name for name, model in BY_NAME.items()}
    found = {}
    for column in table_of(BY_NAME[entity]).columns:
        for key in column.foreign_keys:
            target = tables.get(key.column.table.name)
            if target is not None and column.key.endswith("_id"):
                found[column.key.removesuffix("_id")] = target
    return found


@cache
def ranks() -> Mapping[str, int]:
    """A place for each entity behind those it can point to; what is derived from is before."""
    placed: dict[str, int] = {}
    waiting = list(BY_NAME)
    while waiting:
        ready = [
            name
            for name in waiting
            if all(to in placed or to == name for to in links_of(name).values())
        ] or waiting[:1]
        for name in ready:
            placed[name] = len(placed)
        waiting = [name for name in waiting if name not in placed]
    # The grade decides which table a stage is read from: pathology stands before all but tumours.
    return {name: -1 if name == "pathology" else place for name, place in placed.items()} | {
        "tumour": -2
    }
