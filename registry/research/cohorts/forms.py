"""Making a cohort and a criterion of it."""

from __future__ import annotations

from typing import Any

from registry import codes as vocabularies
from registry.forms import Choice, Choices, CodeField, HouseForm, Option, Text, code_options
from registry.language import lazy_gettext as _l
from registry.research.cohorts import criteria
from registry.research.cohorts.criteria import Subject

#: A list longer than this is searched by typing, one code at a time.
_LONG = 48


class CohortForm(HouseForm):
    """A new cohort."""

    name = Text(_l("Name"), help=_l("Such as: G2 of the pancreas, treated with PRRT."),
                needed=_l("Enter a name."), width=30)  # fmt: skip


def _options(labels: Any) -> list[Option]:
    return [Option(code, label) for code, label in labels.items()]


def _values(subject: Subject) -> Any:
    if subject.codes:
        if len(vocabularies.codes(subject.codes)) > _LONG:
            help_ = _l("One code. For several, add them to the same step and let any of them hold.")
            return CodeField(_l("Value"), codes=subject.codes, help=help_)
        return Choices(_l("Values"), options=lambda: code_options(subject.codes))
    if subject.family == criteria.DATED:
        return Text(_l("Date"), help=_l("As 2020, 2020-06 or 2020-06-15."), width=10)
    if subject.family == criteria.MEASURED:
        return Text(_l("Value"), unit=subject.unit, width=10)
    return Text(_l("Value"), help=_l("As the codebook has it, such as G2."), width=20)


def criterion_form(subject: Subject, sent: Any = None) -> Any:
    """The form for a criterion about this variable."""
    operators = {code: criteria.OPERATORS[code] for code in criteria.OPERATORS_OF[subject.family]}
    fields: dict[str, Any] = {
        "operator": Choice(
            _l("What must hold"),
            options=lambda: _options(operators),
            needed=_l("Choose what must hold."),
        ),
        "values": _values(subject),
    }
    if subject.dated:
        fields["when"] = Choice(
            _l("In which entries"),
            options=lambda: _options(criteria.WHENS),
            needed=_l("Choose which entries count."),
        )
        fields["event"] = Choice(
            _l("Event, for before and after"), options=lambda: _options(criteria.EVENTS)
        )
    made = type("CriterionForm", (HouseForm,), fields)
    return made(sent, stored={"operator": next(iter(operators)), "when": criteria.EVER})


def values_of(form: Any) -> list[str]:
    """The values that were given, as texts."""
    given = form.values.data
    if isinstance(given, list):
        return [str(one) for one in given]
    return [str(given)] if given else []
