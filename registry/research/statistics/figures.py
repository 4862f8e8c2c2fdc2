"""Figures of survival as SVG or PNG: for the page, for print, and the same bytes each time.

Colours are those of Okabe and Ito, told apart by every kind of colour vision; each group also has
its own kind of line, so that a figure in grey can be read. Below stand the numbers at risk.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import TYPE_CHECKING, Any

from registry.research.statistics.survival import Curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
LINES: tuple[str | tuple[int, tuple[int, ...]], ...] = (
    "solid", (0, (6, 2)), (0, (2, 1)), (0, (8, 2, 2, 2)), (0, (1, 1)), (0, (10, 3)), "solid",
)  # fmt: skip
#: More groups than this cannot be told apart in one figure.
MOST_GROUPS = len(COLOURS)
INK, GRID = "#212b32", "#d8dde0"
_WIDTH, _HEIGHT, _ROW = 7.6, 4.3, 0.24


@dataclass(frozen=True)
class Drawn:
    """A curve in a figure: its name, what is drawn, and the numbers at risk below it.

    Texts, so that a number that may not be told can be given as `<5`.
    """

    name: str
    curve: Curve
    at_risk: tuple[str, ...]


def moments(longest: float, wanted: int = 6) -> list[float]:
    """Round times from 0 to the longest follow-up, about as many as wanted."""
    if longest <= 0:
        return [0.0]
    raw = longest / wanted
    size = 10.0 ** floor(log10(raw))
    step = next(size * m for m in (1, 2, 2.5, 3, 5, 6, 10) if size * m >= raw)
    return [step * i for i in range(floor(longest / step) + 1)]


def text(value: float) -> str:
    """A time without a point where it is whole."""
    return f"{value:g}"


def survival(
    drawn: Sequence[Drawn],
    *,
    times: Sequence[float],
    x_label: str,
    y_label: str,
    at_risk_label: str,
    title: str = "",
    form: str = "svg",
) -> bytes:
    """A figure of up to seven curves with their 95 % bands, falling from 1 or rising from 0.
    `form` is svg or png.

    `times` are where the numbers at risk stand. Raises ValueError for too many curves.
    """
    if len(drawn) > MOST_GROUPS:
        raise ValueError(f"A figure has room for {MOST_GROUPS} groups, not for {len(drawn)}.")
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = len(drawn) + 1
    top = 0.4 if title else 0.13  # inches above the axes
    height = _HEIGHT + _ROW * rows + top - 0.13
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(_WIDTH, height))
        FigureCanvasAgg(figure)
        widest = max((len(short(one.name)) for one in drawn), default=0)
        left = max(0.12, 0.05 + 0.0125 * widest)
        foot = (0.72 + _ROW * rows) / height
        axes = figure.add_axes((left, foot, 0.96 - left, 1 - top / height - foot))
        entitle(figure, title, y=1 - 0.06 / height)
        for position, one in enumerate(drawn):
            _draw(axes, one.curve, one.name, position)
        last = longest([one.curve for one in drawn])
        _frame(axes, times, x_label, y_label, last=last)
        if len(drawn) > 1:
            axes.legend(frameon=False, loc="best", handlelength=3.2)  # where no curve runs
        _numbers(axes, drawn, times, at_risk_label, height * (1 - foot) - top)
        out = io.BytesIO()
        made = {"Date": None} if form == "svg" else {"Software": None}
        figure.savefig(out, format=form, dpi=200, metadata=made)
    return out.getvalue()


STYLE: dict[Any, Any] = {
    "svg.hashsalt": "netreg",
    "svg.fonttype": "path",  # the reader's fonts do not matter
    "font.family": "DejaVu Sans",
    "font.size": 10.5,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def entitle(figure: Figure, title: str, **place: float) -> None:
    """Write above a figure what it is, so that it says so away from its page too."""
    if title:
        figure.suptitle(title, x=0.012, ha="left", fontsize=11.5, fontweight="bold", **place)


def _steps(curve: Curve) -> tuple[list[float], list[float], list[float], list[float]]:
    x, y, low, high = [0.0], [curve.start], [curve.start], [curve.start]
    for time in curve.times:
        point = curve.at(time)
        if point.estimate is None:
            continue
        x.append(time)
        y.append(point.estimate)
        low.append(point.estimate if point.ci_low is None else point.ci_low)
        high.append(point.estimate if point.ci_high is None else point.ci_high)
    return x, y, low, high


def _draw(axes: Axes, curve: Curve, name: str, position: int) -> None:
    x, y, low, high = _steps(curve)
    colour = COLOURS[position]
    axes.fill_between(x, low, high, step="post", color=colour, alpha=0.13, linewidth=0)
    axes.step(x, y, where="post", color=colour, linestyle=LINES[position], linewidth=2, label=name)
    steady = set(zip(curve.times, curve.events, strict=True))
    censored = [time for time, died in sorted(steady) if not died]
    heights = [curve.at(time).estimate or 0 for time in censored]
    axes.plot(censored, heights, "|", color=colour, markersize=7, markeredgewidth=1.2)


def _frame(axes: Axes, times: Sequence[float], x_label: str, y_label: str, *, last: float) -> None:
    axes.set_ylim(0, 1.02)
    axes.set_xlim(0, max(last, times[-1]) * 1.02 or 1)
    axes.set_xticks(list(times), [text(one) for one in times])
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)


def _numbers(
    axes: Axes, drawn: Sequence[Drawn], times: Sequence[float], label: str, inches: float
) -> None:
    """The rows below: how many are still followed at each time."""
    place = axes.get_xaxis_transform()
    top = -(0.62 + _ROW * 0.5) / inches
    step = _ROW / inches
    axes.text(0, top, label, transform=place, ha="left", va="center", fontsize=9.5)
    for row, one in enumerate(drawn, 1):
        y = top - row * step
        if one.name:
            axes.text(
                -0.035, y, short(one.name), transform=axes.transAxes, ha="right", va="center",
                fontsize=9.5,
            )  # fmt: skip
        for time, number in zip(times, one.at_risk, strict=True):
            axes.text(time, y, number, transform=place, ha="center", va="center", fontsize=9.5)


def short(name: str, most: int = 26) -> str:
    """A name with at most so many letters; what stands in brackets goes first."""
    if len(name) > most and name.endswith(")"):
        name = name.rpartition(" (")[0] or name
    return name if len(name) <= most else f"{name[: most - 1]}…"


def percent(value: float | None) -> str:
    """A probability for the table: whole per cent, and a dash where there is none."""
    return "–" if value is None else f"{round(value * 100)} %"


def longest(curves: Sequence[Curve]) -> float:
    """The last time anybody is followed."""
    return float(ceil(max((max(one.ends, default=0) for one in curves), default=0)))
