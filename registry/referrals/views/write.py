"""Writing a referral: who the patient is, the form, the look before sending, and sending."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from flask import jsonify, render_template, request, url_for
from werkzeug.datastructures import MultiDict

from registry import audit, web
from registry.access import Right, Role
from registry.clinical import missing_for_advice
from registry.course import wording
from registry.course.licence import may_derive_stages
from registry.dates import PartialDate, today
from registry.db import new_id
from registry.errors import Conflict, Forbidden, Invalid
from registry.forms import raw
from registry.language import gettext as _
from registry.patients import queries as patients
from registry.patients.forms import stored_consents
from registry.patients.matching import finding
from registry.patients.models import Patient
from registry.people import queries as people
from registry.people.models import Organisation
from registry.referrals import actions, attachments, queries, reading, rules
from registry.referrals.case import CONTACT, Assessment, assess, changes, typed_of
from registry.referrals.forms import (
    CaseForm,
    KnownPatientForm,
    NewReferralForm,
    OnBehalfForm,
    anchor,
    offer,
    only_ours,
    reopened,
)
from registry.referrals.models import InformationRequest, Referral
from registry.referrals.rules import Side
from registry.referrals.views import files, suggested
from registry.referrals.views.lists import day
from registry.referrals.views.room import room

# -- the first page ----------------------------------------------------------------------------


def _on_behalf() -> bool:
    """Does the viewer enter it for a doctor of another hospital?"""
    return Role.REFERRER not in web.viewer().roles


def _first_form(sent: Any = None) -> Any:
    viewer = web.viewer()
    if _on_behalf():
        form: Any = OnBehalfForm(sent, stored=stored_consents({}))
        others = [h for h in people.hospitals(viewer) if h.id != viewer.organisation_id]
        offer(form.hospital, others)
        return form
    own = people.organisation_by_id(viewer.organisation_id)
    stored = {**stored_consents({}), "country": own.country, "centre": _first_centre()}
    form = NewReferralForm(sent, stored=stored)
    offer(form.centre, _other_centres())
    return form


def _other_centres() -> list[Organisation]:
    """The centres that can be asked."""
    viewer = web.viewer()
    return [c for c in people.centres(viewer) if c.id != viewer.organisation_id]


def _first_centre() -> str | None:
    """The centre that was asked last, else the only one of the same country or of all: between
    several the doctor chooses."""
    viewer, centres = web.viewer(), _other_centres()
    last = queries.last_of_own(viewer)
    if last is not None and any(c.id == last.to_organisation_id for c in centres):
        return str(last.to_organisation_id)
    own = people.organisation_by_id(viewer.organisation_id)
    near = [c for c in centres if c.country == own.country]
    for found in (near, centres):
        if len(found) == 1:
            return str(found[0].id)
    return None


#: Consents that may still be asked after the referral was sent.
_LATER = ("consent_registry", "consent_research_use", "consent_research_contact")


def _first_page(
    form: Any, candidates: Sequence[finding.Candidate] = (), status: int = 200
) -> tuple[str, int]:
    seen = [(one.identity.id, one.identity.id) for one in candidates]
    audit.listed("listed patient", "patient", seen, by=web.viewer())
    for field in form:
        if field.required and field.short_name not in _LATER:
            field.needed_word = _("needed")
    live = queries.live_of_patients(web.viewer(), [one.identity.id for one in candidates])
    page = render_template(
        "referrals/new.html",
        form=form,
        candidates=candidates,
        live=live,
        state_words=rules.STATES,
        form_key=web.as_id(request.form.get("form_key")) or new_id(),
    )
    return page, status


@room.page("/referrals/new", right=Right.REFER, methods=("GET", "POST"))
def new() -> Any:
    """Who the patient is; who may be the same person is shown before a patient is made, with the
    referrals that are under way."""
    if request.values.get("patient"):
        return _for_known()
    if request.method == "GET":
        return _first_page(_first_form())
    form = _first_form(request.form)
    if not form.validate():
        return _first_page(form, status=422)
    chosen = web.as_id(request.form.get("same"))
    if chosen is None and request.form.get("another") != "yes" and not _made_already():
        candidates = finding.likely_same(web.viewer(), form.sought())
        if candidates:
            return _first_page(form, candidates, 422)
    try:
        made = _begin(form, chosen)
    except Invalid as refused:
        name = refused.field if refused.field in form else "family_name"
        form[name].errors.append(refused.message)
        return _first_page(form, status=422)
    return web.go("referrals.edit", referral_id=made.id)


def _made_already() -> bool:
    key = web.as_id(request.form.get("form_key"))
    return key is not None and queries.by_form_key(web.viewer(), key) is not None


def _for_known() -> Any:
    """The first page for a patient who is known: nothing of who they are is asked again."""
    viewer = web.viewer()
    patient = patients.patient(viewer, web.as_id(request.values.get("patient")))
    if _on_behalf():
        raise Forbidden()
    stored = stored_consents(patients.consents(viewer, patient.id)) | {"centre": _first_centre()}
    form: Any = KnownPatientForm(request.form if request.method == "POST" else None, stored=stored)
    offer(form.centre, _other_centres())
    if request.method == "POST" and form.validate():
        made = actions.start_draft(
            by=viewer,
            form_key=web.as_id(request.form.get("form_key")) or new_id(),
            to=people.organisation_by_id(UUID(form.centre.data)),
            patient=patient,
            consents=form.answers(),
            contact=_own_contact(),
            known=_known(patient),
        )
        return web.go("referrals.edit", referral_id=made.id)
    audit.opened(
        "listed patient", by=viewer, subject=("patient", patient.id), patient_id=patient.id
    )
    page = render_template(
        "referrals/new_known.html",
        form=form,
        identity=patients.identity(patient),
        hospital_number=patients.hospital_number(viewer, patient.id),
        live=queries.live_of_patients(viewer, [patient.id]).get(patient.id, []),
        state_words=rules.STATES,
        form_key=web.as_id(request.form.get("form_key")) or new_id(),
    )
    return page, 422 if form.errors else 200


def _own_contact() -> dict[str, str]:
    """Who answers questions: as in one's own last referral, else as in the account."""
    viewer = web.viewer()
    account = people.oneself(viewer)
    own = {
        "contact_name": account.name,
        "contact_telephone": account.telephone,
        "contact_email": account.email,
    }
    return own | queries.contact_of(queries.last_of_own(viewer))


def _known(patient: Patient) -> dict[str, list[str]]:
    """What is known of a patient, as if it were typed into the form."""
    typed = only_ours(typed_of({}, queries.facts_of_patient(web.viewer(), patient)))
    if typed:
        web.warn(_("Filled in from what is known of the patient. Check it, and add what is new."))
    return typed


def _begin(form: Any, chosen: UUID | None) -> Referral:
    viewer = web.viewer()
    known = patients.patient(viewer, chosen) if chosen else None
    hospital, contact = None, {}
    if _on_behalf():
        hospital = people.organisation_by_id(UUID(form.hospital.data))
        to = people.organisation_by_id(viewer.organisation_id)
        contact["contact_name"] = form.on_behalf_of.data
    else:
        to = people.organisation_by_id(UUID(form.centre.data))
        contact = _own_contact()
    return actions.start_draft(
        by=viewer,
        form_key=web.as_id(request.form.get("form_key")) or new_id(),
        to=to,
        patient=known,
        new=actions.NewPatient(form.identity(), form.reasons(), form.hospital_number.data or ""),
        consents=form.answers(),
        hospital=hospital,
        on_behalf_of=form.on_behalf_of.data if hospital else "",
        contact=contact,
        known=_known(known) if known and not hospital else {},
    )


# -- the form ----------------------------------------------------------------------------------


def _typed(referral: Referral) -> MultiDict[str, str]:
    """What the form shows: the kept draft, else what was sent last."""
    kept: dict[str, list[str]] = dict(referral.draft or {})
    last = None if kept else queries.latest_submission(referral)
    if last is not None:
        kept = typed_of(last.asked, last.facts)
        kept |= {name: [getattr(referral, name) or ""] for name in CONTACT}
        answers = stored_consents(patients.consents(web.viewer(), referral.patient_id))
        kept |= {name: [answer] for name, answer in answers.items()}
    if "follow_up__date-year" not in kept and "follow_up__date" not in kept:
        kept["follow_up__date"] = [PartialDate.of(today()).iso]
    kept.setdefault("centre", [str(referral.to_organisation_id)])
    return reopened(kept)


def _centres(referral: Referral) -> Sequence[Organisation]:
    """The centres that can be asked: until it is sent any, then the one it was sent to."""
    fixed = referral.submitted_at is not None or referral.entered_for_another
    return [referral.to_organisation] if fixed else people.centres(web.viewer())


def _form(referral: Referral, typed: MultiDict[str, str]) -> CaseForm:
    return CaseForm(_with_centre(referral, typed), _centres(referral))


def _with_centre(referral: Referral, typed: MultiDict[str, str]) -> MultiDict[str, str]:
    if not typed.get("centre"):
        typed = MultiDict(typed)
        typed.setlist("centre", [str(referral.to_organisation_id)])
    return typed


def _checked(referral: Referral, typed: MultiDict[str, str]) -> CaseForm:
    form = _form(referral, typed)
    form.validate()
    return form


def _form_to_send(referral: Referral, typed: MultiDict[str, str]) -> CaseForm:
    """The form of which only the answers are wanted. Goes to the centre it is addressed to."""
    typed, to = _with_centre(referral, typed), referral.to_organisation
    known = to.active and typed["centre"] == str(to.id)
    return CaseForm(typed, [to] if known else _centres(referral), to_show=False)


def _sent_form() -> MultiDict[str, str]:
    return reopened(only_ours(raw(request.form)))


def _assessment(referral: Referral, form: CaseForm) -> Assessment:
    case, patient = form.case(), referral.patient
    return assess(
        case.asked,
        case.facts,
        birth_date=patient.birth_date,
        sex_at_birth=patient.sex_at_birth,
        licensed=may_derive_stages(),
    )


def derived_words(found: Assessment) -> dict[str, Any]:
    """What the panel of derived values shows, on the form and before sending."""
    items = [
        (anchor(one.variable), missing_for_advice.label(one.variable), one.reason, one.level)
        for one in found.missing
    ]
    return {
        "found": found,
        "missing": items,
        "stages": may_derive_stages(),
        "findings": [wording.finding(one) for one in found.findings],
        "red_flags": found.urgency.flags,
    }


def _edit_page(
    referral: Referral, form: CaseForm, *, theirs: Mapping[str, Any] | None = None
) -> str:
    _opened(referral, "opened referral form")
    asked = queries.open_request(referral)
    live = queries.live_of_patients(web.viewer(), [referral.patient_id])
    return render_template(
        "referrals/edit.html",
        referral=referral,
        form=form,
        identity=patients.identity(referral.patient),
        hospital_number=patients.hospital_number(web.viewer(), referral.patient_id),
        centres=_centres(referral),
        version=request.form.get("version", referral.version) if not theirs else referral.version,
        saved_by=people.person_names([referral.draft_saved_by]).get(referral.draft_saved_by)
        if referral.draft_saved_by
        else "",
        information=asked,
        asked_items=_asked_items(asked),
        day=day,
        theirs=theirs,
        used_of=used_of,
        files=attachments.files(web.viewer(), referral),
        differing=files.DIFFERING,
        suggested=_suggested(referral, form),
        others=[o for o in live.get(referral.patient_id, []) if o.id != referral.id],
        state_words=rules.STATES,
        texts=queries.texts(web.viewer()),
        born=wording.date(referral.patient.birth_date),
        may_discard="withdraw" in {s.name for s in queries.steps(web.viewer(), referral)},
        **derived_words(_assessment(referral, form)),
    )


def _asked_items(asked: InformationRequest | None) -> list[tuple[str, str]]:
    """What the centre ticked: the place on the form, and its name."""
    items = asked.items if asked else []
    return [(anchor(one), _(missing_for_advice.label(one))) for one in items]


def _suggested(referral: Referral, form: CaseForm) -> list[suggested.Shown]:
    """The centres to suggest while it is a draft; nothing once it is with one."""
    if referral.state != rules.DRAFT or referral.entered_for_another:
        return []
    found = _assessment(referral, form)
    question = form.asked.question.data or ""
    ranked = queries.suggestions(web.viewer(), referral, found, question)
    return suggested.shown(ranked, _centres(referral), form.asked.centre.data or "")


def used_of(part: Any, names: Sequence[str]) -> bool:
    """Has any of these questions an answer, an error or a warning?"""
    fields = [part[name] for name in names]
    return any(not field.is_empty or field.errors or field.warnings for field in fields)


def _opened(referral: Referral, what: str) -> None:
    audit.opened(
        what,
        by=web.viewer(),
        subject=("referral", referral.id),
        patient_id=referral.patient_id,
    )


def _sent_version() -> int:
    sent = request.form.get("version", "")
    return int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 10 else -1


def _chosen_centre(form: CaseForm) -> Organisation | None:
    chosen = web.as_id(form.asked.centre.data)
    return people.organisation_by_id(chosen) if chosen else None


@room.page("/referrals/<uuid:referral_id>/edit", right=Right.REFER, methods=("GET", "POST"))
def edit(referral_id: UUID) -> Any:
    """The form. Nothing has to be complete to be kept."""
    viewer = web.viewer()
    if request.method == "GET":
        found = queries.referral(viewer, referral_id)
        if _is_gone(found):
            return web.go("referrals.case", referral_id=found.id)
        referral = queries.referral_to_write(viewer, referral_id)
        return _edit_page(referral, _form(referral, _typed(referral)))
    referral = queries.referral_to_write(viewer, referral_id)
    typed, row = _with_row(only_ours(raw(request.form)))
    form = _form(referral, reopened(typed))
    wants = request.form.get("do", "save")
    if wants == "check" and not form.validate():
        return _edit_page(referral, form), 422
    try:
        actions.save_draft(
            referral, typed, by=viewer, version=_sent_version(), to=_chosen_centre(form)
        )
    except Conflict as conflict:
        theirs = {"message": conflict.message, "lines": _both(referral, form)}
        return _edit_page(referral, form, theirs=theirs), 409
    if row:
        return web.go("referrals.edit", referral_id=referral.id, _anchor=row)
    if wants == "check":
        return web.go("referrals.check", referral_id=referral.id)
    web.done(_("The draft was saved."))
    if wants == "files":
        return web.go("referrals.files", referral_id=referral.id)
    return web.go("referrals.mine" if viewer.may(Right.FOLLOW_REFERRALS) else "referrals.drafts")


def _is_gone(found: Referral) -> bool:
    """Has the hospital's referral been sent meanwhile? Then the form leads to the case."""
    ours = queries.sides(web.viewer(), found) & {Side.REFERRING, Side.ON_BEHALF}
    return bool(ours) and found.state not in (rules.DRAFT, rules.INFORMATION_REQUESTED)


def _with_row(typed: dict[str, list[str]]) -> tuple[dict[str, list[str]], str]:
    """What was typed, with one more row where the button for it was pressed, and its place."""
    entity = request.form.get("add", "")
    if entity not in ("imaging", "biomarker", "therapy"):
        return typed, ""
    count = CaseForm(reopened(typed)).rows[entity]
    return typed | {f"{entity}__rows": [str(len(count) + 1)]}, f"{entity}-{len(count) + 1}"


def _both(referral: Referral, form: CaseForm) -> list[dict[str, str]]:
    """Answer by answer: what was typed here, and what the other one saved."""
    mine, stands = form.case(), _form(referral, _typed(referral)).case()
    lines = []
    differs = changes((stands.asked, stands.facts), (mine.asked, mine.facts))
    for key, change in differs.items():
        entity, number, name = key
        title = reading.label(entity, name)
        lines.append(
            {
                "label": f"{title} ({number + 1})" if number else title,
                "mine": reading.answered(entity, name, change.after),
                "stands": reading.answered(entity, name, change.before),
            }
        )
    return lines


@room.page(
    "/referrals/<uuid:referral_id>/draft", right=Right.REFER, methods=("POST",), reads_first=True
)
def draft(referral_id: UUID) -> Any:
    """The draft saves itself."""
    viewer = web.viewer()
    referral = queries.referral_to_write(viewer, referral_id)
    typed = only_ours(raw(request.form))
    form = _form(referral, reopened(typed))
    try:
        actions.save_draft(
            referral, typed, by=viewer, version=_sent_version(), to=_chosen_centre(form)
        )
    except Conflict:
        return _conflict(referral), 409
    saved_at = referral.draft_saved_at
    return jsonify(version=referral.version, saved_at=saved_at.isoformat() if saved_at else None)


def _conflict(referral: Referral) -> Any:
    who = people.person_names([referral.draft_saved_by])
    saved_at = referral.draft_saved_at
    return jsonify(
        saved_by=who.get(referral.draft_saved_by) if referral.draft_saved_by else None,
        saved_at=saved_at.isoformat() if saved_at else None,
        link=url_for("referrals.edit", referral_id=referral.id),
    )


@room.page("/referrals/<uuid:referral_id>/derive", right=Right.REFER, methods=("POST",))
def derive(referral_id: UUID) -> Any:
    """What follows from the values typed so far; nothing is kept."""
    referral = queries.referral_to_write(web.viewer(), referral_id)
    form = _form(referral, _sent_form())
    return render_template(
        "referrals/_derived.html",
        referral=referral,
        centre=_chosen_centre(form) or referral.to_organisation,
        here=True,
        suggested=_suggested(referral, form),
        **derived_words(_assessment(referral, form)),
    )


# -- before sending, and sending ---------------------------------------------------------------


@room.page("/referrals/<uuid:referral_id>/check", right=Right.REFER)
def check(referral_id: UUID) -> Any:
    """Everything as typed, and what the board will ask for, before it is sent."""
    viewer = web.viewer()
    found = queries.referral(viewer, referral_id)
    if _is_gone(found):
        return web.go("referrals.case", referral_id=found.id)
    referral = queries.referral_to_write(viewer, referral_id)
    form = _form(referral, _typed(referral))
    if not form.validate():
        return web.go("referrals.edit", referral_id=referral.id)
    _opened(referral, "checked referral")
    return _check_page(referral, form)


def _check_page(referral: Referral, form: CaseForm) -> str:
    case = form.case()
    return render_template(
        "referrals/check.html",
        referral=referral,
        form=form,
        identity=patients.identity(referral.patient),
        born=wording.date(referral.patient.birth_date),
        blocks=reading.blocks(case.asked, case.facts),
        case=case,
        files=attachments.files(web.viewer(), referral),
        differing=files.DIFFERING,
        warnings=[
            (field.label.text, " ".join(field.warnings))
            for one in form.forms
            for field in one
            if field.warnings
        ],
        **derived_words(_assessment(referral, form)),
    )


@room.page(
    "/referrals/<uuid:referral_id>/send", right=Right.REFER, methods=("POST",), reads_first=True
)
def send(referral_id: UUID) -> Any:
    """Send the draft as it was kept. Pressed twice it is sent once."""
    viewer = web.viewer()
    found = queries.referral(viewer, referral_id)
    if _is_gone(found):
        return web.go("referrals.case", referral_id=found.id)
    if not queries.sides(viewer, found) & {Side.REFERRING, Side.ON_BEHALF}:
        raise Forbidden()
    referral = queries.to_write(viewer, found)
    typed = _typed(referral)
    form = _form_to_send(referral, typed)
    if not form.validate():
        return _edit_page(referral, _checked(referral, typed)), 422
    try:
        actions.submit(referral, form.case(), by=viewer, version=_sent_version())
    except Invalid as refused:
        form = _checked(referral, typed)
        form.add(refused.field, refused.message)
        return _edit_page(referral, form), 422
    except Conflict as conflict:
        if _is_gone(referral):
            return web.go("referrals.case", referral_id=referral.id)
        theirs = {"message": conflict.message, "lines": []}
        return _edit_page(referral, _checked(referral, typed), theirs=theirs), 409
    web.done(_("Sent to %(centre)s.", centre=referral.to_organisation.name))
    return web.go("referrals.case", referral_id=referral.id)
