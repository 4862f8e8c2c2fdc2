"""Bringing a long file in, in the background: nobody is held up, nothing is seen before all of it
is there, and what is cancelled or killed on the way leaves nothing (docs/decisions/0017).

The file is read and checked without a lock. New patients are then written hidden, a batch a
transaction, and shown all at once at the end. Corrections of patients who are there already come
last, record after record, through the same actions as if a person made them.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from registry.access import Viewer
from registry.db import db, now, snapshot
from registry.errors import Conflict
from registry.interop import rules, writing
from registry.interop.actions import bringing as actions
from registry.interop.changes import Applying
from registry.interop.mapping import Map
from registry.interop.models import Import, ImportChange, SourceRow, Upload
from registry.interop.planning import OnRefused, Planner, Shape, plans
from registry.interop.reports import Report
from registry.interop.rows import LISTED
from registry.interop.spool import Spool
from registry.interop.tables import Source

log = logging.getLogger("netreg.interop")

#: Patients written, and corrected, in one transaction: others wait so long at most.
BATCH = 250
_CORRECTED = 20
#: How often progress is told while nothing is written, at most.
_SECONDS = 0.5

#: Told how far it is: phase, done, total. Raises Lost when it should stop.
Tell = Callable[[str, int, int], None]


class Lost(Exception):
    """It was cancelled, or another process took it over: stop and leave nothing."""


class Busy(Exception):
    """Another import for the same centre is being written; try again when it is done."""


def no_telling(_phase: str, _done: int, _total: int) -> None:
    """Tells nobody."""


class Run:
    """One bringing in, from the file to the record. It commits its own transactions, so the
    session must hold nothing else."""

    def __init__(self, *, by: Viewer, tell: Tell = no_telling, maker: UUID | None = None) -> None:
        self._by, self._tell, self._maker = by, tell, maker
        self._told = 0.0

    # -- reading ---------------------------------------------------------------------------------

    def plan(
        self,
        by_map: Map,
        sources: Mapping[str, Source],
        shapes: Mapping[str, Shape],
        spool: Spool,
        on_refused: OnRefused | None = None,
    ) -> Report:
        """Read and check everything; nothing is written and nobody waits. Raises MapError,
        FileError, and Lost."""
        db.session.rollback()
        planner = Planner(
            by_map,
            by=self._by,
            spool=spool,
            connect=snapshot,
            progress=self._progress,
            on_refused=on_refused,
        )
        return planner.plan(sources, shapes)

    def _progress(self, items: Iterable[Any], length: int, label: str) -> Iterator[Any]:
        phase = label.lower()
        for done, item in enumerate(items):
            if not done & 63 and time.monotonic() - self._told > _SECONDS:
                self._tell(phase, done, length)
                self._told = time.monotonic()
            yield item

    # -- writing ---------------------------------------------------------------------------------

    def write(
        self,
        source: Source,
        report: Report,
        spool: Spool,
        *,
        take: frozenset[str] = frozenset(),
        begun: Callable[[UUID], None] = lambda _id: None,
        may_show: Callable[[], None] = lambda: None,
        import_id: UUID | None = None,
    ) -> Report:
        """Write what was planned. `begun` is told the import's id in the transaction that begins
        it; `may_show` is asked in the one that shows it, and raises Lost if it was cancelled;
        `import_id` is the one of an earlier try whose new patients are in. Raises Lost, Busy,
        and Conflict where somebody else brought in the same records meanwhile."""
        imported_id = import_id or self._begin(source, report, begun)
        report.import_id = imported_id
        try:
            if import_id is None:
                self._write_new(imported_id, report, spool)
                self._show(imported_id, report, spool, may_show)
        except IntegrityError as error:
            db.session.rollback()
            take_back(imported_id)
            raise Conflict("others have changed what this file is about: check it again") from error
        except BaseException:
            db.session.rollback()
            take_back(imported_id)
            raise
        self._correct(imported_id, report, spool, take)
        return report

    def _begin(self, source: Source, report: Report, begun: Callable[[UUID], None]) -> UUID:
        made = actions.new_import(source, report, by=self._by, state=rules.WRITING)
        actions.one_at_a_time(self._by)
        busy = db.session.scalar(
            sa.select(Import.id).where(
                Import.organisation_id == self._by.organisation_id,
                Import.state == rules.WRITING,
                Import.heartbeat_at > now() - rules.SILENT,
            )
        )
        if busy is not None:
            db.session.rollback()
            raise Busy
        made.maker, made.heartbeat_at = self._maker, now()
        db.session.add(made)
        db.session.flush()
        begun(made.id)
        db.session.commit()
        return made.id

    def _write_new(self, import_id: UUID, report: Report, spool: Spool) -> None:
        writer = writing.Writer(import_id, report.map, by=self._by, at=now(), hidden=True)
        done = 0
        for batch in plans(spool, BATCH):
            fresh = [plan for plan in batch if "changed" not in plan]
            if not fresh:
                continue
            rows = writer.prepare(fresh)  # before the transaction: others can write meanwhile
            done += len(fresh)
            self._alive(import_id, done)
            writer.insert(db.session.connection(), rows)
            db.session.commit()
            db.session.expunge_all()
            spool.add_told(writing.counts_of(rows))
            self._tell("writing", done, report.created)

    def _alive(self, import_id: UUID, done: int) -> None:
        alive = db.session.execute(
            sa.update(Import)
            .where(Import.id == import_id, Import.state == rules.WRITING)
            .values(heartbeat_at=now(), done=done)
            .execution_options(synchronize_session=False)
        )
        if not alive.rowcount:  # type: ignore[attr-defined]
            raise Lost

    def _show(
        self, import_id: UUID, report: Report, spool: Spool, may_show: Callable[[], None]
    ) -> None:
        """The one moment in which everything is there for everybody."""
        self._tell("showing", report.created, report.created)
        may_show()
        self._alive(import_id, report.created)
        made = db.session.get_one(Import, import_id)
        writing.show(db.session.connection(), made, spool.told(), by=self._by, at=now())
        made.state, made.maker, made.heartbeat_at = rules.DONE, None, None
        actions.record(made, report, by=self._by)
        db.session.commit()

    # -- corrections -----------------------------------------------------------------------------

    def _correct(self, import_id: UUID, report: Report, spool: Spool, take: frozenset[str]) -> None:
        """Apply the corrections, a few records a transaction. Each that is in stays in: a run
        that goes on after a kill finds the others."""
        if not report.changed:
            return
        position = db.session.scalar(
            sa.select(sa.func.coalesce(sa.func.max(ImportChange.position), -1)).where(
                ImportChange.import_id == import_id
            )
        )
        made = db.session.get_one(Import, import_id)
        applying = Applying(made, by=self._by, take=take, position=(position or 0) + 1)
        taken: list[Any] = []
        done = 0
        for batch in plans(spool, _CORRECTED):
            changed = [plan for plan in batch if "changed" in plan]
            for plan in changed:
                found = actions.apply(applying, plan, report)
                taken += found[: max(0, LISTED - len(taken))]
            done += len(changed)
            db.session.commit()
            if changed:
                self._tell("correcting", done, report.changed)
        report.changes = taken


def take_back(import_id: UUID) -> None:
    """Remove all of an import that nobody has seen, batch after batch, and the import itself."""
    while True:
        made = db.session.get(Import, import_id, populate_existing=True)
        if made is None or made.state != rules.WRITING:
            db.session.rollback()
            return
        made.heartbeat_at = now()
        if writing.take_back(db.session.connection(), import_id) == 0:
            _drop(import_id)
            db.session.commit()
            return
        db.session.commit()


def _drop(import_id: UUID) -> None:
    db.session.execute(
        sa.update(Upload)
        .where(Upload.import_id == import_id)
        .values(import_id=None)
        .execution_options(synchronize_session=False)
    )
    db.session.execute(sa.delete(Import).where(Import.id == import_id))


def left_over(moment: datetime) -> list[UUID]:
    """Imports whose process is silent while they are written."""
    query = sa.select(Import.id).where(
        Import.state == rules.WRITING, Import.heartbeat_at < moment - rules.SILENT
    )
    with snapshot() as connection:
        return list(connection.execute(query.order_by(Import.id)).scalars())


def hidden_patients(import_id: UUID) -> int:
    """How many patients of an import are written so far."""
    query = (
        sa.select(sa.func.count()).select_from(SourceRow).where(SourceRow.import_id == import_id)
    )
    return db.session.scalar(query) or 0
