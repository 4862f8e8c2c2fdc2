"""Moving what belongs to a record to another one, and back.

Whatever table of whatever room points to a patient is moved: it is read from the schema, so that a
room that comes later is not forgotten. What is not simply moved is named here (`STAYS`), has rules
of its own (consent and care relations, `merging`), or is made anew by its room (`made_anew`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry.db import db, metadata

#: Of the record itself, so they stay with it: what it is found by, who it was, pairs and merges.
STAYS = frozenset(
    {"name_index", "identity_change", "match_due", "match_pair", "match_answer", "patient_merge"}
)
#: Moved by rules of their own.
APART = frozenset({"consent", "care_relation"})

_derived: dict[str, Callable[[UUID], None]] = {}

Links = dict[str, str | None]


def made_anew(table: str, by: Callable[[UUID], None]) -> None:
    """Say that a table is derived from the record: it is dropped and made anew by this function,
    which is given the id of a patient."""
    _derived[table] = by


@dataclass(frozen=True)
class Owned:
    """A table whose rows belong to a patient, and the columns that point to other such rows."""

    table: sa.Table
    links: Mapping[str, str]  # column → table
    #: A column that names an entry of any table by its id alone.
    loose: str = ""


def owned() -> list[Owned]:
    """The tables whose rows are moved, in the order of the schema."""
    tables = [one for one in metadata.sorted_tables if _points(one) and _is_moved(one.name)]
    names = {one.name for one in tables}
    found = []
    for table in tables:
        links = {
            key.parent.name: key.column.table.name
            for key in sorted(table.foreign_keys, key=lambda key: key.parent.name)
            if key.column.table.name in names
        }
        loose = "entry_id" if "entry_id" in table.c and "entry_id" not in links else ""
        found.append(Owned(table, links, loose))
    return found


def _is_moved(name: str) -> bool:
    return name not in STAYS and name not in APART and name not in _derived


def _points(table: sa.Table) -> bool:
    column = table.c.get("patient_id")
    return column is not None and any(
        key.column.table.name == "patient" for key in column.foreign_keys
    )


def unforeseen() -> list[str]:
    """Columns that point to a patient in a way nobody has said what to do with."""
    found = []
    for table in metadata.sorted_tables:
        for key in table.foreign_keys:
            if key.column.table.name != "patient" or table.name in STAYS | APART | set(_derived):
                continue
            if key.parent.name != "patient_id" or "id" not in table.primary_key.columns:
                found.append(f"{table.name}.{key.parent.name}")
    return sorted(found)


# -- what there is -----------------------------------------------------------------------------


@dataclass
class Rows:
    """The rows of a record: by table, by id, what each points to."""

    of: dict[str, dict[UUID, Links]] = field(default_factory=dict)

    def ids(self) -> set[UUID]:
        """Of every table."""
        return {one for rows in self.of.values() for one in rows}

    def as_json(self) -> dict[str, dict[str, Links]]:
        """To be kept: ids, and no value of a patient."""
        return {
            table: {str(one): links for one, links in rows.items()}
            for table, rows in self.of.items()
            if rows
        }


def from_json(stored: Mapping[str, Mapping[str, Links]]) -> Rows:
    """What was kept."""
    return Rows(
        {t: {UUID(one): links for one, links in rows.items()} for t, rows in stored.items()}
    )


def rows_of(patient_id: UUID) -> Rows:
    """Every row that belongs to a patient; a query a table."""
    found = Rows()
    for one in owned():
        columns = [one.table.c[name] for name in _columns(one)]
        query = sa.select(one.table.c.id, *columns).where(one.table.c.patient_id == patient_id)
        found.of[one.table.name] = {
            row[0]: dict(zip(_columns(one), (str(v) if v else None for v in row[1:]), strict=True))
            for row in db.session.execute(query)
        }
    return found


def _columns(one: Owned) -> list[str]:
    return [*one.links, *([one.loose] if one.loose else [])]


def counted(patient_id: UUID) -> dict[str, int]:
    """How many rows of each table belong to a patient, of tables that have any."""
    return {table: len(rows) for table, rows in rows_of(patient_id).of.items() if rows}


# -- moving ------------------------------------------------------------------------------------


def move(rows: Mapping[str, Iterable[UUID]], *, to: UUID) -> None:
    """Let these rows belong to another patient. Rows that the other has one of already, where
    there can be only one (a draft of the same page), stay."""
    for one in owned():
        for some in _chunks(sorted(rows.get(one.table.name, ()))):
            statement = sa.update(one.table).where(one.table.c.id.in_(some))
            for clash in _clashes(one.table, to):
                statement = statement.where(~clash)
            db.session.execute(
                statement.values(patient_id=to).execution_options(synchronize_session=False)
            )
    db.session.expire_all()


def _clashes(table: sa.Table, to: UUID) -> Iterator[sa.ColumnElement[bool]]:
    """For each uniqueness of a patient's rows: has the other one such a row?"""
    unique = [c for c in table.constraints if isinstance(c, sa.UniqueConstraint)]
    indexes: list[Any] = [i for i in table.indexes if i.unique]
    for one in [*unique, *indexes]:
        names = [column.name for column in one.columns]
        if "patient_id" in names:
            theirs = table.alias()
            yield sa.exists().where(
                theirs.c.patient_id == to,
                *(theirs.c[name] == table.c[name] for name in names if name != "patient_id"),
            )


def follow(now: Rows, going: set[UUID], staying: set[UUID]) -> dict[str, set[UUID]]:
    """Of the rows a record has now, those that go: the ones that were of the other record, and
    what was added since and hangs on one that goes. Nothing that stayed then goes now."""
    gone = {one for one in now.ids() if one in going}
    while True:
        more = {
            row
            for rows in now.of.values()
            for row, links in rows.items()
            if row not in gone
            and row not in staying
            and any(to and UUID(to) in gone for to in links.values())
        }
        if not more:
            break
        gone |= more
    return {table: {one for one in rows if one in gone} for table, rows in now.of.items()}


def untie(now: Rows, gone: set[UUID], before: Rows) -> int:
    """Let no row point across two records: a link made while they were one becomes what it was
    before, or nothing. Returns how many."""
    count = 0
    for one in owned():
        rows = now.of.get(one.table.name, {})
        for row, links in rows.items():
            for column in one.links:
                to = links[column]
                if to is None or (UUID(to) in gone) == (row in gone):
                    continue
                was = before.of.get(one.table.name, {}).get(row, {}).get(column)
                back = UUID(was) if was and (UUID(was) in gone) == (row in gone) else None
                db.session.execute(
                    sa.update(one.table).where(one.table.c.id == row).values({column: back})
                )
                count += 1
    return count


def drop_derived(*patients: UUID) -> None:
    """Remove what is derived of some patients."""
    for name in sorted(_derived):
        table = metadata.tables[name]
        db.session.execute(sa.delete(table).where(table.c.patient_id.in_(patients)))
    db.session.expire_all()


def make_derived(*patients: UUID) -> None:
    """Derive it anew."""
    for by in dict.fromkeys(_derived.values()):
        for one in patients:
            by(one)


def _chunks(ids: list[UUID]) -> Iterator[list[UUID]]:
    for start in range(0, len(ids), 500):
        yield ids[start : start + 500]
