"""What was sent, what happened to it, and what is asked; of a referral fetched for a viewer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry.access import Viewer
from registry.db import db
from registry.people.models import Organisation, Person
from registry.referrals import rules
from registry.referrals.models import (
    InformationRequest,
    Referral,
    ReferralEvent,
    Submission,
)


def submissions(found: Referral) -> list[Submission]:
    """What was sent with a referral that was fetched for a viewer, the newest first."""
    query = (
        sa.select(Submission)
        .where(Submission.referral_id == found.id)
        .order_by(Submission.number.desc())
    )
    return list(db.session.scalars(query))


def latest_submission(found: Referral) -> Submission | None:
    """What was sent last."""
    query = (
        sa.select(Submission)
        .where(Submission.referral_id == found.id)
        .order_by(Submission.number.desc())
        .limit(1)
    )
    return db.session.scalars(query).first()


@dataclass(frozen=True)
class EventRow:
    """A step that was taken, as it is listed."""

    at: datetime
    step: str
    from_state: str
    to_state: str
    who: str
    place: str
    text: str
    shown_to: str
    id: UUID
    organisation_id: UUID | None
    details: Mapping[str, Any]

    @classmethod
    def of(cls, event: ReferralEvent, who: str | None, place: str | None) -> EventRow:
        """An event with the names of who took the step, and where."""
        return cls(
            event.at,
            event.step,
            event.from_state,
            event.to_state,
            who or "",
            place or "",
            event.text,
            event.shown_to,
            event.id,
            event.organisation_id,
            event.details or {},
        )


def events(viewer: Viewer, found: Referral) -> list[EventRow]:
    """What happened, oldest first; what only the centre sees is shown to the centre alone."""
    return events_of(viewer, [found]).get(found.id, [])


def events_of(viewer: Viewer, found: Sequence[Referral]) -> dict[UUID, list[EventRow]]:
    """What happened to several referrals, by referral, oldest first."""
    query = (
        sa.select(ReferralEvent, Person.name, Organisation.name)
        .outerjoin(Person, Person.id == ReferralEvent.person_id)
        .outerjoin(Organisation, Organisation.id == ReferralEvent.organisation_id)
        .where(ReferralEvent.referral_id.in_([one.id for one in found]))
        .order_by(ReferralEvent.at, ReferralEvent.id)
    )
    rows: dict[UUID, list[EventRow]] = {}
    for event, who, place in db.session.execute(query):
        # What only a centre sees is not for the next centre either.
        if event.shown_to == "both" or event.organisation_id == viewer.organisation_id:
            rows.setdefault(event.referral_id, []).append(EventRow.of(event, who, place))
    return rows


def last_event(found: Referral) -> tuple[str, str, datetime] | None:
    """Who took the last step, which, and when: to tell the one who came second."""
    query = (
        sa.select(Person.name, ReferralEvent.step, ReferralEvent.at)
        .outerjoin(Person, Person.id == ReferralEvent.person_id)
        .where(ReferralEvent.referral_id == found.id)
        .order_by(ReferralEvent.at.desc(), ReferralEvent.id.desc())
        .limit(1)
    )
    row = db.session.execute(query).first()
    return (row[0] or "", row[1], row[2]) if row else None


def open_request(found: Referral) -> InformationRequest | None:
    """What the centre asked for and has not been told yet."""
    query = (
        sa.select(InformationRequest)
        .where(
            InformationRequest.referral_id == found.id,
            InformationRequest.answered_at.is_(None),
            InformationRequest.withdrawn_at.is_(None),
        )
        .order_by(InformationRequest.asked_at.desc(), InformationRequest.id.desc())
    )
    return db.session.scalars(query).first()


def other_live(found: Referral) -> bool:
    """Is another referral of the same patient still with the same centre?"""
    query = sa.select(Referral.id).where(
        Referral.patient_id == found.patient_id,
        Referral.to_organisation_id == found.to_organisation_id,
        Referral.id != found.id,
        Referral.phase.in_([rules.LIVE, rules.ANSWERED]),
    )
    return db.session.scalars(query.limit(1)).first() is not None


def others_of_patient(found: Referral) -> list[Referral]:
    """The other referrals of the same patient that were sent or are drafts."""
    query = sa.select(Referral).where(
        Referral.patient_id == found.patient_id,
        Referral.id != found.id,
        sa.or_(Referral.submitted_at.is_not(None), Referral.state == rules.DRAFT),
    )
    return list(db.session.scalars(query.order_by(Referral.id)))
