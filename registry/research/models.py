"""Grants, releases and their files."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, relationship

from registry.db import Json, Model, Moment, new_id, now
from registry.dictionary import technical
from registry.people.models import Person
from registry.research import rules

_STATES = ", ".join(f"'{state}'" for state in rules.RELEASE_STATES)


class Grant(Model):
    """The access committee's leave for one person to make releases for a project and a purpose.

    Grants with the same project code belong to one project: its releases have the same
    pseudonyms. Ending a grant is one fact: when, by whom and why.
    """

    __tablename__ = "access_grant"
    __table_args__ = (
        sa.CheckConstraint("until_date >= from_date", name="period"),
        sa.CheckConstraint("granted_by <> researcher_id", name="not_to_oneself"),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (ended_by IS NULL) AND (ended_at IS NULL) = (end_reason IS NULL)",
            name="ended",
        ),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    project: Mapped[str] = technical(sa.String(20), index=True)
    title: Mapped[str] = technical(sa.String(200))
    purpose: Mapped[str] = technical(sa.Text())
    researcher_id: Mapped[UUID] = technical(sa.ForeignKey("person.id"), index=True)
    from_date: Mapped[date] = technical(sa.Date())
    until_date: Mapped[date] = technical(sa.Date())
    granted_by: Mapped[UUID] = technical(sa.ForeignKey("person.id"))
    granted_at: Mapped[datetime] = technical(Moment(), default=now)
    ended_by: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
    ended_at: Mapped[datetime | None] = technical(Moment())
    end_reason: Mapped[str | None] = technical(sa.Text())

    researcher: Mapped[Person] = relationship(foreign_keys=[researcher_id])

    def state(self, day: date) -> str:
        """How the grant stands on a day: a key of `rules.GRANT_STATES`."""
        return rules.grant_state(
            from_date=self.from_date,
            until_date=self.until_date,
            ended=self.ended_at is not None,
            day=day,
        )


class Release(Model):
    """One making of a project's data, from the wish to the frozen files.

    `maker` names the process at work and `heartbeat_at` says when it last showed a sign of life;
    `drafts` are the files it has begun. Once made, a trigger refuses every change.
    """

    __tablename__ = "research_release"
    __table_args__ = (
        sa.UniqueConstraint("project", "number", name="uq_research_release_number"),
        sa.CheckConstraint(f"state IN ({_STATES})", name="state"),
        sa.CheckConstraint(
            "(state = 'made') = (made_at IS NOT NULL) "
            "AND (state = 'made') = (manifest IS NOT NULL)",
            name="made",
        ),
        sa.CheckConstraint(
            "(state = 'making') = (maker IS NOT NULL) AND (maker IS NULL) = (heartbeat_at IS NULL)",
            name="making",
        ),
        sa.CheckConstraint("(state = 'failed') = (error IS NOT NULL)", name="failed"),
        sa.CheckConstraint("done <= total", name="progress"),
        sa.Index("ix_research_release_state", "state"),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    grant_id: Mapped[UUID] = technical(sa.ForeignKey("access_grant.id"), index=True)
    project: Mapped[str] = technical(sa.String(20))
    number: Mapped[int] = technical()
    state: Mapped[str] = technical(sa.String(20), default=rules.REQUESTED)
    requested_by: Mapped[UUID] = technical(sa.ForeignKey("person.id"))
    requested_at: Mapped[datetime] = technical(Moment(), default=now)
    criteria: Mapped[dict[str, Any]] = technical(Json)

    phase: Mapped[str] = technical(sa.String(20), default="")
    done: Mapped[int] = technical(default=0)
    total: Mapped[int] = technical(default=0)
    attempts: Mapped[int] = technical(default=0)
    maker: Mapped[UUID | None] = technical()
    heartbeat_at: Mapped[datetime | None] = technical(Moment())
    drafts: Mapped[list[Any]] = technical(Json, default=list)
    error: Mapped[str | None] = technical(sa.String(20))  # a key of rules.FAILURES

    made_at: Mapped[datetime | None] = technical(Moment())
    manifest: Mapped[dict[str, Any] | None] = technical(Json)
    dictionary_version: Mapped[str | None] = technical(sa.String(64))
    rule_versions: Mapped[dict[str, Any] | None] = technical(Json)
    code_version: Mapped[str | None] = technical(sa.String(40))

    grant: Mapped[Grant] = relationship()
    files: Mapped[list[ReleaseFile]] = relationship(order_by="ReleaseFile.position")

    @property
    def under_way(self) -> bool:
        """Is it waiting or being made?"""
        return self.state in rules.UNDER_WAY


class ReleaseFile(Model):
    """One frozen file: what it is called, how long it is and its checksum. Never changed."""

    __tablename__ = "release_file"
    __table_args__ = (
        sa.UniqueConstraint("release_id", "name", name="uq_release_file_name"),
        sa.CheckConstraint("size >= 0", name="size"),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    release_id: Mapped[UUID] = technical(sa.ForeignKey("research_release.id"))
    position: Mapped[int] = technical()
    name: Mapped[str] = technical(sa.String(60))
    media_type: Mapped[str] = technical(sa.String(60))
    size: Mapped[int] = technical(sa.BigInteger())
    sha256: Mapped[str] = technical(sa.String(64))
    rows: Mapped[int | None] = technical()
    file_id: Mapped[UUID] = technical(unique=True)
