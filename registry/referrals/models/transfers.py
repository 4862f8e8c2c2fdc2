"""Whole examinations and slides on their way between two places."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from registry.dates import PartialDate
from registry.db import Model, Moment, new_id, now
from registry.dictionary import technical


class StudyTransfer(Model):
    """A whole examination, or slides, on its way between two image archives. The files themselves
    never come here; what is kept is what was asked for, sent and received, and where it lies."""

    __tablename__ = "study_transfer"
    __table_args__ = (
        sa.CheckConstraint(
            "state IN ('requested', 'sent', 'received', 'returned', 'not_possible')", name="state"
        ),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    version: Mapped[int] = technical(default=1)
    referral_id: Mapped[UUID] = technical(sa.ForeignKey("referral.id"), index=True)
    modality: Mapped[str] = technical(sa.String(40))  # imaging_modality, or slides
    dated: Mapped[PartialDate | None] = technical()
    state: Mapped[str] = technical(sa.String(20))
    link: Mapped[str] = technical(sa.String(500), default="")
    note: Mapped[str] = technical(sa.String(200), default="")
    entered_at: Mapped[datetime] = technical(Moment(), default=now)
    entered_by: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
    changed_at: Mapped[datetime] = technical(Moment(), default=now)
    changed_by: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
    organisation_id: Mapped[UUID | None] = technical(sa.ForeignKey("organisation.id"))

    __mapper_args__ = {"version_id_col": version}
