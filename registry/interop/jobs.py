"""The worker's part of importing and exporting."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from uuid import UUID

from registry.db import db
from registry.interop import claims, exporting, wording, working
from registry.interop.models import CentreExport, Upload
from registry.jobs import job

#: Loaded with the application, so that the audit can say what was done.
WORDS = wording

log = logging.getLogger("netreg.interop")


def _each(ids: Sequence[UUID], act: Callable[[UUID], None], what: str) -> None:
    """One that fails says so itself and must not keep the others from being done."""
    for one in ids:
        try:
            act(one)
        except Exception as problem:
            db.session.rollback()
            log.warning("%s %s was not done (%s)", what, one, type(problem).__name__)


@job("interop.work", sweep=True, long=True)
def work(upload_id: str = "") -> None:
    """Check a file or bring it in; without one, all that wait or were left by the dead."""
    ids = [UUID(upload_id)] if upload_id else claims.waiting(Upload, working.BEGINS)
    _each(ids, working.work, "upload")


@job("interop.undo", sweep=True, long=True)
def undo(import_id: str = "") -> None:
    """Undo an import; without one, all that wait."""
    _each([UUID(import_id)] if import_id else working.to_undo(), working.undo_import, "undo")


@job("interop.export", sweep=True, long=True)
def export(export_id: str = "") -> None:
    """Make the file of a centre's own data; without one, all that wait."""
    ids = [UUID(export_id)] if export_id else claims.waiting(CentreExport, exporting.BEGINS)
    _each(ids, exporting.make, "export")


@job("interop.clear_up", sweep=True)
def clear_up() -> None:
    """Remove what is past its time, and what cancelled work left."""
    working.clear_up()
    exporting.clear_up()
