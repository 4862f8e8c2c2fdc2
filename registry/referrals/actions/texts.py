"""Keeping texts one writes again and again."""

from __future__ import annotations

import sqlalchemy as sa

from registry import audit
from registry.access import Viewer
from registry.db import db, new_id, now
from registry.errors import Invalid
from registry.language import gettext as _
from registry.referrals.models import TextBlock

MOST = 50


def keep_text(*, by: Viewer, label: str, text: str) -> TextBlock:
    """Keep a text under a name; one of this name is replaced. Raises Invalid."""
    label, text = " ".join(label.split())[:80], text.strip()
    if not label:
        raise Invalid(_("Give the text a name."), field="label")
    if not text:
        raise Invalid(_("Write the text."), field="text")
    if len(text) > 4000:
        raise Invalid(_("This is too long to be kept."), field="text")
    own = sa.select(TextBlock).where(TextBlock.person_id == by.person_id)
    found = db.session.scalar(own.where(TextBlock.label == label))
    if found is None:
        count = db.session.scalar(sa.select(sa.func.count()).select_from(own.subquery())) or 0
        if count >= MOST:
            raise Invalid(_("You keep 50 texts. Remove one first."), field="label")
        found = TextBlock(id=new_id(), person_id=by.person_id, label=label)
        db.session.add(found)
    found.text, found.changed_at = text, now()
    db.session.flush()
    audit.record("kept a text of one's own", by=by, subject=("text_block", found.id))
    return found


def remove_text(found: TextBlock, *, by: Viewer) -> None:
    """Remove a text of the viewer's own."""
    db.session.delete(found)
    db.session.flush()
    audit.record("removed a text of one's own", by=by, subject=("text_block", found.id))
