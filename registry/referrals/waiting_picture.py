"""The figure of waiting times: a bar to the median, a line to the 90th percentile.

Pure: numbers and words in, SVG out. Across, a place is a share of the longest wait, so that the
figure fits any width and prints. Every number stands in the table beneath it, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

ROW, TOP, LEFT, RIGHT = 34, 26, 30.0, 88.0  # pixels, and per cent where bars begin and end


@dataclass(frozen=True)
class Bar:
    """One line of the figure; None where there is no figure to be told."""

    label: str
    median: float | None
    p90: float | None
    said: str  # in words, beside the bar


def picture(bars: Sequence[Bar], *, title: str, unit: str) -> str:
    """The figure as SVG; empty where there is nothing to draw."""
    longest = max((one.p90 or one.median or 0.0 for one in bars), default=0.0)
    if longest <= 0:
        return ""
    end = _round(longest)
    height = TOP + ROW * len(bars) + 4
    parts = [
        f'<svg class="ref-figure" width="100%" height="{height}" role="img"'
        f' aria-label="{escape(title)}">'
    ]
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = _at(share * end, end)
        label = f"{share * end:g}" + (f" {unit}" if share == 1.0 else "")
        parts.append(
            f'<line class="ref-figure__grid" x1="{x}" x2="{x}" y1="{TOP - 6}" y2="{height}"/>'
            f'<text class="ref-figure__axis" x="{x}" y="14" text-anchor="middle">'
            f"{escape(label)}</text>"
        )
    for number, one in enumerate(bars):
        parts.append(_bar(one, TOP + ROW * number, end))
    return "".join([*parts, "</svg>"])


def _bar(one: Bar, top: int, end: float) -> str:
    middle = top + ROW // 2
    parts = [
        f'<text class="ref-figure__label" x="{LEFT - 1:.2f}%" y="{middle + 4}" text-anchor="end">'
        f"{escape(_short(one.label))}</text>"
    ]
    if one.median is not None:
        width = float(_at(one.median, end)[:-1]) - LEFT
        parts.append(
            f'<rect class="ref-figure__bar" x="{LEFT:.2f}%" y="{middle - 7}"'
            f' width="{max(width, 0.15):.2f}%" height="14"><title>{escape(one.said)}</title></rect>'
        )
    if one.p90 is not None and one.median is not None:
        x = _at(one.p90, end)
        parts.append(
            f'<line class="ref-figure__line" x1="{_at(one.median, end)}" x2="{x}"'
            f' y1="{middle}" y2="{middle}"/>'
            f'<line class="ref-figure__line" x1="{x}" x2="{x}" y1="{middle - 6}"'
            f' y2="{middle + 6}"/>'
        )
    if one.median is None:
        parts.append(
            f'<text class="ref-figure__none" x="{LEFT + 1:.2f}%" y="{middle + 4}">'
            f"{escape(one.said)}</text>"
        )
    return "".join(parts)


def _short(label: str) -> str:
    return label if len(label) <= 34 else f"{label[:32]}…"


def _at(value: float, end: float) -> str:
    return f"{LEFT + (RIGHT - LEFT) * min(value / end, 1):.2f}%"


def _round(value: float) -> float:
    """The end of the axis: the next number whose quarters are easily read."""
    step = 4.0
    while step < value:
        step *= 2
    return step
