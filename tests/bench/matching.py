"""How well and how fast the same person is found, through the product, on each database.

`python -m tests.bench.matching`: precision and recall among 20,000 made-up people of two centres;
then what one search and one *may it be one of these* cost among 100,000 patients. `--people` and
`--patients` choose other sizes, `--only` one database.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import Flask

from config import Settings
from registry import create_app
from registry.access import Role, Viewer
from registry.dates import PartialDate
from registry.db import db, new_id, now
from registry.patients import bulk
from registry.patients.matching import finding, pairs, states
from registry.patients.matching.models import Match
from tests import make, postgres
from tests.bench.floor import quantile
from tests.databases import migrate
from tests.patients.alike import Record, population

BATCH = 2_000
TIMES = 200


def _registered(records: Sequence[Record], centres: Sequence[Viewer]) -> list[UUID]:
    """Bring records in, by turns to each centre; returns the id of each."""
    ids = [new_id() for _ in records]
    for turn, by in enumerate(centres):
        mine = list(zip(ids, records, strict=True))[turn :: len(centres)]
        for start in range(0, len(mine), BATCH):
            batch = bulk.Registering(
                by, at=now(), source="", why="", purposes=(), basis="", hidden=False
            )
            for patient_id, one in mine[start : start + BATCH]:
                facts = {
                    "family_name": one.family_name,
                    "given_names": one.given_names,
                    "birth_date": PartialDate(one.birth_date),
                    "sex_at_birth": one.sex,
                    "national_number": one.national_number,
                    "telephone": one.telephone,
                    "country": "NL",
                }
                batch.add(patient_id, facts, {}, "")
            batch.insert(db.session.connection())
            db.session.commit()
    return ids


def _centres() -> list[Viewer]:
    return [
        make.viewer(make.person(make.centre(code), Role.CLINICIAN, name=name))
        for code, name in (("BENCH-1", "Carol Cohen"), ("BENCH-2", "Bob Brandt"))
    ]


def _figures(name: str, people: int) -> Iterator[str]:
    """What the background finds of a population, and how long it takes."""
    records = population(people, seed=2026)
    ids = _registered(records, _centres())
    started = time.perf_counter()
    while pairs.compare_due():
        db.session.commit()
        db.session.expunge_all()
    took = time.perf_counter() - started
    who = {patient_id: record.who for patient_id, record in zip(ids, records, strict=True)}
    found = {
        frozenset((one.first_id, one.second_id))
        for one in db.session.scalars(sa.select(Match).where(Match.state == states.OPEN))
    }
    by_person: dict[int, list[UUID]] = {}
    for patient_id, number in who.items():
        by_person.setdefault(number, []).append(patient_id)
    same = {frozenset(some) for some in by_person.values() if len(some) == 2}
    right = found & same
    yield "\t".join(
        (
            "matching", name, str(len(records)), f"twice {len(same)}", f"found {len(found)}",
            f"right {len(right)}", f"precision {len(right) / len(found):.4f}",
            f"recall {len(right) / len(same):.4f}",
            f"{took / len(records) * 1000:.1f} ms a patient in the background",
        )
    )  # fmt: skip


def _timed(ask: Callable[[], object]) -> tuple[float, int]:
    """Milliseconds and the number of statements."""
    count = 0

    def one(*_about: Any) -> None:
        nonlocal count
        count += 1

    sa.event.listen(db.engine, "before_cursor_execute", one)
    started = time.perf_counter()
    ask()
    took = (time.perf_counter() - started) * 1000
    sa.event.remove(db.engine, "before_cursor_execute", one)
    db.session.rollback()
    return took, count


def _searches(name: str, patients: int) -> Iterator[str]:
    """What finding costs for somebody of a centre that has half of all patients."""
    records = population(int(patients / 1.14), seed=5)[:patients]
    centres = _centres()
    _registered(records, centres)
    if db.engine.dialect.name == "postgresql":
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("VACUUM ANALYZE"))
    rng, viewer = Random(1), centres[0]
    mine, others = records[::2], records[1::2]
    known = [rng.choice(mine) for _ in range(TIMES)]
    foreign = [rng.choice(others) for _ in range(TIMES)]
    kinds: dict[str, list[Callable[[], object]]] = {
        "search: family name": [lambda r=r: finding.search(viewer, r.family_name) for r in known],
        "search: both names": [
            lambda r=r: finding.search(viewer, f"{r.given_names} {r.family_name}") for r in known
        ],
        "search: misspelt": [
            lambda r=r: finding.search(viewer, r.family_name.replace("n", "nn", 1)[:-1])
            for r in known
        ],
        "search: the commonest name": [lambda: finding.search(viewer, "Jansen")] * TIMES,
        "search: a patient of others": [
            lambda r=r: finding.search(viewer, f"{r.given_names} {r.family_name}") for r in foreign
        ],
        "may it be one of these": [lambda r=r: finding.likely_same(viewer, _asked(r))
                                   for r in known],
        "may it be one of these, of others": [
            lambda r=r: finding.likely_same(viewer, _asked(r)) for r in foreign
        ],
    }  # fmt: skip
    for kind, asks in kinds.items():
        for ask in asks[:10]:
            _timed(ask)
        found = [_timed(ask) for ask in asks]
        times = [took for took, _count in found]
        yield "\t".join(
            (
                kind, name, str(len(records)), f"p50 {quantile(times, 0.5):.2f} ms",
                f"p99 {quantile(times, 0.99):.2f} ms",
                f"at most {max(count for _took, count in found)} statements",
            )
        )  # fmt: skip


def _asked(one: Record) -> dict[str, Any]:
    return {
        "family_name": one.family_name,
        "given_names": one.given_names,
        "birth_date": PartialDate(one.birth_date),
        "sex_at_birth": one.sex,
        "national_number": one.national_number,
        "telephone": one.telephone,
    }


def _app(url: str, instance: Path) -> Flask:
    migrate(url)
    instance.mkdir()
    return create_app(
        Settings(database_url=url, instance=instance, secret_key="bench", environment="testing")
    )


def _on(url: str, name: str, folder: Path, people: int, patients: int, what: str) -> None:
    app = _app(url, folder / f"{name}-{what}")
    with app.app_context():
        size = people if what == "figures" else patients
        for line in _figures(name, size) if what == "figures" else _searches(name, size):
            print(line, flush=True)
        db.session.remove()
        db.engine.dispose()


def main() -> int:
    """Print one line a measure."""
    wanted = argparse.ArgumentParser()
    wanted.add_argument("--people", type=int, default=20_000)
    wanted.add_argument("--patients", type=int, default=100_000)
    wanted.add_argument("--only", choices=("sqlite", "postgresql"))
    asked = wanted.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if asked.only != "postgresql":
            for what in ("figures", "searches"):
                url = f"sqlite:///{folder / f'{what}.sqlite3'}"
                _on(url, "sqlite", folder, asked.people, asked.patients, what)
        if asked.only == "sqlite":
            return 0
        try:
            with postgres.start("fsync=on", "synchronous_commit=on", durable=True) as server:
                for what in ("figures", "searches"):
                    url = server.create(f"bench_{what}")
                    _on(url, "postgresql", folder, asked.people, asked.patients, what)
        except postgres.Unavailable as problem:
            print(f"no PostgreSQL here: {problem}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
