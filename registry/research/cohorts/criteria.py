"""Criteria of a cohort as data: what they may say, whether a patient meets them, and in words.

A cohort is a list of steps, all of which must hold; a step is a group of criteria of which all,
any or none hold. A criterion is about one variable of the dictionary, in one of a patient's
entries: ever, the first, the latest, about diagnosis, or before or after an event. Nothing is
guessed: what a partial date or a range of Ki-67 does not decide does not meet a criterion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from registry.clinical.ki67 import parse_ki67
from registry.dates import PartialDate
from registry.language import gettext as _
from registry.language import lazy_gettext as _l
from registry.research import rules

FORMAT = 1
MOST_STEPS, MOST_CRITERIA = 12, 12

ALL, ANY, NONE = "all", "any", "none"
MATCHES = {
    ALL: _l("all of these hold"),
    ANY: _l("any of these holds"),
    NONE: _l("none of these holds"),
}

EVER, FIRST, LATEST, AT_DIAGNOSIS, BEFORE, AFTER = (
    "ever", "first", "latest", "at_diagnosis", "before", "after",
)  # fmt: skip
WHENS = {
    EVER: _l("in any entry"),
    FIRST: _l("in the first entry that has it"),
    LATEST: _l("in the latest entry that has it"),
    AT_DIAGNOSIS: _l("within 3 months of diagnosis"),
    BEFORE: _l("before"),
    AFTER: _l("on or after"),
}
#: Months before and after diagnosis that count as at diagnosis.
ABOUT_DIAGNOSIS = 3

EVENTS = {
    "diagnosis": _l("the diagnosis"),
    "first_therapy": _l("the start of the first therapy"),
    "first_progression": _l("the first progression or recurrence"),
    "first_metastasis": _l("the first metastasis"),
}

ONE_OF, AT_LEAST, AT_MOST, KNOWN, NOT_KNOWN = "one_of", "at_least", "at_most", "known", "not_known"
OPERATORS = {
    ONE_OF: _l("is one of"),
    AT_LEAST: _l("is at least"),
    AT_MOST: _l("is at most"),
    KNOWN: _l("is known"),
    NOT_KNOWN: _l("is not known"),
}
LISTED, MEASURED, DATED, WORDED = "listed", "measured", "dated", "worded"
OPERATORS_OF = {
    LISTED: (ONE_OF, KNOWN, NOT_KNOWN),
    WORDED: (ONE_OF, KNOWN, NOT_KNOWN),
    MEASURED: (AT_LEAST, AT_MOST, KNOWN, NOT_KNOWN),
    DATED: (AT_LEAST, AT_MOST, KNOWN, NOT_KNOWN),
}


class Unclear(ValueError):
    """A criterion that says nothing; `field` and the text name what to put right."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


@dataclass(frozen=True)
class Subject:
    """A variable criteria can be about: how it is kept, and whether its entries have dates."""

    key: str  # entity.variable
    label: str
    entity_label: str
    kind: str  # of the dictionary
    codes: str = ""
    unit: str = ""
    dated: bool = True

    @property
    def family(self) -> str:
        """Which operators fit: a key of OPERATORS_OF."""
        if self.codes:
            return LISTED
        if self.kind in ("number", "ki67", "age"):
            return MEASURED
        return DATED if self.kind == "partial_date" else WORDED

    def whens(self) -> list[str]:
        """The times that can be asked for."""
        return list(WHENS) if self.dated else [EVER]


@dataclass(frozen=True)
class Criterion:
    """One condition. `values` are codes, one number or one date, as texts."""

    variable: str
    operator: str
    values: tuple[str, ...] = ()
    when: str = EVER
    event: str = ""

    def as_json(self) -> dict[str, Any]:
        """As it is kept."""
        kept: dict[str, Any] = {"variable": self.variable, "operator": self.operator}
        if self.values:
            kept["values"] = list(self.values)
        kept["when"] = self.when
        return {**kept, "event": self.event} if self.event else kept


@dataclass(frozen=True)
class Step:
    """A group of criteria."""

    match: str
    criteria: tuple[Criterion, ...]

    def as_json(self) -> dict[str, Any]:
        """As it is kept."""
        return {"match": self.match, "criteria": [one.as_json() for one in self.criteria]}


@dataclass(frozen=True)
class Criteria:
    """All of a cohort. Consent is no criterion that could be left out: it always applies."""

    steps: tuple[Step, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As it is kept, and as the manifest of a release has it."""
        return {
            "format": FORMAT,
            "consents": list(rules.CRITERIA["consents"]),
            "steps": [step.as_json() for step in self.steps],
        }

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Criteria:
        """Read what `as_json` has written."""
        return cls(
            tuple(
                Step(
                    step["match"],
                    tuple(
                        Criterion(
                            one["variable"],
                            one["operator"],
                            tuple(one.get("values", ())),
                            one["when"],
                            one.get("event", ""),
                        )
                        for one in step["criteria"]
                    ),
                )
                for step in kept.get("steps", ())
            )
        )

    def variables(self) -> list[str]:
        """Every variable that is asked about, once."""
        found = (one.variable for step in self.steps for one in step.criteria)
        return list(dict.fromkeys(found))

    def with_criterion(self, position: int | None, match: str, added: Criterion) -> Criteria:
        """With a criterion more: in a new step at the end for None. Raises Unclear."""
        steps = list(self.steps)
        if position is None or not 0 <= position < len(steps):
            if len(steps) >= MOST_STEPS:
                raise Unclear("variable", _("A cohort has at most %(n)s steps.", n=MOST_STEPS))
            return Criteria((*steps, Step(match, (added,))))
        step = steps[position]
        if len(step.criteria) >= MOST_CRITERIA:
            raise Unclear("variable", _("A step has at most %(n)s criteria.", n=MOST_CRITERIA))
        steps[position] = Step(step.match, (*step.criteria, added))
        return Criteria(tuple(steps))

    def without(self, position: int, place: int) -> Criteria:
        """Without a criterion; its step goes when it was the last."""
        steps = list(self.steps)
        if 0 <= position < len(steps):
            step = steps[position]
            left = tuple(one for i, one in enumerate(step.criteria) if i != place)
            steps[position : position + 1] = [Step(step.match, left)] if left else []
        return Criteria(tuple(steps))

    def matched(self, position: int, match: str) -> Criteria:
        """With another way of holding for a step. Raises Unclear."""
        if match not in MATCHES:
            raise Unclear("match", _("Choose whether all, any or none must hold."))
        steps = list(self.steps)
        if 0 <= position < len(steps):
            steps[position] = Step(match, steps[position].criteria)
        return Criteria(tuple(steps))


def checked(
    subject: Subject, *, operator: str, values: Sequence[str], when: str, event: str
) -> Criterion:
    """A criterion that says something, or Unclear."""
    if operator not in OPERATORS_OF[subject.family]:
        raise Unclear("operator", _("Choose what must hold."))
    if when not in subject.whens():
        raise Unclear("when", _("Choose which entries count."))
    if when in (BEFORE, AFTER) and event not in EVENTS:
        raise Unclear("event", _("Choose the event."))
    given = tuple(dict.fromkeys(one.strip() for one in values if one.strip()))
    if operator in (KNOWN, NOT_KNOWN):
        given = ()
    elif not given:
        raise Unclear("values", _("Enter or choose a value."))
    elif operator in (AT_LEAST, AT_MOST):
        given = (_measure(subject, given[0]),)
    return Criterion(subject.key, operator, given, when, event if when in (BEFORE, AFTER) else "")


def _measure(subject: Subject, text: str) -> str:
    if subject.family == DATED:
        try:
            return PartialDate(text).iso
        except ValueError:
            raise Unclear("values", _("Enter a date as 2020, 2020-06 or 2020-06-15.")) from None
    try:
        found = Decimal(text.replace(",", "."))
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite():
        raise Unclear("values", _("Enter a number."))
    return format(found, "f")


# -- does a patient meet them? -----------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """One entry of a patient: when it was, in which order it was entered, and what it says."""

    date: PartialDate | None
    order: str
    value: Any


@dataclass(frozen=True)
class Between:
    """A number of which only the lowest and the highest it can be are known: a time that was cut
    short has no highest."""

    low: Decimal
    high: Decimal = Decimal("Infinity")


def meets(
    criterion: Criterion, family: str, entries: Sequence[Entry], events: Mapping[str, PartialDate]
) -> bool:
    """Does a patient with these entries, of this one variable, meet the criterion?

    `not_known` means that no entry in question has a value.
    """
    filled = [one for one in entries if one.value not in (None, "", [])]
    chosen = _chosen(criterion, filled, events)
    if criterion.operator == NOT_KNOWN:
        return not chosen
    return any(_holds(criterion, family, one.value) for one in chosen)


def _chosen(
    criterion: Criterion, filled: Sequence[Entry], events: Mapping[str, PartialDate]
) -> list[Entry]:
    if criterion.when == EVER:
        return list(filled)
    if criterion.when in (FIRST, LATEST):
        # Where no entry has a date the order of entering stands for it.
        dated = [one for one in filled if one.date is not None] or list(filled)
        ordered = sorted(dated, key=lambda one: (one.date.iso if one.date else "", one.order))
        return ordered[:1] if criterion.when == FIRST else ordered[-1:]
    origin = events.get("diagnosis" if criterion.when == AT_DIAGNOSIS else criterion.event)
    if origin is None:
        return []
    return [one for one in filled if one.date and _in_time(criterion.when, origin, one.date)]


def latest(entries: Sequence[Entry]) -> Any:
    """What the latest entry says that says something; None where none does."""
    filled = [one for one in entries if one.value not in (None, "", [])]
    chosen = _chosen(Criterion("", KNOWN, when=LATEST), filled, {})
    return chosen[0].value if chosen else None


def _in_time(when: str, origin: PartialDate, date: PartialDate) -> bool:
    if when == AT_DIAGNOSIS:
        months = rules.months_between(origin, date)
        return months is not None and abs(months) <= ABOUT_DIAGNOSIS
    if when == BEFORE:
        return date.certainly_before(origin)
    same_day = date.iso == origin.iso and date.precision == "day"
    return same_day or origin.certainly_before(date)


def _holds(criterion: Criterion, family: str, value: Any) -> bool:
    if criterion.operator == KNOWN:
        return True
    if criterion.operator == ONE_OF:
        there = value if isinstance(value, list) else [str(value)]
        return any(one in criterion.values for one in there)
    wanted = criterion.values[0]
    if family == DATED:
        return _date_holds(criterion.operator, value, PartialDate(wanted))
    low, high = _span(value)
    if low is None or high is None:
        return False
    limit = Decimal(wanted)
    return low >= limit if criterion.operator == AT_LEAST else high <= limit


def _date_holds(operator: str, value: PartialDate, wanted: PartialDate) -> bool:
    if operator == AT_LEAST:
        return value.earliest >= wanted.earliest
    return value.latest <= wanted.latest


def _span(value: Any) -> tuple[Decimal | None, Decimal | None]:
    """The lowest and highest a value can be."""
    if isinstance(value, str):
        try:
            read = parse_ki67(value)
        except ValueError:
            return None, None
        return read.low, read.high
    if isinstance(value, Between):
        return value.low, value.high
    exact = Decimal(value)
    return exact, exact


# -- in words ----------------------------------------------------------------------------------


def words(criterion: Criterion, subject: Subject, labels: Mapping[str, str]) -> str:
    """A criterion as a part of a sentence. `labels` are those of the codes it names."""
    values = ", ".join(labels.get(one, one) for one in criterion.values)
    if subject.unit and criterion.operator in (AT_LEAST, AT_MOST):
        values = f"{values} {subject.unit}"
    when = str(WHENS[criterion.when])
    if criterion.event:
        when = f"{when} {EVENTS[criterion.event]}"
    parts = (
        f"{subject.entity_label}: {subject.label}",
        str(OPERATORS[criterion.operator]),
        values,
        f"({when})" if subject.dated else "",
    )
    return " ".join(part for part in parts if part)


def sentence(criteria: Criteria, spoken: Mapping[Criterion, str]) -> str:
    """The whole cohort as a sentence, from its criteria in words."""
    base = str(rules.CRITERIA_SENTENCE)
    said = []
    for step in criteria.steps:
        inside = [spoken[one] for one in step.criteria]
        if step.match == NONE:
            said.append(_("none of: %(these)s", these="; ".join(inside)))
        elif step.match == ANY and len(inside) > 1:
            said.append(_("any of: %(these)s", these="; ".join(inside)))
        else:
            said.append(_(" and ").join(inside))
    if not said:
        return base
    return str(_("%(base)s Of these, those with %(said)s.", base=base, said=_("; and ").join(said)))
