"""One case: what was sent, what follows, what happened, the advice, and the steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import jsonify, render_template, request

from registry import audit, web
from registry.access import Right
from registry.clinical import missing_for_advice
from registry.clinical.grading import GradeResult
from registry.clinical.results import Derived
from registry.clinical.urgency import Urgency
from registry.course import wording
from registry.dates import today
from registry.db import db, new_id
from registry.errors import Conflict, Invalid, NotFound
from registry.language import gettext as _
from registry.language import lazy_gettext as _l
from registry.patients import queries as patients
from registry.people import queries as people
from registry.referrals import actions, attachments, queries, reading, rules
from registry.referrals.case import Change, changes, first
from registry.referrals.models import Referral, Submission
from registry.referrals.rules import Side, Step
from registry.referrals.step_forms import (
    LetterForm,
    MessageForm,
    Offers,
    day_of,
    more_of,
    step_form,
)
from registry.referrals.views.files import modalities
from registry.referrals.views.lists import day
from registry.referrals.views.room import room
from registry.referrals.views.thread import add_files, shown_event, thread_of

audit.learn({"opened own part": _l("Saw what one's own centre did in a referral")})


@dataclass(frozen=True)
class Version:
    """One submission, as it is read: in words, with what changed since the one before."""

    number: int
    sent: Submission
    blocks: list[reading.Block]
    changed: int


@dataclass(frozen=True)
class Found:
    """What was derived when a version was sent, beside what was stated, in words."""

    grade: GradeResult
    stage: Derived | None
    urgency: Urgency
    grade_stated: str
    stage_stated: str
    grade_differs: bool
    stage_differs: bool
    findings: list[str]


@room.page("/referrals/<uuid:referral_id>", right=Right.READ_REFERRAL)
def case(referral_id: UUID) -> Any:
    """The case; of one that a centre reads no more, what it did there itself."""
    try:
        referral = queries.referral(web.viewer(), referral_id)
    except NotFound:
        return _own_part(referral_id)
    if referral.state == rules.DRAFT:
        return web.go("referrals.edit", referral_id=referral.id)
    return _page(referral, {})


def _own_part(referral_id: UUID) -> Any:
    viewer = web.viewer()
    part = queries.own_part(viewer, referral_id)
    if part is None:
        raise NotFound()
    audit.opened("opened own part", by=viewer, subject=("referral", referral_id), patient_id=None)
    entries = [shown_event(one) for one in part.events]
    return render_template("referrals/part.html", part=part, entries=entries)


@room.page(
    "/referrals/<uuid:referral_id>/step",
    right=Right.STEP,
    methods=("POST",),
    largest=attachments.LARGEST_REQUEST,
)
def step(referral_id: UUID) -> Any:
    """Take a step."""
    viewer = web.viewer()
    referral = queries.referral(viewer, referral_id)
    name = request.form.get("step", "")
    if name not in rules.STEP_NAMES or name in ("submit", "give_information"):
        raise Invalid(_("Choose a step."))
    known = queries.step(viewer, referral, name)
    if known is None:  # it was one of the step's states a moment ago
        return _too_late(referral, name)
    form: Any = step_form(known, request.form, _offers(referral, known))
    if not form.validate():
        return _page(referral, {name: form}), 422
    try:
        event = actions.take(referral, name, by=viewer, version=_version(), **_needs(form))
        if name == "answer":
            add_files(referral, ("referral_event", event.id))
    except Conflict as conflict:
        db.session.rollback()
        again = queries.referral(viewer, referral_id)
        return _page(again, {name: form}, conflict=conflict.message), 409
    except Invalid as refused:
        db.session.rollback()
        referral = queries.referral(viewer, referral_id)
        if refused.field in form:
            form[refused.field].errors.append(refused.message)
            return _page(referral, {name: form}), 422
        return _page(referral, {name: form}, problem=refused.message), 422
    web.done(_said(referral, name))
    return _back(referral)


def _version() -> int:
    sent = request.form.get("version", "")
    return int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 10 else -1


def _needs(form: Any) -> dict[str, Any]:
    """What the step takes, from its form."""
    taken: dict[str, Any] = {}
    for name in ("reason", "request", "answer", "text"):
        if name in form:
            taken["text"] = form[name].data or ""
    if "kinds" in form:
        taken["kinds"] = form.kinds.data
    if "assignee" in form:
        taken["assignee_id"] = web.as_id(form.assignee.data)
    return taken | {"more": more_of(form)}


def _too_late(referral: Referral, name: str) -> Any:
    """Somebody moved it on before: nothing is done, what was typed is shown again."""
    typed = {
        key.removeprefix(f"{name}_"): text
        for key, text in request.form.items()
        if key.startswith(f"{name}_") and text
    }
    return _page(referral, {}, conflict=actions.who_was_first(referral), typed=typed), 409


def _said(referral: Referral, name: str) -> str:
    who = patients.identity(referral.patient).pseudonym
    return str(_("%(what)s: %(case)s.", what=rules.TAKEN[name], case=who))


def _back(referral: Referral) -> Any:
    if referral.submitted_at is None:
        return web.go(
            "referrals.mine" if web.viewer().may(Right.FOLLOW_REFERRALS) else "referrals.drafts"
        )
    if request.form.get("back") == "worklist":
        return web.go("referrals.worklist")
    return web.go("referrals.case", referral_id=referral.id)


def _offers(referral: Referral, one: Step, missing: Sequence[str] | None = None) -> Offers:
    """What the choices of a step's form offer: asked for only where it has them."""
    viewer = web.viewer()
    if "items" in one.asks and missing is None:
        sent = queries.latest_submission(referral)
        missing = [each["variable"] for each in sent.missing] if sent else []
    centres = people.centres(viewer) if "centre" in one.needs else ()
    return Offers(
        people=queries.colleagues(viewer) if "assignee" in one.needs else (),
        centres=[each for each in centres if each.id != referral.to_organisation_id],
        missing=missing or () if "items" in one.asks else (),
    )


# -- what is said beside the steps -------------------------------------------------------------


@room.page(
    "/referrals/<uuid:referral_id>/say",
    right=Right.STEP,
    methods=("POST",),
    largest=attachments.LARGEST_REQUEST,
)
def say(referral_id: UUID) -> Any:
    """Write to the other side, or note something for one's own centre."""
    viewer = web.viewer()
    referral = queries.referral(viewer, referral_id)
    form: Any = MessageForm(request.form)
    if not form.validate():
        return _page(referral, {}, said=form), 422
    note = request.form.get("as") == "note"
    try:
        made = actions.say(
            referral,
            form.text.data,
            by=viewer,
            form_key=web.as_id(request.form.get("form_key")),
            note=note,
        )
        if not note:
            add_files(referral, ("referral_message", made.id))
    except Invalid as refused:
        db.session.rollback()
        form.text.errors.append(refused.message)
        return _page(queries.referral(viewer, referral_id), {}, said=form), 422
    actions.read(referral, by=viewer)
    web.done(_("Your note was kept.") if note else _("Your message was sent."))
    return web.go("referrals.case", referral_id=referral.id, _anchor="thread")


@room.page("/referrals/<uuid:referral_id>/letter", right=Right.STEP, methods=("POST",))
def letter(referral_id: UUID) -> Any:
    """Record that a letter was sent to somebody who has no account."""
    viewer = web.viewer()
    referral = queries.referral(viewer, referral_id)
    form: Any = LetterForm(request.form)
    if not form.validate():
        return _page(referral, {}, letter=form), 422
    try:
        actions.letter_sent(
            referral,
            by=viewer,
            to_whom=form.to_whom.data,
            how=form.how.data,
            on=day_of(form.on) or today(),
            addressee=form.addressee.data or "",
        )
    except Invalid as refused:
        form[refused.field].errors.append(refused.message)
        return _page(referral, {}, letter=form), 422
    web.done(_("Recorded."))
    return web.go("referrals.case", referral_id=referral.id, _anchor="thread")


@room.page("/referrals/<uuid:referral_id>/read", right=Right.READ_REFERRAL, methods=("POST",))
def read(referral_id: UUID) -> Any:
    """The page stood before its reader: nothing in it is new any more."""
    viewer = web.viewer()
    actions.read(queries.referral(viewer, referral_id), by=viewer)
    return jsonify(read=True)


# -- what the page shows -----------------------------------------------------------------------


def _page(
    referral: Referral,
    forms: dict[str, Any],
    *,
    conflict: str = "",
    typed: Any = None,
    problem: str = "",
    said: Any = None,
    letter: Any = None,
) -> str:
    """`said` and `letter` are the forms of a message and of a letter that were refused."""
    viewer = web.viewer()
    audit.opened(
        "opened referral",
        by=viewer,
        subject=("referral", referral.id),
        patient_id=referral.patient_id,
    )
    steps = queries.steps(viewer, referral)
    versions = _versions(queries.submissions(referral))
    items = [one["variable"] for one in versions[0].sent.missing] if versions else []
    consents = patients.consents(viewer, referral.patient_id)
    side = queries.speaks_for(viewer, referral)
    left = queries.left_at(viewer, referral)
    entries = thread_of(viewer, referral)
    given = queries.advice(referral)
    return render_template(
        "referrals/case.html",
        referral=referral,
        identity=patients.identity(referral.patient),
        age=queries.age_text(referral.patient.birth_date, queries.today_here(viewer)),
        today=queries.today_here(viewer),
        at_centre=Side.CENTRE in queries.sides(viewer, referral),
        steps=steps,
        step_forms={
            one.name: forms.get(one.name) or step_form(one, None, _offers(referral, one, items))
            for one in steps
        },
        problem=problem,
        tried=next(iter(forms), ""),
        form=next(iter(forms.values()), None) or said or letter,
        conflict=conflict,
        typed=typed or {},
        versions=versions,
        files=attachments.files(viewer, referral),
        transfers=queries.transfers(referral),
        modality_words=dict(modalities()),
        found=_found(versions[0].sent) if versions else None,
        missing=_missing(versions[0].sent) if versions else [],
        entries=entries[: None if "all" in request.args else SHOWN],
        hidden=0 if "all" in request.args else max(0, len(entries) - SHOWN),
        news=sum(one.new for one in entries),
        speaks=side,
        message_form=said or MessageForm(),
        letter_form=letter or LetterForm.of_today(),
        letter_tried=letter is not None,
        form_key=new_id(),
        left=left,
        differences=_differences(versions),
        may_answer="give_information" in {one.name for one in steps},
        state_words=rules.STATES,
        step_words=rules.STEP_LABELS,
        item_label=lambda item: _(missing_for_advice.label(item)),
        day=day,
        advice=[one for one in given if left is None or one.at <= left],
        information=queries.open_request(referral),
        names=people.person_names([referral.assignee_id, referral.referrer_id]),
        waiting=queries.waited(referral.submitted_at, referral.advised_at or referral.ended_at),
        registry_consent=consents["registry"].answer if "registry" in consents else "not_asked",
        chart=viewer.may(Right.READ_RECORD),
    )


#: How many entries of the thread are shown before one asks for all.
SHOWN = 10


def _differences(versions: Sequence[Version]) -> list[reading.Line]:
    """What the last version says otherwise than the one before, in one short list; also what it
    does not say any more."""
    if len(versions) < 2:
        return []
    new, old = versions[0].sent, versions[1].sent
    differs = changes((old.asked, old.facts), (new.asked, new.facts))
    found = []
    for (entity, number, name), change in differs.items():
        title = reading.label(entity, name)
        found.append(
            reading.Line(
                f"{title} ({number + 1})" if number else title,
                reading.answered(entity, name, change.after),
                True,
                reading.answered(entity, name, change.before),
            )
        )
    return found


def _versions(sent: Sequence[Submission]) -> list[Version]:
    """Newest first, each compared with the one before it."""
    found = []
    for one, before in zip(sent, [*sent[1:], None], strict=True):
        differs: dict[tuple[str, int, str], Change] = {}
        if before is not None:
            differs = changes((before.asked, before.facts), (one.asked, one.facts))
        blocks = reading.blocks(one.asked, one.facts, differs)
        found.append(Version(one.number, one, blocks, len(differs)))
    return found


def _found(sent: Submission) -> Found:
    derived = sent.derived
    pathology, staging = first(sent.facts, "pathology"), first(sent.facts, "staging")
    stage = derived.get("stage")
    return Found(
        grade=GradeResult.from_json(derived["grade"]),
        stage=Derived.from_json(stage) if stage else None,
        urgency=Urgency.from_json(derived["urgency"]),
        grade_stated=reading.said("pathology", pathology, "grade_stated"),
        stage_stated=reading.said("staging", staging, "stage_stated"),
        grade_differs=bool(derived.get("grade_differs")),
        stage_differs=bool(derived.get("stage_differs")),
        findings=[wording.finding(one) for one in derived.get("findings", [])],
    )


def _missing(sent: Submission) -> list[tuple[str, str]]:
    return [(missing_for_advice.label(one["variable"]), one["template"]) for one in sent.missing]
