"""The agenda of a meeting: patients, in an order, with what is missing about each."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, relationship

from registry.boards.models.meeting import Meeting, listed
from registry.boards.rules import agenda as rules
from registry.db import Model, Moment, new_id, now
from registry.dictionary import technical
from registry.patients.models import Patient
from registry.people.models import Person


class AgendaItem(Model):
    """A patient on the agenda of a meeting, with the referral that is answered, if there is one."""

    __tablename__ = "agenda_item"
    __table_args__ = (
        sa.CheckConstraint(f"state IN ({listed(rules.STATES)})", name="state"),
        sa.CheckConstraint(f"why IN ({listed(rules.WHY)})", name="why"),
        sa.CheckConstraint("(state = 'deferred') = (deferred_for <> '')", name="deferred"),
        sa.UniqueConstraint("meeting_id", "patient_id", name="uq_agenda_item_patient"),
        sa.Index("ix_agenda_item_order", "meeting_id", "place", "id"),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    version: Mapped[int] = technical(default=1)
    meeting_id: Mapped[UUID] = technical(sa.ForeignKey("meeting.id"))
    patient_id: Mapped[UUID] = technical(sa.ForeignKey("patient.id"), index=True)
    referral_id: Mapped[UUID | None] = technical(sa.ForeignKey("referral.id"), index=True)
    why: Mapped[str] = technical(sa.String(12))  # referral, review, own
    place: Mapped[int] = technical(default=0)
    state: Mapped[str] = technical(sa.String(12), default=rules.LISTED)
    question: Mapped[str] = technical(sa.String(40), default="")
    question_text: Mapped[str] = technical(sa.Text(), default="")
    presenter_id: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
    images_link: Mapped[str] = technical(sa.String(500), default="")
    pathology_link: Mapped[str] = technical(sa.String(500), default="")
    late_because: Mapped[str] = technical(sa.String(300), default="")  # listed after the cut-off
    deferred_for: Mapped[str] = technical(sa.String(30), default="")
    deferred_text: Mapped[str] = technical(sa.String(500), default="")
    carried_from_id: Mapped[UUID | None] = technical(sa.ForeignKey("agenda_item.id"), index=True)
    discussed_at: Mapped[datetime | None] = technical(Moment())
    listed_at: Mapped[datetime] = technical(Moment(), default=now)
    listed_by: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))

    meeting: Mapped[Meeting] = relationship()
    patient: Mapped[Patient] = relationship()
    presenter: Mapped[Person | None] = relationship(foreign_keys=[presenter_id])
    needs: Mapped[list[AgendaNeed]] = relationship(back_populates="item", order_by="AgendaNeed.id")

    __mapper_args__ = {"version_id_col": version}


class AgendaNeed(Model):
    """Something the board needs for a case, who is asked for it, and when it came."""

    __tablename__ = "agenda_need"
    __table_args__ = (
        sa.CheckConstraint("(met_at IS NULL) = (met_by IS NULL)", name="met"),
        sa.CheckConstraint("person_id IS NOT NULL OR asked_of <> ''", name="asked"),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    item_id: Mapped[UUID] = technical(sa.ForeignKey("agenda_item.id"), index=True)
    what: Mapped[str] = technical(sa.String(300))
    asked_of: Mapped[str] = technical(sa.String(120), default="")  # in words, without account
    person_id: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
    asked_at: Mapped[datetime] = technical(Moment(), default=now)
    asked_by: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
    met_at: Mapped[datetime | None] = technical(Moment())
    met_by: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))

    item: Mapped[AgendaItem] = relationship(back_populates="needs")
    person: Mapped[Person | None] = relationship(foreign_keys=[person_id])
