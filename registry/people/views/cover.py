"""Cover for absence, as the lead of an organisation arranges it there."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import render_template, request

from registry import web
from registry.access import Right
from registry.dates import today
from registry.errors import Invalid
from registry.language import gettext as _
from registry.people import actions, queries
from registry.people.forms import LeadCoverForm
from registry.people.forms.administration import day_of, with_colleagues
from registry.people.models import Confirmation
from registry.people.views.room import put, room, sent


@room.page("/administration/cover", right=Right.ARRANGE_COVER, methods=("GET", "POST"))
def covers() -> Any:
    """Who sits in for whom here; and one more."""
    viewer = web.viewer()
    people = queries.colleagues(viewer)
    form: Any = with_colleagues(LeadCoverForm(sent()), people)
    if request.method == "POST" and form.validate():
        try:
            made = _arrange(form, {person.id: person for person, _roles in people})
        except Invalid as refused:
            put(form, refused)
        else:
            if isinstance(made, Confirmation):
                web.warn(_("This waits for an administrator: nobody gives a right to themself."))
            else:
                web.done(_("The cover was arranged. Both were told."))
            return web.go("people.covers")
    page = render_template(
        "people/cover.html",
        form=form,
        covers=queries.covers_here(viewer),
        waiting=queries.covers_to_confirm(viewer),
        alone=len(people) < 2,
        today=today(),
    )
    return page, 422 if form.errors else 200


def _arrange(form: Any, people: dict[UUID, Any]) -> Any:
    viewer = web.viewer()
    since, until = day_of(form.from_date), day_of(form.until_date)
    assert since is not None  # both are needed
    assert until is not None
    return actions.arrange_cover(
        people[UUID(form.absent.data)],
        people[UUID(form.cover.data)],
        queries.organisation_by_id(viewer.organisation_id),
        by=viewer,
        since=since,
        until=until,
    )


@room.page("/administration/cover/end", right=Right.ARRANGE_COVER, methods=("POST",))
def end_cover_here() -> Any:
    """End a cover now."""
    viewer = web.viewer()
    chosen = web.as_id(request.form.get("cover"))
    found = next((one for one in queries.covers_here(viewer) if one.id == chosen), None)
    if found is None:
        raise Invalid(_("Choose the cover to end."))
    actions.end_cover(found, by=viewer)
    web.done(_("The cover was ended."))
    return web.go("people.covers")
