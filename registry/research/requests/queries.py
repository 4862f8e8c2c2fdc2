"""Reading requests for access: one's own, and for the committee those that were sent."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from registry.access import Right, Viewer
from registry.db import db
from registry.errors import NotFound
from registry.research import rules
from registry.research.models import (
    AccessRequest,
    Cohort,
    CohortVersion,
    Grant,
    Output,
    Release,
    RequestEvent,
)


def mine(viewer: Viewer, limit: int = 100) -> Sequence[AccessRequest]:
    """One's own requests, the last changed first."""
    viewer.need(Right.COUNT)
    return db.session.scalars(
        sa.select(AccessRequest)
        .where(AccessRequest.researcher_id == viewer.person_id)
        .order_by(AccessRequest.changed_at.desc(), AccessRequest.id.desc())
        .limit(limit)
    ).all()


def sent(viewer: Viewer, limit: int = 200) -> Sequence[AccessRequest]:
    """Those that were sent to the committee; what waits for it comes first."""
    viewer.need(Right.GRANT)
    waiting = sa.case((AccessRequest.state == rules.SUBMITTED, 0), else_=1)
    return db.session.scalars(
        sa.select(AccessRequest)
        .where(AccessRequest.state.not_in((rules.DRAFT, rules.WITHDRAWN)))
        .options(joinedload(AccessRequest.researcher))
        .order_by(waiting, AccessRequest.changed_at.desc(), AccessRequest.id.desc())
        .limit(limit)
    ).all()


def request(viewer: Viewer, request_id: UUID) -> AccessRequest:
    """One's own request, or for the committee one that was sent. Raises NotFound."""
    viewer.need(Right.READ_REQUEST)
    found = db.session.scalar(
        sa.select(AccessRequest)
        .where(AccessRequest.id == request_id)
        .options(
            joinedload(AccessRequest.researcher),
            joinedload(AccessRequest.cohort),
            selectinload(AccessRequest.events).joinedload(RequestEvent.by),
        )
    )
    if found is None:
        raise NotFound()
    if found.researcher_id != viewer.person_id and (
        found.state == rules.DRAFT or not viewer.may(Right.GRANT)
    ):
        raise NotFound()
    return found


def grant_of(found: AccessRequest) -> Grant | None:
    """The grant that was given for a request that was fetched for a viewer; None before that."""
    return db.session.get(Grant, found.grant_id) if found.grant_id else None


def cohort_name(found: AccessRequest) -> str:
    """What its researcher calls the cohort of a request that was fetched for a viewer."""
    return (
        db.session.scalar(sa.select(Cohort.name).where(Cohort.id == found.cohort.cohort_id)) or ""
    )


def conditions(found: AccessRequest) -> str:
    """The conditions under which a request was approved, or renewed the last time."""
    decided = (one for one in reversed(found.events) if one.step in ("approve", "renew"))
    return next((one.text for one in decided), "")


def of_grant(grant_id: UUID) -> AccessRequest | None:
    """The request a grant was given for, in its version in force; None where the committee gave
    it without one."""
    return db.session.scalar(
        sa.select(AccessRequest)
        .where(AccessRequest.grant_id == grant_id, AccessRequest.state != rules.REPLACED)
        .options(joinedload(AccessRequest.cohort))
    )


def earlier_and_later(found: AccessRequest) -> tuple[AccessRequest | None, AccessRequest | None]:
    """The version a request amends, and the latest that amends it and can be read by both sides."""
    earlier = db.session.get(AccessRequest, found.amends_id) if found.amends_id else None
    later = db.session.scalar(
        sa.select(AccessRequest)
        .where(AccessRequest.amends_id == found.id)
        .order_by(AccessRequest.made_at.desc(), AccessRequest.id.desc())
        .limit(1)
    )
    return earlier, later


def releases_of(found: AccessRequest) -> Sequence[Release]:
    """The releases made under a request that was fetched for a viewer, the newest first."""
    if found.grant_id is None:
        return []
    return db.session.scalars(
        sa.select(Release)
        .where(Release.grant_id == found.grant_id, Release.state == rules.MADE)
        .order_by(Release.number.desc())
        .limit(200)
    ).all()


def outputs(found: AccessRequest) -> Sequence[Output]:
    """What came of a request that was fetched for a viewer, in all its versions."""
    if found.grant_id is None:
        return []
    return db.session.scalars(
        sa.select(Output)
        .join(AccessRequest, AccessRequest.id == Output.request_id)
        .where(AccessRequest.grant_id == found.grant_id)
        .options(joinedload(Output.release))
        .order_by(Output.added_at.desc(), Output.id.desc())
        .limit(200)
    ).all()


def outputs_of_release(release_id: UUID) -> Sequence[Output]:
    """What came of a release that was fetched for a viewer."""
    return db.session.scalars(
        sa.select(Output)
        .where(Output.release_id == release_id)
        .order_by(Output.added_at.desc(), Output.id.desc())
        .limit(200)
    ).all()


def versions(viewer: Viewer) -> Sequence[tuple[UUID, str, int]]:
    """(id, name, number) of the saved versions of one's own cohorts, the newest first."""
    viewer.need(Right.COUNT)
    query = (
        sa.select(CohortVersion.id, Cohort.name, CohortVersion.number)
        .join(Cohort, Cohort.id == CohortVersion.cohort_id)
        .where(Cohort.owner_id == viewer.person_id)
        .order_by(CohortVersion.saved_at.desc(), CohortVersion.id.desc())
        .limit(200)
    )
    return [(one, name, number) for one, name, number in db.session.execute(query)]


def version(viewer: Viewer, version_id: UUID | None) -> CohortVersion | None:
    """A saved version of one's own cohort."""
    return db.session.scalar(
        sa.select(CohortVersion)
        .join(Cohort, Cohort.id == CohortVersion.cohort_id)
        .where(CohortVersion.id == version_id, Cohort.owner_id == viewer.person_id)
    )
