"""Making a cohort and a criterion of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from registry import codes as vocabularies
from registry.forms import (
    Choice,
    Choices,
    CodeField,
    HouseForm,
    LongText,
    Number,
    Option,
    Text,
    code_options,
)
from registry.language import lazy_gettext as _l
from registry.research.cohorts import criteria
from registry.research.cohorts.criteria import Criterion, Subject

#: A list longer than this is searched by typing, one code at a time.
_LONG = 100


class CohortForm(HouseForm):
    """A new cohort."""

    name = Text(_l("Name"), help=_l("Such as: G2 of the pancreas, treated with PRRT."),
                needed=_l("Enter a name."), longest=200, width=30)  # fmt: skip
    written = LongText(
        _l("Criteria as JSON"),
        help=_l("If you have them: as the page of a cohort, or a release, gives them."),
        longest=100_000,
    )


class NameForm(HouseForm):
    """Another name."""

    name = Text(_l("Name"), needed=_l("Enter a name."), longest=200, width=30)


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
    if subject.key in criteria.WRITTEN:
        return Choices(_l("Values"), options=lambda: _options(criteria.WRITTEN[subject.key]))
    return Text(_l("Value"), help=_l("As the codebook of a release has it."), width=20)


def criterion_form(subject: Subject, sent: Any = None, stored: Criterion | None = None) -> Any:
    """The form for a criterion about this variable; `stored` is what is there to be changed."""
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
            _l("Event"),
            help=_l("For entries before or after it."),
            options=lambda: _options(criteria.events()),
        )
        fields["months"] = Number(
            _l("Within how many months of the event"),
            help=_l("Empty: at any time before or after it."),
            whole=True,
            width=3,
            possible=(Decimal(1), Decimal(criteria.MOST_MONTHS)),
        )
    made = type("CriterionForm", (HouseForm,), fields)
    start = {"operator": next(iter(operators)), "when": criteria.EVER}
    return made(sent, stored=_stored(subject, stored) if stored else start)


def _stored(subject: Subject, there: Criterion) -> dict[str, Any]:
    several = issubclass(_values(subject).field_class, Choices)
    return {
        "operator": there.operator,
        "values": list(there.values) if several else next(iter(there.values), ""),
        "when": there.when,
        "event": there.event,
        "months": Decimal(there.months) if there.months else None,
    }


def criterion_of(subject: Subject, form: Any) -> Criterion:
    """The criterion that was entered. Raises Unclear."""
    return criteria.checked(
        subject,
        operator=form.operator.data,
        values=values_of(form),
        when=form.when.data if subject.dated else criteria.EVER,
        event=(form.event.data or "") if subject.dated else "",
        months=int(form.months.data or 0) if subject.dated else 0,
    )


def values_of(form: Any) -> list[str]:
    """The values that were given, as texts."""
    given = form.values.data
    if isinstance(given, list):
        return [str(one) for one in given]
    return [str(given)] if given else []
