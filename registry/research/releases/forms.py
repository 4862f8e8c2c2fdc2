"""Giving and ending a grant."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from registry.forms import (
    Choice,
    Choices,
    HouseForm,
    LongText,
    Number,
    Option,
    PartialDateField,
    Text,
)
from registry.language import gettext as _
from registry.language import lazy_gettext as _l
from registry.research import rules


class CoarseForm(HouseForm):
    """How patients are made unrecognisable: part of a request, and of a grant."""

    smallest_group = Number(
        _l("Patients who share the same age, sex, country and site, at least"),
        help=_l(
            "The k of k-anonymity. What would single out fewer is merged or left out. 5 unless "
            "the committee agrees to less."
        ),
        whole=True,
        width=3,
        possible=(Decimal(1), Decimal(rules.MOST_GROUP)),
    )
    age_band = Choice(
        _l("Age at diagnosis"),
        options=lambda: [Option(str(years), label) for years, label in rules.AGE_BANDS.items()],
    )
    times = Choice(
        _l("Times"),
        options=lambda: [Option(key, label) for key, label in rules.TIMES.items()],
    )

    @property
    def coarse(self) -> rules.Coarse:
        """What was chosen; what was left empty is as usual."""
        return rules.Coarse(
            int(self.smallest_group.data or rules.SMALLEST_GROUP),
            int(self.age_band.data or rules.AGE_BAND),
            self.times.data or rules.DAYS,
        )


def joining() -> Any:
    """Whether a project that others have is joined: part of a request, and of a grant."""
    return Choices(
        _l("Where others have this project"),
        options=lambda: [Option("yes", _l("It is joined: the same team, the same pseudonyms"))],
        help=_l("Rows of the same patient have the same pseudonym in all releases of a project."),
    )


#: What stands in a new form: what holds where nobody asks for something else.
USUAL = {
    "smallest_group": Decimal(rules.SMALLEST_GROUP),
    "age_band": str(rules.AGE_BAND),
    "times": rules.DAYS,
}


class GrantForm(CoarseForm):
    """A new grant."""

    project = Text(
        _l("Project code"),
        help=_l(
            "Letters, digits and hyphens, such as NET-SURVIVAL. Grants with the same code belong "
            "to one project: their releases have the same pseudonyms."
        ),
        longest=20,
        needed=_l("Enter the project code."),
    )
    joins = joining()
    title = Text(_l("Title"), needed=_l("Enter the title of the project."), width=30)
    purpose = LongText(
        _l("Purpose"),
        help=_l("What the data may be used for. It stands in every release."),
        longest=4000,
        needed=_l("Enter the purpose."),
    )
    researcher = Choice(_l("Researcher"), needed=_l("Choose the researcher."))
    from_date = PartialDateField(
        _l("First day"), future=True, whole=True, needed=_l("Enter the first day.")
    )
    until_date = PartialDateField(
        _l("Last day"),
        help=_l("After it nothing can be made or downloaded."),
        future=True,
        whole=True,
        needed=_l("Enter the last day."),
    )

    def validate(self, extra_validators: Any = None) -> bool:
        """The period must not run backwards."""
        good: bool = super().validate(extra_validators)
        if good and self.until_date.data < self.from_date.data:
            self.until_date.errors.append(_("The last day must not be before the first."))
            return False
        return good


class EndForm(HouseForm):
    """Ending a grant."""

    reason = LongText(_l("Reason"), longest=2000, needed=_l("Say why the grant ends."), width=30)


def with_researchers(form: Any, researchers: Any) -> Any:
    """Offer these people in the form's choice."""
    form.researcher._options = [
        Option(str(one.id), f"{one.name}, {one.email}") for one in researchers
    ]
    if form.researcher.typed:
        form.researcher.errors = []
        form.researcher.read()
    return form
