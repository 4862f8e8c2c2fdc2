"""A command of the shell acts as somebody: what they may not do on the pages is refused here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import click
from flask import Flask
from flask_babel import force_locale

from registry.access import Right, Viewer
from registry.errors import Refusal
from registry.people import queries


@contextmanager
def acting_as(application: Callable[[], Flask], email: str, right: Right) -> Iterator[Viewer]:
    """The viewer of an open account where it has the right, in an application context, in English.

    Ends the command in words where there is no such account, or the right or a later step is
    refused to it.
    """
    with application().app_context(), force_locale("en"):
        person = queries.person_by_email(email)
        if person is None or not person.active:
            raise click.ClickException("There is no open account with this address.")
        viewer = queries.viewer_of_person(person)
        seats = (replace(viewer, seat=one) for one in viewer.seats)
        viewer = next((one for one in seats if one.may(right)), viewer)
        if not viewer.may(right):
            raise click.ClickException("This account may not do that.")
        try:
            yield viewer
        except Refusal as refused:
            said = str(refused.message) or "This account may not do that."
            raise click.ClickException(said) from refused
