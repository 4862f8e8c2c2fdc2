"""Organisations: found, set up, changed, deactivated."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import render_template, request, url_for

from registry import codes, web
from registry.access import ROLE_LABELS, Right
from registry.errors import Conflict, Invalid
from registry.language import gettext as _
from registry.people import actions, queries
from registry.people.forms import KINDS, OrganisationForm
from registry.people.forms.administration import stored, weekdays
from registry.people.models import Organisation
from registry.people.views.room import page_number, put, room, sent


@room.page("/administration/organisations", right=Right.ADMINISTER)
def organisations() -> Any:
    """Every hospital and centre, found by name, kind and state."""
    asked = request.args
    chosen: dict[str, Any] = {
        "q": asked.get("q", "").strip()[:100],
        "kind": asked.get("kind", "") if asked.get("kind") in KINDS else "",
        "state": asked.get("state", "") if asked.get("state") in {"active", "inactive"} else "",
    }
    found = queries.list_organisations(
        web.viewer(),
        text=chosen["q"],
        kind=chosen["kind"],
        state=chosen["state"],
        page=page_number(),
    )
    kept = {name: value for name, value in chosen.items() if value}
    return render_template(
        "people/organisations.html",
        found=found,
        chosen=chosen,
        filtered=bool(kept),
        kinds=KINDS,
        page_url=url_for("people.organisations", **kept, page="_n_").replace("_n_", "{page}"),
    )


@room.page("/administration/organisations/new", right=Right.ADMINISTER, methods=("GET", "POST"))
def new_organisation() -> Any:
    """Set up a hospital or centre."""
    form: Any = OrganisationForm(sent())
    if request.method == "POST" and form.validate():
        try:
            added = actions.add_organisation(by=web.viewer(), code=form.code.data, **form.values())
        except Invalid as refused:
            put(form, refused)
        else:
            web.done(_("The organisation was set up. Invite its people next."))
            return web.go("people.organisation", organisation_id=added.id)
    status = 422 if form.errors else 200
    page = render_template("people/organisation_form.html", form=form, place=None, saved=[])
    return page, status


@room.page("/administration/organisations/<uuid:organisation_id>", right=Right.ADMINISTER)
def organisation(organisation_id: UUID) -> Any:
    """One organisation and who works there."""
    viewer = web.viewer()
    found = queries.organisation_by_id(organisation_id)
    return render_template(
        "people/organisation.html",
        place=found,
        kinds=KINDS,
        members=queries.who_works_at(viewer, found),
        role_labels=ROLE_LABELS,
        weekday=day_name(found.board_weekday),
        cutoff=cutoff(found),
        listed=_listed,
    )


def day_name(number: int | None) -> str:
    """A weekday in words; empty where none is stated."""
    return "" if number is None else str(weekdays()[number].label)


def cutoff(place: Organisation) -> str:
    """Until when a case is put on the next board, in words; empty where it is not stated."""
    if place.cutoff_weekday is None:
        return place.board_cutoff
    stated = f"{day_name(place.cutoff_weekday)} {place.cutoff_time}"
    return f"{stated}. {place.board_cutoff}" if place.board_cutoff else stated


def _listed(name: str, chosen: list[str] | None) -> str:
    """Codes in words, as one line."""
    return ", ".join(codes.label(name, one) for one in chosen or [])


@room.page(
    "/administration/organisations/<uuid:organisation_id>/edit",
    right=Right.ADMINISTER,
    methods=("GET", "POST"),
)
def edit_organisation(organisation_id: UUID) -> Any:
    """Change an organisation. An edit on an old copy shows what was saved meanwhile."""
    found = queries.organisation_by_id(organisation_id)
    form: Any = OrganisationForm(sent(), stored=stored(found))
    form.code.data, form.code.typed, form.code.needed = found.code, [], ""
    saved: list[tuple[Any, Any]] = []
    if request.method == "POST" and form.validate():
        try:
            actions.change_organisation(
                found,
                by=web.viewer(),
                version=web.as_number(request.form.get("version")) or 0,
                **form.values(),
            )
        except Conflict:
            saved = _differences(form, found)
            form.name.errors.append(
                _("Somebody saved this meanwhile. Compare below, and save again to keep yours.")
            )
        except Invalid as refused:
            put(form, refused)
        else:
            web.done(_("The organisation was changed."))
            return web.go("people.organisation", organisation_id=found.id)
    status = 422 if form.errors else 200
    page = render_template("people/organisation_form.html", form=form, place=found, saved=saved)
    return page, status


def _differences(form: Any, place: Organisation) -> list[tuple[Any, Any]]:
    """What is saved now, where it differs from what was typed."""
    return [
        (form[name].label.text, saved if saved not in (None, "", []) else "–")
        for name, typed in form.values().items()
        if (saved := getattr(place, name)) != typed
    ]


@room.page(
    "/administration/organisations/<uuid:organisation_id>/active",
    right=Right.ADMINISTER,
    methods=("POST",),
)
def set_organisation_active(organisation_id: UUID) -> Any:
    """Deactivate or reactivate an organisation."""
    found = queries.organisation_by_id(organisation_id)
    wanted = request.form.get("active")
    if wanted not in {"yes", "no"}:
        raise Invalid(_("Say whether the organisation is to be active."))
    actions.set_organisation_active(
        found,
        wanted == "yes",
        by=web.viewer(),
        version=web.as_number(request.form.get("version")) or 0,
    )
    web.done(
        _("The organisation is active again.")
        if wanted == "yes"
        else _("The organisation was deactivated. Its history stays.")
    )
    return web.go("people.organisation", organisation_id=found.id)
