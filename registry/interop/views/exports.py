"""The centre's own data, for those who treat its patients."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import render_template, request

from registry import web
from registry.access import Right
from registry.db import new_id
from registry.errors import Invalid
from registry.interop import actions, forms, queries, rules
from registry.interop.views.room import room
from registry.interop.views.uploads import download as sealed_download
from registry.language import gettext as _


@room.page("/exports", right=Right.EXPORT_OWN, methods=("GET", "POST"))
def exports() -> Any:
    """Ask for the centre's own data, and what was asked for."""
    viewer = web.viewer()
    sent = request.form if request.method == "POST" else None
    form: Any = forms.ExportForm(sent, stored={"kind": "xlsx"})
    if request.method == "POST" and form.validate():
        key = web.as_id(request.form.get("form_key")) or new_id()
        try:
            asked = actions.ask_export(
                by=viewer, kind=form.kind.data, reason=form.reason.data, form_key=key
            )
        except Invalid as refused:
            form[refused.field].errors.append(refused.message)
        else:
            return web.go("interop.export", export_id=asked.id)
    page = render_template(
        "interop/exports.html",
        form=form,
        form_key=request.form.get("form_key") or new_id(),
        exports=queries.exports(viewer),
        patients=queries.patient_count(viewer),
        states=rules.EXPORT_STATES,
        kinds=rules.EXPORT_KINDS,
        days=rules.EXPORT_KEPT.days,
    )
    return page, 422 if request.method == "POST" else 200


@room.page("/exports/<uuid:export_id>", right=Right.EXPORT_OWN)
def export(export_id: UUID) -> Any:
    """One export: how far it is, or its file."""
    found = queries.export(web.viewer(), export_id)
    return render_template(
        "interop/export.html", export=found, states=rules.EXPORT_STATES, kinds=rules.EXPORT_KINDS
    )


@room.page("/exports/<uuid:export_id>/progress", right=Right.EXPORT_OWN)
def export_progress(export_id: UUID) -> Any:
    """How far it is; the page asks each second."""
    found = queries.export(web.viewer(), export_id)
    page = render_template("interop/_export_progress.html", export=found)
    return page, 200, {} if found.under_way else {"HX-Refresh": "true"}


@room.page("/exports/<uuid:export_id>/cancel", right=Right.EXPORT_OWN, methods=("POST",))
def cancel_export(export_id: UUID) -> Any:
    """Stop it, or remove the file now."""
    viewer = web.viewer()
    actions.cancel_export(queries.export(viewer, export_id), by=viewer)
    web.done(_("Nothing of it is kept."))
    return web.go("interop.exports")


@room.page("/exports/<uuid:export_id>/file", right=Right.EXPORT_OWN)
def export_file(export_id: UUID) -> Any:
    """The file."""
    viewer = web.viewer()
    found = queries.export(viewer, export_id)
    file_id = actions.hand_out(found, by=viewer)
    name, kind = {
        "csv": ("own-patients.zip", "application/zip"),
        "xlsx": (
            "own-patients.xlsx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ),
    }[found.kind]
    return sealed_download(file_id, name, kind)
