"""Cohorts: who a question is about, about how many they are, and the catalogue of variables."""

from __future__ import annotations

import json
from itertools import groupby
from typing import Any
from uuid import UUID

from flask import Response, render_template, request

from registry import web
from registry.access import Right
from registry.errors import Invalid, NotFound
from registry.language import gettext as _
from registry.research import catalogue, rules
from registry.research.cohorts import actions as actions_cohorts
from registry.research.cohorts import criteria, evaluating
from registry.research.cohorts import forms as forms_cohorts
from registry.research.cohorts import queries as queries_cohorts
from registry.research.cohorts.criteria import Criteria, Subject
from registry.research.models import Cohort
from registry.research.statistics import network

room = web.Room("cohorts", __name__)


@room.page("/research/cohorts", right=Right.COUNT, methods=("GET", "POST"))
def index() -> Any:
    """One's own cohorts, and a new one."""
    viewer = web.viewer()
    form: Any = forms_cohorts.CohortForm(request.form if request.method == "POST" else None)
    if request.method == "POST" and form.validate():
        made = actions_cohorts.make_cohort(by=viewer, name=form.name.data)
        return web.go("cohorts.cohort", cohort_id=made.id)
    page = render_template(
        "research/cohorts.html", cohorts=queries_cohorts.mine(viewer), form=form, few=rules.FEW
    )
    return page, 422 if form.errors else 200


@room.page("/research/cohorts/<uuid:cohort_id>", right=Right.COUNT)
def cohort(cohort_id: UUID) -> Any:
    """A cohort: its criteria in words, about how many are left after each step, its versions."""
    viewer = web.viewer()
    found = queries_cohorts.cohort(viewer, cohort_id)
    known = evaluating.subjects()
    asked = Criteria.of(found.criteria)
    spoken = evaluating.spoken(asked, known)
    return render_template(
        "research/cohort.html",
        cohort=found,
        mine=found.owner_id == viewer.person_id,
        asked=asked,
        spoken=spoken,
        sentence=criteria.sentence(asked, spoken),
        matches=criteria.MATCHES,
        variables=_by_entity(known),
        saved=bool(found.versions) and found.versions[0].criteria == found.criteria,
        few=rules.FEW,
    )


def _by_entity(known: dict[str, Subject]) -> list[tuple[str, list[Subject]]]:
    return [
        (label, list(found))
        for label, found in groupby(known.values(), key=lambda one: one.entity_label)
    ]


def _number(name: str) -> int | None:
    text = request.values.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 4 else None


@room.page(
    "/research/cohorts/<uuid:cohort_id>/criterion", right=Right.COUNT, methods=("GET", "POST")
)
def criterion(cohort_id: UUID) -> Any:
    """A criterion to add: what must hold of the chosen variable."""
    viewer = web.viewer()
    found = queries_cohorts.cohort(viewer, cohort_id)
    subject = evaluating.subjects().get(request.values.get("variable", ""))
    if subject is None:
        web.warn(_("Choose a variable."))
        return web.go("cohorts.cohort", cohort_id=cohort_id)
    step, match = _number("step"), request.values.get("match", criteria.ALL)
    sent = request.form if request.method == "POST" else None
    form = forms_cohorts.criterion_form(subject, sent)
    if sent is not None and form.validate():
        try:
            added = criteria.checked(
                subject,
                operator=form.operator.data,
                values=forms_cohorts.values_of(form),
                when=form.when.data if subject.dated else criteria.EVER,
                event=(form.event.data or "") if subject.dated else "",
            )
            actions_cohorts.add_criterion(found, by=viewer, step=step, match=match, added=added)
            return web.go("cohorts.cohort", cohort_id=cohort_id)
        except criteria.Unclear as unclear:
            form[unclear.field].errors.append(str(unclear))
        except Invalid as refused:
            form.operator.errors.append(refused.message)
    page = render_template(
        "research/criterion.html", cohort=found, subject=subject, form=form, step=step, match=match
    )
    return page, 422 if sent is not None else 200


def _act(cohort_id: UUID) -> tuple[Any, Cohort, Any]:
    viewer = web.viewer()
    answer = web.go("cohorts.cohort", cohort_id=cohort_id)
    return viewer, queries_cohorts.cohort(viewer, cohort_id), answer


@room.page("/research/cohorts/<uuid:cohort_id>/drop", right=Right.COUNT, methods=("POST",))
def drop(cohort_id: UUID) -> Any:
    """Take a criterion out."""
    viewer, found, answer = _act(cohort_id)
    step, place = _number("step"), _number("place")
    if step is not None and place is not None:
        actions_cohorts.drop_criterion(found, by=viewer, step=step, place=place)
    return answer


@room.page("/research/cohorts/<uuid:cohort_id>/match", right=Right.COUNT, methods=("POST",))
def match(cohort_id: UUID) -> Any:
    """Say whether all, any or none of a step must hold."""
    viewer, found, answer = _act(cohort_id)
    how = request.form.get("match", criteria.ALL)
    actions_cohorts.set_match(found, by=viewer, step=_number("step") or 0, match=how)
    return answer


@room.page("/research/cohorts/<uuid:cohort_id>/count", right=Right.COUNT, methods=("POST",))
def count(cohort_id: UUID) -> Any:
    """Count again."""
    viewer, found, answer = _act(cohort_id)
    actions_cohorts.count_again(found, by=viewer)
    return answer


@room.page("/research/cohorts/<uuid:cohort_id>/save", right=Right.COUNT, methods=("POST",))
def save(cohort_id: UUID) -> Any:
    """Keep the criteria as a version."""
    viewer, found, answer = _act(cohort_id)
    saved = actions_cohorts.save_version(found, by=viewer)
    web.done(_("Saved as version %(n)s.", n=saved.number))
    return answer


@room.page("/research/cohorts/<uuid:cohort_id>/share", right=Right.COUNT, methods=("POST",))
def share(cohort_id: UUID) -> Any:
    """Let other researchers read it by its link, or no longer."""
    viewer, found, answer = _act(cohort_id)
    actions_cohorts.share(found, by=viewer, shared=request.form.get("shared") == "yes")
    return answer


@room.page("/research/cohorts/<uuid:cohort_id>/copy", right=Right.COUNT, methods=("POST",))
def copy(cohort_id: UUID) -> Any:
    """A cohort of one's own with the same criteria."""
    viewer, found, _answer = _act(cohort_id)
    name = _("Copy of %(name)s", name=found.name)[:200]
    made = actions_cohorts.make_cohort(by=viewer, name=name, like=found.criteria)
    return web.go("cohorts.cohort", cohort_id=made.id)


@room.page("/research/cohorts/<uuid:cohort_id>/cohort.json", right=Right.COUNT)
def as_json(cohort_id: UUID) -> Any:
    """The criteria as data: those being worked on, or of a saved version."""
    found = queries_cohorts.cohort(web.viewer(), cohort_id)
    number = _number("version")
    if "version" in request.args and number is None:
        raise NotFound()
    kept = queries_cohorts.version(found, number).criteria if number else found.criteria
    return Response(
        json.dumps(kept, ensure_ascii=False, indent=2) + "\n",
        mimetype="application/json",
        headers={"Content-Disposition": "attachment; filename=cohort.json"},
    )


@room.page("/variables", right=Right.ANYONE)
def variables() -> Any:
    """The public catalogue: what the registry asks, what it means, and how full it is."""
    return render_template(
        "research/variables.html", parts=catalogue.parts(network.complete()), few=rules.FEW
    )
