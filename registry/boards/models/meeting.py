"""A board as a series, its members; a meeting, who is invited to it and who was there."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, relationship

from registry.boards.rules import meetings as rules
from registry.db import Json, Model, Moment, new_id, now
from registry.dictionary import technical
from registry.people.models import Organisation, Person


def listed(words: Any) -> str:
    """Codes as they stand in a CHECK."""
    return ", ".join(f"'{word}'" for word in words)


class Board(Model):
    """A tumour board of a centre: what its meetings have in common."""

    __tablename__ = "board"
    __table_args__ = (
        sa.CheckConstraint("capacity > 0", name="capacity"),
        sa.CheckConstraint("minutes BETWEEN 5 AND 600", name="minutes"),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        sa.CheckConstraint("every_weeks BETWEEN 0 AND 8", name="every_weeks"),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    version: Mapped[int] = technical(default=1)
    organisation_id: Mapped[UUID] = technical(sa.ForeignKey("organisation.id"), index=True)
    name: Mapped[str] = technical(sa.String(120))
    cross_centre: Mapped[bool] = technical(default=False)  # members of other centres take part
    time_zone: Mapped[str] = technical(sa.String(60))
    every_weeks: Mapped[int] = technical(default=1)  # 0: single dates only
    weekday: Mapped[int] = technical(default=0)  # 0 Monday … 6 Sunday
    starts: Mapped[str] = technical(sa.String(5), default="08:00")  # in the board's time zone
    minutes: Mapped[int] = technical(default=60)
    capacity: Mapped[int] = technical(default=10)
    cutoff_hours: Mapped[int] = technical(default=24)  # before the meeting
    quorum: Mapped[list[Any]] = technical(Json, default=list)  # disciplines
    two_signatures: Mapped[bool] = technical(default=False)
    video_link: Mapped[str] = technical(sa.String(500), default="")
    active: Mapped[bool] = technical(default=True)
    created_at: Mapped[datetime] = technical(Moment(), default=now)

    organisation: Mapped[Organisation] = relationship()
    members: Mapped[list[BoardMember]] = relationship(
        back_populates="board", order_by="BoardMember.id"
    )

    __mapper_args__ = {"version_id_col": version}


class BoardMember(Model):
    """Somebody who sits on a board, for a discipline. Of another centre: during its meetings."""

    __tablename__ = "board_member"
    __table_args__ = (
        sa.Index(
            "uq_board_member_now",
            "board_id",
            "person_id",
            unique=True,
            sqlite_where=sa.text("left_at IS NULL"),
            postgresql_where=sa.text("left_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    board_id: Mapped[UUID] = technical(sa.ForeignKey("board.id"), index=True)
    person_id: Mapped[UUID] = technical(sa.ForeignKey("person.id"), index=True)
    discipline: Mapped[str] = technical(sa.String(30))
    joined_at: Mapped[datetime] = technical(Moment(), default=now)
    left_at: Mapped[datetime | None] = technical(Moment())

    board: Mapped[Board] = relationship(back_populates="members")
    person: Mapped[Person] = relationship()


class Meeting(Model):
    """One date of a board, or a written consultation, whose end is the day answers are due.

    `revision` grows with everything that is written in the meeting: who looks on asks by it.
    """

    __tablename__ = "meeting"
    __table_args__ = (
        sa.CheckConstraint(f"state IN ({listed(rules.STATES)})", name="state"),
        sa.CheckConstraint(f"kind IN ({listed(rules.KINDS)})", name="kind"),
        sa.CheckConstraint("ends_at > starts_at", name="order"),
        sa.CheckConstraint("(state = 'cancelled') = (cancelled_because <> '')", name="cancelled"),
        sa.Index("ix_meeting_place", "organisation_id", "starts_at"),
        sa.UniqueConstraint("board_id", "starts_at", name="uq_meeting_date"),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    version: Mapped[int] = technical(default=1)
    revision: Mapped[int] = technical(default=1)
    board_id: Mapped[UUID] = technical(sa.ForeignKey("board.id"), index=True)
    organisation_id: Mapped[UUID] = technical(sa.ForeignKey("organisation.id"))
    kind: Mapped[str] = technical(sa.String(10), default=rules.MEETING)
    state: Mapped[str] = technical(sa.String(12), default=rules.PLANNED)
    starts_at: Mapped[datetime] = technical(Moment())
    ends_at: Mapped[datetime] = technical(Moment())
    cutoff_at: Mapped[datetime] = technical(Moment())
    capacity: Mapped[int] = technical()
    quorum: Mapped[list[Any]] = technical(Json, default=list)
    two_signatures: Mapped[bool] = technical(default=False)
    video_link: Mapped[str] = technical(sa.String(500), default="")
    opened_at: Mapped[datetime | None] = technical(Moment())
    closed_at: Mapped[datetime | None] = technical(Moment())
    cancelled_because: Mapped[str] = technical(sa.String(300), default="")
    reminded_at: Mapped[datetime | None] = technical(Moment())  # of a written consultation

    board: Mapped[Board] = relationship()
    organisation: Mapped[Organisation] = relationship()

    __mapper_args__ = {"version_id_col": version}


class Guest(Model):
    """Somebody invited to one meeting: sees its agenda while it lasts, and nothing else."""

    __tablename__ = "meeting_guest"
    __table_args__ = (sa.UniqueConstraint("meeting_id", "person_id", name="uq_meeting_guest_one"),)

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    meeting_id: Mapped[UUID] = technical(sa.ForeignKey("meeting.id"))
    person_id: Mapped[UUID] = technical(sa.ForeignKey("person.id"), index=True)
    discipline: Mapped[str] = technical(sa.String(30))
    invited_at: Mapped[datetime] = technical(Moment(), default=now)
    invited_by: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))

    person: Mapped[Person] = relationship(foreign_keys=[person_id])


class Attendance(Model):
    """Somebody was there, for a discipline, from when until when."""

    __tablename__ = "attendance"
    __table_args__ = (
        sa.UniqueConstraint("meeting_id", "person_id", name="uq_attendance_one"),
        sa.CheckConstraint("left_at IS NULL OR left_at >= arrived_at", name="order"),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    meeting_id: Mapped[UUID] = technical(sa.ForeignKey("meeting.id"))
    person_id: Mapped[UUID] = technical(sa.ForeignKey("person.id"))
    discipline: Mapped[str] = technical(sa.String(30))
    arrived_at: Mapped[datetime] = technical(Moment(), default=now)
    left_at: Mapped[datetime | None] = technical(Moment())
    recorded_by: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))

    person: Mapped[Person] = relationship(foreign_keys=[person_id])


class CalendarFeed(Model):
    """That a person subscribes to the calendar of meetings. The address's secret is worked out
    from id and `serial`: it is kept nowhere, and a new serial makes the old address worthless."""

    __tablename__ = "calendar_feed"

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    person_id: Mapped[UUID] = technical(sa.ForeignKey("person.id"), unique=True)
    serial: Mapped[int] = technical(default=1)
    made_at: Mapped[datetime] = technical(Moment(), default=now)

    person: Mapped[Person] = relationship()
