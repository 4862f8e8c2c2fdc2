"""What two records consist of, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from registry import codes, dictionary
from registry.dates import PartialDate
from registry.db import Base
from registry.language import lazy_gettext as _l

_TABLES = {
    "local_identifier": _l("Hospital numbers"),
    "document": _l("Documents"),
    "entry_change": _l("Changes of entries"),
    "sheet_draft": _l("Unsaved pages"),
    "source_row": _l("Records brought in from a file"),
    "import_change": _l("Corrections brought in from a file"),
}
_CODES = {"sex_at_birth": "sex_at_birth", "country": "country"}


def counted(rows: Mapping[str, int]) -> list[tuple[Any, int]]:
    """(what, how many) by table, those of the record first, what has no words of its own last."""
    entities = {model.__tablename__: model.entity_label for model in dictionary.entities(Base)}
    named: list[tuple[Any, int]] = [
        (label, rows[table]) for table, label in [*entities.items(), *_TABLES.items()]
        if table in rows
    ]  # fmt: skip
    others = sum(n for table, n in rows.items() if table not in entities and table not in _TABLES)
    return [*named, (_l("Others"), others)] if others else named


def shown(name: str, value: Any) -> str:
    """A value of who a patient is, as it is read."""
    if value in (None, ""):
        return ""
    if name in _CODES:
        return str(codes.label(_CODES[name], str(value)))
    return value.iso if isinstance(value, PartialDate) else str(value)
