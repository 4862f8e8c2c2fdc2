"""One case: what was sent, what follows, what happened, the advice, and the steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import render_template, request
from flask_babel import gettext as _

from registry import audit, web
from registry.access import Right
from registry.clinical import missing_for_advice
from registry.clinical.grading import GradeResult
from registry.clinical.results import Derived
from registry.clinical.urgency import Urgency
from registry.course import wording
from registry.db import db
from registry.errors import Conflict, Invalid
from registry.patients import queries as patients
from registry.people import queries as people
from registry.referrals import actions, attachments, queries, reading, rules
from registry.referrals.case import Change, changes, first
from registry.referrals.forms import step_form
from registry.referrals.models import Referral, Submission
from registry.referrals.rules import Side, Step
from registry.referrals.views.files import modalities
from registry.referrals.views.lists import day
from registry.referrals.views.room import room


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
    """The case."""
    referral = queries.referral(web.viewer(), referral_id)
    if referral.state == rules.DRAFT:
        return web.go("referrals.edit", referral_id=referral.id)
    return _page(referral, {})


@room.page("/referrals/<uuid:referral_id>/step", right=Right.STEP, methods=("POST",))
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
    form: Any = step_form(known, request.form, _colleagues(known))
    if not form.validate():
        return _page(referral, {name: form}), 422
    try:
        actions.take(referral, name, by=viewer, version=_version(), **_needs(form))
    except Conflict as conflict:
        db.session.rollback()
        again = queries.referral(viewer, referral_id)
        return _page(again, {name: form}, conflict=conflict.message), 409
    except Invalid as refused:
        form[refused.field].errors.append(refused.message)
        return _page(referral, {name: form}), 422
    web.done(_said(referral, name))
    return _back(referral)


def _version() -> int:
    sent = request.form.get("version", "")
    return int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 10 else -1


def _needs(form: Any) -> dict[str, Any]:
    """What the step takes, from its form."""
    taken: dict[str, Any] = {}
    for name in ("reason", "request", "text"):
        if name in form:
            taken["text"] = form[name].data or ""
    if "kinds" in form:
        taken["kinds"] = form.kinds.data
    if "assignee" in form:
        taken["assignee_id"] = web.as_id(form.assignee.data)
    return taken


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


def _colleagues(one: Step) -> Sequence[Any]:
    return queries.colleagues(web.viewer()) if "assignee" in one.needs else ()


# -- what the page shows -----------------------------------------------------------------------


def _page(
    referral: Referral, forms: dict[str, Any], *, conflict: str = "", typed: Any = None
) -> str:
    viewer = web.viewer()
    audit.opened(
        "opened referral",
        by=viewer,
        subject=("referral", referral.id),
        patient_id=referral.patient_id,
    )
    steps = queries.steps(viewer, referral)
    versions = _versions(queries.submissions(referral))
    consents = patients.consents(viewer, referral.patient_id)
    return render_template(
        "referrals/case.html",
        referral=referral,
        identity=patients.identity(referral.patient),
        age=queries.age_text(referral.patient.birth_date, queries.today_here(viewer)),
        today=queries.today_here(viewer),
        at_centre=Side.CENTRE in queries.sides(viewer, referral),
        steps=steps,
        step_forms={
            one.name: forms.get(one.name) or step_form(one, people=_colleagues(one))
            for one in steps
        },
        tried=next(iter(forms), ""),
        form=next(iter(forms.values()), None),
        conflict=conflict,
        typed=typed or {},
        versions=versions,
        files=attachments.files(viewer, referral),
        transfers=queries.transfers(referral),
        modality_words=dict(modalities()),
        found=_found(versions[0].sent) if versions else None,
        missing=_missing(versions[0].sent) if versions else [],
        events=_history(queries.events(viewer, referral)),
        may_answer="give_information" in {one.name for one in steps},
        state_words=rules.STATES,
        step_words=rules.STEP_LABELS,
        day=day,
        advice=queries.advice(referral),
        information=queries.open_request(referral),
        names=people.person_names([referral.assignee_id, referral.referrer_id]),
        waiting=queries.waited(referral.submitted_at, referral.advised_at or referral.ended_at),
        registry_consent=consents["registry"].answer if "registry" in consents else "not_asked",
        chart=viewer.may(Right.READ_RECORD),
    )


@dataclass(frozen=True)
class Happened:
    """An event in words."""

    when: str
    who: str
    place: str
    what: str
    note: str


def _history(events: Sequence[queries.EventRow]) -> list[Happened]:
    """What happened, the latest first."""
    return [
        Happened(web.local_time(e.at), e.who, e.place, str(rules.TAKEN[e.step]), e.text)
        for e in reversed(events)
    ]


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
