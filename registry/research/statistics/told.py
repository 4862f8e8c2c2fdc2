"""What may be told of groups of people to everybody signed in: pure, the guard is given.

Counts are told by the guard of the house. Shares are told in steps that are never fewer than five
people, and only of groups whose number is told; a mean of a scale from 0 to 100 is moved by one
person as much as a share is, and told alike. In tables what others would give away goes too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from registry.clinical.endpoints import DAYS_PER_MONTH
from registry.research.cohorts import disclosure
from registry.research.cohorts.disclosure import Answer
from registry.research.statistics import answers, trajectories
from registry.research.statistics.sequences import NO_LINE, OTHER, UNKNOWN
from registry.research.statistics.survival import (
    CENSORED,
    EVENT,
    Times,
    cumulative_incidence,
)

#: Times at which curves are told, in months.
MONTHS = (12, 24, 36, 60, 120)
#: Windows in which markers and quality of life are told, in months from the diagnosis.
WINDOWS = ((0, 6), (6, 12), (12, 24), (24, 36), (36, 60))
#: A marker is told as the share of patients above so many times the upper limit of normal.
ABOVE = (1, 2, 5, 10)
#: Shares are told in steps of so many per cent, the finest that are this many people or more.
STEPS = (5, 10, 20, 25, 50)
IN_A_STEP = 5
Followed = Mapping[UUID, tuple[int, bool]]
Groups = Mapping[str, set[UUID]]
Tell = Callable[[Sequence[set[UUID]]], list[Answer]]
Series = dict[str, Any]


def step(told: int) -> int | None:
    """The steps in which shares of about so many people are told, in per cent: rounded, they may
    be five fewer. None where no step would be enough people."""
    return next((one for one in STEPS if (told - 5) * one >= 100 * IN_A_STEP), None)


def share(value: float | None, step: int) -> int | None:
    """A share as it is told: per cent, in steps."""
    return None if value is None else round(value * 100 / step) * step


def _number(answer: Answer) -> int | None:
    return None if answer.withheld else answer.number


def _within(people: set[UUID], tell: Tell) -> tuple[int | None, int | None]:
    """About how many they are, and the steps in which shares of them are told; None for neither."""
    if not people:
        return None, None
    [told] = tell([people])
    number = _number(told)
    return number, None if number is None else step(number)


def curve(code: str, people: set[UUID], followed: Followed, tell: Tell) -> Series:
    """Who of a group is still without the event at the fixed times, as long as enough are still
    followed to be told of."""
    own = {one: followed[one] for one in people if one in followed}
    number, steps = _within(set(own), tell)
    if steps is None:
        return {"code": code, "of": number, "points": []}
    times = Times(
        tuple(days / DAYS_PER_MONTH for days, _had in own.values()),
        tuple(EVENT if had else CENSORED for _days, had in own.values()),
    )
    found = cumulative_incidence(times)  # one kind of event: 1 − Kaplan–Meier, Greenwood's error
    risks = tell(
        [{who for who, (days, _d) in own.items() if days / DAYS_PER_MONTH >= at} for at in MONTHS]
    )
    points = []
    for at, answer in zip(MONTHS, risks, strict=True):
        point, risk = found.at(at), answer.number
        if answer.withheld:
            continue  # enough are followed, and how many would give others away
        if risk is None or point.estimate is None:
            break
        low, high = point.ci_low, point.ci_high
        points.append(
            _point(str(at), risk, steps, 1 - point.estimate, None if high is None else 1 - high,
                   None if low is None else 1 - low)
        )  # fmt: skip
    return {"code": code, "of": number, "points": points}


def _point(
    at: str, of: int | None, step: int, value: float, low: float | None, high: float | None
) -> dict[str, Any]:
    return {
        "at": at,
        "of": of,
        "share": share(value, step),
        "low": share(low, step),
        "high": share(high, step),
        "step": step,
    }


def rates(code: str, people: set[UUID], best: Mapping[UUID, str], tell: Tell) -> Series:
    """Objective response and disease control of those of a group who could be evaluated."""
    evaluable = {one for one in people if best.get(one) in answers.EVALUABLE}
    number, steps = _within(evaluable, tell)
    points = []
    if steps is not None:
        codes = [best[one] for one in evaluable]
        for name, counted in (("ORR", answers.OBJECTIVE), ("DCR", answers.CONTROL)):
            rate = answers.rate(codes, counted)
            points.append(_point(name, number, steps, rate.share or 0.0, rate.low, rate.high))
    return {"code": code, "of": number, "points": points}


Measured = Mapping[int, Mapping[UUID, float]]  # by window: of each patient the latest


def above(measured: Measured, tell: Tell) -> list[Series]:
    """In each window how many are above so many times the upper limit of normal."""
    told = _windows(measured, tell)
    return [
        {
            "code": str(times),
            "of": None,
            "points": [
                _point(str(window), number, steps, sum(one > times for one in values) / len(values),
                       None, None)
                for window, number, steps, values in told
            ],
        }
        for times in ABOVE
    ]  # fmt: skip


def means(measured: Measured, tell: Tell) -> list[Series]:
    """In each window the mean of a scale from 0 to 100, with its interval."""
    points = []
    for window, number, steps, values in _windows(measured, tell):
        mean = trajectories.average(window, values)
        points.append(
            _point(str(window), number, steps, *(one / 100 for one in (mean.middle, mean.low,
                                                                       mean.high)))
        )  # fmt: skip
    return [{"code": "", "of": None, "points": points}]


def _windows(measured: Measured, tell: Tell) -> list[tuple[int, int, int, list[float]]]:
    """The windows that may be told of: their place, about how many, the steps, the values."""
    found = []
    for window in sorted(measured):
        number, steps = _within(set(measured[window]), tell)
        if number is not None and steps is not None:
            found.append((window, number, steps, list(measured[window].values())))
    return found


def counts(everybody: set[UUID], by_code: Groups, tell: Tell) -> list[dict[str, Any]]:
    """A table of groups: about how many each has, where that gives no other away. Groups that are
    not told are left out with what they would give away."""
    codes = sorted(by_code)
    unknown = everybody.difference(*by_code.values())
    told = [
        _number(one)
        for one in tell([*(by_code[code] for code in codes), *([unknown] if unknown else [])])
    ]
    [kept] = disclosure.held_back([told])
    return [
        {"code": code, "number": number}
        for code, number in zip(codes, kept, strict=False)
        if number is not None
    ]


def flow(line: int, own: Mapping[UUID, Mapping[int, str]], tell: Tell) -> list[dict[str, Any]]:
    """Who went on from a line to what: about how many from each class to each next one, where that
    gives no other number away. Classes too few had to be told of are one."""
    there = {who: classes for who, classes in own.items() if line in classes}
    sources = _merged({who: classes[line] for who, classes in there.items()}, tell)
    following = {who: classes[line + 1] for who, classes in there.items() if line + 1 in classes}
    targets = _merged(following, tell)
    if without := there.keys() - following.keys():
        targets[NO_LINE] = set(without)
    cells = [[a & b for b in targets.values()] for a in sources.values()]
    told = [[_number(tell([cell])[0]) if cell else None for cell in row] for row in cells]
    return [
        {"line": line, "source": source, "target": target, "number": number}
        for source, row in zip(sources, disclosure.held_back(told), strict=True)
        for target, number in zip(targets, row, strict=True)
        if number is not None
    ]


def _merged(classes: Mapping[UUID, str], tell: Tell) -> dict[str, set[UUID]]:
    """The people of each class; those of classes that are not told as one."""
    by_class: dict[str, set[UUID]] = {}
    for who, one in classes.items():
        by_class.setdefault(one, set()).add(who)
    names = sorted(by_class)
    found: dict[str, set[UUID]] = {}
    for name, told in zip(names, tell([by_class[name] for name in names]), strict=True):
        called = OTHER if name == UNKNOWN or _number(told) is None else name
        found[called] = found.get(called, set()) | by_class[name]
    return found


def of_code(values: Iterable[tuple[UUID, str]]) -> dict[str, set[UUID]]:
    """The people of each code."""
    found: dict[str, set[UUID]] = {}
    for who, code in values:
        found.setdefault(code, set()).add(who)
    return found
