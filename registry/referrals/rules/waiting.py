"""How long patients wait, from what happened to their referrals: pure arithmetic.

A case stands, for each step of the way, in exactly one place: it reached the step, it is still
waiting for it, it went on or ended without it, or its moments contradict each other (then nothing
is calculated, and it is counted apart). Nobody who waits is left out: a median of those who were
advised alone would look best where most are still waiting. The patient's days run from the day the
referral was sent and nothing stops them; how long the centre's clock stood still is told apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from statistics import median

from registry.language import lazy_gettext as _l

#: The way of a referral, after it was sent.
WAY = {
    "look": _l("First look"),
    "complete": _l("Complete"),
    "accepted": _l("Accepted"),
    "listed": _l("Listed for board"),
    "board": _l("Discussed at the board"),
    "advice": _l("Advice"),
    "acknowledged": _l("Acknowledged"),
}
#: The steps that have a target.
WITH_TARGET = ("look", "accepted", "advice")
GROUPS = {
    "centre": _l("Centre"),
    "hospital": _l("Referring hospital"),
    "region": _l("Region"),
    "grade": _l("Grade"),
    "site": _l("Primary site"),
}
REACHED, WAITING, WITHOUT, UNCLEAR = "reached", "waiting", "without", "unclear"
PLACES = (REACHED, WAITING, WITHOUT, UNCLEAR)


@dataclass(frozen=True)
class Way:
    """One referral: its groups, when it was sent, when it reached what, and when it ended.

    `due`: by when a step with a target was to be reached, as a day where the centre is.
    """

    groups: Mapping[str, str]
    sent: datetime
    reached: Mapping[str, datetime]
    over: bool  # nothing further will come
    due: Mapping[str, date] = field(default_factory=dict)
    days: Mapping[str, date] = field(default_factory=dict)  # reached, as days where the centre is
    stopped_days: int = 0


def place(way: Way, step: str) -> str:
    """Where a case stands with a step."""
    if step in way.reached:
        return UNCLEAR if way.reached[step] < way.sent else REACHED
    order = list(WAY)
    later = order[order.index(step) + 1 :]
    return WITHOUT if way.over or any(one in way.reached for one in later) else WAITING


def days(start: datetime, end: datetime) -> float:
    """Days from one moment to the other, with their fraction."""
    return (end - start) / timedelta(days=1)


def quantile(values: Sequence[float], share: float) -> float:
    """By linear interpolation between the ordered values (type 7 of Hyndman and Fan, R's own)."""
    ordered = sorted(values)
    at = share * (len(ordered) - 1)
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (at - low) * (ordered[high] - ordered[low])


@dataclass(frozen=True)
class Line:
    """A step over some cases. None: not shown because the number is small, or there is nothing."""

    n: int
    parts: Mapping[str, int]  # by place
    median: float | None = None
    p90: float | None = None
    since_last: float | None = None  # median from the step before
    so_far: float | None = None  # median of those still waiting, until now
    within: float | None = None  # share, of those reached and those waiting past their target
    stopped: int = 0  # cases in which the centre's clock stood still
    stopped_median: float | None = None


def line(ways: Iterable[Way], step: str, *, now: datetime, today: date, minimum: int) -> Line:
    """What is told of a step. A figure is calculated from `minimum` cases or more."""
    all_ways = list(ways)
    standing: dict[str, list[Way]] = {name: [] for name in PLACES}
    for way in all_ways:
        standing[place(way, step)].append(way)
    there, waiting = standing[REACHED], standing[WAITING]
    took = [days(way.sent, way.reached[step]) for way in there]
    stops = [float(way.stopped_days) for way in all_ways if way.stopped_days > 0]
    return Line(
        n=len(all_ways),
        parts={name: len(cases) for name, cases in standing.items()},
        median=_enough(took, minimum, 0.5),
        p90=_enough(took, minimum, 0.9),
        since_last=_enough(_since_last(there, step), minimum, 0.5),
        so_far=_enough([days(way.sent, now) for way in waiting], minimum, 0.5),
        within=_within(there, waiting, step, today, minimum),
        stopped=len(stops),
        stopped_median=median(stops) if len(stops) >= minimum else None,
    )


def _enough(values: Sequence[float], minimum: int, share: float) -> float | None:
    return quantile(values, share) if values and len(values) >= minimum else None


def _since_last(ways: Iterable[Way], step: str) -> list[float]:
    order = list(WAY)
    found = []
    for way in ways:
        before = [way.reached[one] for one in order[: order.index(step)] if one in way.reached]
        start = max([way.sent, *before])
        if start <= way.reached[step]:
            found.append(days(start, way.reached[step]))
    return found


def _within(
    there: Sequence[Way], waiting: Sequence[Way], step: str, today: date, minimum: int
) -> float | None:
    """The share within the target. Those still waiting past it count as not within."""
    if step not in WITH_TARGET:
        return None
    timely = [way.days[step] <= way.due[step] for way in there if step in way.due]
    timely += [False for way in waiting if step in way.due and way.due[step] < today]
    return sum(timely) / len(timely) if timely and len(timely) >= minimum else None


# -- small numbers -----------------------------------------------------------------------------


def hidden(
    rows: Sequence[Sequence[int]], minimum: int, away: Iterable[int] = ()
) -> set[tuple[int, int]]:
    """Which cells of a table are not shown, as (row, column), so that no number from 1 to below
    `minimum` can be read or worked out from the sums of its row and column.

    Hidden are the small numbers themselves, and then, as long as what is hidden in a row or column
    adds up to less than `minimum` or stands alone, the next smallest number beside it. The rows
    `away` are not shown at all.
    """
    if not rows or minimum <= 1:
        return set()
    kept = {
        (r, c) for r, row in enumerate(rows) for c, value in enumerate(row) if 0 < value < minimum
    }
    width = len(rows[0])
    kept |= {(r, c) for r in away for c in range(width)}
    lines = [[(r, c) for c in range(width)] for r in range(len(rows))]
    lines += [[(r, c) for r in range(len(rows))] for c in range(width)] if len(rows) > 1 else []
    changed = True
    while changed:
        changed = False
        for cells in lines:
            gone = [cell for cell in cells if cell in kept]
            shown = sorted((rows[r][c], (r, c)) for r, c in cells if (r, c) not in kept)
            total = sum(rows[r][c] for r, c in gone)
            if gone and shown and (total < minimum or len(gone) == 1):
                # A number is a better cover than a nought, which hides nothing.
                cover = next((cell for value, cell in shown if value), shown[0][1])
                kept.add(cover)
                changed = True
    return kept


def small_groups(sizes: Mapping[str, int], minimum: int) -> set[str]:
    """The groups that are not shown at all, so that none below `minimum` follows from the sum."""
    names = list(sizes)
    gone = hidden([[sizes[name] for name in names]], minimum)
    return {name for number, name in enumerate(names) if (0, number) in gone}


@dataclass(frozen=True)
class Shown:
    """A line as it may be told: what is hidden is None."""

    name: str
    n: int | None
    parts: Mapping[str, int | None]
    line: Line | None

    def figure(self, name: str) -> float | None:
        """One of the figures, or None."""
        return getattr(self.line, name) if self.line else None


def table(lines: Mapping[str, Line], minimum: int) -> list[Shown]:
    """The lines of groups that add up to a sum shown elsewhere, with small numbers hidden."""
    away = small_groups({name: one.n for name, one in lines.items()}, minimum)
    names = list(lines)
    rows = [[lines[name].parts[part] for part in PLACES] for name in names]
    cells = hidden(rows, minimum, [number for number, name in enumerate(names) if name in away])
    found = []
    for number, name in enumerate(names):
        one = lines[name]
        if name in away:
            found.append(Shown(name, None, dict.fromkeys(PLACES, None), None))
            continue
        parts: dict[str, int | None] = {
            part: None if (number, column) in cells else one.parts[part]
            for column, part in enumerate(PLACES)
        }
        found.append(Shown(name, one.n, parts, _told(one, parts)))
    return found


def _told(one: Line, parts: Mapping[str, int | None]) -> Line:
    """The figures of what is shown; those of a hidden number are not."""
    reached, waits = parts[REACHED] is not None, parts[WAITING] is not None
    return Line(
        n=one.n,
        parts=one.parts,
        median=one.median if reached else None,
        p90=one.p90 if reached else None,
        since_last=one.since_last if reached else None,
        so_far=one.so_far if waits else None,
        within=one.within if reached and waits else None,
        stopped=one.stopped,
        stopped_median=one.stopped_median,
    )
