"""The timeline and its curves put together: one period, one axis, and the same in words.

The picture is drawn for the period asked for, with or without scripts; a script only asks for
another period and puts the answer in the place of this one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode

from markupsafe import Markup

from registry.chart import curves as curves_
from registry.chart import drawing, timeline
from registry.chart.curves import Curve
from registry.chart.lines import LineRow
from registry.chart.timeline import Lane, Period
from registry.chart.words import Words
from registry.dates import PartialDate
from registry.language import gettext as _
from registry.language import months, written

#: Up to so long after the last entry the picture goes on to the present day.
_UP_TO_NOW = timedelta(days=800)


@dataclass(frozen=True)
class Wish:
    """What the reader asked to see: a period, and which markers and scales."""

    first: PartialDate | None = None
    last: PartialDate | None = None
    chosen: Mapping[str, Sequence[str]] | None = None

    def query(self, first: date | None, last: date | None) -> str:
        """The address's query for a period, with the same markers and scales."""
        pairs = [("from", first.isoformat())] if first else []
        pairs += [("to", last.isoformat())] if last else []
        for name, codes in (self.chosen or {}).items():
            pairs += [(name, code) for code in codes]
        return urlencode(pairs)


EVERYTHING = Wish()


@dataclass(frozen=True)
class Link:
    """Another period to look at."""

    label: str
    query: str
    current: bool = False
    rel: str = ""  # what a key of the keyboard does: in, out, earlier, later, whole


@dataclass(frozen=True)
class Table:
    """The values of a curve in the period shown."""

    key: str
    entity: str
    title: str
    more_label: str
    note: str
    rows: Markup
    choices: Sequence[tuple[str, str, bool]]
    field: str  # the name under which a choice is sent; empty where there is none


@dataclass(frozen=True)
class Picture:
    """The timeline, ready to be laid out. `frame` is empty where nothing has a date."""

    frame: Markup
    words: Markup
    tables: Sequence[Table]
    links: Sequence[Link]
    lines: Sequence[Link]
    moves: Sequence[Link]
    first: str
    last: str
    told: str
    day: int  # the number of the day at the left edge, and how many days the picture is wide
    span: int
    whole: bool

    @property
    def is_empty(self) -> bool:
        """Is there nothing with a date?"""
        return not self.frame


EMPTY = Picture(Markup(), Markup(), (), (), (), (), "", "", "", 0, 1, whole=True)


def draw(
    lanes: Sequence[Lane],
    curves: Sequence[Curve],
    line_rows: Sequence[LineRow],
    *,
    wish: Wish,
    today: date,
    death: PartialDate | None,
    words: Words,
) -> Picture:
    """The picture of a record for the period asked for."""
    days = timeline.days_of(lanes) + [day for curve in curves for day in curve.days()]
    until = None
    if days and death is None and today - max(days) < _UP_TO_NOW:
        until = today
    wanted = (
        wish.first.earliest if wish.first else None, wish.last.latest if wish.last else None,
    )  # fmt: skip
    shown = timeline.period(days, until=until, wanted=wanted)
    if shown is None:
        return EMPTY
    axis = timeline.ticks(shown, _tick)
    died = shown.percent(death.earliest) if death and shown.shows(death.earliest) else None
    head = (
        '<div class="app-timeline__row app-timeline__row--ticks"><div class="app-timeline__lane">'
        f"</div>{drawing.ticks(axis)}</div>"
    )
    drawn = [timeline.lane(one, shown, axis, died) for one in lanes]
    fields = [curves_.picture(curve, shown, axis, died) for curve in curves]
    tables = [_table(curve, shown) for curve in curves]
    return Picture(
        frame=Markup("".join((head, *drawn, *fields))),  # noqa: S704 - escaped in drawing
        words=Markup(_words(lanes, shown)),  # noqa: S704
        tables=tables,
        links=_links(shown, days, until, wish),
        lines=_lines(shown, line_rows, days, until, wish),
        moves=_moves(shown, wish),
        first=shown.first.isoformat(),
        last=shown.last.isoformat(),
        told=f"{_day(shown.first)} – {_day(shown.last)}",
        day=shown.start,
        span=shown.span,
        whole=shown.whole,
    )


def _tick(day: date, kind: str) -> str:
    """A day on the axis: 2024, Mar 2024, or 12 Mar within some weeks."""
    if kind == "day":
        return f"{day.day} {months()[day.month]}"
    return written(PartialDate(day.isoformat()[: 4 if kind == "year" else 7]))


def _day(day: date) -> str:
    return written(PartialDate.of(day))


def _words(lanes: Sequence[Lane], shown: Period) -> str:
    """Everything drawn in the period, as rows of a table."""
    escape = drawing.escape
    found = []
    for lane in lanes:
        name = escape(lane.label)
        for bar in lane.bars:
            end = shown.last if bar.open_end else (bar.stop or bar.start).earliest
            if shown.percent(end) >= 0 and shown.percent(bar.start.earliest) <= 100:
                found.append((name, bar.label, bar.title))
                found += [(name, "", said) for day, said in bar.strokes if shown.shows(day)]
        found += [
            (name, mark.label, mark.title) for mark in lane.marks if shown.shows(mark.at.earliest)
        ]
    return "".join(
        f'<tr><th scope="row">{name}</th><td>{escape(label)}</td><td>{escape(said)}</td></tr>'
        for name, label, said in found
    )


def _table(curve: Curve, shown: Period) -> Table:
    field = {"markers": "m", "quality": "q"}.get(curve.key, "")
    return Table(
        curve.key,
        curve.entity,
        curve.title,
        curve.more_label or str(_("Note")),
        curve.note,
        Markup(curves_.rows(curve, shown)),  # noqa: S704
        curve.choices if len(curve.choices) > 1 else (),
        field,
    )


# -- other periods -------------------------------------------------------------------------------


def _links(shown: Period, days: Sequence[date], until: date | None, wish: Wish) -> list[Link]:
    """The whole course, and its last years."""
    first, last = min(days), max(*days, until or date.min)
    found = [Link(str(_("Whole course")), wish.query(None, None), shown.whole, "whole")]
    for years, label in ((5, _("Last 5 years")), (2, _("Last 2 years")), (1, _("Last year"))):
        start = last - timedelta(days=round(365.25 * years))
        if start > first:
            current = (shown.first, shown.last) == (start, last)
            found.append(Link(str(label), wish.query(start, last), current))
    return found if len(found) > 1 else []


def _lines(
    shown: Period,
    rows: Sequence[LineRow],
    days: Sequence[date],
    until: date | None,
    wish: Wish,
) -> list[Link]:
    """The time of each line, with some weeks before and behind it."""
    found = []
    for row in rows:
        if not row.key:
            continue
        start = PartialDate(row.start).earliest - timedelta(days=60)
        stop = PartialDate(row.stop).latest if row.stop else max(*days, until or date.min)
        stop += timedelta(days=120)
        current = (shown.first, shown.last) == (start, stop)
        found.append(Link(row.tag, wish.query(start, stop), current))
    return found


def _moves(shown: Period, wish: Wish) -> list[Link]:
    """Closer, wider, earlier, later."""
    found = [Link(str(_("Closer")), wish.query(*timeline.scaled(shown, 0.5)), rel="in")]
    if not shown.whole:
        found += [
            Link(str(_("Wider")), wish.query(*timeline.scaled(shown, 2)), rel="out"),
            Link(str(_("Earlier")), wish.query(*timeline.moved(shown, -0.5)), rel="earlier"),
            Link(str(_("Later")), wish.query(*timeline.moved(shown, 0.5)), rel="later"),
        ]
    return found
