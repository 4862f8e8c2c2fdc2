"""Shapes as text: the elements the timeline and its curves are made of.

Pure: numbers and words in, SVG out. Everything that came from a person goes through `escape`.
Across, a place is a share of the period shown, in per cent, so that the picture fits any width and
prints; within a curve it is days, drawn in a picture of its own that is stretched. There are no
style attributes and no scripts: colours and sizes stand in the style sheets.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape as _escape

#: The shapes of marks; whatever is not named is a dot.
SHAPES = {
    "diagnosis": "M-6 0L0-6 6 0 0 6Z",
    "progression": "M-6 5L0-6 6 5Z",
    "response": "M-6-5L0 6 6-5Z",
    "death": "M-5-5L5 5M-5 5L5-5",
    "imaging": "M-4.5-4.5H4.5V4.5H-4.5Z",
    "procedure": "M-1.8-6H1.8V-1.8H6V1.8H1.8V6H-1.8V1.8H-6V-1.8H-1.8Z",
    "spread": "M0-6L1.8-1.8 6 0 1.8 1.8 0 6-1.8 1.8-6 0-1.8-1.8Z",
}
DOT = "M-4 0A4 4 0 1 0 4 0 4 4 0 1 0-4 0Z"
_UNSAFE = re.compile("[&<>\"']")
SMALL_DOT = "M-2.5 0A2.5 2.5 0 1 0 2.5 0 2.5 2.5 0 1 0-2.5 0Z"


def escape(text: str) -> str:
    """Text that can stand between tags and in a quoted attribute."""
    return _escape(text, quote=True) if _UNSAFE.search(text) else text


def bar(
    *,
    css_class: str,
    left: float,
    width: float,
    top: int,
    label: str,
    title: str,
    inside: bool,
    before: bool,
    open_end: bool,
    cycles: Iterable[tuple[float, str]] = (),
) -> str:
    """A therapy: a bar, an arrow where it goes on, its cycles as strokes, its name in or beside
    it. `before`: the name stands before it, as it would leave the picture behind it."""
    thin = css_class == "background"
    y, height = (top + 9, 8) if thin else (top + 3, 20)
    end = left + width
    parts = [
        f'<g class="app-timeline__bar app-timeline__bar--{css_class}">'
        f"<title>{escape(title)}</title>"
        f'<rect x="{left:.2f}%" y="{y}" width="{width:.2f}%" height="{height}" rx="3"/>'
    ]
    if open_end:
        arrow = "M-1 0L6 4-1 8Z" if thin else "M-1 0L9 10-1 20Z"
        parts.append(f'<svg x="{end:.2f}%" y="{y}" overflow="visible"><path d="{arrow}"/></svg>')
    for at, said in cycles:
        parts.append(
            f'<svg class="app-timeline__cycle" x="{at:.2f}%" y="{top + 3}" overflow="visible">'
            f'<title>{escape(said)}</title><rect x="-3" width="6" height="20"/>'
            '<path d="M0 3V17"/></svg>'
        )
    if label:
        anchor, at, shift = "start", end, (14 if open_end else 5)
        if inside:
            at, shift = left, 6
        elif before:
            anchor, at, shift = "end", left, -5
        kind = "in" if inside and not thin else "out"
        parts.append(
            f'<svg x="{at:.2f}%" y="{top + 18}" overflow="visible"><text'
            f' class="app-timeline__{kind}" x="{shift}" text-anchor="{anchor}">{escape(label)}'
            "</text></svg>"
        )
    parts.append("</g>")
    return "".join(parts)


def mark(
    *, css_class: str, at: float, top: int, label: str, title: str, before: bool, shape: str = ""
) -> str:
    """An event: its shape, and its name behind or before it."""
    path = SHAPES.get(shape or css_class, DOT if label else SMALL_DOT)
    text = ""
    if label:
        anchor, shift = ("end", -9) if before else ("start", 9)
        text = (
            f'<text class="app-timeline__out" x="{shift}" y="5" text-anchor="{anchor}">'
            f"{escape(label)}</text>"
        )
    return (
        f'<g class="app-timeline__mark app-timeline__mark--{css_class}"><title>{escape(title)}'
        f'</title><svg x="{at:.2f}%" y="{top + 13}" overflow="visible"><path d="{path}"/>{text}'
        "</svg></g>"
    )


def ticks(found: Iterable[tuple[str, float]], height: int = 22) -> str:
    """The words of the time axis."""
    words = "".join(
        f'<text class="app-timeline__tick" x="{at:.2f}%" y="15" text-anchor="'
        f'{"start" if at < 2 else "end" if at > 97 else "middle"}">{escape(text)}</text>'
        for text, at in found
    )
    return f'<svg class="app-timeline__picture" width="100%" height="{height}">{words}</svg>'


def grid(found: Iterable[tuple[str, float]], height: int, death: float | None = None) -> str:
    """The lines of the time axis within a row, and the day of death."""
    lines = "".join(
        f'<line class="app-timeline__grid" x1="{at:.2f}%" x2="{at:.2f}%" y2="{height}"/>'
        for _text, at in found
    )
    if death is not None:
        lines += (
            f'<line class="app-timeline__end" x1="{death:.2f}%" x2="{death:.2f}%" y2="{height}"/>'
        )
    return lines


def lane(name: str, height: int, inner: str, extra: str = "") -> str:
    """One row of the picture: its name, and what is drawn in it."""
    return (
        f'<div class="app-timeline__row"><div class="app-timeline__lane">{escape(name)}'
        f"{extra}</div>"
        f'<svg class="app-timeline__picture" width="100%" height="{height}">{inner}</svg></div>'
    )


# -- curves --------------------------------------------------------------------------------------

#: The space above and beneath a curve's picture, in pixels.
SPACE = 10

Point = tuple[int, float, bool]  # day, height from 0 (bottom) to 1, is it a limit?


def _places(points: Iterable[Point]) -> list[str]:
    """Where points stand, in days and hundredths of the height."""
    return [f"{day} {100 - 100 * y:.1f}" for day, y, _limit in points]


def _dots(places: Sequence[str]) -> str:
    """A dot on every place: strokes of no length with round ends keep their shape when the
    picture is stretched."""
    return "".join(f"M{place}h0" for place in places)


def curve(number: int, runs: Sequence[Sequence[Point]]) -> str:
    """One series: a line a run, dots on its points, hollow ones where the value is a limit."""
    drawn = [_places(run) for run in runs]
    lines = "".join("M" + "L".join(run) for run in drawn if len(run) > 1)
    every = [place for run in drawn for place in run]
    limits = _places(point for run in runs for point in run if point[2])
    css = f"app-curve app-curve--{number}"
    return (
        f'<g class="{css}">'
        + (f'<path class="app-curve__line" d="{lines}"/>' if lines else "")
        + f'<path class="app-curve__dots" d="{_dots(every)}"/>'
        + (f'<path class="app-curve__limit" d="{_dots(limits)}"/>' if limits else "")
        + "</g>"
    )


def stretched(start: int, days: int, tall: int, inner: str) -> str:
    """A picture in days, stretched over the period shown and as tall as said."""
    return (
        f'<svg class="app-curve__field" x="0" y="{SPACE}" width="100%" height="{tall}"'
        f' viewBox="{start} 0 {days} 100" preserveAspectRatio="none">{inner}</svg>'
    )


def level(y: float, text: str, tall: int, *, strong: bool = False) -> str:
    """A line across at a height from 0 to 1, with what it stands for."""
    at = SPACE + tall * (1 - y)
    css = "app-curve__level app-curve__level--strong" if strong else "app-curve__level"
    return f'<line class="{css}" x2="100%" y1="{at:.1f}" y2="{at:.1f}"/>' + (
        f'<text class="app-curve__scale" x="2" y="{at - 2:.1f}">{escape(text)}</text>'
    )


def note(at: float, y: float, text: str, tall: int) -> str:
    """A word beneath a point of a curve, at a share of the width in per cent."""
    anchor, shift = ("end", -4) if at > 90 else ("start", 4)
    return (
        f'<svg x="{at:.2f}%" y="{SPACE + tall * (1 - y):.1f}" overflow="visible">'
        f'<circle class="app-curve__ring" r="6"/><text class="app-curve__note" x="{shift}" y="15"'
        f' text-anchor="{anchor}">{escape(text)}</text></svg>'
    )


def legend(number: int, name: str, now: str) -> str:
    """What a series is called, with a piece of its line and its latest value."""
    return (
        f'<li class="app-legend"><svg class="app-legend__line" width="26" height="10">'
        f'<g class="app-curve app-curve--{number}"><path class="app-curve__line" d="M0 5H26"/>'
        f'<path class="app-curve__dots" d="M13 5h0"/></g></svg><span>{escape(name)}'
        + (f' <span class="app-legend__now">{escape(now)}</span>' if now else "")
        + "</span></li>"
    )
