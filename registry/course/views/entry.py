"""Adding and editing entries of the course, with what follows from them shown as it is typed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import render_template, request
from flask_babel import gettext as _

from registry import audit, web
from registry.access import Right
from registry.clinical.edit_checks import REFUSE
from registry.course import actions, facts, forms, licence, queries, rules, wording
from registry.course.forms import EntryForm
from registry.course.models import links_of
from registry.course.views.desk import Desk, desk_for
from registry.course.views.room import room
from registry.db import new_id
from registry.errors import Conflict, Invalid, NotFound
from registry.patients import queries as patients
from registry.people import queries as people

DERIVED = ("pathology", "staging")
#: Links that are filled in where there is only one they can mean.
_OBVIOUS = {"tumour", "therapy", "baseline", "response"}


# -- pages -------------------------------------------------------------------------------------


@room.page(
    "/patients/<uuid:patient_id>/course/<entity>/new",
    right=Right.WRITE_COURSE,
    methods=("GET", "POST"),
)
def add(patient_id: UUID, entity: str) -> Any:
    """Add an entry."""
    desk = desk_for(entity, patients.patient_to_write(web.viewer(), patient_id))
    if request.method == "GET":
        return _page(desk, desk.form(stored=_suggested(desk)))
    form = desk.form(request.form)
    if not _acceptable(desk, form):
        return _page(desk, form), 422
    said = form.stated()
    try:
        entry = actions.add(
            entity,
            desk.patient,
            by=web.viewer(),
            values=said.values,
            absent=said.absent,
            entry_id=web.as_id(request.form.get("entry_id")),
            **desk.links(form),
        )
    except Invalid as refusal:
        form.refuse(refusal.field, refusal.message)
        return _page(desk, form), 422
    return _saved(desk, entry)


@room.page("/course/<entity>/<uuid:entry_id>", right=Right.WRITE_COURSE, methods=("GET", "POST"))
def edit(entity: str, entry_id: UUID) -> Any:
    """Change an entry. An edit made on an old copy is refused, with both versions shown."""
    entry: Any = queries.entry_to_write(web.viewer(), entity, entry_id)
    desk = desk_for(entity, patients.patient_to_write(web.viewer(), entry.patient_id), entry)
    if request.method == "GET":
        return _page(desk, desk.form(stored=forms.stored(entry), absent=entry.absent))
    form = desk.form(request.form)
    if not _acceptable(desk, form):
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
    except Conflict:
        return _page(desk, form, both=_both_versions(desk, form)), 409
    except Invalid as refusal:
        form.refuse(refusal.field, refusal.message)
        return _page(desk, form), 422
    return _saved(desk, entry)


@room.page("/course/derive", right=Right.WRITE_COURSE, methods=("POST",))
def derive() -> Any:
    """What follows from the values typed so far; nothing is kept."""
    patient_id = web.as_id(request.form.get("patient_id"))
    patient = patients.patient_to_write(web.viewer(), patient_id)
    entity = request.form.get("entity", "")
    if entity not in DERIVED:
        raise NotFound()
    desk = desk_for(entity, patient)
    form = desk.form(request.form)
    return render_template(
        "course/_derived.html",
        entity=entity,
        found=_derived(desk, form),
        stages=licence.may_derive_stages(),
    )


# -- what a page shows -------------------------------------------------------------------------


def _page(desk: Desk, form: EntryForm, both: list[dict[str, Any]] | None = None) -> str:
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
        both=both,
        identity=patients.identity(desk.patient),
        sections=forms.sections(desk.entity),
        version=_version_to_send(entry, both),
        entry_id=request.form.get("entry_id") or new_id(),
        found=_derived(desk, form) if desk.entity in DERIVED else None,
        stages=licence.may_derive_stages(),
        tumour=desk.tumour(form) if hasattr(desk.model, "tumour_id") else None,
        tumour_words=wording.tumour,
        needs_tumour=hasattr(desk.model, "tumour_id") and not desk.tumours,
        people=people.person_names([entry.entered_by, entry.changed_by]) if entry else {},
        places=people.organisation_names([entry.organisation_id]) if entry else {},
    )


def _version_to_send(entry: Any, both: Any) -> Any:
    """The copy an answer is about: the one that was opened; after a conflict the one shown."""
    if entry is None:
        return ""
    return request.form.get("version", entry.version) if both is None else entry.version


def _sent_version() -> int:
    sent = request.form.get("version", "")
    return int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 10 else -1


def _suggested(desk: Desk) -> dict[str, str]:
    """What the link that led here already says, and what can only be one."""
    asked = {name: request.args.get(name, "") for name in links_of(desk.model)}
    for name, found in desk.linkable.items():
        if not asked[name] and len(found) == 1 and name in _OBVIOUS:
            asked[name] = str(found[0].id)
    return asked


def _acceptable(desk: Desk, form: EntryForm) -> bool:
    """Is it right, and if something is unusual, was that seen?"""
    fine = form.validate()
    if fine:
        problems = actions.date_problems(
            desk.entity,
            desk.patient,
            form.stated().values,
            entry=desk.entry,
            tumour=desk.tumour(form),
        )
        for problem in problems:
            show = form.refuse if problem.severity == REFUSE else form.warn
            show(problem.variable, wording.reason(problem.reason))
        fine = not form.errors
    return fine and form.mark in ("", request.form.get("seen", ""))


def _saved(desk: Desk, entry: Any) -> Any:
    name = wording.title(entry)
    web.done(_("Saved: %(entry)s.", entry=name))
    if getattr(entry, "contradictions", None):
        web.warn(
            _("%(entry)s contradicts itself; see why beside it. It is kept as stated.", entry=name)
        )
    if request.form.get("next") == "another":
        return web.go("course.add", patient_id=desk.patient.id, entity=desk.entity)
    return web.go("chart.chart", patient_id=desk.patient.id, _anchor=desk.entity)


def _derived(desk: Desk, form: EntryForm) -> wording.Beside | None:
    """Grade or stage from what is in the form."""
    values = form.stated().values
    tumour = desk.tumour(form)
    topography = tumour.primary_site if tumour else None
    if desk.entity == "pathology":
        derived = rules.derive_pathology(values, topography=topography)
    else:
        categories = [p.derived_category for p in queries.pathologies(tumour)] if tumour else []
        derived = rules.derive_staging(
            values,
            topography=topography,
            grade_category=rules.category_for_staging(categories),
            diagnosis_date=tumour.diagnosis_date if tumour else None,
            licensed=licence.may_derive_stages(),
        )
    return wording.beside(desk.entity, values, derived)


def _both_versions(desk: Desk, form: EntryForm) -> list[dict[str, Any]]:
    """Question by question: what was typed here, what stands in the record now."""
    said, entity = form.stated(), desk.entity
    rows = []
    for name in facts.names(entity):
        mine = wording.value(entity, name, said.values[name])
        stands = wording.value(entity, name, getattr(desk.entry, name))
        mine = mine or wording.absence(said.absent.get(name))
        stands = stands or wording.absence(desk.entry.absent.get(name))
        if mine or stands:
            rows.append({"label": wording.label(entity, name), "mine": mine, "stands": stands})
    return rows + _both_links(desk, form)


def _both_links(desk: Desk, form: EntryForm) -> list[dict[str, Any]]:
    rows = []
    for name in form.links:
        words = {option.value: option.label for option in form[name].options}
        stands = words.get(str(getattr(desk.entry, f"{name}_id")), "")
        mine = words.get(form.link(name), "")
        rows.append({"label": str(form[name].label.text), "mine": mine, "stands": stands})
    return rows
