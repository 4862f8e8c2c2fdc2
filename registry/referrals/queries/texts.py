"""Texts that somebody keeps for themselves."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa

from registry.access import Viewer
from registry.db import db
from registry.errors import NotFound
from registry.referrals.models import TextBlock


def texts(viewer: Viewer) -> Sequence[TextBlock]:
    """The viewer's own texts, by name."""
    query = sa.select(TextBlock).where(TextBlock.person_id == viewer.person_id)
    return db.session.scalars(query.order_by(TextBlock.label, TextBlock.id).limit(100)).all()


def text(viewer: Viewer, text_id: UUID | None) -> TextBlock:
    """One of the viewer's own texts. NotFound for anybody else's."""
    found = db.session.get(TextBlock, text_id) if text_id else None
    if found is None or found.person_id != viewer.person_id:
        raise NotFound()
    return found
