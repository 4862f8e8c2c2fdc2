"""`netreg import`: parse, call the action, print."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import click
from flask import Flask

from registry.interop import map_files
from registry.interop.mapping import Map, MapError

#: Exit statuses: nothing to complain of; rows were refused; map, file or centre do not fit.
REFUSED, UNFIT = 1, 2


def _progress(items: Iterable[Any], length: int, label: str) -> Iterator[Any]:
    """A bar on stderr, so that what is printed can be kept. Length 0: not known beforehand."""
    options: dict[str, Any] = {"length": length} if length else {"show_pos": True}
    with click.progressbar(items, label=label, file=sys.stderr, **options) as bar:
        yield from bar


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--map", "map_name", required=True, help="The map: a TOML file, or the name of a shipped map."
)
@click.option("--centre", required=True, help="The code of the reference centre.")
@click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
@click.pass_obj
def import_command(
    application: Callable[[], Flask], file: Path, map_name: str, centre: str, dry_run: bool
) -> None:
    """Bring an existing cohort in: FILE by a map (docs/import.md), all of it or nothing.

    Exit status 0 when every row is in, 1 when rows were refused and nothing was written, 2 when
    map, file and centre do not fit together.
    """
    from registry.interop import report as words

    try:
        by_map = map_files.load(map_files.find(map_name))
    except MapError as error:
        _unfit(error.problems)
    with application().app_context():
        report, place = _run(file, by_map, centre, dry_run)
    for line in words.lines(report, dry_run=dry_run, centre=place):
        click.echo(line)
    if report.refusals:
        sys.exit(REFUSED)


def _run(file: Path, by_map: Map, centre: str, dry_run: bool) -> tuple[Any, str]:
    from registry.db import db
    from registry.errors import NotFound
    from registry.interop import actions, queries, tables

    try:
        viewer = queries.importer(centre)
        report = actions.bring_in(file, by_map, by=viewer, progress=_progress)
    except MapError as error:
        _unfit(error.problems)
    except tables.FileError as error:
        _unfit([str(error)])
    except NotFound as error:
        _unfit([str(error.message)])
    if dry_run or report.refusals:
        db.session.rollback()
    else:
        db.session.commit()
    seat = viewer.seat
    return report, f"{seat.organisation_name} ({seat.organisation_code})" if seat else centre


def _unfit(problems: list[str]) -> NoReturn:
    for problem in problems:
        click.echo(problem, err=True)
    click.echo("Nothing was read.", err=True)
    sys.exit(UNFIT)
