"""Accounts, what people are where, and who covers for whom."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from registry import audit
from registry.access import COVERED_BY_LEADS, ROLE_LABELS, Right, Role, Viewer
from registry.dates import today
from registry.db import db, now
from registry.errors import Conflict, Forbidden, Invalid
from registry.language import gettext as _
from registry.people import queries, rules
from registry.people.actions.administrators import keep_one, lock
from registry.people.actions.notices import tell
from registry.people.actions.signing_in import check_new_password, end_sessions
from registry.people.models import Confirmation, Cover, Membership, Organisation, Person
from registry.people.queries.seats import in_force
from registry.people.rules import joining


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
    email = free_address(email)
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


def free_address(email: str, but: Person | None = None) -> str:
    """The address as it is kept. Raises Invalid for one that is none, or has an account."""
    email = email.strip().lower()
    if not joining.is_address(email):
        raise Invalid(_("Enter an e-mail address, such as name@hospital.org."), field="email")
    found = queries.person_by_email(email)
    if found is not None and found is not but:
        raise Invalid(_("There is an account with this address."), field="email")
    return email


def change_person(
    person: Person, *, by: Viewer, version: int, name: str, email: str, telephone: str
) -> None:
    """Change how an account is called and reached. Raises Invalid, or Conflict for an old copy."""
    by.need(Right.ADMINISTER)
    if person.version != version:
        raise Conflict(_("This was changed by somebody else while you were working on it."))
    email = free_address(email, but=person)
    if email != person.email and person.id == by.person_id:
        raise Invalid(_("Another administrator has to change your address."), field="email")
    # What changed is named and not repeated: old addresses do not stand in the audit for ever.
    changed = {
        field: [None, None]
        for field, value in (("name", name), ("email", email), ("telephone", telephone))
        if getattr(person, field) != value
    }
    if not changed:
        return
    person.name, person.email, person.telephone = name.strip(), email, telephone
    db.session.flush()
    audit.record("changed account", by=by, subject=("person", person.id), changes=changed)


def join(
    person: Person,
    organisation: Organisation,
    role: Role,
    *,
    by: Viewer,
    since: date | None = None,
    until: date | None = None,
) -> Membership:
    """Make a person something at an organisation. Nobody gives a role to themself: Forbidden."""
    if by.person_id is not None and by.person_id == person.id:
        raise Forbidden()
    return hold(person, organisation, role, by=by, since=since, until=until)


def hold(
    person: Person,
    organisation: Organisation,
    role: Role,
    *,
    by: Viewer,
    since: date | None = None,
    until: date | None = None,
) -> Membership:
    """Write that a person has a role; one that goes on without an end is not given twice."""
    since = since or today()
    if until is not None and until < since:
        raise Invalid(_("The last day is before the first."), field="until_date")
    for existing in person.memberships:
        if (
            existing.organisation_id == organisation.id
            and existing.role == role.value
            and existing.until_date is None
        ):
            return existing
    added = Membership(
        person=person, organisation=organisation, role=role.value, from_date=since, until_date=until
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


def give_role(
    person: Person,
    organisation: Organisation,
    role: Role,
    *,
    by: Viewer,
    since: date | None = None,
    until: date | None = None,
) -> Membership | Confirmation:
    """An administrator gives a role; one for themself waits for a second administrator."""
    by.need(Right.ADMINISTER)
    since = since or today()
    if until is not None and until < since:
        raise Invalid(_("The last day is before the first."), field="until_date")
    if not organisation.active:
        raise Invalid(_("This organisation is deactivated."), field="organisation")
    if person.id == by.person_id:
        return ask(person, organisation, by=by, since=since, until=until, role=role)
    return join(person, organisation, role, by=by, since=since, until=until)


def change_until(membership: Membership, until: date | None, *, by: Viewer) -> None:
    """Say until when a role holds; None: without an end."""
    by.need(Right.ADMINISTER)
    if until is not None and until < max(membership.from_date, today()):
        raise Invalid(_("Choose a day from today on, and not before the first day of the role."))
    longer = until is None or (membership.until_date is not None and until > membership.until_date)
    if membership.until_date == until:
        return
    if longer and membership.person_id == by.person_id:
        raise Invalid(_("Another administrator has to extend your own role."))
    if membership.role == Role.ADMINISTRATOR:
        lock()
    before, membership.until_date = membership.until_date, until
    if membership.role == Role.ADMINISTRATOR:
        keep_one()
    audit.record(
        "changed role",
        by=by,
        subject=("person", membership.person_id),
        changes={
            "role": [membership.role, membership.role],
            "until_date": [before and before.isoformat(), until and until.isoformat()],
        },
    )
    db.session.flush()


def leave(membership: Membership, *, by: Viewer) -> None:
    """End a membership as of yesterday, so that it holds no longer today."""
    by.need(Right.ADMINISTER)
    if membership.role == Role.ADMINISTRATOR:
        lock()
    yesterday = today() - timedelta(days=1)
    if membership.from_date > yesterday:
        membership.from_date = yesterday
    membership.until_date = yesterday
    if membership.role == Role.ADMINISTRATOR:
        keep_one()
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
    concerned = not active and queries.is_administrator(person.id)
    if concerned:
        lock()
    person.active = active
    if not active:
        end_sessions(person.id)
    if concerned:
        keep_one()
    audit.record(
        "reopened account" if active else "closed account", by=by, subject=("person", person.id)
    )
    db.session.flush()


def sign_out_everywhere(person: Person, *, by: Viewer) -> None:
    """End every session of a person, of one's own all but this one."""
    if person.id != by.person_id:
        by.need(Right.ADMINISTER)
    end_sessions(person.id, but=by.sign_in_id if person.id == by.person_id else None)
    audit.record("ended sign-ins", by=by, subject=("person", person.id))
    db.session.flush()


# -- cover for absence -------------------------------------------------------------------------


def arrange_cover(
    absent: Person,
    cover: Person,
    organisation: Organisation,
    *,
    by: Viewer,
    since: date,
    until: date,
) -> Cover | Confirmation:
    """Let somebody sit in a person's seat from one day to another: an administrator anywhere, a
    lead at home. Raises Invalid. Who arranges it and would cover waits for an administrator."""
    if not by.may(Right.ADMINISTER):
        _lead_may(absent, cover, organisation, since, until, by=by)
    _check_cover(absent, cover, organisation, since, until)
    if cover.id == by.person_id:
        return ask(cover, organisation, by=by, since=since, until=until, absent=absent)
    return begin_cover(absent, cover, organisation, by=by, since=since, until=until)


def _lead_may(
    absent: Person,
    cover: Person,
    organisation: Organisation,
    since: date,
    until: date,
    *,
    by: Viewer,
) -> None:
    """A lead arranges it among those of the organisation, and for no seat with a role that only an
    administrator gives. Raises Forbidden or Invalid."""
    by.need(Right.ARRANGE_COVER)
    if organisation.id != by.organisation_id:
        raise Forbidden(Right.ARRANGE_COVER.value)
    if queries.roles_between(cover.id, organisation.id, today(), today()) == frozenset():
        raise Invalid(_("Choose somebody who works here."), field="cover")
    for role in sorted(queries.roles_between(absent.id, organisation.id, since, until)):
        if role not in COVERED_BY_LEADS:
            raise Invalid(
                _(
                    "%(who)s is also: %(role)s. Have an administrator arrange this cover.",
                    who=absent.name,
                    role=ROLE_LABELS[role],
                ),
                field="absent",
            )


def _check_cover(
    absent: Person, cover: Person, organisation: Organisation, since: date, until: date
) -> None:
    if cover.id == absent.id:
        raise Invalid(_("Nobody covers for themself."), field="cover")
    if not (cover.active and absent.active):
        raise Invalid(_("The account of one of them is closed."), field="cover")
    if until < since:
        raise Invalid(_("The last day is before the first."), field="until_date")
    if until < today():
        raise Invalid(_("The last day is in the past."), field="until_date")
    if until - since > joining.LONGEST_COVER:
        raise Invalid(_("A cover is for a year at most."), field="until_date")
    seat = sa.select(Membership.id).where(
        Membership.person_id == absent.id,
        Membership.organisation_id == organisation.id,
        in_force(today()),
    )
    if db.session.scalar(seat.limit(1)) is None:
        raise Invalid(_("The person has no role at this organisation."), field="organisation")
    overlapping = sa.select(Cover.id).where(
        Cover.absent_id == absent.id,
        Cover.organisation_id == organisation.id,
        Cover.ended_at.is_(None),
        Cover.from_date <= until,
        Cover.until_date >= since,
    )
    if db.session.scalar(overlapping.limit(1)) is not None:
        raise Invalid(_("Somebody covers in this time already. End that cover first."))


def begin_cover(
    absent: Person,
    cover: Person,
    organisation: Organisation,
    *,
    by: Viewer,
    since: date,
    until: date,
) -> Cover:
    """Write a cover and tell both."""
    _check_cover(absent, cover, organisation, since, until)
    made = Cover(
        absent=absent,
        cover=cover,
        organisation=organisation,
        from_date=since,
        until_date=until,
    )
    db.session.add(made)
    db.session.flush()
    audit.record(
        "arranged cover",
        by=by,
        subject=("person", absent.id),
        changes={"cover": [None, str(cover.id)], "organisation": [None, organisation.code]},
    )
    tell([cover.id], "cover_arranged", subject=("cover", made.id), whoever_covers=False)
    tell([absent.id], "covered", subject=("cover", made.id), whoever_covers=False)
    return made


def end_cover(cover: Cover, *, by: Viewer) -> None:
    """End a cover now: an administrator, or the lead of the place. Raises Forbidden."""
    if not by.may(Right.ADMINISTER):
        by.need(Right.ARRANGE_COVER)
        if cover.organisation_id != by.organisation_id:
            raise Forbidden(Right.ARRANGE_COVER.value)
    if cover.ended_at is not None:
        return
    cover.ended_at = now()
    audit.record(
        "ended cover",
        by=by,
        subject=("person", cover.absent_id),
        changes={"cover": [str(cover.cover_id), None]},
    )
    db.session.flush()


# -- what needs a second administrator ---------------------------------------------------------


def ask(
    person: Person,
    organisation: Organisation,
    *,
    by: Viewer,
    since: date,
    until: date | None,
    role: Role | None = None,
    absent: Person | None = None,
) -> Confirmation:
    """Record what an administrator wants to have, and tell the other administrators."""
    same = sa.select(Confirmation).where(
        Confirmation.person_id == person.id,
        Confirmation.organisation_id == organisation.id,
        Confirmation.role == (role.value if role else ""),
        Confirmation.absent_id == (absent.id if absent else None),
        Confirmation.decided_at.is_(None),
    )
    waiting = db.session.scalar(same.limit(1))
    if waiting is not None:
        return waiting
    made = Confirmation(
        person=person,
        organisation=organisation,
        role=role.value if role else "",
        absent=absent,
        from_date=since,
        until_date=until,
    )
    db.session.add(made)
    db.session.flush()
    audit.record(
        "asked for confirmation",
        by=by,
        subject=("confirmation", made.id),
        changes={"role": [None, made.role], "organisation": [None, organisation.code]},
    )
    others = [one.id for one in queries.with_role(Role.ADMINISTRATOR) if one.id != person.id]
    tell(others, "confirmation_asked", subject=("confirmation", made.id), whoever_covers=False)
    return made


def decide(asked: Confirmation, confirmed: bool, *, by: Viewer) -> None:
    """A second administrator, or the operator's command, confirms or refuses. Raises Forbidden
    for the one who asked, Conflict when it is decided."""
    if by.person_id is not None:
        by.need(Right.ADMINISTER)
        if by.person_id == asked.person_id or by.seat is None or by.seat.for_id == asked.person_id:
            raise Forbidden()
    _close(asked, "confirmed" if confirmed else "refused", by=by)
    audit.record(
        "confirmed for administrator" if confirmed else "refused for administrator",
        by=by,
        subject=("confirmation", asked.id),
    )
    if confirmed:
        _carry_out(asked, by=by)
    tell([asked.person_id], "confirmation_decided", subject=("confirmation", asked.id))


def _carry_out(asked: Confirmation, *, by: Viewer) -> None:
    if asked.absent is not None:
        assert asked.until_date is not None
        begin_cover(
            asked.absent,
            asked.person,
            asked.organisation,
            by=by,
            since=asked.from_date,
            until=asked.until_date,
        )
        return
    hold(
        asked.person,
        asked.organisation,
        Role(asked.role),
        by=by,
        since=asked.from_date,
        until=asked.until_date,
    )


def take_back(asked: Confirmation, *, by: Viewer) -> None:
    """Whoever asked wants it no more."""
    by.need(Right.ADMINISTER)
    if by.person_id != asked.person_id:
        raise Forbidden()
    _close(asked, "withdrawn", by=by)
    audit.record("withdrew confirmation", by=by, subject=("confirmation", asked.id))
    db.session.flush()


def _close(asked: Confirmation, decision: str, *, by: Viewer) -> None:
    won = db.session.execute(
        sa.update(Confirmation)
        .where(Confirmation.id == asked.id, Confirmation.decided_at.is_(None))
        .values(decision=decision, decided_at=now(), decided_by=by.name)
    )
    if not getattr(won, "rowcount", 0):
        raise Conflict(_("This is decided already."))
    db.session.refresh(asked)
