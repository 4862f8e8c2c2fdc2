"""Forms of a recommendation: what is written in the meeting, and what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from werkzeug.datastructures import MultiDict

from registry.boards.rules import advice as rules
from registry.boards.rules import delivery as delivery_rules
from registry.boards.rules import meetings as meeting_rules
from registry.forms import (
    Choice,
    Choices,
    CodeField,
    HouseForm,
    LongText,
    Option,
    PartialDateField,
    Text,
    again,
    code_options,
    yes_no,
)
from registry.language import lazy_gettext as _l

#: Kinds of advice that are tests.
TESTS = (
    "molecular_test", "pathology_review", "confirmatory_test", "more_tests", "sstr_pet",
    "repeat_biopsy", "prrt_workup", "echocardiogram", "endocrine_workup", "genetic_counselling",
    "early_restaging",
)  # fmt: skip


class OptionForm(HouseForm):
    """One of the ordered options."""

    kind = CodeField(_l("What"), codes="advice_kind")
    agent = CodeField(_l("Agent or procedure"), codes="therapy")
    intent = Choice(_l("Intent"), options=lambda: code_options("therapy_intent"))
    condition = Text(
        _l("Only if"), help=_l("Such as: SSTR PET is positive in all lesions"), longest=300
    )
    evidence = Text(_l("Evidence"), longest=300)
    trial = Choice(_l("Trial"), options=())
    off_label = Choice(_l("Off label"), options=yes_no)
    note = Text(_l("Note"), longest=500)


def _changed(label: Any, codes: str) -> tuple[Any, Any, Any]:
    return (
        CodeField(label, codes=codes),
        Choice(_l("This is"), options=lambda: code_options("change_kind")),
        Text(_l("Why"), longest=300),
    )


class RecommendationForm(HouseForm):
    """What a board says of a case, but for its options."""

    summary = LongText(_l("Discussion"), longest=6000)
    answer = LongText(_l("Answer to the question"), longest=2000)
    tests = Choices(
        _l("Further tests"),
        options=lambda: [o for o in code_options("advice_kind") if o.value in TESTS],
    )
    responsible = Text(_l("Who sees to it"), longest=200)
    review_date = PartialDateField(_l("Back in the board on"), future=True, whole=True)
    plan = Choice(
        _l("Does it change what was planned?"),
        options=lambda: [Option(code, label) for code, label in rules.PLANS.items()],
    )
    against_because = LongText(_l("Why not one of the listed options"), longest=1000)
    plain = LongText(
        _l("For the patient, in plain words"),
        help=_l("What the board thinks, what comes next, whom to ask."),
        longest=3000,
    )
    grade_to, grade_kind, grade_why = _changed(_l("Grade, as the board sees it"), "grade_stated")
    stage_to, stage_kind, stage_why = _changed(_l("Stage, as the board sees it"), "stage_group")
    type_to, type_kind, type_why = _changed(
        _l("Kind of tumour, as the board sees it"), "tumour_type"
    )
    site_to, site_kind, site_why = _changed(_l("Primary site, as the board sees it"), "topography")


class WholeForm:
    """The forms of one recommendation, together."""

    def __init__(
        self, typed: Mapping[str, Sequence[str]], trials: Sequence[tuple[str, str]]
    ) -> None:
        sent: MultiDict[str, str] = again(typed)
        self.main = RecommendationForm(sent)
        self.options = [
            OptionForm(sent, prefix=f"o{number}-") for number in range(1, rules.MOST_OPTIONS + 1)
        ]
        for one in self.options:
            one.trial._options = [Option(code, f"{code} {title}") for code, title in trials]
            one.trial.process(sent)
        said = [n for n, one in enumerate(self.options, 1) if any(f.data for f in one)]
        self.filled = max(said, default=0)
        self.shown = max(self.filled + 1, 2)  # the rest stands folded

    @property
    def forms(self) -> list[Any]:
        """All of them."""
        return [self.main, *self.options]

    def validate(self) -> bool:
        """Are the answers possible? Whether they are enough is asked when it is signed."""
        found = [one.validate() for one in self.forms]  # every message, not only the first
        return all(found)

    def typed(self) -> dict[str, list[str]]:
        """The answers by field, as text: what is kept, brought together with others', and
        signed."""
        found: dict[str, list[str]] = {}
        for form in self.forms:
            for field in form:
                said = _said(field)
                if said:
                    found[field.name] = said
        return found

    def show(self, problems: Mapping[str, Any]) -> None:
        """Put messages to their fields."""
        for form in self.forms:
            for field in form:
                if field.name in problems:
                    field.errors = [*field.errors, str(problems[field.name])]

    @property
    def errors(self) -> dict[str, Any]:
        """The messages of all of them."""
        return {name: said for form in self.forms for name, said in form.errors.items()}


def _said(field: Any) -> list[str]:
    if field.data in (None, "", []):
        return [text for text in field.typed if text.strip()]  # as typed, where it cannot be read
    if isinstance(field.data, list):
        return list(field.data)
    return [str(field.data)]


class DissentForm(HouseForm):
    """A dissent."""

    text = LongText(_l("Dissent"), longest=2000, needed=_l("Say what the dissent is."))
    who = Text(_l("Whose, if not your own"), longest=200)


class AmendForm(HouseForm):
    """Why what was signed is amended."""

    because = Text(_l("Why it is amended"), longest=500, needed=_l("Say why it is amended."))


class VoteForm(HouseForm):
    """What somebody who is consulted thinks."""

    choice = Choice(
        _l("Your answer"),
        options=lambda: [Option(c, label) for c, label in meeting_rules.CHOICES.items()],
        needed=_l("Choose an answer."),
    )
    text = LongText(_l("In words"), longest=3000)


class FollowForm(HouseForm):
    """Whether a recommendation was followed."""

    outcome = Choice(
        _l("Was it followed?"),
        options=lambda: [Option(c, label) for c, label in delivery_rules.OUTCOMES.items()],
        needed=_l("Say whether it was followed."),
    )
    reason = Choice(
        _l("Why not"),
        options=lambda: [Option(c, label) for c, label in delivery_rules.REASONS.items()],
        show_if=("outcome", frozenset({"changed", "not_done"})),
    )
    text = Text(_l("In words"), longest=500)
    dated = PartialDateField(_l("When"))
    option = Choice(_l("Which option"), options=())
    therapy = Choice(_l("Therapy of the record that fulfils it"), options=())


class SendForm(HouseForm):
    """To whom a letter went."""

    address = Text(_l("To whom"), help=_l("Name and place of the family doctor"), longest=400)


class ToldForm(HouseForm):
    """When and by whom the patient was told."""

    on = PartialDateField(_l("Told on"), whole=True, needed=_l("Enter the day."))
    who = Text(_l("By whom"), longest=200, needed=_l("Say who told the patient."))
