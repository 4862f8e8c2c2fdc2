"""Meetings: their states, dates, disciplines and quorum, and when a guest may look."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from registry.language import lazy_gettext as _l

MEETING, WRITTEN = "meeting", "written"
KINDS = {MEETING: _l("Meeting"), WRITTEN: _l("Written consultation")}

PLANNED, UNDER_WAY, HELD, CANCELLED = "planned", "under_way", "held", "cancelled"
STATES = {
    PLANNED: _l("Planned"),
    UNDER_WAY: _l("Under way"),
    HELD: _l("Held"),
    CANCELLED: _l("Cancelled"),
}

COORDINATION = "coordination"
DISCIPLINES = {
    "endocrinology": _l("Endocrinology"),
    "gastroenterology": _l("Gastroenterology"),
    "oncology": _l("Oncology"),
    "surgery": _l("Surgery"),
    "radiology": _l("Radiology"),
    "nuclear_medicine": _l("Nuclear medicine"),
    "pathology": _l("Pathology"),
    "pulmonology": _l("Lung medicine"),
    "interventional": _l("Interventional radiology"),
    "radiotherapy": _l("Radiotherapy"),
    "genetics": _l("Clinical genetics"),
    "nursing": _l("Specialist nursing"),
    COORDINATION: _l("Coordination"),
    "other": _l("Other"),
}

#: One of these is enough where the physician who leads the case is wanted (standards §5).
PHYSICIAN = "physician"
PHYSICIANS = frozenset({"endocrinology", "gastroenterology", "oncology"})

#: What a quorum can ask for.
QUORUM = {
    PHYSICIAN: _l("Endocrinology, gastroenterology or oncology"),
    **{code: label for code, label in DISCIPLINES.items() if code != COORDINATION},
}
USUAL_QUORUM = (PHYSICIAN, "surgery", "radiology", "nuclear_medicine", "pathology")

#: What somebody who is consulted in writing can answer.
CHOICES = {
    "agree": _l("I agree"),
    "agree_but": _l("I agree, with a remark"),
    "disagree": _l("I disagree"),
    "abstain": _l("I cannot say"),
}

#: Who is consulted in writing and has not answered is reminded so long before the end.
REMIND_BEFORE = timedelta(days=1)

#: A meeting that nobody closes is taken to be over so long after its end.
LONGEST_OVERRUN = timedelta(hours=2)

#: How many dates of a series stand in the calendar ahead.
AHEAD = timedelta(weeks=13)


@dataclass(frozen=True)
class Presence:
    """Somebody who was there, from when until when."""

    discipline: str
    arrived_at: datetime
    left_at: datetime | None = None

    def at(self, moment: datetime) -> bool:
        """Were they there at that moment?"""
        return self.arrived_at <= moment and (self.left_at is None or moment < self.left_at)

    def during(self, start: datetime, end: datetime) -> bool:
        """Were they there at some time from `start` to `end`?"""
        return self.arrived_at <= end and (self.left_at is None or start < self.left_at)


def absent_disciplines(quorum: Iterable[str], there: Iterable[str]) -> list[str]:
    """What a quorum asks for and is not there, in its order."""
    present = set(there)
    if present & PHYSICIANS:
        present.add(PHYSICIAN)
    return [one for one in quorum if one not in present]


def reached_at(quorum: Sequence[str], presences: Sequence[Presence]) -> datetime | None:
    """When the quorum was reached first; None while it was not."""
    for moment in sorted(one.arrived_at for one in presences):
        there = [one.discipline for one in presences if one.at(moment)]
        if not absent_disciplines(quorum, there):
            return moment
    return None


def is_open_to_guests(state: str, starts_at: datetime, ends_at: datetime, moment: datetime) -> bool:
    """May a guest look now? From the start to the end as planned; a meeting that was closed or
    cancelled is over."""
    return state in (PLANNED, UNDER_WAY) and starts_at <= moment < ends_at


def is_in_session(kind: str, state: str, ends_at: datetime, moment: datetime) -> bool:
    """Do people sit together now? One that nobody closed is over some time after its end."""
    return kind == MEETING and state == UNDER_WAY and moment < ends_at + LONGEST_OVERRUN


def moment_of(day: date, clock: str, zone: str) -> datetime:
    """A day and a time such as 08:30 in a time zone, as a moment. Raises ValueError."""
    hours, minutes = (int(part) for part in clock.split(":"))
    return datetime.combine(day, time(hours, minutes), ZoneInfo(zone)).astimezone(UTC)


def dates_of(weekday: int, every_weeks: int, first: date, until: date) -> list[date]:
    """The days of a series from `first` on until `until`, both included."""
    if every_weeks < 1:
        return []
    day = first + timedelta(days=(weekday - first.weekday()) % 7)
    found = []
    while day <= until:
        found.append(day)
        day += timedelta(weeks=every_weeks)
    return found


def remind_at(starts_at: datetime, ends_at: datetime) -> datetime:
    """When those who have not answered a written consultation are reminded: a day before its end;
    of one that is shorter than two days, half-way."""
    return ends_at - min(REMIND_BEFORE, (ends_at - starts_at) / 2)
