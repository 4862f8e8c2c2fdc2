"""What this network added to the code lists, and where it is used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import current_app, g, has_app_context, has_request_context
from sqlalchemy.orm import joinedload

from registry import codes, dictionary
from registry.access import Right, Viewer
from registry.codes import Code
from registry.db import Base, db, metadata, snapshot
from registry.errors import NotFound
from registry.people.models import LocalCode

_STAMP = sa.select(
    sa.func.count(), sa.func.sum(LocalCode.version), sa.func.max(LocalCode.changed_at)
)
_ROWS = sa.select(
    LocalCode.list, LocalCode.code, LocalCode.label, LocalCode.source, LocalCode.retired_at
).order_by(LocalCode.list, LocalCode.added_at, LocalCode.id)


def local_codes() -> codes.Local:
    """The local codes as `registry.codes` asks for them: from memory, which is looked over once a
    request, job or command. Other processes' additions are seen there at once.
    """
    if not has_app_context():
        return {}
    found: codes.Local | None = g.get("local_codes")
    if found is None:
        found = _look()
        g.local_codes = found
    return found


def look_again() -> None:
    """Forget what this request has seen: it changed a code itself."""
    g.pop("local_codes", None)


def _look() -> codes.Local:
    g.local_codes = {}  # asked again while we look: nothing is local yet
    if has_request_context():
        with db.session.no_autoflush:  # what is being made may not be ready to be written
            return _from_memory(db.session)
    # A job or command: its session may hold the write lock, or must not begin to.
    with snapshot() as connection:
        return _from_memory(connection)


def _from_memory(reader: Any) -> codes.Local:
    kept = current_app.extensions.get("netreg_local_codes")
    stamp = tuple(reader.execute(_STAMP).one())
    if kept is None or kept[0] != stamp:
        kept = (stamp, _read(reader) if stamp[0] else {})
        current_app.extensions["netreg_local_codes"] = kept
    found: codes.Local = kept[1]
    return found


def _read(reader: Any) -> codes.Local:
    made: dict[str, dict[str, Code]] = {}
    for name, code, label, source, retired_at in reader.execute(_ROWS):
        made.setdefault(name, {})[code] = Code(
            code, label, "local", source, local=True, retired=retired_at is not None
        )
    return made


def added(viewer: Viewer) -> Sequence[LocalCode]:
    """Every local code, by list, for the administrator."""
    viewer.need(Right.ADMINISTER)
    query = (
        sa.select(LocalCode)
        .options(joinedload(LocalCode.added_by))
        .order_by(LocalCode.list, LocalCode.label, LocalCode.id)
    )
    return db.session.scalars(query).all()


def local_code(viewer: Viewer, code_id: UUID | None) -> LocalCode:
    """One of them. Raises NotFound."""
    viewer.need(Right.ADMINISTER)
    found = db.session.get(LocalCode, code_id) if code_id else None
    if found is None:
        raise NotFound()
    return found


def in_use(one: LocalCode) -> bool:
    """Does any record, referral or organisation hold this code?

    Looks into the columns of the list, and as text into every JSON column, whose facts and drafts
    name codes, too. Rather one too many than one too few: the code is then retired instead.
    """
    places = [*_columns_of(one.list, one.code), *_json_columns(one.code)]
    return any(
        db.session.scalar(sa.select(sa.literal(1)).where(where).limit(1)) for where in places
    )


def _columns_of(name: str, code: str) -> list[Any]:
    found = []
    for model in dictionary.entities(Base):
        for column, declared in dictionary.described(model).items():
            mapped = sa.inspect(model).columns[column]
            if declared.codes == name and not isinstance(mapped.type, sa.JSON):
                found.append(mapped == code)
    return found


def _json_columns(code: str) -> list[Any]:
    skipped = {"audit_entry", "audit_seal", "person"}
    return [
        sa.cast(column, sa.Text).contains(f'"{code}"', autoescape=True)
        for table in metadata.sorted_tables
        if table.name not in skipped
        for column in table.columns
        if isinstance(column.type, sa.JSON)
    ]
