"""Reading grants and releases: the researcher their own, the access committee all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from registry import audit
from registry.access import Right, Role, Viewer
from registry.dates import today
from registry.db import db
from registry.errors import Forbidden, NotFound
from registry.language import gettext as _
from registry.people import queries as people
from registry.people.models import Person
from registry.research import rules
from registry.research.models import ARCHIVE, Grant, Release, ReleaseFile


@dataclass(frozen=True)
class GrantRow:
    """A grant as it is listed."""

    id: UUID
    project: str
    title: str
    purpose: str
    researcher: str
    from_date: date
    until_date: date
    state: str
    releases: int


@dataclass(frozen=True)
class ReleaseRow:
    """A release as it is listed."""

    id: UUID
    grant_id: UUID
    project: str
    number: int
    title: str
    state: str
    requested_at: datetime
    requested_by: UUID
    made_at: datetime | None
    patients: int | None


def _grant_rows(query: sa.Select[Any]) -> list[GrantRow]:
    made = (
        sa.select(sa.func.count())
        .select_from(Release)
        .where(Release.grant_id == Grant.id, Release.state == rules.MADE)
        .correlate(Grant)
        .scalar_subquery()
    )
    rows = db.session.execute(query.join(Person, Person.id == Grant.researcher_id).add_columns(
        Person.name, made
    ))  # fmt: skip
    day = today()
    return [
        GrantRow(
            g.id, g.project, g.title, g.purpose, name, g.from_date, g.until_date, g.state(day), n
        )
        for g, name, n in rows
    ]


@dataclass(frozen=True)
class Member:
    """Somebody who has or had a grant for a project, and how many releases they made under it."""

    name: str
    state: str
    releases: int


def others_in(project: str, researcher_id: UUID | None) -> list[Member]:
    """Who else has or had a grant with this project code: their releases have its pseudonyms. Of
    somebody with several grants that of the latest end."""
    rows = _grant_rows(
        sa.select(Grant)
        .where(Grant.project == project, Grant.researcher_id != researcher_id)
        .order_by(Grant.until_date, Grant.id)
    )
    found: dict[str, Member] = {}
    for row in rows:
        made = row.releases + (found[row.researcher].releases if row.researcher in found else 0)
        found[row.researcher] = Member(row.researcher, row.state, made)
    return sorted(found.values(), key=lambda one: one.name)


def my_grants(viewer: Viewer) -> list[GrantRow]:
    """One's own grants, those in force first."""
    viewer.need(Right.MAKE_RELEASE)
    rows = _grant_rows(
        sa.select(Grant)
        .where(Grant.researcher_id == viewer.person_id)
        .order_by(Grant.until_date.desc(), Grant.id)
    )
    return sorted(rows, key=lambda row: row.state != rules.GRANTED)


def all_grants(viewer: Viewer) -> list[GrantRow]:
    """Every grant there is, newest first, for the access committee."""
    viewer.need(Right.GRANT)
    return _grant_rows(sa.select(Grant).order_by(Grant.granted_at.desc(), Grant.id.desc()))


def grant(viewer: Viewer, grant_id: UUID) -> Grant:
    """A grant, for the access committee. Raises NotFound."""
    viewer.need(Right.GRANT)
    found = db.session.scalar(
        sa.select(Grant).where(Grant.id == grant_id).options(joinedload(Grant.researcher))
    )
    if found is None:
        raise NotFound()
    return found


def grant_to_use(viewer: Viewer, grant_id: UUID) -> Grant:
    """One's own grant, to make a release. NotFound to a stranger, Forbidden when not in force."""
    found = db.session.get(Grant, grant_id)
    if found is None or found.researcher_id != viewer.person_id:
        raise NotFound()
    viewer.need(Right.MAKE_RELEASE)
    need_in_force(found)
    return found


def grant_of_project(viewer: Viewer, project: str) -> Grant:
    """One's own grant for a project: that in force, else Forbidden with the reason of the newest.
    NotFound where there is none."""
    viewer.need(Right.MAKE_RELEASE)
    found = db.session.scalars(
        sa.select(Grant)
        .where(Grant.researcher_id == viewer.person_id, Grant.project == project.strip().upper())
        .order_by(Grant.until_date.desc(), Grant.id.desc())
    ).all()
    if not found:
        raise NotFound(_("You have no grant for this project."))
    day = today()
    grant = next((one for one in found if one.state(day) == rules.GRANTED), found[0])
    need_in_force(grant)
    return grant


def need_in_force(found: Grant) -> None:
    """Raise Forbidden, with the reason in words, unless the grant holds today."""
    state = found.state(today())
    if state == rules.REVOKED:
        raise Forbidden(_("The access committee ended this grant."))
    if state == rules.EXPIRED:
        raise Forbidden(_("This grant has expired. Ask the access committee for a new one."))
    if state == rules.NOT_BEGUN:
        raise Forbidden(_("This grant has not begun yet."))


def researchers(viewer: Viewer) -> Sequence[Person]:
    """Who a grant can be given to: everybody with the researcher's role but oneself."""
    viewer.need(Right.GRANT)
    return [one for one in people.with_role(Role.RESEARCHER) if one.id != viewer.person_id]


# -- releases ----------------------------------------------------------------------------------


def _release_rows(query: sa.Select[Any]) -> list[ReleaseRow]:
    found = db.session.execute(query.join(Grant, Grant.id == Release.grant_id).add_columns(
        Grant.title
    ))  # fmt: skip
    return [
        ReleaseRow(
            r.id,
            r.grant_id,
            r.project,
            r.number,
            title,
            r.state,
            r.requested_at,
            r.requested_by,
            r.made_at,
            r.manifest["counts"]["patients"] if r.manifest else None,
        )
        for r, title in found
    ]


def my_releases(viewer: Viewer, limit: int = 100) -> list[ReleaseRow]:
    """The releases made under one's own grants, newest first."""
    viewer.need(Right.MAKE_RELEASE)
    return _release_rows(
        sa.select(Release)
        .where(Grant.researcher_id == viewer.person_id)
        .order_by(Release.requested_at.desc(), Release.id.desc())
        .limit(limit)
    )


def releases_of(viewer: Viewer, grant_id: UUID) -> list[ReleaseRow]:
    """Every release made under a grant, newest first, for the access committee."""
    viewer.need(Right.GRANT)
    return _release_rows(
        sa.select(Release)
        .where(Release.grant_id == grant_id)
        .order_by(Release.requested_at.desc(), Release.id.desc())
    )


def _whole(release_id: UUID) -> Release | None:
    return db.session.scalar(
        sa.select(Release)
        .where(Release.id == release_id)
        .options(joinedload(Release.grant), selectinload(Release.files))
    )


def release(viewer: Viewer, release_id: UUID) -> Release:
    """A release made under one's own grant. Raises NotFound to everybody else."""
    found = _whole(release_id)
    if found is None or found.grant.researcher_id != viewer.person_id:
        raise NotFound()
    viewer.need(Right.MAKE_RELEASE)
    return found


def release_numbered(viewer: Viewer, name: str) -> Release:
    """One's own made release by project and number, such as NET-ONE/2. Raises NotFound."""
    project, _slash, number = name.strip().upper().partition("/")
    found = db.session.scalar(
        sa.select(Release.id).where(
            Release.project == project,
            Release.number == (int(number) if number.isdecimal() and len(number) < 10 else 0),
            Release.state == rules.MADE,
        )
    )
    if found is None:
        raise NotFound(_("There is no such release."))
    return release(viewer, found)


def released(viewer: Viewer, release_id: UUID) -> Release:
    """Any release, for the access committee: what left the house, not its rows."""
    viewer.need(Right.GRANT)
    found = _whole(release_id)
    if found is None:
        raise NotFound()
    return found


def file_to_take(viewer: Viewer, release_id: UUID, name: str) -> ReleaseFile:
    """A file of one's own release. NotFound to strangers and for unknown names, Forbidden when
    the grant does not hold today."""
    found = release(viewer, release_id)
    file = next((one for one in found.files if one.name == name), None)
    if file is None or found.state != rules.MADE:
        raise NotFound()
    need_in_force(found.grant)
    return file


def all_to_take(viewer: Viewer, release_id: UUID, name: str) -> Release | None:
    """One's own release where this is the name of its archive and that has still to be put
    together; else None. NotFound to strangers, Forbidden when the grant does not hold today."""
    if not name.endswith(ARCHIVE):
        return None
    found = release(viewer, release_id)
    if name != found.archive or found.state != rules.MADE:
        raise NotFound()
    need_in_force(found.grant)
    return None if any(one.name == name for one in found.files) else found


@dataclass(frozen=True)
class Taken:
    """Somebody downloaded something of a release."""

    release_id: UUID
    at: datetime
    who: str
    what: str


def downloads(viewer: Viewer, release_ids: Sequence[UUID], limit: int = 500) -> list[Taken]:
    """Who took which files of these releases, newest first, for the access committee."""
    viewer.need(Right.GRANT)
    entry = audit.AuditEntry
    query = (
        sa.select(entry)
        .where(
            entry.subject_kind == "release",
            entry.subject_id.in_([str(one) for one in release_ids]),
            entry.action.like(f"{rules.DOWNLOADED}%"),
        )
        .order_by(entry.id.desc())
        .limit(limit)
    )
    return [
        Taken(UUID(row.subject_id), row.at, row.person_name, row.action[len(rules.DOWNLOADED) :])
        for row in db.session.scalars(query)
    ]
