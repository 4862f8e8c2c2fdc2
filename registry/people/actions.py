"""Signing in and out, passwords, accounts, memberships and notices."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask_babel import gettext as _

from registry import audit
from registry.access import Right, Role, Viewer
from registry.dates import today
from registry.db import db, new_id, now, own_transaction
from registry.errors import Forbidden, Invalid, NotFound
from registry.keys import ring
from registry.people import queries, rules
from registry.people.models import (
    Membership,
    Notice,
    Organisation,
    Person,
    SignIn,
    SignInFailure,
)


def _fingerprints(email: str, address: str) -> tuple[str, str]:
    return (
        ring().blind("sign-in account", email.strip().lower()),
        ring().blind("sign-in address", address),
    )


def _must_wait(account: str, address: str) -> bool:
    since = now() - rules.WINDOW
    counted = sa.select(sa.func.count()).select_from(SignInFailure)
    of_account = counted.where(SignInFailure.account == account, SignInFailure.at > since)
    of_address = counted.where(SignInFailure.address == address, SignInFailure.at > since)
    return (db.session.scalar(of_account) or 0) >= rules.ACCOUNT_TRIES or (
        db.session.scalar(of_address) or 0
    ) >= rules.ADDRESS_TRIES


def _note_failure(account: str, address: str) -> None:
    # Kept although the answer is a refusal, so in a transaction of its own.
    db.session.rollback()
    with own_transaction() as connection:
        connection.execute(
            sa.insert(SignInFailure).values(id=new_id(), account=account, address=address, at=now())
        )


def check_password(
    email: str, password: str, *, address: str, refused: Collection[str] = ()
) -> Person | None:
    """The person, or None: wrong address, wrong password, closed, and too many tries look alike.

    `refused` are passwords that are known to everybody and open no account.
    """
    account, fingerprint = _fingerprints(email, address)
    if _must_wait(account, fingerprint):
        return None
    person = queries.person_by_email(email)
    right = rules.password_is(person.password_hash if person else rules.NOBODYS_HASH, password)
    if person is None or not right or not person.active or password in refused:
        _note_failure(account, fingerprint)
        return None
    db.session.execute(sa.delete(SignInFailure).where(SignInFailure.account == account))
    return person


def sign_in(person: Person, *, hours: int, organisation_id: UUID | None = None) -> SignIn:
    """Begin a session; a new one each time, so that an old cookie is worth nothing."""
    begun = SignIn(
        person_id=person.id,
        organisation_id=organisation_id,
        begun_at=now(),
        expires_at=now() + timedelta(hours=hours),
    )
    db.session.add(begun)
    db.session.flush()
    audit.record("signed in", by=Viewer(person.id, person.name), subject=("person", person.id))
    return begun


def end_sign_in(sign_in_id: UUID | None) -> None:
    """End the session that this browser had before it signed in again."""
    session = db.session.get(SignIn, sign_in_id) if sign_in_id else None
    if session is not None and session.ended_at is None:
        session.ended_at = now()


def sign_out(*, by: Viewer) -> None:
    """End this session."""
    session = db.session.get(SignIn, by.sign_in_id)
    if session is not None:
        session.ended_at = now()
    audit.record("signed out", by=by, subject=("person", by.person_id))
    db.session.flush()


def choose_organisation(organisation_id: UUID | None, *, by: Viewer) -> None:
    """Work for another of one's organisations. Raises NotFound for one that is not."""
    if organisation_id not in {seat.organisation_id for seat in by.seats}:
        raise NotFound()
    session = db.session.get(SignIn, by.sign_in_id)
    if session is None:
        raise NotFound()
    session.organisation_id = organisation_id
    db.session.flush()


def check_new_password(password: str, *, email: str) -> None:
    """Raise Invalid for a password that is too short or is the address."""
    if len(password) < rules.SHORTEST_PASSWORD:
        raise Invalid(
            _("Use at least %(n)s characters.", n=rules.SHORTEST_PASSWORD), field="password"
        )
    if len(password) > 200:
        raise Invalid(_("Use at most %(n)s characters.", n=200), field="password")
    if password.strip().lower() in {email, email.split("@")[0]}:
        raise Invalid(_("Do not use your e-mail address as password."), field="password")


def change_password(current: str, password: str, *, by: Viewer) -> None:
    """Change one's own password and end one's other sessions. Raises Invalid."""
    person = queries.oneself(by)
    if not rules.password_is(person.password_hash, current):
        raise Invalid(_("This is not your current password."), field="current")
    check_new_password(password, email=person.email)
    if password == current:
        raise Invalid(_("Choose another password than the one you have."), field="password")
    person.password_hash = rules.hash_password(password)
    person.must_change_password = False
    _end_sessions(person.id, but=by.sign_in_id)
    audit.record("changed password", by=by, subject=("person", person.id))
    db.session.flush()


def _end_sessions(person_id: UUID, but: UUID | None = None) -> None:
    query = sa.update(SignIn).where(SignIn.person_id == person_id, SignIn.ended_at.is_(None))
    if but:
        query = query.where(SignIn.id != but)
    db.session.execute(query.values(ended_at=now()))


def add_organisation(*, by: Viewer, code: str, name: str, kind: str, **facts: Any) -> Organisation:
    """Add a hospital or centre."""
    added = Organisation(code=code, name=name, kind=kind, **facts)
    db.session.add(added)
    db.session.flush()
    audit.record("added organisation", by=by, subject=("organisation", added.id))
    return added


def add_person(
    *,
    by: Viewer,
    email: str,
    name: str,
    password: str,
    must_change: bool = True,
    hashed: str = "",
    **facts: Any,
) -> Person:
    """Open an account. Raises Invalid when the address has one or the password is too weak.

    `hashed` is the password's hash where it is known already.
    """
    email = email.strip().lower()
    if "@" not in email or len(email) > 254:
        raise Invalid(_("Enter an e-mail address."), field="email")
    if queries.person_by_email(email):
        raise Invalid(_("There is an account with this address."), field="email")
    check_new_password(password, email=email)
    added = Person(
        email=email,
        name=name.strip(),
        password_hash=hashed or rules.hash_password(password),
        must_change_password=must_change,
        **facts,
    )
    db.session.add(added)
    db.session.flush()
    audit.record("opened account", by=by, subject=("person", added.id))
    return added


def join(
    person: Person, organisation: Organisation, role: Role, *, by: Viewer, since: date | None = None
) -> Membership:
    """Make a person something at an organisation."""
    since = since or today()
    for existing in person.memberships:
        if (
            existing.organisation_id == organisation.id
            and existing.role == role.value
            and existing.until_date is None
        ):
            return existing
    added = Membership(
        person=person, organisation=organisation, role=role.value, from_date=since, until_date=None
    )
    db.session.add(added)
    db.session.flush()
    audit.record(
        "gave role",
        by=by,
        subject=("person", person.id),
        changes={"role": [None, role.value], "organisation": [None, organisation.code]},
    )
    return added


def leave(membership: Membership, *, by: Viewer) -> None:
    """End a membership as of yesterday, so that it holds no longer today."""
    by.need(Right.ADMINISTER)
    if membership.person_id == by.person_id and membership.role == Role.ADMINISTRATOR:
        raise Forbidden()
    yesterday = today() - timedelta(days=1)
    if membership.from_date > yesterday:
        membership.from_date = yesterday
    membership.until_date = yesterday
    audit.record(
        "ended role",
        by=by,
        subject=("person", membership.person_id),
        changes={"role": [membership.role, None]},
    )
    db.session.flush()


def set_active(person: Person, active: bool, *, by: Viewer) -> None:
    """Close or reopen an account. Its history stays."""
    by.need(Right.ADMINISTER)
    if person.id == by.person_id:
        raise Invalid(_("You cannot close your own account."))
    person.active = active
    if not active:
        _end_sessions(person.id)
    audit.record(
        "reopened account" if active else "closed account", by=by, subject=("person", person.id)
    )
    db.session.flush()


def new_password(person: Person, *, by: Viewer) -> str:
    """Give an account a one-time password, to be changed at the next sign-in; returns it once."""
    by.need(Right.ADMINISTER)
    password = secrets.token_urlsafe(12)
    person.password_hash = rules.hash_password(password)
    person.must_change_password = True
    _end_sessions(person.id)
    audit.record("reset password", by=by, subject=("person", person.id))
    db.session.flush()
    return password


def tell(people: Iterable[UUID | None], why: str, *, subject: tuple[str, UUID]) -> None:
    """Tell people something, each once, in the transaction of the change."""
    if why not in rules.NOTICES:
        raise KeyError(why)
    for person_id in dict.fromkeys(one for one in people if one):
        db.session.add(
            Notice(person_id=person_id, why=why, subject_kind=subject[0], subject_id=subject[1])
        )
    db.session.flush()


def see_notices(*, by: Viewer) -> None:
    """Mark one's notices as seen."""
    db.session.execute(
        sa.update(Notice)
        .where(Notice.person_id == by.person_id, Notice.seen_at.is_(None))
        .values(seen_at=now())
    )
