"""The demonstration network: synthetic from end to end, and labelled so everywhere."""

from __future__ import annotations

import click

from registry.demo.network import PASSWORD, Account, accounts

__all__ = ["PASSWORD", "Account", "accounts", "demo", "sign_ins"]


def sign_ins() -> str:
    """What is printed at the start: who can sign in."""
    lines = [f"Demonstration accounts (synthetic), password: {PASSWORD}"]
    lines += [f"  {one.email:28} {one.role}, {one.organisation}" for one in accounts()]
    return "\n".join(lines)


@click.group()
def demo() -> None:
    """The synthetic network."""


@demo.command()
@click.option("--if-empty", is_flag=True, help="Do nothing when the database has organisations.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
def load(if_empty: bool, quiet: bool) -> None:
    """Load hospitals, centres, accounts and a caseload. Refused in production."""
    from config import Settings

    settings = Settings.load()
    if not settings.demo:
        if if_empty:
            return
        raise click.ClickException("The demonstration network is not for production.")
    from registry import create_app

    with create_app(settings).app_context():
        _load(if_empty, quiet)


def _load(if_empty: bool, quiet: bool) -> None:
    import sqlalchemy as sa

    from registry.dates import today
    from registry.db import db
    from registry.demo import alike, boards, files, network, story, support
    from registry.people.models import Organisation

    if db.session.scalar(sa.select(Organisation.id).limit(1)) is not None:
        if if_empty:
            return
        raise click.ClickException("The database is not empty.")
    day = today()
    places, people = network.build(day.replace(year=day.year - 16, day=1))
    cast = story.Cast(places, people)
    with click.progressbar(
        length=story.TOTAL, label="Loading the synthetic network", hidden=quiet
    ) as bar:
        story.tell(cast, day, lambda: bar.update(1))
    boards.add(cast, day)
    story.grant(cast, day)
    alike.add(cast, day)
    story.requests(cast, day)
    support.add()
    files.add(cast)
    story.settle(day)
    # All or nothing: a second start finds a whole network or an empty database.
    db.session.commit()
