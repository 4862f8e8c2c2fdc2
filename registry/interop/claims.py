"""The right of one process to work on one thing, as long as it shows signs of life."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry.db import db, new_id, now, own_transaction, snapshot
from registry.interop import rules
from registry.interop.running import Lost

_SECONDS = 0.5


class Claim:
    """The right to work on a row that has `state`, `maker` and `heartbeat_at`.

    `begins` maps the state in which work is asked for to the one while it is done.
    """

    def __init__(self, model: type[Any], row_id: UUID, begins: Mapping[str, str]) -> None:
        self._model, self.row_id, self._begins = model, row_id, begins
        self.maker = new_id()
        self._told = 0.0

    def take(self) -> bool:
        """Take what waits, or what a silent maker left. False where another has it."""
        model, moment = self._model, now()
        db.session.rollback()
        with own_transaction() as connection:
            for asked, working in self._begins.items():
                taken = connection.execute(
                    sa.update(model)
                    .where(
                        model.id == self.row_id,
                        sa.or_(
                            model.state == asked,
                            sa.and_(
                                model.state == working,
                                model.heartbeat_at < moment - rules.SILENT,
                            ),
                        ),
                    )
                    .values(
                        state=working,
                        maker=self.maker,
                        heartbeat_at=moment,
                        attempts=model.attempts + 1,
                    )
                )
                if taken.rowcount:
                    return True
        return False

    def tell(self, **values: Any) -> None:
        """Write progress and a sign of life. Raises Lost when it is no longer ours."""
        db.session.rollback()
        with own_transaction() as connection:
            written = connection.execute(self._mine().values(heartbeat_at=now(), **values))
        if not written.rowcount:
            raise Lost
        self._told = time.monotonic()

    def progress(self, **values: Any) -> None:
        """Show how far it is, at most twice a second."""
        if time.monotonic() - self._told >= _SECONDS:
            self.tell(**values)

    def _mine(self) -> Any:
        return sa.update(self._model).where(
            self._model.id == self.row_id, self._model.maker == self.maker
        )

    def ours(self) -> Any:
        """The row to write to in the session. Raises Lost when it is no longer ours."""
        found = db.session.scalar(
            sa.select(self._model)
            .where(self._model.id == self.row_id, self._model.maker == self.maker)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        if found is None:
            raise Lost
        return found


def waiting(model: type[Any], begins: Mapping[str, str]) -> list[UUID]:
    """What waits for a worker, or was left by a silent one; oldest first."""
    moment = now()
    query = sa.select(model.id).where(
        sa.or_(
            model.state.in_(list(begins)),
            sa.and_(
                model.state.in_(list(begins.values())), model.heartbeat_at < moment - rules.SILENT
            ),
        )
    )
    with snapshot() as connection:
        return list(connection.execute(query.order_by(model.id)).scalars())
