"""What the chart of a patient with more than 500 entries costs, on each database."""

from __future__ import annotations

import contextvars
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask

from config import Settings
from registry import create_app
from registry.access import Role
from registry.course.models import ENTITIES
from registry.db import db
from registry.serve import settle
from tests import make, postgres
from tests.bench.floor import Replay, bare_page, measured, quantile, statements
from tests.bench.ten_years import ten_years
from tests.databases import migrate

TIMES, WARM = 200, 15
LEAST_ENTRIES = 500


@dataclass(frozen=True)
class Measure:
    """One line of the measurement; times in milliseconds."""

    name: str
    database: str
    n: int
    p50: float
    p99: float
    floor: float

    @property
    def ratio(self) -> float:
        """How many times the floor half of the calls take at most."""
        return self.p50 / self.floor

    def line(self) -> str:
        """Tab-separated."""
        times = "\t".join(f"{one:.2f}" for one in (self.p50, self.p99, self.floor, self.ratio))
        return f"{self.name}\t{self.database}\t{self.n}\t{times}"


def measures() -> Iterator[Measure]:
    """The chart on SQLite, then on PostgreSQL with everything on disk before it is answered."""
    only = os.environ.get("NETREG_BENCH_ON", "")
    with tempfile.TemporaryDirectory() as folder:
        if only in ("", "sqlite"):
            url = f"sqlite:///{Path(folder) / 'bench.sqlite3'}"
            yield from _on(url, "sqlite", Path(folder) / "sqlite")
        if only in ("", "postgresql"):
            with postgres.start("fsync=on", "synchronous_commit=on", durable=True) as server:
                yield from _on(server.create("bench"), "postgresql", Path(folder) / "postgresql")


def _on(url: str, name: str, instance: Path) -> Iterator[Measure]:
    migrate(url)
    instance.mkdir()
    app = create_app(
        Settings(database_url=url, instance=instance, secret_key="bench", environment="testing")
    )
    ask, count = _patient(app)
    if count < LEAST_ENTRIES:
        raise RuntimeError(f"only {count} entries")
    bare = bare_page()
    settle()  # as the product's own entry point does
    replay = Replay(app, statements(app, ask))
    page, sql, word = [], [], []
    for number in range(TIMES + WARM):  # by turns: what disturbs one disturbs the others
        found = measured(ask), measured(replay.once), measured(bare)
        if number >= WARM:
            for times, one in zip((page, sql, word), found, strict=True):
                times.append(one)
    replay.close()
    with app.app_context():
        db.engine.dispose()
    yield Measure(
        "chart of 500 entries", name, TIMES, quantile(page, 0.5), quantile(page, 0.99),
        quantile(sql, 0.5) + quantile(word, 0.5),
    )  # fmt: skip


def _patient(app: Flask) -> tuple[Any, int]:
    """A call that opens the chart of ten years, and how many entries it has."""
    with app.app_context():
        doctor = make.person(make.centre(), Role.CLINICIAN, name="Carol Cohen")
        patient = make.patient(make.viewer(doctor))
        ten_years(patient, make.viewer(doctor))
        db.session.commit()
        count = sum(
            db.session.scalar(sa.select(sa.func.count()).select_from(model)) or 0
            for model in ENTITIES
        )
        client = app.test_client()
        make.sign_in(client, doctor)
        address = f"/patients/{patient.id}/chart"
        db.session.remove()

    def ask() -> None:
        answer = contextvars.Context().run(client.get, address)
        if answer.status_code != 200 or not answer.data:
            raise RuntimeError(f"the chart answered {answer.status_code}")

    return ask, count


#: How each floor is measured, printed beneath the lines.
FLOORS = (
    "floor of the chart: p50 of the page's own SQL statements sent again with their parameters over"
    " the bare driver connection, rows fetched, transactions, audit row and commit included,"
    " + p50 of a bare Flask page; measured by turns with the page. SQLite: WAL, synchronous=FULL."
    " PostgreSQL: fsync and synchronous_commit on. Page, client and database on this machine.",
)
