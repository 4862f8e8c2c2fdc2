"""Requests for access: the researcher writes, the committee asks, votes and decides."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from flask import render_template, request
from werkzeug.datastructures import MultiDict

from registry import web
from registry.access import Right
from registry.dates import PartialDate, today
from registry.errors import Invalid
from registry.language import gettext as _
from registry.language import lazy_gettext as _l
from registry.research import rules
from registry.research.models import AccessRequest
from registry.research.releases import columns
from registry.research.releases import queries as queries_releases
from registry.research.releases.forms import USUAL
from registry.research.requests import actions as actions_requests
from registry.research.requests import forms as forms_requests
from registry.research.requests import needs
from registry.research.requests import queries as queries_requests
from registry.research.statistics import network

room = web.Room("requests", __name__)


def _form(found: AccessRequest | None = None) -> Any:
    stored: dict[str, Any] = dict(USUAL)
    if found is not None:
        names = ("project", "title", "purpose", "team", "legal_basis", "funding", "outputs",
                 "use_codes", "analyses")  # fmt: skip
        stored = {name: getattr(found, name) for name in names}
        stored["joins"] = ["yes"] if found.joins else []
        stored["cohort"] = str(found.cohort_version_id)
        stored["smallest_group"] = Decimal(found.smallest_group)
        stored["age_band"], stored["times"] = str(found.age_band), found.times
        stored["until_date"] = PartialDate.of(found.until_date)
        stored["variables"] = "\n".join(f"{key}: {why}" for key, why in found.variables.items())
    elif "cohort" in request.args:
        stored["cohort"] = request.args["cohort"]
    sent: MultiDict[str, str] | None = request.form if request.method == "POST" else None
    if sent is not None and "fill" in sent:
        sent = forms_requests.filled(sent, actions_requests.known_variables())
    elif sent is not None and "trim" in sent:
        sent = forms_requests.trimmed(sent)
    made = forms_requests.RequestForm(sent, stored=stored)
    return forms_requests.with_cohorts(made, queries_requests.versions(web.viewer()))


def _wish(form: Any) -> actions_requests.Wish:
    names = ("project", "title", "purpose", "team", "legal_basis", "funding", "outputs",
             "use_codes", "analyses", "variables")  # fmt: skip
    plain = {name: form[name].data or "" for name in names}
    return actions_requests.Wish(
        **plain,
        until_date=form.until_date.data.earliest,
        coarse=form.coarse,
        joins=bool(form.joins.data),
    )


def _written(found: AccessRequest | None) -> Any:
    """The form of a new or a changed request, and what becomes of it."""
    viewer, form = web.viewer(), _form(found)
    if request.form.keys() & {"fill", "trim"}:
        return render_template("research/request_form.html", form=form, request_row=found)
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


def _output_form(found: AccessRequest, sent: Any = None) -> Any:
    return forms_requests.with_releases(
        forms_requests.OutputForm(sent), queries_requests.releases_of(found)
    )


def _page(
    found: AccessRequest,
    refused: Invalid | None = None,
    step: str = "",
    output_form: Any = None,
) -> Any:
    viewer = web.viewer()
    side = actions_requests.side_of(found, viewer)
    cast = actions_requests.votes(found)
    known = {
        f"{file.entity}.{column.variable}": column.about.label
        for file in columns.files()
        for column in file.columns
        if column.about
    }
    earlier, later = queries_requests.earlier_and_later(found)
    if later is not None and later.state == rules.DRAFT and side == rules.COMMITTEE:
        later = None
    needed_by = {
        key: [rules.ANALYSES[one] for one in needs.needed_by(key, found.analyses)]
        for key in found.variables
    }
    grant = queries_requests.grant_of(found)
    shares = network.complete()
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
            (known.get(key, key), key, why, needed_by[key], shares.get(key))
            for key, why in found.variables.items()
        ],
        unneeded=sum(1 for analyses in needed_by.values() if not analyses),
        lacking=[
            (rules.ANALYSES[one], [[str(known.get(key, key)) for key in any_of] for any_of in some])
            for one, some in needs.lacking(found.variables, found.analyses).items()
        ],
        missing=actions_requests.missing(found) if found.state == rules.DRAFT else [],
        use_means=rules.USE_MEANS,
        grant=grant,
        grant_state=grant.state(today()) if grant else "",
        grant_states=rules.GRANT_STATES,
        others=queries_releases.others_in(found.project, found.researcher_id),
        GRANTED=rules.GRANTED,
        EXPIRED=rules.EXPIRED,
        conditions=queries_requests.conditions(found),
        cohort_name=queries_requests.cohort_name(found),
        criteria=json.dumps(found.cohort.criteria, ensure_ascii=False, indent=2),
        few=rules.FEW,
        finer=rules.Coarse(found.smallest_group, found.age_band, found.times).finer,
        named=side == rules.COMMITTEE
        and rules.names(found.team, viewer.name, viewer.email)
        and (viewer.person_id, "conflict") not in cast.items(),
        votes=Counter(cast.values()),
        carried=rules.carried(cast),
        refused=refused,
        earlier=earlier,
        later=later,
        changed=_changed(earlier, found, known) if earlier else [],
        outputs=queries_requests.outputs(found),
        output_kinds=rules.OUTPUT_KINDS,
        output_form=output_form or _output_form(found),
        tried=step,
        typed=request.form,
    )


_COMPARED = {
    "title": _l("Title"),
    "purpose": _l("Purpose"),
    "team": _l("Team"),
    "legal_basis": _l("Legal basis"),
    "funding": _l("Funding"),
    "outputs": _l("What will be published"),
    "until_date": _l("Needed until"),
    "cohort_version_id": _l("Cohort"),
    "smallest_group": _l("Patients in the smallest group"),
    "age_band": _l("Age at diagnosis"),
    "times": _l("Times"),
    "joins": _l("Joining a project of others"),
    "use_codes": _l("Use of the data"),
    "analyses": _l("Analyses"),
}


def _changed(
    earlier: AccessRequest, found: AccessRequest, known: Mapping[str, Any]
) -> list[tuple[Any, str]]:
    """What differs from the version that was approved: what, and for variables which."""
    differs = [
        (label, "")
        for name, label in _COMPARED.items()
        if getattr(earlier, name) != getattr(found, name)
    ]
    for words, more, less in (
        (_("Variables added"), found, earlier),
        (_("Variables no longer asked for"), earlier, found),
    ):
        names = [str(known.get(key, key)) for key in more.variables if key not in less.variables]
        if names:
            differs.append((words, ", ".join(names)))
    return differs


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
    if name == "amend":
        _earlier, later = queries_requests.earlier_and_later(found)
        return web.go("requests.edit", access_request_id=later.id if later else found.id)
    return web.go("requests.request_page", access_request_id=found.id)


@room.page(
    "/research/requests/<uuid:access_request_id>/outputs", right=Right.COUNT, methods=("POST",)
)
def add_output(access_request_id: UUID) -> Any:
    """Add what came of one's own request."""
    viewer = web.viewer()
    found = queries_requests.request(viewer, access_request_id)
    form = _output_form(found, request.form)
    if not form.validate():
        return _page(found, output_form=form), 422
    facts = {name: form[name].data or "" for name in ("kind", "title", "reference", "doi")}
    try:
        actions_requests.add_output(
            found, by=viewer, release_id=web.as_id(form.release.data or ""), **facts
        )
    except Invalid as refused:
        form[refused.field].errors.append(refused.message)
        return _page(found, output_form=form), 422
    web.done(_("The output was added."))
    return web.go("requests.request_page", access_request_id=found.id)


@room.page(
    "/research/requests/<uuid:access_request_id>/outputs/drop", right=Right.COUNT, methods=("POST",)
)
def drop_output(access_request_id: UUID) -> Any:
    """Take back what was entered by mistake."""
    viewer = web.viewer()
    found = queries_requests.request(viewer, access_request_id)
    actions_requests.drop_output(found, web.as_id(request.form.get("output", "")), by=viewer)
    return web.go("requests.request_page", access_request_id=found.id)


def _until() -> Any:
    text = request.form.get("until", "").strip()
    try:
        found = PartialDate(text)
    except ValueError:
        return None
    return found.earliest if found.precision == "day" else None
