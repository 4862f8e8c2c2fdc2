"""Accounts, what a person is where, who covers for whom, and signed-in sessions."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, relationship

from registry.db import Json, Model, Moment, new_id, now
from registry.dictionary import technical
from registry.people.models.organisation import Organisation


class Person(Model):
    """An account. The e-mail address is its name for signing in, in lower case."""

    __tablename__ = "person"

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    email: Mapped[str] = technical(sa.String(254), unique=True)
    name: Mapped[str] = technical(sa.String(200))
    telephone: Mapped[str] = technical(sa.String(60), default="")
    password_hash: Mapped[str] = technical(sa.String(200))
    must_change_password: Mapped[bool] = technical(default=False)
    active: Mapped[bool] = technical(default=True)
    created_at: Mapped[datetime] = technical(Moment(), default=now)
    # why of a notice → immediate, daily or off; what is not named goes by the house's default
    notice_mail: Mapped[dict[str, Any]] = technical(Json, default=dict)
    version: Mapped[int] = technical(default=1)

    __mapper_args__ = {"version_id_col": version}

    memberships: Mapped[list[Membership]] = relationship(
        back_populates="person", order_by="Membership.id"
    )


class Membership(Model):
    """What a person is at an organisation, from when until when."""

    __tablename__ = "membership"
    __table_args__ = (
        sa.CheckConstraint("until_date IS NULL OR until_date >= from_date", name="order"),
        sa.Index("ix_membership_organisation_id_role", "organisation_id", "role"),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    person_id: Mapped[UUID] = technical(sa.ForeignKey("person.id"), index=True)
    organisation_id: Mapped[UUID] = technical(sa.ForeignKey("organisation.id"))
    role: Mapped[str] = technical(sa.String(40))
    from_date: Mapped[date] = technical(sa.Date())
    until_date: Mapped[date | None] = technical(sa.Date())

    person: Mapped[Person] = relationship(back_populates="memberships")
    organisation: Mapped[Organisation] = relationship()


class Cover(Model):
    """Somebody who sits in another's seat while that one is away, and acts for them."""

    __tablename__ = "cover"
    __table_args__ = (
        sa.CheckConstraint("until_date >= from_date", name="order"),
        sa.CheckConstraint("absent_id <> cover_id", name="two_people"),
        sa.Index("ix_cover_cover_id_until_date", "cover_id", "until_date"),
        sa.Index("ix_cover_absent_id_until_date", "absent_id", "until_date"),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    organisation_id: Mapped[UUID] = technical(sa.ForeignKey("organisation.id"))
    absent_id: Mapped[UUID] = technical(sa.ForeignKey("person.id"))
    cover_id: Mapped[UUID] = technical(sa.ForeignKey("person.id"))
    from_date: Mapped[date] = technical(sa.Date())
    until_date: Mapped[date] = technical(sa.Date())
    ended_at: Mapped[datetime | None] = technical(Moment())

    organisation: Mapped[Organisation] = relationship()
    absent: Mapped[Person] = relationship(foreign_keys=[absent_id])
    cover: Mapped[Person] = relationship(foreign_keys=[cover_id])


class SignIn(Model):
    """One signed-in session; ending it here ends it whatever the cookie says."""

    __tablename__ = "sign_in"

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    person_id: Mapped[UUID] = technical(sa.ForeignKey("person.id"), index=True)
    organisation_id: Mapped[UUID | None] = technical(sa.ForeignKey("organisation.id"))
    cover_id: Mapped[UUID | None] = technical(sa.ForeignKey("cover.id"))
    begun_at: Mapped[datetime] = technical(Moment(), default=now)
    expires_at: Mapped[datetime] = technical(Moment())
    ended_at: Mapped[datetime | None] = technical(Moment())


class SignInFailure(Model):
    """A failed sign-in, by keyed fingerprints of the account asked for and of the address."""

    __tablename__ = "sign_in_failure"
    __table_args__ = (
        sa.Index("ix_sign_in_failure_account_at", "account", "at"),
        sa.Index("ix_sign_in_failure_address_at", "address", "at"),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    account: Mapped[str] = technical(sa.String(40))
    address: Mapped[str] = technical(sa.String(40))
    at: Mapped[datetime] = technical(Moment(), default=now)
