"""Time to event: Kaplan–Meier, log-rank and cumulative incidence, as R's `survival` has them.

lifelines does the estimates; what it does not give is added here from its event table: Greenwood's
standard error, the three kinds of confidence interval, the median by R's rule, and the cumulative
incidence (Aalen–Johansen, without lifelines' jitter of ties) with the infinitesimal jackknife that
R uses for it. lifelines is imported when it is first needed: that takes seconds, and few processes
need it.
"""

from __future__ import annotations

import math
import warnings
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

CONFIDENCES = ("log", "log-log", "plain")
#: The 97.5th percentile of the normal distribution: intervals are of 95 %.
Z = 1.959963984540054
_TIE = 1e-9

CENSORED, EVENT, COMPETING = 0, 1, 2


@dataclass(frozen=True)
class Times:
    """What is known of each subject: time to event or censoring, and which of them it was.

    `kinds` holds CENSORED, EVENT or COMPETING. `groups` is None where nobody is in a group.
    """

    durations: tuple[float, ...]
    kinds: tuple[int, ...]
    groups: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        lengths = {len(self.durations), len(self.kinds)}
        if self.groups is not None:
            lengths.add(len(self.groups))
        if len(lengths) != 1:
            raise ValueError("times, events and groups differ in length")
        if any(not math.isfinite(one) or one < 0 for one in self.durations):
            raise ValueError("a time is negative or not finite")

    def only(self, keep: Sequence[bool]) -> Times:
        """The subjects for which `keep` is true."""
        groups = None if self.groups is None else _kept(self.groups, keep)
        return Times(_kept(self.durations, keep), _kept(self.kinds, keep), groups)

    def of(self, group: str | None) -> Times:
        """The subjects of a group; all of them for None."""
        if self.groups is None or group is None:
            return self
        return self.only([one == group for one in self.groups])

    def names(self) -> list[str]:
        """The groups, numbers by size and words by alphabet."""
        return sorted(set(self.groups or ()), key=_by_size)

    def from_landmark(self, landmark: float) -> Times:
        """Those still under observation after the landmark, counted from it: who had the event
        or was lost before it says nothing about what comes after."""
        keep = [one > landmark for one in self.durations]
        left = self.only(keep)
        return replace(left, durations=tuple(one - landmark for one in left.durations))


def _kept(values: tuple[Any, ...], keep: Sequence[bool]) -> tuple[Any, ...]:
    return tuple(value for value, wanted in zip(values, keep, strict=True) if wanted)


def _by_size(text: str) -> tuple[int, float, str, str]:
    """Numbers by size, then words by alphabet, whatever their capitals."""
    try:
        return (0, float(text), "", text)
    except ValueError:
        return (1, 0.0, text.casefold(), text)


@dataclass(frozen=True)
class Point:
    """An estimate at a time. None where it is not defined: nobody is followed that long, or the
    curve has reached 0 and its error has no meaning."""

    time: float
    at_risk: int
    estimate: float | None
    std_error: float | None
    ci_low: float | None
    ci_high: float | None


@dataclass(frozen=True)
class Curve:
    """A step function with its error, at every time something happened, in order.

    `at_risk[i]` is the number just before `times[i]`; `events[i]` how many had the event then.
    `start` is the value before the first of them.
    """

    times: tuple[float, ...]
    at_risk: tuple[int, ...]
    events: tuple[int, ...]
    estimates: tuple[float, ...]
    errors: tuple[float, ...]
    ends: tuple[float, ...]
    start: float = 1.0
    conf: str = "log"

    @property
    def n(self) -> int:
        """How many subjects."""
        return len(self.ends)

    @property
    def total(self) -> int:
        """How many events."""
        return sum(self.events)

    @cached_property
    def _in_order(self) -> list[float]:
        return sorted(self.ends)

    def risk(self, time: float) -> int:
        """How many are at risk just before a time."""
        return self.n - bisect_left(self._in_order, time - _TIE)

    def at(self, time: float) -> Point:
        """The estimate at a time; not defined after the last follow-up, unless it ended at 0."""
        before = bisect_right(self.times, time + _TIE)
        estimate, error = self.start, 0.0
        if before:
            estimate, error = self.estimates[before - 1], self.errors[before - 1]
        risk = self.risk(time)
        gone = self.start == 1.0 and estimate == 0
        if not risk and not gone:
            return Point(time, 0, None, None, None, None)
        low, high = interval(estimate, error, self.conf)
        if not before:  # nobody has left yet: it is known exactly, as R has it
            low = high = self.start
        return Point(time, risk, estimate, None if math.isnan(error) else error, low, high)

    def points(self) -> list[Point]:
        """Every time an event happened."""
        return [self.at(t) for t, d in zip(self.times, self.events, strict=True) if d]

    def median(self) -> float | None:
        """Where half are left. Where exactly half are left for a while: the middle of it, as R."""
        return _crossing(self.times, self.estimates)

    def median_interval(self) -> tuple[float | None, float | None]:
        """Where the limits of the interval cross one half."""
        limits = [
            interval(e, s, self.conf) for e, s in zip(self.estimates, self.errors, strict=True)
        ]
        low = [1.0 if low is None else low for low, _high in limits]
        high = [1.0 if high is None else high for _low, high in limits]
        return _crossing(self.times, low), _crossing(self.times, high)


def _crossing(times: Sequence[float], values: Sequence[float]) -> float | None:
    for i, value in enumerate(values):
        if abs(value - 0.5) < _TIE:
            later = (t for t, v in zip(times[i:], values[i:], strict=True) if v < 0.5 - _TIE)
            following = next(later, None)
            return times[i] if following is None else (times[i] + following) / 2
        if value < 0.5:
            return times[i]
    return None


def interval(estimate: float, error: float, conf: str) -> tuple[float | None, float | None]:
    """The 95 % interval of a probability with its standard error, on the scale of `conf`.

    `log` is R's default for survival; where the scale has no value (a 0, or a 1 on log-log) there
    is none. Raises ValueError for another `conf`.
    """
    if conf not in CONFIDENCES:
        raise ValueError(f"unknown interval {conf!r}")
    if math.isnan(error):
        return None, None
    if conf == "plain":
        return max(estimate - Z * error, 0.0), min(estimate + Z * error, 1.0)
    if estimate <= 0 or (conf == "log-log" and estimate >= 1):
        return None, None
    if conf == "log":
        width = Z * error / estimate
        return estimate * math.exp(-width), min(estimate * _exp(width), 1.0)
    centre, width = math.log(-math.log(estimate)), Z * error / (estimate * math.log(estimate))
    return math.exp(-_exp(centre - width)), math.exp(-_exp(centre + width))


def _exp(power: float) -> float:
    """Endless where it is larger than any number: the curve is nearly 0, and nobody is left."""
    return math.exp(power) if power < 700 else math.inf


# -- Kaplan–Meier ------------------------------------------------------------------------------


def kaplan_meier(times: Times, conf: str = "log") -> Curve:
    """The product-limit estimate of being free of the event, with Greenwood's standard error.

    Competing events count as censored here. Raises ValueError without subjects.
    """
    if not times.durations:
        raise ValueError("nobody to follow")
    from lifelines import KaplanMeierFitter

    observed = [kind == EVENT for kind in times.kinds]
    with quiet():
        fitted = KaplanMeierFitter().fit(times.durations, observed)
    table = fitted.event_table
    survival = fitted.survival_function_.iloc[:, 0]
    rows, total = [], 0.0
    for time, risk, died, censored, left in zip(
        table.index, table["at_risk"], table["observed"], table["censored"], survival, strict=True
    ):
        if not died and not censored:
            continue
        estimate = float(left)
        if died:
            total = math.inf if risk == died else total + died / (risk * (risk - died))
        estimate = 0.0 if math.isinf(total) else estimate
        error = math.nan if math.isinf(total) else estimate * math.sqrt(total)
        rows.append((float(time), int(risk), int(died), estimate, error))
    moments, risks, deaths, estimates, errors = zip(*rows, strict=True)
    return Curve(moments, risks, deaths, estimates, errors, times.durations, conf=conf)


def follow_up(times: Times) -> Curve:
    """How long people were followed: Kaplan–Meier of being censored (reverse Kaplan–Meier)."""
    turned = tuple(EVENT if kind == CENSORED else CENSORED for kind in times.kinds)
    return kaplan_meier(replace(times, kinds=turned))


@contextmanager
def quiet() -> Iterator[None]:
    """lifelines and pandas warn of their own future; what matters is in the numbers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


# -- competing risks ---------------------------------------------------------------------------


def cumulative_incidence(times: Times, kind: int = EVENT, conf: str = "log") -> Curve:
    """The probability of having had this event by a time, where the other one prevents it.

    Aalen–Johansen; the error is the infinitesimal jackknife, as in R's `survfit` of several
    states. With one kind of event it equals 1 − Kaplan–Meier and Greenwood's error.
    """
    left: dict[float, Counter[int]] = {}
    for time, one in zip(times.durations, times.kinds, strict=True):
        left.setdefault(time, Counter())[one] += 1
    state, rows = _Incidence(len(times.durations)), []
    for time in sorted(left):
        risk, counted = state.at_risk, left[time]
        others = counted.total() - counted[kind] - counted[CENSORED]
        state.pass_(counted[kind], others, counted.total())
        rows.append((time, risk, counted[kind], state.incidence, state.error()))
    moments, risks, counts, estimates, errors = zip(*rows, strict=True)
    return Curve(moments, risks, counts, estimates, errors, times.durations, start=0.0, conf=conf)


class _Incidence:
    """The incidence as time passes, and how much each subject has moved it (its influence).

    The influence is the same for all who are still there. For who has left at T it goes on as
    a + c·F(t), because the others' later events count for more or less without them: so the sums
    of a², ac and c² over those who left are enough, and no time asks for a look at everybody.
    """

    def __init__(self, n: int) -> None:
        self.at_risk, self.free, self.incidence = n, 1.0, 0.0
        self._there = self._there_free = 0.0  # of who is still there; of the probability, by it
        self._aa = self._ac = self._cc = 0.0

    def pass_(self, events: int, others: int, left: int) -> None:
        """A time at which so many have the event, the other one, and leave in all."""
        n = self.at_risk
        of_kind, of_any = events / n, (events + others) / n
        self.incidence += self.free * of_kind
        self.at_risk -= left
        base = self._there + self._there_free * self.free * of_kind
        hazard = 0.0 if of_any == 1 else 1 / (1 - of_any)
        c = self._there_free + hazard * of_any / n  # of those with neither event
        now = base - self.free * of_kind / n
        self._gone(left - events - others, now, c)
        lost = hazard / n
        self._gone(events, now + self.free / n, c - lost)
        self._gone(others, now, c - lost)
        self._there, self._there_free = now, c
        self.free *= 1 - of_any

    def _gone(self, count: int, now: float, c: float) -> None:
        a = now - c * self.incidence
        self._aa += count * a * a
        self._ac += count * a * c
        self._cc += count * c * c

    def error(self) -> float:
        """The infinitesimal jackknife: the root of the sum of the squared influences."""
        f = self.incidence
        parts = (self._aa, 2 * f * self._ac, f * f * self._cc, self.at_risk * self._there**2)
        found = sum(parts)
        exactly = found > 1e-13 * sum(map(abs, parts))  # else it is what rounding left of nothing
        return math.sqrt(found) if exactly else 0.0


# -- comparing groups --------------------------------------------------------------------------


@dataclass(frozen=True)
class LogRank:
    """The log-rank test of no difference between groups."""

    chi2: float
    df: int
    p: float


def log_rank(times: Times) -> LogRank | None:
    """Do the groups differ? None with fewer than two groups, where nothing happened, or where all
    had the event at one time.

    A group in which nobody was followed until the first event says nothing and is no degree of
    freedom, as in R.
    """
    ends = zip(times.durations, times.kinds, strict=True)
    first = min((end for end, kind in ends if kind == EVENT), default=math.inf)
    seen = {
        group
        for group, end in zip(times.groups or (), times.durations, strict=False)
        if end >= first
    }
    times = times.only([group in seen for group in times.groups or [""] * len(times.durations)])
    ends = zip(times.durations, times.kinds, strict=True)
    if len(seen) < 2 or all(end <= first and kind == EVENT for end, kind in ends):
        return None
    from lifelines.statistics import multivariate_logrank_test

    observed = [kind == EVENT for kind in times.kinds]
    with quiet():
        found = multivariate_logrank_test(times.durations, times.groups, observed)
    return LogRank(float(found.test_statistic), len(seen) - 1, float(found.p_value))
