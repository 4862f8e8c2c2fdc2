"""A follow-up visit on one page."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import render_template, request
from werkzeug.datastructures import MultiDict

from registry import audit, codes, web
from registry.access import Right
from registry.clinical.results import Reason
from registry.course import queries, sheet, wording
from registry.course.actions import plans
from registry.course.actions import sheet as keeping
from registry.course.queries.drafts import sheet_draft
from registry.course.views.level1 import check_dates, clashes, keep_draft, refuse
from registry.course.views.room import room
from registry.course.visit import EVENT_SLOT as EVENT
from registry.course.visit import IMAGING_SLOT, OTHER_MARKER, Visit
from registry.dates import today
from registry.db import new_id
from registry.forms import again, code_options, raw
from registry.language import gettext as _
from registry.language import lazy_gettext as _l
from registry.patients import queries as patients
from registry.patients.models import Patient

audit.learn({"opened visit": _l("Opened: %(what)s", what=_l("Follow-up visit"))})

PAGE = "visit"


class Desk:
    """What is on the table: the record, and the visit as it is typed."""

    def __init__(self, patient: Patient, typed: Any = None) -> None:
        viewer = web.viewer()
        self.patient = patient
        self.record = queries.record_of(patient)
        self.draft = None if typed is not None else sheet_draft(viewer, patient.id, PAGE)
        kept = again(self.draft.typed) if self.draft else None
        self.typed: MultiDict[str, str] | None = typed if typed is not None else kept
        key = web.as_id(self.typed.get("form_key")) if self.typed is not None else None
        kinds = patients.relation(viewer, patient.id)
        self.visit = Visit(
            self.record,
            form_key=key or new_id(),
            typed=self.typed,
            may_change=lambda entry: queries.may_change(viewer, kinds, entry),
        )

    @property
    def tumour_id(self) -> UUID | None:
        """What is new is about the only tumour; where there are several it does not say which."""
        alone = len(self.record.tumours) == 1
        return self.record.tumours[0].id if alone else None


def _sent() -> MultiDict[str, str]:
    return again(raw(request.form, leave_out=("do", "add", "seen", "rest")))


@room.page("/patients/<uuid:patient_id>/visit", right=Right.WRITE_COURSE, methods=("GET", "POST"))
def visit(patient_id: UUID) -> Any:
    """Record a visit: one page, one transaction, several entries."""
    patient = patients.patient_to_write(web.viewer(), patient_id)
    if request.method == "GET":
        return _page(Desk(patient))
    desk = Desk(patient, _sent())
    if "add" in request.form:
        return _further(desk)
    made = desk.visit.sheet
    fine = desk.visit.check()
    fine = check_dates(made, patient) and fine
    if not fine or made.mark not in ("", request.form.get("seen", "")):
        return _page(desk), 422
    outcome = keeping.save(patient, desk.visit.rows(desk.tumour_id), by=web.viewer())
    refuse(made, outcome)
    if not outcome.is_kept:
        page = _page(desk, clashes(made, outcome))
        return page, 409 if outcome.clashes else 422
    keeping.drop_draft(patient, PAGE, by=web.viewer())
    _tell_early(patient)
    web.done(_("The visit was saved. Entries written: %(n)s.", n=outcome.saved))
    return web.go("chart.chart", patient_id=patient.id)


def _tell_early(patient: Patient) -> None:
    """Point out the tests of this day that came before their interval."""
    for item in plans.make(patient.id).items:
        if item["kind"] == "early" and item["on"] == today().isoformat():
            said = item["reasons"][0]
            reason = wording.reason(Reason(said["template"], said["values"]))
            test = codes.label("follow_up_test", item["test"])
            web.warn(_("%(test)s is earlier than planned: %(reason)s", test=test, reason=reason))


def _further(desk: Desk) -> Any:
    """One more row without scripts: the page is kept as a draft and shown with it."""
    made, slot = desk.visit.sheet, request.form.get("add", "")
    kept = made.kept()
    if slot in made.slots:
        kept[f"{slot}__rows"] = [str(len(made.parts[slot]) + 1)]
    before = sheet_draft(web.viewer(), desk.patient.id, PAGE)
    version = before.version if before else 0
    keeping.keep_draft(desk.patient, PAGE, kept, by=web.viewer(), version=version)
    return web.go("course.visit", patient_id=desk.patient.id, _anchor=slot)


def _page(desk: Desk, both: list[dict[str, str]] | None = None) -> str:
    audit.opened(
        "opened visit",
        by=web.viewer(),
        subject=("patient", desk.patient.id),
        patient_id=desk.patient.id,
    )
    made = desk.visit.sheet
    blanks = {
        slot.key: sheet.blank(slot, made.form_key) for slot in (IMAGING_SLOT, OTHER_MARKER, EVENT)
    }
    for part in [*made.parts["event"], blanks["event"]]:
        part["term"].list_id = "ctcae"
    return render_template(
        "course/visit.html",
        desk=desk,
        visit=desk.visit,
        sheet=made,
        both=both,
        identity=patients.identity(desk.patient),
        blank=blanks,
        terms=code_options("ctcae_term"),
        draft_version=request.form.get("version") or (desk.draft.version if desk.draft else 0),
    )


@room.page("/patients/<uuid:patient_id>/visit/draft", right=Right.WRITE_COURSE, methods=("POST",))
def visit_draft(patient_id: UUID) -> Any:
    """The page saves itself as a draft."""
    patient = patients.patient_to_write(web.viewer(), patient_id)
    return keep_draft(Desk(patient, _sent()).visit.sheet, patient, PAGE)
