"""Files of a referral: the page, and what its script asks for while files come in."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import jsonify, render_template, request, url_for
from flask_babel import ngettext

from registry import audit, codes, web
from registry.access import Right
from registry.dates import PartialDate
from registry.errors import Conflict, Forbidden, Invalid, NotFound
from registry.language import gettext as _
from registry.language import lazy_gettext as _l
from registry.patients.documents import arriving, queries, rules
from registry.referrals import actions, attachments
from registry.referrals import queries as referrals
from registry.referrals import rules as steps
from registry.referrals.actions.transfers import SLIDES
from registry.referrals.models import Referral
from registry.referrals.views.room import room

audit.learn(
    {
        "kept an image that names somebody else": _l(
            "Kept an image although its header names somebody else"
        ),
        "listed files": _l("Saw the files of a referral"),
        "noted where an examination is": _l("Noted where an examination is"),
    }
)

#: What of the person a DICOM image names can differ.
DIFFERING = {
    "name": _l("Name"),
    "birth_date": _l("Date of birth"),
    "sex": _l("Sex at birth"),
}


def kinds() -> list[tuple[str, str]]:
    """What a file can be said to be."""
    listed = codes.codes("document_kind").values()
    return [(one.code, str(one.shown())) for one in listed if one.code not in rules.WRITTEN_HERE]


def modalities() -> list[tuple[str, str]]:
    """What travels whole."""
    images = [(one.code, str(one.shown())) for one in codes.codes("imaging_modality").values()]
    return [*images, (SLIDES, str(_("Pathology slides or blocks")))]


def _page(referral: Referral, *, problem: str = "", travelling: str = "") -> str:
    viewer = web.viewer()
    audit.opened(
        "listed files",
        by=viewer,
        subject=("referral", referral.id),
        patient_id=referral.patient_id,
    )
    template = "referrals/_files.html" if web.wants_json() else "referrals/files.html"
    return render_template(
        template,
        referral=referral,
        found=attachments.files(viewer, referral),
        kinds=kinds(),
        differing=DIFFERING,
        problem=problem,
        travelling=travelling,
        plain=request.args.get("plain") == "1",
        transfers=referrals.transfers(referral),
        modalities=modalities(),
        modality_words=dict(modalities()),
        transfer_states=[(o.code, str(o.shown())) for o in codes.codes("transfer_status").values()],
        typed=request.form,
        is_draft=referral.state == steps.DRAFT,
    )


@room.page("/referrals/<uuid:referral_id>/files", right=Right.READ_REFERRAL)
def files(referral_id: UUID) -> Any:
    """The files of a referral; for the script only the list of them."""
    return _page(referrals.referral(web.viewer(), referral_id))


@room.page(
    "/referrals/<uuid:referral_id>/files",
    right=Right.STEP,
    methods=("POST",),
    largest=attachments.LARGEST_REQUEST,
)
def add_files(referral_id: UUID) -> Any:
    """Files sent with the form itself, as a browser without scripts does."""
    viewer = web.viewer()
    referral = referrals.referral(viewer, referral_id)
    try:
        taken = attachments.receive(
            referral,
            request.files.getlist("files"),
            by=viewer,
            kind=request.form.get("kind", ""),
        )
        if not taken:
            raise Invalid(_("Choose the files."))
    except Invalid as refused:
        return _page(referral, problem=refused.message), 422
    came = ngettext(
        "%(num)s file came. It is being looked at; this takes a moment.",
        "%(num)s files came. They are being looked at; this takes a moment.",
        len(taken),
    )
    web.done(came)
    return web.go("referrals.files", referral_id=referral.id)


@room.page("/referrals/<uuid:referral_id>/files/begin", right=Right.STEP, methods=("POST",))
def begin_file(referral_id: UUID) -> Any:
    """A script says which file it will send."""
    viewer = web.viewer()
    referral = referrals.referral(viewer, referral_id)
    made = attachments.begin(
        referral,
        by=viewer,
        name=request.form.get("name", ""),
        size=web.as_number(request.form.get("size")) or 0,
        kind=request.form.get("kind", ""),
    )
    return jsonify(id=str(made), at=0, url=url_for("referrals.file_state", arriving_id=made)), 201


@room.page("/referrals/arriving/<uuid:arriving_id>", right=Right.STEP)
def file_state(arriving_id: UUID) -> Any:
    """How far a file is."""
    viewer = web.viewer()
    try:
        one = arriving.found(viewer, arriving_id, to_read=True)
    except NotFound:
        queries.document(viewer, arriving_id)  # kept meanwhile, else it is nothing for them
        return jsonify(state="kept")
    return jsonify(state=one.state, at=one.received, size=one.size, message=one.message)


@room.page("/referrals/arriving/<uuid:arriving_id>", right=Right.STEP, methods=("POST",))
def file_piece(arriving_id: UUID) -> Any:
    """The next piece of a file: its bytes, and in the address where it begins."""
    viewer = web.viewer()
    one = arriving.found(viewer, arriving_id)
    try:
        at = web.as_number(request.args.get("at"))
        arriving.take_piece(one, at=-1 if at is None else at, data=request.get_data())
    except Conflict as refused:
        return jsonify(error=refused.message, state=one.state, at=one.received), 409
    return jsonify(state=one.state, at=one.received)


@room.page("/referrals/arriving/<uuid:arriving_id>/remove", right=Right.STEP, methods=("POST",))
def remove_file(arriving_id: UUID) -> Any:
    """Let a file go that is under way, was refused, or is not of this patient."""
    one = arriving.found(web.viewer(), arriving_id)
    referral_id = one.referral_id
    arriving.remove(one)
    web.done(_("The file was removed."))
    return web.go("referrals.files", referral_id=referral_id)


@room.page("/referrals/arriving/<uuid:arriving_id>/same", right=Right.STEP, methods=("POST",))
def same_patient(arriving_id: UUID) -> Any:
    """Say that an image is of this patient although its header names somebody else."""
    viewer = web.viewer()
    one = arriving.found(viewer, arriving_id)
    referral = referrals.referral(viewer, one.referral_id)
    try:
        arriving.accept(one, because=request.form.get("because", ""), by=viewer)
    except Invalid as refused:
        return _page(referral, problem=refused.message), 422
    web.done(_("The image is kept, and says why."))
    return web.go("referrals.files", referral_id=referral.id)


# -- whole examinations ------------------------------------------------------------------------


def _to_note(referral_id: UUID) -> Referral:
    viewer = web.viewer()
    referral = referrals.referral(viewer, referral_id)
    if not attachments.may_add(viewer, referral):
        raise Forbidden()
    return referral


@room.page("/referrals/<uuid:referral_id>/transfers", right=Right.STEP, methods=("POST",))
def note_transfer(referral_id: UUID) -> Any:
    """Note an examination that travels between the image archives."""
    referral = _to_note(referral_id)
    try:
        dated = request.form.get("dated", "").strip()
        actions.note_transfer(
            referral,
            by=web.viewer(),
            modality=request.form.get("modality", ""),
            state=request.form.get("state", ""),
            dated=_date(dated),
            link=request.form.get("link", ""),
            note=request.form.get("note", ""),
        )
    except Invalid as refused:
        return _page(referral, travelling=refused.message), 422
    web.done(_("It was noted."))
    return web.go("referrals.files", referral_id=referral.id, _anchor="transfers")


def _date(text: str) -> PartialDate | None:
    try:
        return PartialDate(text) if text else None
    except ValueError as error:
        raise Invalid(_("Enter the date as year, year-month or year-month-day.")) from error


@room.page(
    "/referrals/<uuid:referral_id>/transfers/<uuid:transfer_id>",
    right=Right.STEP,
    methods=("POST",),
)
def move_transfer(referral_id: UUID, transfer_id: UUID) -> Any:
    """Say where it is now."""
    referral = _to_note(referral_id)
    found = referrals.transfer(referral, transfer_id)
    try:
        actions.move_transfer(
            found,
            referral,
            by=web.viewer(),
            version=web.as_number(request.form.get("version")),
            state=request.form.get("state", ""),
            link=request.form.get("link", ""),
        )
    except Invalid as refused:
        return _page(referral, travelling=refused.message), 422
    web.done(_("It was noted."))
    return web.go("referrals.files", referral_id=referral.id, _anchor="transfers")
