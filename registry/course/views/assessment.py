"""An assessment of measured lesions: sizes in a grid, sum, nadir and result as they are typed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import render_template, request

from registry import audit, web
from registry.access import Right
from registry.clinical import lesions as rule
from registry.clinical.edit_checks import Finding
from registry.clinical.lesions import Assessment
from registry.course import facts, forms, queries, wording
from registry.course.actions.assessing import Sized, keep_assessment
from registry.course.forms import EntryForm
from registry.course.forms import assessment as asked
from registry.course.forms.assessment import BASELINE, FOLLOW_UP, Spot
from registry.course.rules.checks import UNUSUAL
from registry.course.rules.response import derive_response
from registry.course.views import both, drafts, warnings
from registry.course.views.desk import Desk, desk_for
from registry.course.views.room import room
from registry.course.views.saved import tell_saved
from registry.db import new_id
from registry.errors import Conflict, Invalid, NotFound
from registry.language import gettext as _
from registry.patients import queries as patients

#: Empty rows for lesions: at a baseline, and for new ones later.
_BLANK = {BASELINE: 5, FOLLOW_UP: 1}


@dataclass
class Grid:
    """The assessment on the desk: its form, its series, and a row for every lesion."""

    desk: Desk
    form: EntryForm
    series: queries.Series | None
    timepoint: str
    response_id: UUID
    spots: list[Spot] = field(default_factory=list)
    focus: str = ""  # the box of the row that was asked for: there one goes on

    @property
    def is_first(self) -> bool:
        """Is it a baseline?"""
        return self.timepoint == BASELINE

    @property
    def sent_spots(self) -> list[Spot]:
        """The rows that say something."""
        return [one for one in self.spots if not one.is_blank]


@room.page(
    "/patients/<uuid:patient_id>/course/assessment/new",
    right=Right.WRITE_COURSE,
    methods=("GET", "POST"),
)
def assess(patient_id: UUID) -> Any:
    """A new baseline, or the next assessment of a series (`baseline`, or that of a `therapy`)."""
    desk = desk_for("response", patients.patient_to_write(web.viewer(), patient_id))
    if request.method == "GET":
        typed = drafts.typed(desk.patient, drafts.assessment_page(desk))
        if typed is not None and not drafts.is_kept_already("response", typed.sent):
            return _page(_grid(desk, _baseline_asked(desk, typed.sent), typed.sent), typed=typed)
    return _answer(_grid(desk, _baseline_asked(desk)))


@room.page(
    "/course/assessment/<uuid:response_id>", right=Right.WRITE_COURSE, methods=("GET", "POST")
)
def assessment(response_id: UUID) -> Any:
    """An assessment that is kept, with its lesions."""
    entry: Any = queries.entry_to_write(web.viewer(), "response", response_id)
    patient = patients.patient_to_write(web.viewer(), entry.patient_id)
    desk = desk_for("response", patient, entry)
    if request.method == "GET":
        typed = drafts.typed(patient, drafts.assessment_page(desk))
        if typed is not None:
            grid = _grid(desk, None, typed.sent)
            changed = typed.opened != entry.version
            versions = _versions(grid, typed.opened) if changed else None
            return _page(grid, versions=versions, typed=typed)
    return _answer(_grid(desk, None))


@room.page("/course/assessment/derive", right=Right.WRITE_COURSE, methods=("POST",))
def derive_assessment() -> Any:
    """What follows from the sizes typed so far; nothing is kept."""
    entry_id = web.as_id(request.form.get("entry"))
    if entry_id is not None:
        entry: Any = queries.entry_to_write(web.viewer(), "response", entry_id)
        patient_id = entry.patient_id
    else:
        entry, patient_id = None, web.as_id(request.form.get("patient_id"))
    desk = desk_for("response", patients.patient_to_write(web.viewer(), patient_id), entry)
    grid = _grid(desk, None if entry else _baseline_asked(desk))
    _check(grid)
    return render_template(
        "course/_recist.html", grid=grid, found=_found(grid), words=wording, live=grid.form
    )


# -- the grid ----------------------------------------------------------------------------------


def _baseline_asked(desk: Desk, said: Any = None) -> Any:
    """The baseline of the series an assessment goes on with; None for a new baseline.

    `said` is what was typed before, else it is what was sent or what the address asks for.
    """
    said = request.values if said is None else said
    baselines = desk.linkable["baseline"]
    wanted = said.get("baseline")
    if wanted:
        found = next((one for one in baselines if str(one.id) == wanted), None)
        if found is None:
            raise NotFound()
        return found
    if said.get("new"):
        return None
    therapy = said.get("therapy")
    of_it = [one for one in baselines if therapy and str(one.therapy_id) == therapy]
    return of_it[-1] if of_it else None


def _grid(desk: Desk, baseline: Any, typed: Any = None) -> Grid:
    entry = desk.entry
    sent = request.form if request.method == "POST" else typed
    series = None
    if entry is not None:
        series = queries.series_of(entry)
    elif baseline is not None:
        series = queries.series_of(baseline)
    first = entry.timepoint == BASELINE if entry is not None else baseline is None
    said = sent.get("entry_id") if sent is not None else None
    response_id = entry.id if entry is not None else web.as_id(said) or new_id()
    grid = Grid(
        desk, _form(desk, baseline, sent), series, BASELINE if first else FOLLOW_UP, response_id
    )
    known = series.lesions if series is not None else []
    before = dict(series.proposed(entry)) if series is not None else {}
    grid.spots = asked.known_spots(
        known,
        sent,
        lambda lesion: series.measured(entry, lesion) if series and entry is not None else None,
        before,
    )
    blank = _BLANK[grid.timepoint] if entry is None else 1
    ids = {lesion.id for lesion in known}
    again = _followed_before(desk) if series is None and sent is None else []
    grid.spots += asked.new_spots(len(known), sent, blank, ids, again)
    return grid


def _followed_before(desk: Desk) -> list[dict[str, Any]]:
    """The lesions of an earlier series (`from`) that were still there, to begin a new one with."""
    wanted = request.args.get("from")
    if not wanted:
        return []
    baseline = next((one for one in desk.linkable["baseline"] if str(one.id) == wanted), None)
    if baseline is None:
        raise NotFound()
    series = queries.series_of(baseline)
    gone = {key for key, size in series.proposed().items() if size.state == rule.GONE}
    return [asked.again(lesion) for lesion in series.lesions if str(lesion.id) not in gone]


def _form(desk: Desk, baseline: Any, sent: Any) -> EntryForm:
    if desk.entry is not None:
        return desk.form(sent, stored=forms.stored(desk.entry), absent=desk.entry.absent)
    stored = {name: request.values.get(name, "") for name in ("tumour", "therapy")}
    if baseline is not None:
        stored = {
            "tumour": str(baseline.tumour_id or ""),
            "therapy": str(baseline.therapy_id or ""),
            "criteria": baseline.criteria or "",
        }
    for name in ("tumour", "therapy"):
        if not stored[name] and len(desk.linkable[name]) == 1:
            stored[name] = str(desk.linkable[name][0].id)
    return desk.form(sent, stored={"criteria": "RECIST11", **stored})


def _found(grid: Grid) -> Assessment | None:
    """What the series makes of the assessment as it is typed; None where it cannot be read."""
    spots, visits, sizes = grid.series.rows() if grid.series is not None else ([], [], [])
    said = grid.form.stated().values
    this = {name: str(facts.plain(value) or "") for name, value in said.items()}
    this |= {"id": str(grid.response_id), "timepoint": grid.timepoint}
    visits = [one for one in visits if one["id"] != this["id"]] + [this]
    sizes = [one for one in sizes if one["response_id"] != this["id"]]
    new = [one.row() | {"role": one.role or ("target" if grid.is_first else "new")}
           for one in grid.sent_spots if one.is_new]  # fmt: skip
    sizes += [one.size_row(grid.response_id) for one in grid.sent_spots if one.state]
    if not spots and not new:
        return None
    for one in rule.assess([*spots, *new], visits, sizes):
        if one.id == this["id"]:
            return one
    return None


# -- answering ---------------------------------------------------------------------------------


def _answer(grid: Grid) -> Any:
    if request.method == "GET":
        return _page(grid)
    page = drafts.assessment_page(grid.desk)
    if drafts.is_thrown_away():
        return drafts.throw_away(grid.desk.patient, page)
    if "more" in request.form:
        last = grid.spots[-1].number if grid.spots else -1
        grid.spots += asked.new_spots(last + 1, None, 3)
        grid.focus = f"s{last + 1}-label"
        return _page(grid)
    unusual = _check(grid)
    if not _acceptable(grid):
        return _page(grid), 422
    said = grid.form.stated()
    values = {name: said.values[name] for name in asked.ASKED} | {"timepoint": grid.timepoint}
    links = grid.desk.links(grid.form)
    if grid.desk.entry is None:
        links["baseline_id"] = (
            None if grid.is_first or grid.series is None else grid.series.responses[0].id
        )
    else:
        links = {name: one for name, one in links.items() if name != "baseline_id"}
    try:
        kept = keep_assessment(
            grid.desk.patient,
            by=web.viewer(),
            response=grid.desk.entry,
            version=_sent_version(),
            response_id=grid.response_id,
            values=values,
            absent={n: why for n, why in said.absent.items() if n in values},
            links=links,
            sizes=[_sized(one) for one in grid.sent_spots],
        )
    except Conflict:
        if grid.desk.entry is None:
            raise
        return _page(grid, versions=_versions(grid, _sent_version())), 409
    except Invalid as refusal:
        grid.form.refuse(refusal.field, refusal.message)
        return _page(grid), 422
    because = request.form.get("because", "").replace("\x00", "").strip()
    warnings.accept_shown(grid.desk.patient, [kept.response, *kept.entries], unusual, because)
    drafts.drop(grid.desk.patient, page)
    tell_saved(kept.entries or [kept.response])
    return web.go("chart.chart", patient_id=grid.desk.patient.id, _anchor="response")


def _check(grid: Grid) -> list[Finding]:
    """Put every message and warning into the form; gives what the record makes of all of it."""
    form = grid.form
    form.validate()
    stated = form["response_stated"]
    if stated.data is None and not stated.absent and not any(stated.typed):
        stated.errors.clear()  # the lesions say it; a baseline is not judged
    for one in grid.sent_spots:
        one.validate(first=grid.is_first)
    if grid.is_first and not grid.sent_spots:
        form.refuse("date", _("Enter at least one lesion."))
    if form["date"].is_empty:
        form.refuse("date", _("Enter the date, or that it is not known."))
    found = warnings.found(
        grid.desk, form, grid.response_id, derived=_derived(grid), beside=_beside(grid)
    )
    own = [one for one in found if one.entries[:1] == (("response", str(grid.response_id)),)]
    warnings.show(grid.desk, form, own, grid.response_id)
    _show_lesions(grid, [one for one in found if one not in own])
    return found


def _derived(grid: Grid) -> dict[str, Any]:
    """What would be kept beside the assessment, with what the page does not ask."""
    said = grid.form.stated().values
    this = {name: str(facts.plain(value) or "") for name, value in said.items()}
    this |= {"timepoint": grid.timepoint}
    baseline = grid.series.responses[0].id if grid.series is not None and not grid.is_first else ""
    return derive_response(this, _found(grid)) | {
        "timepoint": grid.timepoint,
        "baseline_id": str(baseline),
    }


def _beside(grid: Grid) -> dict[str, list[dict[str, Any]]]:
    """The lesions and sizes that would be kept with it, each size under its lesion's id."""
    baseline = grid.series.responses[0].id if grid.series is not None else grid.response_id
    lesions = [one.row() | {"baseline_id": str(baseline)} for one in grid.sent_spots if one.is_new]
    sizes = [
        one.size_row(grid.response_id)
        | {"id": str(one.measurement.id if one.measurement else one.lesion_id)}
        for one in grid.sent_spots
        if one.state
    ]
    return {"lesion": lesions, "measurement": sizes}


def _show_lesions(grid: Grid, found: list[Finding]) -> None:
    """What is unusual about a lesion or its size is asked about with the assessment."""
    for one in grid.sent_spots:
        ids = {str(one.lesion_id), str(one.measurement.id if one.measurement else "")}
        said = [text for f in one.form for text in f.warnings]
        said += [
            wording.reason(finding.reason)
            for finding in found
            if finding.code != UNUSUAL
            and any(e[0] in ("lesion", "measurement") and e[1] in ids for e in finding.entries)
        ]
        for text in said:
            grid.form.warn("date", f"{one.name}: {text}")


def _acceptable(grid: Grid) -> bool:
    """Is it right, and if something is unusual, was that seen?"""
    wrong = any(f.errors for one in grid.sent_spots for f in one.form)
    return not wrong and not grid.form.errors and grid.form.mark in (
        "", request.form.get("seen", ""))  # fmt: skip


def _sent_version() -> int:
    return web.as_number(request.form.get("version")) or -1


def _sized(one: Spot) -> Sized:
    columns = None
    if one.is_new:
        columns = {name: one.form[name].data for name in asked.LESION} | {"role": one.role}
    return Sized(
        one.lesion_id, one.state, one.size, one.measurement_version, columns, one.measurement
    )


def _versions(grid: Grid, opened: int | None) -> list[dict[str, Any]]:
    """Both versions: the questions, then every size."""
    rows = both.versions(grid.desk, grid.form, opened)
    for one in grid.spots:
        stands, is_theirs = one.measurement, _is_theirs(one)
        said = wording.value("measurement", "size_mm", one.size) or wording.value(
            "measurement", "state", one.state)  # fmt: skip
        kept = ""
        if stands is not None:
            kept = wording.value("measurement", "size_mm", stands.size_mm) or wording.value(
                "measurement", "state", stands.state)  # fmt: skip
            one.measurement_version = stands.version
        if said or kept:
            rows.append(both.row(one.name, said, kept, is_theirs))
        if is_theirs:
            one.take(stands)
    return rows


def _is_theirs(one: Spot) -> bool:
    """Was this size changed by somebody else alone since the page was opened?"""
    if one.measurement is None:
        return False
    typed = {"size_mm": one.size, "state": one.state}
    if not one.measurement_version:
        return not any(typed.values())  # there was none when the page was opened
    mine = {name: (facts.plain(value), None, None) for name, value in typed.items()}
    theirs = both.changed_by_others(one.measurement, mine, one.measurement_version)
    return bool(theirs) and all(
        name in theirs or facts.plain(getattr(one.measurement, name)) == (mine[name][0] or None)
        for name in mine
    )


def _page(
    grid: Grid,
    *,
    versions: list[dict[str, Any]] | None = None,
    typed: drafts.Typed | None = None,
) -> str:
    entry, patient = grid.desk.entry, grid.desk.patient
    audit.opened(
        "opened response" if entry else "opened new response",
        by=web.viewer(),
        subject=("response", entry.id) if entry else ("patient", patient.id),
        patient_id=patient.id,
    )
    version = ""
    if entry is not None:
        version = entry.version if versions else request.form.get("version", entry.version)
    return render_template(
        "course/assessment.html",
        grid=grid,
        desk=grid.desk,
        form=grid.form,
        entry=entry,
        both=versions,
        changed_by=both.changed_by(entry) if versions else "",
        version=version,
        page=drafts.assessment_page(grid.desk),
        asked=urlencode(drafts.asked(grid.desk)),
        typed=typed,
        draft_version=drafts.version_to_send(typed),
        because=request.form.get("because") or (typed.sent.get("because", "") if typed else ""),
        sections=asked.sections(grid.is_first),
        found=_found(grid),
        identity=patients.identity(patient),
        words=wording,
        baselines=grid.desk.linkable["baseline"],
    )
