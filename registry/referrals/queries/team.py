"""The team of a centre: who has how many cases, how old the oldest is, and who is away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa

from registry.access import Right, Viewer
from registry.db import db, table_of
from registry.people import queries as people
from registry.referrals import rules
from registry.referrals.models import Referral
from registry.referrals.queries.centre_counts import MOST
from registry.referrals.queries.centre_list import colleagues, takers, today_here

_R = table_of(Referral)


@dataclass(frozen=True)
class Load:
    """What one colleague has, or nobody: more than MOST are not counted further."""

    person_id: UUID | None
    name: str
    open: int
    urgent: int
    late: int
    next_due: date | None
    oldest: datetime | None  # of the open ones counted
    covers: tuple[str, ...]  # who sits in, where the person is away
    gone: bool = False  # cannot take a case here any more


def team(viewer: Viewer) -> list[Load]:
    """Who has what; those nobody has come first, what people left who are gone comes last. Five
    queries, and one small one a person."""
    viewer.need(Right.TRIAGE)
    members = list(colleagues(viewer))
    away = people.who_covers(one.id for one in members)
    names = people.person_names([one for ids in away.values() for one in ids])
    loads = [_load(viewer, None, "", ())]
    for one in members:
        covers = tuple(names[cover] for cover in away.get(one.id, ()) if cover in names)
        loads.append(_load(viewer, one.id, one.name, covers))
    if viewer.organisation_id is not None:
        left = people.former_members(viewer.organisation_id, takers())
        found = [_load(viewer, one.id, one.name, (), gone=True) for one in left]
        loads += [one for one in found if one.open]
    return loads


def _load(
    viewer: Viewer,
    person_id: UUID | None,
    name: str,
    covers: tuple[str, ...],
    *,
    gone: bool = False,
) -> Load:
    theirs = _R.c.assignee_id == person_id if person_id else _R.c.assignee_id.is_(None)
    some = (
        sa.select(_R.c.urgency_rank, _R.c.deadline, _R.c.look_due, _R.c.clock, _R.c.submitted_at)
        .where(_R.c.to_organisation_id == viewer.organisation_id, _R.c.phase == rules.LIVE, theirs)
        .order_by(_R.c.urgency_rank, _R.c.deadline, _R.c.id)
        .limit(MOST + 1)
        .subquery()
    )
    # What is owed next: until somebody has looked, the look; nothing while the clock stands still.
    running = sa.case((some.c.clock == rules.RUNNING, some.c.deadline))
    owed = sa.case(
        (sa.or_(running.is_(None), some.c.look_due < running), some.c.look_due), else_=running
    )
    query = sa.select(
        sa.func.count(),
        sa.func.count(sa.case((some.c.urgency_rank == 1, 1))),
        sa.func.count(sa.case((owed < today_here(viewer), 1))),
        sa.func.min(owed),
        sa.func.min(some.c.submitted_at),
    ).select_from(some)
    number, urgent, overdue, due, oldest = db.session.execute(query).one()
    return Load(person_id, name, number, urgent, overdue, due, oldest, covers, gone)
