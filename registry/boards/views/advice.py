"""Writing a recommendation in the meeting, signing it, and amending what was signed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import jsonify, request

from registry import web
from registry.access import Right
from registry.boards import letters
from registry.boards.actions import advice as actions
from registry.boards.forms import advice as forms
from registry.boards.models import AgendaItem
from registry.boards.queries import advice as queries
from registry.boards.queries import agenda, trials
from registry.boards.queries import case as cases
from registry.boards.rules import advice as rules
from registry.boards.views.case import page
from registry.boards.views.room import room
from registry.dates import today
from registry.errors import Conflict, Invalid
from registry.forms import raw
from registry.language import gettext as _


@room.page("/agenda/<uuid:item_id>/recommendation", right=Right.PREPARE_BOARD, methods=("POST",))
def write(item_id: UUID) -> Any:
    """Keep what was typed; a script does so while one types. With `do=sign` the chair signs it."""
    item = agenda.item_to_write(web.viewer(), item_id)
    whole = forms.WholeForm(raw(request.form), trials.can_be_named(web.viewer()))
    seen = web.as_number(request.form.get("seen")) or 0
    valid = whole.validate()
    typed = whole.typed()
    if web.wants_json():
        saved = actions.save(item, typed, by=web.viewer(), seen=seen)
        return _answer(saved, typed, saved.recommendation.revision)
    view = cases.view(web.viewer(), item)  # a script saves often, and shows no case
    if not valid:
        return page(item, whole=whole, seen=seen, view=view), 422
    if request.form.get("do") == "sign":
        problems = rules.problems(typed, listed=view.listed, today=today())
        if problems:  # an answer that refuses keeps nothing: what was typed is shown again
            whole.show(problems)
            return page(item, whole=whole, seen=seen, view=view), 422
    saved = actions.save(item, typed, by=web.viewer(), seen=seen)
    now_ = saved.recommendation.revision
    if saved.clashes:
        shown = forms.WholeForm(saved.typed, trials.can_be_named(web.viewer()))
        return page(item, whole=shown, seen=now_, clashes=saved.clashes, view=view), 409
    if request.form.get("do") == "sign":
        return _sign(item, view, saved, seen)
    web.done(_("Saved."))
    return web.go("boards.case", item_id=item.id, _anchor="write")


def _answer(saved: actions.Saved, sent: dict[str, list[str]], revision: int) -> Any:
    """What a script is told: the number of the copy, what others wrote meanwhile, and clashes."""
    taken = {
        name: saved.typed.get(name, [])
        for name in {*sent, *saved.typed}
        if sent.get(name, []) != saved.typed.get(name, [])
    }
    if saved.clashes:
        return jsonify(clashes=saved.clashes, taken=taken, seen=revision), 409
    return jsonify(seen=revision, taken=taken)


def _sign(item: AgendaItem, view: cases.CaseView, saved: actions.Saved, seen: int) -> Any:
    typed, now_ = saved.typed, saved.recommendation.revision
    advice = letters.advice_text(rules.content(typed, listed=(), dissents=(), around={}))
    try:
        signed = actions.sign(
            item, view, by=web.viewer(), seen=now_, signed_text={"advice": advice}
        )
    except actions.Unfinished as refused:
        shown = forms.WholeForm(typed, trials.can_be_named(web.viewer()))
        shown.validate()
        shown.show(refused.problems)
        return page(item, whole=shown, seen=seen, view=view), 422
    web.done(
        _("Signed. A second signature is wanted before it is sent.")
        if item.meeting.two_signatures
        else _where_it_went(item)
    )
    return web.go("boards.recommendation", recommendation_id=signed.id)


def _where_it_went(item: AgendaItem) -> str:
    if item.referral_id is None:
        return str(_("Signed. The letters to the family doctor and the patient are ready."))
    return str(_("Signed, and sent to the referring doctor."))


@room.page(
    "/recommendations/<uuid:recommendation_id>/second", right=Right.PREPARE_BOARD,
    methods=("POST",),
)  # fmt: skip
def sign_too(recommendation_id: UUID) -> Any:
    """Sign as the second."""
    found = queries.recommendation_to_amend(web.viewer(), recommendation_id)
    actions.sign_too(found, by=web.viewer())
    web.done(_where_it_went(found.item))
    return web.go("boards.recommendation", recommendation_id=found.id)


@room.page(
    "/recommendations/<uuid:recommendation_id>/amend", right=Right.PREPARE_BOARD,
    methods=("POST",),
)  # fmt: skip
def amend(recommendation_id: UUID) -> Any:
    """Begin a new version, with its reason."""
    found = queries.recommendation_to_amend(web.viewer(), recommendation_id)
    try:
        actions.amend(found, by=web.viewer(), because=request.form.get("because", ""))
    except (Invalid, Conflict) as refused:
        web.warn(refused.message)
        return web.go("boards.recommendation", recommendation_id=found.id)
    return web.go("boards.case", item_id=found.item_id, _anchor="write")
