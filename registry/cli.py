"""The console command `netreg`: parse, call an action or query, print."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from flask import Flask

#: Commands that live with their room, imported only when they are called.
_ROOM_COMMANDS = {
    "import": ("registry.interop.commands", "import_command"),
    "check-cohorts": ("registry.check_cohorts", "check_cohorts"),
    "derive": ("registry.derive", "derive"),
    "demo": ("registry.demo", "demo"),
    "people": ("registry.people.commands", "people"),
}


class Commands(click.Group):
    """The commands of the house and those of its rooms."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, sorted."""
        return sorted({*super().list_commands(ctx), *_ROOM_COMMANDS})

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """A command by name."""
        if name in _ROOM_COMMANDS:
            module, attribute = _ROOM_COMMANDS[name]
            command: click.Command = getattr(import_module(module), attribute)
            return command
        return super().get_command(ctx, name)


@click.group(cls=Commands)
@click.version_option(package_name="netreg")
@click.pass_context
def main(ctx: click.Context) -> None:
    """The NET registry: referral and registry for neuroendocrine tumours."""
    ctx.obj = application  # a room's command makes the application by it; no room may import us


def application() -> Flask:
    """The application for a command."""
    from registry import create_app

    return create_app()


# -- database ----------------------------------------------------------------------------------


@main.group()
def db() -> None:
    """The database's shape."""


def _alembic() -> Any:
    from alembic.config import Config

    from config import ROOT

    return Config(toml_file=ROOT / "pyproject.toml")


@db.command()
@click.argument("revision", default="head")
def upgrade(revision: str) -> None:
    """Bring the database to a revision (default: the newest)."""
    from alembic import command

    command.upgrade(_alembic(), revision)


@db.command()
@click.argument("revision")
def downgrade(revision: str) -> None:
    """Take the database back to a revision."""
    from alembic import command

    command.downgrade(_alembic(), revision)


# -- serving -----------------------------------------------------------------------------------


@main.command()
@click.option("--port", default=8000, show_default=True, help="Port on this machine.")
@click.option("--workers", default=2, show_default=True)
@click.option("--threads", default=4, show_default=True)
def serve(port: int, workers: int, threads: int) -> None:
    """Start the web server and the background worker; Ctrl-C stops both."""
    from registry.serve import serve as start

    def announce() -> str:
        from config import Settings

        if not Settings.load().demo:
            return ""
        from registry import demo

        return demo.sign_ins()

    start(port, workers=workers, threads=threads, announce=announce)


@main.command()
def worker() -> None:
    """Run background work until told to stop."""
    app = application()
    queue = app.extensions["netreg_huey"]
    queue.create_consumer(workers=1, periodic=True, initial_delay=0.1, max_delay=1.0).run()


# -- audit -------------------------------------------------------------------------------------


@main.group()
def audit() -> None:
    """The record of who did or opened what."""


@audit.command()
def verify() -> None:
    """Check that nothing sealed was altered, removed or slipped in; exit status 1 if so."""
    from registry import audit as book

    with application().app_context():
        verdict = book.verify()
    click.echo(
        f"{verdict.seals} batches, {verdict.entries} sealed entries, "
        f"{verdict.unsealed} not yet sealed"
    )
    for problem in verdict.problems:
        click.echo(problem, err=True)
    if not verdict.intact:
        sys.exit(1)
    click.echo("intact")


@audit.command()
def seal() -> None:
    """Seal now what the worker would seal within a minute."""
    from registry.audit_jobs import seal as now

    with application().app_context():
        now()
