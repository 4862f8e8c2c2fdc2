"""A file on its way in: its shape, the check, bringing it in."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, render_template, request

from registry import audit, storage, web
from registry.access import Right
from registry.db import new_id
from registry.errors import Invalid
from registry.interop import actions, forms, pages, queries, rules, sealed
from registry.interop.actions import uploads
from registry.interop.models import Upload
from registry.interop.views.room import file_sent, room, too_large
from registry.language import gettext as _
from registry.people import queries as people

_PATH = "/imports/files/<uuid:upload_id>"


@room.page("/imports/new", right=Right.BRING_IN, methods=("GET", "POST"))
def new() -> Any:
    """Send a file."""
    viewer = web.viewer()
    error = ""
    if request.method == "POST":
        coming, name = file_sent()
        map_id = web.as_id(request.form.get("map"))
        if not queries.is_centre(viewer):
            error = _("Only a reference centre can bring patients in.")
        elif coming is None:
            error = _("Choose a file.")
        else:
            error = too_large(coming)
        if not error and coming is not None:
            toml = queries.saved_map(viewer, map_id).toml if map_id else ""
            form_key = web.as_id(request.form.get("form_key")) or new_id()
            try:
                made = actions.take_in(coming, name, by=viewer, form_key=form_key, toml=toml)
            except Invalid as refused:
                error = refused.message
            else:
                return web.go("interop.shape", upload_id=made.id)
    page = render_template(
        "interop/new.html",
        is_centre=queries.is_centre(viewer),
        maps=queries.saved_maps(viewer),
        form_key=request.form.get("form_key") or new_id(),
        chosen=request.form.get("map", request.args.get("map", "")),
        error=error,
        largest=rules.LARGEST // 1024 // 1024,
        days=rules.KEPT.days,
    )
    return page, 422 if error else 200


def found_upload(upload_id: UUID) -> Upload:
    """The file, noted as opened: its rows name patients."""
    viewer = web.viewer()
    found = queries.upload(viewer, upload_id)
    audit.opened("opened a file", by=viewer, subject=("upload", upload_id), patient_id=None)
    return found


def step_of(upload: Upload) -> dict[str, Any]:
    """What every page of a file shows."""
    return {
        "upload": upload,
        "states": rules.UPLOAD_STATES,
        "phases": rules.PHASES,
        "editable": upload.state in rules.EDITABLE,
    }


@room.page(_PATH, right=Right.BRING_IN)
def upload(upload_id: UUID) -> Any:
    """Where the file stands: what a check found, how far the worker is, what was brought in."""
    found = found_upload(upload_id)
    report = _report(found)
    by_map, problems = pages.problems_of(found) if found.toml else (None, [])
    return render_template(
        "interop/upload.html",
        report=report,
        problems=problems,
        by_map=by_map,
        label_of=pages.label_of,
        with_labels=pages.with_labels,
        people=people.person_names([found.person_id]),
        **step_of(found),
    )


def _report(upload: Upload) -> Any:
    if upload.report_file_id is None:
        return None
    try:
        return uploads.read_json(upload.report_file_id)
    except FileNotFoundError:
        return None


@room.page(f"{_PATH}/shape", right=Right.BRING_IN, methods=("GET", "POST"))
def shape(upload_id: UUID) -> Any:
    """How the file is read: encoding, delimiter, sheet, header; and its first rows."""
    found = found_upload(upload_id)
    number = web.as_number(request.args.get("file")) or 0
    if not found.files or number >= len(found.files):
        return web.go("interop.upload", upload_id=upload_id)
    file = found.files[number]
    stated = file["shape"]
    data = {
        **{k: stated.get(k) or None for k in ("encoding", "comment", "sheet", "merged")},
        "delimiter": "tab" if stated.get("delimiter") == "\t" else stated.get("delimiter"),
        "header_row": stated.get("header_row") or None,
    }
    sent = request.form if request.method == "POST" else None
    form = forms.with_shape(forms.ShapeForm(sent, stored=data), stated)
    if request.method == "POST" and form.validate():
        actions.reshape(found, number, _stated(form, stated["kind"]), by=web.viewer())
        return web.go("interop.shape", upload_id=upload_id, file=number or None)
    profiles, first, read, encoding = pages.profile_of(file)
    page = render_template(
        "interop/shape.html",
        form=form,
        file=file,
        number=number,
        columns=[one.column for one in profiles],
        first=first,
        read=read,
        encoding=encoding,
        **step_of(found),
    )
    return page, 422 if request.method == "POST" else 200


def _stated(form: Any, kind: str) -> dict[str, Any]:
    row = form.header_row.data
    found: dict[str, Any] = {"header_row": int(row) if row else 0}
    if kind == "xlsx":
        return {**found, "sheet": form.sheet.data or "", "merged": form.merged.data or ""}
    delimiter = form.delimiter.data or ""
    return {
        **found,
        "encoding": form.encoding.data or "",
        "delimiter": "\t" if delimiter == "tab" else delimiter,
        "comment": form.comment.data or "",
    }


@room.page(f"{_PATH}/further", right=Right.BRING_IN, methods=("POST",))
def add_file(upload_id: UUID) -> Any:
    """Add a further file the map names."""
    viewer = web.viewer()
    found = queries.upload(viewer, upload_id)
    coming, name = file_sent()
    part = request.form.get("part", "")
    error = _("Choose a file.") if coming is None else too_large(coming)
    if coming is None or error or not part:
        web.warn(error or _("Choose a file."))
        return web.go("interop.columns", upload_id=upload_id)
    actions.add_file(found, coming, part, name, by=viewer)
    return web.go("interop.columns", upload_id=upload_id)


@room.page(f"{_PATH}/check", right=Right.BRING_IN, methods=("POST",))
def check(upload_id: UUID) -> Any:
    """Have the file checked: nothing is written."""
    viewer = web.viewer()
    found = queries.upload(viewer, upload_id)
    _by_map, problems = pages.problems_of(found)
    if problems:
        web.warn(_("The map is not complete yet."))
        return web.go("interop.columns", upload_id=upload_id)
    actions.ask_check(found, by=viewer)
    return web.go("interop.upload", upload_id=upload_id)


@room.page(f"{_PATH}/start", right=Right.BRING_IN, methods=("POST",))
def start(upload_id: UUID) -> Any:
    """Have the file brought in."""
    viewer = web.viewer()
    found = queries.upload(viewer, upload_id)
    keep_valid = request.form.get("keep_valid") == "yes"
    actions.ask_import(found, by=viewer, keep_valid=keep_valid, take=request.form.getlist("take"))
    return web.go("interop.upload", upload_id=upload_id)


@room.page(f"{_PATH}/progress", right=Right.BRING_IN)
def progress(upload_id: UUID) -> Any:
    """How far it is; the page asks each second."""
    found = queries.upload(web.viewer(), upload_id)
    page = render_template("interop/_progress.html", **step_of(found))
    return page, 200, {} if found.under_way else {"HX-Refresh": "true"}


@room.page(f"{_PATH}/cancel", right=Right.BRING_IN, methods=("POST",))
def cancel(upload_id: UUID) -> Any:
    """Stop the worker: nothing of it is kept."""
    viewer = web.viewer()
    actions.cancel(queries.upload(viewer, upload_id), by=viewer)
    web.done(_("It was stopped. Nothing was brought in."))
    return web.go("interop.upload", upload_id=upload_id)


@room.page(f"{_PATH}/discard", right=Right.BRING_IN, methods=("POST",))
def discard(upload_id: UUID) -> Any:
    """Throw the file away."""
    viewer = web.viewer()
    actions.discard(queries.upload(viewer, upload_id), by=viewer)
    web.done(_("The file was thrown away."))
    return web.go("interop.index")


@room.page(f"{_PATH}/refused", right=Right.BRING_IN)
def refused(upload_id: UUID) -> Any:
    """The refused rows with the reasons, to correct and send again."""
    found = found_upload(upload_id)
    if found.refused_file_id is None or not storage.place(found.refused_file_id).exists():
        return web.go("interop.upload", upload_id=upload_id)
    packed = sealed.Reader(found.refused_file_id).read(2) == b"PK"
    name, kind = ("refused.zip", "application/zip") if packed else ("refused.csv", "text/csv")
    return download(found.refused_file_id, name, kind)


def download(file_id: UUID, name: str, kind: str) -> Response:
    """A sealed file, opened piece by piece while it is sent."""
    reader = sealed.Reader(file_id)  # now: the answer is sent when the request is over
    size = reader.size

    def blocks() -> Any:
        with reader:
            while block := reader.read(1 << 16):
                yield block

    return Response(
        blocks(),
        mimetype=kind,
        headers={
            "Content-Disposition": f"attachment; filename={name}",
            "Content-Length": str(size),
        },
    )
