"""Cohorts: who a question is about, about how many they are, and the catalogue of variables."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import Any
from uuid import UUID

from flask import Response, render_template, request

from registry import web
from registry.access import Right
from registry.errors import Conflict, Invalid, NotFound
from registry.language import gettext as _
from registry.research import catalogue, rules
from registry.research.cohorts import actions as actions_cohorts
from registry.research.cohorts import criteria, evaluating
from registry.research.cohorts import forms as forms_cohorts
from registry.research.cohorts import queries as queries_cohorts
from registry.research.cohorts.criteria import Criteria, Criterion, Path, Step, Subject
from registry.research.models import Cohort, CohortVersion
from registry.research.statistics import network

room = web.Room("cohorts", __name__)


@room.page("/research/cohorts", right=Right.COUNT, methods=("GET", "POST"))
def index() -> Any:
    """One's own cohorts, and a new one: of everybody, or with criteria written elsewhere."""
    viewer = web.viewer()
    form: Any = forms_cohorts.CohortForm(request.form if request.method == "POST" else None)
    if request.method == "POST" and form.validate():
        try:
            like = evaluating.written(form.written.data) if form.written.data else None
            made = actions_cohorts.make_cohort(by=viewer, name=form.name.data, like=like)
            return web.go("cohorts.cohort", cohort_id=made.id)
        except criteria.Unclear as unclear:
            form.written.errors.append(str(unclear))
    page = render_template(
        "research/cohorts.html", cohorts=queries_cohorts.mine(viewer), form=form, few=rules.FEW
    )
    return page, 422 if form.errors else 200


@room.page("/research/cohorts/<uuid:cohort_id>", right=Right.COUNT)
def cohort(cohort_id: UUID) -> Any:
    """A cohort: its criteria in words, about how many are left after each step, its versions."""
    viewer = web.viewer()
    found = queries_cohorts.cohort(viewer, cohort_id)
    return _page(found, forms_cohorts.NameForm(None, stored={"name": found.name}))


def _page(found: Cohort, name_form: Any) -> str:
    viewer = web.viewer()
    known = evaluating.subjects()
    asked = Criteria.of(found.criteria)
    spoken = evaluating.spoken(asked, known)
    return render_template(
        "research/cohort.html",
        cohort=found,
        mine=found.owner_id == viewer.person_id,
        name_form=name_form,
        changes=_changes(found.versions, known),
        asked=asked,
        spoken=spoken,
        sentence=criteria.sentence(asked, spoken),
        matches=criteria.MATCHES,
        places=_places(asked),
        joins=[(_dotted(path), label, part.match) for path, label, part in _groups(asked)],
        variables=_by_entity(known),
        saved=bool(found.versions) and found.versions[0].criteria == found.criteria,
        few=rules.FEW,
    )


def _groups(asked: Criteria) -> Iterator[tuple[Path, str, Step]]:
    """The steps and the groups in them: where, what they are called, and what they hold."""
    for number, step in enumerate(asked.steps):
        yield (number,), _("Step %(n)s", n=number + 1), step
        inside = [(place, one) for place, one in enumerate(step.criteria) if isinstance(one, Step)]
        for count, (place, group) in enumerate(inside, 1):
            yield (number, place), _("Group %(g)s of step %(n)s", g=count, n=number + 1), group


def _places(asked: Criteria) -> list[tuple[str, str]]:
    """Where a criterion can be added, besides as a new step."""
    found = []
    for path, label, part in _groups(asked):
        found.append((_dotted(path), label))
        if len(path) == 1 and part.match != criteria.SAME:
            new = _("A new group in step %(n)s", n=path[0] + 1)
            found.append((f"{_dotted(path)}{_NEW_GROUP}", new))
    return found


def _dotted(path: Path) -> str:
    return ".".join(map(str, path))


def _changes(
    versions: Sequence[CohortVersion], known: dict[str, Subject]
) -> dict[int, tuple[list[str], list[str]]]:
    """The steps that went and that came with each version but the first, by its number."""
    found = {}
    for after, before in pairwise(versions):
        both = Criteria.of(before.criteria), Criteria.of(after.criteria)
        spoken = evaluating.spoken(both[0], known) | evaluating.spoken(both[1], known)
        gone, come = criteria.differences(*both)
        found[after.number] = (
            [criteria.said_of(step, spoken) for step in gone],
            [criteria.said_of(step, spoken) for step in come],
        )
    return found


def _by_entity(known: dict[str, Subject]) -> list[tuple[str, list[Subject]]]:
    return [
        (label, list(found))
        for label, found in groupby(known.values(), key=lambda one: one.entity_label)
    ]


def _number(name: str) -> int | None:
    text = request.values.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 4 else None


def _path(name: str) -> Path | None:
    """Where in the cohort: the step, the place in it and in its group, as 0.2.1."""
    parts = request.values.get(name, "").removesuffix(_NEW_GROUP).split(".")
    if len(parts) > 3 or not all(one.isdecimal() and len(one) < 4 for one in parts):
        return None
    return tuple(int(one) for one in parts)


#: After a path: in a new group there.
_NEW_GROUP = "-new"


def _where() -> tuple[Path | None, bool]:
    """Where a criterion is to be added, and whether as the first of a new group there."""
    return _path("at"), request.values.get("at", "").endswith(_NEW_GROUP)


@room.page(
    "/research/cohorts/<uuid:cohort_id>/criterion", right=Right.COUNT, methods=("GET", "POST")
)
def criterion(cohort_id: UUID) -> Any:
    """A criterion to add, or the one at `change`: what must hold of the variable."""
    viewer = web.viewer()
    found = queries_cohorts.cohort(viewer, cohort_id)
    _need_as_seen(found)
    change = _path("change")
    there = Criteria.of(found.criteria).at(change) if change else None
    if change and not isinstance(there, Criterion):
        web.warn(_("This criterion is no longer there."))
        return web.go("cohorts.cohort", cohort_id=cohort_id)
    stored = there if isinstance(there, Criterion) else None
    name = stored.variable if stored else request.values.get("variable", "")
    subject = evaluating.subjects().get(name)
    if subject is None:
        web.warn(_("Choose a variable."))
        return web.go("cohorts.cohort", cohort_id=cohort_id)
    sent = request.form if request.method == "POST" else None
    form = forms_cohorts.criterion_form(subject, sent, stored)
    if sent is not None and form.validate() and _taken(found, subject, form, change):
        return web.go("cohorts.cohort", cohort_id=cohort_id)
    page = render_template(
        "research/criterion.html",
        cohort=found,
        subject=subject,
        share=network.complete().get(subject.key),
        form=form,
        change=change,
        path=_where()[0],
        at=request.values.get("at", ""),
    )
    return page, 422 if sent is not None else 200


def _taken(found: Cohort, subject: Subject, form: Any, change: Path | None) -> bool:
    """Put what was entered into the cohort; False with the error at its field."""
    viewer = web.viewer()
    try:
        entered = forms_cohorts.criterion_of(subject, form)
        if change is not None:
            actions_cohorts.change_criterion(found, by=viewer, path=change, instead=entered)
        else:
            path, grouped = _where()
            step = Criteria.of(found.criteria).at(path) if grouped and path else None
            in_any = isinstance(step, Step) and step.match == criteria.ANY
            match = criteria.ALL if in_any or not grouped else criteria.ANY
            actions_cohorts.add_criterion(
                found, by=viewer, path=path, match=match, added=entered, grouped=grouped
            )
    except (criteria.Unclear, Invalid) as refused:
        text = refused.message if isinstance(refused, Invalid) else str(refused)
        field = refused.field if refused.field in form else "operator"
        form[field].errors.append(text)
        return False
    return True


def _act(cohort_id: UUID) -> tuple[Any, Cohort, Any]:
    viewer = web.viewer()
    found = queries_cohorts.cohort(viewer, cohort_id)
    _need_as_seen(found)
    return viewer, found, web.go("cohorts.cohort", cohort_id=cohort_id)


def _need_as_seen(found: Cohort) -> None:
    """Places are counted on the page that was seen: what was changed since, in another tab or by
    the first of two clicks, is not changed at the same places. Raises Conflict."""
    seen = request.form.get("as_of")
    if seen is not None and seen != str(found.version):
        raise Conflict(_("The cohort was changed since this page was opened. Look at it again."))


@room.page("/research/cohorts/<uuid:cohort_id>/drop", right=Right.COUNT, methods=("POST",))
def drop(cohort_id: UUID) -> Any:
    """Take a criterion out."""
    viewer, found, answer = _act(cohort_id)
    if path := _path("at"):
        actions_cohorts.drop_criterion(found, by=viewer, path=path)
    return answer


@room.page("/research/cohorts/<uuid:cohort_id>/match", right=Right.COUNT, methods=("POST",))
def match(cohort_id: UUID) -> Any:
    """Say how the criteria of a step or a group hold."""
    viewer, found, answer = _act(cohort_id)
    how = request.form.get("match", criteria.ALL)
    try:
        actions_cohorts.set_match(found, by=viewer, path=_path("at") or (0,), match=how)
    except Invalid as refused:
        web.warn(refused.message)
    return answer


@room.page("/research/cohorts/<uuid:cohort_id>/undo", right=Right.COUNT, methods=("POST",))
def undo(cohort_id: UUID) -> Any:
    """Go back to before the last change."""
    viewer, found, answer = _act(cohort_id)
    actions_cohorts.undo(found, by=viewer)
    web.done(_("The last change was undone."))
    return answer


@room.page("/research/cohorts/<uuid:cohort_id>/take", right=Right.COUNT, methods=("POST",))
def take(cohort_id: UUID) -> Any:
    """Go on from a saved version."""
    viewer, found, answer = _act(cohort_id)
    saved = queries_cohorts.version(found, _number("version") or 0)
    actions_cohorts.take_version(found, by=viewer, saved=saved)
    web.done(_("The criteria are those of version %(n)s again.", n=saved.number))
    return answer


@room.page("/research/cohorts/<uuid:cohort_id>/name", right=Right.COUNT, methods=("POST",))
def rename(cohort_id: UUID) -> Any:
    """Give it another name."""
    viewer, found, answer = _act(cohort_id)
    form: Any = forms_cohorts.NameForm(request.form)
    if not form.validate():
        return _page(found, form), 422
    actions_cohorts.rename(found, by=viewer, name=form.name.data)
    return answer


@room.page("/research/cohorts/<uuid:cohort_id>/discard", right=Right.COUNT, methods=("POST",))
def discard(cohort_id: UUID) -> Any:
    """Throw away one of which no version was saved."""
    viewer, found, _answer = _act(cohort_id)
    actions_cohorts.discard(found, by=viewer)
    web.done(_("The cohort was discarded."))
    return web.go("cohorts.index")


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
