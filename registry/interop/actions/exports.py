"""Asking for the centre's own data, and handing the file out."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa

from registry import audit, jobs
from registry.access import Right, Viewer
from registry.db import db, new_id, now
from registry.errors import Conflict, Forbidden, Invalid
from registry.interop import rules
from registry.interop.models import CentreExport
from registry.language import gettext as _


def ask_export(*, by: Viewer, kind: str, reason: str, form_key: UUID) -> CentreExport:
    """Ask for all data of the centre's own patients; the worker makes the file.

    The same form sent twice makes one. Raises Invalid without a reason or kind.
    """
    by.need(Right.EXPORT_OWN)
    if by.person_id is None:
        raise Forbidden()
    there = db.session.scalar(sa.select(CentreExport).where(CentreExport.form_key == form_key))
    if there is not None:
        if there.person_id != by.person_id:
            raise Conflict()
        return there
    if kind not in rules.EXPORT_KINDS:
        raise Invalid(_("Choose one of the options."), field="kind")
    if len(reason.strip()) < 5:
        raise Invalid(_("Say what the data are needed for."), field="reason")
    asked = CentreExport(
        id=new_id(),
        form_key=form_key,
        organisation_id=by.organisation_id,
        person_id=by.person_id,
        kind=kind,
        reason=reason.strip(),
        expires_at=now() + rules.EXPORT_KEPT,
    )
    db.session.add(asked)
    db.session.flush()
    audit.record(
        "asked for the centre's data",
        by=by,
        subject=("export", asked.id),
        changes={"kind": [None, kind], "reason": [None, asked.reason]},
    )
    jobs.after_commit("interop.export", str(asked.id))
    return asked


def cancel_export(export: CentreExport, *, by: Viewer) -> None:
    """Stop an export that is not made yet, or remove one that is. Raises Conflict when it is gone
    already."""
    by.need(Right.EXPORT_OWN)
    stopped = db.session.execute(
        sa.update(CentreExport)
        .where(
            CentreExport.id == export.id,
            CentreExport.state.in_((*rules.EXPORT_UNDER_WAY, rules.MADE)),
        )
        .values(state=rules.CANCELLED, maker=None, heartbeat_at=None)
        .execution_options(synchronize_session=False)
    )
    if not stopped.rowcount:  # type: ignore[attr-defined]
        raise Conflict(_("It is too late: this is no longer under way."))
    audit.record("removed the centre's data", by=by, subject=("export", export.id))
    jobs.after_commit("interop.clear_up")


def hand_out(export: CentreExport, *, by: Viewer) -> UUID:
    """The file of an export, which is audited. Raises Conflict when there is none (any more)."""
    if export.state != rules.MADE or export.file_id is None or export.expires_at <= now():
        raise Conflict(_("This file is not there any more. Ask for the data again."))
    audit.opened("downloaded the centre's data", by=by, subject=("export", export.id),
                 patient_id=None)  # fmt: skip
    return export.file_id
