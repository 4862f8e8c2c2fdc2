"""What happened to the referrals of a period, for the figures of waiting times.

No identity is read. Who coordinates the network sees every centre; others see the referrals to and
from their own organisation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry.access import Right, Viewer
from registry.clinical.urgency import Targets
from registry.db import Moment, db, now, table_of
from registry.people.models import Organisation
from registry.referrals import rules, targets
from registry.referrals.models import Referral, ReferralEvent
from registry.referrals.queries.days import closed_days
from registry.referrals.rules import Calendar
from registry.referrals.rules.waiting import Way

#: The latest referrals of a period, if there are more: the page says so.
MOST = 20_000
_R, _E = table_of(Referral), table_of(ReferralEvent)
_ENDED_WITHOUT = (rules.DECLINED, rules.WITHDRAWN, rules.CLOSED)


@dataclass(frozen=True)
class Period:
    """The ways of a period, and whether there are more than are read."""

    ways: list[Way]
    more: bool


def waiting_times(viewer: Viewer, first: date, last: date) -> Period:
    """Every referral sent from the first to the last day, in UTC; one query, and the
    closed days of each centre."""
    viewer.need(Right.WAITING_TIMES)
    rows = db.session.connection().execute(_statement(viewer, first, last)).all()
    calendars: dict[UUID, Calendar] = {}
    for row in rows:
        if row.centre_id not in calendars:
            calendars[row.centre_id] = Calendar(row.centre_country, closed_days(row.centre_id))
    found = targets.in_force()
    ways = [_way(row, calendars[row.centre_id], found) for row in rows[:MOST]]
    return Period(ways, len(rows) > MOST)


def _statement(viewer: Viewer, first: date, last: date) -> sa.Select[Any]:
    centre, hospital = table_of(Organisation).alias(), table_of(Organisation).alias()
    wanted = (
        sa.select(_R.c.id)
        .where(
            _R.c.submitted_at >= _midnight(first),
            _R.c.submitted_at < _midnight(last + timedelta(days=1)),
            _of_concern(viewer),
        )
        .order_by(_R.c.submitted_at.desc(), _R.c.id)
        .limit(MOST + 1)
        .subquery()
    )
    acts = (
        sa.select(
            _E.c.referral_id,
            _first("accept").label("accepted"),
            _first("list_for_board").label("listed"),
            _first("discussed").label("board"),
            _first("acknowledge").label("acknowledged"),
            sa.func.max(sa.case((_E.c.step.in_(["submit", "give_information"]), _E.c.at))).label(
                "completed"
            ),
            sa.func.min(sa.case((_E.c.organisation_id == _R.c.to_organisation_id, _E.c.at))).label(
                "looked"
            ),
        )
        .join(wanted, wanted.c.id == _E.c.referral_id)
        .join(_R, _R.c.id == _E.c.referral_id)
        .group_by(_E.c.referral_id)
        .subquery()
    )
    return (
        sa.select(
            _R.c.submitted_at, _R.c.state, _R.c.advised_at, _R.c.decided_at, _R.c.ended_at,
            _R.c.urgency_rank, _R.c.paused_days, _R.c.paused_working_days, _R.c.grade_group,
            _R.c.site_group, _R.c.clock_from, _R.c.first_look_at, _R.c.complete_at, _R.c.listed_at,
            centre.c.id.label("centre_id"), centre.c.name.label("centre"), centre.c.time_zone,
            centre.c.country.label("centre_country"),
            hospital.c.name.label("hospital"), hospital.c.region, hospital.c.country,
            *(sa.type_coerce(acts.c[name], Moment()).label(name)
              for name in ("accepted", "listed", "board", "acknowledged", "completed", "looked")),
        )
        .select_from(wanted)
        .join(_R, _R.c.id == wanted.c.id)
        .join(centre, centre.c.id == _R.c.to_organisation_id)
        .join(hospital, hospital.c.id == _R.c.from_organisation_id)
        .outerjoin(acts, acts.c.referral_id == _R.c.id)
        .order_by(_R.c.submitted_at.desc(), _R.c.id)
    )  # fmt: skip


def _first(step: str) -> Any:
    return sa.func.min(sa.case((_E.c.step == step, _E.c.at)))


def _midnight(day: date) -> Any:
    return sa.literal(datetime.combine(day, time(), UTC), Moment())


def _of_concern(viewer: Viewer) -> sa.ColumnElement[bool]:
    if viewer.may(Right.WAITING_TIMES_OF_ALL):
        return sa.true()
    here = viewer.organisation_id
    return sa.or_(_R.c.to_organisation_id == here, _R.c.from_organisation_id == here)


def _way(row: Any, calendar: Calendar, found: Targets) -> Way:
    reached = _reached(row)
    zone = row.time_zone
    start = rules.local_day(row.clock_from or row.submitted_at, zone)
    answer = rules.urgency_of(row.urgency_rank)
    pause = rules.Pause(row.paused_days, row.paused_working_days)
    return Way(
        groups={
            "centre": row.centre,
            "hospital": row.hospital,
            "region": " · ".join(part for part in (row.country, row.region) if part),
            "grade": row.grade_group or "open",
            "site": row.site_group,
        },
        sent=row.submitted_at,
        reached=reached,
        over=row.state in _ENDED_WITHOUT,
        due={
            "look": rules.look_due(start, answer, calendar, found),
            "accepted": rules.decision_due(start, answer, pause, calendar, found),
            "advice": rules.advice_due(start, answer, pause, found),
        },
        days={name: rules.local_day(at, zone) for name, at in reached.items()},
        stopped_days=row.paused_days,
    )


def _reached(row: Any) -> Mapping[str, datetime]:
    """When the case reached each step. It is complete when nothing was missing any more, or with
    what was sent last before the centre accepted it as it was; whoever took a step had looked. Of a
    case that was passed on the look is that of the centre which has it now."""
    enough = None
    if row.accepted:
        in_time = row.completed and row.completed <= row.accepted
        enough = row.completed if in_time else row.submitted_at
    moved = row.clock_from is not None and row.clock_from > row.submitted_at
    seen = (row.looked,) if moved else (row.first_look_at, row.looked)
    looks = [at for at in seen if at is not None]
    found = {
        "look": min(looks, default=None),
        "complete": min((at for at in (row.complete_at, enough) if at is not None), default=None),
        "accepted": row.accepted,
        "listed": row.listed_at or row.listed,
        "board": row.board,
        "advice": row.advised_at,
        "acknowledged": row.acknowledged,
    }
    return {name: at for name, at in found.items() if at is not None}


def years(viewer: Viewer) -> list[int]:
    """The years one can ask for, the latest first."""
    viewer.need(Right.WAITING_TIMES)
    query = sa.select(sa.func.min(_R.c.submitted_at)).where(_R.c.submitted_at.is_not(None))
    first = db.session.connection().scalar(query)
    this = now().year
    return list(range(this, max(first.year if first else this, this - 20) - 1, -1))
