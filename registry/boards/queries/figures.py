"""What the boards of a centre add up to in a period. Few rows are read and added here, so that the
same rule counts for every figure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from statistics import median
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry.access import Right, Viewer
from registry.boards.models import (
    AgendaItem,
    AgendaNeed,
    Delivery,
    Implementation,
    Meeting,
    Recommendation,
)
from registry.boards.rules import agenda as agenda_rules
from registry.boards.rules import delivery as rules
from registry.boards.rules import meetings as meeting_rules
from registry.clinical import sites
from registry.course.models import Tumour
from registry.dates import PartialDate
from registry.db import db
from registry.referrals.models import Advice, Referral


@dataclass(frozen=True)
class Row:
    """One case of a meeting that was held, with what became of it."""

    meeting_id: UUID
    state: str
    deferred_for: str
    defects: int  # things that were asked for and not there when the meeting began
    site: str
    grade: str
    from_referral: int | None  # days to the board
    from_diagnosis: int | None
    signed: bool
    hours_to_sign: float | None
    changes: tuple[str, ...]
    against: bool
    sent: bool
    acknowledged: bool | None  # None: there is nobody who could
    told: bool
    outcome: str
    reason: str


@dataclass(frozen=True)
class Spread:
    """A time: how many it was known of, the middle one, and that under which 90 % lie."""

    known: int
    unknown: int
    middle: float | None
    ninety: float | None


@dataclass(frozen=True)
class Figures:
    """Everything the page of figures says."""

    meetings: int
    cases: int
    discussed: int
    deferred: int
    per_meeting: float | None
    not_ready: int
    from_referral: Spread
    from_diagnosis: Spread
    to_sign: Spread
    deferrals: Sequence[tuple[str, int]]
    changes: Sequence[tuple[str, int]]
    against: int
    signed: int
    sent: int
    to_acknowledge: int
    acknowledged: int
    told: int
    concordance: rules.Concordance


def rows(viewer: Viewer, since: date, until: date) -> list[Row]:
    """The cases of meetings that were held at the viewer's centre from `since` to `until`."""
    viewer.need(Right.PREPARE_BOARD)
    query = (
        sa.select(AgendaItem, Meeting, Referral)
        .join(Meeting, Meeting.id == AgendaItem.meeting_id)
        .outerjoin(Referral, Referral.id == AgendaItem.referral_id)
        .where(
            Meeting.organisation_id == viewer.organisation_id,
            Meeting.state == meeting_rules.HELD,
            AgendaItem.state != agenda_rules.REMOVED,
            Meeting.starts_at >= _moment(since),
            Meeting.starts_at < _moment(until) + _DAY,
        )
        .order_by(Meeting.starts_at, AgendaItem.place, AgendaItem.id)
    )
    found = db.session.execute(query).all()
    ids = [row[0].id for row in found]
    first, latest = _signed(ids)
    diagnosed = _diagnosed({row[0].patient_id for row in found})
    defects = _defects(ids)
    letters = _letters([one.id for one in latest.values()])
    followed = _followed([one.id for one in latest.values()])
    return [
        _row(item, meeting, referral, first, latest, diagnosed, defects, letters, followed)
        for item, meeting, referral in found
    ]


_DAY = timedelta(days=1)


def _moment(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _row(
    item: AgendaItem,
    meeting: Meeting,
    referral: Referral | None,
    first: dict[UUID, datetime],
    latest: dict[UUID, Recommendation],
    diagnosed: dict[UUID, PartialDate],
    defects: dict[UUID, int],
    letters: dict[UUID, dict[str, Any]],
    followed: dict[UUID, tuple[str, str]],
) -> Row:
    signed = latest.get(item.id)
    content: dict[str, Any] = (signed.content or {}) if signed else {}
    day = meeting.starts_at.date()
    sent = letters.get(signed.id, {}) if signed else {}
    outcome, reason = followed.get(signed.id, ("", "")) if signed else ("", "")
    case = content.get("case", {})
    place = sites.site(case.get("site", "")) if case.get("site") else None
    born = diagnosed.get(item.patient_id)
    return Row(
        meeting_id=meeting.id,
        state=item.state,
        deferred_for=item.deferred_for,
        defects=defects.get(item.id, 0),
        site=place.triage_group if place else (referral.site_group if referral else ""),
        grade=case.get("grade", "") or (referral.grade_category if referral else ""),
        from_referral=_days(referral.submitted_at, day) if referral else None,
        from_diagnosis=_since(born, day),
        signed=signed is not None,
        hours_to_sign=_hours(meeting, first.get(item.id)),
        changes=tuple(one["what"] for one in content.get("changes", ())),
        against=bool(content.get("against")),
        sent=bool(sent.get("sent")),
        acknowledged=sent.get("acknowledged"),
        told=bool(sent.get("told")),
        outcome=outcome,
        reason=reason,
    )


def _days(start: datetime | None, day: date) -> int | None:
    days = (day - start.date()).days if start else None
    return days if days is not None and days >= 0 else None


def _since(start: PartialDate | None, day: date) -> int | None:
    """Days from a full date; a partial one gives none: no day is made up."""
    days = start.days_to(PartialDate.of(day)) if start else None
    return days if days is not None and days >= 0 else None


def _hours(meeting: Meeting, signed: datetime | None) -> float | None:
    if signed is None:
        return None
    return max((signed - meeting.starts_at).total_seconds() / 3600, 0.0)


def _signed(ids: Sequence[UUID]) -> tuple[dict[UUID, datetime], dict[UUID, Recommendation]]:
    """When each case was first signed, and the version that holds."""
    query = (
        sa.select(Recommendation)
        .where(Recommendation.item_id.in_(ids), Recommendation.locked_at.is_not(None))
        .order_by(Recommendation.number)
    )
    first: dict[UUID, datetime] = {}
    latest: dict[UUID, Recommendation] = {}
    for one in db.session.scalars(query):
        if one.locked_at is not None:
            first.setdefault(one.item_id, one.locked_at)
        latest[one.item_id] = one
    return first, latest


def _diagnosed(ids: Iterable[UUID]) -> dict[UUID, PartialDate]:
    query = sa.select(Tumour.patient_id, Tumour.diagnosis_date).where(
        Tumour.patient_id.in_(list(ids)),
        Tumour.error_at.is_(None),
        Tumour.diagnosis_date.is_not(None),
    )
    found: dict[UUID, PartialDate] = {}
    for patient_id, day in db.session.execute(query):
        if day is not None and (patient_id not in found or day < found[patient_id]):
            found[patient_id] = day
    return found


def _defects(ids: Sequence[UUID]) -> dict[UUID, int]:
    query = (
        sa.select(AgendaNeed.item_id, sa.func.count())
        .join(AgendaItem, AgendaItem.id == AgendaNeed.item_id)
        .join(Meeting, Meeting.id == AgendaItem.meeting_id)
        .where(
            AgendaNeed.item_id.in_(ids),
            sa.or_(AgendaNeed.met_at.is_(None), AgendaNeed.met_at > Meeting.starts_at),
        )
        .group_by(AgendaNeed.item_id)
    )
    return {row[0]: row[1] for row in db.session.execute(query)}


def _letters(ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    query = (
        sa.select(Delivery, Advice.acknowledged_at)
        .outerjoin(Advice, Advice.id == Delivery.advice_id)
        .where(Delivery.recommendation_id.in_(ids))
    )
    found: dict[UUID, dict[str, Any]] = {}
    for one, acknowledged in db.session.execute(query):
        said = found.setdefault(one.recommendation_id, {})
        if one.recipient == rules.REFERRER:
            said["sent"] = one.sent_at is not None
            said["acknowledged"] = acknowledged is not None
        elif one.recipient == rules.PATIENT:
            said["told"] = one.told_at is not None
    return found


def _followed(ids: Sequence[UUID]) -> dict[UUID, tuple[str, str]]:
    query = (
        sa.select(Implementation)
        .where(Implementation.recommendation_id.in_(ids))
        .order_by(Implementation.at, Implementation.id)
    )
    return {one.recommendation_id: (one.outcome, one.reason) for one in db.session.scalars(query)}


# -- adding up ---------------------------------------------------------------------------------


def spread(values: Iterable[float | None]) -> Spread:
    """The middle and the 90th centile (nearest rank); what is not known is counted apart."""
    all_ = list(values)
    known = sorted(one for one in all_ if one is not None)
    if not known:
        return Spread(0, len(all_), None, None)
    rank = max(-(-90 * len(known) // 100) - 1, 0)
    return Spread(len(known), len(all_) - len(known), float(median(known)), float(known[rank]))


def figures(found: Sequence[Row]) -> Figures:
    """The figures of some cases."""
    meetings = len({one.meeting_id for one in found})
    signed = [one for one in found if one.signed]
    asked = [one for one in signed if one.acknowledged is not None]
    deferrals = Counter(one.deferred_for for one in found if one.deferred_for)
    changes = Counter(what for one in signed for what in one.changes)
    return Figures(
        meetings=meetings,
        cases=len(found),
        discussed=sum(one.state == agenda_rules.DISCUSSED for one in found),
        deferred=sum(one.state == agenda_rules.DEFERRED for one in found),
        per_meeting=round(len(found) / meetings, 1) if meetings else None,
        not_ready=sum(bool(one.defects) for one in found),
        from_referral=spread(one.from_referral for one in found if _was_referred(one)),
        from_diagnosis=spread(one.from_diagnosis for one in found),
        to_sign=spread(one.hours_to_sign for one in signed),
        deferrals=deferrals.most_common(),
        changes=changes.most_common(),
        against=sum(one.against for one in signed),
        signed=len(signed),
        sent=sum(one.sent for one in asked),
        to_acknowledge=len(asked),
        acknowledged=sum(bool(one.acknowledged) for one in asked),
        told=sum(one.told for one in signed),
        concordance=rules.concordance((o.outcome, o.reason) for o in signed if o.outcome),
    )


def _was_referred(one: Row) -> bool:
    return one.from_referral is not None or one.acknowledged is not None


def grouped(found: Sequence[Row], by: Callable[[Row], str]) -> list[tuple[str, Figures]]:
    """The figures by site or grade, the largest group first."""
    groups: dict[str, list[Row]] = {}
    for one in found:
        groups.setdefault(by(one), []).append(one)
    order = sorted(groups.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    return [(name, figures(some)) for name, some in order]
