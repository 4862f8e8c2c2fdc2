"""The console command `netreg`: parse, call an action or query, print."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from flask import Flask

#: Exit status when the settings do not allow a start: trying again does not help (EX_CONFIG).
UNSAFE = 78
#: Commands that live with their room, imported only when they are called.
_ROOM_COMMANDS = {
    "import": ("registry.interop.commands", "import_command"),
    "check-cohorts": ("registry.check_cohorts", "check_cohorts"),
    "derive": ("registry.derive", "derive"),
    "demo": ("registry.demo", "demo"),
    "backup": ("registry.operations.commands", "backup"),
    "restore": ("registry.operations.commands", "restore"),
    "keys": ("registry.operations.commands", "keys"),
    "check": ("registry.operations.commands", "check"),
    "patients": ("registry.patients.commands", "patients"),
    "people": ("registry.people.commands", "people"),
    "analyse": ("registry.research.commands", "analyse"),
    "cohort": ("registry.research.commands", "cohort"),
    "release": ("registry.research.releases.commands", "release"),
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
    """The application for a command. It serves nobody, so unsafe settings do not stop it: they
    are what a command may be there to put right."""
    from registry import create_app

    return create_app(serving=False)


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
    from config import Settings
    from registry.serve import serve as start

    settings = Settings.load()
    if settings.environment == "production":
        _serving()  # once, in words, instead of once a process

    def announce() -> str:
        if not settings.demo:
            return ""
        from registry import demo

        return demo.sign_ins()

    start(port, workers=workers, threads=threads, announce=announce)


def _serving() -> Flask:
    """The application to serve people with, or a message that lists every unsafe setting."""
    from registry import create_app
    from registry.operations.production import Unsafe

    try:
        return create_app()
    except Unsafe as refused:
        click.echo(str(refused), err=True)
        sys.exit(UNSAFE)
    except ValueError as refused:  # a setting that cannot be read
        click.echo(str(refused), err=True)
        sys.exit(UNSAFE)


@main.command()
def worker() -> None:
    """Run background work until told to stop."""
    from registry import jobs, logs

    app = _serving()
    logs.set_up(app.extensions["netreg_settings"].log)
    jobs.work(app)


@main.command()
@click.option("--bind", default="127.0.0.1:8000", show_default=True, help="Address and port.")
@click.option("--workers", default=2, show_default=True, help="Processes.")
@click.option("--threads", default=4, show_default=True, help="Threads of each.")
def web(bind: str, workers: int, threads: int) -> None:
    """Start the web server alone, as a service manager does; the worker is a service of its own."""
    import os

    from config import ROOT

    app = _serving()  # once, in words, instead of once a process
    app.extensions["netreg_huey"].storage.close()
    os.chdir(ROOT)
    command = [sys.executable, "-m", "gunicorn", "wsgi:app", "--bind", bind]
    os.execv(  # noqa: S606 - the service manager's signals reach gunicorn itself
        command[0], [*command, "--workers", str(workers), "--threads", str(threads)]
    )


# -- audit -------------------------------------------------------------------------------------


@main.group()
def audit() -> None:
    """The record of who did or opened what."""


@audit.command()
@click.option(
    "--against",
    type=click.Path(exists=True, dir_okay=False),
    multiple=True,
    help="A file of NETREG_SEAL_LOG or the manifest of a backup: are its seals still here?",
)
def verify(against: tuple[str, ...]) -> None:
    """Check that nothing sealed was altered, removed or slipped in; exit status 1 if so."""
    from pathlib import Path

    from registry import audit as book

    noted = [seal for path in against for seal in book.written_down(Path(path).read_text())]
    if against and not noted:
        raise click.ClickException("No seal is written down there.")
    with application().app_context():
        verdict = book.verify()
        gone = book.absent(noted)
    click.echo(
        f"{verdict.seals} batches, {verdict.entries} sealed entries, "
        f"{verdict.unsealed} not yet sealed"
    )
    for problem in (*verdict.problems, *gone):
        click.echo(problem, err=True)
    if gone or not verdict.intact:
        sys.exit(1)
    if noted:
        click.echo(f"{len(noted)} seals written down elsewhere are here")
    click.echo("intact")


@audit.command()
def seal() -> None:
    """Seal now what the worker would seal within a minute."""
    from registry.audit_jobs import seal as now

    with application().app_context():
        now()
