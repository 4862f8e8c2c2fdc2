"""Adding and editing entries of the course, with what follows from them shown as it is typed."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import render_template, request

from registry import audit, web
from registry.access import Right
from registry.course import actions, following, forms, queries, wording
from registry.course.forms import EntryForm
from registry.course.models import links_of
from registry.course.views import both, drafts, starting, warnings
from registry.course.views.desk import Desk, desk_for
from registry.course.views.room import room
from registry.course.views.saved import tell_saved
from registry.db import new_id
from registry.errors import Conflict, Invalid, NotFound
from registry.language import gettext as _
from registry.patients import queries as patients
from registry.people import queries as people


@room.page(
    "/patients/<uuid:patient_id>/course/<entity>/new",
    right=Right.WRITE_COURSE,
    methods=("GET", "POST"),
)
def add(patient_id: UUID, entity: str) -> Any:
    """Add an entry: empty, or begun from an earlier one (`from`) or a report (`review_of`)."""
    desk = desk_for(entity, patients.patient_to_write(web.viewer(), patient_id))
    start = starting.start(desk, request.values)
    page = drafts.entry_page(desk)
    if request.method == "GET":
        typed = drafts.typed(desk.patient, page)
        if typed is not None and not drafts.is_kept_already(entity, typed.sent):
            return _page(desk, desk.form(typed.sent), start=start, typed=typed)
        return _page(desk, desk.form(stored=start.stored, absent=start.absent), start=start)
    if drafts.is_thrown_away():
        return drafts.throw_away(desk.patient, page)
    form = desk.form(request.form)
    entry_id = web.as_id(request.form.get("entry_id")) or new_id()
    if queries.exists(entity, entry_id):
        return _sent_again(desk, form, entry_id)
    found = _check(desk, form, entry_id)
    if not start.is_confirmed(request.form):
        form.refuse(form.first_name, _("Say that you checked what was copied."))
    if not _acceptable(form):
        return _page(desk, form, start=start), 422
    said = form.stated()
    try:
        entry = actions.add(
            entity,
            desk.patient,
            by=web.viewer(),
            values=said.values,
            absent=said.absent,
            entry_id=entry_id,
            **desk.links(form),
        )
        _accept(entry, found)
    except Invalid as refusal:
        form.refuse(refusal.field, refusal.message)
        return _page(desk, form, start=start), 422
    drafts.drop(desk.patient, page)
    return _saved(desk, entry)


def _sent_again(desk: Desk, form: EntryForm, entry_id: UUID) -> Any:
    """A form that was saved before: the same words are saved already, others are a change of it."""
    there: Any = queries.entry_to_write(web.viewer(), desk.entity, entry_id)
    if there.patient_id != desk.patient.id:
        raise NotFound()
    kept = desk_for(desk.entity, desk.patient, there)
    versions = both.versions(kept, form)
    if there.error_at is None and any(one["mine"] != one["stands"] for one in versions):
        return _page(kept, kept.form(request.form), versions=versions), 409
    drafts.drop(desk.patient, drafts.entry_page(desk))
    return _saved(desk, there)


@room.page("/course/<entity>/<uuid:entry_id>", right=Right.WRITE_COURSE, methods=("GET", "POST"))
def edit(entity: str, entry_id: UUID) -> Any:
    """Change an entry. An edit made on an old copy is refused, with both versions shown."""
    entry: Any = queries.entry_to_write(web.viewer(), entity, entry_id)
    desk = desk_for(entity, patients.patient_to_write(web.viewer(), entry.patient_id), entry)
    page = drafts.entry_page(desk)
    if request.method == "GET":
        typed = drafts.typed(desk.patient, page)
        if typed is not None:
            return _restored(desk, typed)
        return _page(desk, desk.form(stored=forms.stored(entry), absent=entry.absent))
    if drafts.is_thrown_away():
        return drafts.throw_away(desk.patient, page)
    if entry.error_at is not None:
        raise Conflict(_("This was marked as entered in error; restore it first."))
    form = desk.form(request.form)
    if _sent_version() != entry.version:
        return _page(desk, form, versions=both.versions(desk, form, _sent_version())), 409
    found = _check(desk, form, entry.id)
    if not _acceptable(form):
        return _page(desk, form), 422
    said = form.stated()
    try:
        actions.change(
            entry,
            by=web.viewer(),
            version=_sent_version(),
            values=said.values,
            absent=said.absent,
            **desk.links(form),
        )
        _accept(entry, found)
    except Conflict:
        return _page(desk, form, versions=both.versions(desk, form, _sent_version())), 409
    except Invalid as refusal:
        form.refuse(refusal.field, refusal.message)
        return _page(desk, form), 422
    drafts.drop(desk.patient, page)
    return _saved(desk, entry)


def _restored(desk: Desk, typed: drafts.Typed) -> Any:
    """What was typed and not saved; beside what stands, where somebody changed that meanwhile."""
    form = desk.form(typed.sent)
    stands = desk.form(stored=forms.stored(desk.entry), absent=desk.entry.absent)
    links = all(form.link(name) == stands.link(name) for name in form.links)
    if links and form.stated() == stands.stated() and not form.errors:
        return _page(desk, stands)
    changed = typed.opened != desk.entry.version
    versions = both.versions(desk, form, typed.opened) if changed else None
    return _page(desk, form, versions=versions, typed=typed)


@room.page("/course/derive", right=Right.WRITE_COURSE, methods=("POST",))
def derive() -> Any:
    """What follows from the values typed so far, and what contradicts them; nothing is kept."""
    entity = request.form.get("entity", "")
    entry_id = web.as_id(request.form.get("entry"))
    if entry_id is not None:
        entry: Any = queries.entry_to_write(web.viewer(), entity, entry_id)
        patient_id = entry.patient_id
    else:
        entry, patient_id = None, web.as_id(request.form.get("patient_id"))
    desk = desk_for(entity, patients.patient_to_write(web.viewer(), patient_id), entry)
    form = desk.form(request.form)
    _check(desk, form, entry_id or web.as_id(request.form.get("entry_id")) or new_id())
    return render_template(
        "course/_derived.html",
        entity=entity,
        form=form,
        found=following.follows(desk.draft(form)),
        live=True,
    )


# -- what is checked ---------------------------------------------------------------------------


def _check(desk: Desk, form: EntryForm, entry_id: Any) -> list[Any]:
    """Put every message and warning into the form; gives what the record makes of it."""
    form.validate()
    found = warnings.found(desk, form, entry_id)
    warnings.show(desk, form, found, entry_id)
    return found


def _acceptable(form: EntryForm) -> bool:
    """Is it right, and if something is unusual, was that seen?"""
    return not form.errors and form.mark in ("", request.form.get("seen", ""))


def _accept(entry: Any, found: list[Any]) -> None:
    """Keep the reason given for what is unusual."""
    because = request.form.get("because", "").replace("\x00", "").strip()
    shown = warnings.to_accept(found, entry.entity, entry.id)
    if because and shown:
        actions.accept(
            entry, by=web.viewer(), version=entry.version, warnings=shown, because=because
        )


def _sent_version() -> int:
    return web.as_number(request.form.get("version")) or -1


# -- what a page shows -------------------------------------------------------------------------


def _page(
    desk: Desk,
    form: EntryForm,
    *,
    versions: list[dict[str, Any]] | None = None,
    start: starting.Start | None = None,
    typed: drafts.Typed | None = None,
) -> str:
    sent = typed.sent if typed is not None else request.form
    entry, patient_id = desk.entry, desk.patient.id
    audit.opened(
        f"opened {desk.entity}" if entry else f"opened new {desk.entity}",
        by=web.viewer(),
        subject=(desk.entity, entry.id) if entry else ("patient", patient_id),
        patient_id=patient_id,
    )
    return render_template(
        "course/entry.html",
        desk=desk,
        entity=desk.entity,
        form=form,
        both=versions,
        changed_by=both.changed_by(desk.entry) if versions else "",
        start=start,
        identity=patients.identity(desk.patient),
        sections=forms.sections(desk.entity),
        version=_version_to_send(entry, versions),
        entry_id=sent.get("entry_id") or new_id(),
        page=drafts.entry_page(desk),
        asked=urlencode(drafts.asked(desk)),
        typed=typed,
        draft_version=drafts.version_to_send(typed),
        found=following.follows(desk.draft(form)),
        tumour=desk.tumour(form) if hasattr(desk.model, "tumour_id") else None,
        needs_tumour=hasattr(desk.model, "tumour_id") and not desk.tumours,
        words=wording,
        because=sent.get("because", ""),
        **_around(desk),
    )


def _around(desk: Desk) -> dict[str, Any]:
    """What stands beside an entry that is kept: who, from where, what is open, what hangs on it."""
    entry = desk.entry
    if entry is None:
        return {"people": {}, "places": {}, "open_questions": [], "resting": 0}
    shown = queries.findings_of(desk.patient, entry)
    accepted = [one.accepted_by for one in shown]
    ids = [entry.entered_by, entry.changed_by, entry.error_by, *accepted]
    return {
        "people": people.person_names([one for one in ids if one]),
        "places": people.organisation_names([entry.organisation_id]),
        "open_questions": shown,
        "resting": queries.count_resting_on(entry) if len(desk.tumours) > 1 else 0,
    }


def _version_to_send(entry: Any, versions: Any) -> Any:
    """The copy an answer is about: the one that was opened; after a conflict the one shown."""
    if entry is None:
        return ""
    return request.form.get("version", entry.version) if versions is None else entry.version


def _saved(desk: Desk, entry: Any) -> Any:
    tell_saved([entry])
    if getattr(entry, "contradictions", None):
        name = wording.title(entry)
        web.warn(
            _("%(entry)s contradicts itself; see why beside it. It is kept as stated.", entry=name)
        )
    following_page = request.form.get("next")
    if following_page == "another":
        same = {f"{name}": getattr(entry, f"{name}_id") or "" for name in links_of(desk.model)}
        asked = {name: str(one) for name, one in same.items() if one}
        return web.go("course.add", patient_id=desk.patient.id, entity=desk.entity, **asked)
    return web.go("chart.chart", patient_id=desk.patient.id, _anchor=desk.entity)
