"""The forms of the steps, of what is said beside them, and of a centre's closed days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from registry import web
from registry.clinical import missing_for_advice
from registry.dates import PartialDate, today
from registry.forms import (
    Choice,
    Choices,
    HouseForm,
    LongText,
    Option,
    PartialDateField,
    Text,
    code_options,
    field_for,
)
from registry.language import gettext as _
from registry.language import lazy_gettext as _l
from registry.referrals import rules
from registry.referrals.actions import More
from registry.referrals.models import Advice


def _day(label: Any, **options: Any) -> Any:
    return PartialDateField(label, whole=True, future=True, **options)


def day_of(field: Any) -> date | None:
    """The day in a date field."""
    return field.data.earliest if isinstance(field.data, PartialDate) else None


_FIELDS: dict[str, Any] = {
    "items": lambda: Choices(_l("What the board will ask for and was not sent")),
    "request": lambda: LongText(_l("What do you need to know?"), longest=4000),
    "asked_of": lambda: Text(_l("Of whom, if not of the referring doctor"), longest=120),
    "by_date": lambda: _day(_l("By when, if that matters")),
    "centre": lambda: Choice(_l("To which centre"), needed=rules.NEED_MESSAGES["centre"]),
    "reason": lambda: LongText(_l("Reason"), needed=rules.NEED_MESSAGES["reason"], longest=4000),
    "advice": lambda: LongText(_l("What you advise instead, if anything"), longest=4000),
    "answer": lambda: LongText(
        _l("Your answer"), needed=rules.NEED_MESSAGES["answer"], longest=10000
    ),
    "board_on": lambda: _day(_l("For the board of, if you wish a day")),
    "assignee": lambda: Choice(_l("Who takes it"), needed=rules.NEED_MESSAGES["assignee"]),
    "kinds": lambda: Choices(
        _l("Kind of advice"),
        options=lambda: code_options("advice_kind"),
        needed=rules.NEED_MESSAGES["kinds"],
    ),
    "text": lambda: field_for(Advice, "text", needed=rules.NEED_MESSAGES["text"], longest=20000),
}


@dataclass(frozen=True)
class Offers:
    """What the choices of a step's form offer."""

    people: Sequence[Any] = ()  # who can take the case
    centres: Sequence[Any] = ()  # where it can be passed on
    missing: Sequence[str] = ()  # items that were not sent


def step_form(step: rules.Step, sent: Any = None, offers: Offers = Offers()) -> HouseForm:
    """The form of a step: what the table says it needs, and what may be said beside."""
    wanted = {*step.needs, *step.asks}
    if not offers.missing:
        wanted.discard("items")
    fields = {name: make() for name, make in _FIELDS.items() if name in wanted}
    made: Any = type("StepForm", (HouseForm,), fields)(sent, prefix=f"{step.name}_")
    if "assignee" in fields:
        _offer(made.assignee, [Option(str(one.id), one.name) for one in offers.people])
    if "centre" in fields:
        _offer(made.centre, [Option(str(one.id), one.name) for one in offers.centres])
    if "items" in fields:
        _offer(
            made["items"], [Option(one, _(missing_for_advice.label(one))) for one in offers.missing]
        )
    return made  # type: ignore[no-any-return]


def _offer(field: Any, options: Sequence[Option]) -> None:
    """Give a choice its options, and read again what was sent with them known."""
    field._options = options
    if field.typed:
        field.errors = []
        field.read()


def more_of(form: Any) -> More:
    """What a step says beside its text, from its form."""
    return More(
        centre_id=web.as_id(form.centre.data) if "centre" in form else None,
        items=tuple(form["items"].data) if "items" in form else (),
        asked_of=(form.asked_of.data or "").strip() if "asked_of" in form else "",
        by_date=day_of(form.by_date) if "by_date" in form else None,
        board_on=day_of(form.board_on) if "board_on" in form else None,
        advice=(form.advice.data or "").strip() if "advice" in form else "",
    )


class MessageForm(HouseForm):
    """A message to the other side, or a note for one's own centre."""

    text = LongText(_l("Message"), needed=_l("Write the message."), longest=10000)


class LetterForm(HouseForm):
    """A letter to somebody without an account: *sent* is recorded by hand."""

    to_whom = Choice(
        _l("To whom"),
        options=lambda: [Option(code, label) for code, label in rules.LETTER_TO.items()],
        needed=_l("Choose to whom it was sent."),
    )
    addressee = Text(_l("Name of the doctor or practice"), longest=200)
    how = Choice(
        _l("How"),
        options=lambda: [Option(code, label) for code, label in rules.LETTER_HOW.items()],
        needed=_l("Choose how it was sent."),
    )
    on = PartialDateField(_l("Sent on"), whole=True, needed=_l("Enter the day it was sent."))

    @classmethod
    def of_today(cls) -> LetterForm:
        """An empty form, for a letter that leaves today."""
        return cls(stored={"on": PartialDate.of(today())})


class ClosedDayForm(HouseForm):
    """A day on which the centre is closed."""

    day = _day(_l("Day"), needed=_l("Enter the day."))
    why = Text(_l("Why"), longest=100)
