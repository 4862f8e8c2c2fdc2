"""Signing in and out, seats, and one's own password."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from registry import audit
from registry.access import Viewer
from registry.db import db, new_id, now, own_transaction
from registry.errors import Invalid, NotFound
from registry.keys import ring
from registry.language import gettext as _
from registry.people import queries, rules
from registry.people.models import Person, SignIn, SignInFailure


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
    nobodys = rules.nobodys_hash()  # whether there is an account or not: it takes time once
    right = rules.password_is(person.password_hash if person else nobodys, password)
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


def choose_seat(key: str, *, by: Viewer) -> None:
    """Work in another of one's seats. Raises NotFound for one that is not."""
    seat = next((seat for seat in by.seats if seat.key == key), None)
    session = db.session.get(SignIn, by.sign_in_id) if seat else None
    if seat is None or session is None:
        raise NotFound()
    session.organisation_id, session.cover_id = seat.organisation_id, seat.cover_id
    if seat.cover_id:
        audit.record("took a seat", by=replace(by, seat=seat), subject=("cover", seat.cover_id))
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
    end_sessions(person.id, but=by.sign_in_id)
    audit.record("changed password", by=by, subject=("person", person.id))
    db.session.flush()


def end_sessions(person_id: UUID, but: UUID | None = None) -> None:
    """End every session of a person, but one."""
    query = sa.update(SignIn).where(SignIn.person_id == person_id, SignIn.ended_at.is_(None))
    if but:
        query = query.where(SignIn.id != but)
    db.session.execute(query.values(ended_at=now()))
