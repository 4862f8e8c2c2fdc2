"""The synthetic caseload: seeded, so that the same number gives the same case.

Dates are counted from the day it is loaded, so it never ages. No real person is described; the
figures that sites, grades, treatments, responses and survival follow are in `rates`.
"""

from __future__ import annotations

import math
from datetime import date, timedelta
from random import Random

from registry.demo import diagnosis, flaws, monitoring, names, rates, tumour_size, visits, wellbeing
from registry.demo.case import CARCINOMA, SEED, Case, after, chance_of, months_after, pick
from registry.demo.treatment import treat

__all__ = ["SEED", "Case", "case"]

_EARLIEST_DAYS, _LATEST_DAYS = 240, 15 * 365
_LOST = 0.05


def metastatic_share(site: str, grade: str) -> float:
    """How many of a grade at a site have metastases at the diagnosis."""
    if site == "C80.9":
        return 1.0
    known = 1 if grade in CARCINOMA else rates.METASTATIC_BY_SITE.get(site, 1)
    return min(0.95, rates.METASTATIC[grade] * known)


def survival_months(rng: Random, grade: str, share: float, *, metastatic: bool) -> float:
    """A survival time: exponential, with the median of the grade over all stages.

    `share` of these patients has metastases.
    """
    if share == 1:
        share, metastatic = 0.5, rng.random() < 0.5
    high = min(rates.HAZARD_METASTATIC[rates.STEP[grade]], 0.95 / share)
    low = max(0.2, (1 - share * high) / (1 - share))
    hazard = math.log(2) / rates.MEDIAN_MONTHS[grade] * (high if metastatic else low)
    return -math.log(1 - rng.random()) / hazard


def case(number: int, today: date, country: str, *, recent: bool) -> Case:
    """The case of this number. `recent`: diagnosed in the last weeks, as most referrals are."""
    made = Case(number, today, country, recent)
    _who(made)
    _fate(made)
    diagnosis.describe(made)
    if not recent:
        treat(made)
        tumour_size.assess(made)
        monitoring.watch(made)
        wellbeing.ask(made)
        visits.follow(made)
        flaws.slip(made)
    return made


def _who(made: Case) -> None:
    rng = made.rng("who")
    made.sex = rng.choice(("female", "male"))
    made.site = pick(rng, rates.SITES)
    made.grade = pick(rng, rates.GRADES[made.pool])
    made.metastatic = rng.random() < metastatic_share(made.site, made.grade)
    key = next((k for k in (made.site, made.site[:3]) if k in rates.HEREDITARY), "")
    made.hereditary = chance_of(rng, rates.HEREDITARY[key]) if key and not made.carcinoma else ""
    ago = rng.randint(14, 75) if made.recent else rng.randint(_EARLIEST_DAYS, _LATEST_DAYS)
    made.diagnosed = made.today - timedelta(days=ago)
    middle = 66 if made.grade in CARCINOMA else (42 if made.hereditary else 60)
    age = min(84, max(19, rng.gauss(middle, 12)))
    made.born = made.diagnosed - timedelta(days=round(age * 365.25))
    made.identity = dict(names.identity(rng, made.number, made.country, made.sex))


def _fate(made: Case) -> None:
    rng = made.rng("fate")
    share = metastatic_share(made.site, made.grade)
    months = survival_months(rng, made.grade, share, metastatic=made.metastatic)
    died = months_after(made.diagnosed, max(1.5, months))
    died = min(died, after(made.born, 99 * 365.25))
    lost = months_after(made.diagnosed, rng.uniform(9, 140))
    if not made.recent and rng.random() < _LOST and lost < min(died, made.today):
        made.lost = lost
    elif not made.recent and died < made.today:
        made.died = died
        others = ("other", "other", "other_cancer")
        made.cause = (
            "this_tumour" if rng.random() < _of_tumour(made, months) else rng.choice(others)
        )


def _of_tumour(made: Case, months: float) -> float:
    """How likely a death is of the tumour: hardly where a slow one was removed not long ago."""
    if made.carcinoma:
        return 0.95
    if made.metastatic:
        return 0.85
    small = made.site in {"C16.2", "C18.1", "C20.9"}
    slow = rates.STEP[made.grade] == "G1"
    return 0.0 if slow and (small or months < 50) else 0.35
