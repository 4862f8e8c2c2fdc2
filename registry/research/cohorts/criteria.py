"""Criteria of a cohort as data: what they may say, whether a patient meets them, and in words.

A cohort is a list of steps, all of which must hold; a step is a group of criteria, and of groups
of criteria, of which all, any or none hold, or all in one and the same entry. A criterion is about
one variable of the dictionary, in one of a patient's entries: ever, the first, the latest, about
diagnosis, or before or after an event, within so many months of it or at any time. Nothing is
guessed: what a partial date or a range of Ki-67 does not decide does not meet a criterion, and is
not taken for what none of them holds of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from registry import codes as vocabularies
from registry.dates import PartialDate
from registry.language import gettext as _
from registry.language import lazy_gettext as _l
from registry.research import rules

#: How criteria are written down: 2 where they say what the first way of writing could not.
FORMAT, RICHER_FORMAT = 1, 2
#: Steps, criteria of a step or of a group in it, and criteria of a cohort.
MOST_STEPS, MOST_CRITERIA, MOST_OF_ALL = 12, 12, 144

ALL, ANY, NONE, SAME = "all", "any", "none", "same"
MATCHES = {
    ALL: _l("all of these hold"),
    ANY: _l("any of these holds"),
    NONE: _l("none of these holds"),
    SAME: _l("all of these hold in one and the same entry"),
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

#: Digits before or behind the point of a number at most: no more are written out.
_DIGITS = 15
#: Months that can be asked for between an event and an entry.
MOST_MONTHS = 600

EVENTS = {
    "diagnosis": _l("the diagnosis"),
    "first_therapy": _l("the start of the first therapy"),
    "line_1": _l("the start of line 1"),
    "line_2": _l("the start of line 2"),
    "line_3": _l("the start of line 3"),
    "first_progression": _l("the first progression or recurrence"),
    "first_metastasis": _l("the first metastasis"),
}
#: Before the code of a kind of therapy: the event is the first of that kind.
FIRST_OF = "therapy:"


def events() -> dict[str, Any]:
    """Every event a criterion can be timed by, in words."""
    kinds = vocabularies.codes("therapy_class")
    return {**EVENTS, **{f"{FIRST_OF}{kind}": event_words(f"{FIRST_OF}{kind}") for kind in kinds}}


def event_words(event: str) -> str:
    """An event as a part of a sentence."""
    if event in EVENTS:
        return str(EVENTS[event])
    kind = vocabularies.label("therapy_class", event.removeprefix(FIRST_OF))
    return str(_("the first therapy of the kind “%(kind)s”", kind=kind))


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


_STANDINGS = {
    "complete": _l("Complete"),
    "provisional": _l("Provisional"),
    "incomplete": _l("Incomplete"),
    "not_derivable": _l("Cannot be derived"),
    "not_applicable": _l("Does not apply"),
}
#: What our rules write where there is no list of codes, by variable.
WRITTEN: dict[str, dict[str, Any]] = {
    "pathology.derived_grade": {
        "1": "1",
        "2": "2",
        "3": "3",
        "LOW": _l("Low grade"),
        "HIGH": _l("High grade"),
    },
    "pathology.derived_status": _STANDINGS,
    "staging.derived_status": _STANDINGS,
    "response.derived_status": _STANDINGS,
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

    @property
    def entity(self) -> str:
        """What it is a variable of."""
        return self.key.partition(".")[0]

    def is_possible(self, value: str) -> bool:
        """Can an entry say this? Where only some values can be, all others find nobody."""
        if self.codes:
            return vocabularies.acceptable(self.codes, value)
        return value in WRITTEN.get(self.key, (value,))

    def spoken(self, value: str) -> str:
        """A value in words."""
        if self.codes:
            return vocabularies.label(self.codes, value)
        return str(WRITTEN.get(self.key, {}).get(value, value))

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
    months: int = 0  # between the event and the entry at most; 0: any time

    def as_json(self) -> dict[str, Any]:
        """As it is kept."""
        kept: dict[str, Any] = {"variable": self.variable, "operator": self.operator}
        if self.values:
            kept["values"] = list(self.values)
        kept["when"] = self.when
        if self.event:
            kept["event"] = self.event
        return {**kept, "months": self.months} if self.months else kept

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Criterion:
        """Read what `as_json` has written."""
        return cls(
            kept["variable"],
            kept["operator"],
            tuple(kept.get("values", ())),
            kept["when"],
            kept.get("event", ""),
            kept.get("months", 0),
        )

    @property
    def is_richer(self) -> bool:
        """Does it say what the first format could not?"""
        return bool(self.months) or (self.event.startswith((FIRST_OF, "line_")))


@dataclass(frozen=True)
class Step:
    """A group of criteria, some of which may be groups themselves."""

    match: str
    criteria: tuple[Criterion | Step, ...]

    def as_json(self) -> dict[str, Any]:
        """As it is kept."""
        return {"match": self.match, "criteria": [one.as_json() for one in self.criteria]}

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Step:
        """Read what `as_json` has written."""
        return cls(
            kept["match"],
            tuple(
                cls.of(one) if "criteria" in one else Criterion.of(one) for one in kept["criteria"]
            ),
        )

    def every(self) -> Iterator[Criterion]:
        """Its criteria, with those of its groups."""
        for one in self.criteria:
            if isinstance(one, Step):
                yield from one.every()
            else:
                yield one

    @property
    def is_richer(self) -> bool:
        """Does it say what the first format could not?"""
        inside = any(isinstance(one, Step) or one.is_richer for one in self.criteria)
        return inside or self.match == SAME


#: Where something stands: the step, the place in it, the place in a group there.
Path = tuple[int, ...]
Part = Criterion | Step


def _changed(parts: Sequence[Part], path: Path, change: Callable[[Part], Part | None]) -> Any:
    """These parts with one of them changed, or gone; a group goes with its last."""
    found: list[Part] = []
    for place, part in enumerate(parts):
        fresh: Part | None = part
        if place == path[0] and len(path) == 1:
            fresh = change(part)
        elif place == path[0] and isinstance(part, Step):
            fresh = Step(part.match, _changed(part.criteria, path[1:], change))
        if fresh is not None and not (isinstance(fresh, Step) and not fresh.criteria):
            found.append(fresh)
    return tuple(found)


@dataclass(frozen=True)
class Criteria:
    """All of a cohort. Consent is no criterion that could be left out: it always applies."""

    steps: tuple[Step, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As it is kept, and as the manifest of a release has it."""
        richer = any(step.is_richer for step in self.steps)
        return {
            "format": RICHER_FORMAT if richer else FORMAT,
            "consents": list(rules.CRITERIA["consents"]),
            "steps": [step.as_json() for step in self.steps],
        }

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Criteria:
        """Read what `as_json` has written."""
        return cls(tuple(Step.of(step) for step in kept.get("steps", ())))

    def every(self) -> Iterator[Criterion]:
        """Every criterion."""
        for step in self.steps:
            yield from step.every()

    def variables(self) -> list[str]:
        """Every variable that is asked about, once."""
        return list(dict.fromkeys(one.variable for one in self.every()))

    def at(self, path: Path) -> Part | None:
        """What stands there; None where nothing does."""
        parts: Sequence[Part] = self.steps
        found: Part | None = None
        for place in path:
            if not 0 <= place < len(parts):
                return None
            found = parts[place]
            parts = found.criteria if isinstance(found, Step) else ()
        return found

    def with_criterion(self, path: Path | None, match: str, added: Criterion) -> Criteria:
        """With a criterion more: in the step or group there, or for None in a new step at the end
        that holds as `match` says. Raises Unclear."""
        if path is None or not isinstance(self.at(path), Step):
            return self._with_steps((*self.steps, Step(match, (added,))))
        return self._with(path, lambda part: _with_more(part, added))

    def with_group(self, path: Path, match: str, added: Criterion) -> Criteria:
        """With a group more in the step there, that begins with this criterion. Raises Unclear."""
        return self._with(path, lambda part: _with_more(part, Step(match, (added,))))

    def with_other(self, path: Path, instead: Criterion) -> Criteria:
        """With another criterion in the place of the one there. Raises Unclear."""
        return self._with(path, lambda part: part if isinstance(part, Step) else instead)

    def without(self, path: Path) -> Criteria:
        """Without what stands there; a step or group goes with the last of it."""
        return self._with(path, lambda _part: None)

    def matched(self, path: Path, match: str) -> Criteria:
        """With another way of holding for a step or group. Raises Unclear."""
        if match not in MATCHES:
            raise Unclear("match", _("Choose how these hold."))
        return self._with(
            path, lambda part: Step(match, part.criteria) if isinstance(part, Step) else part
        )

    def _with(self, path: Path, change: Callable[[Part], Part | None]) -> Criteria:
        return self._with_steps(_changed(self.steps, path, change))

    def _with_steps(self, steps: tuple[Step, ...]) -> Criteria:
        found = Criteria(steps)
        found.need_sense()
        return found

    def need_sense(self) -> None:
        """Raises Unclear where there is too much, or a group that cannot hold."""
        if len(self.steps) > MOST_STEPS:
            raise Unclear("variable", _("A cohort has at most %(n)s steps.", n=MOST_STEPS))
        for step in self.steps:
            _need_sense(step)
        if sum(1 for _one in self.every()) > MOST_OF_ALL:
            raise Unclear("variable", _("A cohort has at most %(n)s criteria.", n=MOST_OF_ALL))


def _with_more(part: Part, added: Part) -> Part:
    return Step(part.match, (*part.criteria, added)) if isinstance(part, Step) else part


def _need_sense(step: Step, *, within_a_step: bool = False) -> None:
    if len(step.criteria) > MOST_CRITERIA:
        raise Unclear("variable", _("A step has at most %(n)s criteria.", n=MOST_CRITERIA))
    if step.match == SAME:
        _need_one_entity(step)
    for part in step.criteria:
        if isinstance(part, Step):
            if within_a_step:
                raise Unclear("match", _("A group in a step has no groups of its own."))
            _need_sense(part, within_a_step=True)


def _need_one_entity(step: Step) -> None:
    """One and the same entry: its criteria are of one kind of entry, and the first finds some."""
    if any(isinstance(part, Step) for part in step.criteria):
        raise Unclear("match", _("One and the same entry is asked of criteria, not of groups."))
    asked = list(step.every())
    if len({one.variable.partition(".")[0] for one in asked}) > 1:
        raise Unclear(
            "match", _("One and the same entry has variables of one kind of entry alone.")
        )
    if asked and asked[0].operator == NOT_KNOWN:
        raise Unclear("operator", _("The first criterion of one entry has to find some."))


def checked(
    subject: Subject,
    *,
    operator: str,
    values: Sequence[str],
    when: str,
    event: str,
    months: int = 0,
) -> Criterion:
    """A criterion that says something, or Unclear."""
    if operator not in OPERATORS_OF[subject.family]:
        raise Unclear("operator", _("Choose what must hold."))
    if when not in subject.whens():
        raise Unclear("when", _("Choose which entries count."))
    timed = when in (BEFORE, AFTER)
    if timed and event not in events():
        raise Unclear("event", _("Choose the event."))
    if not 0 <= months <= MOST_MONTHS:
        raise Unclear("months", _("Enter a whole number from 1 to %(n)s.", n=MOST_MONTHS))
    given = tuple(dict.fromkeys(one.strip() for one in values if one.strip()))
    if operator in (KNOWN, NOT_KNOWN):
        given = ()
    elif not given:
        raise Unclear("values", _("Enter or choose a value."))
    elif operator in (AT_LEAST, AT_MOST):
        given = (_measure(subject, given[0]),)
    elif unknown := [one for one in given if not subject.is_possible(one)]:
        raise Unclear("values", _("No entry can say: %(value)s.", value=unknown[0][:60]))
    return Criterion(
        subject.key, operator, given, when, event if timed else "", months if timed else 0
    )


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
    if not found.is_finite() or abs(found.adjusted()) > _DIGITS:
        raise Unclear("values", _("Enter a number."))
    return format(found, "f")


# -- in words ----------------------------------------------------------------------------------


def words(criterion: Criterion, subject: Subject) -> str:
    """A criterion as a part of a sentence."""
    values = str(_(" or ")).join(subject.spoken(one) for one in criterion.values)
    if subject.unit and criterion.operator in (AT_LEAST, AT_MOST):
        values = f"{values} {subject.unit}"
    parts = (
        f"{subject.entity_label}: {subject.label}",
        str(_("is") if criterion.operator == ONE_OF else OPERATORS[criterion.operator]),
        values,
        f"({_when(criterion)})" if subject.dated else "",
    )
    return " ".join(part for part in parts if part)


def _when(criterion: Criterion) -> str:
    when = str(WHENS[criterion.when])
    if not criterion.event:
        return when
    event = event_words(criterion.event)
    if not criterion.months:
        return f"{when} {event}"
    if criterion.when == BEFORE:
        return str(_("at most %(n)s months before %(event)s", n=criterion.months, event=event))
    return str(_("at most %(n)s months after %(event)s", n=criterion.months, event=event))


def differences(before: Criteria, after: Criteria) -> tuple[list[Step], list[Step]]:
    """The steps that went, and those that came, from one version of a cohort to another."""
    return (
        [step for step in before.steps if step not in after.steps],
        [step for step in after.steps if step not in before.steps],
    )


def sentence(criteria: Criteria, spoken: Mapping[Criterion, str]) -> str:
    """The whole cohort as a sentence, from its criteria in words."""
    base = str(rules.CRITERIA_SENTENCE)
    said = [said_of(step, spoken) for step in criteria.steps]
    if not said:
        return base
    return str(_("%(base)s Of these, those with %(said)s.", base=base, said=_("; and ").join(said)))


def said_of(step: Step, spoken: Mapping[Criterion, str]) -> str:
    """A step or a group as a part of the sentence; a group of several stands in brackets."""
    inside = [
        spoken[one]
        if isinstance(one, Criterion)
        else f"[{said_of(one, spoken)}]"
        if len(one.criteria) > 1
        else said_of(one, spoken)
        for one in step.criteria
    ]
    if step.match == NONE:
        return str(_("none of: %(these)s", these="; ".join(inside)))
    if step.match == ANY and len(inside) > 1:
        return str(_("any of: %(these)s", these="; ".join(inside)))
    if step.match == SAME and len(inside) > 1:
        return str(_("one and the same entry with: %(these)s", these=_(", and then ").join(inside)))
    return str(_(" and ")).join(inside)
