"""Builders of what tests need: plain functions, one thing each."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from argon2 import PasswordHasher
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer

from registry.access import Role, Viewer, the_house
from registry.dates import PartialDate
from registry.db import db, now
from registry.patients import actions as patients
from registry.patients import rules
from registry.patients.models import Patient
from registry.people import actions as people
from registry.people import queries
from registry.people import rules as password_rules
from registry.people.models import (
    NETWORK_OFFICE,
    REFERENCE_CENTRE,
    REFERRING_HOSPITAL,
    Organisation,
    Person,
)

HOUSE = the_house("tests")

# Hashing is slow on purpose; tests open hundreds of accounts.
password_rules._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "correct horse battery"


def organisation(kind: str, code: str, name: str = "", **facts: Any) -> Organisation:
    """A place of some kind."""
    facts = {"country": "NL", "time_zone": "Europe/Amsterdam", **facts}
    return people.add_organisation(by=HOUSE, code=code, name=name or code, kind=kind, **facts)


def hospital(code: str = "HOSP-A", name: str = "Hospital A", **facts: Any) -> Organisation:
    """A referring hospital."""
    return organisation(REFERRING_HOSPITAL, code, name, **facts)


def centre(code: str = "CENTRE-1", name: str = "Centre 1", **facts: Any) -> Organisation:
    """A reference centre."""
    facts = {"emergency_telephone": "+31 20 555 0100", **facts}
    return organisation(REFERENCE_CENTRE, code, name, **facts)


def office() -> Organisation:
    """The network's own office."""
    return organisation(NETWORK_OFFICE, "NETWORK", "Network office")


def person(
    place: Organisation | None, *roles: Role, name: str = "Alice Adler", email: str = ""
) -> Person:
    """Somebody with roles at a place. The address is made from the name unless it is given."""
    email = email or f"{name.lower().replace(' ', '.')}@example.org"
    made = people.add_person(by=HOUSE, email=email, name=name, password=PASSWORD, must_change=False)
    for role in roles:
        if place is not None:
            people.join(made, place, role, by=HOUSE)
    return made


def viewer(who: Person, organisation_code: str = "") -> Viewer:
    """The viewer this person is."""
    return queries.viewer_of_person(who, organisation_code)


def patient(
    by: Viewer,
    relation: str = rules.TREATING,
    *,
    family_name: str = "Zonneveld",
    given_names: str = "Anna Maria",
    birth_date: str = "1961-03-27",
    consents: dict[str, str] | None = None,
    **facts: Any,
) -> Patient:
    """A patient of the viewer's organisation; consents as given, else all yes."""
    made = patients.register(
        by=by,
        facts={
            "family_name": family_name,
            "given_names": given_names,
            "birth_date": PartialDate(birth_date),
            "sex_at_birth": "female",
            "country": "NL",
            **facts,
        },
        relation=relation,
    )
    for purpose, answer in (consents or dict.fromkeys(rules.PURPOSES, "yes")).items():
        patients.answer_consent(made.id, purpose, answer, by=by, given_on=PartialDate("2026-01-05"))
    return made


def sign_in(client: FlaskClient, who: Person, password: str = PASSWORD) -> Any:
    """Sign in through the page, as a person does; commits what was built first."""
    db.session.commit()
    typed = {"email": who.email, "password": password}
    return client.post("/sign-in", data={**typed, "csrf_token": fresh_token(client)})


def token(page: str) -> str:
    """The token in a page's form."""
    mark = 'name="csrf_token" value="'
    return page.split(mark, 1)[1].split('"', 1)[0] if mark in page else ""


def fresh_token(client: FlaskClient) -> str:
    """A token as any page would hold now, without the making of a page (40 ms each time)."""
    with client.session_transaction() as session:
        secret = session.setdefault("csrf_token", "0" * 40)
    signer = URLSafeTimedSerializer(client.application.secret_key, salt="wtf-csrf-token")
    return str(signer.dumps(secret))


def post(client: FlaskClient, url: str, data: Any = None, page: str = "", **more: Any) -> Any:
    """Send a form as the page would: with its token, taken from `page` or made anew."""
    fresh = token(page) or fresh_token(client)
    return client.post(url, data={**(data or {}), "csrf_token": fresh}, **more)


@contextlib.contextmanager
def counted() -> Iterator[list[str]]:
    """What the database is asked meanwhile."""
    asked: list[str] = []
    listen = ("before_cursor_execute", lambda *about: asked.append(about[2]))
    sa.event.listen(db.engine, *listen)
    try:
        yield asked
    finally:
        sa.event.remove(db.engine, *listen)


def selects(client: FlaskClient, address: str) -> list[str]:
    """What a page asks of the database, but for who is there."""
    db.session.commit()
    db.session.expire_all()
    with counted() as asked:
        assert client.get(address).status_code == 200
    reading = [one for one in asked if one.split(None, 1)[0] in ("SELECT", "WITH")]
    return [one for one in reading if "FROM sign_in" not in one]


def viewer_time() -> Any:
    """A moment."""
    return now()
