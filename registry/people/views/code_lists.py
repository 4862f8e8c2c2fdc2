"""Local additions to the code lists."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import render_template, request

from registry import codes, web
from registry.access import Right
from registry.errors import Conflict, Invalid
from registry.forms import Option
from registry.language import gettext as _
from registry.people import actions
from registry.people.forms import CodeForm
from registry.people.forms.administration import offer
from registry.people.queries import code_lists as queries
from registry.people.rules.lists import OPEN_LISTS
from registry.people.views.room import put, room

codes.add_local(queries.local_codes, OPEN_LISTS)


def _form(sent: Any = None) -> Any:
    form = CodeForm(sent, stored={"list": request.args.get("list", "")})
    offer(
        form.list,
        [Option(name, label, hint=about) for name, (label, about) in OPEN_LISTS.items()],
    )
    return form


def _page(form: Any) -> str:
    added = queries.added(web.viewer())
    return render_template(
        "people/code_lists.html",
        form=form,
        added=added,
        shipped={name: len(codes.shipped(name)) for name in OPEN_LISTS},
        names={name: label for name, (label, _about) in OPEN_LISTS.items()},
    )


@room.page("/administration/code-lists", right=Right.ADMINISTER)
def code_lists() -> Any:
    """What this network added, and a form to add more."""
    return _page(_form())


@room.page("/administration/code-lists/add", right=Right.ADMINISTER, methods=("POST",))
def add_code() -> Any:
    """Add a code."""
    form = _form(request.form)
    if form.validate():
        try:
            added = actions.add_code(
                by=web.viewer(),
                name=form.list.data,
                code=form.code.data,
                label=form.label.data,
                source=form.source.data,
                why=form.why.data or "",
            )
        except Invalid as refused:
            put(form, refused)
        else:
            web.done(_("“%(label)s” can now be chosen everywhere.", label=added.label))
            return web.go("people.code_lists")
    return _page(form), 422


@room.page("/administration/code-lists/<uuid:code_id>", right=Right.ADMINISTER, methods=("POST",))
def change_code(code_id: UUID) -> Any:
    """Retire a code, offer it again, or remove one that nothing holds."""
    viewer = web.viewer()
    found = queries.local_code(viewer, code_id)
    step = request.form.get("step")
    if step == "retire":
        actions.retire_code(found, by=viewer)
        web.done(_("The code is offered no more. Records that hold it stay as they are."))
    elif step == "again":
        actions.offer_again(found, by=viewer)
        web.done(_("The code is offered again."))
    elif step == "remove":
        try:
            actions.remove_code(found, by=viewer)
        except Conflict as used:
            web.warn(used.message)
        else:
            web.done(_("The code was removed."))
    else:
        raise Invalid(_("Choose what to do with the code."))
    return web.go("people.code_lists")
