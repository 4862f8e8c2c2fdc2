"""What is done for a centre every working morning, so that nothing is overdue unseen.

The notices, and the row that says the centre was looked at today, are one transaction: killed in
the middle it is done again as a whole, and never twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry.access import Role
from registry.db import db, now, table_of
from registry.people import actions as people
from registry.people import queries as people_queries
from registry.people.models import REFERENCE_CENTRE, Organisation
from registry.referrals import queries, rules, targets
from registry.referrals.actions.telling import referring_each, watchers
from registry.referrals.models import InformationRequest, MorningLook, Referral
from registry.referrals.queries.days import answer_is_late
from registry.referrals.rules import Calendar, Pause


def due() -> list[UUID]:
    """The centres whose morning has come, on a day on which they work, and was not looked at."""
    at = now()
    looked_at = sa.select(MorningLook.organisation_id, MorningLook.day).where(
        MorningLook.day > at.date() - timedelta(days=3)
    )
    looked = {(row.organisation_id, row.day) for row in db.session.execute(looked_at)}
    centres = db.session.scalars(
        sa.select(Organisation)
        .where(Organisation.kind == REFERENCE_CENTRE, Organisation.active)
        .order_by(Organisation.id)
    ).all()
    found = []
    for centre in centres:
        day = rules.morning(at, centre.time_zone)
        if day is None or (centre.id, day) in looked:
            continue
        if queries.calendar_of(centre).is_working(day):
            found.append(centre.id)
    return found


def look(centre_id: UUID) -> None:
    """Tell a centre's people what is late or about to be, its lead what has been late for too
    long, and hospitals that an answer is late. Once a day, whoever asks. Its deadlines have been
    set before (`deadlines_to_set`)."""
    centre = people_queries.organisation_by_id(centre_id)
    day = rules.local_day(now(), centre.time_zone)
    if db.session.get(MorningLook, (centre_id, day)) is not None:
        return
    db.session.add(MorningLook(organisation_id=centre_id, day=day))
    db.session.flush()
    calendar = queries.calendar_of(centre)
    facts = _late(centre_id, calendar.add(day, rules.AHEAD))
    late_answers = _remind(centre_id, day)
    _tell_of_late(centre_id, facts, late_answers, day, calendar)
    _escalate(centre_id, facts, day, calendar)


def _late(centre_id: UUID, until: date) -> list[Any]:
    """What is late or about to be, as bare as it is needed for counting."""
    owed = sa.or_(
        Referral.look_due <= until,
        sa.and_(Referral.deadline <= until, Referral.clock == rules.RUNNING),
    )
    columns = (
        Referral.id, Referral.look_due, Referral.deadline, Referral.clock, Referral.urgency_rank,
        Referral.assignee_id, Referral.escalated_at,
    )  # fmt: skip
    query = sa.select(*columns).where(
        Referral.to_organisation_id == centre_id, Referral.phase == rules.LIVE, owed
    )
    return list(db.session.execute(query.order_by(Referral.id)))


def _due_of(row: Any) -> date:
    """The earliest of what the centre owes."""
    owed = [row.look_due] if row.look_due is not None else []
    if row.clock == rules.RUNNING:
        owed.append(row.deadline)
    return min(owed)  # type: ignore[no-any-return]


def _counted(rows: Iterable[Any], day: date, calendar: Calendar) -> Counter[str]:
    counts: Counter[str] = Counter()
    for row in rows:
        counts[rules.lateness(_due_of(row), day, calendar)] += 1
        if row.look_due is not None and row.look_due < day:
            counts["unseen"] += 1
    counts.pop("", None)
    return counts


def _tell_of_late(
    centre_id: UUID, rows: list[Any], late_answers: int, day: date, calendar: Calendar
) -> None:
    subject = ("late", centre_id)
    everybody = watchers(centre_id)
    counts = _counted(rows, day, calendar)
    if late_answers:
        counts["waiting"] = late_answers
    if counts:
        people.tell(everybody, "cases_late", subject=subject, numbers=counts)
    of_one: dict[UUID, list[Any]] = {}
    for row in rows:
        if row.assignee_id is not None and row.assignee_id not in everybody:
            of_one.setdefault(row.assignee_id, []).append(row)
    for person_id, own in sorted(of_one.items()):
        numbers = _counted(own, day, calendar)
        people.tell([person_id], "cases_late", subject=subject, numbers=numbers)


def _escalate(centre_id: UUID, rows: list[Any], day: date, calendar: Calendar) -> None:
    """Of what has been late for too long the lead is told, once a case."""
    wanted = [
        row.id
        for row in rows
        if row.escalated_at is None
        and rules.to_escalate(_due_of(row), day, rules.urgency_of(row.urgency_rank), calendar)
    ]
    if not wanted:
        return
    for start in range(0, len(wanted), 500):
        _write(wanted[start : start + 500], escalated_at=now())
    leads = [one.id for one in people_queries.members(centre_id, [Role.LEAD])]
    numbers = {"escalated": len(wanted)}
    told = leads or watchers(centre_id)
    people.tell(told, "cases_escalated", subject=("late", centre_id), numbers=numbers)


def _remind(centre_id: UUID, day: date) -> int:
    """Tell each hospital once that its answer is late; gives how many answers are."""
    query = (
        sa.select(InformationRequest, Referral)
        .join(Referral, Referral.id == InformationRequest.referral_id)
        .where(*answer_is_late(centre_id, day))
        .order_by(InformationRequest.id)
    )
    rows = db.session.execute(query).all()
    first = [(asked, referral) for asked, referral in rows if asked.reminded_at is None]
    told = referring_each([referral for _asked, referral in first])
    for (asked, referral), whom in zip(first, told, strict=True):
        asked.reminded_at = now()
        people.tell(whom, "information_late", subject=("referral", referral.id))
    return len(rows)


# -- deadlines ---------------------------------------------------------------------------------


def set_deadlines(centre_id: UUID) -> int:
    """Set the deadlines of a centre's open cases by its calendar and the targets in force. Gives
    how many changed. It is no step: what somebody has open is not out of date by it."""
    wanted = deadlines_to_set(centre_id, *working_days(centre_id), db.session.connection())
    set_some(wanted)
    return len(wanted)


def working_days(centre_id: UUID) -> tuple[str, Calendar]:
    """The time zone of a centre and the days on which it works."""
    centre = people_queries.organisation_by_id(centre_id)
    return centre.time_zone, queries.calendar_of(centre)


def deadlines_to_set(
    centre_id: UUID, zone: str, calendar: Calendar, connection: sa.Connection
) -> list[dict[str, Any]]:
    """The open cases of a centre whose deadlines are others than its calendar and the targets in
    force give, with these: for `set_some`. Only reads, and may take seconds at a large centre."""
    found = targets.in_force()
    one = table_of(Referral).c
    query = sa.select(
        one.id, one.version, one.clock_from, one.urgency_rank, one.paused_days,
        one.paused_working_days, one.decided_at, one.look_due, one.deadline, one.answer_due,
    ).where(
        one.to_organisation_id == centre_id,
        one.phase == rules.LIVE,
        one.clock_from.is_not(None),
    )  # fmt: skip
    wanted: list[dict[str, Any]] = []
    known: dict[tuple[Any, ...], tuple[date, date, date]] = {}
    for row in connection.execute(query.order_by(one.id)):
        start = rules.local_day(row.clock_from, zone)
        key = (start, row.urgency_rank, row.paused_days, row.paused_working_days)
        if key not in known:
            word, pause = rules.urgency_of(key[1]), Pause(key[2], key[3])
            known[key] = (
                rules.look_due(start, word, calendar, found),
                rules.decision_due(start, word, pause, calendar, found),
                rules.advice_due(start, word, pause, found),
            )
        look_by, decide_by, advise_by = known[key]
        look = look_by if row.look_due is not None else None
        due = advise_by if row.decided_at is not None else decide_by
        if (look, due, advise_by) != (row.look_due, row.deadline, row.answer_due):
            new = {"look": look_by, "due": due, "answer": advise_by}
            wanted.append({"row": row.id, "stands": row.version, **new})
    return wanted


def set_some(wanted: Sequence[dict[str, Any]]) -> None:
    """Set these deadlines, but not of a case with which a step was taken since: it set them."""
    if not wanted:
        return
    table = table_of(Referral)
    look = sa.bindparam("look", type_=sa.Date())
    change = (
        sa.update(table)
        .where(table.c.id == sa.bindparam("row"), table.c.version == sa.bindparam("stands"))
        .values(
            look_due=sa.case((table.c.look_due.is_not(None), look)),  # until somebody has looked
            deadline=sa.bindparam("due"),
            answer_due=sa.bindparam("answer"),
            escalated_at=None,
        )
    )
    db.session.connection().execute(change, wanted)


def _write(ids: list[UUID], **values: Any) -> None:
    db.session.execute(
        sa.update(Referral)
        .where(Referral.id.in_(ids))
        .values(**values)
        .execution_options(synchronize_session=False)
    )
