"""Forms of boards, meetings and agendas."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from registry.boards.rules import agenda as agenda_rules
from registry.boards.rules import meetings as rules
from registry.dates import PartialDate, today
from registry.forms import (
    Choice,
    Choices,
    CodeField,
    HouseForm,
    Link,
    LongText,
    Number,
    Option,
    PartialDateField,
    Text,
    yes_no,
)
from registry.language import gettext as _
from registry.language import lazy_gettext as _l
from registry.people.forms.account import SearchedChoice
from registry.referrals import rules as referral_rules

_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):[0-5][0-9]")
WEEKDAYS = (
    _l("Monday"), _l("Tuesday"), _l("Wednesday"), _l("Thursday"), _l("Friday"), _l("Saturday"),
    _l("Sunday"),
)  # fmt: skip
SERIES = {
    "0": _l("Single dates only"),
    "1": _l("Every week"),
    "2": _l("Every second week"),
    "4": _l("Every fourth week"),
}


def _clock(text: str) -> str | None:
    return None if _CLOCK.fullmatch(text) else _("Enter a time such as 08:30.")


#: How far ahead a meeting can be planned.
_FURTHEST = timedelta(days=2 * 366)


def _ahead(day: PartialDate) -> str | None:
    """Yesterday still goes: it may be the day before elsewhere, and a meeting may last."""
    if day.latest < today() - timedelta(days=1):
        return str(_("This day is over."))
    if day.earliest > today() + _FURTHEST:
        return str(_("Enter a day of the next two years."))
    return None


def _zones() -> list[Option]:
    named = sorted(zone for zone in available_timezones() if "/" in zone and zone[:4] != "Etc/")
    return [Option(zone, zone) for zone in ["UTC", *named]]


def _weekdays() -> list[Option]:
    return [Option(str(number), day) for number, day in enumerate(WEEKDAYS)]


def _labelled(words: dict[str, Any]) -> list[Option]:
    return [Option(code, label) for code, label in words.items()]


def disciplines() -> list[Option]:
    """The disciplines of a board."""
    return _labelled(rules.DISCIPLINES)


def _number(label: Any, low: int, high: int, needed: Any, unit: Any = "", help: Any = "") -> Number:
    return Number(
        label, whole=True, possible=(Decimal(low), Decimal(high)), needed=needed, unit=unit,
        help=help, width=4,
    )  # fmt: skip


class BoardForm(HouseForm):
    """What the meetings of a board have in common."""

    name = Text(_l("Name of the board"), longest=120, needed=_l("Enter the name."))
    cross_centre = Choice(
        _l("Do members of other centres sit on it?"),
        help=_l("They see the cases of each meeting while it lasts."),
        options=yes_no,
        needed=_l("Choose yes or no."),
    )
    every_weeks = Choice(
        _l("When does it meet?"),
        options=lambda: _labelled(SERIES),
        needed=_l("Choose how often it meets."),
    )
    weekday = Choice(_l("Day of the week"), options=_weekdays, needed=_l("Choose the day."))
    starts = Text(
        _l("Begins at"), help=_l("Such as 08:30"), width=5, check=_clock,
        needed=_l("Enter when it begins."),
    )  # fmt: skip
    minutes = _number(_l("Lasts"), 5, 600, _l("Enter how long it lasts."), _l("minutes"))
    time_zone = SearchedChoice(_l("Time zone"), options=_zones, needed=_l("Choose the time zone."))
    capacity = _number(_l("Cases a meeting"), 1, 60, _l("Enter how many cases fit."))
    cutoff_hours = _number(
        _l("Cut-off"), 0, 336, _l("Enter the cut-off."), _l("hours before"),
        _l("After it a case is put on only with a reason."),
    )  # fmt: skip
    quorum = Choices(
        _l("Needed for a quorum"),
        help=_l("Without them the page of the meeting says what is missing."),
        options=lambda: _labelled(rules.QUORUM),
    )
    two_signatures = Choice(
        _l("Is a second signature wanted?"), options=yes_no, needed=_l("Choose yes or no.")
    )
    video_link = Link(_l("Link of the video meeting"), longest=500)
    active = Choice(_l("Does it still meet?"), options=yes_no, needed=_l("Choose yes or no."))

    def told(self) -> dict[str, Any]:
        """The facts of a board, for the action."""
        return {
            "name": self.name.data,
            "cross_centre": self.cross_centre.data == "yes",
            "every_weeks": int(self.every_weeks.data),
            "weekday": int(self.weekday.data),
            "starts": self.starts.data.zfill(5),
            "minutes": int(self.minutes.data),
            "time_zone": self.time_zone.data,
            "capacity": int(self.capacity.data),
            "cutoff_hours": int(self.cutoff_hours.data),
            "quorum": self.quorum.data,
            "two_signatures": self.two_signatures.data == "yes",
            "video_link": self.video_link.data or "",
            "active": self.active.data == "yes",
        }


def stored_board(found: Any) -> dict[str, Any]:
    """A board as its form shows it."""

    def said(value: bool) -> str:
        return "yes" if value else "no"

    return {
        "name": found.name,
        "cross_centre": said(found.cross_centre),
        "every_weeks": str(found.every_weeks),
        "weekday": str(found.weekday),
        "starts": found.starts,
        "minutes": Decimal(found.minutes),
        "time_zone": found.time_zone,
        "capacity": Decimal(found.capacity),
        "cutoff_hours": Decimal(found.cutoff_hours),
        "quorum": list(found.quorum),
        "two_signatures": said(found.two_signatures),
        "video_link": found.video_link,
        "active": said(found.active),
    }


class MeetingForm(HouseForm):
    """A single date, or another date for a meeting."""

    day = PartialDateField(
        _l("Day"), future=True, whole=True, needed=_l("Enter the day of the meeting."),
        check=_ahead,
    )  # fmt: skip
    starts = Text(
        _l("Begins at"), help=_l("Such as 08:30"), width=5, check=_clock,
        needed=_l("Enter when it begins."),
    )  # fmt: skip
    minutes = _number(_l("Lasts"), 5, 600, _l("Enter how long it lasts."), _l("minutes"))
    capacity = _number(_l("Cases a meeting"), 1, 60, _l("Enter how many cases fit."))
    video_link = Link(_l("Link of the video meeting"), longest=500)

    def moment(self, zone: str) -> datetime:
        """When it begins, in a time zone."""
        return rules.moment_of(self.day.data.earliest, self.starts.data, zone)


class WrittenForm(HouseForm):
    """A written consultation: until when answers are asked for."""

    day = PartialDateField(
        _l("Answers until"), future=True, whole=True, needed=_l("Enter the day it ends."),
        check=_ahead,
    )  # fmt: skip


class SeatForm(HouseForm):
    """Somebody and the discipline they sit for."""

    person = SearchedChoice(_l("Who"), options=(), needed=_l("Choose the person."))
    discipline = Choice(_l("Discipline"), options=disciplines, needed=_l("Choose the discipline."))


def offer_people(form: SeatForm, found: Sequence[tuple[Any, str]]) -> None:
    """Put people into the choice, with where they work."""
    form.person._options = [
        Option(str(person.id), f"{person.name}, {place}") for person, place in found
    ]


class CaseForm(HouseForm):
    """What is asked about a case, and what is looked at."""

    question = CodeField(_l("Question to the board"), codes="question")
    question_text = LongText(_l("The question in words"), longest=2000)
    presenter = SearchedChoice(_l("Who presents it"), options=())
    images_link = Link(_l("Link to the images"), longest=500)
    pathology_link = Link(_l("Link to the slides"), longest=500)


def offer_presenters(form: CaseForm, found: Iterable[tuple[Any, str]]) -> None:
    """Put those who are expected into the choice."""
    form.presenter._options = [Option(str(person_id), name) for person_id, name in found]


class NeedForm(HouseForm):
    """Something the board needs, and who is asked."""

    what = Text(_l("What is needed"), longest=300, needed=_l("Say what is needed."))
    person = Choice(_l("Who is asked"), options=())
    asked_of = Text(_l("Or somebody without an account"), longest=120)


class DeferForm(HouseForm):
    """Why a case is put off."""

    reason = Choice(
        _l("Why"), options=lambda: _labelled(agenda_rules.DEFERRALS),
        needed=_l("Choose the reason."),
    )  # fmt: skip
    text = Text(_l("In words"), longest=500)


def stored_meeting(found: Any) -> dict[str, Any]:
    """A meeting as its form shows it."""
    zone = found.board.time_zone
    there = found.starts_at.astimezone(ZoneInfo(zone))
    return {
        "day": PartialDate.of(referral_rules.local_day(found.starts_at, zone)),
        "starts": f"{there:%H:%M}",
        "minutes": Decimal(int((found.ends_at - found.starts_at).total_seconds() // 60)),
        "capacity": Decimal(found.capacity),
        "video_link": found.video_link,
    }
