"""Pairs that may be one person, what was said of them, and records that were joined."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from registry.db import Json, Model, Moment, new_id, now
from registry.dictionary import technical
from registry.keys import ring
from registry.patients.matching import states


def _listed(words: Any) -> str:
    return ", ".join(f"'{word}'" for word in words)


class MatchDue(Model):
    """A patient who is to be compared with all others: registered, brought in, or corrected."""

    __tablename__ = "match_due"
    __table_args__ = (sa.Index("ix_match_due_at", "at"),)

    patient_id: Mapped[UUID] = technical(sa.ForeignKey("patient.id"), primary_key=True)
    at: Mapped[datetime] = technical(Moment(), default=now)


class Match(Model):
    """Two patients who may be one person. `first_id` was known longer; its side is asked first.

    `agreement` says at which level each field agrees, and holds no value of a field. A pair that
    was decided to be two people stays, so that nobody is asked again.
    """

    __tablename__ = "match_pair"
    __table_args__ = (
        sa.UniqueConstraint("first_id", "second_id", name="uq_match_pair_two"),
        sa.CheckConstraint("first_id <> second_id", name="two"),
        sa.CheckConstraint(f"state IN ({_listed(states.STATES)})", name="state"),
        sa.CheckConstraint(f"asked IN ({_listed(states.ASKED)})", name="asked"),
        sa.CheckConstraint("(decided_at IS NULL) = (state IN ('open', 'same'))", name="decided"),
        sa.Index("ix_match_pair_second_id", "second_id"),
        sa.Index("ix_match_pair_state", "state", "found_at"),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    version: Mapped[int] = technical(default=1)
    first_id: Mapped[UUID] = technical(sa.ForeignKey("patient.id"))
    second_id: Mapped[UUID] = technical(sa.ForeignKey("patient.id"))
    score: Mapped[float] = technical(sa.Float())
    agreement: Mapped[dict[str, Any]] = technical(Json)
    rule_version: Mapped[str] = technical(sa.String(20))
    found_at: Mapped[datetime] = technical(Moment(), default=now)
    state: Mapped[str] = technical(sa.String(10), default=states.OPEN)
    #: Who is asked: those entitled to both, the side that knew its patient longer, or each side.
    asked: Mapped[str] = technical(sa.String(10))
    decided_at: Mapped[datetime | None] = technical(Moment())
    decided_by: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
    decided_organisation_id: Mapped[UUID | None] = technical(sa.ForeignKey("organisation.id"))

    __mapper_args__ = {"version_id_col": version}


class MatchAnswer(Model):
    """What one side said of a pair. Only ever added to; the newest of a side holds."""

    __tablename__ = "match_answer"
    __table_args__ = (
        sa.CheckConstraint(f"answer IN ({_listed(states.ANSWERS)})", name="answer"),
        sa.CheckConstraint(f"side IN ({_listed(states.SIDES)})", name="side"),
        sa.Index("ix_match_answer_match_id", "match_id", "at", "id"),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    match_id: Mapped[UUID] = technical(sa.ForeignKey("match_pair.id"))
    #: Whose patient the answer is about: first, second, or both.
    side: Mapped[str] = technical(sa.String(10))
    answer: Mapped[str] = technical(sa.String(10))
    because: Mapped[str] = technical(sa.Text(), default="")
    at: Mapped[datetime] = technical(Moment(), default=now)
    by: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
    organisation_id: Mapped[UUID | None] = technical(sa.ForeignKey("organisation.id"))


class Merge(Model):
    """One record that was joined to another, and everything needed to take them apart again.

    `before` has the ids of the rows of both as they stood, and what they pointed to; no value of
    a patient is in it. `taken` names the columns of identity that came from the joined record.
    """

    __tablename__ = "patient_merge"
    __table_args__ = (
        sa.CheckConstraint("kept_id <> moved_id", name="two"),
        sa.CheckConstraint("(undone_at IS NULL) = (undone_because IS NULL)", name="undone"),
        sa.Index(
            "uq_patient_merge_in_force",
            "moved_id",
            unique=True,
            sqlite_where=sa.text("undone_at IS NULL"),
            postgresql_where=sa.text("undone_at IS NULL"),
        ),
        sa.Index("ix_patient_merge_kept_id", "kept_id"),
    )

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    version: Mapped[int] = technical(default=1)
    kept_id: Mapped[UUID] = technical(sa.ForeignKey("patient.id"))
    moved_id: Mapped[UUID] = technical(sa.ForeignKey("patient.id"))
    match_id: Mapped[UUID | None] = technical(sa.ForeignKey("match_pair.id"), index=True)
    because: Mapped[str] = technical(sa.Text())
    at: Mapped[datetime] = technical(Moment(), default=now)
    by: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
    organisation_id: Mapped[UUID | None] = technical(sa.ForeignKey("organisation.id"))
    before: Mapped[dict[str, Any]] = technical(Json)
    taken: Mapped[list[Any]] = technical(Json, default=list)
    undone_at: Mapped[datetime | None] = technical(Moment())
    undone_by: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
    undone_because: Mapped[str | None] = technical(sa.Text())

    __mapper_args__ = {"version_id_col": version}


class IdentityChange(Model):
    """Who a patient was before a correction: sealed, so that it can be put back."""

    __tablename__ = "identity_change"
    __table_args__ = (sa.Index("ix_identity_change_patient_id", "patient_id", "at", "id"),)

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    patient_id: Mapped[UUID] = technical(sa.ForeignKey("patient.id"))
    #: corrected, restored, joined, or taken apart
    kind: Mapped[str] = technical(sa.String(20))
    #: The columns that changed; their values before are in `before`.
    names: Mapped[list[Any]] = technical(Json)
    before: Mapped[str] = technical(sa.Text())
    at: Mapped[datetime] = technical(Moment(), default=now)
    by: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
    organisation_id: Mapped[UUID | None] = technical(sa.ForeignKey("organisation.id"))

    def hide(self, values: dict[str, str | None]) -> None:
        """Seal the values there were before. The row must have its id."""
        text = json.dumps(values, ensure_ascii=False)
        self.before = ring().seal(text, "identity_change", "before", self.id)

    def reveal(self) -> dict[str, str | None]:
        """Open the values there were before."""
        opened: dict[str, str | None] = json.loads(
            ring().open(self.before, "identity_change", "before", self.id)
        )
        return opened
