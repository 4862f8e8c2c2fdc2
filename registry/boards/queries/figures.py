"""The cases of boards in a period, to be added up: of one's centre, or of the whole network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
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
from registry.boards.rules.figures import Row
from registry.clinical import sites
from registry.course.models import Tumour
from registry.dates import PartialDate
from registry.db import db
from registry.people.models import Organisation
from registry.referrals.models import Advice, Referral

#: The latest cases of a period, if there are more: the page says so.
MOST = 5000


@dataclass(frozen=True)
class Period:
    """The cases of a period, and whether there are more than are read."""

    rows: list[Row]
    more: bool


def is_everywhere(viewer: Viewer) -> bool:
    """Does the viewer look at the whole network, and at no case?"""
    return viewer.may(Right.WAITING_TIMES_OF_ALL) and not viewer.may(Right.PREPARE_BOARD)


def period(viewer: Viewer, since: date, until: date) -> Period:
    """The cases of meetings that were held from `since` to `until`: at the viewer's centre, or
    everywhere to who coordinates the network. No identity is read."""
    viewer.need(Right.BOARD_FIGURES)
    query = (
        sa.select(AgendaItem, Meeting, Referral, Organisation.name)
        .join(Meeting, Meeting.id == AgendaItem.meeting_id)
        .join(Organisation, Organisation.id == Meeting.organisation_id)
        .outerjoin(Referral, Referral.id == AgendaItem.referral_id)
        .where(
            Meeting.state == meeting_rules.HELD,
            AgendaItem.state != agenda_rules.REMOVED,
            Meeting.starts_at >= _moment(since),
            Meeting.starts_at < _moment(until) + _DAY,
        )
        .order_by(Meeting.starts_at.desc(), AgendaItem.place, AgendaItem.id)
        .limit(MOST + 1)
    )
    if not is_everywhere(viewer):
        query = query.where(Meeting.organisation_id == viewer.organisation_id)
    found = db.session.execute(query).all()
    more, found = len(found) > MOST, found[:MOST]
    ids = [row[0].id for row in found]
    first, latest = _signed(ids)
    diagnosed = _diagnosed({row[0].patient_id for row in found})
    defects = _defects(ids)
    signed_ids = [one.id for one in latest.values()]
    letters, followed = _letters(signed_ids), _followed(signed_ids)
    rows = [
        _row(item, meeting, referral, centre, first, latest, diagnosed, defects, letters, followed)
        for item, meeting, referral, centre in found
    ]
    return Period(rows, more)


_DAY = timedelta(days=1)


def _moment(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _row(
    item: AgendaItem,
    meeting: Meeting,
    referral: Referral | None,
    centre: str,
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
        centre=centre,
        state=item.state,
        deferred_for=item.deferred_for,
        defects=defects.get(item.id, 0),
        site=place.triage_group if place else (referral.site_group if referral else ""),
        grade=case.get("grade", "") or (referral.grade_category if referral else ""),
        is_referred=referral is not None,
        from_referral=_days(referral.submitted_at, day) if referral else None,
        from_diagnosis=_since(born, day),
        signed=signed is not None,
        hours_to_sign=_hours(meeting, first.get(item.id)),
        changes=tuple(one["what"] for one in content.get("changes", ())),
        plan=content.get("plan", ""),
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
