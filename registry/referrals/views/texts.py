"""Texts one writes again and again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import jsonify, render_template, request

from registry import audit, web
from registry.access import Right
from registry.errors import Invalid
from registry.language import gettext as _
from registry.language import lazy_gettext as _l
from registry.referrals import actions, queries
from registry.referrals.views.room import room

audit.learn(
    {
        "kept a text of one's own": _l("Kept a text of one's own"),
        "removed a text of one's own": _l("Removed a text of one's own"),
    }
)


def _page(problem: str = "") -> str:
    found = queries.texts(web.viewer())
    return render_template("referrals/texts.html", found=found, problem=problem, typed=request.form)


@room.page("/referrals/texts", right=Right.STEP)
def texts() -> Any:
    """One's own texts."""
    return _page()


@room.page("/referrals/texts", right=Right.STEP, methods=("POST",))
def keep_text() -> Any:
    """Keep a text; the script of a form does it without leaving the form."""
    try:
        kept = actions.keep_text(
            by=web.viewer(), label=request.form.get("label", ""), text=request.form.get("text", "")
        )
    except Invalid as refused:
        if web.wants_json():
            raise
        return _page(refused.message), 422
    if web.wants_json():
        return jsonify(id=str(kept.id), label=kept.label), 201
    web.done(_("The text was kept."))
    return web.go("referrals.texts")


@room.page("/referrals/texts/<uuid:text_id>/remove", right=Right.STEP, methods=("POST",))
def remove_text(text_id: UUID) -> Any:
    """Remove one."""
    viewer = web.viewer()
    actions.remove_text(queries.text(viewer, text_id), by=viewer)
    web.done(_("The text was removed."))
    return web.go("referrals.texts")
