"""The course laid out in time: a period, its axis, and rows in which nothing covers anything.

Only what has a date is drawn, at the earliest day the date can mean; nothing is given a date it
does not have. Pure: dates and words in, places in per cent out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import NamedTuple

from registry.chart import drawing
from registry.dates import PartialDate

#: Shares of the picture kept free before the first event, for its mark, and behind the last.
LEAD, MARGIN = 0.015, 0.035
#: The most words the time axis bears.
MOST_TICKS = 12
#: Width of one character in per cent of the narrowest picture, and height of a row in pixels.
CHARACTER, ROW = 1.05, 26
LEAST_DAYS = 14


@dataclass(frozen=True)
class Period:
    """The time shown: from a day to a day, both included. `whole`: nothing is left out."""

    first: date
    last: date
    whole: bool = True

    @cached_property
    def days(self) -> int:
        """How long it is."""
        return max((self.last - self.first).days, LEAST_DAYS)

    @cached_property
    def start(self) -> int:
        """The number of the day at the left edge of the picture."""
        return self.first.toordinal() - round(self.days * LEAD)

    @cached_property
    def span(self) -> int:
        """How many days the picture is wide."""
        return round(self.days * (1 + LEAD + MARGIN)) + 1

    def percent(self, day: date) -> float:
        """Where a day lies, in per cent of the picture; beyond 0 and 100 it is not shown."""
        return 100 * (day.toordinal() - self.start) / self.span

    @cached_property
    def edges(self) -> tuple[int, int]:
        """The numbers of the first and the last day in the picture."""
        return self.start, self.start + self.span

    def shows(self, day: date) -> bool:
        """Is this day in the picture?"""
        return 0 <= day.toordinal() - self.start <= self.span


def period(
    days: Iterable[date], *, until: date | None, wanted: tuple[date | None, date | None]
) -> Period | None:
    """The time to show: what was asked for, else everything there is a date for, up to `until`.

    None where there is no date. A wish that is empty or the wrong way round is no wish.
    """
    every = list(days)
    if not every:
        return None
    first, last = min(every), max(every)
    if until is not None and until > last:
        last = until
    start, stop = wanted[0] or first, wanted[1] or last
    if wanted == (None, None) or start >= stop or stop < first or start > last:
        return Period(first, last)
    room = timedelta(days=366)
    start, stop = max(start, _day(first, -room)), min(stop, _day(last, room))
    return Period(start, stop, whole=start <= first and stop >= last)


def _day(day: date, move: timedelta) -> date:
    """A day moved, within the days there are."""
    number = day.toordinal() + move.days
    return date.fromordinal(min(max(number, date.min.toordinal()), date.max.toordinal()))


# -- what is drawn -------------------------------------------------------------------------------


class Mark(NamedTuple):
    """An event on a day."""

    label: str
    css_class: str
    at: PartialDate
    title: str
    shape: str = ""


@dataclass(frozen=True)
class Bar:
    """Something with a beginning. Without an end it goes on (`open_end`) or its end is not known
    and only its beginning is drawn. `strokes` are its cycles: day and words."""

    label: str
    css_class: str
    start: PartialDate
    stop: PartialDate | None
    open_end: bool
    title: str
    strokes: tuple[tuple[date, str], ...] = ()


@dataclass(frozen=True)
class Lane:
    """One line of the picture."""

    label: str
    bars: Sequence[Bar] = ()
    marks: Sequence[Mark] = ()

    def days(self) -> list[date]:
        """Every day it needs."""
        found = [mark.at.earliest for mark in self.marks]
        for bar in self.bars:
            found.append(bar.start.earliest)
            if bar.stop is not None:
                found.append(bar.stop.earliest)
        return found


def lane(one: Lane, shown: Period, axis: Sequence[tuple[str, float]], death: float | None) -> str:
    """A lane as SVG; empty where nothing of it lies in the period."""
    items = [_of_bar(bar, shown) for bar in one.bars]
    items += [_of_mark(mark, shown) for mark in one.marks if mark.label]
    there = sorted(
        (item for item in items if item is not None), key=lambda item: (item[0], item[1])
    )
    silent = [_of_mark(mark, shown) for mark in one.marks if not mark.label]
    dots = [item for item in silent if item is not None]
    if not there and not dots:
        return ""
    ends: list[float] = []
    drawn = []
    for left, right, draw in there:
        row = next((n for n, end in enumerate(ends) if end + 0.4 <= left), len(ends))
        if row == len(ends):
            ends.append(right)
        ends[row] = right
        drawn.append(draw(4 + row * ROW))
    height = len(ends) * ROW + 8
    if dots:  # without words they may touch: one low row beneath the others
        drawn += [draw(height - 12) for _left, _right, draw in dots]
        height += 8
    return drawing.lane(one.label, height, drawing.grid(axis, height, death) + "".join(drawn))


Item = tuple[float, float, Callable[[int], str]]


def _of_bar(bar: Bar, shown: Period) -> Item | None:
    """The room a bar needs with its name, and how it is drawn in a row."""
    begin = bar.start.earliest
    end = shown.last if bar.open_end else (bar.stop or bar.start).earliest
    end = max(end, begin)
    left, right = shown.percent(begin), shown.percent(end)
    if right < 0 or left > 100 or (bar.open_end and left > 100):
        return None
    open_end = bar.open_end or right > 100
    left, right = max(left, 0.0), min(right, 100 * (1 - MARGIN / (1 + LEAD + MARGIN)))
    width = max(right - left, 0.4)
    text = len(bar.label) * CHARACTER + 1 if bar.label else 0.0
    outside = left + width + text <= 100 or left - text >= 0
    inside = text <= width and not (bar.css_class == "background" and outside)
    before = not inside and left + width + text > 100 and left - text >= 0
    strokes = [(shown.percent(day), said) for day, said in bar.strokes if shown.shows(day)]

    def draw(top: int) -> str:
        return drawing.bar(
            css_class=bar.css_class, left=left, width=width, top=top, label=bar.label,
            title=bar.title, inside=inside, before=before, open_end=open_end, cycles=strokes,
        )  # fmt: skip

    if inside:
        return left, left + width, draw
    return (left - text, left + width, draw) if before else (left, left + width + text, draw)


def _of_mark(mark: Mark, shown: Period) -> Item | None:
    day = mark.at.earliest
    if not shown.shows(day):
        return None
    at = shown.percent(day)
    text = len(mark.label) * CHARACTER + 1.4 if mark.label else 0.6
    before = at + text > 100 and at - text >= 0

    def draw(top: int) -> str:
        return drawing.mark(
            css_class=mark.css_class, at=at, top=top, label=mark.label, title=mark.title,
            before=before, shape=mark.shape,
        )  # fmt: skip

    return (at - text, at + 0.8, draw) if before else (at - 0.8, at + text, draw)


# -- the axis ------------------------------------------------------------------------------------


def ticks(shown: Period, words: Callable[[date, str], str]) -> list[tuple[str, float]]:
    """The words of the axis and where they stand: beginnings of years, of months, or days.

    `words` puts a day into words; its second argument is the step: *year*, *month* or *day*.
    """
    months = shown.days / 30.4
    if months < 2:
        return [
            (words(day, "day"), shown.percent(day)) for day in _each_week(shown.first, shown.last)
        ]
    steps = (1, 2, 3, 6, 12, 24, 60, 120, 240)
    step = next((one for one in steps if months / one <= MOST_TICKS), steps[-1])
    kind = "year" if step >= 12 else "month"
    return [
        (words(day, kind), shown.percent(day))
        for day in _each_months(shown.first, shown.last, step)
    ]


def _each_months(first: date, last: date, step: int) -> list[date]:
    """The first days of months whose number divides by the step, within the period."""
    number = -(-(first.year * 12 + first.month - 1 + (first.day > 1)) // step) * step
    found = []
    while (day := date(number // 12, number % 12 + 1, 1)) <= last:
        found.append(day)
        number += step
    return found


def _each_week(first: date, last: date) -> list[date]:
    return [first + timedelta(days=7 * n) for n in range((last - first).days // 7 + 1)]


def days_of(lanes: Iterable[Lane]) -> list[date]:
    """Every day the lanes need."""
    return [day for one in lanes for day in one.days()]


def moved(shown: Period, share: float) -> tuple[date, date]:
    """The period moved by a share of its length; below 0 to earlier days."""
    move = timedelta(days=round(shown.days * share))
    return _day(shown.first, move), _day(shown.last, move)


def scaled(shown: Period, factor: float) -> tuple[date, date]:
    """The period made longer or shorter about its middle."""
    middle = _day(shown.first, timedelta(days=shown.days // 2))
    half = timedelta(days=max(round(shown.days * factor / 2), LEAST_DAYS // 2))
    return _day(middle, -half), _day(middle, half)
