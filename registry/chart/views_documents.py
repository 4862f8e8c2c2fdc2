"""Documents of a patient: the list, sending one, looking at one, and saving it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote
from uuid import UUID

from flask import Response, render_template, request

from registry import audit, web
from registry.access import Right
from registry.chart import documents as listing
from registry.db import new_id
from registry.errors import Invalid, NotFound
from registry.language import gettext as _
from registry.language import lazy_gettext as _l
from registry.patients import queries as patients
from registry.patients.documents import actions, queries, rules
from registry.patients.documents.forms import ErrorForm, UploadForm
from registry.patients.models import Document, Patient

room = web.Room("documents", __name__)

audit.learn(
    {
        "listed documents": _l("Saw the list of documents"),
        "opened new document": _l("Opened the form for a new document"),
        "added document": _l("Added a document"),
        "opened document": _l("Opened a document"),
        "downloaded document": _l("Saved a document"),
        "marked as entered in error: document": _l("Marked a document as entered in error"),
        "restored: document": _l("Took back that a document was entered in error"),
    }
)

#: Nothing in a file may run, be framed, or ask for anything, whatever a browser takes it for.
_SANDBOX = "default-src 'none'; sandbox; frame-ancestors 'none'"
#: The words of the form come beside the file.
_LARGEST = rules.LARGEST + 256 * 1024


def _read(what: str, patient_id: UUID, subject: tuple[str, Any]) -> None:
    audit.opened(what, by=web.viewer(), subject=subject, patient_id=patient_id)


@room.page("/patients/<uuid:patient_id>/documents", right=Right.READ_RECORD)
def index(patient_id: UUID) -> Any:
    """Every document of a patient."""
    viewer = web.viewer()
    patient = patients.patient(viewer, patient_id)
    _read("listed documents", patient.id, ("patient", patient.id))
    return render_template(
        "patients/documents/index.html",
        patient=patient,
        found=listing.of_patient(viewer, patient),
    )


# -- sending one -------------------------------------------------------------------------------


def _form_page(patient: Patient, form: UploadForm) -> str:
    _read("opened new document", patient.id, ("patient", patient.id))
    key = web.as_id(request.form.get("form_key")) or new_id()
    return render_template("patients/documents/new.html", patient=patient, form=form, form_key=key)


@room.page(
    "/patients/<uuid:patient_id>/documents/new",
    right=Right.WRITE_COURSE,
    methods=("GET", "POST"),
    largest=_LARGEST,
)
def add(patient_id: UUID) -> Any:
    """Send a file about the patient."""
    viewer = web.viewer()
    patient = patients.patient_to_write(viewer, patient_id)
    entries = listing.entries(patient)
    if request.method == "GET":
        asked = {"entry": request.args.get("entry"), "kind": request.args.get("kind")}
        return _form_page(patient, UploadForm(entries=entries, stored=asked))
    key = web.as_id(request.form.get("form_key")) or new_id()
    if queries.already_kept(viewer, patient, key):
        return web.go("documents.document", document_id=key)
    form: Any = UploadForm(request.form, entries=entries)
    form.file.take(request.files.get("file"))
    if not form.validate():
        return _form_page(patient, form), 422
    try:
        made = actions.add(
            patient,
            by=viewer,
            data=form.file.data,
            name=form.file.sent.filename,
            kind=form.kind.data,
            title=form.title.data or "",
            dated=form.dated.data,
            entry=listing.entry_of(form.entry.data),
            document_id=key,
        )
    except Invalid as refused:
        form[refused.field].errors.append(refused.message)
        return _form_page(patient, form), 422
    web.done(_("The document was added."))
    return web.go("documents.document", document_id=made.id)


# -- looking at one ----------------------------------------------------------------------------


def _document_page(found: Document, form: Any) -> str:
    viewer = web.viewer()
    _read("opened document", found.patient_id, ("document", found.id))
    return render_template(
        "patients/documents/document.html",
        patient=patients.patient(viewer, found.patient_id),
        shown=listing.listed(queries.row(viewer, found)),
        form=form,
    )


@room.page("/documents/<uuid:document_id>", right=Right.READ_RECORD)
def document(document_id: UUID) -> Any:
    """What is known of a document; a picture is shown."""
    return _document_page(queries.document(web.viewer(), document_id), ErrorForm())


def answer(found: Document, pieces: Iterator[bytes], how: str, *, named: bool = True) -> Response:
    """The file, piece by piece. Its type is what was found on sending, whatever its name; not
    `named`, it is given out under no name of its own."""
    name = rules.file_name(found.reveal() if named else "", found.media_type)
    made = Response(pieces, mimetype=found.media_type)
    made.content_length = found.size
    plain = "document." + rules.TYPES[found.media_type].extensions[0]
    made.headers["Content-Disposition"] = (
        f"{how}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    )
    made.headers["Content-Security-Policy"] = _SANDBOX
    made.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return made


@room.page("/documents/<uuid:document_id>/file", right=Right.READ_RECORD)
def download(document_id: UUID) -> Any:
    """The file as it was sent, to be saved; never shown by the browser itself."""
    found = queries.document(web.viewer(), document_id)
    _read("downloaded document", found.patient_id, ("document", found.id))
    return answer(found, queries.pieces(found), "attachment")


@room.page("/documents/<uuid:document_id>/picture", right=Right.READ_RECORD)
def picture(document_id: UUID) -> Any:
    """A picture for the page that shows it; anything else is only saved."""
    found = queries.document(web.viewer(), document_id)
    if not rules.TYPES[found.media_type].is_picture:
        raise NotFound()
    _read("opened document", found.patient_id, ("document", found.id))
    return answer(found, queries.pieces(found), "inline")


# -- entered in error --------------------------------------------------------------------------


@room.page("/documents/<uuid:document_id>/error", right=Right.WRITE_COURSE, methods=("POST",))
def mark_error(document_id: UUID) -> Any:
    """Say that it does not belong here."""
    viewer = web.viewer()
    found = queries.document_to_change(viewer, document_id)
    form: Any = ErrorForm(request.form)
    if not form.validate():
        return _document_page(found, form), 422
    web.check_version(request.form.get("version"), found.version)
    actions.mark_error(found, by=viewer, because=form.because.data)
    web.done(_("The document was marked as entered in error."))
    return web.go("documents.document", document_id=found.id)


@room.page("/documents/<uuid:document_id>/restore", right=Right.WRITE_COURSE, methods=("POST",))
def restore(document_id: UUID) -> Any:
    """Take that back."""
    viewer = web.viewer()
    found = queries.document_to_change(viewer, document_id)
    actions.restore(found, by=viewer)
    web.done(_("The document stands again."))
    return web.go("documents.document", document_id=found.id)
