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
    smallest_group: Mapped[int] = technical(default=rules.SMALLEST_GROUP)  # the k of k-anonymity
    age_band: Mapped[int] = technical(default=rules.AGE_BAND)  # the finest, in years
    times: Mapped[str] = technical(sa.String(20), default=rules.DAYS)  # a key of rules.TIMES

    researcher: Mapped[Person] = relationship(foreign_keys=[researcher_id])

    def state(self, day: date) -> str:
        """How the grant stands on a day: a key of `rules.GRANT_STATES`."""
        return rules.grant_state(
            from_date=self.from_date,
            until_date=self.until_date,
            ended=self.ended_at is not None,
            day=day,
        )


#: How the names of archives end, and of no other file of a release.
ARCHIVE = ".zip"


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
    formats: Mapped[list[Any]] = technical(Json, default=list)  # besides CSV

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
    # how coarse it is and how much less is told of each patient: for later releases of the project
    recoded: Mapped[dict[str, Any] | None] = technical(Json, deferred=True)

    grant: Mapped[Grant] = relationship()
    files: Mapped[list[ReleaseFile]] = relationship(order_by="ReleaseFile.position")

    @property
    def under_way(self) -> bool:
        """Is it waiting or being made?"""
        return self.state in rules.UNDER_WAY

    @property
    def archive(self) -> str:
        """What all its files in one are called. Releases made earlier have it as a file."""
        return f"{self.project}-release-{self.number}{ARCHIVE}"


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


class Cohort(Model):
    """A question about who: criteria being worked on, and the versions that were saved.

    `criteria` and `told` are of what is being worked on: what was last told of its steps;
    `earlier` are its criteria before the last changes, to undo them. Whoever made it changes it;
    `shared` lets other researchers who have the link read it.
    """

    __tablename__ = "cohort"

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    version: Mapped[int] = technical(default=1)
    name: Mapped[str] = technical(sa.String(200))
    owner_id: Mapped[UUID] = technical(sa.ForeignKey("person.id"), index=True)
    shared: Mapped[bool] = technical(default=False)
    made_at: Mapped[datetime] = technical(Moment(), default=now)
    changed_at: Mapped[datetime] = technical(Moment(), default=now)
    criteria: Mapped[dict[str, Any]] = technical(Json)
    told: Mapped[list[Any]] = technical(Json, default=list)
    earlier: Mapped[list[Any]] = technical(Json, default=list)

    owner: Mapped[Person] = relationship()
    versions: Mapped[list[CohortVersion]] = relationship(order_by="CohortVersion.number.desc()")

    __mapper_args__ = {"version_id_col": version}


class CohortVersion(Model):
    """A cohort as it was saved: never changed, so that a request can name it."""

    __tablename__ = "cohort_version"
    __table_args__ = (sa.UniqueConstraint("cohort_id", "number", name="uq_cohort_version_number"),)

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    cohort_id: Mapped[UUID] = technical(sa.ForeignKey("cohort.id"))
    number: Mapped[int] = technical()
    criteria: Mapped[dict[str, Any]] = technical(Json)
    sentence: Mapped[str] = technical(sa.Text())
    told: Mapped[list[Any]] = technical(Json, default=list)
    saved_at: Mapped[datetime] = technical(Moment(), default=now)
    saved_by: Mapped[UUID] = technical(sa.ForeignKey("person.id"))


class ToldCount(Model):
    """A number of patients that was told to somebody, to compare later ones with.

    `size` is how many they were, `sketch` who, as `disclosure.sketch` has it: neither is told.
    """

    __tablename__ = "told_count"
    __table_args__ = (sa.Index("ix_told_count_size", "size"),)

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    size: Mapped[int] = technical()
    sketch: Mapped[bytes] = technical(sa.LargeBinary())
    number: Mapped[int | None] = technical()
    at: Mapped[datetime] = technical(Moment(), default=now)


_REQUEST_STATES = ", ".join(f"'{state}'" for state in rules.REQUEST_STATES)


class AccessRequest(Model):
    """A researcher's wish for the rows of a cohort, until the committee has decided and after.

    `variables` maps entity.name to why it is needed. Approval makes the grant. `amends_id` is the
    approved request of which this is the next version: approved, it takes over the grant.
    """

    __tablename__ = "access_request"
    __table_args__ = (
        sa.CheckConstraint(f"state IN ({_REQUEST_STATES})", name="state"),
        sa.CheckConstraint(
            "grant_id IS NOT NULL OR state NOT IN ('approved', 'revoked', 'replaced')",
            name="granted",
        ),
        sa.Index("ix_access_request_state", "state"),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    version: Mapped[int] = technical(default=1)
    researcher_id: Mapped[UUID] = technical(sa.ForeignKey("person.id"), index=True)
    state: Mapped[str] = technical(sa.String(20), default=rules.DRAFT)
    project: Mapped[str] = technical(sa.String(20))
    joins: Mapped[bool] = technical(default=False)  # a project that others have, said by both sides
    title: Mapped[str] = technical(sa.String(200))
    purpose: Mapped[str] = technical(sa.Text())
    team: Mapped[str] = technical(sa.Text())
    legal_basis: Mapped[str] = technical(sa.String(40))
    funding: Mapped[str] = technical(sa.Text())
    outputs: Mapped[str] = technical(sa.Text())
    use_codes: Mapped[list[Any]] = technical(Json, default=list)
    analyses: Mapped[list[Any]] = technical(Json, default=list)
    cohort_version_id: Mapped[UUID] = technical(sa.ForeignKey("cohort_version.id"))
    variables: Mapped[dict[str, Any]] = technical(Json, default=dict)
    until_date: Mapped[date] = technical(sa.Date())
    made_at: Mapped[datetime] = technical(Moment(), default=now)
    changed_at: Mapped[datetime] = technical(Moment(), default=now)
    grant_id: Mapped[UUID | None] = technical(sa.ForeignKey("access_grant.id"), index=True)
    amends_id: Mapped[UUID | None] = technical(sa.ForeignKey("access_request.id"), index=True)
    smallest_group: Mapped[int] = technical(default=rules.SMALLEST_GROUP)  # the k of k-anonymity
    age_band: Mapped[int] = technical(default=rules.AGE_BAND)  # the finest, in years
    times: Mapped[str] = technical(sa.String(20), default=rules.DAYS)  # a key of rules.TIMES

    researcher: Mapped[Person] = relationship()
    cohort: Mapped[CohortVersion] = relationship()
    events: Mapped[list[RequestEvent]] = relationship(order_by="(RequestEvent.at, RequestEvent.id)")

    __mapper_args__ = {"version_id_col": version}


class RequestEvent(Model):
    """What was said or decided about a request: never changed."""

    __tablename__ = "access_request_event"

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    request_id: Mapped[UUID] = technical(sa.ForeignKey("access_request.id"), index=True)
    at: Mapped[datetime] = technical(Moment(), default=now)
    by_id: Mapped[UUID] = technical(sa.ForeignKey("person.id"))
    step: Mapped[str] = technical(sa.String(20))
    text: Mapped[str] = technical(sa.Text(), default="")
    until_date: Mapped[date | None] = technical(sa.Date())

    by: Mapped[Person] = relationship()


class Output(Model):
    """A publication or report that came of a request, and the release it was made from, if said."""

    __tablename__ = "research_output"
    __table_args__ = (
        sa.CheckConstraint(
            f"kind IN ({', '.join(repr(kind) for kind in rules.OUTPUT_KINDS)})", name="kind"
        ),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    request_id: Mapped[UUID] = technical(sa.ForeignKey("access_request.id"), index=True)
    release_id: Mapped[UUID | None] = technical(sa.ForeignKey("research_release.id"), index=True)
    kind: Mapped[str] = technical(sa.String(20))
    title: Mapped[str] = technical(sa.String(400))
    reference: Mapped[str] = technical(sa.Text())
    doi: Mapped[str] = technical(sa.String(220), default="")
    added_by: Mapped[UUID] = technical(sa.ForeignKey("person.id"))
    added_at: Mapped[datetime] = technical(Moment(), default=now)

    release: Mapped[Release | None] = relationship()


class NetworkFigures(Model):
    """What is told of the network in figures: counts and shares that went through the guard.

    `sketch` is of whom it was told, as in `ToldCount`: nearly the same people are not told again.
    """

    __tablename__ = "network_figures"

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    made_at: Mapped[datetime] = technical(Moment(), default=now, index=True)
    looked_at: Mapped[datetime] = technical(Moment(), default=now)
    sketch: Mapped[bytes] = technical(sa.LargeBinary())
    content: Mapped[dict[str, Any]] = technical(Json)
