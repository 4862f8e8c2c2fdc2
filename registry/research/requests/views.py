"""Requests for access: the researcher writes, the committee asks, votes and decides."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from flask import render_template, request
from flask_babel import gettext as _

from registry import web
from registry.access import Right
from registry.dates import PartialDate
from registry.errors import Invalid
from registry.research import rules
from registry.research.models import AccessRequest
from registry.research.releases import columns
from registry.research.releases.forms import USUAL
from registry.research.requests import actions as actions_requests
from registry.research.requests import forms as forms_requests
from registry.research.requests import queries as queries_requests

room = web.Room("requests", __name__)


def _form(found: AccessRequest | None = None) -> Any:
    stored: dict[str, Any] = dict(USUAL)
    if found is not None:
        names = ("project", "title", "purpose", "team", "legal_basis", "funding", "outputs",
                 "use_codes", "analyses")  # fmt: skip
        stored = {name: getattr(found, name) for name in names}
        stored["cohort"] = str(found.cohort_version_id)
        stored["smallest_group"] = Decimal(found.smallest_group)
        stored["age_band"], stored["times"] = str(found.age_band), found.times
        stored["until_date"] = PartialDate.of(found.until_date)
        stored["variables"] = "\n".join(f"{key}: {why}" for key, why in found.variables.items())
    elif "cohort" in request.args:
        stored["cohort"] = request.args["cohort"]
    sent = request.form if request.method == "POST" else None
    made = forms_requests.RequestForm(sent, stored=stored)
    return forms_requests.with_cohorts(made, queries_requests.versions(web.viewer()))


def _wish(form: Any) -> actions_requests.Wish:
    names = ("project", "title", "purpose", "team", "legal_basis", "funding", "outputs",
             "use_codes", "analyses", "variables")  # fmt: skip
    plain = {name: form[name].data for name in names}
    return actions_requests.Wish(
        **plain, until_date=form.until_date.data.earliest, coarse=form.coarse
    )


def _written(found: AccessRequest | None) -> Any:
    """The form of a new or a changed request, and what becomes of it."""
    viewer, form = web.viewer(), _form(found)
    if request.method == "POST" and form.validate():
        cohort = queries_requests.version(viewer, web.as_id(form.cohort.data))
        try:
            if cohort is None:
                raise Invalid(_("Choose a saved version of a cohort."), field="cohort")
            if found is None:
                found = actions_requests.draft(_wish(form), cohort, by=viewer)
            else:
                actions_requests.change(found, _wish(form), cohort, by=viewer)
            return web.go("requests.request_page", access_request_id=found.id)
        except Invalid as refused:
            form[refused.field].errors.append(refused.message)
    page = render_template("research/request_form.html", form=form, request_row=found)
    return page, 422 if request.method == "POST" else 200


@room.page("/research/requests/new", right=Right.COUNT, methods=("GET", "POST"))
def new() -> Any:
    """A new request."""
    return _written(None)


@room.page(
    "/research/requests/<uuid:access_request_id>/edit", right=Right.COUNT, methods=("GET", "POST")
)
def edit(access_request_id: UUID) -> Any:
    """Change a draft."""
    return _written(queries_requests.request(web.viewer(), access_request_id))


def _page(found: AccessRequest, refused: Invalid | None = None, step: str = "") -> Any:
    viewer = web.viewer()
    side = actions_requests.side_of(found, viewer)
    cast = actions_requests.votes(found)
    known = {
        f"{file.entity}.{column.variable}": column.about.label
        for file in columns.files()
        for column in file.columns
        if column.about
    }
    unneeded = set(rules.not_needed(found.variables, found.analyses))
    return render_template(
        "research/request.html",
        row_=found,
        side=side,
        steps=[(name, rules.REQUEST_STEPS[name]) for name in rules.steps_open(found.state, side)],
        all_steps=rules.REQUEST_STEPS,
        states=rules.REQUEST_STATES,
        bases=rules.LEGAL_BASES,
        use_codes=rules.USE_CODES,
        analyses=rules.ANALYSES,
        age_bands=rules.AGE_BANDS,
        times=rules.TIMES,
        variables=[
            (known.get(key, key), key, why, key in unneeded) for key, why in found.variables.items()
        ],
        unneeded=len(unneeded),
        votes=cast,
        carried=rules.carried(cast),
        refused=refused,
        tried=step,
        typed=request.form,
    )


@room.page("/research/requests/<uuid:access_request_id>", right=Right.READ_REQUEST)
def request_page(access_request_id: UUID) -> Any:
    """A request, what was said and decided, and what can be done now."""
    return _page(queries_requests.request(web.viewer(), access_request_id))


@room.page(
    "/research/requests/<uuid:access_request_id>/step", right=Right.READ_REQUEST, methods=("POST",)
)
def take(access_request_id: UUID) -> Any:
    """Take a step."""
    viewer = web.viewer()
    found = queries_requests.request(viewer, access_request_id)
    name = request.form.get("step", "")
    try:
        actions_requests.take(
            found, name, by=viewer, text=request.form.get("text", ""), until=_until()
        )
    except Invalid as refused:
        return _page(found, refused, name), 422
    web.done(_("Done: %(what)s.", what=rules.REQUEST_STEPS[name].done))
    return web.go("requests.request_page", access_request_id=found.id)


def _until() -> Any:
    text = request.form.get("until", "").strip()
    try:
        found = PartialDate(text)
    except ValueError:
        return None
    return found.earliest if found.precision == "day" else None
