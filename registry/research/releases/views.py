"""A researcher's grants and releases, and the access committee's grants."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from flask import Response, render_template, request, url_for

from registry import storage, web
from registry.access import Right
from registry.dates import today
from registry.errors import Forbidden, Invalid
from registry.language import gettext as _
from registry.people import queries as people
from registry.research import rules
from registry.research.cohorts import queries as queries_cohorts
from registry.research.models import Release
from registry.research.releases import actions, formats, packing, queries
from registry.research.releases.forms import USUAL, EndForm, GrantForm, with_researchers
from registry.research.requests import queries as queries_requests

room = web.Room("research", __name__)


# -- the researcher ----------------------------------------------------------------------------


@room.page("/research", right=Right.MAKE_RELEASE)
def index() -> Any:
    """One's grants, what can be made under them, and what was made."""
    viewer = web.viewer()
    return render_template(
        "research/index.html",
        grants=queries.my_grants(viewer),
        releases=queries.my_releases(viewer),
        requests=queries_requests.mine(viewer),
        request_states=rules.REQUEST_STATES,
        about=queries_cohorts.everybody(viewer),
        few=rules.FEW,
        grant_states=rules.GRANT_STATES,
        release_states=rules.RELEASE_STATES,
        formats=formats.CHOICES,
        GRANTED=rules.GRANTED,
    )


@room.page("/research/grants/<uuid:grant_id>/releases", right=Right.MAKE_RELEASE, methods=("POST",))
def make_release(grant_id: UUID) -> Any:
    """Ask for a release."""
    viewer = web.viewer()
    try:
        grant = queries.grant_to_use(viewer, grant_id)
    except Forbidden as refused:
        return _refused(refused)
    release = actions.request_release(grant, by=viewer, also=request.form.getlist("formats"))
    return web.go("research.release", release_id=release.id)


def _refused(refused: Forbidden) -> Any:
    """Why a grant allows nothing today."""
    return render_template("research/refused.html", text=refused.message), 403


def _facts(release: Release) -> dict[str, Any]:
    return {
        "release": release,
        "grant": release.grant,
        "grant_state": release.grant.state(today()),
        "grant_states": rules.GRANT_STATES,
        "states": rules.RELEASE_STATES,
        "phases": rules.PHASES,
        "formats": formats.CHOICES,
        "failures": rules.FAILURES,
        "criteria": release.criteria.get("sentence") or rules.CRITERIA_SENTENCE,
        "terms": rules.terms(release.criteria),
        "reasons": rules.RELEASE_REASONS,
        "people": people.person_names([release.requested_by, release.grant.researcher_id]),
        "GRANTED": rules.GRANTED,
        "outputs": queries_requests.outputs_of_release(release.id),
        "output_kinds": rules.OUTPUT_KINDS,
    }


@room.page("/research/releases/<uuid:release_id>", right=Right.MAKE_RELEASE)
def release(release_id: UUID) -> Any:
    """A release: how far it is, or what is in it and its files."""
    found = queries.release(web.viewer(), release_id)
    return render_template("research/release.html", **_facts(found))


@room.page("/research/releases/<uuid:release_id>/progress", right=Right.MAKE_RELEASE)
def progress(release_id: UUID) -> Any:
    """How far it is; the page asks each second."""
    found = queries.release(web.viewer(), release_id)
    page = render_template("research/_progress.html", **_facts(found))
    return page, 200, {} if found.under_way else {"HX-Refresh": "true"}


@room.page(
    "/research/releases/<uuid:release_id>/cancel", right=Right.MAKE_RELEASE, methods=("POST",)
)
def cancel(release_id: UUID) -> Any:
    """Stop a release that is not made yet."""
    viewer = web.viewer()
    actions.cancel_release(queries.release(viewer, release_id), by=viewer)
    web.done(_("The release was cancelled. Nothing of it is kept."))
    return web.go("research.release", release_id=release_id)


@room.page("/research/releases/<uuid:release_id>/codebook", right=Right.MAKE_RELEASE)
def codebook(release_id: UUID) -> Any:
    """The codebook of a release, as it was made."""
    viewer = web.viewer()
    try:
        file = actions.hand_out(release_id, "codebook.csv", by=viewer)
    except Forbidden as refused:
        return _refused(refused)
    with storage.place(file.file_id).open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    return render_template(
        "research/codebook.html",
        release=queries.release(viewer, release_id),
        files=[
            (name, [row for row in rows if row["file"] == name])
            for name in dict.fromkeys(row["file"] for row in rows)
        ],
    )


@room.page("/research/releases/<uuid:release_id>/files/<name>", right=Right.MAKE_RELEASE)
def download(release_id: UUID, name: str) -> Any:
    """One file of a release, or all in one archive."""
    try:
        whole = actions.hand_out_all(release_id, name, by=web.viewer())
        if whole is not None:
            return _sent(packing.pieces(whole), packing.MEDIA_TYPE, name, packing.size(whole))
        file = actions.hand_out(release_id, name, by=web.viewer())
    except Forbidden as refused:
        return _refused(refused)
    return _sent(storage.blocks(file.file_id), file.media_type, name, file.size)


def _sent(pieces: Iterator[bytes], kind: str, name: str, size: int | None) -> Response:
    sent = Response(pieces, mimetype=kind)
    sent.headers["Content-Disposition"] = f"attachment; filename={name}"
    if size is not None:
        sent.content_length = size
    return sent


# -- the access committee ----------------------------------------------------------------------


@room.page("/data-access", right=Right.GRANT)
def grants() -> Any:
    """Every grant."""
    return render_template(
        "research/grants.html",
        grants=queries.all_grants(web.viewer()),
        requests=queries_requests.sent(web.viewer()),
        request_states=rules.REQUEST_STATES,
        grant_states=rules.GRANT_STATES,
    )


@room.page("/data-access/new", right=Right.GRANT, methods=("GET", "POST"))
def new_grant() -> Any:
    """Give a grant."""
    viewer = web.viewer()
    sent = request.form if request.method == "POST" else None
    form = with_researchers(GrantForm(sent, stored=USUAL), queries.researchers(viewer))
    if request.method == "POST" and form.validate():
        try:
            given = actions.give_grant(
                by=viewer,
                project=form.project.data,
                title=form.title.data,
                purpose=form.purpose.data,
                researcher_id=web.as_id(form.researcher.data),
                from_date=form.from_date.data.earliest,
                until_date=form.until_date.data.earliest,
                coarse=form.coarse,
                joins=bool(form.joins.data),
            )
        except Invalid as refused:
            form[refused.field].errors.append(refused.message)
        else:
            web.done(_("The grant was given. The researcher was told."))
            return web.go("research.grant", grant_id=given.id)
    status = 422 if request.method == "POST" else 200
    return render_template("research/new_grant.html", form=form), status


def _grant_page(grant_id: UUID, form: EndForm) -> str:
    viewer = web.viewer()
    found = queries.grant(viewer, grant_id)
    releases = queries.releases_of(viewer, grant_id)
    return render_template(
        "research/grant.html",
        grant=found,
        state=found.state(today()),
        age_bands=rules.AGE_BANDS,
        times=rules.TIMES,
        grant_states=rules.GRANT_STATES,
        release_states=rules.RELEASE_STATES,
        releases=releases,
        numbers={one.id: one.number for one in releases},
        downloads=queries.downloads(viewer, [one.id for one in releases]),
        people=people.person_names([found.granted_by, found.ended_by]),
        form=form,
    )


@room.page("/data-access/grants/<uuid:grant_id>", right=Right.GRANT)
def grant(grant_id: UUID) -> Any:
    """One grant, what was made under it, and who downloaded it."""
    return _grant_page(grant_id, EndForm())


@room.page("/data-access/grants/<uuid:grant_id>/end", right=Right.GRANT, methods=("POST",))
def end_grant(grant_id: UUID) -> Any:
    """End a grant."""
    viewer = web.viewer()
    found = queries.grant(viewer, grant_id)
    form: Any = EndForm(request.form)
    if not form.validate():
        return _grant_page(grant_id, form), 422
    actions.end_grant(found, by=viewer, reason=form.reason.data)
    web.done(_("The grant was ended. Its releases can no longer be downloaded."))
    return web.go("research.grant", grant_id=found.id)


@room.page("/data-access/releases/<uuid:release_id>", right=Right.GRANT)
def released(release_id: UUID) -> Any:
    """What left the house in a release: manifest and counts, no rows."""
    viewer = web.viewer()
    found = queries.released(viewer, release_id)
    return render_template(
        "research/released.html",
        downloads=queries.downloads(viewer, [found.id]),
        back=url_for("research.grant", grant_id=found.grant_id),
        **_facts(found),
    )
