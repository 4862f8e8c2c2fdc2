"""Figures of the network that anybody signed in may see: every count through the guard, survival in
steps of five per cent at fixed times, and nothing told again for nearly the same people."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry.clinical.endpoints import DAYS_PER_MONTH
from registry.db import db, now
from registry.keys import ring
from registry.language import lazy_gettext as _l
from registry.research import rules
from registry.research.cohorts import actions as actions_cohorts
from registry.research.cohorts import disclosure, evaluating
from registry.research.cohorts.disclosure import Answer
from registry.research.models import NetworkFigures
from registry.research.statistics.survival import CENSORED, EVENT, Times, cumulative_incidence

#: Groups: the coded variable they are made of, and their name.
GROUPS = {
    "grade": ("pathology.derived_category", _l("Category, from the latest pathology")),
    "sex": ("patient.sex_at_birth", _l("Sex at birth")),
}
MONTHS = (12, 24, 36, 60, 120)
#: Shares are told in steps of this many per cent.
STEP = 5
#: How often is looked whether enough has changed to tell anew.
EVERY = timedelta(days=1)

Followed = Mapping[UUID, tuple[int, bool]]
Tell = Callable[[Sequence[set[UUID]]], list[Answer]]


def share(value: float | None) -> int | None:
    """A share as it is told: per cent, in steps of five."""
    return None if value is None else round(value * 100 / STEP) * STEP


def points(people: set[UUID], followed: Followed, tell: Tell) -> list[dict[str, Any]]:
    """Survival of a group at the fixed times, where enough are still followed to be told of."""
    own = {one: followed[one] for one in people if one in followed}
    if not own:
        return []
    times = Times(
        tuple(days / DAYS_PER_MONTH for days, _dead in own.values()),
        tuple(EVENT if dead else CENSORED for _days, dead in own.values()),
    )
    curve = cumulative_incidence(times)  # one kind of event: 1 − Kaplan–Meier, Greenwood's error
    risks = tell(
        [{who for who, (days, _d) in own.items() if days / DAYS_PER_MONTH >= at} for at in MONTHS]
    )
    found = []
    for at, risk in zip(MONTHS, risks, strict=True):
        point = curve.at(at)
        if risk.number is None or risk.withheld or point.estimate is None:
            break
        low, high = point.ci_low, point.ci_high
        found.append(
            {
                "months": at,
                "at_risk": risk.number,
                "alive": share(1 - point.estimate),
                "low": share(None if high is None else 1 - high),
                "high": share(None if low is None else 1 - low),
            }
        )
    return found


def group(
    everybody: set[UUID], by_code: Mapping[str, set[UUID]], followed: Followed, tell: Tell
) -> list[dict[str, Any]]:
    """A table of groups: about how many each has, where that gives no other away, and survival.

    Groups that are not told are left out with what they would give away.
    """
    codes = sorted(by_code)
    unknown = everybody.difference(*by_code.values())
    told = [
        None if one.withheld else one.number
        for one in tell([*(by_code[code] for code in codes), *([unknown] if unknown else [])])
    ]
    [kept] = disclosure.held_back([told])
    return [
        {"code": code, "number": number, "points": points(by_code[code], followed, tell)}
        for code, number in zip(codes, kept, strict=False)
        if number is not None
    ]


def newest() -> NetworkFigures | None:
    """The figures that are told now."""
    return db.session.scalar(
        sa.select(NetworkFigures).order_by(NetworkFigures.made_at.desc()).limit(1)
    )


def make_when_due() -> bool:
    """Look once in a while whether at least ten people came or went, and if so tell anew. For the
    worker. Gives whether there are new figures."""
    last = newest()
    if last is not None and now() - last.looked_at < EVERY:
        return False
    execute = db.session.execute
    everybody = set(execute(evaluating.population()).scalars())
    if len(everybody) < rules.FEW:
        return False
    mark = disclosure.sketch(everybody, ring().derive("disclosure control"))
    if last is not None:
        last.looked_at = now()
        if disclosure.differ_by_at_least(last.sketch, mark) < disclosure.NEAR:
            return False
    tell = actions_cohorts.tell
    followed = evaluating.followed(execute)
    [total] = tell([everybody])
    content = {
        "total": actions_cohorts.as_json(total),
        "all": points(everybody, followed, tell),
        "groups": {
            key: group(everybody, evaluating.by_latest_code(execute, variable, everybody),
                       followed, tell)
            for key, (variable, _label) in GROUPS.items()
        },
    }  # fmt: skip
    db.session.add(NetworkFigures(sketch=mark, content=content))
    db.session.flush()
    return True
