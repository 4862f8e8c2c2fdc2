"""Analyses of one's own releases: survival, with its figure, table and code."""

from __future__ import annotations

import csv
import io
from typing import Any
from uuid import UUID

from flask import Response, render_template, request
from flask_babel import gettext as _

from registry import storage, web
from registry.access import Right
from registry.errors import Forbidden, NotFound
from registry.research import rules
from registry.research.models import Release
from registry.research.releases import actions, documents, queries
from registry.research.statistics import figures, overall

room = web.Room("analyses", __name__)

_FORMS = {"svg": "image/svg+xml", "png": "image/png"}


def _rows(release: Release, name: str) -> list[dict[str, str]]:
    """The rows of a frozen file: opened as a download is, with its checksum compared."""
    file = actions.hand_out(release.id, name, by=web.viewer())
    with storage.place(file.file_id).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _headers(release: Release) -> dict[str, list[str]]:
    found = {}
    for file in release.files:
        if file.rows is not None:
            with storage.place(file.file_id).open(encoding="utf-8", newline="") as lines:
                found[file.name] = next(csv.reader(lines), [])
    return found


def _analysed(release_id: UUID) -> tuple[Release, str, list[str], overall.Survival | None]:
    """The release, the group asked for, those that can be, and the curves."""
    release = queries.release(web.viewer(), release_id)
    if release.state != rules.MADE:
        raise NotFound()
    queries.need_in_force(release.grant)
    headers = _headers(release)
    if not overall.is_possible(headers):
        return release, "", [], None
    possible = overall.can_group(headers)
    group = request.args.get("group", "")
    group = group if group in possible else ""
    patients = _rows(release, "patients.csv")
    named = None
    if group:
        file = overall.GROUPS[group][0]
        others = [] if file == "patients.csv" else _rows(release, file)
        named = overall.groups_of(group, patients, others)
    return release, group, possible, overall.survival(patients, named)


@room.page("/research/releases/<uuid:release_id>/survival", right=Right.MAKE_RELEASE)
def survival(release_id: UUID) -> Any:
    """Overall survival of the patients of a release."""
    try:
        release, group, possible, found = _analysed(release_id)
    except Forbidden as refused:
        return render_template("research/refused.html", text=refused.message), 403
    return render_template(
        "research/survival.html",
        release=release,
        group=group,
        groups=[("", _("Nobody: all together"))]
        + [(key, overall.GROUPS[key][2]) for key in possible],
        found=found,
        percent=figures.percent,
        text=figures.text,
        alternative=_alternative(found) if found else "",
    )


def _alternative(found: overall.Survival) -> str:
    """What the figure shows, for who does not see it: the table has the numbers."""
    said = [
        _("%(name)s: %(n)s patients, %(events)s deaths, median %(median)s months",
          name=one.name or _("All"), n=one.curve.n, events=one.curve.total,
          median=_("not reached") if one.median is None else f"{one.median:.1f}")
        for one in found.groups
    ]  # fmt: skip
    text: str = _(
        "Kaplan–Meier curves of overall survival with their bands. %(said)s. The table below has "
        "the numbers.",
        said="; ".join(said),
    )
    return text


@room.page("/research/releases/<uuid:release_id>/survival.<form>", right=Right.MAKE_RELEASE)
def survival_file(release_id: UUID, form: str) -> Any:
    """The figure as SVG or PNG, or its numbers as CSV."""
    if form not in (*_FORMS, "csv"):
        raise NotFound()
    try:
        _release, _group, _possible, found = _analysed(release_id)
    except Forbidden as refused:
        return render_template("research/refused.html", text=refused.message), 403
    if found is None and form != "csv":
        raise NotFound()
    if found is None or form == "csv":
        content, kind = _table(found), "text/csv; charset=utf-8"
    else:
        content = figures.survival(
            overall.drawn(found),
            times=found.times,
            x_label=_("Months from diagnosis"),
            y_label=_("Alive"),
            at_risk_label=_("Number at risk"),
            form=form,
        )
        kind = _FORMS[form]
    way = "inline" if form == "svg" and "save" not in request.args else "attachment"
    headers = {"Content-Disposition": f"{way}; filename=survival.{form}"}
    return Response(io.BytesIO(content), mimetype=kind, headers=headers)


def _table(found: overall.Survival | None) -> bytes:
    header = ("group", "months", "at_risk", "estimate", "std_error", "ci_low", "ci_high")
    lines = []
    for one in found.groups if found else ():
        for point in one.points:
            numbers = (point.estimate, point.std_error, point.ci_low, point.ci_high)
            cells = ["" if value is None else f"{value:.6f}" for value in numbers]
            name = rules.safe(one.name)
            lines.append([name, figures.text(point.time), str(point.at_risk), *cells])
    return documents.csv_bytes(header, lines)
