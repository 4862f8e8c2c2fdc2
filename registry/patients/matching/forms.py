"""Saying whether two records are of one patient, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from registry.forms import Choice, Choices, HouseForm, LongText, Option
from registry.language import lazy_gettext as _l
from registry.patients.matching import states


def _answers() -> list[Option]:
    return [Option(code, text) for code, text in states.ANSWERS.items()]


class AnswerForm(HouseForm):
    """One person, two people, or not sure."""

    answer = Choice(
        _l("Are these one person?"), options=_answers, needed=_l("Choose one of the options.")
    )
    because = LongText(
        _l("What makes you think so"),
        help=_l("Kept with your answer; the other side does not see it."),
        longest=500,
    )

    def for_one_side(self, *, sees_both: bool) -> AnswerForm:
        """Whoever sees both has nobody else to ask, unless they want to."""
        if not sees_both:
            self.answer.label.text = _l("May your patient be the other one?")
        return self


class JoinForm(HouseForm):
    """Why two records are joined; what to take is chosen beside it."""

    because = LongText(
        _l("Why they are one person"),
        needed=_l("Say why they are one person."),
        longest=500,
        help=_l("For example: rung the patient's hospital. It stays with both records."),
    )


class ApartForm(HouseForm):
    """Why two joined records are taken apart."""

    because = LongText(
        _l("Why they are two people"), needed=_l("Say why they are two people."), longest=500
    )


class RestoreForm(HouseForm):
    """Which earlier values are put back."""

    names = Choices(_l("Put back"), needed=_l("Choose what to put back."))

    def __init__(self, formdata: Any = None, *, offered: Sequence[tuple[str, str]] = ()) -> None:
        """`offered`: columns with their label and earlier value."""
        super().__init__(formdata)
        self.names._options = [Option(value, text) for value, text in offered]
        self.names.process(formdata)
