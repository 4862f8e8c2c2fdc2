"""Reading invitations, one-time links, requests and confirmations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from registry.access import Right, Role, Viewer
from registry.db import db, now
from registry.errors import NotFound
from registry.keys import ring
from registry.people.models import AccountRequest, Confirmation, Invitation, PasswordLink
from registry.people.rules import joining


def link_key() -> bytes:
    """The house's key for one-time links."""
    return ring().derive("one-time link")


def state_of(invitation: Invitation, moment: datetime | None = None) -> str:
    """open, expired, accepted or withdrawn."""
    if invitation.accepted_at:
        return joining.ACCEPTED
    if invitation.withdrawn_at:
        return joining.WITHDRAWN
    expired = invitation.expires_at <= (moment or now())
    return joining.EXPIRED if expired else joining.OPEN


def invitations(viewer: Viewer, *, all_states: bool = False, limit: int = 100) -> list[Invitation]:
    """Those that wait for an answer or expired, the latest first; or all."""
    viewer.need(Right.ADMINISTER)
    query = sa.select(Invitation).options(
        joinedload(Invitation.organisation), joinedload(Invitation.invited_by)
    )
    if not all_states:
        query = query.where(Invitation.accepted_at.is_(None), Invitation.withdrawn_at.is_(None))
    query = query.order_by(Invitation.invited_at.desc(), Invitation.id.desc()).limit(limit)
    return list(db.session.scalars(query))


def invitation(viewer: Viewer, invitation_id: UUID | None) -> Invitation:
    """One invitation. Raises NotFound."""
    viewer.need(Right.ADMINISTER)
    found = db.session.get(Invitation, invitation_id) if invitation_id else None
    if found is None:
        raise NotFound()
    return found


def invitation_of_link(link: str) -> Invitation | None:
    """The invitation of a link, if the link still works."""
    record = joining.record_of(link)
    found = db.session.get(Invitation, record) if record else None
    if found is None or state_of(found) != joining.OPEN or not found.organisation.active:
        return None
    right = joining.is_proven(link, link_key(), "invitation", found.id, found.serial)
    return found if right else None


def open_invitation(email: str) -> Invitation | None:
    """The invitation of an address that waits for an answer."""
    query = sa.select(Invitation).where(
        Invitation.email == email,
        Invitation.accepted_at.is_(None),
        Invitation.withdrawn_at.is_(None),
        Invitation.expires_at > now(),
    )
    return db.session.scalar(query.limit(1))


def password_link(link: str) -> PasswordLink | None:
    """What a link to a new password belongs to, if it still works."""
    record = joining.record_of(link)
    found = db.session.get(PasswordLink, record) if record else None
    if found is None or found.used_at or found.expires_at <= now() or not found.person.active:
        return None
    return found if joining.is_proven(link, link_key(), "password", found.id, 1) else None


def _of_my_organisation(viewer: Viewer) -> sa.ColumnElement[bool]:
    """An administrator decides about every request, a lead about those of the organisation."""
    if viewer.may(Right.ADMINISTER):
        return sa.true()
    if Role.LEAD in viewer.roles:
        return AccountRequest.organisation_id == viewer.organisation_id
    return sa.false()


def account_requests(
    viewer: Viewer, *, decided: bool = False, limit: int = 100
) -> Sequence[AccountRequest]:
    """The requests one may decide about: those that wait, the oldest first; or those decided."""
    viewer.need(Right.APPROVE_ACCOUNTS)
    query = (
        sa.select(AccountRequest)
        .options(joinedload(AccountRequest.organisation), joinedload(AccountRequest.decided_by))
        .where(_of_my_organisation(viewer))
        .limit(limit)
    )
    if decided:
        query = query.where(AccountRequest.decided_at.is_not(None)).order_by(
            AccountRequest.decided_at.desc(), AccountRequest.id.desc()
        )
    else:
        query = query.where(AccountRequest.decided_at.is_(None)).order_by(
            AccountRequest.at, AccountRequest.id
        )
    return db.session.scalars(query).all()


def account_request(viewer: Viewer, request_id: UUID | None) -> AccountRequest:
    """One request one may decide about. Raises NotFound."""
    viewer.need(Right.APPROVE_ACCOUNTS)
    found = db.session.scalar(
        sa.select(AccountRequest).where(
            AccountRequest.id == request_id, _of_my_organisation(viewer)
        )
    )
    if found is None:
        raise NotFound()
    return found


def waiting_request(email: str) -> AccountRequest | None:
    """The request of an address that nobody has decided about."""
    query = sa.select(AccountRequest).where(
        AccountRequest.email == email, AccountRequest.decided_at.is_(None)
    )
    return db.session.scalar(query.limit(1))


def confirmations(viewer: Viewer) -> Sequence[Confirmation]:
    """What administrators asked for themselves and waits for another, the oldest first."""
    viewer.need(Right.ADMINISTER)
    return waiting_confirmations()


def waiting_confirmations() -> Sequence[Confirmation]:
    """The same for the operator's command."""
    query = (
        sa.select(Confirmation)
        .options(
            joinedload(Confirmation.person),
            joinedload(Confirmation.absent),
            joinedload(Confirmation.organisation),
        )
        .where(Confirmation.decided_at.is_(None))
        .order_by(Confirmation.asked_at, Confirmation.id)
        .limit(100)
    )
    return db.session.scalars(query).all()


def covers_to_confirm(viewer: Viewer) -> Sequence[Confirmation]:
    """The covers one wants to give oneself, at one's own organisation, that wait for a yes."""
    viewer.need(Right.ARRANGE_COVER)
    query = (
        sa.select(Confirmation)
        .options(joinedload(Confirmation.absent))
        .where(
            Confirmation.person_id == viewer.person_id,
            Confirmation.organisation_id == viewer.organisation_id,
            Confirmation.absent_id.is_not(None),
            Confirmation.decided_at.is_(None),
        )
        .order_by(Confirmation.asked_at, Confirmation.id)
        .limit(20)
    )
    return db.session.scalars(query).all()


def confirmation(viewer: Viewer, confirmation_id: UUID | None) -> Confirmation:
    """One of them. Raises NotFound."""
    viewer.need(Right.ADMINISTER)
    found = db.session.get(Confirmation, confirmation_id) if confirmation_id else None
    if found is None:
        raise NotFound()
    return found


def counts(viewer: Viewer) -> dict[str, int]:
    """What waits: invitations, requests, confirmations. Each one small query."""
    found = {
        "requests": sa.select(sa.func.count())
        .select_from(AccountRequest)
        .where(AccountRequest.decided_at.is_(None), _of_my_organisation(viewer))
    }
    if viewer.may(Right.ADMINISTER):
        found["invitations"] = (
            sa.select(sa.func.count())
            .select_from(Invitation)
            .where(Invitation.accepted_at.is_(None), Invitation.withdrawn_at.is_(None))
        )
        found["confirmations"] = (
            sa.select(sa.func.count())
            .select_from(Confirmation)
            .where(Confirmation.decided_at.is_(None))
        )
    return {name: db.session.scalar(query) or 0 for name, query in found.items()}
