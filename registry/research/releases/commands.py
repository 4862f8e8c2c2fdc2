"""`netreg release`: make, list and verify releases from a shell, with the rights of an account."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
from flask import Flask

if TYPE_CHECKING:
    from registry.access import Viewer
    from registry.research.releases.verifying import Checked

_FORMATS = ("parquet", "xlsx", "sav", "dta")
_as = click.option("--as", "email", required=True, help="The e-mail address of the researcher.")


@click.group()
def release() -> None:
    """Releases: frozen, de-identified data of an approved project."""


def _refuse(text: str) -> NoReturn:
    raise click.ClickException(text)


def _researcher(application: Callable[[], Flask], email: str) -> AbstractContextManager[Viewer]:
    from registry.access import Right
    from registry.people.acting import acting_as

    return acting_as(application, email, Right.MAKE_RELEASE)


@release.command("list")
@_as
@click.pass_obj
def list_(application: Callable[[], Flask], email: str) -> None:
    """List one's releases, newest first: project and number, state, patients, id."""
    from registry.research.releases import queries

    with _researcher(application, email) as viewer:
        for one in queries.my_releases(viewer):
            patients = "-" if one.patients is None else one.patients
            click.echo(f"{one.project}/{one.number}\t{one.state}\t{patients}\t{one.id}")


@release.command("make")
@click.argument("project")
@_as
@click.option(
    "--format", "also", type=click.Choice(_FORMATS), multiple=True, help="Besides CSV; repeatable."
)
@click.pass_obj
def make(application: Callable[[], Flask], project: str, email: str, also: tuple[str, ...]) -> None:
    """Make a release of PROJECT under one's own grant in force, and print its files."""
    from registry.research import rules
    from registry.research.releases import actions, making, queries

    with _researcher(application, email) as viewer:
        grant = queries.grant_of_project(viewer, project)
        asked = actions.request_release(grant, by=viewer, also=also).id
        try:
            made = making.make(asked)
        except Exception as error:  # its kind and place are in the log, its words may be a record's
            raise click.ClickException(str(rules.FAILURES["failed"])) from error
        if made.state != rules.MADE:
            _refuse(str(rules.FAILURES.get(made.error or "", "It is being made by the worker.")))
        click.echo(f"{made.project}/{made.number}\t{made.id}")
        for file in made.files:
            click.echo(f"{file.sha256}  {file.name}")


@release.command("verify")
@click.argument("what")
@click.option("--as", "email", help="Of a stored release: the e-mail address of the researcher.")
@click.pass_obj
def verify(application: Callable[[], Flask], what: str, email: str | None) -> None:
    """Compute the checksums anew of WHAT: a downloaded folder or archive, or the number of a
    stored release such as NET-ONE/2. Exit status 1 where a file is not what it was."""
    from registry.research.releases import verifying

    place = Path(what)
    if place.exists():
        try:
            facts, checked = verifying.copy(place)
        except verifying.NoRelease as refused:
            _refuse(str(refused))
        made = facts.get("made", {})
        click.echo(f"{facts.get('project')}/{made.get('number')}\t{made.get('release')}")
    else:
        checked = _stored(application, what, email)
    _told(checked)


def _stored(application: Callable[[], Flask], what: str, email: str | None) -> Any:
    from registry.research.releases import queries, verifying

    if not email:
        _refuse("There is no such folder or archive. For a stored release say who asks: --as.")
    with _researcher(application, email) as viewer:
        found = queries.release_numbered(viewer, what)
        click.echo(f"{found.project}/{found.number}\t{found.id}")
        return verifying.stored(found)


def _told(checked: list[Checked]) -> None:
    for one in checked:
        click.echo(f"{one.state}\t{one.sha256 or '-'}\t{one.name}")
    bad = [one.name for one in checked if not one.is_good]
    if bad:
        click.echo(f"not as it was made: {', '.join(bad)}", err=True)
        sys.exit(1)
    click.echo("intact")
