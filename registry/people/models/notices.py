"""What people are told in the product, and the mail that says so."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, relationship

from registry.db import Json, Model, Moment, new_id, now
from registry.dictionary import technical
from registry.people.models.person import Person


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
        sa.Index(
            "ix_notice_daily",
            "at",
            sqlite_where=sa.text("mail = 'daily' AND digest_id IS NULL"),
            postgresql_where=sa.text("mail = 'daily' AND digest_id IS NULL"),
        ),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    person_id: Mapped[UUID] = technical(sa.ForeignKey("person.id"))
    at: Mapped[datetime] = technical(Moment(), default=now)
    why: Mapped[str] = technical(sa.String(60))
    subject_kind: Mapped[str] = technical(sa.String(40))
    subject_id: Mapped[UUID] = technical()
    seen_at: Mapped[datetime | None] = technical(Moment())
    numbers: Mapped[dict[str, Any] | None] = technical(Json)  # how many of what, by rules.NUMBERS
    mail: Mapped[str] = technical(sa.String(10), default="")  # "daily": told in the next digest
    digest_id: Mapped[UUID | None] = technical(
        sa.ForeignKey("mail.id", ondelete="SET NULL"), index=True
    )


class Mail(Model):
    """A message that is to leave: kind, to whom, and what it points to; its text is made when it
    is sent. Written with the change it tells of. Its id is the message's, each time it is sent.
    """

    __tablename__ = "mail"
    __table_args__ = (
        sa.CheckConstraint("(person_id IS NULL) <> (address = '')", name="one_addressee"),
        sa.Index(
            "ix_mail_waiting",
            "due_at",
            sqlite_where=sa.text("sent_at IS NULL AND failed_at IS NULL"),
            postgresql_where=sa.text("sent_at IS NULL AND failed_at IS NULL"),
        ),
        sa.Index("ix_mail_sent_at", "sent_at"),
        sa.Index("ix_mail_failed_at", "failed_at"),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    kind: Mapped[str] = technical(sa.String(60))
    person_id: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"), index=True)
    address: Mapped[str] = technical(sa.String(254), default="")  # of one who has no account
    subject_id: Mapped[UUID | None] = technical()
    at: Mapped[datetime] = technical(Moment(), default=now)
    due_at: Mapped[datetime] = technical(Moment(), default=now)
    tries: Mapped[int] = technical(default=0)
    sent_at: Mapped[datetime | None] = technical(Moment())
    failed_at: Mapped[datetime | None] = technical(Moment())
    problem: Mapped[str] = technical(sa.String(200), default="")  # what the mail server said

    person: Mapped[Person | None] = relationship()
