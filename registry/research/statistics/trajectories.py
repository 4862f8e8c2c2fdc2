"""Markers and quality of life of a release over time, in windows from the diagnosis on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from statistics import mean, quantiles, stdev
from typing import Any

from registry import codes as vocabularies
from registry.clinical.endpoints import DAYS_PER_MONTH
from registry.clinical.partial_dates import assumed
from registry.course import wording
from registry.language import gettext as _
from registry.language import lazy_gettext as _l
from registry.research.statistics import pictures, scripts
from registry.research.statistics.courses import ORIGIN, released
from registry.research.statistics.shown import (
    FEW,
    Choice,
    Files,
    Row,
    Shown,
    Table,
    chosen,
    one_digit,
)

TITLES = {"markers": _l("Markers over time"), "quality_of_life": _l("Quality of life over time")}
_DEFINITIONS = {
    "markers": _l(
        "How many times the upper limit of normal, as the laboratory stated it: assays are not "
        "converted into each other. Of each patient the latest value in a window of 6 months from "
        "the first diagnosis; the median and the middle half of the patients."
    ),
    "quality_of_life": _l(
        "A scale of a questionnaire, from 0 to 100. Of each patient the latest in a window of 6 "
        "months from the first diagnosis; the mean and its interval of 95 per cent."
    ),
}
WIDTH = 6
MOST_WINDOWS = 10
#: Fewer patients than this in a window have no middle to speak of.
FEWEST = 3


@dataclass(frozen=True)
class Value:
    """A value of a patient so many months after the diagnosis."""

    patient: str
    months: float
    value: float


def latest_in_windows(values: Sequence[Value]) -> list[tuple[int, list[float]]]:
    """(start of the window in months, the latest value of each patient in it), in order."""
    found: dict[int, dict[str, tuple[float, float]]] = {}
    for one in values:
        if one.months < 0:
            continue
        window = int(one.months // WIDTH) * WIDTH
        kept = found.setdefault(window, {})
        if one.patient not in kept or kept[one.patient][0] <= one.months:
            kept[one.patient] = (one.months, one.value)
    return [
        (window, [value for _when, value in some.values()])
        for window, some in sorted(found.items())
        if len(some) >= FEWEST
    ][:MOST_WINDOWS]


def middle(window: int, values: Sequence[float]) -> pictures.Window:
    """The median and the middle half."""
    low, median, high = quantiles(values, n=4, method="inclusive")
    return pictures.Window(window, window + WIDTH, len(values), median, low, high)


def average(window: int, values: Sequence[float]) -> pictures.Window:
    """The mean with its interval by Student's t, within the scale."""
    from scipy.stats import t

    centre = mean(values)
    around = float(t.ppf(0.975, len(values) - 1)) * stdev(values) / sqrt(len(values))
    low, high = max(centre - around, 0.0), min(centre + around, 100.0)
    return pictures.Window(window, window + WIDTH, len(values), centre, low, high)


def _months(row: Row) -> float | None:
    day = released(row, "date")
    return (assumed(day) - ORIGIN).days / DAYS_PER_MONTH if day else None


def markers(files: Files, asked: Mapping[str, str]) -> Shown:
    """A marker over time as it is shown."""
    rows = [row for row in files.rows("biomarkers.csv") if row.get("analyte")]
    measured: dict[str, list[Value]] = {}
    for row in rows:
        months, value, limit = _months(row), row.get("value"), row.get("upper_limit")
        if months is not None and value and limit and float(limit) > 0:
            one = Value(row["patient_id"], months, float(value) / float(limit))
            measured.setdefault(row["analyte"], []).append(one)
    options = sorted(measured, key=lambda one: (-len(measured[one]), one))
    analyte = chosen(asked, "marker", options) or (options[0] if options else "")
    names = {one: vocabularies.label("biomarker", one) for one in options}
    offered = Choice("marker", _l("Marker"), [(one, names[one]) for one in options[1:]], analyte,
                     names.get(options[0], "") if options else "")  # fmt: skip
    base = Shown("markers", TITLES["markers"], _DEFINITIONS["markers"], [offered])
    values, own = measured.get(analyte, []), [one for one in rows if one["analyte"] == analyte]
    windows = [middle(*one) for one in latest_in_windows(values)]
    if not windows:
        return replace(
            base,
            empty=_l(
                "No window has values of three patients with an upper limit of normal and a date."
            ),
        )
    label = names[analyte]

    def draw(form: str) -> bytes:
        low = min(min(one.low for one in windows), 1)
        return pictures.over_time(
            windows, x_label=_("Months from diagnosis"),
            y_label=_("Times the upper limit of normal"),
            of_label=_("below: number of patients"), form=form, line=1,
            title=_("%(what)s: median and middle half of the patients", what=label),
            log=low > 0 and max(one.high for one in windows) > 10 * low,
        )  # fmt: skip

    used = (_("Measurements of it with a value, an upper limit and a date"), len(values), len(own))
    return replace(
        base,
        draw=draw,
        complete=[used, _patients(files, values)],
        how=[_("A value given as a limit (<25, >1000) counts as that limit."), FEW],
        **_facts("markers", label, windows, values, medians=True),
    )  # fmt: skip


def quality_of_life(files: Files, asked: Mapping[str, str]) -> Shown:
    """A scale over time as it is shown."""
    rows = files.rows("questionnaire.csv")
    scored = [(row, _scores(row)) for row in rows]
    counted = Counter(scale for _row, scores in scored for scale in scores)
    options = sorted(counted, key=lambda one: (one != "QL2", -counted[one], one))
    scale = chosen(asked, "scale", options) or (options[0] if options else "")
    names = {one: wording.scale("", one) for one in options}
    label = names.get(scale, "")
    offered = Choice("scale", _l("Scale"), [(one, names[one]) for one in options[1:]], scale,
                     names[options[0]] if options else "")  # fmt: skip
    base = Shown("quality_of_life", TITLES["quality_of_life"], _DEFINITIONS["quality_of_life"],
                 [offered])  # fmt: skip
    values = [
        Value(row["patient_id"], months, scores[scale])
        for row, scores in scored
        if scale in scores and (months := _months(row)) is not None
    ]
    windows = [average(*one) for one in latest_in_windows(values)]
    if not windows:
        return replace(base, empty=_l("No window has scored questionnaires of three patients."))

    def draw(form: str) -> bytes:
        return pictures.over_time(
            windows, x_label=_("Months from diagnosis"), y_label=_("Points, from 0 to 100"),
            of_label=_("below: number of patients"), form=form, limits=(0, 100),
            title=_("%(what)s: mean and 95 %% interval", what=label),
        )  # fmt: skip

    used = (_("Questionnaires with this scale and a date"), len(values), len(rows))
    return replace(
        base,
        draw=draw,
        complete=[used, _patients(files, values)],
        how=[_("Who answers later is often who is well: a mean that rises need not mean that "
               "anybody is better."), FEW],
        **_facts("quality_of_life", label, windows, values, medians=False),
    )  # fmt: skip


def _scores(row: Row) -> dict[str, float]:
    """The scores of a questionnaire, from `QL2=75;PF2=80`."""
    pairs = (pair.partition("=") for pair in (row.get("scores") or "").split(";") if pair)
    return {name: float(value) for name, _sign, value in pairs if value}


def _patients(files: Files, values: Sequence[Value]) -> tuple[str, int, int]:
    """Of how many patients there is a value, of all in the release."""
    there = {one.patient for one in values}
    return _("Patients with one"), len(there), len(files.rows("patients.csv"))


def _facts(
    name: str,
    label: str,
    windows: Sequence[pictures.Window],
    values: Sequence[Value],
    *,
    medians: bool,
) -> dict[str, Any]:
    head = [_("Months"), _("Patients")]
    if medians:
        head += [_("Median, times the upper limit"), _("Lower quarter"), _("Upper quarter")]
    else:
        head += [_("Mean, points"), _("95 % from"), _("95 % to")]
    rows = [
        [
            f"{one.start:g}–{one.end:g}",
            str(one.of),
            *map(one_digit, (one.middle, one.low, one.high)),
        ]
        for one in windows
    ]
    return {
        "alternative": _(
            "%(label)s over time, from %(first)s at first to %(last)s at last. The table below has "
            "the numbers.", label=label, first=one_digit(windows[0].middle),
            last=one_digit(windows[-1].middle)),
        "tables": [Table(label, head, rows)],
        "numbers": (
            ("from_months", "to_months", "patients", "middle", "low", "high"),
            [[f"{o.start:g}", f"{o.end:g}", str(o.of), f"{o.middle:.4f}", f"{o.low:.4f}",
              f"{o.high:.4f}"] for o in windows],
        ),
        "data": (
            ("patient_id", "months", "value"),
            [[one.patient, f"{one.months:.4f}", f"{one.value:.6g}"] for one in values],
        ),
        "code": scripts.windows(name, label, WIDTH, fewest=FEWEST, most=MOST_WINDOWS,
                                medians=medians),
    }  # fmt: skip
