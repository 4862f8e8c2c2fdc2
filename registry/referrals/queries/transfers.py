"""Where whole examinations of a referral are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from registry.dates import PartialDate
from registry.db import db
from registry.errors import NotFound
from registry.people import queries as people
from registry.referrals.models import Referral, StudyTransfer


@dataclass(frozen=True)
class TransferRow:
    """An examination on its way, as it is listed."""

    id: UUID
    version: int
    modality: str
    dated: PartialDate | None
    state: str
    link: str
    note: str
    changed_at: datetime
    changed_by: str


def transfers(referral: Referral) -> list[TransferRow]:
    """The examinations of a referral that was fetched for the viewer, the oldest first."""
    found = db.session.scalars(
        sa.select(StudyTransfer)
        .where(StudyTransfer.referral_id == referral.id)
        .order_by(StudyTransfer.entered_at, StudyTransfer.id)
        .limit(100)
    ).all()
    names = people.person_names(one.changed_by for one in found)
    return [
        TransferRow(
            one.id,
            one.version,
            one.modality,
            one.dated,
            one.state,
            one.link,
            one.note,
            one.changed_at,
            names.get(one.changed_by, "") if one.changed_by else "",
        )
        for one in found
    ]


def transfer(referral: Referral, transfer_id: UUID | None) -> StudyTransfer:
    """One examination of a referral that was fetched for the viewer. Raises NotFound."""
    found = db.session.get(StudyTransfer, transfer_id) if transfer_id else None
    if found is None or found.referral_id != referral.id:
        raise NotFound()
    return found
