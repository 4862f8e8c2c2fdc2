"""Recommendations: the draft that is written, and the versions that were signed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from registry.access import Right, Viewer
from registry.boards.models import (
    AgendaItem,
    Dissent,
    Meeting,
    Recommendation,
    RecommendationEdit,
    Signature,
    Vote,
)
from registry.boards.queries import meetings
from registry.db import db
from registry.errors import Forbidden, NotFound
from registry.patients import queries as patients


def _whole() -> sa.Select[Recommendation]:
    item = joinedload(Recommendation.item)
    return sa.select(Recommendation).options(
        item.joinedload(AgendaItem.meeting).joinedload(Meeting.board),
        item.joinedload(AgendaItem.meeting).joinedload(Meeting.organisation),
        item.joinedload(AgendaItem.patient),
        selectinload(Recommendation.signatures).joinedload(Signature.person),
    )


def versions(item: AgendaItem) -> list[Recommendation]:
    """The versions of what was recommended on a case that was fetched for a viewer, newest
    first; a draft is the newest."""
    query = _whole().where(Recommendation.item_id == item.id).order_by(Recommendation.number.desc())
    return list(db.session.scalars(query))


def draft(item: AgendaItem) -> Recommendation | None:
    """What is being written."""
    query = sa.select(Recommendation).where(
        Recommendation.item_id == item.id, Recommendation.locked_at.is_(None)
    )
    return db.session.scalars(query.order_by(Recommendation.number.desc())).first()


def dissents(found: Recommendation) -> Sequence[Dissent]:
    """Who disagrees, in the order in which they said so."""
    query = sa.select(Dissent).where(Dissent.recommendation_id == found.id)
    return db.session.scalars(query.order_by(Dissent.id)).all()


def typed_at(found: Recommendation, revision: int) -> dict[str, list[str]]:
    """What stood in a draft after a save; nothing before the first one."""
    query = sa.select(RecommendationEdit.typed).where(
        RecommendationEdit.recommendation_id == found.id, RecommendationEdit.revision == revision
    )
    return dict(db.session.scalar(query) or {})


def edits(found: Recommendation) -> Sequence[RecommendationEdit]:
    """Every save of a version, in order."""
    query = sa.select(RecommendationEdit).where(RecommendationEdit.recommendation_id == found.id)
    return db.session.scalars(query.order_by(RecommendationEdit.revision)).all()


def recommendation(viewer: Viewer, recommendation_id: UUID | None) -> Recommendation:
    """A signed recommendation for who follows it up: those who may know the patient, at the
    centre or at the hospital. Raises NotFound to a stranger and for a draft."""
    found = None
    if recommendation_id is not None and viewer.may(Right.FOLLOW_ADVICE):
        found = db.session.scalar(
            _whole().where(
                Recommendation.id == recommendation_id, Recommendation.locked_at.is_not(None)
            )
        )
    if found is None or not patients.relation(viewer, found.item.patient_id):
        raise NotFound()
    return found


def recommendation_to_amend(viewer: Viewer, recommendation_id: UUID | None) -> Recommendation:
    """The same for the centre's own people. Forbidden to the hospital."""
    found = recommendation(viewer, recommendation_id)
    if not meetings.is_inside(viewer, found.item.meeting.organisation_id):
        raise Forbidden()
    return found


def latest_number(item: AgendaItem) -> int:
    """The number of the newest version; 0 where there is none."""
    query = sa.select(sa.func.max(Recommendation.number)).where(Recommendation.item_id == item.id)
    return db.session.scalar(query) or 0


def signed_of(item: AgendaItem) -> Recommendation | None:
    """The version that holds: the newest that was signed."""
    query = _whole().where(Recommendation.item_id == item.id, Recommendation.locked_at.is_not(None))
    return db.session.scalars(query.order_by(Recommendation.number.desc())).first()


def next_began(item: AgendaItem) -> datetime | None:
    """When the meeting went on to another case after this one."""
    if item.discussed_at is None:
        return None
    query = sa.select(sa.func.min(AgendaItem.discussed_at)).where(
        AgendaItem.meeting_id == item.meeting_id, AgendaItem.discussed_at > item.discussed_at
    )
    return db.session.scalar(query)


def votes(item: AgendaItem) -> Sequence[Vote]:
    """What those who are consulted think."""
    query = sa.select(Vote).options(joinedload(Vote.person)).where(Vote.item_id == item.id)
    return db.session.scalars(query.order_by(Vote.at, Vote.id)).all()


def saved_by(found: Recommendation) -> tuple[UUID | None, datetime]:
    """Who saved last, and when."""
    return found.saved_by, found.saved_at
