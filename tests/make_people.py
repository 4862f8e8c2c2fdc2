"""Builders for the administration: requests, invitations, confirmations, notices, local codes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from registry.access import Role, Viewer
from registry.dates import today
from registry.db import db
from registry.people import actions, queries
from registry.people.models import (
    AccountRequest,
    Confirmation,
    Cover,
    Invitation,
    LocalCode,
    Notice,
    Organisation,
    Person,
)
from tests import make


def administrator(name: str = "Ada Admin", email: str = "ada@example.org") -> Person:
    """An administrator at the network's office, which is made once."""
    place = db.session.scalar(sa.select(Organisation).where(Organisation.code == "NETWORK"))
    return make.person(place or make.office(), Role.ADMINISTRATOR, name=name, email=email)


def invitation(by: Viewer, place: Organisation, **facts: Any) -> Invitation:
    """Somebody invited as a coordinator."""
    facts = {
        "email": "clara@example.org",
        "name": "Clara Centre",
        "role": Role.TRIAGE_COORDINATOR,
        **facts,
    }
    return actions.invite(by=by, organisation=place, **facts)


def account_request(place: Organisation | None, **facts: Any) -> AccountRequest:
    """Somebody who asks to be a referring doctor."""
    facts = {
        "email": "rita@example.org",
        "name": "Rita Request",
        "role": Role.REFERRER,
        "address": "192.0.2.1",
        **facts,
    }
    actions.ask_for_account(organisation=place, **facts)
    found = queries.waiting_request(facts["email"])
    assert found is not None
    return found


def confirmation(who: Person, place: Organisation, role: Role = Role.CLINICIAN) -> Confirmation:
    """An administrator who asks for one more role."""
    made = actions.give_role(who, place, role, by=make.viewer(who))
    assert isinstance(made, Confirmation)
    return made


def cover(absent: Person, by_whom: Person, place: Organisation, days: int = 7) -> Cover:
    """Somebody who covers from today on, arranged by the house's administrator."""
    boss = make.viewer(administrator("Hannah House", "hannah@example.org"))
    made = actions.arrange_cover(
        absent, by_whom, place, by=boss, since=today(), until=today() + timedelta(days=days)
    )
    assert isinstance(made, Cover)
    return made


def local_code(by: Viewer, **facts: Any) -> LocalCode:
    """A new drug."""
    facts = {
        "name": "therapy",
        "code": "TRIAL_X12",
        "label": "Examplinib",
        "source": "made up for a test",
        **facts,
    }
    return actions.add_code(by=by, **facts)


def notice(who: Person, why: str = "referral_received", kind: str = "referral") -> Notice:
    """Something a person was told; what it is about does not exist."""
    actions.tell([who.id], why, subject=(kind, who.id))
    return db.session.scalars(
        sa.select(Notice).where(Notice.person_id == who.id).order_by(Notice.id.desc())
    ).first()  # type: ignore[return-value]
