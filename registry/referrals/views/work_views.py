"""What one keeps of the worklist: views by name, columns, keys."""

from __future__ import annotations

from typing import Any

from flask import request

from registry import web
from registry.access import Right
from registry.errors import Invalid
from registry.language import gettext as _
from registry.referrals import actions
from registry.referrals.rules import worklist as known
from registry.referrals.views.room import room


@room.page("/worklist/views", right=Right.TRIAGE, methods=("POST",))
def keep_view() -> Any:
    """Keep the filters and columns shown under a name, or forget a view."""
    viewer, said = web.viewer(), request.form
    if said.get("remove"):
        actions.remove_view(web.as_id(said.get("remove")), by=viewer)
        web.done(_("The view was removed."))
        return web.go("referrals.worklist")
    filters = known.filters(said)
    columns = [one for one in said.get("columns", "").split(",") if one in known.COLUMNS]
    try:
        kept = actions.save_view(
            said.get("name", ""), filters, columns, shared=said.get("shared") == "1", by=viewer
        )
    except Invalid as refused:
        web.warn(refused.message or "")
    else:
        web.done(_("Kept as %(name)s.", name=kept.name))
    return web.go("referrals.worklist", columns=",".join(columns) or None, **filters)


@room.page("/worklist/setting", right=Right.TRIAGE, methods=("POST",))
def keep_setting() -> Any:
    """Keep which columns one wants to see, and whether single keys do something."""
    said = request.form
    actions.keep_setting(said.getlist("column"), keys_off=said.get("keys") != "1", by=web.viewer())
    return web.go("referrals.worklist", **known.filters(said))
