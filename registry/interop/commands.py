"""`netreg import`: parse, call the action, print."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NoReturn

import click
from flask import Flask

from registry.interop import map_files
from registry.interop.mapping import Map, MapError

#: Exit statuses: nothing to complain of; rows were refused; map, file or centre do not fit.
REFUSED, UNFIT = 1, 2


class Bar:
    """How far it is, on stderr, so that what is printed can be kept."""

    def __init__(self) -> None:
        self._phase = ""

    def tell(self, phase: str, done: int, total: int) -> None:
        """Show it: a line a phase, written over."""
        if phase != self._phase:
            click.echo("" if not self._phase else "\n", nl=False, err=True)
            self._phase = phase
        of = f" of {total}" if total else ""
        click.echo(f"\r{phase.capitalize()}: {done}{of}", nl=False, err=True)

    def end(self) -> None:
        """Leave the line."""
        if self._phase:
            click.echo("", err=True)


def _further(ctx: Any, param: Any, given: Sequence[str]) -> dict[str, Path]:
    """`name=path` of each further file."""
    found = {}
    for one in given:
        name, _mark, path = one.partition("=")
        if not name or not Path(path).is_file():
            raise click.BadParameter(f"{one!r} is not NAME=FILE with a file that exists")
        found[name] = Path(path)
    return found


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("further", nargs=-1, callback=_further, metavar="[NAME=FILE]...")
@click.option(
    "--map", "map_name", required=True, help="The map: a TOML file, or the name of a shipped map."
)
@click.option("--centre", required=True, help="The code of the reference centre.")
@click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
@click.option("--encoding", default="", help="Whatever the map says; `detect` looks at the text.")
@click.option("--sheet", default="", help="Of a workbook: the sheet, whatever the map says.")
@click.option("--keep-valid", is_flag=True, help="Bring the others in when rows are refused.")
@click.option(
    "--refused",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write the refused rows of the first file here, with the reasons.",
)
@click.option(
    "--take-file",
    is_flag=True,
    help="Where somebody changed a record by hand, take what a corrected file says.",
)
@click.pass_obj
def import_command(application: Callable[[], Flask], /, **given: Any) -> None:
    """Bring an existing cohort in: FILE by a map (docs/import.md), all of it or nothing.

    Exit status 0 when every row is in, 1 when rows were refused (nothing was written, unless
    --keep-valid), 2 when map, file and centre do not fit together.
    """
    from registry.interop import report as words

    try:
        by_map = map_files.load(map_files.find(given["map_name"]))
    except MapError as error:
        _unfit(error.problems)
    with application().app_context():
        report, place, written = _run(by_map, given)
    for line in words.lines(report, dry_run=given["dry_run"], centre=place, written=written):
        click.echo(line)
    if report.refused:
        sys.exit(REFUSED)


def _run(by_map: Map, given: dict[str, Any]) -> tuple[Any, str, bool]:
    """Returns the report, the centre in words, and whether anything was written."""
    from registry.errors import Conflict, NotFound
    from registry.interop import changes, queries, running, tables
    from registry.interop.planning import Shape
    from registry.interop.spool import Spool, spool_folder

    bar = Bar()
    try:
        viewer = queries.importer(given["centre"])
        run = running.Run(by=viewer, tell=bar.tell)
        shape = Shape(encoding=given["encoding"], sheet=given["sheet"])
        with ExitStack() as stack:
            spool = stack.enter_context(Spool(spool_folder()))
            report = run.plan(
                by_map,
                {"": given["file"], **given["further"]},
                {"": shape},
                spool,
                _refused(given["refused"], stack),
            )
            wanted = not report.refused or given["keep_valid"]
            written = wanted and not given["dry_run"] and spool.plans > 0
            if written:
                take = frozenset({changes.EVERY}) if given["take_file"] else frozenset()
                run.write(given["file"], report, spool, take=take)
            elif not wanted:
                report.nothing_made()
    except MapError as error:
        _unfit(error.problems)
    except tables.FileError as error:
        _unfit([str(error)])
    except (NotFound, Conflict) as error:
        _unfit([str(error.message)])
    except running.Busy:
        _unfit(["Another import for this centre is being written. Try again when it is done."])
    finally:
        bar.end()
    seat = viewer.seat
    place = f"{seat.organisation_name} ({seat.organisation_code})" if seat else given["centre"]
    return report, place, written


def _refused(path: Path | None, stack: ExitStack) -> Any:
    """Writes the refused rows of the first file as they stand, with the reasons."""
    if path is None:
        return None
    out = stack.enter_context(path.open("w", encoding="utf-8-sig", newline=""))
    rows = csv.writer(out)
    begun: list[bool] = []

    def keep(
        part: str, columns: Sequence[str], number: int, cells: Sequence[str], why: str
    ) -> None:
        if part:
            return
        if not begun:
            rows.writerow([*columns, map_files.WHY_REFUSED])
            begun.append(True)
        padded = [*cells, *[""] * (len(columns) - len(cells))]
        plain = [cell.encode("utf-8", "replace").decode() for cell in padded]
        rows.writerow([*plain, f"row {number}: {why}"])

    return keep


def _unfit(problems: list[str]) -> NoReturn:
    for problem in problems:
        click.echo(problem, err=True)
    click.echo("Nothing was read.", err=True)
    sys.exit(UNFIT)
