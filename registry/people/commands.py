"""`netreg people`: the first administrator, and what only the operator of the server may do."""

from __future__ import annotations

from collections.abc import Callable

import click
from flask import Flask


@click.group()
def people() -> None:
    """Accounts."""


@people.command("create-admin")
@click.option("--email", prompt=True)
@click.option("--name", prompt=True)
@click.password_option(help="At least 12 characters.")
@click.pass_obj
def create_admin(application: Callable[[], Flask], email: str, name: str, password: str) -> None:
    """Open an administrator's account at the network office (made if there is none)."""
    from registry.access import Role, the_house
    from registry.db import db
    from registry.errors import Invalid, NotFound
    from registry.people import actions, queries
    from registry.people.models import NETWORK_OFFICE

    with application().app_context():
        house = the_house("netreg people create-admin")
        try:
            try:
                office = queries.organisation("NETWORK")
            except NotFound:
                office = actions.add_organisation(
                    by=house, code="NETWORK", name="Network office", kind=NETWORK_OFFICE, country=""
                )
            person = actions.add_person(
                by=house, email=email, name=name, password=password, must_change=False
            )
            actions.join(person, office, Role.ADMINISTRATOR, by=house)
        except Invalid as refused:
            raise click.ClickException(str(refused.message)) from refused
        db.session.commit()
    click.echo(f"{email} can sign in as administrator.")


@people.command("confirm")
@click.argument("number", required=False)
@click.option("--refuse", is_flag=True, help="Refuse it instead.")
@click.pass_obj
def confirm(application: Callable[[], Flask], number: str | None, refuse: bool) -> None:
    """Confirm a role that an administrator asked for, where there is no second administrator.

    Without NUMBER: list what waits. Kept in the audit as done by the operator's command.
    """
    from registry.access import the_house
    from registry.db import db
    from registry.errors import Refusal
    from registry.people import actions, queries

    with application().app_context():
        waiting = {str(one.id): one for one in queries.waiting_confirmations()}
        if number is None:
            for key, one in waiting.items():
                what = one.role or f"cover for {one.absent.name if one.absent else ''}"
                click.echo(f"{key}  {one.person.email}: {what} at {one.organisation.name}")
            if not waiting:
                click.echo("Nothing waits to be confirmed.")
            return
        asked = waiting.get(number)
        if asked is None:
            raise click.ClickException("Nothing with this number waits. See: netreg people confirm")
        try:
            actions.decide(asked, not refuse, by=the_house("netreg people confirm"))
        except Refusal as refused:
            db.session.rollback()
            raise click.ClickException(str(refused.message)) from refused
        db.session.commit()
    click.echo("Refused." if refuse else "Confirmed.")


@people.command("password-link")
@click.argument("email")
@click.pass_obj
def password_link(application: Callable[[], Flask], email: str) -> None:
    """Print a one-time link to a new password, where nobody else can make one."""
    from registry import mail
    from registry.access import the_house
    from registry.db import db
    from registry.people import queries
    from registry.people.actions import joining

    with application().app_context():
        person = queries.person_by_email(email)
        if person is None or not person.active:
            raise click.ClickException("There is no open account with this address.")
        made = joining.operators_password_link(person, by=the_house("netreg people password-link"))
        db.session.commit()
        link = mail.link("people.new_password", link=joining.link_of_password(made))
    click.echo(link)
