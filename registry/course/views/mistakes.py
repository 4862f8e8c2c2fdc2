"""Entered in error, restored, taken back, accepted, moved: what is done to an entry as a whole."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import render_template, request

from registry import audit, web
from registry.access import Right
from registry.course import actions, queries, wording
from registry.course.views import saved
from registry.course.views.room import room
from registry.errors import Conflict, Forbidden, Invalid, NotFound
from registry.language import gettext as _
from registry.language import lazy_gettext as _l
from registry.patients import queries as patients
from registry.people import queries as people

#: Most letters of a reason.
LONGEST = 1000

audit.learn({"opened entries made in error": _l("Opened what was entered in error")})


@room.page(
    "/course/<entity>/<uuid:entry_id>/error", right=Right.WRITE_COURSE, methods=("GET", "POST")
)
def mark_error(entity: str, entry_id: UUID) -> Any:
    """Mark an entry as entered in error, with the reason."""
    entry = queries.entry_to_write(web.viewer(), entity, entry_id)
    if request.method == "GET":
        return _error_page(entry, "")
    because = request.form.get("because", "").replace("\x00", "").strip()
    if len(because) > LONGEST:
        return _error_page(entry, _("Use at most %(n)s characters.", n=LONGEST)), 422
    try:
        actions.mark_error(entry, by=web.viewer(), version=_version(), because=because)
    except Conflict:
        return _error_page(entry, "", changed=True), 409
    except Invalid as refusal:
        return _error_page(entry, refusal.message), 422
    named = wording.named(entry)
    saved.tell_done(_("Marked as entered in error: %(entry)s.", entry=named), [entry])
    return web.go("course.errors", patient_id=entry.patient_id)


def _error_page(entry: Any, message: str, *, changed: bool = False) -> str:
    patient = patients.patient(web.viewer(), entry.patient_id)
    audit.opened(
        f"opened {entry.entity}",
        by=web.viewer(),
        subject=(entry.entity, entry.id),
        patient_id=entry.patient_id,
    )
    return render_template(
        "course/mark_error.html",
        entry=entry,
        title=wording.named(entry),
        said=wording.said(entry),
        identity=patients.identity(patient),
        resting=[(one, wording.named(one)) for one in queries.resting_on(entry)],
        message=message,
        changed=changed,
        because=request.form.get("because", ""),
        people=people.person_names([entry.changed_by]) if entry.changed_by else {},
    )


@room.page("/patients/<uuid:patient_id>/course/errors", right=Right.READ_RECORD)
def errors(patient_id: UUID) -> Any:
    """What was marked as entered in error: what it said, who marked it, when and why."""
    patient = patients.patient(web.viewer(), patient_id)
    audit.opened(
        "opened entries made in error",
        by=web.viewer(),
        subject=("patient", patient_id),
        patient_id=patient_id,
    )
    marked = queries.in_error(patient)
    kinds = patients.relation(web.viewer(), patient_id)
    return render_template(
        "course/errors.html",
        patient=patient,
        identity=patients.identity(patient),
        marked=[
            {
                "entry": one,
                "title": wording.named(one),
                "said": wording.said(one),
                "may": web.viewer().may(Right.WRITE_COURSE)
                and queries.may_change(web.viewer(), kinds, one),
            }
            for one in marked
        ],
        people=people.person_names([one.error_by for one in marked if one.error_by]),
    )


@room.page("/course/<entity>/<uuid:entry_id>/restore", right=Right.WRITE_COURSE, methods=("POST",))
def restore(entity: str, entry_id: UUID) -> Any:
    """Take back that an entry was entered in error."""
    entry = queries.entry_to_write(web.viewer(), entity, entry_id)
    actions.restore(entry, by=web.viewer(), version=_version())
    saved.tell_done(_("Restored: %(entry)s.", entry=wording.named(entry)), [entry])
    return web.go("chart.chart", patient_id=entry.patient_id, _anchor=entity)


@room.page("/course/undo", right=Right.WRITE_COURSE, methods=("POST",))
def undo() -> Any:
    """Take back what was just saved: all of it, or nothing where somebody changed a part since."""
    words = request.form.getlist("item")
    if not words or len(words) > saved.MOST_UNDONE:
        raise NotFound()
    items = [saved.read_item(word) for word in words]
    found = [
        (queries.entry_to_write(web.viewer(), entity, entry_id), version)
        for entity, entry_id, version in items
    ]
    if len({entry.patient_id for entry, _version in found}) > 1:
        raise NotFound()
    # What was entered last rests on what was entered first.
    for entry, version in reversed(found):
        actions.undo(entry, by=web.viewer(), version=version)
    web.done(_("Taken back. The history keeps both steps."))
    return web.go("chart.chart", patient_id=found[0][0].patient_id)


@room.page("/course/<entity>/<uuid:entry_id>/accept", right=Right.WRITE_COURSE, methods=("POST",))
def accept(entity: str, entry_id: UUID) -> Any:
    """Accept one warning of an entry, with the reason."""
    entry = queries.entry_to_write(web.viewer(), entity, entry_id)
    shown = queries.findings_of(patients.patient(web.viewer(), entry.patient_id), entry)
    wanted = {one.key: one.mark for one in shown if one.key == request.form.get("key")}
    because = request.form.get("because", "").replace("\x00", "")
    if not wanted:
        raise Conflict(_("This is no open question of the entry any more."))
    try:
        actions.accept(entry, by=web.viewer(), version=_version(), warnings=wanted, because=because)
    except Invalid as refusal:
        web.warn(refusal.message)
    else:
        web.done(_("Accepted. It stays visible with your reason until a value changes."))
    return web.go("course.edit", entity=entity, entry_id=entry_id)


@room.page("/course/<entity>/<uuid:entry_id>/move", right=Right.WRITE_COURSE, methods=("POST",))
def move(entity: str, entry_id: UUID) -> Any:
    """Move an entry, and what belongs to it, to another tumour of the patient."""
    entry: Any = queries.entry_to_write(web.viewer(), entity, entry_id)
    tumour_id = web.as_id(request.form.get("tumour"))
    if not hasattr(entry, "tumour_id") or tumour_id is None:
        raise NotFound()
    tumour: Any = queries.entry(web.viewer(), "tumour", tumour_id)
    if tumour.patient_id != entry.patient_id:
        raise NotFound()
    for one in queries.resting_on(entry):
        if getattr(one, "tumour_id", None) == entry.tumour_id and not _may_change(one):
            raise Forbidden()
    actions.change(entry, by=web.viewer(), version=_version(), values={}, tumour_id=tumour.id)
    saved.tell_saved([entry])
    return web.go("chart.chart", patient_id=entry.patient_id, _anchor=entity)


def _may_change(entry: Any) -> bool:
    kinds = patients.relation(web.viewer(), entry.patient_id)
    return queries.may_change(web.viewer(), kinds, entry)


def _version() -> int:
    return web.as_number(request.form.get("version")) or -1
