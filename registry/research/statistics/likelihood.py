"""The partial likelihood of Cox with Efron's ties: its height, slope and curvature at coefficients,
and from them the test of R's `cox.zph` and the fit of R's `coxph`.

One pass over the times of events gives all of it. The test asks of each term: would its effect
change with time? The model with the term times g(t) beside it is not fitted; the score there tells
(Grambsch & Therneau, Biometrika 1994; without the approximation that the variance is the same at
all times, as R has it since survival 3.0). g(t) is one less what Kaplan–Meier leaves just before t,
so that late events with few at risk do not decide alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[Any]

#: R's: the likelihood no longer changes, so many steps at most, and a coefficient still moves.
_EPSILON, _STEPS, _MOVES = 1e-9, 20, 1e-9**0.5


@dataclass(frozen=True)
class Sums:
    """The logarithm of the likelihood, its score and information; `timed` and `mixed` are the
    information with g(t) twice and once in it, `timed_score` the score of the terms times g(t)."""

    height: float
    score: Numbers
    information: Numbers
    timed_score: Numbers
    mixed: Numbers
    timed: Numbers


def sums(times: Numbers, died: Numbers, x: Numbers, beta: Numbers) -> Sums:
    """All of it at these coefficients. `times` and `died` (true or false) by subject; `x` a row a
    subject and a column a term."""
    import numpy as np

    longest_first = np.argsort(-times, kind="stable")
    times, died, x = times[longest_first], died[longest_first], x[longest_first]
    x = x - x.mean(axis=0)
    risks = x @ beta
    top = float(risks.max(initial=0))  # so that no weight is endless
    cumulated = [np.cumsum(one, axis=0) for one in _moments(x, np.exp(risks - top))]
    size = (len(beta), len(beta))
    height, left, score, timed_score = 0.0, 1.0, np.zeros(len(beta)), np.zeros(len(beta))
    plain, mixed, timed = np.zeros(size), np.zeros(size), np.zeros(size)
    for time in np.unique(times[died]):
        risk = np.searchsorted(-times, -time, side="right")
        first = np.searchsorted(-times, -time, side="left")
        tied = np.flatnonzero(died[first:risk]) + first
        events, g = len(tied), 1 - left
        gone = [one.sum(axis=0) for one in _moments(x[tied], np.exp(risks[tied] - top))]
        for place in range(events):  # Efron: those who tie leave one after the other, by shares
            total, once, twice = (
                one[risk - 1] - out * place / events
                for one, out in zip(cumulated, gone, strict=True)
            )
            mean = once / total
            spread = twice / total - np.outer(mean, mean)
            plain, mixed, timed = plain + spread, mixed + g * spread, timed + g * g * spread
            score, timed_score = score - mean, timed_score - g * mean
            height -= float(np.log(total)) + top
        height += float(risks[tied].sum())
        there = x[tied].sum(axis=0)
        score, timed_score = score + there, timed_score + g * there
        left *= 1 - events / risk
    return Sums(height, score, plain, timed_score, mixed, timed)


def _moments(x: Numbers, weight: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """The weight of each subject, weight times x, and weight times x times x."""
    first = weight[:, None] * x
    return weight, first, first[:, :, None] * x[:, None, :]


def proportional(found: Sums) -> list[float | None]:
    """Chi² of each term, on one degree of freedom, that its hazard is not proportional; None where
    nothing can be said. `found` at the fitted coefficients."""
    import numpy as np

    try:
        variances = np.diag(
            found.timed - found.mixed @ np.linalg.solve(found.information, found.mixed)
        )
    except np.linalg.LinAlgError:
        return [None] * len(found.score)
    enough = variances > 1e-9 * np.diag(found.timed)  # with one event there is no time to change in
    return [
        float(u * u / v) if known else None
        for u, v, known in zip(found.timed_score, variances, enough, strict=True)
    ]


def step(found: Sums) -> Numbers:
    """Newton's step from here to where the likelihood is highest."""
    import numpy as np

    return np.linalg.solve(found.information, found.score)


def moving(found: Sums, beta: Numbers) -> Numbers:
    """Which coefficients one more step would still move: they have no end, for a group without
    events, or one in which nobody is without."""
    far = abs(step(found))
    moves: Numbers = (far > _EPSILON) & (far > _MOVES * abs(beta))
    return moves


def as_far_as_r(times: Numbers, died: Numbers, x: Numbers) -> tuple[Numbers, Sums] | None:
    """The coefficients where R stops, and the sums there; None where it would not stop.

    Newton's steps from 0, halved where the likelihood falls, until it no longer changes: a
    coefficient without an end is left far out, and the others are what they are without it.
    """
    import numpy as np

    beta = np.zeros(x.shape[1])
    found = sums(times, died, x, beta)
    tried, halving = beta + step(found), False
    for _step in range(_STEPS):
        there = sums(times, died, x, tried)
        if not np.isfinite(there.height):
            return None
        if abs(there.height - found.height) <= _EPSILON * abs(there.height) and not halving:
            return tried, there
        halving = there.height < found.height
        if halving:
            tried = (tried + beta) / 2
            continue
        beta, found = tried, there
        tried = beta + step(found)
    return None
