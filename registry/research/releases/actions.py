"""Giving and ending grants, asking for releases, and handing out their files."""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry import audit, jobs, storage
from registry.access import Right, Role, Viewer
from registry.dates import today
from registry.db import db, now, own_transaction
from registry.errors import Conflict, Forbidden, Invalid, Unreadable
from registry.language import gettext as _
from registry.people import actions as people
from registry.people import queries as staff
from registry.research import rules
from registry.research.models import Grant, Release, ReleaseFile
from registry.research.releases import formats, queries
from registry.research.requests import queries as queries_requests

log = logging.getLogger("netreg.research")


def give_grant(
    *,
    by: Viewer,
    project: str,
    title: str,
    purpose: str,
    researcher_id: UUID | None,
    from_date: date,
    until_date: date,
    coarse: rules.Coarse = rules.USUAL,
    joins: bool = False,
) -> Grant:
    """Let a researcher make releases for a project and a purpose, from and until these days.

    Raises Invalid for a code, period or person that will not do: nobody grants to themself, and
    to a project of others nobody comes without it being said (`joins`).
    """
    by.need(Right.GRANT)
    project = project.strip().upper()
    if not rules.PROJECT_CODE.match(project):
        raise Invalid(
            _("Use 2 to 20 letters, digits and hyphens, such as NET-SURVIVAL."), field="project"
        )
    if until_date < from_date:
        raise Invalid(_("The last day must not be before the first."), field="until_date")
    if researcher_id == by.person_id:
        raise Invalid(
            _("You cannot give a grant to yourself. Another member has to."), field="researcher"
        )
    known = {one.id for one in staff.with_role(Role.RESEARCHER)}
    if researcher_id is None or researcher_id not in known:
        raise Invalid(_("Choose the researcher."), field="researcher")
    if not coarse.is_possible:
        raise Invalid(rules.COARSE_RANGE, field="smallest_group")
    need_own_project(project, researcher_id, joins=joins)
    if by.person_id is None:
        raise Forbidden()
    given = Grant(
        project=project,
        title=title.strip(),
        purpose=purpose.strip(),
        researcher_id=researcher_id,
        from_date=from_date,
        until_date=until_date,
        granted_by=by.person_id,
        smallest_group=coarse.smallest_group,
        age_band=coarse.age_band,
        times=coarse.times,
    )
    db.session.add(given)
    db.session.flush()
    audit.record(
        "gave grant",
        by=by,
        subject=("grant", given.id),
        changes={
            "project": [None, project],
            "researcher": [None, str(researcher_id)],
            "until": [None, until_date.isoformat()],
            "smallest_group": [None, coarse.smallest_group],
        },
    )
    people.tell([researcher_id], "grant_given", subject=("grant", given.id))
    return given


def need_own_project(project: str, researcher_id: UUID | None, *, joins: bool) -> None:
    """Raise Invalid where a project is of others and nobody has said that it is joined."""
    others = [] if joins else queries.others_in(project, researcher_id)
    if others:
        raise Invalid(
            _(
                "%(code)s is a project of %(who)s, whose releases have the same pseudonyms. Choose "
                "another code, or say that the project is joined.",
                code=project,
                who=", ".join(one.name for one in others[:5]),
            ),
            field="joins",
        )


def end_grant(grant: Grant, *, by: Viewer, reason: str) -> None:
    """End a grant now: no release is made under it and no file of it is handed out any more.

    Raises Conflict when it was ended before, Invalid without a reason.
    """
    by.need(Right.GRANT)
    if not reason.strip():
        raise Invalid(_("Say why the grant ends."), field="reason")
    if grant.ended_at is not None:
        raise Conflict(_("This grant was ended already."))
    grant.ended_at, grant.ended_by, grant.end_reason = now(), by.person_id, reason.strip()
    db.session.flush()
    audit.record("ended grant", by=by, subject=("grant", grant.id))
    people.tell([grant.researcher_id], "grant_ended", subject=("grant", grant.id))


def remind_of_the_end() -> None:
    """Tell each researcher once that a grant ends within a month; again where it was renewed since.

    Of a grant that was given for less than a month this is no news.
    """
    day = today()
    ending = db.session.scalars(
        sa.select(Grant).where(
            Grant.ended_at.is_(None),
            Grant.from_date <= day,
            Grant.until_date.between(day, day + rules.SOON),
        )
    )
    for grant in ending.all():
        first = grant.until_date - rules.SOON
        told = staff.told_about(grant.researcher_id, "grant_ends_soon", grant.id)
        if grant.from_date < first and (told is None or told.date() < first):
            people.tell([grant.researcher_id], "grant_ends_soon", subject=("grant", grant.id))


def request_release(grant: Grant, *, by: Viewer, also: Collection[str] = ()) -> Release:
    """Ask for a release under one's own grant; the worker makes it, as CSV and `also` in other
    formats (of `formats.CHOICES`).

    Asking again while one is waiting or being made gives that one. The grant must have been
    fetched with `queries.grant_to_use`.
    """
    by.need(Right.MAKE_RELEASE)
    if by.person_id is None or grant.researcher_id != by.person_id:
        raise Forbidden()
    waiting = db.session.scalar(
        sa.select(Release)
        .where(Release.grant_id == grant.id, Release.state.in_(rules.UNDER_WAY))
        .order_by(Release.number)
        .limit(1)
    )
    if waiting is not None:
        return waiting
    newest = db.session.scalar(
        sa.select(sa.func.max(Release.number)).where(Release.project == grant.project)
    )
    asked = Release(
        grant=grant,
        project=grant.project,
        number=(newest or 0) + 1,
        requested_by=by.person_id,
        criteria=_criteria(grant),
        formats=[name for name in formats.CHOICES if name in also],
    )
    db.session.add(asked)
    db.session.flush()
    audit.record(
        "asked for release",
        by=by,
        subject=("release", asked.id),
        changes={"project": [None, asked.project], "number": [None, asked.number]},
    )
    jobs.after_commit("research.make_release", str(asked.id))
    return asked


def _criteria(grant: Grant) -> dict[str, Any]:
    """Whose data, and which: what was approved with the request, else all that leaves."""
    approved = queries_requests.of_grant(grant.id)
    if approved is None:
        return rules.CRITERIA
    conditions = queries_requests.conditions(approved)
    return {
        **({"conditions": conditions} if conditions else {}),
        "consents": list(rules.CRITERIA["consents"]),
        "sentence": approved.cohort.sentence,
        "cohort": approved.cohort.criteria,
        "cohort_version": {"id": str(approved.cohort.id), "number": approved.cohort.number},
        "request": str(approved.id),
        "variables": sorted(approved.variables),
    }


def cancel_release(release: Release, *, by: Viewer) -> None:
    """Stop a release that is not made yet. Raises Conflict when it is too late.

    The release must have been fetched for its researcher (`queries.release`).
    """
    by.need(Right.MAKE_RELEASE)
    stopped = db.session.execute(
        sa.update(Release)
        .where(Release.id == release.id, Release.state.in_(rules.UNDER_WAY))
        .values(state=rules.CANCELLED, maker=None, heartbeat_at=None)
        .execution_options(synchronize_session=False)
    )
    if not stopped.rowcount:  # type: ignore[attr-defined]
        raise Conflict(_("This release is no longer under way."))
    audit.record("cancelled release", by=by, subject=("release", release.id))
    db.session.flush()


def hand_out(release_id: UUID, name: str, *, by: Viewer) -> ReleaseFile:
    """A file of one's own release, to be downloaded. Raises NotFound, Forbidden, Unreadable."""
    return as_it_was_made(queries.file_to_take(by, release_id, name), rules.DOWNLOADED, by=by)


def hand_out_all(release_id: UUID, name: str, *, by: Viewer) -> Release | None:
    """One's own release, whose files are to be downloaded as one archive of this name; None where
    that is the name of a file. Raises NotFound, Forbidden, Unreadable."""
    found = queries.all_to_take(by, release_id, name)
    if found is not None:
        for file in found.files:
            _need_intact(file, by=by)
        _note(release_id, f"{rules.DOWNLOADED}{name}", by=by)
    return found


def as_it_was_made(file: ReleaseFile, action: str, *, by: Viewer) -> ReleaseFile:
    """The file, after its checksum was compared. The release must have been found for the viewer.

    What is done with it (`rules.DOWNLOADED`, `rules.ANALYSED`) is audited. Raises Unreadable when
    the file is not what it was; that is audited too.
    """
    _need_intact(file, by=by)
    _note(file.release_id, f"{action}{file.name}", by=by)
    return file


def _need_intact(file: ReleaseFile, *, by: Viewer) -> None:
    try:
        intact = storage.sha256(file.file_id) == file.sha256
    except FileNotFoundError:
        intact = False
    if not intact:
        log.error("a file of release %s is not what it was", file.release_id)
        _note(file.release_id, f"{rules.REFUSED_ALTERED}{file.name}", by=by)
        with own_transaction() as connection:
            audit.write_reads(connection)
        raise Unreadable("a released file was altered")


def _note(release_id: UUID, action: str, *, by: Viewer) -> None:
    audit.opened(action, by=by, subject=("release", release_id), patient_id=None)
