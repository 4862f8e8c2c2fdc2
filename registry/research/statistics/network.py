"""Figures of the network that anybody signed in may see: every count through the guard, shares in
steps that are never fewer than five people, and nothing told again for nearly the same people.

They are made by the worker and kept; pages read what was kept, in `network_shown`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry.db import db, now
from registry.keys import ring
from registry.language import lazy_gettext as _l
from registry.research import rules
from registry.research.cohorts import actions as actions_cohorts
from registry.research.cohorts import completeness, disclosure, evaluating
from registry.research.models import NetworkFigures
from registry.research.statistics import answers, partwise, told
from registry.research.statistics.partwise import Facts
from registry.research.statistics.sequences import UNKNOWN

#: Figures that were told in another shape are made anew.
FORMAT = 3
#: Groups that are compared, and their name.
GROUPS = {
    "grade": _l("Category, from the latest pathology"),
    "sex": _l("Sex at birth"),
    "sstr": _l("SSTR, from the latest Krenning score"),
}
BY_LINE = "line"
#: What is counted of the first line, and its name.
OF_LINES = {
    "first_line": _l("First class of therapy in the first systemic line"),
    "response": _l("Best response to the first systemic line"),
}
CURVES = ("survival", "pfs", "ttnt")
#: How often is looked whether enough has changed to tell anew.
EVERY = timedelta(days=1)


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
    tell = actions_cohorts.tell
    people = sorted(everybody)
    facts = partwise.read(people)
    groups = {name: told.of_code(of.items()) for name, of in facts.groups.items()}
    [total] = tell([everybody])
    return {
        "format": FORMAT,
        "total": actions_cohorts.as_json(total),
        "complete": (
            {} if not total.number else completeness.shares(db.session.execute, total.number)
        ),
        "tables": {
            **{name: told.counts(everybody, some, tell) for name, some in groups.items()},
            **_of_lines(facts),
        },
        "figures": {
            **{name: _curves(name, everybody, groups, facts) for name in CURVES},
            "response": _responses(everybody, groups, facts),
            "flow": {"": [one for line in partwise.LINES for one in
                          told.flow(line, facts.classes, tell)]},
            "markers": _over_time(people, partwise.MARKERS, told.above),
            "quality_of_life": _over_time(people, partwise.SCALES, told.means),
        },
    }  # fmt: skip


def _over_time(
    people: Sequence[UUID],
    what: str,
    tell_of: Callable[[told.Measured, told.Tell], list[told.Series]],
) -> dict[str, list[told.Series]]:
    """Markers or scales of which anything may be told."""
    found = {
        name: tell_of(latest.of(people), actions_cohorts.tell)
        for name, latest in sorted(partwise.values(people, what).items())
    }
    return {name: some for name, some in found.items() if any(one["points"] for one in some)}


def _of_lines(facts: Facts) -> dict[str, list[dict[str, Any]]]:
    """Who had what as the first line, and with what response."""
    first = {
        who: classes[1]
        for who, classes in facts.classes.items()
        if classes.get(1, UNKNOWN) != UNKNOWN
    }
    values = {"first_line": first, "response": facts.best[1]}
    there = {who for who, classes in facts.classes.items() if 1 in classes}
    return {
        name: told.counts(there, told.of_code(of.items()), actions_cohorts.tell)
        for name, of in values.items()
    }


def _curves(
    name: str, everybody: set[UUID], groups: Mapping[str, told.Groups], facts: Facts
) -> dict[str, list[told.Series]]:
    until, tell = facts.followed[name], actions_cohorts.tell
    return {
        "": [told.curve("", everybody, until, tell)],
        **{
            by: [told.curve(code, some, until, tell) for code, some in of]
            for by, of in _told_of(everybody, set(until), groups).items()
        },
    }


def _responses(
    everybody: set[UUID], groups: Mapping[str, told.Groups], facts: Facts
) -> dict[str, list[told.Series]]:
    """Of the first line, and by line."""
    first, tell = facts.best[1], actions_cohorts.tell
    evaluable = {who for who, code in first.items() if code in answers.EVALUABLE}
    return {
        "": [told.rates("", everybody, first, tell)],
        BY_LINE: [told.rates(str(one), set(of), of, tell) for one, of in facts.best.items()],
        **{
            by: [told.rates(code, some, first, tell) for code, some in of]
            for by, of in _told_of(everybody, evaluable, groups).items()
        },
    }


def _told_of(
    everybody: set[UUID], having: set[UUID], groups: Mapping[str, told.Groups]
) -> dict[str, list[tuple[str, set[UUID]]]]:
    """The groups of which it may be told how many they are, and how many of them have what a figure
    needs, without giving another away."""
    found = {}
    for by, of in groups.items():
        codes = {one["code"] for one in told.counts(everybody, of, actions_cohorts.tell)}
        own = {code: some & having for code, some in of.items()}
        codes &= {one["code"] for one in told.counts(having, own, actions_cohorts.tell)}
        found[by] = [(code, of[code]) for code in sorted(codes)]
    return found
