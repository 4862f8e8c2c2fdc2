"""What is kept beside the entries: the history of their values, and when the patient is due."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from registry.db import Json, Model, Moment, new_id, now
from registry.dictionary import technical


class EntryChange(Model):
    """One change of an entry: who, when, and each value before and after. Only ever added to.

    The audit says that something was changed; this says what, to those who may read the record.
    """

    __tablename__ = "entry_change"
    __table_args__ = (sa.Index("ix_entry_change_patient_id", "patient_id", "entry_id"),)

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    patient_id: Mapped[UUID] = technical(sa.ForeignKey("patient.id"))
    entry_kind: Mapped[str] = technical(sa.String(40))
    entry_id: Mapped[UUID] = technical()
    version: Mapped[int] = technical()
    #: changed, linked, derived, error (entered in error), restored, accepted (a warning)
    kind: Mapped[str] = technical(sa.String(20))
    changes: Mapped[dict[str, Any]] = technical(Json)
    at: Mapped[datetime] = technical(Moment(), default=now)
    by: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
    organisation_id: Mapped[UUID | None] = technical(sa.ForeignKey("organisation.id"))


class SheetDraft(Model):
    """What a person typed into a page of the course and has not saved yet. No identity."""

    __tablename__ = "sheet_draft"
    __table_args__ = (
        sa.UniqueConstraint("patient_id", "person_id", "page", name="uq_sheet_draft_one"),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    version: Mapped[int] = technical(default=1)
    patient_id: Mapped[UUID] = technical(sa.ForeignKey("patient.id"))
    person_id: Mapped[UUID] = technical(sa.ForeignKey("person.id"))
    #: Which page: level1 and the tumour, visit, or one of `views.drafts`.
    page: Mapped[str] = technical(sa.String(60))
    typed: Mapped[dict[str, Any]] = technical(Json, default=dict)
    saved_at: Mapped[datetime] = technical(Moment(), default=now)

    __mapper_args__ = {"version_id_col": version}


class FollowUpPlan(Model):
    """When what is due for a patient, as derived from the record; made anew when it changes."""

    __tablename__ = "follow_up_plan"
    __table_args__ = (sa.Index("ix_follow_up_plan_next_due", "next_due", "patient_id"),)

    patient_id: Mapped[UUID] = technical(sa.ForeignKey("patient.id"), primary_key=True)
    next_due: Mapped[date | None] = technical()
    #: What the list is narrowed by: grade of `clinical.follow_up.GRADES`, a triage group, and who
    #: entered the last contact.
    grade: Mapped[str] = technical(sa.String(10), default="unknown")
    site_group: Mapped[str] = technical(sa.String(40), default="")
    clinician_id: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
    items: Mapped[list[Any]] = technical(Json, default=list)
    rule_version: Mapped[str] = technical(sa.String(40))
    made_at: Mapped[datetime] = technical(Moment(), default=now)


class FollowUpDue(Model):
    """One test of a plan, so that a centre's list is one range of an index.

    `kind`: *due*, or *early* for a test that was done before its interval. `on` orders the list:
    the day it should be done by (the day the plan was made where nothing counts from), or the day
    it was done.
    """

    __tablename__ = "follow_up_due"
    __table_args__ = (
        sa.Index("ix_follow_up_due_on", "kind", "on", "patient_id", "test"),
        sa.Index("ix_follow_up_due_test", "kind", "test", "on", "patient_id"),
    )

    patient_id: Mapped[UUID] = technical(sa.ForeignKey("patient.id"), primary_key=True)
    test: Mapped[str] = technical(sa.String(40), primary_key=True)
    kind: Mapped[str] = technical(sa.String(10), primary_key=True)
    on: Mapped[date] = technical()
    is_dated: Mapped[bool] = technical(default=True)
