"""The figures of the network as a page shows them: what can be chosen, a figure, and its table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from registry import codes as vocabularies
from registry.course import wording
from registry.language import gettext as _
from registry.language import lazy_gettext as _l
from registry.research.statistics import figures, network, pictures, told
from registry.research.statistics.sequences import NO_LINE, OTHER
from registry.research.statistics.shown import Choice, Table

RESPONSE, FLOW, MARKERS, QUALITY = "response", "flow", "markers", "quality_of_life"

#: What can be shown: title, definition, and what a share is of.
SHOWN: dict[str, tuple[Any, Any, Any]] = {
    "survival": (
        _l("Overall survival"),
        _l("From the first diagnosis to death from any cause."),
        _l("Alive"),
    ),
    "pfs": (
        _l("Progression-free survival of the first line"),
        _l(
            "From the start of the first systemic line of palliative intent to progression or "
            "death."
        ),
        _l("Without progression"),
    ),
    "ttnt": (
        _l("Time to the second line"),
        _l("From the start of the first systemic line of palliative intent to the next one."),
        _l("Without next treatment"),
    ),
    RESPONSE: (
        _l("Response to therapy"),
        _l(
            "Best response of the first systemic line of palliative intent, or of each line, by "
            "RECIST 1.1: objective response (ORR) is complete or partial, disease control (DCR) "
            "also stable disease; of the patients who could be evaluated, with exact intervals of "
            "95 per cent."
        ),
        _l("Share"),
    ),
    FLOW: (
        _l("From line to line"),
        _l(
            "The first class of therapy in each systemic line of palliative intent, and in the "
            "line that followed it. Only what may be told is drawn: the bands do not add up to "
            "everybody."
        ),
        _l("Patients, about"),
    ),
    MARKERS: (
        _l("Markers over time"),
        _l(
            "How many patients are above the upper limit of normal, and above so many times of it, "
            "as the laboratory stated it. Of each patient the latest value in a window of months "
            "from the first diagnosis."
        ),
        _l("Share of the patients measured"),
    ),
    QUALITY: (
        _l("Quality of life over time"),
        _l(
            "The mean of a scale from 0 to 100, with its interval of 95 per cent. Of each patient "
            "the latest answers in a window of months from the first diagnosis. Who answers later "
            "is often who is well."
        ),
        _l("Mean, points"),
    ),
}
_CURVE = _l(
    "By Kaplan–Meier, at fixed times and with intervals of 95 per cent. A time is shown where "
    "enough patients are still followed."
)
_CODES = {"grade": "grade_category", "sex": "sex_at_birth", "first_line": "therapy_class",
          "response": "response"}  # fmt: skip
_SSTR = {"positive": _l("SSTR positive"), "negative": _l("SSTR negative")}


@dataclass(frozen=True)
class Page:
    """A figure of the network: what was chosen, its table, its numbers for a file, and a drawing.

    Without `draw` nothing may be told. `known`: about how many of each group have what it needs.
    """

    what: str
    by: Choice
    title: str
    definition: str
    alternative: str
    table: Table
    numbers: tuple[Sequence[str], Sequence[Sequence[str]]]
    draw: Callable[[str], bytes] | None
    known: Sequence[tuple[str, int]] = ()


_HEADER = ("group", "months", "about", "share", "low", "high", "step")


def name_of(by: str, code: str) -> str:
    """A group in words."""
    if not by:
        return str(_("All"))
    if by == network.BY_LINE:
        return str(_("Line %(n)s", n=code))
    return str(_SSTR[code]) if by == "sstr" else vocabularies.label(_CODES[by], code)


def tables(content: Mapping[str, Any]) -> list[tuple[Any, list[tuple[str, int]]]]:
    """Counts by group: (what, (group, about how many))."""
    return [
        (label, [(name_of(key, one["code"]), one["number"]) for one in content["tables"][key]])
        for key, label in (network.GROUPS | network.OF_LINES).items()
    ]


def page(content: Mapping[str, Any], asked: Mapping[str, str]) -> Page:
    """The figure that was asked for; survival of everybody where nothing was."""
    what = asked.get("what", "")
    what = what if what in SHOWN else "survival"
    kept = content["figures"][what]
    by = _by(what, kept, asked.get("group", ""))
    if what == FLOW:
        return _flow(by, kept[""])
    series = [one for one in kept.get(by.chosen, ()) if one["points"]][: figures.MOST_GROUPS]
    named = [(_series_name(what, by.chosen, one["code"]), one["points"]) for one in series]
    known = [(name_of(by.chosen, one["code"]), one["of"]) for one in series if one["of"]]
    return replace(_of_shares(what, by, named), known=known)


def _by(what: str, kept: Mapping[str, Any], asked: str) -> Choice:
    """What else can be chosen: groups, a marker, or a scale."""
    if what in (MARKERS, QUALITY):
        names = [(one, _measure(what, one)) for one in kept]
        told_of = {one: sum(p["of"] for p in kept[one][0]["points"]) for one in kept}
        names.sort(key=lambda one: (one[0] != "QL2", -told_of[one[0]], one[1]))
        chosen = asked if asked in kept else next((code for code, _name in names), "")
        label = _("Marker") if what == MARKERS else _("Scale")
        return Choice("group", label, names[1:], chosen, names[0][1] if names else "")
    groups: list[tuple[str, Any]] = list(network.GROUPS.items()) if what != FLOW else []
    if what == RESPONSE:
        groups.insert(0, (network.BY_LINE, _("Line")))
    chosen = asked if asked in dict(groups) else ""
    return Choice("group", _("Compare by"), groups, chosen, _("Nobody: all together"))


def _measure(what: str, code: str) -> str:
    return vocabularies.label("biomarker", code) if what == MARKERS else wording.scale("", code)


def _series_name(what: str, by: str, code: str) -> str:
    if what == MARKERS:
        if code == "1":
            return str(_("Above the limit"))
        return str(_("Above %(n)s times the limit", n=code))
    return _measure(what, by) if what == QUALITY else name_of(by, code)


def _at(what: str, at: str) -> str:
    """Where a point stands, in words."""
    if what in (MARKERS, QUALITY):
        return next(f"{start}–{end}" for start, end in told.WINDOWS if str(start) == at)
    return at


_Named = Sequence[tuple[str, Sequence[Mapping[str, Any]]]]


def _of_shares(what: str, by: Choice, named: _Named) -> Page:
    title, definition, share = map(str, SHOWN[what])
    unit = "" if what == QUALITY else " %"
    said = "; ".join(
        f"{name}, {one['at']}: {one['share']} %"
        if what == RESPONSE
        else _("%(name)s: %(share)s at %(at)s months", name=name, share=f"{one['share']}{unit}",
               at=_at(what, one["at"]))
        for name, points in named
        for one in (points if what == RESPONSE else points[-1:])
    )  # fmt: skip
    where = str(_("Rate") if what == RESPONSE else _("Months"))
    of = str(_("At risk, about") if what in network.CURVES else _("Patients, about"))
    rows = [
        [name, _at(what, one["at"]), str(one["of"])]
        + ["–" if one[key] is None else f"{one[key]}{unit}" for key in ("share", "low", "high")]
        + [f"{one['step']}{unit}"]
        for name, points in named
        for one in points
    ]
    columns = [_("Group"), where, of, share, _("95 % from"), _("95 % to"), _("In steps of")]
    if what in (MARKERS, QUALITY):
        title = f"{title}: {_measure(what, by.chosen)}" if by.chosen else title
    if what == MARKERS:
        columns = [*columns[:4], columns[6]]
        rows = [[*row[:4], row[6]] for row in rows]
    header = ("group", "rate", *_HEADER[2:]) if what == RESPONSE else _HEADER
    numbers = [
        [name, _at(what, one["at"])]
        + ["" if one[key] is None else str(one[key]) for key in header[2:]]
        for name, points in ((n, [{**p, "about": p["of"]} for p in some]) for n, some in named)
        for one in points
    ]
    if what in network.CURVES:
        definition = f"{definition} {_CURVE}"
    return Page(
        what,
        by,
        title,
        definition,
        _("%(what)s, about and in steps. %(said)s. The table below has the numbers.", what=title,
          said=said),
        Table(_("Numbers of the figure"), columns, rows, numbers=2),
        (header, numbers),
        (lambda form: _drawn(what, title, share, named, form)) if named else None,
    )  # fmt: skip


def _drawn(what: str, title: str, share: str, named: _Named, form: str) -> bytes:
    if what == RESPONSE:
        kinds = {"ORR": _("Objective response (ORR)"), "DCR": _("Disease control (DCR)")}
        return pictures.rates(
            [
                (words, [_rate(name, one) for name, points in named for one in points
                         if one["at"] == kind])
                for kind, words in kinds.items()
            ],
            x_label=_("Share of the patients who could be evaluated, in steps"),
            of="n ≈ ",
            title=title,
            form=form,
        )  # fmt: skip
    windows = {str(start): (start + end) / 2 for start, end in told.WINDOWS}
    in_windows = what in (MARKERS, QUALITY)
    labels = {
        windows[one["at"]] if in_windows else float(one["at"]): _at(what, one["at"])
        for _name, points in named
        for one in points
    }
    start = _("Months from the start of the line") if what in ("pfs", "ttnt") else ""
    return pictures.at_times(
        [
            (name, [(windows[one["at"]] if in_windows else float(one["at"]), one["share"] / 100,
                     _part(one["low"]), _part(one["high"])) for one in points])
            for name, points in named
        ],
        times=labels,
        x_label=start or _("Months from diagnosis"),
        y_label=share,
        title=title,
        form=form,
        unit="" if what == QUALITY else " %",
    )  # fmt: skip


def _rate(name: str, one: Mapping[str, Any]) -> pictures.Rate:
    low, high = _part(one["low"]), _part(one["high"])
    return pictures.Rate(name, one["of"], one["share"] / 100, low, high)


def _part(value: int | None) -> float | None:
    return None if value is None else value / 100


def _flow(by: Choice, cells: Sequence[Mapping[str, Any]]) -> Page:
    title, definition, about = map(str, SHOWN[FLOW])
    classes = sorted({one[end] for one in cells for end in ("source", "target")} - {NO_LINE, OTHER})
    words = {one: vocabularies.label("therapy_class", one) for one in classes}
    words |= {NO_LINE: str(_("No further line")), OTHER: str(_("Other or not known"))}
    rows = [
        [_("Line %(n)s", n=one["line"]), words[one["source"]], words[one["target"]],
         str(one["number"])]
        for one in cells
    ]  # fmt: skip
    return Page(
        FLOW,
        by,
        title,
        definition,
        _("Bands from each line to the next, as wide as the number of patients. The table below "
          "has the numbers."),
        Table(_("Who went on to what"), [_("From"), _("Class"), _("Next line"), about], rows,
              numbers=3),
        (("line", "class", "next_class", "about"),
         [[str(one["line"]), one["source"], one["target"] or "none", str(one["number"])]
          for one in cells]),
        (lambda form: _flow_drawn(title, cells, classes, words, form)) if cells else None,
    )  # fmt: skip


def _flow_drawn(
    title: str,
    cells: Sequence[Mapping[str, Any]],
    classes: Sequence[str],
    words: Mapping[str, str],
    form: str,
) -> bytes:
    """Blocks are as high as the larger of what is told to come in and to go out."""
    into: Counter[tuple[int, str]] = Counter()
    out: Counter[tuple[int, str]] = Counter()
    for one in cells:
        out[one["line"], one["source"]] += one["number"]
        into[one["line"] + 1, one["target"]] += one["number"]
    last = max(one["line"] for one in cells) + 1
    columns = []
    for line in range(1, last + 1):
        high = {key: max(into[line, key], out[line, key]) for key in (*classes, OTHER, NO_LINE)}
        blocks = [(key, words[key], n) for key, n in high.items() if n]
        columns.append((str(_("Line %(n)s", n=line)), blocks))
    order = [*classes, OTHER, NO_LINE]
    bands = sorted(
        ((one["line"] - 1, one["source"], one["target"], one["number"]) for one in cells),
        key=lambda one: (one[0], order.index(one[1]), order.index(one[2])),
    )
    coloured = classes[: len(figures.COLOURS)]
    return pictures.flows(columns, bands, colours=coloured, title=title, form=form)
