"""A release of many patients as CSV and Parquet on PostgreSQL, beside a raw COPY of the same rows.

    python -m tests.bench release [patients] [k] [releases]

The patients have 60 variables in four tables, one row each. The raw COPY writes the same columns
of the same tables into files, unsorted and as they are: it is the least a copy can cost. A second
one asks for the rows of those alone who agree to research, as a release must. Lines are separated
by tabs: what, database, patients, value, unit. The release is made in a process of its own, whose
peak memory is what is told; `k` is how many patients must not be told apart (1: none). Before a
second release a value of every hundredth patient is changed in two tables; it is compared with the
first.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from registry import codes, dictionary
from registry.course.models import BY_NAME
from registry.patients.models import Patient
from tests.bench.imports import application, place_of

SIZE = 1_000_000
#: Variables of each table; with sex and country they are 60.
TAKEN = {"patient": 2, "tumour": 16, "pathology": 24, "staging": 18}
_MAKER = """
import json, resource, sys, time
from uuid import UUID
from registry import create_app
from registry.research.releases import making
app = create_app()
with app.app_context():
    spent = {}
    tell = making.Claim.tell
    def noted(claim, **values):
        if "phase" in values:
            spent[values["phase"]] = time.perf_counter()
        tell(claim, **values)
    making.Claim.tell = noted
    start, worked = time.perf_counter(), time.process_time()
    made = making.make(UUID(sys.argv[1]))
    seconds, worked = time.perf_counter() - start, time.process_time() - worked
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    size = sum(one.size for one in made.files if one.name.endswith((".csv", ".parquet")))
    ends = [*list(spent.values())[1:], start + seconds]
    print(json.dumps({
        "state": made.state, "seconds": seconds, "peak": peak, "bytes": size,
        "worked": worked,
        "phases": {name: end - begin for (name, begin), end in zip(spent.items(), ends)},
    }))
"""


def variables() -> dict[str, list[str]]:
    """The variables that are asked for, by entity."""
    from registry.research.releases import columns

    found = {}
    for file in columns.files():
        names = list(dict.fromkeys(one.variable for one in file.columns if one.variable))
        if file.entity in TAKEN:
            found[file.entity] = names[: TAKEN[file.entity]]
    return found


def lines(size: int = SIZE, k: int = 1, releases: int = 1) -> Iterator[str]:
    """Every measure, as a line."""
    with tempfile.TemporaryDirectory() as name, place_of("postgresql", Path(name)) as place:
        folder = Path(name) / "instance"
        url = place.another("release")
        app = application(url, folder)
        with app.app_context():
            release_id = _filled(size, k)
            wanted = variables()
            start = time.perf_counter()
            raw = _copied(wanted, Path(name))
            floor = time.perf_counter() - start
            start = time.perf_counter()
            _copied(wanted, Path(name), among=_agreeing())
            asking = time.perf_counter() - start
        made = _made(release_id, url, folder)
        assert made["state"] == "made", made
        number = sum(len(names) for names in wanted.values())
        yield _line(f"raw COPY of {number} variables", size, floor, "s")
        yield _line("raw COPY", size, raw / 1e6, "MB")
        yield _line("COPY of the rows of those who agree", size, asking, "s")
        yield _line(f"release as CSV and Parquet, k = {k}", size, made["seconds"], "s")
        yield _line("release, what its process worked", size, made["worked"], "s")
        for phase, seconds in made["phases"].items():
            if phase:
                yield _line(f"of it: {phase}", size, seconds, "s")
        yield _line("release, its data files", size, made["bytes"] / 1e6, "MB")
        yield _line("release, peak memory of its process", size, made["peak"], "MB")
        yield _line("release / raw COPY", size, made["seconds"] / floor, "times")
        yield _line("release / COPY of those who agree", size, made["seconds"] / asking, "times")
        for _more in range(1, releases):
            with app.app_context():
                release_id = _again(release_id)
            made = _made(release_id, url, folder)
            assert made["state"] == "made", made
            yield _line("next release, compared with the last", size, made["seconds"], "s")
            yield _line("of it: documents and comparing", size, made["phases"]["documents"], "s")
            yield _line("next release, peak memory of its process", size, made["peak"], "MB")


def _line(what: str, size: int, value: float, unit: str) -> str:
    return f"{what}\tpostgresql\t{size}\t{value:.1f}\t{unit}"


def _agreeing() -> str:
    """The query of the patients who agree to research."""
    from registry.db import db
    from registry.research.cohorts import evaluating

    query = evaluating.population().with_only_columns(Patient.__table__.c.id)
    return str(query.compile(db.engine, compile_kwargs={"literal_binds": True}))


def _copied(wanted: dict[str, list[str]], folder: Path, among: str = "") -> int:
    """COPY the columns of each table into a file, of all or of these patients; returns how many
    bytes they have."""
    from registry.db import db

    size = 0
    raw = db.engine.raw_connection()
    with raw.cursor() as cursor:
        for entity, names in wanted.items():
            key = "id" if entity == "patient" else "id, patient_id"
            rows = f"SELECT {key}, {', '.join(names)} FROM {entity}"
            if among:
                rows += f" WHERE {'id' if entity == 'patient' else 'patient_id'} IN ({among})"
            query = f"COPY ({rows}) TO STDOUT (FORMAT csv)"
            place = folder / f"{entity}.raw"
            with place.open("wb") as out, cursor.copy(query) as copy:
                for block in copy:
                    out.write(block)
            size += place.stat().st_size
    raw.close()
    return size


def _made(release_id: Any, url: str, folder: Path) -> dict[str, Any]:
    environment = {
        **os.environ, "DATABASE_URL": url, "NETREG_INSTANCE": str(folder),
        "NETREG_ENV": "testing", "SECRET_KEY": "only for tests",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", _MAKER, str(release_id)], env=environment, stdout=subprocess.PIPE,
        text=True, check=True,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


# -- the patients ------------------------------------------------------------------------------


def _filled(size: int, k: int) -> Any:
    """Patients with a row in each table, and a release that waits; returns its id."""
    from registry.db import db
    from registry.research import rules
    from tests import make, make_research

    clinic = make_research.clinic()
    first = make.patient(clinic)
    for entity in ("tumour", "pathology", "staging"):
        make_research.entry(first, entity)
    db.session.commit()
    for entity, names in variables().items():
        _multiply(entity, names, first.id, size)
    _multiply("consent", [], first.id, size)
    make.patients.answer_consent(first.id, "research_use", "no", by=clinic)
    db.session.commit()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("VACUUM ANALYZE"))
    coarse = rules.Coarse(smallest_group=k, age_band=1 if k == 1 else 5)
    given = make_research.grant(make_research.office(), coarse=coarse)
    waiting = make_research.asked(given, ("parquet",))
    wanted = [f"{entity}.{name}" for entity, names in variables().items() for name in names]
    waiting.criteria = {**waiting.criteria, "variables": wanted}
    db.session.commit()
    return waiting.id


def _again(release_id: Any) -> Any:
    """Another release of the project that waits, after some changes; returns its id."""
    from registry.db import db
    from registry.research.models import Release
    from tests import make_research

    for entity, name in (("tumour", "primary_size_mm"), ("pathology", "mitoses_per_2mm2")):
        found = f"UPDATE {entity} SET {name} = 7 WHERE get_byte(uuid_send(id), 15) < 3"
        db.session.execute(sa.text(found))
    first = db.session.get_one(Release, release_id)
    waiting = make_research.asked(first.grant, ("parquet",))
    waiting.criteria = first.criteria
    db.session.commit()
    return waiting.id


def _multiply(entity: str, names: list[str], first: Any, size: int) -> None:
    """Copies of the first patient's rows under other ids, with values in every variable."""
    from registry.db import db, metadata

    table = metadata.tables[entity]
    other = {"id": f"md5('{entity}' || t.id || g)::uuid"}
    if "patient_id" in table.c:
        other["patient_id"] = "md5('patient' || t.patient_id || g)::uuid"
    if entity == "patient":
        other["pseudonym"] = "'B' || lpad(to_hex(g), 8, '0')"
        other["birth_date"] = "(1930 + g % 60)::text"
    other |= {name: _expression(entity, name) for name in names}
    selected = ", ".join(other.get(column.name, f"t.{column.name}") for column in table.c)
    key = "id" if entity == "patient" else "patient_id"
    into = ", ".join(column.name for column in table.c)
    db.session.execute(
        sa.text(
            f"INSERT INTO {entity} ({into}) SELECT {selected} FROM {entity} t, "
            f"generate_series(1, :n) g WHERE t.{key} = :first"
        ),
        {"n": size, "first": first},
    )
    db.session.commit()


def _expression(entity: str, name: str) -> str:
    """SQL of a value that differs from patient to patient (g)."""
    model: Any = Patient if entity == "patient" else BY_NAME[entity]
    declared, kind = dictionary.described(model)[name], dictionary.kind_of(model, name)
    listed = declared.codes or ("yes_no" if kind == "yes_no" else "")
    if listed:
        some = [code.replace("'", "''") for code in list(codes.codes(listed))[:7]]
        array = "ARRAY['" + "','".join(some) + "']"
        chosen = f"({array})[1 + g % {len(some)}]"
        return f"jsonb_build_array({chosen})" if kind == "codes" else chosen
    return {
        "partial_date": "to_char(date '2012-01-01' + (g * 7 % 4000)::int, 'YYYY-MM-DD')",
        "number": "(g % 89)::numeric + 0.5",
        "ki67": "(g % 40)::text",
        "derived": "'RULE-' || g % 5",
    }.get(kind, "NULL")
