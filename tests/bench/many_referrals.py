"""Filling a database with as many referrals as a large network has, by the database itself.

One referral is made as people make it; its rows are the pattern of all others, which differ in what
the worklist is ordered and narrowed by. Names are sealed for each patient, as always. Hospital,
centres and people are those of the tests' small network; twenty more people work at the busy
centre. Synthetic: no person is behind any row.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry.access import Role, Viewer
from registry.db import db, now, table_of
from registry.keys import ring
from registry.patients.models import CareRelation, Patient
from registry.referrals.models import MorningLook, Referral, ReferralEvent, Submission
from tests import make, make_referrals

#: How many live cases the centre with few of them has once there are as many in all.
FEW = 2_000
COLLEAGUES = 20
_AT_ONCE = 100_000
_SITES = ("small_bowel", "pancreas", "lung", "stomach", "rectum", "")
_GRADES = ("1", "2", "3", "carcinoma", "open")
_FAMILY = ("Adler", "Bakker", "Cohen", "Dekker", "Engel", "Fischer", "Garcia", "Hoffmann")
_GIVEN = ("Anna Maria", "Bernard", "Clara", "David", "Elena", "Frank")
_STAMP = "0190000000007000"  # the first half of every id that is made here: a time long ago


@dataclass(frozen=True)
class Place:
    """The filled network: who looks at which list, and how many referrals stand in it."""

    hospital: UUID
    centres: tuple[UUID, UUID]  # the busy one and the other
    readers: tuple[Viewer, Viewer]  # who reads the worklist of each
    referrer: Viewer
    pattern: UUID  # of the referral the others are made after
    colleagues: tuple[UUID, ...]
    filled: int = 0


def small_network() -> Place:
    """A network with one referral, from which `fill` makes the others."""
    net = make_referrals.network()
    people = [
        make.person(net.centre, Role.TRIAGE_COORDINATOR, name=f"Colleague {n:02}")
        for n in range(COLLEAGUES)
    ]
    first = make_referrals.referral(net)
    # The worker has looked at what is late: cases that were never sent have no true deadlines.
    days = [now().date() + timedelta(days=days) for days in (-1, 0, 1)]
    for centre in (net.centre, net.other_centre):
        db.session.add_all(MorningLook(organisation_id=centre.id, day=day) for day in days)
    db.session.commit()
    return Place(
        hospital=net.hospital.id,
        centres=(net.centre.id, net.other_centre.id),
        readers=(net.viewer("carla"), net.viewer("dora")),
        referrer=net.viewer("alice"),
        pattern=first.id,
        colleagues=tuple(one.id for one in people),
    )


def fill(place: Place, total: int) -> Place:
    """Bring the live cases of the busy centre up to `total`; the second centre has FEW live at
    most, and a tenth as many as the busy one that ended."""
    with _without_indexes():
        for first in range(place.filled, total, _AT_ONCE):
            connection = db.session.connection()
            _some(connection, place, first, min(first + _AT_ONCE, total))
            db.session.commit()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as own:
        own.execute(sa.text("VACUUM ANALYZE" if _postgres() else "ANALYZE"))
    return replace(place, filled=total)


@contextlib.contextmanager
def _without_indexes() -> Iterator[None]:
    """Indexes are made anew from the whole of a table in a fraction of the time that row by row
    takes; a constraint keeps its own. Nothing is on disk for certain until the end of it."""
    tables = [f"'{table_of(one).name}'" for one in (*_TABLES, Patient)]
    found = _INDEXES[db.engine.dialect.name].format(tables=", ".join(tables))
    made = [tuple(row) for row in db.session.execute(sa.text(found))]
    for name, _how in made:
        db.session.execute(sa.text(f'DROP INDEX "{name}"'))
    db.session.commit()
    _wait_for_disk(wait=False)
    try:
        yield
    finally:
        if _postgres():
            db.session.execute(sa.text("SET LOCAL maintenance_work_mem = '512MB'"))
        for _name, how in made:
            db.session.connection().exec_driver_sql(how)
        db.session.commit()
        _wait_for_disk(wait=True)


_INDEXES = {
    "sqlite": (
        "SELECT name, sql FROM sqlite_master"
        " WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ({tables})"
    ),
    "postgresql": (
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename IN ({tables}) AND NOT EXISTS"
        " (SELECT 1 FROM pg_constraint WHERE conname = indexname)"
    ),
}


def _wait_for_disk(*, wait: bool) -> None:
    """SQLite need not, while it is filled."""
    if not _postgres():
        raw: Any = db.session.connection().connection.driver_connection
        raw.commit()
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        raw.execute(f"PRAGMA synchronous={'FULL' if wait else 'OFF'}")
        raw.execute(f"PRAGMA cache_size={-2000 if wait else -262144}")
        db.session.commit()


def _postgres() -> bool:
    return db.engine.dialect.name == "postgresql"


def _some(connection: sa.Connection, place: Place, first: int, end: int) -> None:
    """Patients with their names from here, everything that hangs on them from the database."""
    if _postgres():  # what points to what is right by itself, and need not be asked row by row
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
    _patients(connection, first, end)
    for model, changed in _TABLES.items():
        for which in (0, 1):
            _copies(connection, place, model, changed, which, first, end)
    _copies(connection, place, CareRelation, _HOSPITAL, 0, first, end)
    _copies(connection, place, CareRelation, _HOSPITAL, 1, first, end)


def _id(number: Any, kind: int) -> str:
    """The id of the row of a kind that belongs to a number, as the database makes it."""
    if _postgres():
        return f"('{_STAMP}' || '8{kind:03x}' || lpad(to_hex({number}), 12, '0'))::uuid"
    return f"('{_STAMP}' || '8{kind:03x}' || printf('%012x', {number}))"


def _literal(value: UUID) -> str:
    return f"'{value}'::uuid" if _postgres() else f"'{value.hex}'"


def _day(days: str) -> str:
    if _postgres():
        return f"(CURRENT_DATE + CAST({days} AS integer))"
    return f"date('now', ({days}) || ' days')"


def _moment(days: str) -> str:
    if _postgres():
        return f"(now() + ({days}) * interval '1 day')"
    return f"strftime('%Y-%m-%d %H:%M:%f000', 'now', ({days}) || ' days')"


def _one_of(words: tuple[str, ...], number: str) -> str:
    whens = " ".join(f"WHEN {place} THEN '{word}'" for place, word in enumerate(words))
    return f"CASE ({number}) % {len(words)} {whens} END"


# `n` is the number of the case; those of the second centre are odd. `x` is a scattered number.
_X = "((n % 100003) * 7919 % 100003)"


def _referral(place: Place, which: int) -> dict[str, str]:
    live = "1 = 1" if which == 0 else f"n < {FEW}"
    whens = " ".join(
        f"WHEN {number} THEN {_literal(one)}" for number, one in enumerate(place.colleagues)
    )
    state = f"CASE WHEN {_X} % 10 < 6 THEN 'submitted' ELSE 'accepted' END"
    return {
        "id": _id("n", which),
        "form_key": _id("n", 16 + which),
        "patient_id": _id("n", 32 + which),
        "to_organisation_id": _literal(place.centres[which]),
        "state": f"CASE WHEN {live} THEN {state} ELSE 'closed' END",
        "phase": f"CASE WHEN {live} THEN 'live' ELSE 'ended' END",
        "clock": f"CASE WHEN {live} THEN 'running' ELSE 'over' END",
        "urgency_rank": f"CASE WHEN {_X} % 100 < 5 THEN 1 WHEN {_X} % 100 < 25 THEN 2 ELSE 3 END",
        "deadline": _day(f"({_X} % 91) - 2"),
        "answer_due": _day(f"({_X} % 91) + 14"),
        "submitted_at": _moment(f"-({_X} % 40)"),
        "ended_at": f"CASE WHEN {live} THEN NULL ELSE {_moment('-1')} END",
        "site_group": _one_of(_SITES, f"{_X} / 7"),
        "grade_group": _one_of(_GRADES, f"{_X} / 11"),
        "assignee_id": f"CASE {_X} % {COLLEAGUES * 2} {whens} ELSE NULL END",
    }


def _submission(place: Place, which: int) -> dict[str, str]:
    return {"id": _id("n", which), "referral_id": _id("n", which)}


def _event(place: Place, which: int) -> dict[str, str]:
    return {"id": _id("n", which), "referral_id": _id("n", which)}


def _centre_relation(place: Place, which: int) -> dict[str, str]:
    return {
        "id": _id("n", which),
        "patient_id": _id("n", 32 + which),
        "organisation_id": _literal(place.centres[which]),
        "kind": "'addressed'",
    }


def _HOSPITAL(place: Place, which: int) -> dict[str, str]:
    return {
        "id": _id("n", 2 + which),
        "patient_id": _id("n", 32 + which),
        "organisation_id": _literal(place.hospital),
        "kind": "'referring'",
    }


_TABLES: dict[type[Any], Any] = {
    Referral: _referral,
    CareRelation: _centre_relation,
    Submission: _submission,
    ReferralEvent: _event,
}


def _copies(
    connection: sa.Connection,
    place: Place,
    model: type[Any],
    changed: Any,
    which: int,
    first: int,
    end: int,
) -> None:
    """As many copies of the pattern's row as numbers, each with its own of what is changed."""
    table = table_of(model)
    own = changed(place, which)
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    values = ", ".join(own.get(column.name, f'p."{column.name}"') for column in table.columns)
    key = "id" if model is Referral else "referral_id"
    pattern = f"SELECT * FROM {table.name}"
    if model is not CareRelation:
        pattern += f" WHERE {key} = {_literal(place.pattern)}"
    numbers = (
        f"SELECT n FROM generate_series({first}, {end - 1}) AS g(n)"
        if _postgres()
        else f"WITH RECURSIVE g(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM g"
        f" WHERE n < {end - 1}) SELECT n FROM g"
    )
    where = f" WHERE n < {FEW} OR n % 10 = 0" if which else ""
    connection.exec_driver_sql(
        f"INSERT INTO {table.name} ({names}) SELECT {values}"
        f" FROM ({numbers}) AS numbers, ({pattern} ORDER BY id LIMIT 1) AS p{where}".replace(
            "%", "%%" if _postgres() else "%"
        )
    )


def _patients(connection: sa.Connection, first: int, end: int) -> None:
    """Sealed here, brought in at once, and made whole by the database."""
    connection.exec_driver_sql(
        "CREATE TEMPORARY TABLE IF NOT EXISTS names_made"
        f" (id {'uuid' if _postgres() else 'text'}, pseudonym text, family text, given text,"
        " born text)"
    )
    connection.exec_driver_sql("DELETE FROM names_made")
    raw: Any = connection.connection.driver_connection
    if _postgres():
        with raw.cursor().copy("COPY names_made FROM STDIN") as copying:
            for row in _names(first, end):
                copying.write_row(row)
    else:
        raw.executemany("INSERT INTO names_made VALUES (?, ?, ?, ?, ?)", _names(first, end))
    own = {
        "id": "m.id",
        "pseudonym": "m.pseudonym",
        "family_name": "m.family",
        "given_names": "m.given",
        "birth_date": "m.born",
    }
    columns = table_of(Patient).columns
    names = ", ".join(column.name for column in columns)
    values = ", ".join(own.get(column.name, f"p.{column.name}") for column in columns)
    connection.exec_driver_sql(
        f"INSERT INTO patient ({names}) SELECT {values} FROM names_made AS m,"
        " (SELECT * FROM patient ORDER BY id DESC LIMIT 1) AS p"
    )


def _names(first: int, end: int) -> Iterator[tuple[str, str, str, str, str]]:
    keys = ring()
    eldest = date(1930, 1, 1)
    for number in range(first, end):
        for which in (0, 1):
            if which and not _second_has(number):
                continue
            row_id = UUID(f"{_STAMP}8{32 + which:03x}{number:012x}")
            family = f"{_FAMILY[number % len(_FAMILY)]} {number}"
            yield (
                str(row_id) if _postgres() else row_id.hex,
                f"{'XY'[which]}{number:08d}",
                keys.seal(family, "patient", "family_name", row_id),
                keys.seal(_GIVEN[number % len(_GIVEN)], "patient", "given_names", row_id),
                (eldest + timedelta(days=number * 7919 % 27_000)).isoformat(),
            )


def _second_has(number: int) -> bool:
    """Has the second centre a case of this number? Those it has live, and a tenth as many as the
    busy one has that ended."""
    return number < FEW or number % 10 == 0
