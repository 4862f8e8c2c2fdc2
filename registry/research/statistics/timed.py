"""Survival of a release as it is shown: overall, without progression and until the next treatment
by line, and progression beside death as what competes with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from registry.clinical.endpoints import DAYS_PER_MONTH, Endpoint
from registry.language import gettext as _
from registry.language import lazy_gettext as _l
from registry.research.statistics import courses, figures, modelled, overall, scripts
from registry.research.statistics.courses import Line
from registry.research.statistics.overall import Subject, Survival
from registry.research.statistics.shown import (
    FEW,
    Choice,
    Files,
    Shown,
    Table,
    chosen,
    exact,
    lacking,
    one_digit,
    p_value,
)
from registry.research.statistics.survival import (
    CENSORED,
    COMPETING,
    EVENT,
    Curve,
    cumulative_incidence,
)

TITLES = {
    "survival": _l("Overall survival"),
    "pfs": _l("Progression-free survival by line"),
    "ttnt": _l("Time to next treatment by line"),
    "progression": _l("Progression, with death competing"),
}
_DEFINITIONS = {
    "survival": _l(
        "From the first diagnosis to death from any cause; who is alive is censored at the last "
        "contact."
    ),
    "pfs": _l(
        "From the start of the line to progression or death. Without either, censored at the last "
        "assessment, and before a new line at the last assessment before it. A marker that rises "
        "alone is no progression."
    ),
    "ttnt": _l(
        "From the start of the line to the start of the next anti-tumour line. Without one, "
        "censored at death or the last contact."
    ),
    "progression": _l(
        "From the start of the line to progression; death without it prevents it and is no "
        "censoring. Dates as in progression-free survival."
    ),
}
_FREE = {
    "survival": _l("Alive"),
    "pfs": _l("Without progression"),
    "ttnt": _l("Without next treatment"),
}
_EVENTS = {"survival": _l("Deaths"), "pfs": _l("Events"), "ttnt": _l("Next treatments")}
_LINES = (("therapies.csv", "start"), ("follow_up.csv", "date"), ("follow_up.csv", "vital_status"))
#: Without these a curve would show what was not asked for as what did not happen.
NEEDS: dict[str, tuple[tuple[str, str], ...]] = {
    "survival": (("patients.csv", "vital_status"),),
    "pfs": (*_LINES, ("progressions.csv", "date")),
    "ttnt": (*_LINES, ("progressions.csv", "date")),
    "progression": (*_LINES, ("progressions.csv", "date")),
}
#: Landmarks in months that are offered.
LANDMARKS = (3, 6, 12, 24, 36, 60)
_HOW = {
    False: _l(
        "Kaplan–Meier with Greenwood's error; intervals of 95 per cent on the log scale, as R's "
        "survival has them by default; follow-up by reverse Kaplan–Meier. Bands are the intervals, "
        "small strokes are patients censored. Months have 30.4375 days. From the files of the "
        "release alone."
    ),
    True: _l(
        "Aalen–Johansen with the infinitesimal jackknife, as R's survfit of several states; "
        "intervals of 95 per cent on the log scale. Bands are the intervals, small strokes are "
        "patients who left without it. Months have 30.4375 days. From the files of the release "
        "alone."
    ),
}


def choices(files: Files, asked: Mapping[str, str], *, by_line: bool) -> list[Choice]:
    """Groups, landmark and line."""
    possible = [key for key, (f, c, _label) in overall.GROUPS.items() if c in files.columns(f)]
    found = [
        Choice(
            "group",
            _l("Compare by"),
            [(key, overall.GROUPS[key][2]) for key in possible],
            chosen(asked, "group", possible),
            _l("Nobody: all together"),
        )
    ]
    months = [str(one) for one in LANDMARKS]
    landmarks = [(one, _l("%(n)s months", n=one)) for one in months]
    found.append(
        Choice("landmark", _l("Landmark"), landmarks, chosen(asked, "landmark", months),
               _l("None: from the start"))
    )  # fmt: skip
    if by_line:
        numbers = ["2", "3", "4"]
        lines = [(one, _l("Line %(n)s", n=one)) for one in numbers]
        found.insert(0, Choice("line", _l("Line"), lines, chosen(asked, "line", numbers),
                               _l("Line %(n)s", n="1")))  # fmt: skip
    return found


def names(files: Files, group: str) -> dict[str, str] | None:
    """The group of each patient, in words; None without a group."""
    if not group:
        return None
    file = overall.GROUPS[group][0]
    others = [] if file == "patients.csv" else files.rows(file)
    return overall.groups_of(group, files.rows("patients.csv"), others)


def line_of(asked: Mapping[str, str]) -> int:
    """The line that was asked for, by default the first."""
    return int(chosen(asked, "line", ("2", "3", "4")) or 1)


def _of_lines(lines: Sequence[Line], name: str, number: int) -> list[Subject]:
    found = []
    for line in lines:
        endpoint: Endpoint = line.ttnt if name == "ttnt" else line.pfs
        if line.number != number or endpoint.days is None or endpoint.event is None:
            continue
        kind = EVENT if endpoint.event else CENSORED
        if name == "progression" and kind == EVENT and line.ttp.event != 1:
            kind = COMPETING
        found.append(Subject(line.patient, endpoint.days / DAYS_PER_MONTH, kind))
    return found


def analysis(name: str, files: Files, asked: Mapping[str, str]) -> Shown:
    """One of `TITLES` as it is shown."""
    by_line = name != "survival"
    offered = choices(files, asked, by_line=by_line)
    group = next(one.chosen for one in offered if one.name == "group")
    landmark = float(next(one.chosen for one in offered if one.name == "landmark") or 0)
    base = Shown(name, TITLES[name], _DEFINITIONS[name], offered)
    if missing := lacking(files, NEEDS[name]):
        return replace(base, empty=_("It needs variables that are not in the release: %(names)s.",
                                     names=", ".join(missing)))  # fmt: skip
    patients = files.rows("patients.csv")
    number = line_of(asked)
    if by_line:
        lines = courses.of_files(course_files(files))
        subjects = _of_lines(lines, name, number)
        counted = [
            (_("With a systemic line of palliative intent"), len({one.patient for one in lines})),
            (_("With line %(n)s", n=number),
             len({one.patient for one in lines if one.number == number})),
            (_("With a time that can be counted"), len({one.key for one in subjects})),
        ]  # fmt: skip
    else:
        subjects = overall.subjects(patients)
        counted = [(_("With a vital status and a time"), len(subjects))]
    named = names(files, group)
    if named is not None:
        counted.append((_("With a group"), len({s.key for s in subjects if s.key in named})))
    found = overall.curves(subjects, named, landmark)
    if found is None:
        return replace(base, empty=_l("The release has no patients with what this needs."))
    counted.append((_("In the figure"), len({one.key for one in found.kept})))
    shown = _incidence if name == "progression" else _survival
    title = str(TITLES[name])
    if by_line:
        title = _("%(title)s: line %(n)s", title=title, n=number)
    facts = shown(
        name, files, found, named, grouped=bool(group), start=_start(name, landmark), title=title
    )
    complete = [(what, number, len(patients)) for what, number in counted]
    return replace(base, complete=complete, how=(_HOW[name == "progression"], FEW), **facts)


def course_files(files: Files) -> dict[str, Sequence[Mapping[str, str]]]:
    """The files that lines are made of."""
    names_ = ("therapies.csv", "progressions.csv", "responses.csv", "follow_up.csv")
    return {name: files.rows(name) for name in names_}


def _start(name: str, landmark: float) -> str:
    if landmark:
        return str(_("Months from the landmark at %(n)s months", n=f"{landmark:g}"))
    return str(
        _("Months from diagnosis") if name == "survival" else _("Months from the start of the line")
    )


def _data(
    found: Survival,
    named: Mapping[str, str] | None,
    columns: Mapping[str, Sequence[str]] | None = None,
) -> Any:
    """Who is followed how long and until what, and the covariates of a model."""
    columns = columns or {}
    lines = [
        [one.key, exact(one.months), str(one.kind), named[one.key] if named else ""]
        + [texts[place] for texts in columns.values()]
        for place, one in enumerate(found.kept)
    ]
    return ("patient_id", "months", "event", "group", *columns), lines


def _survival(
    name: str,
    files: Files,
    found: Survival,
    named: Mapping[str, str] | None,
    *,
    grouped: bool,
    start: str,
    title: str,
) -> dict[str, Any]:
    said = [
        _("%(name)s: %(n)s patients, %(events)s events, median %(median)s months",
          name=one.name or _("All"), n=one.curve.n, events=one.curve.total,
          median=one_digit(one.median, _("not reached")))
        for one in found.groups
    ]  # fmt: skip
    tables = [
        _points(_FREE[name], [(one.name, one.curve) for one in found.groups], found.times),
        Table(
            _("Medians"),
            [_("Group"), _("Patients"), _EVENTS[name], _("Median, months"), _("95 % from"),
             _("95 % to"), _("Median follow-up, months")],
            [
                [one.name or str(_("All")), str(one.curve.n), str(one.curve.total)]
                + [one_digit(value, _("not reached")) for value in
                   (one.median, one.low, one.high, one.followed)]
                for one in found.groups
            ],
        ),
    ]  # fmt: skip
    notes = [_tested(found)] if found.tested else []
    model = modelled.model(files, found, named if grouped else None)
    if model.fitted:
        tables.append(modelled.table(model.fitted))
        notes.append(modelled.said_of(model.fitted))
    else:
        notes.append(model.refused)

    def draw(form: str) -> bytes:
        return figures.survival(
            overall.drawn(found),
            times=found.times,
            x_label=start,
            y_label=str(_FREE[name]),
            at_risk_label=_("Number at risk"),
            title=title,
            form=form,
        )

    return {
        "alternative": _("%(title)s as Kaplan–Meier curves with their bands. %(said)s. The table "
                         "below has the numbers.", title=TITLES[name], said="; ".join(said)),
        "draw": draw,
        "tables": tables,
        "said": notes,
        "numbers": _numbers([(one.name, one.curve) for one in found.groups], found.times),
        "data": _data(found, named, model.columns),
        "code": scripts.survival(name, str(TITLES[name]), grouped=grouped,
                                 covariates=tuple(model.columns), references=model.references,
                                 times=", ".join(f"{one:g}" for one in found.times)),
    }  # fmt: skip


def _points(what: Any, curves: Sequence[tuple[str, Curve]], times: Sequence[float]) -> Table:
    rows = []
    for name, curve in curves:
        for point in map(curve.at, times):
            interval = "–"
            if point.ci_low is not None:
                interval = _("%(low)s to %(high)s", low=figures.percent(point.ci_low),
                             high=figures.percent(point.ci_high))  # fmt: skip
            rows.append([name or str(_("All")), figures.text(point.time), str(point.at_risk),
                         figures.percent(point.estimate), interval])  # fmt: skip
    head = [_("Group"), _("Months"), _("At risk"), what, _("95 % interval")]
    return Table(_("Numbers of the figure"), head, rows)


def _numbers(curves: Sequence[tuple[str, Curve]], times: Sequence[float]) -> Any:
    header = ("group", "months", "at_risk", "estimate", "std_error", "ci_low", "ci_high")
    lines = []
    for name, curve in curves:
        for point in map(curve.at, times):
            values = (point.estimate, point.std_error, point.ci_low, point.ci_high)
            lines.append([name, figures.text(point.time), str(point.at_risk), *map(exact, values)])
    return header, lines


def _tested(found: Survival) -> str:
    test = found.tested
    assert test is not None
    return str(
        _("Log-rank test: chi² %(chi2)s, degrees of freedom %(df)s, p value %(p)s.",
          chi2=f"{test.chi2:.2f}", df=test.df, p=p_value(test.p))
    )  # fmt: skip


# -- competing risks ---------------------------------------------------------------------------


def _incidence(
    name: str,
    files: Files,
    found: Survival,
    named: Mapping[str, str] | None,
    *,
    grouped: bool,
    start: str,
    title: str,
) -> dict[str, Any]:
    if grouped:
        curves = [(one, cumulative_incidence(found.of.of(one))) for one in found.of.names()]
    else:
        curves = [
            (str(_("Progression")), cumulative_incidence(found.of)),
            (str(_("Death without progression")), cumulative_incidence(found.of, COMPETING)),
        ]
    said = "; ".join(
        _("%(name)s: %(n)s patients, %(events)s events", name=label, n=one.n, events=one.total)
        for label, one in curves
    )

    def draw(form: str) -> bytes:
        return figures.survival(
            [
                figures.Drawn(label, one, tuple(str(one.risk(time)) for time in found.times))
                for label, one in curves
            ],
            times=found.times,
            x_label=start,
            y_label=_("Progression") if grouped else _("Cumulative incidence"),
            at_risk_label=_("Number at risk"),
            title=title,
            form=form,
        )

    return {
        "alternative": _("Cumulative incidence of progression by Aalen and Johansen. %(said)s. The "
                         "table below has the numbers.", said=said),
        "draw": draw,
        "tables": [_points(_("Cumulative incidence"), curves, found.times)],
        "numbers": _numbers(curves, found.times),
        "data": _data(found, named),
        "code": scripts.incidence(name, str(TITLES[name]), grouped=grouped,
                                  times=", ".join(f"{one:g}" for one in found.times)),
    }  # fmt: skip
