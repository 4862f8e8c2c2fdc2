"""Response to therapy of a release: objective response and disease control by line, grade and SSTR,
with the exact intervals of Clopper and Pearson."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from registry import codes as vocabularies
from registry.clinical.response import CR, NON_CR_NON_PD, PD, PR, SD
from registry.language import gettext as _
from registry.language import lazy_gettext as _l
from registry.research.statistics import courses, overall, pictures, scripts, timed
from registry.research.statistics.courses import Line
from registry.research.statistics.figures import MOST_GROUPS, percent
from registry.research.statistics.shown import FEW, Choice, Files, Shown, Table, chosen, exact

TITLE = _l("Response to therapy")
_DEFINITION = _l(
    "Best response of a systemic line of palliative intent, by RECIST 1.1: from the assessments "
    "after its start, without confirmation, stable disease from 6 weeks on; else as stated at the "
    "therapy. ORR is complete or partial response, DCR also stable disease and neither response "
    "nor progression, of the lines that could be evaluated."
)
OBJECTIVE = (CR, PR)
CONTROL = (CR, PR, SD, NON_CR_NON_PD)
EVALUABLE = (*CONTROL, PD)


@dataclass(frozen=True)
class Rate:
    """A share of evaluable lines with its exact interval; None where none could be evaluated."""

    having: int
    of: int
    share: float | None
    low: float | None
    high: float | None


def rate(best: Sequence[str], counted: Sequence[str]) -> Rate:
    """How many of the evaluable answers are among `counted`: Clopper and Pearson, 95 %."""
    evaluable = [one for one in best if one in EVALUABLE]
    having, of = sum(one in counted for one in evaluable), len(evaluable)
    if not of:
        return Rate(0, 0, None, None, None)
    from scipy.stats import binomtest

    interval = binomtest(having, of).proportion_ci(method="exact")
    return Rate(having, of, having / of, float(interval.low), float(interval.high))


def _groups(
    lines: Iterable[Line], group: str, named: Mapping[str, str] | None
) -> list[tuple[str, list[Line]]]:
    """The lines by group, the largest seven, in order of their names."""
    found: dict[str, list[Line]] = {}
    for line in lines:
        if group == "line":
            names = [str(_("Line %(n)s", n=line.number))]
        elif group == "class":
            names = [vocabularies.label("therapy_class", one) for one in line.classes[:1]]
        elif named is not None:
            names = [named[line.patient]] if line.patient in named else []
        else:
            names = [str(_("All"))]
        for name in names:
            found.setdefault(name, []).append(line)
    largest = sorted(found, key=lambda name: (-len(found[name]), name))[:MOST_GROUPS]
    return [(name, found[name]) for name in sorted(largest)]


def analysis(files: Files, asked: Mapping[str, str]) -> Shown:
    """Response as it is shown."""
    possible = [key for key, (f, c, _label) in overall.GROUPS.items() if c in files.columns(f)]
    options = [
        ("line", _l("Line")),
        ("class", _l("First class of therapy in the line")),
        *((key, overall.GROUPS[key][2]) for key in possible),
    ]
    group = chosen(asked, "group", [key for key, _label in options])
    numbers = ["1", "2", "3", "4"]
    offered = [
        Choice("group", _l("Compare by"), options, group, _l("Nobody: all together")),
        Choice("line", _l("Line"), [(one, _l("Line %(n)s", n=one)) for one in numbers],
               chosen(asked, "line", numbers), _l("All lines")),
    ]  # fmt: skip
    base = Shown("response", TITLE, _DEFINITION, offered)
    lines = courses.of_files(timed.course_files(files))
    if offered[1].chosen:
        lines = [one for one in lines if one.number == int(offered[1].chosen)]
    named = timed.names(files, group) if group in possible else None
    groups = _groups(lines, group, named)
    if not any(line.best in EVALUABLE for _name, some in groups for line in some):
        return replace(base, empty=_l("The release has no line with a response."))
    return replace(base, said=courses.caution(files), **_facts(groups, lines))


def _facts(groups: Sequence[tuple[str, Sequence[Line]]], lines: Sequence[Line]) -> dict[str, Any]:
    words = {"ORR": _("Objective response (ORR)"), "DCR": _("Disease control (DCR)")}
    rates = {
        kind: [(name, rate([line.best for line in some], codes)) for name, some in groups]
        for kind, codes in (("ORR", OBJECTIVE), ("DCR", CONTROL))
    }
    said = "; ".join(
        f"{kind}, {name}: {percent(one.share)} ({one.having}/{one.of})"
        for kind, some in rates.items()
        for name, one in some
        if one.of
    )

    def draw(form: str) -> bytes:
        return pictures.rates(
            [
                (words[kind], [pictures.Rate(name, o.of, o.share, o.low, o.high)
                               for name, o in some if o.of])
                for kind, some in rates.items()
            ],
            x_label=_("Share of the lines that could be evaluated, with the 95 % interval"),
            title=str(TITLE),
            form=form,
        )  # fmt: skip

    return {
        "alternative": _("Response rates as points with their intervals. %(said)s. The table below "
                         "has the numbers.", said=said),
        "draw": draw,
        "tables": [_rates_table(rates), _counts_table(groups)],
        "numbers": (
            ("group", "rate", "having", "evaluable", "estimate", "ci_low", "ci_high"),
            [
                [name, kind, str(o.having), str(o.of), exact(o.share), exact(o.low), exact(o.high)]
                for kind, some in rates.items()
                for name, o in some
            ],
        ),
        "data": (
            ("patient_id", "line", "group", "classes", "best"),
            [
                [line.patient, str(line.number), name, ";".join(line.classes), line.best]
                for name, some in groups
                for line in some
            ],
        ),
        "code": scripts.rates("response", str(TITLE)),
        "complete": [
            (_("Lines with a response that was assessed or stated"),
             sum(bool(line.best) for line in lines), len(lines)),
            (_("Lines that could be evaluated"),
             sum(line.best in EVALUABLE for line in lines), len(lines)),
        ],
        "how": [
            _("Neither is neither complete response nor progression, where there is nothing to "
              "measure."),
            _("Intervals of 95 per cent by Clopper and Pearson: exact, and rather too wide than "
              "too narrow. A line counts once; a patient with several lines several times."),
            FEW,
        ],
    }  # fmt: skip


def _rates_table(rates: Mapping[str, Sequence[tuple[str, Rate]]]) -> Table:
    rows = []
    for kind, some in rates.items():
        for name, one in some:
            interval = "–"
            if one.low is not None:
                interval = _("%(low)s to %(high)s", low=percent(one.low), high=percent(one.high))
            rows.append([name, kind, f"{one.having}/{one.of}", percent(one.share), interval])
    head = [_("Group"), _("Rate"), _("Having it, of evaluable"), _("Share"),
            _("95 % interval")]  # fmt: skip
    return Table(_("Rates"), head, rows, numbers=2)


def _counts_table(groups: Sequence[tuple[str, Sequence[Line]]]) -> Table:
    codes = (*EVALUABLE, "NE", "")
    words = {one: vocabularies.label("response", one) for one in codes}
    words |= {NON_CR_NON_PD: _("Neither"), "": _("No answer")}
    head = [_("Group"), *words.values(), _("Lines")]
    rows = [
        [
            name,
            *(str(sum(line.best == one for line in some)) for one in codes),
            str(len(some)),
        ]
        for name, some in groups
    ]
    return Table(_("Best response"), head, rows)
