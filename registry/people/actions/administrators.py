"""That there is always an administrator: asked whenever one may go."""

from __future__ import annotations

import sqlalchemy as sa

from registry.access import Role
from registry.db import db
from registry.errors import Invalid
from registry.language import gettext as _
from registry.people import queries
from registry.people.models import Membership


def lock() -> None:
    """One at a time: two administrators must not remove each other at the same moment."""
    db.session.execute(
        sa.select(Membership.id)
        .where(Membership.role == Role.ADMINISTRATOR.value)
        .order_by(Membership.id)
        .with_for_update()
    ).all()


def keep_one() -> None:
    """Raise Invalid when the change that was just made leaves no administrator."""
    db.session.flush()
    if not queries.lasting_administrators():
        raise Invalid(
            _(
                "This is the last administrator. Make somebody else an administrator first, "
                "without an end."
            )
        )
