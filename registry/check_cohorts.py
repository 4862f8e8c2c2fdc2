"""`netreg check-cohorts`: import and release the published cohorts, and compare with the source.

Everything happens in a database of its own, made for the occasion; nothing of it is kept.
"""

from __future__ import annotations

import csv
import secrets
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from config import Settings
from registry.interop.comparison import COHORTS, Cohort, Line, Row, compare

CENTRE = "CHECK"
PROJECT = "CHECK-COHORTS"


@dataclass
class Brought:
    """What importing a cohort, twice, gave."""

    cohort: Cohort
    source: Sequence[Row]
    seconds: float
    lines: list[Line] = field(default_factory=list)
    flagged: int = 0


@click.command("check-cohorts")
@click.option(
    "--data",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder that has the cohorts' folders.",
)
@click.option("--database", default="", help="Another empty database than a new SQLite file.")
def check_cohorts(data: Path, database: str) -> None:
    """Import and release the published cohorts, and compare every value with the source.

    Exit status 1 if any line differs.
    """
    missing = [one.path for one in COHORTS if not (data / one.path).is_file()]
    if missing:
        raise click.ClickException(f"not in {data}: {', '.join(missing)}")
    with tempfile.TemporaryDirectory(prefix="netreg-check-") as folder:
        differing = _check(data, Path(folder), database)
    if differing:
        click.echo(f"\n{differing} lines differ.", err=True)
        sys.exit(1)
    click.echo("\nEvery line is equal.")


def _check(data: Path, folder: Path, database: str) -> int:
    """Do it all; returns how many lines differ."""
    with _application(folder, database or f"sqlite:///{folder / 'check.sqlite3'}") as app:
        with app.app_context():
            researcher = _place()
            brought = [_bring_in(data, cohort) for cohort in COHORTS]
            files = _release(researcher)
            found = [(one, [*one.lines, *_compared(one, files)]) for one in brought]
        for one, lines in found:
            _print(one, lines)
    return sum(not line.equal for _one, lines in found for line in lines)


@contextmanager
def _application(folder: Path, url: str) -> Iterator[Any]:
    """An application on a new, migrated, empty database."""
    import sqlalchemy as sa
    from alembic import command
    from alembic.config import Config

    from config import ROOT
    from registry import create_app
    from registry.db import db

    engine = sa.create_engine(url, poolclass=sa.NullPool)
    if sa.inspect(engine).has_table("patient"):
        raise click.ClickException("the database is not empty: the check needs one of its own")
    config = Config(toml_file=ROOT / "pyproject.toml")
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    instance = folder / "instance"
    instance.mkdir(mode=0o700)
    app = create_app(
        Settings(
            database_url=url,
            instance=instance,
            secret_key=secrets.token_urlsafe(),
            environment="testing",
        )
    )
    try:
        yield app
    finally:
        with app.app_context():
            db.engine.dispose()


def _place() -> Any:
    """A centre, a committee and a researcher with a grant; returns the researcher's leave."""
    from registry.access import Role, the_house
    from registry.dates import today
    from registry.db import db
    from registry.people import actions as people
    from registry.people import queries
    from registry.people.models import REFERENCE_CENTRE
    from registry.research import rules
    from registry.research.releases import actions as research

    house = the_house("netreg check-cohorts")
    centre = people.add_organisation(
        by=house, code=CENTRE, name="Centre of the check", kind=REFERENCE_CENTRE, country="NL"
    )
    viewers = []
    for role in (Role.RESEARCHER, Role.ACCESS_COMMITTEE):
        person = people.add_person(
            by=house,
            email=f"{role.value}@check.example.org",
            name=role.value,
            password=secrets.token_urlsafe(),
            must_change=False,
        )
        people.join(person, centre, role, by=house)
        viewers.append(queries.viewer_of_person(person))
    researcher, committee = viewers
    grant = research.give_grant(
        by=committee,
        project=PROJECT,
        title="Check of the published cohorts",
        purpose="Released values must equal the sources'.",
        researcher_id=researcher.person_id,
        from_date=today(),
        until_date=today() + timedelta(days=1),
        coarse=rules.Coarse(smallest_group=1, age_band=1),  # to be compared digit for digit
    )
    db.session.commit()
    return grant, researcher


def _bring_in(data: Path, cohort: Cohort) -> Brought:
    """Import a cohort twice and keep what was said."""
    from registry.db import db
    from registry.interop import actions, map_files, queries

    path = data / cohort.path
    viewer = queries.importer(CENTRE)
    by_map = map_files.load(map_files.find(cohort.map_name))
    start = time.perf_counter()
    first = actions.bring_in(path, by_map, by=viewer)
    db.session.commit()
    seconds = time.perf_counter() - start
    again = actions.bring_in(path, by_map, by=viewer)
    db.session.commit()
    with path.open(encoding="utf-8-sig", newline="") as lines:
        source = list(csv.DictReader(lines))
    rows, columns = len(source), len(source[0])
    whole = sum(sum(fates.values()) == rows for fates in first.account.fates.values())
    told = [
        ("imported", rows, first.created),
        ("refused", 0, first.refused),
        ("columns accounted for", columns, whole),
        ("imported again: unchanged", rows, again.unchanged),
        ("imported again: created", 0, again.created),
    ]
    found = [Line(what, str(left), str(right), left == right) for what, left, right in told]
    flagged = len({one.row for one in first.contradictions})
    return Brought(cohort, source, seconds, found, flagged)


def _release(leave: Any) -> dict[str, list[dict[str, str]]]:
    """Make a release and read its data files as anybody who has them would."""
    from registry import storage
    from registry.db import db
    from registry.research.models import Grant
    from registry.research.releases import actions, making

    grant, researcher = leave
    asked = actions.request_release(db.session.get_one(Grant, grant.id), by=researcher)
    release_id = asked.id
    db.session.commit()
    made = making.make(release_id)
    files = {}
    for one in made.files:
        if one.rows is not None:
            with storage.place(one.file_id).open(encoding="utf-8-sig", newline="") as lines:
                files[one.name] = list(csv.DictReader(lines))
    db.session.rollback()
    return files


def _compared(brought: Brought, files: Mapping[str, list[dict[str, str]]]) -> Iterator[Line]:
    """The lines of a cohort: its patients' released rows beside the source's."""
    ids = _source_ids(brought)
    released: dict[str, dict[str, list[Row]]] = {}
    for name, rows in files.items():
        released[name] = defaultdict(list)
        for row in rows:
            if row.get("patient_id") in ids:
                released[name][ids[row["patient_id"]]].append(row)
    yield from compare(brought.cohort, brought.source, released)


def _source_ids(brought: Brought) -> dict[str, str]:
    """The source's id of each released pseudonym: a link that only the house can make."""
    from registry.interop import queries
    from registry.interop.actions import source_id_index
    from registry.research.releases.naming import names_of

    viewer, names, cohort = queries.importer(CENTRE), names_of(PROJECT), brought.cohort
    held = queries.patients_of(viewer, cohort.map_name)
    found = {}
    for row in brought.source:
        source_id = row[cohort.id_column]
        patient = held.get(source_id_index(cohort.map_name, viewer.organisation_id, source_id))
        if patient is not None:
            found[names.of("patient", patient)] = source_id
    return found


def _print(brought: Brought, lines: Sequence[Line]) -> None:
    """The table of a cohort."""
    width = max(len(line.what) for line in lines)
    click.echo(f"\n{brought.cohort.map_name} ({brought.cohort.path})")
    click.echo(f"  {'':<{width}}  {'source':>20}  {'released':>20}")
    for line in lines:
        mark = "✓" if line.equal else "✗"
        click.echo(f"  {line.what:<{width}}  {line.source:>20}  {line.released:>20}  {mark}")
    click.echo(
        f"  {brought.flagged} records flagged: what is stated contradicts what is derived;"
        f" imported in {brought.seconds:.1f} s"
    )
