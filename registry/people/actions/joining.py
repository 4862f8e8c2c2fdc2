"""How somebody comes to an account: invitations, one-time links, requests."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import sqlalchemy as sa

from registry import audit
from registry.access import GIVEN_BY_LEADS, Right, Role, Viewer, the_house
from registry.dates import today
from registry.db import db, new_id, now
from registry.errors import Conflict, Forbidden, Invalid
from registry.keys import ring
from registry.language import gettext as _
from registry.people import queries, rules
from registry.people.actions.notices import send, tell
from registry.people.actions.signing_in import check_new_password, end_sessions
from registry.people.actions.staff import add_person, free_address, join
from registry.people.models import (
    AccountRequest,
    Invitation,
    Organisation,
    PasswordLink,
    Person,
    SignInFailure,
)
from registry.people.rules import joining

# -- invitations -------------------------------------------------------------------------------


def invite(
    *,
    by: Viewer,
    email: str,
    name: str,
    organisation: Organisation,
    role: Role,
    telephone: str = "",
    since: date | None = None,
    until: date | None = None,
) -> Invitation:
    """Invite somebody to open an account with a role. Raises Invalid."""
    _may_give(role, organisation, by=by)
    email = free_address(email)
    if not organisation.active:
        raise Invalid(_("This organisation is deactivated."), field="organisation")
    if queries.open_invitation(email):
        raise Invalid(_("There is an invitation to this address already."), field="email")
    since = since or today()
    if until is not None and until < since:
        raise Invalid(_("The last day is before the first."), field="until_date")
    made = Invitation(
        email=email,
        name=name.strip(),
        telephone=telephone,
        organisation=organisation,
        role=role.value,
        from_date=since,
        until_date=until,
        invited_by_id=by.person_id,
        expires_at=now() + joining.INVITATION_HOLDS,
    )
    db.session.add(made)
    db.session.flush()
    audit.record(
        "invited",
        by=by,
        subject=("invitation", made.id),
        changes={"role": [None, role.value], "organisation": [None, organisation.code]},
    )
    send("invitation", address=email, subject_id=made.id)
    return made


def _may_give(role: Role, organisation: Organisation, *, by: Viewer) -> None:
    if by.may(Right.ADMINISTER):
        return
    by.need(Right.APPROVE_ACCOUNTS)
    if organisation.id != by.organisation_id or role not in GIVEN_BY_LEADS:
        raise Forbidden()


def link_of_invitation(one: Invitation) -> str:
    """The secret in the link of an invitation; the next `invite_again` makes it worthless."""
    return joining.secret(queries.link_key(), "invitation", one.id, one.serial)


def invite_again(one: Invitation, *, by: Viewer) -> None:
    """Send an invitation again with a new link. Raises Conflict when it is no longer wanted."""
    by.need(Right.ADMINISTER)
    if one.accepted_at or one.withdrawn_at:
        raise Conflict(_("This invitation was accepted or withdrawn."))
    free_address(one.email)
    one.serial += 1
    one.expires_at = now() + joining.INVITATION_HOLDS
    audit.record("invited again", by=by, subject=("invitation", one.id))
    send("invitation", address=one.email, subject_id=one.id)
    db.session.flush()


def withdraw_invitation(one: Invitation, *, by: Viewer) -> None:
    """The link works no more."""
    by.need(Right.ADMINISTER)
    if one.accepted_at:
        raise Conflict(_("This invitation was accepted: close the account instead."))
    one.withdrawn_at = one.withdrawn_at or now()
    audit.record("withdrew invitation", by=by, subject=("invitation", one.id))
    db.session.flush()


def accept(one: Invitation, *, name: str, password: str) -> Person:
    """Open the account one was invited to. Raises Invalid for a weak password."""
    won = db.session.execute(
        sa.update(Invitation)
        .where(
            Invitation.id == one.id,
            Invitation.accepted_at.is_(None),
            Invitation.withdrawn_at.is_(None),
        )
        .values(accepted_at=now())
    )
    if not getattr(won, "rowcount", 0):
        raise Conflict(_("This invitation was accepted or withdrawn."))
    inviter = (
        Viewer(one.invited_by.id, one.invited_by.name)
        if one.invited_by
        else the_house("invitation")
    )
    person = add_person(
        by=inviter,
        email=one.email,
        name=name,
        telephone=one.telephone,
        password=password,
        must_change=False,
    )
    join(
        person,
        one.organisation,
        Role(one.role),
        by=inviter,
        since=one.from_date,
        until=one.until_date,
    )
    audit.record(
        "accepted invitation", by=Viewer(person.id, person.name), subject=("invitation", one.id)
    )
    db.session.refresh(one)
    return person


# -- a new password ----------------------------------------------------------------------------


def _throttled(what: str, email: str, address: str) -> bool:
    """Was this asked too often about one account? Raises Invalid when it comes too often from one
    network address. Counted whether or not there is such an account."""
    account = ring().blind(f"{what} account", email)
    fingerprint = ring().blind(f"{what} address", address)
    since = now() - rules.WINDOW
    counted = sa.select(sa.func.count()).select_from(SignInFailure)
    from_there = counted.where(SignInFailure.address == fingerprint, SignInFailure.at > since)
    if (db.session.scalar(from_there) or 0) >= joining.FROM_ADDRESS:
        raise Invalid(_("Too many requests came from here. Wait 15 minutes."))
    about = counted.where(SignInFailure.account == account, SignInFailure.at > since)
    too_often = (db.session.scalar(about) or 0) >= joining.ABOUT_ACCOUNT
    db.session.add(SignInFailure(account=account, address=fingerprint))
    db.session.flush()
    return too_often


def forgot_password(email: str, *, address: str) -> None:
    """Send a link to a new password, if there is such an account; whoever asks is not told."""
    email = email.strip().lower()
    if _throttled("password", email, address):
        return
    person = queries.person_by_email(email)
    if person is None or not person.active:
        return
    made = _new_link(person)
    audit.record(
        "asked for password link",
        by=Viewer(person.id, person.name),
        subject=("person", person.id),
    )
    send("password_link", person_id=person.id, subject_id=made.id)


def _new_link(person: Person) -> PasswordLink:
    _void_links(person.id)
    made = PasswordLink(id=new_id(), person=person, expires_at=now() + joining.PASSWORD_LINK_HOLDS)
    db.session.add(made)
    db.session.flush()
    return made


def _void_links(person_id: UUID) -> None:
    db.session.execute(
        sa.update(PasswordLink)
        .where(PasswordLink.person_id == person_id, PasswordLink.used_at.is_(None))
        .values(used_at=now())
    )


def make_password_link(person: Person, *, by: Viewer) -> PasswordLink:
    """An administrator has a person choose a new password; every session of theirs ends."""
    by.need(Right.ADMINISTER)
    if not person.active:
        raise Invalid(_("The account is closed."))
    made = operators_password_link(person, by=by)
    send("password_link", person_id=person.id, subject_id=made.id)
    return made


def operators_password_link(person: Person, *, by: Viewer) -> PasswordLink:
    """The same without a message: for the operator's command, who hands the link over."""
    made = _new_link(person)
    end_sessions(person.id, but=by.sign_in_id if person.id == by.person_id else None)
    audit.record("made password link", by=by, subject=("person", person.id))
    return made


def link_of_password(one: PasswordLink) -> str:
    """The secret in a link to a new password."""
    return joining.secret(queries.link_key(), "password", one.id, 1)


def use_password_link(one: PasswordLink, password: str) -> Person:
    """Choose a new password through a link, once; every session ends. Raises Invalid."""
    person = one.person
    check_new_password(password, email=person.email)
    won = db.session.execute(
        sa.update(PasswordLink)
        .where(PasswordLink.id == one.id, PasswordLink.used_at.is_(None))
        .values(used_at=now())
    )
    if not getattr(won, "rowcount", 0):
        raise Conflict(_("This link was used already."))
    person.password_hash = rules.hash_password(password)
    person.must_change_password = False
    _void_links(person.id)
    end_sessions(person.id)
    audit.record(
        "changed password", by=Viewer(person.id, person.name), subject=("person", person.id)
    )
    db.session.flush()
    return person


# -- requests for an account -------------------------------------------------------------------


def ask_for_account(
    *,
    address: str,
    email: str,
    name: str,
    role: Role,
    organisation: Organisation | None = None,
    organisation_stated: str = "",
    telephone: str = "",
    note: str = "",
) -> None:
    """Ask for an account. Whoever asks gets the same answer whether or not the address is known;
    what is the case is told by mail, to that address alone. Raises Invalid."""
    email = email.strip().lower()
    if not joining.is_address(email):
        raise Invalid(_("Enter an e-mail address, such as name@hospital.org."), field="email")
    if role not in joining.ASKABLE:
        raise Invalid(_("Choose one of the options."), field="role")
    if _throttled("account request", email, address):
        return
    if queries.person_by_email(email) or queries.open_invitation(email):
        send("have_account", address=email)
        return
    if queries.waiting_request(email):
        return
    made = AccountRequest(
        email=email,
        name=name.strip(),
        telephone=telephone,
        organisation=organisation,
        organisation_stated=organisation_stated,
        role=role.value,
        note=note,
    )
    db.session.add(made)
    db.session.flush()
    audit.record(
        "asked for account", by=the_house("public form"), subject=("account_request", made.id)
    )
    send("account_asked_for", address=email)
    tell(_deciders(organisation), "account_requested", subject=("account_request", made.id))


def _deciders(organisation: Organisation | None) -> list[UUID]:
    """The organisation's leads; where there is none, the administrators."""
    leads = queries.members(organisation.id, [Role.LEAD]) if organisation else []
    return [one.id for one in leads or queries.with_role(Role.ADMINISTRATOR)]


def accept_request(
    one: AccountRequest, *, by: Viewer, organisation: Organisation, role: Role
) -> Invitation:
    """Let somebody in: they are invited to the address they gave. Raises Invalid, Conflict."""
    by.need(Right.APPROVE_ACCOUNTS)
    made = invite(
        by=by,
        email=one.email,
        name=one.name,
        telephone=one.telephone,
        organisation=organisation,
        role=role,
    )
    _decide(one, "accepted", by=by)
    audit.record("accepted account request", by=by, subject=("account_request", one.id))
    return made


def refuse_request(one: AccountRequest, reason: str, *, by: Viewer) -> None:
    """Say no, with one of the reasons; the person is told by mail. Raises Invalid, Conflict."""
    by.need(Right.APPROVE_ACCOUNTS)
    if reason not in joining.REFUSALS:
        raise Invalid(_("Choose the reason."), field="reason")
    _decide(one, "refused", by=by, reason=reason)
    audit.record("refused account request", by=by, subject=("account_request", one.id))
    send("request_refused", address=one.email, subject_id=one.id)


def _decide(one: AccountRequest, decision: str, *, by: Viewer, reason: str = "") -> None:
    won = db.session.execute(
        sa.update(AccountRequest)
        .where(AccountRequest.id == one.id, AccountRequest.decided_at.is_(None))
        .values(decision=decision, reason=reason, decided_at=now(), decided_by_id=by.person_id)
    )
    if not getattr(won, "rowcount", 0):
        raise Conflict(_("This request is decided already."))
    db.session.refresh(one)
