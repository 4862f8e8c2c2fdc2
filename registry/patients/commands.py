"""`netreg patients`: what an operator does for the patients' room."""

from __future__ import annotations

from collections.abc import Callable

import click
from flask import Flask


@click.group()
def patients() -> None:
    """Patients."""


@patients.command("index")
@click.pass_obj
def index(application: Callable[[], Flask]) -> None:
    """Let patients be found by names from before a correction that an older version kept.

    To be run once after an upgrade; it says no name. It can be stopped and run again: what is
    right stays as it is.
    """
    from registry import rekeying
    from registry.patients.rekeying import index_earlier_names

    with application().app_context():
        count = rekeying.walk(index_earlier_names)
    click.echo(f"Brought up to date: {count} patients.")
