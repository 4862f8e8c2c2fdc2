"""The rows of the worklist in words: ready for the page, the paper and the file.

A page says the same few words again and again; each is put together once.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from flask import url_for
from flask_babel import get_locale, ngettext

from registry import codes
from registry.clinical import sites, urgency
from registry.clinical.results import Reason
from registry.course import wording
from registry.language import gettext as _
from registry.referrals import rules
from registry.referrals.queries import WorkRow
from registry.referrals.views.lists import day


class Shown(NamedTuple):
    """A row of the worklist in words."""

    row: WorkRow
    url: str
    mark: str  # how the row is marked: overdue, urgent, soon or nothing
    why: str  # one reason for the urgency; empty for a routine case
    deadline: str
    left: str
    left_kind: str  # late, due or under
    look: str  # how late the first look is; empty where it is not
    site: str
    grade: str
    stage: str
    syndrome: str
    question: str
    about: str  # pseudonym and age
    waiting: str
    missing: str


class Words:
    """Puts rows in words on a day, each word once."""

    def __init__(self, today: date) -> None:
        self._today = today
        self._language = str(get_locale() or "en")
        self._kept: dict[Hashable, Any] = {}
        pattern = url_for("referrals.case", referral_id=UUID(int=0))
        self._before, _mark, self._after = pattern.partition(str(UUID(int=0)))

    def _once(self, say: Callable[..., Any], *about: Any) -> Any:
        key = (say, *about)
        try:
            return self._kept[key]
        except KeyError:
            found = self._kept[key] = say(*about)
            return found

    def shown(self, rows: Sequence[WorkRow]) -> list[Shown]:
        """The rows in words."""
        return [self._shown(row) for row in rows]

    def _shown(self, row: WorkRow) -> Shown:
        days = row.days_left(self._today)
        unseen = (self._today - row.look_due).days if row.look_due and not row.is_answered else 0
        late = unseen > 0 or (days is not None and days < 0)
        left, kind = self._once(_left, days, row.clock, row.advised_at is not None)
        missing = row.missing_count if row.state in _UNDECIDED else 0
        age = row.age(self._today)
        about = row.identity.pseudonym
        return Shown(
            row=row,
            url=f"{self._before}{row.id}{self._after}",
            mark="overdue" if late else row.urgency if row.urgency != urgency.ROUTINE else "",
            why=_why(row),
            deadline=_day(row.deadline, self._language),
            left=left,
            left_kind=kind,
            look=self._once(_unseen, max(unseen, 0)),
            site=self._once(site_name, row.primary_site),
            grade=self._once(codes.label, "grade_category", row.grade_category),
            stage=self._once(codes.label, "stage_group", row.stage),
            syndrome=self._once(_syndrome, row.syndrome),
            question=self._once(codes.label, "question", row.question),
            about=f"{about} · {self._once(_age, age)}" if age else about,
            waiting=self._once(_days, row.waiting_days),
            missing=self._once(_missing, missing),
        )


@lru_cache(maxsize=1_000)
def _day(when: date, language: str) -> str:
    """A day in words, in this language: lists speak of the same few weeks again and again."""
    return day(when)


_UNDECIDED = (rules.SUBMITTED, rules.INFORMATION_REQUESTED)


def _left(days: int | None, clock: str, advised: bool) -> tuple[str, str]:
    """How long there is until the deadline, and how it is shown."""
    if clock == rules.STOPPED:
        return _("clock stopped"), "under"
    if days is None:
        return (_("answered") if advised else _("ended")), "under"
    if days < 0:
        return ngettext("%(num)s day late", "%(num)s days late", -days), "late"
    if days == 0:
        return _("today"), "due"
    return ngettext("%(num)s day left", "%(num)s days left", days), "under"


def _unseen(days: int) -> str:
    text = ngettext("first look %(num)s day late", "first look %(num)s days late", days)
    return str(text) if days else ""


def _age(age: str) -> str:
    return str(_("%(age)s years", age=age))


def _days(days: int) -> str:
    return str(ngettext("%(num)s day", "%(num)s days", days))


def _missing(number: int) -> str:
    return str(ngettext("%(num)s item missing", "%(num)s items missing", number)) if number else ""


def _syndrome(syndrome: str) -> str:
    return codes.label("functioning_syndrome", "" if syndrome == "none" else syndrome)


def _why(row: WorkRow) -> str:
    """What makes a case urgent or soon; one reason is enough."""
    if not row.urgency_derived or row.urgency == urgency.ROUTINE:
        return ""
    reasons = row.urgency_derived["reasons"]
    stated_decides = urgency.RANK[row.urgency_derived["answer"]] > row.urgency_rank
    deciding = reasons[-1] if stated_decides else reasons[0]
    return wording.reason(Reason(deciding["template"], deciding.get("values") or {}))


def site_name(topography: str) -> str:
    """A primary site in words; a code outside the list as stated."""
    place = sites.site(topography) if topography else None
    return codes.label("topography", place.topography if place else topography)
