"""How somebody comes to an account and to a role: requests, invitations, links, confirmations."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, relationship

from registry.db import Model, Moment, new_id, now
from registry.dictionary import technical
from registry.people.models.organisation import Organisation
from registry.people.models.person import Person


class Invitation(Model):
    """Somebody is asked to open an account with a role. The account is made when they accept.

    The link's secret is worked out from id and `serial` with the house's key: it is kept nowhere,
    and a new serial makes every earlier link worthless.
    """

    __tablename__ = "invitation"
    __table_args__ = (
        sa.CheckConstraint("until_date IS NULL OR until_date >= from_date", name="order"),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    email: Mapped[str] = technical(sa.String(254), index=True)
    name: Mapped[str] = technical(sa.String(200))
    telephone: Mapped[str] = technical(sa.String(60), default="")
    organisation_id: Mapped[UUID] = technical(sa.ForeignKey("organisation.id"), index=True)
    role: Mapped[str] = technical(sa.String(40))
    from_date: Mapped[date] = technical(sa.Date())
    until_date: Mapped[date | None] = technical(sa.Date())
    serial: Mapped[int] = technical(default=1)
    invited_at: Mapped[datetime] = technical(Moment(), default=now)
    invited_by_id: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
    expires_at: Mapped[datetime] = technical(Moment())
    accepted_at: Mapped[datetime | None] = technical(Moment())
    withdrawn_at: Mapped[datetime | None] = technical(Moment())

    organisation: Mapped[Organisation] = relationship()
    invited_by: Mapped[Person | None] = relationship()


class PasswordLink(Model):
    """A link that lets a person choose a new password, once."""

    __tablename__ = "password_link"

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    person_id: Mapped[UUID] = technical(sa.ForeignKey("person.id"), index=True)
    made_at: Mapped[datetime] = technical(Moment(), default=now)
    expires_at: Mapped[datetime] = technical(Moment())
    used_at: Mapped[datetime | None] = technical(Moment())

    person: Mapped[Person] = relationship()


class AccountRequest(Model):
    """Somebody asks for an account; the organisation's lead or an administrator decides."""

    __tablename__ = "account_request"
    __table_args__ = (
        sa.CheckConstraint("(decided_at IS NULL) = (decision = '')", name="decided"),
        sa.Index(
            "ix_account_request_waiting",
            "at",
            sqlite_where=sa.text("decided_at IS NULL"),
            postgresql_where=sa.text("decided_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    at: Mapped[datetime] = technical(Moment(), default=now)
    email: Mapped[str] = technical(sa.String(254), index=True)
    name: Mapped[str] = technical(sa.String(200))
    telephone: Mapped[str] = technical(sa.String(60), default="")
    organisation_id: Mapped[UUID | None] = technical(sa.ForeignKey("organisation.id"))
    organisation_stated: Mapped[str] = technical(sa.String(200), default="")
    role: Mapped[str] = technical(sa.String(40))
    note: Mapped[str] = technical(sa.String(500), default="")
    decision: Mapped[str] = technical(sa.String(20), default="")  # accepted, refused
    reason: Mapped[str] = technical(sa.String(40), default="")
    decided_at: Mapped[datetime | None] = technical(Moment())
    decided_by_id: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))

    organisation: Mapped[Organisation | None] = relationship()
    decided_by: Mapped[Person | None] = relationship()


class Confirmation(Model):
    """A role or seat an administrator wants to have: it waits for a second administrator."""

    __tablename__ = "confirmation"
    __table_args__ = (
        sa.CheckConstraint("(decided_at IS NULL) = (decision = '')", name="decided"),
        sa.CheckConstraint("(absent_id IS NULL) = (role <> '')", name="role_or_cover"),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    person_id: Mapped[UUID] = technical(sa.ForeignKey("person.id"), index=True)
    organisation_id: Mapped[UUID] = technical(sa.ForeignKey("organisation.id"))
    role: Mapped[str] = technical(sa.String(40), default="")  # empty: to cover for `absent_id`
    absent_id: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
    from_date: Mapped[date] = technical(sa.Date())
    until_date: Mapped[date | None] = technical(sa.Date())
    asked_at: Mapped[datetime] = technical(Moment(), default=now)
    decision: Mapped[str] = technical(sa.String(20), default="")  # confirmed, refused, withdrawn
    decided_at: Mapped[datetime | None] = technical(Moment())
    decided_by: Mapped[str] = technical(sa.String(200), default="")

    person: Mapped[Person] = relationship(foreign_keys=[person_id])
    absent: Mapped[Person | None] = relationship(foreign_keys=[absent_id])
    organisation: Mapped[Organisation] = relationship()
