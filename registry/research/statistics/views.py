"""Analyses of one's own releases, each with its figure, tables, definition and what redoes it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from flask import Response, render_template, request

from registry import storage, web
from registry.access import Right
from registry.errors import Forbidden, NotFound
from registry.language import lazy_gettext as _l
from registry.research import rules
from registry.research.models import Release, ReleaseFile
from registry.research.releases import actions, documents, queries
from registry.research.statistics import (
    answers,
    courses,
    network,
    network_shown,
    sequences,
    timed,
    told,
    trajectories,
)
from registry.research.statistics.shown import Files, Shown

room = web.Room("analyses", __name__)

#: Every analysis: its title, and what makes it from the files and what was asked for.
ANALYSES: dict[str, tuple[Any, Callable[[Files, Mapping[str, str]], Shown]]] = {
    **{name: (title, partial(timed.analysis, name)) for name, title in timed.TITLES.items()},
    "response": (answers.TITLE, answers.analysis),
    "flow": (sequences.TITLES["flow"], sequences.flow),
    "lanes": (sequences.TITLES["lanes"], sequences.lanes),
    "markers": (trajectories.TITLES["markers"], trajectories.markers),
    "quality_of_life": (trajectories.TITLES["quality_of_life"], trajectories.quality_of_life),
}
_FIGURES = {"svg": "image/svg+xml", "png": "image/png"}
_CODE = {"R": _l("R script"), "py": _l("Python script")}


class _Frozen:
    """The files of a release: compared with their checksum, as in a download, and read once."""

    def __init__(self, release: Release) -> None:
        self._files: dict[str, ReleaseFile] = {one.name: one for one in release.files}
        self._read: dict[str, list[dict[str, str]]] = {}

    def columns(self, name: str) -> Sequence[str]:
        """The heading of a file; nothing where there is none."""
        if name not in self._files:
            return ()
        with storage.place(self._files[name].file_id).open(encoding="utf-8", newline="") as lines:
            return next(csv.reader(lines), [])

    def rows(self, name: str) -> Sequence[Mapping[str, str]]:
        """The rows of a file; nothing where there is none."""
        if name not in self._files:
            return ()
        if name not in self._read:
            file = actions.as_it_was_made(self._files[name], rules.ANALYSED, by=web.viewer())
            with storage.place(file.file_id).open(encoding="utf-8", newline="") as lines:
                self._read[name] = list(csv.DictReader(lines))
            if any(one.endswith("_shifted") for one in self.columns(name)):
                anchors = {} if name == "tumours.csv" else self._anchors()
                self._read[name] = courses.unshifted(self._read[name], anchors)
        return self._read[name]

    def _anchors(self) -> dict[str, str]:
        """The first day of diagnosis of each patient, where dates are shifted."""
        found: dict[str, str] = {}
        for row in self.rows("tumours.csv"):
            if day := row.get("diagnosis_date_shifted"):
                found[row["patient_id"]] = min(day, found.get(row["patient_id"], day))
        return found


def _analysed(release_id: UUID, name: str) -> tuple[Release, Shown]:
    """The release and the analysis asked for. Raises NotFound, Forbidden."""
    release = queries.release(web.viewer(), release_id)
    if release.state != rules.MADE or name not in ANALYSES:
        raise NotFound()
    queries.need_in_force(release.grant)
    return release, ANALYSES[name][1](_Frozen(release), request.args)


@room.page("/research/releases/<uuid:release_id>/analyses/<analysis>", right=Right.MAKE_RELEASE)
def show(release_id: UUID, analysis: str) -> Any:
    """An analysis of the patients of a release."""
    try:
        release, found = _analysed(release_id, analysis)
    except Forbidden as refused:
        return render_template("research/refused.html", text=refused.message), 403
    return render_template(
        "research/analysis.html",
        release=release,
        shown=found,
        analyses=[(key, title) for key, (title, _make) in ANALYSES.items()],
        asked={one.name: one.chosen for one in found.choices if one.chosen},
        scripts=[(ending, words) for ending, words in _CODE.items() if ending in found.code],
    )


@room.page(
    "/research/releases/<uuid:release_id>/analyses/<analysis>.<form>", right=Right.MAKE_RELEASE
)
def file(release_id: UUID, analysis: str, form: str) -> Any:
    """The figure as SVG or PNG, its numbers (csv) or its data (data.csv), or what redoes it."""
    try:
        _release, found = _analysed(release_id, analysis)
    except Forbidden as refused:
        return render_template("research/refused.html", text=refused.message), 403
    if found.draw is None and form not in ("csv", "data"):
        raise NotFound()
    filename = f"{analysis}.{form}"
    if form in _FIGURES and found.draw is not None:
        content, kind = found.draw(form), _FIGURES[form]
    elif form in ("csv", "data"):
        header, lines = found.numbers if form == "csv" else found.data
        safe = [[cell if _is_number(cell) else rules.safe(cell) for cell in one] for one in lines]
        content, kind = documents.csv_bytes(header, safe), "text/csv; charset=utf-8"
        filename = filename if form == "csv" else f"{analysis}-data.csv"
    elif form in found.code:
        content, kind = found.code[form].encode(), "text/plain; charset=utf-8"
    else:
        raise NotFound()
    way = "inline" if form == "svg" and "save" not in request.args else "attachment"
    headers = {"Content-Disposition": f"{way}; filename={filename}"}
    return Response(io.BytesIO(content), mimetype=kind.split(";")[0], headers=headers)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


# -- the network -------------------------------------------------------------------------------


@room.page("/network/research-figures", right=Right.SIGNED_IN)
def of_network() -> Any:
    """The network in figures: about how many, how they fare and what they are treated with, for
    everybody signed in."""
    kept = network.newest()
    return render_template(
        "research/network.html",
        kept=kept,
        shown=network_shown.page(kept.content, request.args) if kept else None,
        figures=[(key, title) for key, (title, *_rest) in network_shown.SHOWN.items()],
        tables=network_shown.tables(kept.content) if kept else (),
        few=rules.FEW,
        in_a_step=told.IN_A_STEP,
    )


@room.page("/network/research-figures.<form>", right=Right.SIGNED_IN)
def network_file(form: str) -> Any:
    """The figure as SVG or PNG, or its numbers as CSV."""
    kept = network.newest()
    if kept is None:
        raise NotFound()
    shown = network_shown.page(kept.content, request.args)
    if form == "csv":
        header, lines = shown.numbers
        safe = [[cell if _is_number(cell) else rules.safe(cell) for cell in one] for one in lines]
        content, kind = documents.csv_bytes(header, safe), "text/csv"
    elif form in _FIGURES and shown.draw is not None:
        content, kind = shown.draw(form), _FIGURES[form]
    else:
        raise NotFound()
    way = "inline" if form == "svg" and "save" not in request.args else "attachment"
    headers = {"Content-Disposition": f"{way}; filename=network-{shown.what}.{form}"}
    return Response(io.BytesIO(content), mimetype=kind, headers=headers)
