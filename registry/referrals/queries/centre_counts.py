"""How many cases stand behind each filter of the worklist, and what the page is framed by.

A count is never taken further than MOST: on any list it costs the same few ranges of an index. It
is kept until a step is taken at the centre, at most KEPT_SECONDS.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import current_app

from registry.access import Right, Viewer
from registry.dates import today
from registry.db import db, table_of
from registry.driver import answer
from registry.people.models import Membership, Person
from registry.referrals import rules
from registry.referrals.models import Referral, SavedView, WorklistSetting
from registry.referrals.queries.centre_list import (
    Filters,
    Shape,
    given,
    narrowed,
    takers,
    today_here,
)

MOST = 1_000  # more are shown as 1,000+
KEPT_SECONDS = 20.0
MOST_VIEWS = 60
MOST_COLLEAGUES = 200

_R = table_of(Referral)


@dataclass(frozen=True)
class View:
    """A saved view as it is listed."""

    id: UUID
    name: str
    filters: Mapping[str, str]
    columns: tuple[str, ...]
    shared: bool
    own: bool


@dataclass(frozen=True)
class Frame:
    """What stands around the list: when something last moved, what one likes to see, one's views
    and those the team shares."""

    moved: datetime | None
    columns: tuple[str, ...] = ()
    keys_off: bool = False
    views: tuple[View, ...] = ()


def frame(viewer: Viewer) -> Frame:
    """All of it in one query."""
    viewer.need(Right.TRIAGE)
    given = {"centre": viewer.organisation_id, "me": viewer.person_id}
    rows = answer(_frame_statement(), given)
    views = tuple(
        View(
            row.id,
            row.name,
            row.filters,
            tuple(row.view_columns or ()),
            row.shared,
            row.person_id == viewer.person_id,
        )
        for row in rows
        if row.id is not None
    )
    return Frame(rows[0].moved, tuple(rows[0].columns or ()), bool(rows[0].keys_off), views)


@lru_cache
def _frame_statement() -> sa.Select[Any]:
    setting, view = table_of(WorklistSetting), table_of(SavedView)
    centre = sa.bindparam("centre", type_=sa.Uuid())
    me = sa.bindparam("me", type_=sa.Uuid())
    moved = sa.select(sa.func.max(_R.c.moved_at)).where(_R.c.to_organisation_id == centre)
    one = sa.select(moved.scalar_subquery().label("moved")).subquery()
    may_see = sa.or_(view.c.person_id == me, view.c.shared)
    return (
        sa.select(
            one.c.moved,
            setting.c.columns,
            setting.c.keys_off,
            view.c.id,
            view.c.name,
            view.c.filters,
            view.c.columns.label("view_columns"),
            view.c.shared,
            view.c.person_id,
        )
        .select_from(one)
        .outerjoin(setting, setting.c.person_id == me)
        .outerjoin(view, sa.and_(view.c.organisation_id == centre, may_see))
        .order_by(view.c.name, view.c.id)
        .limit(MOST_VIEWS)
    )


def moved(viewer: Viewer) -> datetime | None:
    """When a case of the centre last moved."""
    viewer.need(Right.TRIAGE)
    query = sa.select(sa.func.max(_R.c.moved_at)).where(
        _R.c.to_organisation_id == viewer.organisation_id
    )
    found: datetime | None = db.session.connection().scalar(query)
    return found


def moved_since(viewer: Viewer, since: datetime, filters: Filters) -> int:
    """How many of the list's cases moved after a moment, counted to one more than MOST."""
    viewer.need(Right.TRIAGE)
    shape = Shape.of(filters, None, None, searched=False)
    some = sa.select(sa.literal(1)).where(*narrowed(shape), _R.c.moved_at > since).limit(MOST + 1)
    query = sa.select(sa.func.count()).select_from(some.subquery())
    return db.session.connection().scalar(query, given(viewer, filters)) or 0


@dataclass(frozen=True)
class Counts:
    """How many open cases stand behind each value of each filter; more than MOST are MOST + 1."""

    of: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    colleagues: tuple[tuple[str, str], ...] = ()  # id and name of who can take a case

    @property
    def large(self) -> bool:
        """Is some number too large to be counted?"""
        return any(number > MOST for values in self.of.values() for number in values.values())

    def get(self, name: str, value: str) -> int:
        """How many; 0 where the value is none of the filter's."""
        return self.of.get(name, {}).get(value, 0)


def counts(viewer: Viewer, moved: datetime | None, sites: Iterable[str]) -> Counts:
    """What stands behind the filters; one query, where something moved since it was last asked."""
    viewer.need(Right.TRIAGE)
    day = today_here(viewer)
    kept: dict[Any, tuple[Any, float, float, Counts]] = current_app.extensions.setdefault(
        "netreg_worklist_counts", {}
    )
    key, stamp = viewer.organisation_id, (moved, day)
    known = kept.get(key)
    begun = time.monotonic()
    if known:
        age = begun - known[1]
        if age < (KEPT_SECONDS if known[0] == stamp else known[2]):
            return known[3]
    if len(kept) > 500:
        kept.clear()
    found = _count(viewer, day, tuple(sites))
    # Where a centre has so many that steps follow on each other, counting takes a share of the
    # time that is bounded; elsewhere the page after a step shows the step.
    least = min(100 * (time.monotonic() - begun), 2.0) if found.large else 0.0
    kept[key] = (stamp, time.monotonic(), least, found)
    return found


def _count(viewer: Viewer, day: date, sites: tuple[str, ...]) -> Counts:
    of: dict[str, dict[str, int]] = {}
    people = []
    given = {"centre": viewer.organisation_id, "today": day, "day": today()}
    rows = db.session.connection().execute(_count_statement(sites), given)
    for name, value, label, number in rows:
        if label is not None:
            value = str(UUID(value))
            people.append((value, label))
        of.setdefault(name, {})[value] = number
    return Counts(of, tuple(sorted(people, key=lambda one: (one[1], one[0]))))


def _bounded(*where: sa.ColumnElement[bool]) -> Any:
    """How many rows fit, counted to one more than MOST."""
    some = (
        sa.select(sa.literal(1))
        .select_from(_R)
        .where(_R.c.to_organisation_id == sa.bindparam("centre", type_=sa.Uuid()), *where)
        .limit(MOST + 1)
    )
    return sa.select(sa.func.count()).select_from(some.subquery()).scalar_subquery()


@lru_cache(maxsize=8)
def _count_statement(sites: tuple[str, ...]) -> Any:
    live = _R.c.phase == rules.LIVE
    facets: list[tuple[str, str, Any]] = [
        ("state", state, _bounded(_R.c.state == state))
        for state, phase in rules.PHASE.items()
        if phase in (rules.LIVE, rules.ANSWERED)
    ]
    facets += [("site", one, _bounded(live, _R.c.site_group == one)) for one in (*sites, "")]
    facets += [
        ("grade", one, _bounded(live, _R.c.grade_group == one)) for one in rules.GRADE_GROUPS
    ]
    facets.append(("assignee", "none", _bounded(live, _R.c.assignee_id.is_(None))))
    facets.append(("overdue", "1", _overdue()))
    unseen = _R.c.look_due < sa.bindparam("today", type_=sa.Date())
    facets.append(("unseen", "1", _bounded(live, unseen)))
    parts = [
        sa.select(
            sa.literal_column(f"'{name}'").label("name"),
            sa.literal(value, sa.String()).label("value"),
            sa.cast(sa.null(), sa.String(200)).label("label"),
            number.label("number"),
        )
        for name, value, number in facets
    ]
    return sa.union_all(*parts, _colleagues())


def _overdue() -> Any:
    """Those overdue are one range within each urgency."""
    late = [_R.c.deadline < sa.bindparam("today", type_=sa.Date()), _R.c.clock == rules.RUNNING]
    ranks: Sequence[Any] = [
        _bounded(_R.c.phase == rules.LIVE, _R.c.urgency_rank == rank, *late)
        for rank in range(1, len(rules.URGENCIES) + 1)
    ]
    return sum(ranks[1:], ranks[0])


def _colleagues() -> Any:
    """Those who can take a case, and how many open ones each has."""
    person, member = table_of(Person), table_of(Membership)
    day = sa.bindparam("day", type_=sa.Date())
    here = (
        sa.select(person.c.id, person.c.name)
        .join(member, member.c.person_id == person.c.id)
        .where(
            member.c.organisation_id == sa.bindparam("centre", type_=sa.Uuid()),
            member.c.role.in_(sorted(role.value for role in takers())),
            member.c.from_date <= day,
            sa.or_(member.c.until_date.is_(None), member.c.until_date >= day),
            person.c.active,
        )
        .distinct()
        .limit(MOST_COLLEAGUES)
        .subquery()
    )
    some = (
        sa.select(sa.literal(1))
        .select_from(_R)
        .where(
            _R.c.to_organisation_id == sa.bindparam("centre", type_=sa.Uuid()),
            _R.c.phase == rules.LIVE,
            _R.c.assignee_id == here.c.id,
        )
        .limit(MOST + 1)
        .correlate(here)
    )
    number = sa.select(sa.func.count()).select_from(some.subquery()).scalar_subquery()
    return sa.select(
        sa.literal_column("'assignee'"), sa.cast(here.c.id, sa.String(36)), here.c.name, number
    )
