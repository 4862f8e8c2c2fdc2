"""Organisations, people, memberships, sign-ins and notices."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, relationship

from registry.db import Json, Model, Moment, new_id, now
from registry.dictionary import technical

REFERRING_HOSPITAL = "referring_hospital"
REFERENCE_CENTRE = "reference_centre"
NETWORK_OFFICE = "network_office"


class Organisation(Model):
    """A referring hospital, a reference centre, or the network's own office."""

    __tablename__ = "organisation"
    __table_args__ = (
        sa.CheckConstraint(
            f"kind IN ('{REFERRING_HOSPITAL}', '{REFERENCE_CENTRE}', '{NETWORK_OFFICE}')",
            name="kind",
        ),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    code: Mapped[str] = technical(sa.String(20), unique=True)
    name: Mapped[str] = technical(sa.String(200))
    kind: Mapped[str] = technical(sa.String(30))
    country: Mapped[str] = technical(sa.String(2))
    region: Mapped[str] = technical(sa.String(100), default="")
    city: Mapped[str] = technical(sa.String(100), default="")
    latitude: Mapped[float | None] = technical()
    longitude: Mapped[float | None] = technical()
    time_zone: Mapped[str] = technical(sa.String(60), default="UTC")
    languages: Mapped[list[Any]] = technical(Json, default=list)
    sites: Mapped[list[Any]] = technical(Json, default=list)  # triage groups it takes
    services: Mapped[list[Any]] = technical(Json, default=list)
    weekly_capacity: Mapped[int | None] = technical()
    board_weekday: Mapped[int | None] = technical()  # 0 Monday … 6 Sunday
    board_cutoff: Mapped[str] = technical(sa.String(60), default="")
    emergency_telephone: Mapped[str] = technical(sa.String(60), default="")
    accreditation: Mapped[str] = technical(sa.String(200), default="")
    active: Mapped[bool] = technical(default=True)


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


class SignIn(Model):
    """One signed-in session; ending it here ends it whatever the cookie says."""

    __tablename__ = "sign_in"

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    person_id: Mapped[UUID] = technical(sa.ForeignKey("person.id"), index=True)
    organisation_id: Mapped[UUID | None] = technical(sa.ForeignKey("organisation.id"))
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


class Notice(Model):
    """Something a person is told: why, and where to look. Never clinical or identifying content."""

    __tablename__ = "notice"
    __table_args__ = (
        sa.Index("ix_notice_person_id_at", "person_id", "at"),
        # Counting what is unread must not grow with what was read.
        sa.Index(
            "ix_notice_unread",
            "person_id",
            sqlite_where=sa.text("seen_at IS NULL"),
            postgresql_where=sa.text("seen_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    person_id: Mapped[UUID] = technical(sa.ForeignKey("person.id"))
    at: Mapped[datetime] = technical(Moment(), default=now)
    why: Mapped[str] = technical(sa.String(60))
    subject_kind: Mapped[str] = technical(sa.String(40))
    subject_id: Mapped[UUID] = technical()
    seen_at: Mapped[datetime | None] = technical(Moment())
