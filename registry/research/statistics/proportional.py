"""Are the hazards of a Cox model proportional? The score test of R's `cox.zph`.

For each term: would its effect change with time? The model with the term times g(t) beside it is
not fitted; the score there tells (Grambsch & Therneau, Biometrika 1994; without the approximation
that the variance is the same at all times, as R has it since survival 3.0). g(t) is one less what
Kaplan–Meier leaves just before t, so that late events with few at risk do not decide alone. Ties
by Efron, as in the model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[Any]


def chi_squares(times: Numbers, died: Numbers, x: Numbers, beta: Numbers) -> list[float | None]:
    """The statistic of each term, on one degree of freedom; None where nothing can be said.

    `times` and `died` (true or false) by subject; `x` a row a subject and a column a term; `beta`
    the fitted coefficients.
    """
    import numpy as np

    longest_first = np.argsort(-times, kind="stable")
    times, died, x = times[longest_first], died[longest_first], x[longest_first]
    x = x - x.mean(axis=0)
    sums = [np.cumsum(one, axis=0) for one in _moments(x, np.exp(x @ beta))]
    score, left, size = np.zeros(len(beta)), 1.0, (len(beta), len(beta))
    plain, mixed, timed = np.zeros(size), np.zeros(size), np.zeros(size)
    for time in np.unique(times[died]):
        risk = np.searchsorted(-times, -time, side="right")
        tied = died & (times == time)
        events, g = int(tied.sum()), 1 - left
        gone = [one.sum(axis=0) for one in _moments(x[tied], np.exp(x[tied] @ beta))]
        for place in range(events):  # Efron: those who tie leave one after the other, by shares
            total, first, second = (
                one[risk - 1] - out * place / events for one, out in zip(sums, gone, strict=True)
            )
            mean = first / total
            spread = second / total - np.outer(mean, mean)
            plain, mixed, timed = plain + spread, mixed + g * spread, timed + g * g * spread
            score -= g * mean
        score += g * x[tied].sum(axis=0)
        left *= 1 - events / risk
    try:
        variances = np.diag(timed - mixed @ np.linalg.solve(plain, mixed))
    except np.linalg.LinAlgError:
        return [None] * len(beta)
    enough = variances > 1e-9 * np.diag(timed)  # with one event there is no time to change in
    return [
        float(u * u / v) if known else None
        for u, v, known in zip(score, variances, enough, strict=True)
    ]


def _moments(x: Numbers, weight: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """The weight of each subject, weight times x, and weight times x times x."""
    first = weight[:, None] * x
    return weight, first, first[:, :, None] * x[:, None, :]
