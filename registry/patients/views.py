"""The centre's patients, who they are, their consents, and who opened them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import render_template, request, url_for

from registry import audit, web
from registry.access import Right
from registry.dates import PartialDate, today
from registry.db import new_id
from registry.errors import Conflict, Forbidden, Invalid
from registry.language import gettext as _
from registry.patients import actions, queries, rules
from registry.patients.forms import (
    ConsentForm,
    LiftForm,
    NewPatientForm,
    PatientForm,
    RestrictionForm,
    stored_consents,
    stored_identity,
)
from registry.patients.matching import finding
from registry.patients.models import Patient, Restriction
from registry.people import queries as people

room = web.Room("patients", __name__)

PAGE = 50


@room.page("/patients", right=Right.READ_RECORD)
def index() -> Any:
    """The patients one's organisation has to do with."""
    return _list(queries.patients(web.viewer(), after=_mark(), limit=PAGE))


def _mark() -> tuple[datetime, UUID] | None:
    """The place to read on from, as it stands in the address."""
    last = web.as_id(request.args.get("after"))
    try:
        since = datetime.fromisoformat(request.args.get("at", "")).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return (since, last) if last else None


def _list(rows: list[queries.PatientRow], searched: bool = False) -> str:
    shown = rows[:PAGE]
    audit.listed("listed patient", "patient", [(row.id, row.id) for row in shown], by=web.viewer())
    older = ""
    if len(rows) > PAGE and not searched:
        last = shown[-1]
        older = url_for("patients.index", at=last.since.isoformat(), after=last.id)
    return render_template(
        "patients/index.html",
        patients=shown,
        older=older,
        searched=searched,
        relations=rules.RELATIONS,
        may_register=web.viewer().may(Right.REGISTER_PATIENT),
    )


@room.page("/patients/search", right=Right.READ_RECORD, methods=("POST",))
def search() -> Any:
    """Find by name, number or pseudonym. Sent in the body: a name never stands in an address."""
    viewer = web.viewer()
    found = finding.search(viewer, request.form.get("text", "")[:200])
    rows = queries.patients(viewer, only=found, limit=200)
    place = {one: number for number, one in enumerate(found)}  # the likeliest first
    return _list(sorted(rows, key=lambda row: place[row.id]), searched=True)


# -- one's own patient, without a referral -----------------------------------------------------


def _new_page(form: NewPatientForm, candidates: list[finding.Candidate]) -> str:
    seen = [(one.identity.id, one.identity.id) for one in candidates]
    audit.listed("listed patient", "patient", seen, by=web.viewer())
    # The page knows the patient's id before there is one: sent twice, it registers one patient.
    key = web.as_id(request.form.get("form_key")) or new_id()
    return render_template("patients/new.html", form=form, candidates=candidates, form_key=key)


@room.page("/patients/new", right=Right.REGISTER_PATIENT, methods=("GET", "POST"))
def new() -> Any:
    """Register the centre's own patient; who may be the same person is shown first."""
    viewer = web.viewer()
    if request.method == "GET":
        return _new_page(NewPatientForm(stored=stored_consents({})), [])
    form = NewPatientForm(request.form)
    key = web.as_id(request.form.get("form_key")) or new_id()
    if rules.TREATING in queries.relation(viewer, key):
        return web.go("chart.chart", patient_id=key)
    if not form.validate():
        return _new_page(form, []), 422
    candidates = finding.likely_same(viewer, form.sought())
    if candidates and request.form.get("another") != "yes":
        return _new_page(form, candidates), 422
    try:
        made = actions.register(
            by=viewer,
            facts=form.identity(),
            absent=form.reasons(),
            hospital_number=form.hospital_number.data or "",
            relation=rules.TREATING,
            why="registered by the centre",
            patient_id=key,
        )
    except Invalid as refused:
        form[refused.field].errors.append(refused.message)
        return _new_page(form, []), 422
    _keep_consents(made, form)
    web.done(_("The patient was registered."))
    return web.go("chart.chart", patient_id=made.id)


def _keep_consents(patient: Patient, form: ConsentForm) -> None:
    """Record what is new: another answer, or the same answer with a date of its own."""
    current = queries.consents(web.viewer(), patient.id)
    for purpose, answer in form.answers().items():
        known = current.get(purpose)
        if known is not None and known.answer == answer and form.given_on is None:
            continue
        # A question that was not asked has no date.
        given_on = None if answer == "not_asked" else form.given_on or PartialDate.of(today())
        actions.answer_consent(patient.id, purpose, answer, by=web.viewer(), given_on=given_on)


# -- who the patient is ------------------------------------------------------------------------


def _identity_page(patient: Patient, form: PatientForm) -> str:
    return render_template("patients/identity.html", patient=patient, form=form)


@room.page(
    "/patients/<uuid:patient_id>/identity", right=Right.WRITE_COURSE, methods=("GET", "POST")
)
def edit(patient_id: UUID) -> Any:
    """Correct who the patient is."""
    viewer = web.viewer()
    patient = queries.patient_to_write(viewer, patient_id)
    audit.opened(
        "opened identity", by=viewer, subject=("patient", patient.id), patient_id=patient.id
    )
    number = queries.hospital_number(viewer, patient.id)
    if request.method == "GET":
        form = PatientForm(stored=stored_identity(patient, number), absent=patient.absent)
        return _identity_page(patient, form)
    form = PatientForm(request.form)
    if not form.validate():
        return _identity_page(patient, form), 422
    try:
        web.check_version(request.form.get("version"), patient.version)
        if form.hospital_number.data:
            actions.set_hospital_number(patient, form.hospital_number.data, by=viewer)
        actions.change(patient, by=viewer, facts=form.identity(), absent=form.reasons())
    except Invalid as refused:
        form[refused.field].errors.append(refused.message)
        return _identity_page(patient, form), 422
    except Conflict as refused:
        form.family_name.errors.append(
            refused.message + " " + _("What you typed is below; send it again to keep it.")
        )
        return _identity_page(patient, form), 409
    web.done(_("The patient's details were changed."))
    return web.go("chart.chart", patient_id=patient.id)


# -- consent -----------------------------------------------------------------------------------


def _asked(patient_id: UUID) -> Patient:
    """A patient who is asked for consent here. Raises NotFound, Forbidden."""
    viewer = web.viewer()
    patient = queries.patient(viewer, patient_id)
    if not queries.relation(viewer, patient.id) & rules.WRITING:
        raise Forbidden()
    audit.opened(
        "opened consent", by=viewer, subject=("patient", patient.id), patient_id=patient.id
    )
    return patient


def _consent_page(patient: Patient, form: ConsentForm) -> str:
    history = queries.consent_history(web.viewer(), patient.id)
    return render_template(
        "patients/consent.html",
        patient=patient,
        form=form,
        history=history,
        purposes=rules.PURPOSES,
        names=people.person_names(row.recorded_by for row in history),
    )


@room.page("/patients/<uuid:patient_id>/consent", right=Right.CONSENT, methods=("GET", "POST"))
def consent(patient_id: UUID) -> Any:
    """The patient's answers; a new one ends the one before and the history stays."""
    viewer, patient = web.viewer(), _asked(patient_id)
    if request.method == "GET":
        stored = stored_consents(queries.consents(viewer, patient.id))
        return _consent_page(patient, ConsentForm(stored=stored))
    form = ConsentForm(request.form)
    if not form.validate():
        return _consent_page(patient, form), 422
    _keep_consents(patient, form)
    web.done(_("The answers were recorded."))
    return web.go("chart.chart", patient_id=patient.id)


# -- use for care alone ------------------------------------------------------------------------


def _restriction_page(
    patient: Patient, history: Sequence[Restriction], form: LiftForm | RestrictionForm
) -> str:
    return render_template(
        "patients/restriction.html",
        patient=patient,
        form=form,
        ends=isinstance(form, LiftForm),
        history=history,
        grounds=rules.GROUNDS,
        names=people.person_names(
            who for row in history for who in (row.recorded_by, row.ended_by)
        ),
    )


@room.page("/patients/<uuid:patient_id>/restriction", right=Right.CONSENT, methods=("GET", "POST"))
def restriction(patient_id: UUID) -> Any:
    """The patient asked that the data be used for care alone; or this ends. The history stays."""
    viewer, patient = web.viewer(), _asked(patient_id)
    history = queries.restrictions(viewer, patient.id)
    if request.method == "GET":
        in_force = history and history[0].ended_at is None
        return _restriction_page(patient, history, LiftForm() if in_force else RestrictionForm())
    # What the page said decides what is asked, not what somebody else did meanwhile.
    kind = LiftForm if request.form.get("step") == "lift" else RestrictionForm
    form = kind(request.form)
    if not form.validate():
        return _restriction_page(patient, history, form), 422
    if isinstance(form, LiftForm):
        actions.lift_restriction(patient.id, form.because.data, by=viewer)
        web.done(_("The restriction was lifted."))
    else:
        day = form.asked_on.data or PartialDate.of(today())
        actions.restrict(
            patient.id, form.ground.data, form.note.data or "", by=viewer, asked_on=day
        )
        web.done(_("From now on the data are used for care alone."))
    return web.go("chart.chart", patient_id=patient.id)


# -- who opened --------------------------------------------------------------------------------


@room.page("/patients/<uuid:patient_id>/opened", right=Right.WHO_OPENED)
def who_opened(patient_id: UUID) -> Any:
    """Who did or opened what, for the patient's own centre."""
    viewer = web.viewer()
    patient = queries.treated_here(viewer, patient_id)
    audit.opened(
        "opened access list", by=viewer, subject=("patient", patient.id), patient_id=patient.id
    )
    before = web.as_number(request.args.get("before"), digits=18)
    rows, more = queries.who_opened(viewer, patient.id, before=before)
    return render_template(
        "patients/who_opened.html",
        patient=patient,
        rows=rows,
        more=more,
        places=people.organisation_names(row.organisation_id for row in rows),
    )
