"""A referral: the row that the lists read."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, relationship

from registry.db import Json, Model, Moment, new_id, now
from registry.dictionary import Identity, Level, technical, variable
from registry.language import lazy_gettext as _l
from registry.patients.models import Patient
from registry.people.models import Organisation
from registry.referrals import rules


def _listed(words: Any) -> str:
    return ", ".join(f"'{word}'" for word in words)


#: The order of the worklist.
_ORDER = ("urgency_rank", "deadline", "id")


class Referral(Model):
    """A case sent, or to be sent, to a reference centre. Who the patient is stands in `patient`.

    The columns from `site_group` on repeat what was sent last, so that the worklist reads one row
    a case; `phase` follows from `state` and orders the worklist's index.
    """

    __tablename__ = "referral"
    __table_args__ = (
        sa.CheckConstraint(f"state IN ({_listed(rules.STATES)})", name="state"),
        sa.CheckConstraint(f"clock IN ({_listed(rules.CLOCK_STATES)})", name="clock"),
        sa.CheckConstraint("(clock = 'stopped') = (stopped_since IS NOT NULL)", name="stopped"),
        sa.CheckConstraint(
            "draft IS NULL OR state IN ('draft', 'information_requested')", name="draft"
        ),
        sa.CheckConstraint(
            "phase IN ('draft', 'ended') OR (submitted_at IS NOT NULL AND deadline IS NOT NULL)",
            name="submitted",
        ),
        # The worklist in its order, page by page: one range of this index.
        sa.Index(
            "ix_referral_worklist",
            "to_organisation_id",
            "phase",
            "urgency_rank",
            "deadline",
            "id",
        ),
        # The same within each filter, and what moved last.
        sa.Index("ix_referral_by_state", "to_organisation_id", "state", *_ORDER),
        sa.Index("ix_referral_by_site", "to_organisation_id", "phase", "site_group", *_ORDER),
        sa.Index("ix_referral_by_grade", "to_organisation_id", "phase", "grade_group", *_ORDER),
        sa.Index("ix_referral_by_assignee", "to_organisation_id", "phase", "assignee_id", *_ORDER),
        sa.Index("ix_referral_moved", "to_organisation_id", "moved_at"),
        sa.Index("ix_referral_submitted_at", "submitted_at"),
        # What is late at a centre, or about to be: a range of each of these.
        sa.Index(
            "ix_referral_late_look_due",
            "to_organisation_id",
            "look_due",
            sqlite_where=sa.text("phase = 'live' AND look_due IS NOT NULL"),
            postgresql_where=sa.text("phase = 'live' AND look_due IS NOT NULL"),
        ),
        sa.Index(
            "ix_referral_late_deadline",
            "to_organisation_id",
            "deadline",
            sqlite_where=sa.text("phase = 'live'"),
            postgresql_where=sa.text("phase = 'live'"),
        ),
        sa.Index("ix_referral_hospital", "from_organisation_id", "id"),
        sa.Index("ix_referral_entered", "entered_at_organisation_id", "id"),
        sa.Index("ix_referral_patient_id", "patient_id"),
        # How long advice took lately, for the directory of centres.
        sa.Index("ix_referral_advised_at", "advised_at"),
    )
    entity = "referral"
    entity_label = _l("Referral")
    entity_order = 2

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    version: Mapped[int] = technical(default=1)
    form_key: Mapped[UUID] = technical(unique=True)  # of the first page: sent twice, made once
    state: Mapped[str] = technical(sa.String(30), default=rules.DRAFT)
    phase: Mapped[str] = technical(sa.String(10), default=rules.DRAFT)
    patient_id: Mapped[UUID] = technical(sa.ForeignKey("patient.id"))
    from_organisation_id: Mapped[UUID] = variable(
        sa.ForeignKey("organisation.id"),
        label=_l("Referring hospital"),
        kind="organisation",
        level=Level.MINIMAL,
        identity=Identity.WITHHELD,
        item="referring_hospital",
        nullable=False,
    )
    to_organisation_id: Mapped[UUID] = technical(sa.ForeignKey("organisation.id"))
    referrer_id: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
    entered_by: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
    # Where a coordinator entered it for a doctor of another hospital; else the hospital itself.
    entered_at_organisation_id: Mapped[UUID] = technical(sa.ForeignKey("organisation.id"))
    assignee_id: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
    created_at: Mapped[datetime] = technical(Moment(), default=now)
    # When the last step was written: no step leaves the row, and so its version, as it was.
    moved_at: Mapped[datetime] = technical(Moment(), default=now)

    draft: Mapped[dict[str, Any] | None] = technical(Json)  # as typed, without identity
    draft_saved_at: Mapped[datetime | None] = technical(Moment())
    draft_saved_by: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))

    question: Mapped[str | None] = variable(
        label=_l("Question to the centre"), codes="question", level=Level.MINIMAL
    )
    question_text: Mapped[str | None] = variable(
        sa.Text(),
        label=_l("The question in your words"),
        help=_l("Why now, and what should be decided. Do not write the patient's name here."),
        identity=Identity.FREE_TEXT,
    )
    urgency_stated: Mapped[str | None] = variable(
        label=_l("Urgency as you see it"), codes="urgency", level=Level.MINIMAL
    )
    red_flags: Mapped[list[Any] | None] = variable(
        Json,
        label=_l("Red flags"),
        help=_l("Do not wait for an answer here: ring the centre."),
        kind="codes",
        codes="red_flag",
    )
    syndrome_controlled: Mapped[str | None] = variable(
        label=_l("Symptoms of the syndrome controlled"), kind="yes_no", absent=("not_known",)
    )
    treated: Mapped[str | None] = variable(
        label=_l("Any treatment so far"), kind="yes_no", absent=("not_known",)
    )
    on_behalf_of: Mapped[str | None] = variable(
        sa.String(200), label=_l("Referring doctor"), identity=Identity.WITHHELD
    )
    contact_name: Mapped[str | None] = variable(
        sa.String(200), label=_l("Who answers questions"), identity=Identity.WITHHELD
    )
    contact_telephone: Mapped[str | None] = variable(
        sa.String(60), label=_l("Telephone"), identity=Identity.WITHHELD
    )
    contact_email: Mapped[str | None] = variable(
        sa.String(254), label=_l("E-mail address"), identity=Identity.WITHHELD
    )
    absent: Mapped[dict[str, Any]] = technical(Json, default=dict)

    submitted_at: Mapped[datetime | None] = variable(
        Moment(),
        label=_l("Date referral received"),
        kind="moment",
        level=Level.MINIMAL,
        identity=Identity.WITHHELD,
        item="received_date",
    )
    decided_at: Mapped[datetime | None] = technical(Moment())
    advised_at: Mapped[datetime | None] = technical(Moment())
    ended_at: Mapped[datetime | None] = technical(Moment())

    site_group: Mapped[str] = technical(sa.String(30), default="")
    primary_site: Mapped[str] = technical(sa.String(10), default="")
    grade_category: Mapped[str] = technical(sa.String(40), default="")
    grade_group: Mapped[str] = technical(sa.String(10), default="")
    grade_status: Mapped[str] = technical(sa.String(20), default="")
    stage: Mapped[str] = technical(sa.String(20), default="")
    stage_derived: Mapped[bool] = technical(default=False)  # else as stated
    syndrome: Mapped[str] = technical(sa.String(40), default="")
    urgency_rank: Mapped[int] = technical(default=3)
    urgency_derived: Mapped[dict[str, Any] | None] = technical(Json)  # the answer with its reasons
    missing_count: Mapped[int] = technical(default=0)
    deadline: Mapped[date | None] = technical(sa.Date())  # of what the centre owes next
    answer_due: Mapped[date | None] = technical(sa.Date())  # of the advice
    clock: Mapped[str] = technical(sa.String(10), default="")
    stopped_since: Mapped[datetime | None] = technical(Moment())
    paused_days: Mapped[int] = technical(default=0)
    paused_working_days: Mapped[int] = technical(default=0)
    # From when the centre's targets count: when it was sent, or passed on to this centre. How long
    # the patient has been waiting counts from `submitted_at`, whatever happens.
    clock_from: Mapped[datetime | None] = technical(Moment())
    look_due: Mapped[date | None] = technical(sa.Date())  # of the first look, until it was taken
    escalated_at: Mapped[datetime | None] = technical(Moment())  # the centre's lead was told
    # When either side last said or did something the other may read, and which organisation.
    said_at: Mapped[datetime | None] = technical(Moment())
    said_by: Mapped[UUID | None] = technical()
    # For waiting times: the first look of any centre, nothing missing any more, on a board's list.
    first_look_at: Mapped[datetime | None] = technical(Moment())
    complete_at: Mapped[datetime | None] = technical(Moment())
    listed_at: Mapped[datetime | None] = technical(Moment())
    board_on: Mapped[date | None] = technical(sa.Date())  # the board day that is wished for

    patient: Mapped[Patient] = relationship()
    from_organisation: Mapped[Organisation] = relationship(foreign_keys=[from_organisation_id])
    to_organisation: Mapped[Organisation] = relationship(foreign_keys=[to_organisation_id])

    __mapper_args__ = {"version_id_col": version}

    @property
    def urgency(self) -> str:
        """The urgency that orders the worklist: the higher of stated and derived."""
        return rules.urgency_of(self.urgency_rank)

    @property
    def pause(self) -> rules.Pause:
        """How long the centre's clock stood still until it last ran on."""
        return rules.Pause(self.paused_days, self.paused_working_days)

    @property
    def entered_for_another(self) -> bool:
        """Did a coordinator enter it for a doctor of another hospital?"""
        return self.entered_at_organisation_id != self.from_organisation_id

    def move(self, state: str) -> None:
        """Stand in another state."""
        self.state, self.phase = state, rules.PHASE[state]
