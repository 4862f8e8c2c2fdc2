"""What a database is missing, or has too much, beside what the models say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from registry.db import metadata

#: What the queue of background work keeps on PostgreSQL.
_QUEUE = "huey_"
_SAID = {"add": "is missing", "remove": "is not of this version"}


def differences(connection: sa.Connection) -> list[str]:
    """Each table, column, index and constraint that is missing, superfluous or different; empty
    for a migrated database that nobody changed by hand. Triggers and indexes on expressions are
    not compared."""
    context = MigrationContext.configure(connection, opts={"include_name": _is_ours})
    return list(_told(compare_metadata(context, metadata)))


def _is_ours(name: str | None, kind: str, _parents: Any) -> bool:
    return not (kind == "table" and str(name).startswith(_QUEUE))


def _told(found: Any) -> Iterator[str]:
    for one in found:
        if isinstance(one, list):  # what differs about one column
            _what, _schema, table, column, *_rest = one[0]
            yield f"column {table}.{column} differs"
            continue
        way, kind = str(one[0]).split("_", 1)
        yield f"{_named(kind, one)} {_SAID[way]}"


def _named(kind: str, one: Any) -> str:
    if kind == "table":
        return f"table {one[1].name}"
    if kind == "column":
        return f"column {one[2]}.{one[3].name}"
    return f"{kind.replace('_', ' ')} {one[1].name} of {one[1].table.name}"
