"""The advice given on a referral that was fetched for a viewer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from registry.db import db
from registry.people.models import Person
from registry.referrals.models import (
    Advice,
    Referral,
)


@dataclass(frozen=True)
class AdviceRow:
    """An advice as it is read."""

    id: UUID
    kinds: tuple[str, ...]
    text: str
    at: datetime
    who: str
    acknowledged_at: datetime | None
    acknowledged_by: str


def advice(found: Referral) -> list[AdviceRow]:
    """The advice given on a referral that was fetched for a viewer, oldest first."""
    return advice_of([found]).get(found.id, [])


def advice_of(found: Sequence[Referral]) -> dict[UUID, list[AdviceRow]]:
    """The advice given on several referrals, by referral, oldest first."""
    reader = aliased(Person)
    query = (
        sa.select(Advice, Person.name, reader.name)
        .outerjoin(Person, Person.id == Advice.given_by)
        .outerjoin(reader, reader.id == Advice.acknowledged_by)
        .where(Advice.referral_id.in_([one.id for one in found]))
        .order_by(Advice.at, Advice.id)
    )
    rows: dict[UUID, list[AdviceRow]] = {}
    for one, who, read_by in db.session.execute(query):
        rows.setdefault(one.referral_id, []).append(
            AdviceRow(
                one.id,
                tuple(one.kinds or ()),
                one.text or "",
                one.at,
                who or "",
                one.acknowledged_at,
                read_by or "",
            )
        )
    return rows


def unacknowledged(found: Referral) -> list[Advice]:
    """Advice that nobody has acknowledged yet."""
    query = sa.select(Advice).where(
        Advice.referral_id == found.id, Advice.acknowledged_at.is_(None)
    )
    return list(db.session.scalars(query.order_by(Advice.at, Advice.id)))
