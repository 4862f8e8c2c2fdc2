"""The course laid out in time: bars and marks in percent of the time shown.

Only what has a date is drawn, at the earliest day the date can mean; nothing is given a date it
does not have.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from registry.dates import PartialDate

#: Shares of the picture kept free before the first event, for its mark, and behind the last.
LEAD, MARGIN = 0.012, 0.04
#: The most labels the time axis bears.
MOST_TICKS = 12


@dataclass(frozen=True)
class Mark:
    """An event on a day."""

    label: str
    css_class: str
    at: PartialDate
    title: str


@dataclass(frozen=True)
class Bar:
    """Something with a beginning. Without an end it goes on (`open_end`) or its end is not known
    and only its beginning is drawn."""

    label: str
    css_class: str
    start: PartialDate
    stop: PartialDate | None
    open_end: bool
    title: str


@dataclass(frozen=True)
class Lane:
    """One line of the picture."""

    label: str
    bars: Sequence[Bar] = ()
    marks: Sequence[Mark] = ()


@dataclass(frozen=True)
class Drawn:
    """A lane as the timeline macro takes it: tuples in percent."""

    label: str
    bars: list[tuple[Any, ...]]
    marks: list[tuple[Any, ...]]


@dataclass(frozen=True)
class Timeline:
    """What the timeline macro draws."""

    lanes: list[Drawn] = field(default_factory=list)
    ticks: list[tuple[str, float]] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Is there nothing with a date?"""
        return not any(lane.bars or lane.marks for lane in self.lanes)


def draw(lanes: Sequence[Lane], *, tick_words: Callable[[date, bool], str]) -> Timeline:
    """Lay out lanes between their first and last day; empty lanes are left out.

    `tick_words` puts a day of the axis into words; its second argument says whether months matter.
    """
    days = [day for lane in lanes for day in _days(lane)]
    if not days:
        return Timeline()
    first, last = min(days), max(days)
    span = max((last - first).days, 30)
    whole = span * (1 + LEAD + MARGIN)

    def percent(day: date) -> float:
        return 100 * ((day - first).days + span * LEAD) / whole

    drawn = [
        Drawn(
            lane.label,
            [_bar(bar, last, percent) for bar in sorted(lane.bars, key=lambda b: b.start)],
            [
                (mark.label, mark.css_class, percent(mark.at.earliest), mark.title)
                for mark in sorted(lane.marks, key=lambda m: m.at)
            ],
        )
        for lane in lanes
        if lane.bars or lane.marks
    ]
    return Timeline(drawn, _ticks(first, last, percent, tick_words))


def _days(lane: Lane) -> list[date]:
    found = [mark.at.earliest for mark in lane.marks]
    for bar in lane.bars:
        found.append(bar.start.earliest)
        if bar.stop is not None:
            found.append(bar.stop.earliest)
    return found


def _bar(bar: Bar, last: date, percent: Callable[[date], float]) -> tuple[Any, ...]:
    start = percent(bar.start.earliest)
    until = last if bar.open_end else (bar.stop or bar.start).earliest
    width = max(percent(until) - start, 0.0)
    return bar.label, bar.css_class, start, width, bar.open_end, bar.title


def _ticks(
    first: date,
    last: date,
    percent: Callable[[date], float],
    words: Callable[[date, bool], str],
) -> list[tuple[str, float]]:
    """Beginnings of years, or of months where all happened within two years."""
    months = (last - first).days < 730
    days = _months(first, last) if months else _years(first, last)
    step = -(-len(days) // MOST_TICKS) or 1
    return [(words(day, months), percent(day)) for day in days[::step]]


def _years(first: date, last: date) -> list[date]:
    return [date(year, 1, 1) for year in range(first.year + 1, last.year + 1)]


def _months(first: date, last: date) -> list[date]:
    found, day = [], first.replace(day=1)
    while day <= last:
        if day >= first:
            found.append(day)
        day = (day + timedelta(days=32)).replace(day=1)
    return found
