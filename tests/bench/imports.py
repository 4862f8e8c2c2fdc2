"""What bringing a long file in costs, beside the least it could cost: the same rows, of the same
tables, by plain bulk insert into an empty database of the same kind.

    python -m tests.bench.imports --patients 100000 [--postgres] [--cancel] [--profile]

Prints one tab-separated line a measure: what, database, patients, value, unit. Seconds are those of
the clock; beside them stand those this process worked, which another's load does not change.
"""

from __future__ import annotations

import argparse
import contextlib
import cProfile
import csv
import os
import pstats
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import sqlalchemy as sa

from config import Settings
from tests import postgres
from tests.databases import Postgres, Sqlite

MAP = """
[source]
name = "bench"
title = "A long file"
licence = "made up"
id_column = "id"
rows = "several"

[consent]
basis = "Made up"
purposes = ["registry", "research_use"]

[missing]
"na" = "not_known"

[patient]
hospital_number = "id"
sex_at_birth = { column = "sex", values = { "f" = "female", "m" = "male" } }
birth_date = "born"

[[tumour]]
once = true
primary_site = "site"
diagnosis_date = "diagnosed"

[[pathology]]
once = true
differentiation = { constant = "well" }
ki67_percent = "ki67"
mitoses_per_2mm2 = "mitoses"
grade_stated = "grade"

[[staging]]
once = true
staging_system = { constant = "AJCC8" }
t = "t"
n = "n"
m = "m"

[[biomarker]]
analyte = { constant = "CGA_MASS" }
value = "cga"
unit = { constant = "ng/mL" }
date = "visit"
"""
COLUMNS = [
    "id", "sex", "born", "site", "diagnosed", "ki67", "mitoses", "grade", "t", "n", "m", "visit",
    "cga",
]  # fmt: skip


def write_file(path: Path, patients: int, rows: int) -> None:
    """A file of so many patients with so many rows each; visits of a patient stand far apart."""
    sites = ("C25.2", "C17.2", "C18.1", "C20.9")
    with path.open("w", newline="") as out:
        write = csv.writer(out)
        write.writerow(COLUMNS)
        for some in range(0, patients, 5_000):
            for visit in range(rows):
                for one in range(some, min(some + 5_000, patients)):
                    ki67 = one % 19 + 1
                    first = [
                        "f" if one % 2 else "m", f"{1930 + one % 60}-0{one % 9 + 1}-1{one % 9}",
                        sites[one % 4], f"20{10 + one % 10}-0{one % 9 + 1}", ki67, one % 12,
                        "G1" if ki67 < 3 else "G2", f"T{one % 4 + 1}", f"N{one % 2}", f"M{one % 2}",
                    ]  # fmt: skip
                    if visit:
                        first = [""] * len(first)
                    value = "na" if (one + visit) % 50 == 0 else 40 + (one * 7 + visit * 31) % 900
                    date = f"20{20 + visit // 4}-{visit % 4 * 3 + 1:02}-{one % 28 + 1:02}"
                    write.writerow([f"P{one:07}", *first, date, value])


class Memory:
    """The most this process held, measured beside it."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self.start = self.now()
        self.most = self.start
        self._stop = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def now(self) -> float:
        return self._process.memory_info().rss / 1e6

    def _watch(self) -> None:
        while not self._stop.wait(0.2):
            self.most = max(self.most, self.now())

    def stop(self) -> None:
        self._stop.set()


@contextlib.contextmanager
def place_of(kind: str, folder: Path) -> Iterator[Any]:
    """Where databases of a kind are made; PostgreSQL keeps what it is told, as in production."""
    if kind == "sqlite":
        yield Sqlite(folder)
        return
    with postgres.start(durable=True) as server, contextlib.closing(Postgres(server)) as place:
        yield place


def application(url: str, folder: Path) -> Any:
    from registry import create_app

    folder.mkdir(mode=0o700, exist_ok=True)
    return create_app(
        Settings(database_url=url, instance=folder, secret_key="x", environment="testing")
    )


def say(what: str, kind: str, patients: int, value: float, unit: str) -> None:
    print(what, kind, patients, f"{value:.1f}", unit, sep="\t", flush=True)


def bring(app: Any, file: Path, by_map: Any, tell: Any = None) -> Any:
    """Bring the file in as the worker does."""
    from registry.interop import queries, running
    from registry.interop.planning import Shape
    from registry.interop.spool import Spool, spool_folder

    by = queries.importer("CENTRE-1")
    run = running.Run(by=by, tell=tell or running.no_telling)
    with Spool(spool_folder()) as spool:
        report = run.plan(by_map, {"": file}, {"": Shape()}, spool)
        read = Clock()
        run.write(file, report, spool)
    return report, read


class Clock:
    """A moment: by the clock, and by what this process has worked."""

    def __init__(self) -> None:
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def since(self, other: Clock) -> tuple[float, float]:
        """Seconds since another moment, both ways."""
        return self.wall - other.wall, self.cpu - other.cpu


def floor(source_url: str, target_url: str) -> tuple[int, float, float]:
    """Copy every row by plain bulk insert, a thousand a statement; returns rows and seconds of
    the inserts alone."""
    from registry.db import metadata

    seconds, worked, rows = 0.0, 0.0, 0
    source = sa.create_engine(source_url)
    target = sa.create_engine(target_url)
    with source.connect() as reading, target.connect() as writing:
        done = {row[0] for row in writing.execute(sa.text("SELECT id FROM organisation"))}
        assert not done, "the floor needs an empty database"
        for table in metadata.sorted_tables:
            found = reading.execution_options(yield_per=1000).execute(sa.select(table))
            for some in found.mappings().partitions(1000):
                batch = [dict(one) for one in some]
                start = Clock()
                writing.execute(sa.insert(table), batch)
                writing.commit()
                took = Clock().since(start)
                seconds, worked, rows = seconds + took[0], worked + took[1], rows + len(batch)
    source.dispose()
    target.dispose()
    return rows, seconds, worked


class LongestWait:
    """How long somebody else waits for a small change while the import runs."""

    def __init__(self, app: Any) -> None:
        self.longest, self._app, self._stop = 0.0, app, threading.Event()
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def _work(self) -> None:
        from registry.db import db
        from registry.people.models import Organisation

        with self._app.app_context():
            while not self._stop.wait(0.25):
                start = time.perf_counter()
                db.session.execute(
                    sa.update(Organisation)
                    .where(Organisation.code == "HOSP-A")
                    .values(city=f"{start:.3f}")
                )
                db.session.commit()
                self.longest = max(self.longest, time.perf_counter() - start)

    def stop(self) -> float:
        self._stop.set()
        self._thread.join()
        return self.longest


def measure(kind: str, options: argparse.Namespace, folder: Path, place: Any) -> None:
    from registry.db import db
    from registry.interop import map_files
    from registry.patients.models import Patient
    from tests import make

    file = folder / "long.csv"
    if not file.exists():
        write_file(file, options.patients, options.rows)
    n = options.patients
    place.empty()
    app = application(place.url, folder / f"instance-{kind}")
    with app.app_context():
        make.centre()
        make.hospital()
        db.session.commit()
        by_map = map_files.read(MAP.encode())
        if options.cancel:
            cancelled(app, file, by_map, kind, n)
        memory, waits = Memory(), LongestWait(app)
        profile = cProfile.Profile()
        start = Clock()
        if options.profile:
            profile.enable()
        report, read = bring(app, file, by_map)
        profile.disable()
        end = Clock()
        memory.stop()
        longest = waits.stop()
        assert not report.refused, report.refusals[:3]
        assert report.created == n
        say("file rows", kind, n, report.read, "rows")
        whole, worked = end.since(start)
        say("read and checked", kind, n, read.since(start)[0], "s")
        say("written and shown", kind, n, end.since(read)[0], "s")
        say("whole import", kind, n, whole, "s")
        say("whole import, file rows", kind, n, report.read / whole, "rows/s")
        say("whole import, a patient", kind, n, whole / n * 1000, "ms")
        say("read and checked, worked", kind, n, read.since(start)[1], "s")
        say("written and shown, worked", kind, n, end.since(read)[1], "s")
        say("whole import, worked, file rows", kind, n, report.read / worked, "rows/s")
        say("whole import, worked, a patient", kind, n, worked / n * 1000, "ms")
        say("memory at start", kind, n, memory.start, "MB")
        say("memory at most", kind, n, memory.most, "MB")
        say("longest wait of somebody else", kind, n, longest * 1000, "ms")
        db.session.rollback()
        assert db.session.scalar(sa.select(sa.func.count()).select_from(Patient)) == n
        db.session.remove()
        db.engine.dispose()
    if options.profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(45)
    other = place.another("floor")
    rows, seconds, floor_worked = floor(place.url, other)
    say("floor: the same rows by bulk insert", kind, n, seconds, "s")
    say("rows of the database", kind, n, rows, "rows")
    say("floor, database rows", kind, n, rows / seconds, "rows/s")
    say("import, database rows", kind, n, rows / whole, "rows/s")
    say("whole import ÷ floor", kind, n, whole / seconds, "×")
    say("writing ÷ floor", kind, n, end.since(read)[0] / seconds, "×")
    say("floor, worked", kind, n, floor_worked, "s")
    say("whole import ÷ floor, worked", kind, n, worked / floor_worked, "×")
    say("writing ÷ floor, worked", kind, n, end.since(read)[1] / floor_worked, "×")


def cancelled(app: Any, file: Path, by_map: Any, kind: str, n: int) -> None:
    """Stop in the middle of the writing: nothing of it may be left."""
    from registry.db import db, metadata
    from registry.interop import running

    def rows() -> dict[str, int]:
        found = {
            name: db.session.scalar(sa.select(sa.func.count()).select_from(table))
            for name, table in metadata.tables.items()
        }
        db.session.rollback()
        return found

    def tell(phase: str, done: int, total: int) -> None:
        if phase == "writing" and done * 2 > total:
            raise running.Lost

    before = rows()
    start = time.perf_counter()
    with contextlib.suppress(running.Lost):
        bring(app, file, by_map, tell)
        raise AssertionError("was not cancelled")
    after = rows()
    differs = {name: (before[name], after[name]) for name in after if after[name] != before[name]}
    assert not differs, differs
    say("cancelled half-way: rows left", kind, n, 0, "rows")
    say("cancelled half-way: until nothing is left", kind, n, time.perf_counter() - start, "s")


def main() -> None:
    """Measure, on SQLite or PostgreSQL."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=2_000)
    parser.add_argument("--rows", type=int, default=10)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--cancel", action="store_true")
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    kind = "postgres" if options.postgres else "sqlite"
    os.environ.setdefault("PYTHONHASHSEED", "0")
    with tempfile.TemporaryDirectory(prefix="netreg-bench-") as name:
        folder = Path(name)
        with place_of(kind, folder) as place:
            measure(kind, options, folder, place)


if __name__ == "__main__":
    sys.exit(main())
