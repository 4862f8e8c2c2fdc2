"""Cox's proportional hazards, as R's `coxph` has them: what each covariate does to the hazard.

lifelines fits. Where a coefficient has no end (nobody of a level had the event, say) it finds none
at all, and R's way of stopping does: the other coefficients are what they should be, and that one
is marked. lifelines is imported when it is first needed: that takes seconds.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from registry.research.statistics import likelihood
from registry.research.statistics.survival import EVENT, Times, Z, quiet

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

_TIME, _EVENT = "\0time", "\0event"
#: Where an eigenvalue of the information, its diagonal being 1, is smaller, terms say the same.
_SINGULAR = 1.8e-12
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
#: How R's languages sort what is neither letter nor digit; digits come after it, then letters.
_SIGNS = " _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789"


@dataclass(frozen=True)
class Term:
    """A coefficient of a Cox model, and the test of its hazards being proportional.

    Named as in R: the covariate, followed by the level where it is one of several. `infinite`: the
    coefficient has no end, what is said of it is where R stops, and there is no ratio.
    """

    term: str
    coefficient: float
    std_error: float
    z: float
    p: float
    hazard_ratio: float | None
    ci_low: float | None
    ci_high: float | None
    infinite: bool = False
    proportional_chi2: float | None = None
    proportional_p: float | None = None


@dataclass(frozen=True)
class Cox:
    """A proportional-hazards model, with Efron's way of ties.

    `left_out` are terms that are the same for everybody, or follow from those before them;
    `references` the level of a covariate that its others are compared with.
    """

    n: int
    events: int
    log_likelihood: float
    terms: tuple[Term, ...]
    left_out: tuple[str, ...] = ()
    references: Mapping[str, str] = field(default_factory=dict)


class NoModel(ValueError):
    """The model cannot be fitted: too few events, or covariates that say the same."""


def number(text: str) -> float | None:
    """A number as files of data write it; None for anything else."""
    found = float(text) if _NUMBER.fullmatch(text) else math.inf
    return found if math.isfinite(found) else None


def as_words(text: str) -> tuple[list[int], str, str]:
    """A key that sorts texts as R sorts the levels of a factor: signs, digits, letters; accents and
    small before capital letters only between texts that are else the same."""
    folded = unicodedata.normalize("NFD", text.casefold())
    plain = [one for one in folded if not unicodedata.combining(one)]
    places = [_SIGNS.find(one) for one in plain]
    return (
        [ord(one) + len(_SIGNS) if at < 0 else at for one, at in zip(plain, places, strict=True)],
        folded,
        text.swapcase(),
    )


def cox(
    times: Times,
    covariates: Mapping[str, Sequence[str]],
    compared_with: Mapping[str, str] | None = None,
) -> Cox:
    """Fit the hazard on covariates, given as texts; who lacks one is left out, as in R.

    A covariate that is a number throughout is one term; any other has a term for each level but
    the one it is to be compared with, else the first by alphabet. Raises NoModel.
    """
    frame, references = _design(times, covariates, compared_with or {})
    terms = list(frame.columns[2:])
    first = frame.loc[frame[_EVENT] == 1, _TIME].min()  # who left before it says nothing
    names = _independent(frame[frame[_TIME] >= first], terms)
    if not names or not frame[_EVENT].any():
        raise NoModel("nothing to fit: no events, or a covariate that is the same for everybody")
    spread = frame[names].std()
    scaled = frame[[_TIME, _EVENT, *names]].copy()
    scaled[names] = frame[names] / spread
    beta, found, infinite = _fitted(scaled, names)
    import numpy as np

    errors = np.sqrt(np.diag(np.linalg.inv(found.information)))
    tested = likelihood.proportional(found)
    return Cox(
        len(frame),
        int(frame[_EVENT].sum()),
        found.height,
        tuple(
            _term(name, one / spread[name], error / spread[name], chi2, endless=bool(no_end))
            for name, one, error, no_end, chi2 in zip(
                names, beta, errors, infinite, tested, strict=True
            )
        ),
        tuple(name for name in terms if name not in names),
        references,
    )


def _fitted(
    scaled: pd.DataFrame, names: Sequence[str]
) -> tuple[NDArray[Any], likelihood.Sums, NDArray[Any]]:
    """The coefficients, what is said of them there, and which of them have no end. Raises
    NoModel."""
    import numpy as np
    from lifelines import CoxPHFitter
    from lifelines.exceptions import ConvergenceError

    data = (
        scaled[_TIME].to_numpy(float),
        scaled[_EVENT].to_numpy(bool),
        scaled[list(names)].to_numpy(float),
    )
    try:
        with quiet():
            model = CoxPHFitter().fit(
                scaled, _TIME, _EVENT, fit_options={"precision": 1e-10, "max_steps": 100}
            )
        beta = model.params_.to_numpy(float)
        beta = beta + likelihood.step(likelihood.sums(*data, beta))  # the last of its steps
        found = likelihood.sums(*data, beta)
        if not likelihood.moving(found, beta).any() and _has_errors(found, beta):
            return beta, found, np.zeros(len(beta), bool)
    except (ConvergenceError, ArithmeticError, ValueError):
        pass  # np.linalg.LinAlgError is a ValueError
    try:
        stopped = likelihood.as_far_as_r(*data)
        if stopped is not None and _has_errors(stopped[1], stopped[0]):
            beta, found = stopped
            return beta, found, likelihood.moving(found, beta)
    except np.linalg.LinAlgError:
        pass
    raise NoModel("the model does not converge: too few events for these terms")


def _has_errors(found: likelihood.Sums, beta: NDArray[Any]) -> bool:
    """Does the information give every coefficient an error, and are they numbers at all? Of scaled
    covariates none multiplies the hazard by more than e to the 100."""
    import numpy as np

    spread = np.sqrt(np.diag(found.information))
    if not (np.isfinite(spread).all() and (spread > 0).all() and (np.abs(beta) < 100).all()):
        return False
    alike = np.linalg.eigvalsh(found.information / np.outer(spread, spread))
    return bool(alike.min() > _SINGULAR and (np.diag(np.linalg.inv(found.information)) > 0).all())


def _term(name: str, beta: float, error: float, chi2: float | None, *, endless: bool) -> Term:
    """A coefficient with what is said of it."""
    from scipy.stats import chi2 as distribution
    from scipy.stats import norm

    z = float(beta / error)
    low, high = beta - Z * error, beta + Z * error
    if endless:
        chi2 = None
    return Term(
        name,
        float(beta),
        float(error),
        z,
        float(2 * norm.sf(abs(z))),
        None if endless else _exp(beta),
        None if endless else _exp(low),
        None if endless else _exp(high),
        endless,
        chi2,
        None if chi2 is None else float(distribution.sf(chi2, 1)),
    )


def _exp(power: float) -> float | None:
    """A ratio; None where it is larger than any number."""
    return math.exp(power) if power < 700 else None


def _independent(frame: pd.DataFrame, terms: Sequence[str]) -> list[str]:
    """The terms that vary and do not follow from those before them, as R leaves others out."""
    import numpy as np

    kept: list[str] = []
    for name in terms:
        if len(frame) < 2 or frame[name].nunique() < 2:
            continue
        tried = frame[[*kept, name]].to_numpy(dtype=float)
        tried = (tried - tried.mean(axis=0)) / tried.std(axis=0)
        if np.linalg.matrix_rank(tried, tol=1e-7 * math.sqrt(len(frame))) > len(kept):
            kept.append(name)
    return kept


def _design(
    times: Times, covariates: Mapping[str, Sequence[str]], compared_with: Mapping[str, str]
) -> tuple[pd.DataFrame, dict[str, str]]:
    """One row a subject that has all covariates, one column a term; and the level of each covariate
    that has none. Raises NoModel where two terms have one name."""
    import pandas as pd

    whole = [all(texts) for texts in zip(*covariates.values(), strict=True)]
    columns: dict[str, Sequence[Any]] = {
        _TIME: times.only(whole).durations,
        _EVENT: [int(kind == EVENT) for kind in times.only(whole).kinds],
    }
    references: dict[str, str] = {}
    for name, texts in covariates.items():
        given = [text for text, kept in zip(texts, whole, strict=True) if kept]
        numbers = [number(text) for text in given]
        if None not in numbers:
            found: dict[str, Sequence[Any]] = {name: numbers}
        else:
            levels = sorted(set(given), key=as_words)
            wanted = compared_with.get(name)
            references[name] = wanted if wanted in levels else levels[0]
            levels.remove(references[name])
            found = {name + one: [float(text == one) for text in given] for one in levels}
        if twice := [one for one in found if one in columns]:
            raise NoModel(f"two terms of the model are called {twice[0]}")
        columns |= found
    return pd.DataFrame(columns), references
