"""Pairs of records that may be of one patient: looking, answering, joining, taking apart."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from flask import render_template, request

from registry import audit, web
from registry.access import Right
from registry.errors import Conflict, Invalid
from registry.language import gettext as _
from registry.language import lazy_gettext as _l
from registry.patients import actions as patient_actions
from registry.patients import queries as patients
from registry.patients.matching import (
    actions,
    asking,
    merging,
    moving,
    queries,
    rules,
    states,
    wording,
)  # fmt: skip
from registry.patients.matching.forms import AnswerForm, ApartForm, JoinForm, RestoreForm
from registry.patients.matching.models import Match
from registry.patients.models import Patient

room = web.Room("matching", __name__)

audit.learn({"opened earlier identity": _l("Opened who the patient was before")})

LISTS = {"open": _l("To look at"), "decided": _l("Decided"), "joined": _l("Joined records")}


@room.page("/same-patient", right=Right.MATCH)
def index() -> Any:
    """What one's organisation is asked about, what was decided, and what was joined."""
    viewer = web.viewer()
    if not queries.answers(viewer):
        return render_template("matching/elsewhere.html")
    show = request.args.get("show", "open")
    if show not in LISTS:
        show = "open"
    if show == "joined":
        found = queries.merges(viewer)
        _listed([one.own.id for one in found])
        return render_template("matching/joined_list.html", lists=LISTS, show=show, joined=found)
    pairs = queries.listed(viewer, show=show)
    _listed([side.patient.id for one in pairs for side in one.shown if side.patient])
    return render_template(
        "matching/index.html", lists=LISTS, show=show, pairs=pairs, states=states.STATES
    )


def _listed(ids: Iterable[UUID]) -> None:
    audit.listed("listed patient", "patient", [(one, one) for one in ids], by=web.viewer())


# -- one pair ----------------------------------------------------------------------------------


def _pair_page(match_id: UUID, form: AnswerForm, status: int = 200) -> Any:
    found = queries.pair(web.viewer(), match_id)
    for side in found.shown:
        audit.opened(
            "opened pair", by=web.viewer(), subject=("match", found.id),
            patient_id=side.patient.id if side.patient else None,
        )  # fmt: skip
    page = render_template(
        "matching/pair.html",
        pair=found,
        form=form.for_one_side(sees_both=found.mine == states.BOTH),
        fields=_compared(found),
        states=states.STATES,
        answers=states.ANSWERS,
    )
    return page, status


def _compared(found: queries.Pair) -> list[tuple[str, Any, str, str, Any, str]]:
    """Each field: its name, label, what either record says, how they agree, and how well."""
    rows = []
    for name, label in rules.FIELDS.items():
        level = found.levels.get(name, "")
        mine = [_value(side, name) for side in (found.first, found.second)]
        rows.append((name, label, mine[0], mine[1], rules.how(name, level), level))
    return rows


def _value(side: queries.Side, name: str) -> str:
    if side.person is None:
        return ""
    column = "sex_at_birth" if name == "sex" else name
    return wording.shown(column, getattr(side.person, name))


@room.page("/same-patient/<uuid:match_id>", right=Right.MATCH)
def pair(match_id: UUID) -> Any:
    """Two records side by side; of one that is not the viewer's, only how well they agree."""
    return _pair_page(match_id, AnswerForm())


@room.page("/same-patient/<uuid:match_id>/answer", right=Right.MATCH, methods=("POST",))
def answer(match_id: UUID) -> Any:
    """Say whether they are one person."""
    viewer = web.viewer()
    found = queries.match(viewer, match_id)
    form = AnswerForm(request.form)
    if not form.validate():
        return _pair_page(match_id, form, 422)
    actions.answer(
        found, form.answer.data, by=viewer, version=_version(), because=form.because.data or ""
    )
    if found.state == states.SAME:
        return web.go("matching.join", match_id=found.id)
    said = {
        states.APART: _("Kept as two people. Nobody is asked again."),
        states.OPEN: _("Your answer was kept. The other side is asked."),
    }
    web.done(said[found.state])
    return web.go("matching.index")


def _version() -> int:
    return web.as_number(request.form.get("version")) or 0


@room.page("/same-patient/<uuid:match_id>/again", right=Right.MATCH, methods=("POST",))
def again(match_id: UUID) -> Any:
    """Open the question again."""
    viewer = web.viewer()
    actions.ask_again(queries.match(viewer, match_id), by=viewer, version=_version())
    web.done(_("The question is open again."))
    return web.go("matching.pair", match_id=match_id)


# -- joining -----------------------------------------------------------------------------------


def _join_page(
    found: Match,
    kept: Patient,
    moved: Patient,
    form: JoinForm,
    status: int = 200,
    problem: str = "",
) -> Any:
    viewer = web.viewer()
    for one in (kept, moved):
        audit.opened("opened pair", by=viewer, subject=("match", found.id), patient_id=one.id)
    differ = merging.contradictions(kept, moved)
    page = render_template(
        "matching/join.html",
        match=found, kept=kept, moved=moved, form=form, problem=problem,
        differ=[(name, queries.label_of(name), _says(kept, name), _says(moved, name))
                for name in differ],
        questions=asking.questions(kept.id, moved.id),
        alone=[(queries.label_of(name), _says(moved, name)) for name in merging.IDENTITY
               if merging.value_of(moved, name) and not merging.value_of(kept, name)],
        rows=wording.counted(moving.counted(moved.id)),
        consents=merging.consents_of_both(kept.id, moved.id),
        chosen=request.form,
        other=found.second_id if kept.id == found.first_id else found.first_id,
    )  # fmt: skip
    return page, status


def _says(patient: Patient, name: str) -> str:
    return wording.shown(name, merging.value_of(patient, name))


@room.page("/same-patient/<uuid:match_id>/join", right=Right.MATCH, methods=("GET", "POST"))
def join(match_id: UUID) -> Any:
    """What would be moved and what contradicts; then join."""
    viewer = web.viewer()
    found, first, second = queries.to_join(viewer, match_id)
    keeps_second = request.values.get("keep") == str(second.id)
    kept, moved = (second, first) if keeps_second else (first, second)
    if request.method == "GET":
        return _join_page(found, kept, moved, JoinForm())
    form = JoinForm(request.form)
    if not form.validate():
        return _join_page(found, kept, moved, form, 422)
    wanted = merging.contradictions(kept, moved)
    chosen = {one.key: request.form.get(f"ask_{one.key}", "")
              for one in asking.questions(kept.id, moved.id)}  # fmt: skip
    takes = {name: request.form.get(f"take_{name}", "") for name in wanted}
    if not all(one in (asking.KEPT, asking.MOVED) for one in [*takes.values(), *chosen.values()]):
        problem = _("Choose what is right wherever the two records differ.")
        return _join_page(found, kept, moved, form, 422, problem)
    try:
        made = actions.join(
            found, kept, moved, by=viewer, version=_version(), because=form.because.data or "",
            take=[name for name, side in takes.items() if side == asking.MOVED], chosen=chosen,
        )  # fmt: skip
    except Invalid as refused:
        return _join_page(found, kept, moved, form, 422, refused.message)
    web.done(_("The records were joined. They can be taken apart again."))
    return web.go("matching.joined", merge_id=made.id)


@room.page("/joined/<uuid:merge_id>", right=Right.MATCH)
def joined(merge_id: UUID) -> Any:
    """Two joined records, and what taking them apart would give back."""
    return _joined_page(merge_id, ApartForm())


def _joined_page(merge_id: UUID, form: ApartForm, status: int = 200, problem: str = "") -> Any:
    found = queries.merge(web.viewer(), merge_id)
    audit.opened(
        "opened pair", by=web.viewer(), subject=("patient_merge", merge_id),
        patient_id=found.own.id,
    )  # fmt: skip
    going = {} if found.merge.undone_at else queries.goes_back(found.merge)
    page = render_template(
        "matching/joined.html", found=found, form=form, rows=wording.counted(going),
        taken=[queries.label_of(name) for name in found.merge.taken], problem=problem,
    )  # fmt: skip
    return page, status


@room.page("/joined/<uuid:merge_id>/apart", right=Right.MATCH, methods=("POST",))
def take_apart(merge_id: UUID) -> Any:
    """Take two joined records apart."""
    viewer = web.viewer()
    found = queries.merge(viewer, merge_id)
    form = ApartForm(request.form)
    if not form.validate():
        return _joined_page(merge_id, form, 422)
    try:
        actions.take_apart(found.merge, by=viewer, because=form.because.data or "")
    except Conflict as refused:
        return _joined_page(merge_id, form, 409, refused.message)
    web.done(_("The records were taken apart: each has its own again."))
    return web.go("matching.joined", merge_id=merge_id)


# -- who a patient was -------------------------------------------------------------------------


@room.page("/patients/<uuid:patient_id>/identity/earlier", right=Right.WRITE_COURSE)
def earlier(patient_id: UUID) -> Any:
    """Earlier values of who the patient is."""
    viewer = web.viewer()
    patient = patients.patient_to_write(viewer, patient_id)
    audit.opened(
        "opened earlier identity", by=viewer, subject=("patient", patient.id),
        patient_id=patient.id,
    )  # fmt: skip
    return render_template(
        "matching/earlier.html", patient=patient, shown=wording.shown,
        history=queries.identity_history(viewer, patient),
    )  # fmt: skip


@room.page(
    "/patients/<uuid:patient_id>/identity/earlier/<uuid:change_id>",
    right=Right.WRITE_COURSE,
    methods=("GET", "POST"),
)
def restore(patient_id: UUID, change_id: UUID) -> Any:
    """Put earlier values back."""
    viewer = web.viewer()
    patient = patients.patient_to_write(viewer, patient_id)
    change = queries.earlier(patient, change_id)
    audit.opened(
        "opened earlier identity", by=viewer, subject=("patient", patient.id),
        patient_id=patient.id,
    )  # fmt: skip
    was = change.reveal()
    offered = [
        (name, f"{queries.label_of(name)}: {wording.shown(name, was[name]) or _('empty')}")
        for name in change.names
        if name in was
    ]
    form = RestoreForm(request.form if request.method == "POST" else None, offered=offered)
    if request.method == "GET" or not form.validate():
        page = render_template("matching/restore.html", patient=patient, change=change, form=form)
        return page, 200 if request.method == "GET" else 422
    web.check_version(request.form.get("version"), patient.version)
    patient_actions.restore(patient, change, by=viewer, names=form.names.data)
    web.done(_("The earlier values were put back."))
    return web.go("patients.edit", patient_id=patient.id)
