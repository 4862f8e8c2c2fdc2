"""Figures other than of survival: rates with their intervals, courses over time, lanes of patients
and flows from line to line. In the style of `figures`: safe colours, outlines of letters, the same
bytes each time; what a colour says is also said by a letter or a place."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from registry.research.statistics.figures import (
    COLOURS,
    GRID,
    INK,
    LINES,
    STYLE,
    entitle,
    short,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH = 7.6
#: What is neither of the seven colours' turns nor tells anything.
_OTHER = "#9aa5ad"


def _drawn(height: float, form: str, title: str, draw: Callable[[Any], None]) -> bytes:
    """A figure of this height in inches as SVG or PNG."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(_WIDTH, height), layout="constrained")
        FigureCanvasAgg(figure)
        entitle(figure, title)
        draw(figure)
        out = io.BytesIO()
        made = {"Date": None} if form == "svg" else {"Software": None}
        figure.savefig(out, format=form, dpi=200, metadata=made)
    return out.getvalue()


@dataclass(frozen=True)
class Rate:
    """A share with its interval, from 0 to 1, and of how many. None: there is none."""

    name: str
    of: int
    share: float | None
    low: float | None
    high: float | None


def rates(
    groups: Sequence[tuple[str, Sequence[Rate]]],
    *,
    x_label: str,
    title: str,
    form: str,
    of: str = "n = ",
) -> bytes:
    """Shares as points with intervals, a row each: `groups` are (name, a rate of each group), the
    same groups in each, beside each other; `of` stands before of how many."""
    rows = len(groups[0][1])

    def draw(figure: Any) -> None:
        panels = figure.subplots(1, len(groups), sharey=True, squeeze=False)[0]
        for mark, (axes, (kind, some)) in enumerate(zip(panels, groups, strict=True)):
            for place, one in enumerate(some):
                if one.share is None or one.low is None or one.high is None:
                    continue
                y, colour = rows - place, COLOURS[mark]
                axes.plot([one.low, one.high], [y, y], color=colour, linewidth=2)
                axes.plot([one.share], [y], "os^D"[mark % 4], color=colour, markersize=7)
            axes.set_title(kind, fontsize=10.5)
            _per_cent(axes)
        names = [f"{short(one.name)} ({of}{one.of})" for one in groups[0][1]]
        panels[0].set_yticks([rows - place for place in range(rows)], names)
        panels[0].set_ylim(0.4, rows + 0.6)
        figure.supxlabel(x_label, fontsize=10.5)

    return _drawn(1.7 + 0.34 * rows, form, title, draw)


def _per_cent(axes: Axes) -> None:
    axes.set_xlim(-0.03, 1.03)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    axes.grid(axis="x", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)


@dataclass(frozen=True)
class Window:
    """What was measured in a window of time: its middle, of how many, and the values."""

    start: float
    end: float
    of: int
    middle: float
    low: float
    high: float


def over_time(
    windows: Sequence[Window],
    *,
    x_label: str,
    y_label: str,
    of_label: str,
    title: str,
    form: str,
    log: bool = False,
    line: float | None = None,
    limits: tuple[float, float] | None = None,
) -> bytes:
    """The middle of each window with what lies around it, and below it of how many. `line` is
    drawn through as a limit; `log`: in steps of ten."""

    def draw(figure: Any) -> None:
        axes = figure.add_subplot()
        x = [(one.start + one.end) / 2 for one in windows]
        if log:
            axes.set_yscale("log")
        if line is not None:
            axes.axhline(line, color=INK, linewidth=1, linestyle=(0, (2, 2)))
        around = [
            [max(one.middle - one.low, 0) for one in windows],
            [max(one.high - one.middle, 0) for one in windows],
        ]
        axes.errorbar(
            x, [one.middle for one in windows], yerr=around, color=COLOURS[0], marker="o",
            markersize=6, linewidth=2, elinewidth=1.4, capsize=4,
        )  # fmt: skip
        if limits:
            axes.set_ylim(*limits)
        axes.set_xticks(x, [f"{one.start:g}–{one.end:g}\n{one.of}" for one in windows])
        axes.set_xlabel(f"{x_label}; {of_label}")
        axes.set_ylabel(y_label)
        axes.grid(axis="y", color=GRID, linewidth=0.8)
        axes.set_axisbelow(True)

    return _drawn(4.6, form, title, draw)


@dataclass(frozen=True)
class Lane:
    """One patient: what was given from when to when (months), and what happened when.

    `marks` are (months, kind): a kind of `lanes`' marks. `end` is the last that is known.
    """

    given: Sequence[tuple[float, float, str]]
    marks: Sequence[tuple[float, str]]
    end: float


def lanes(
    patients: Sequence[Lane],
    *,
    kinds: Mapping[str, str],
    marks: Mapping[str, tuple[str, str]],
    other: str,
    x_label: str,
    title: str,
    form: str,
) -> bytes:
    """A swimlane: a row a patient, a bar a therapy with the number of its kind written in it.

    `kinds` are those that have a colour, with their words, `other` the words for those that have
    none; `marks` a sign and its words.
    """
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    def draw(figure: Any) -> None:
        axes = figure.add_subplot()
        order = list(kinds)
        last = max((one.end for one in patients), default=1) or 1
        for row, one in enumerate(patients):
            y = len(patients) - row
            axes.plot([0, one.end], [y, y], color=GRID, linewidth=1.2, zorder=1)
            for start, end, kind in one.given:
                place = order.index(kind) if kind in order else None
                colour = _OTHER if place is None else COLOURS[place % len(COLOURS)]
                width = max(end - start, last / 150)
                axes.barh(y, width, left=start, height=0.72, color=colour, zorder=2)
                if place is not None and width > last / 40:
                    axes.text(
                        start + width / 2, y, str(place + 1), ha="center", va="center",
                        color="white", fontsize=7, zorder=3,
                    )  # fmt: skip
            for month, mark in one.marks:
                axes.plot(
                    [month], [y], marks[mark][0], color=INK, markersize=6, zorder=4,
                    markeredgecolor="white", markeredgewidth=0.6,
                )  # fmt: skip
        axes.set_yticks([])
        axes.set_ylim(0.2, len(patients) + 0.8)
        axes.set_xlim(0, last * 1.02)
        axes.set_xlabel(x_label)
        axes.spines["left"].set_visible(False)
        handles: list[Any] = [
            Patch(color=COLOURS[i % len(COLOURS)], label=f"{i + 1} {short(kinds[kind])}")
            for i, kind in enumerate(order)
        ]
        if any(kind not in kinds for one in patients for _start, _end, kind in one.given):
            handles.append(Patch(color=_OTHER, label=other))
        handles += [
            Line2D([], [], marker=sign, linestyle="", color=INK, label=words)
            for sign, words in marks.values()
        ]
        figure.legend(
            handles=handles, loc="outside upper left", ncols=3, frameon=False, fontsize=9,
            title=title, alignment="left", title_fontproperties={"weight": "bold", "size": 11.5},
        )  # fmt: skip

    return _drawn(2.0 + 0.2 * max(len(patients), 4), form, "", draw)


def flows(
    columns: Sequence[tuple[str, Sequence[tuple[str, str, int]]]],
    links: Sequence[tuple[int, str, str, int]],
    *,
    colours: Sequence[str],
    title: str,
    form: str,
) -> bytes:
    """Who went on to what: `columns` are (name, (key, words, number) of each block), `links`
    (column, from key, to key of the next column, number). `colours` are the keys with one."""

    def draw(figure: Any) -> None:
        axes = figure.add_subplot()
        tallest = max(sum(n for _k, _w, n in blocks) for _name, blocks in columns) or 1
        gap = tallest * 0.04
        tops: dict[tuple[int, str], float] = {}
        room = int(72 / (len(columns) - 0.25))  # letters that stand between two columns
        line = tallest * 0.075  # the height two lines of letters need
        for at, (name, blocks) in enumerate(columns):
            y = 0.0
            axes.text(at + 0.05, gap * 1.2, name, ha="center", va="bottom", fontweight="bold")
            for key, words, number in blocks:
                colour = COLOURS[colours.index(key)] if key in colours else _OTHER
                axes.fill_between([at, at + 0.1], y, y - number, color=colour, linewidth=0)
                axes.text(
                    at + 0.12, y - number / 2, _label(words, number, room, tall=number > line),
                    ha="left", va="center", fontsize=8.5, zorder=3, linespacing=1.05,
                )  # fmt: skip
                tops[at, key] = y
                y -= number + gap
        _ribbons(axes, links, tops, colours)
        axes.set_xlim(-0.05, len(columns) - 0.3)
        axes.axis("off")

    return _drawn(5.1, form, title, draw)


def _label(words: str, number: int, room: int, *, tall: bool) -> str:
    """What is written at a block: in two lines where it is tall enough and one has no room."""
    most = max(room - 2 - len(str(number)), 8)
    if not tall or len(words) <= most:
        return f"{short(words, min(26, most))}, {number}"
    first, *rest = textwrap.wrap(words, room)
    return "\n".join([first, f"{short(' '.join(rest), most)}, {number}" if rest else str(number)])


def _ribbons(
    axes: Axes,
    links: Sequence[tuple[int, str, str, int]],
    tops: Mapping[tuple[int, str], float],
    colours: Sequence[str],
) -> None:
    """The bands between the blocks, bent like an S."""
    import numpy as np

    out, into = dict(tops), dict(tops)
    t = np.linspace(0, 1, 40)
    bend = 3 * t**2 - 2 * t**3
    for column, source, target, number in links:
        start, end = out[column, source], into[column + 1, target]
        out[column, source] -= number
        into[column + 1, target] -= number
        upper = start + (end - start) * bend
        colour = COLOURS[colours.index(source)] if source in colours else _OTHER
        x = column + 0.1 + 0.9 * t
        axes.fill_between(x, upper, upper - number, color=colour, alpha=0.28, linewidth=0)


def at_times(
    groups: Sequence[tuple[str, Sequence[tuple[float, float, float | None, float | None]]]],
    *,
    times: Mapping[float, str],
    x_label: str,
    y_label: str,
    title: str,
    form: str,
    unit: str = " %",
) -> bytes:
    """Shares of groups at fixed times, with their intervals: `groups` are (name, points of (time,
    share, low, high) from 0 to 1), `times` what is written at each."""

    def draw(figure: Any) -> None:
        axes = figure.add_subplot()
        apart = max(times) / 90
        for place, (name, points) in enumerate(groups):
            colour = COLOURS[place % len(COLOURS)]
            x = [time + (place - (len(groups) - 1) / 2) * apart for time, *_rest in points]
            y = [share for _time, share, _low, _high in points]
            axes.plot(
                x, y, marker="os^Dvp*"[place % 7], color=colour, linewidth=1.5, markersize=6,
                linestyle=LINES[place % len(LINES)], label=short(name),
            )  # fmt: skip
            for at, (_time, _share, low, high) in zip(x, points, strict=True):
                if low is not None and high is not None:
                    axes.plot([at, at], [low, high], color=colour, linewidth=1.2)
        axes.set_xticks(list(times), list(times.values()))
        axes.set_ylim(0, 1.02)
        axes.set_yticks([0, 0.25, 0.5, 0.75, 1], [f"{one}{unit}" for one in (0, 25, 50, 75, 100)])
        axes.grid(axis="y", color=GRID, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        if len(groups) > 1:
            axes.legend(frameon=False, loc="best", handlelength=3.2)

    return _drawn(4.6, form, title, draw)
