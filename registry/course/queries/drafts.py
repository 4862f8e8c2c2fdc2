"""What was typed into a page of the course and is not kept yet."""

from __future__ import annotations

from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry.access import Viewer
from registry.course.models import SheetDraft
from registry.db import db


def sheet_draft(viewer: Viewer, patient_id: UUID, page: str) -> SheetDraft | None:
    """What the viewer typed into a page about a patient and has not kept yet."""
    return db.session.scalar(
        sa.select(SheetDraft).where(
            SheetDraft.patient_id == patient_id,
            SheetDraft.person_id == viewer.person_id,
            SheetDraft.page == page,
        )
    )


def drafts_of(viewer: Viewer, patient_id: UUID) -> list[SheetDraft]:
    """Everything the viewer typed about a patient and has not kept yet, the latest first."""
    given = {"patient": patient_id, "person": viewer.person_id}
    return list(db.session.scalars(_drafts(), given))


@cache
def _drafts() -> sa.Select[Any]:
    """Asked for every chart, so it is put together once."""
    return (
        sa.select(SheetDraft)
        .where(
            SheetDraft.patient_id == sa.bindparam("patient"),
            SheetDraft.person_id == sa.bindparam("person"),
        )
        .order_by(SheetDraft.saved_at.desc(), SheetDraft.id)
    )
