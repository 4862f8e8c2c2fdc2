"""The worklist and sending on both databases, at 1,000, 100,000 and 1,000,000 live cases.

A million takes a quarter of an hour to fill on a small machine; `python -m tests.bench referrals
1000,100000` leaves it out.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flask import Flask

from config import Settings
from registry import create_app
from registry.db import db
from registry.serve import settle
from tests import postgres
from tests.bench import submit, worklist
from tests.bench.many_referrals import Place, fill, small_network
from tests.databases import migrate

SIZES = (1_000, 100_000, 1_000_000)
_DURABLE = ("fsync=on", "synchronous_commit=on")


@dataclass(frozen=True)
class Line:
    """What is printed, and whether it is worse than it may be."""

    text: str
    slow: bool = False


def lines(sizes: tuple[int, ...]) -> Iterator[Line]:
    """Every measure on SQLite, then on PostgreSQL with everything on disk before it is answered."""
    only = os.environ.get("NETREG_BENCH_ON", "")
    with tempfile.TemporaryDirectory() as folder:
        if only in ("", "sqlite"):
            url = f"sqlite:///{Path(folder) / 'bench.sqlite3'}"
            yield from _on(url, "sqlite", Path(folder) / "sqlite", sizes)
        if only in ("", "postgresql"):
            with postgres.start(*_DURABLE, durable=True) as server:
                yield from _on(
                    server.create("bench"), "postgresql", Path(folder) / "postgresql", sizes
                )


def _on(url: str, name: str, folder: Path, sizes: tuple[int, ...]) -> Iterator[Line]:
    migrate(url)
    (folder / "instance").mkdir(parents=True)
    app = create_app(
        Settings(
            database_url=url,
            instance=folder / "instance",
            secret_key="bench",
            environment="testing",
        )
    )
    with app.app_context():
        place = small_network()
    settle()  # as the product's own entry point does
    base: dict[str, float] = {}
    for size in sizes:
        place = _filled(app, place, size)
        yield Line(worklist.HEAD)
        for found in worklist.measures(app, place, name, base):
            yield Line(found.line(), found.slow)
        yield Line(submit.HEAD)
        for sent in submit.measures(app, url, folder, name, size):
            yield Line(sent.line())
    with app.app_context():
        db.engine.dispose()


def _filled(app: Flask, place: Place, size: int) -> Place:
    with app.app_context():
        found = fill(place, size)
        db.session.remove()
    return found
