"""Figures of the network that anybody signed in may see: every count through the guard, shares at
fixed times in steps that are never fewer than five people, and nothing told again for nearly the
same people."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry.clinical.endpoints import DAYS_PER_MONTH, Endpoint
from registry.db import db, now
from registry.keys import ring
from registry.language import lazy_gettext as _l
from registry.research import rules
from registry.research.cohorts import actions as actions_cohorts
from registry.research.cohorts import completeness, disclosure, evaluating, lines
from registry.research.cohorts.disclosure import Answer
from registry.research.models import NetworkFigures
from registry.research.statistics.courses import Line
from registry.research.statistics.survival import CENSORED, EVENT, Times, cumulative_incidence

#: Figures that were told in another shape are made anew.
FORMAT = 2
#: Groups: the coded variable they are made of, and their name.
GROUPS = {
    "grade": ("pathology.derived_category", _l("Category, from the latest pathology")),
    "sex": ("patient.sex_at_birth", _l("Sex at birth")),
}
#: What is counted of the first line: the list of its codes, and its name.
OF_LINES = {
    "first_line": ("therapy_class", _l("First class of therapy in the first systemic line")),
    "response": ("response", _l("Best response to the first systemic line")),
}
#: Curves: name, what they begin with and end at, and what is left at a time.
CURVES = {
    "survival": (
        _l("Overall survival"),
        _l("From the first diagnosis to death from any cause."),
        _l("Alive"),
    ),
    "pfs": (
        _l("Progression-free survival of the first line"),
        _l(
            "From the start of the first systemic line of palliative intent to progression or "
            "death."
        ),
        _l("Without progression"),
    ),
    "ttnt": (
        _l("Time to the second line"),
        _l("From the start of the first systemic line of palliative intent to the next one."),
        _l("Without next treatment"),
    ),
}  # fmt: skip
MONTHS = (12, 24, 36, 60, 120)
#: Shares are told in steps of so many per cent, the finest that are this many people or more.
STEPS = (5, 10, 20, 25, 50)
IN_A_STEP = 5
#: How often is looked whether enough has changed to tell anew.
EVERY = timedelta(days=1)

Followed = Mapping[UUID, tuple[int, bool]]
Groups = Mapping[str, set[UUID]]
Tell = Callable[[Sequence[set[UUID]]], list[Answer]]


def step(told: int) -> int | None:
    """The steps in which shares of about so many people are told, in per cent: rounded, they may
    be five fewer. None where no step would be enough people."""
    return next((one for one in STEPS if (told - 5) * one >= 100 * IN_A_STEP), None)


def share(value: float | None, step: int) -> int | None:
    """A share as it is told: per cent, in steps."""
    return None if value is None else round(value * 100 / step) * step


def points(people: set[UUID], followed: Followed, tell: Tell) -> list[dict[str, Any]]:
    """Who is still without the event at the fixed times, where enough are still followed to be
    told of."""
    own = {one: followed[one] for one in people if one in followed}
    [all_] = tell([set(own)])
    steps = None if all_.withheld or all_.number is None else step(all_.number)
    if not own or steps is None:
        return []
    times = Times(
        tuple(days / DAYS_PER_MONTH for days, _had in own.values()),
        tuple(EVENT if had else CENSORED for _days, had in own.values()),
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
                "share": share(1 - point.estimate, steps),
                "low": share(None if high is None else 1 - high, steps),
                "high": share(None if low is None else 1 - low, steps),
                "step": steps,
            }
        )
    return found


def counts(everybody: set[UUID], by_code: Groups, tell: Tell) -> list[dict[str, Any]]:
    """A table of groups: about how many each has, where that gives no other away. Groups that are
    not told are left out with what they would give away."""
    codes = sorted(by_code)
    unknown = everybody.difference(*by_code.values())
    told = [
        None if one.withheld else one.number
        for one in tell([*(by_code[code] for code in codes), *([unknown] if unknown else [])])
    ]
    [kept] = disclosure.held_back([told])
    return [
        {"code": code, "number": number}
        for code, number in zip(codes, kept, strict=False)
        if number is not None
    ]


def newest() -> NetworkFigures | None:
    """The figures that are told now."""
    found = db.session.scalar(
        sa.select(NetworkFigures).order_by(NetworkFigures.made_at.desc()).limit(1)
    )
    return None if found is None or found.content.get("format") != FORMAT else found


def complete() -> Mapping[str, int]:
    """For how many of research each variable is known, as it was last told."""
    kept = newest()
    found: Mapping[str, int] = kept.content["complete"] if kept else {}
    return found


def make_when_due() -> bool:
    """Look once in a while whether at least ten people came or went, and if so tell anew. For the
    worker. Gives whether there are new figures."""
    last = newest()
    if last is not None and now() - last.looked_at < EVERY:
        return False
    everybody = set(db.session.execute(evaluating.population()).scalars())
    if len(everybody) < rules.FEW:
        return False
    mark = disclosure.sketch(everybody, ring().derive("disclosure control"))
    if last is not None:
        last.looked_at = now()
        if disclosure.differ_by_at_least(last.sketch, mark) < disclosure.NEAR:
            return False
    db.session.add(NetworkFigures(sketch=mark, content=_content(everybody)))
    db.session.flush()
    return True


def _content(everybody: set[UUID]) -> dict[str, Any]:
    execute, tell = db.session.execute, actions_cohorts.tell
    firsts = first_lines(lines.of_patients(execute, evaluating.population()).values())
    followed: dict[str, Followed] = {
        "survival": evaluating.followed(execute),
        "pfs": _until({who: line.pfs for who, line in firsts.items()}),
        "ttnt": _until({who: line.ttnt for who, line in firsts.items()}),
    }
    groups = {
        key: evaluating.by_latest_code(execute, variable, everybody)
        for key, (variable, _label) in GROUPS.items()
    }
    of_lines = {
        "first_line": _by({who: line.classes[0] for who, line in firsts.items() if line.classes}),
        "response": _by({who: line.best for who, line in firsts.items() if line.best}),
    }
    [total] = tell([everybody])
    tables = {key: counts(everybody, some, tell) for key, some in groups.items()}
    tables |= {key: counts(set(firsts), some, tell) for key, some in of_lines.items()}
    return {
        "format": FORMAT,
        "total": actions_cohorts.as_json(total),
        "complete": {} if not total.number else completeness.shares(execute, total.number),
        "tables": tables,
        "curves": {
            name: {
                "": [{"code": "", "points": points(everybody, until, tell)}],
                **{
                    key: [
                        {"code": one["code"], "points": points(some[one["code"]], until, tell)}
                        for one in tables[key]
                    ]
                    for key, some in groups.items()
                },
            }
            for name, until in followed.items()
        },
    }


def first_lines(patients: Iterable[Sequence[Line]]) -> dict[UUID, Line]:
    """The first systemic line of each patient who has one, of whichever tumour."""
    firsts = (next((one for one in some if one.number == 1), None) for some in patients)
    return {UUID(one.patient): one for one in firsts if one is not None}


def _until(endpoints: Mapping[UUID, Endpoint]) -> Followed:
    """Days until the event or the last time it was known not to have happened."""
    return {
        who: (one.days, one.event == 1)
        for who, one in endpoints.items()
        if one.days is not None and one.event is not None
    }


def _by(values: Mapping[UUID, str]) -> dict[str, set[UUID]]:
    found: dict[str, set[UUID]] = {}
    for who, value in values.items():
        found.setdefault(value, set()).add(who)
    return found
