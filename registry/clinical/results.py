"""The value objects every derivation answers with, and the marker for translatable text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

COMPLETE = "complete"
PROVISIONAL = "provisional"
INCOMPLETE = "incomplete"
REVIEW = "review"
INVALID_INPUT = "invalid_input"
NOT_APPLICABLE = "not_applicable"
NOT_DERIVABLE = "not_derivable"
CONTRADICTORY = "contradictory"

STATUSES = (
    COMPLETE,
    PROVISIONAL,
    INCOMPLETE,
    REVIEW,
    INVALID_INPUT,
    NOT_APPLICABLE,
    NOT_DERIVABLE,
    CONTRADICTORY,
)


def N_(text: str) -> str:  # noqa: N802 - the name gettext tools look for
    """Mark `text` for translation and return it unchanged; pages translate it when shown."""
    return text


@dataclass(frozen=True, slots=True)
class Reason:
    """One sentence of an explanation: a translatable template and the values that fill it.

    A per cent sign that is meant as such is written `%%` in the template.
    """

    template: str
    values: Mapping[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """The sentence in English."""
        return self.template % self.values


DerivedT = TypeVar("DerivedT", bound="Derived")


@dataclass(frozen=True, slots=True)
class Derived:
    """What a rule answered, and why.

    `inputs` are the values the rule used, as text; `source` names ids of
    `docs/clinical/sources`; `confidence` is the lowest standing of what the answer rests on.
    """

    answer: str
    status: str
    reasons: tuple[Reason, ...]
    flags: tuple[str, ...]
    inputs: Mapping[str, str]
    rule: str
    version: str
    source: str
    confidence: str = "high"

    def reason_text(self) -> str:
        """All reasons as English sentences in one line."""
        return " ".join(reason.text() for reason in self.reasons)

    def as_json(self) -> dict[str, Any]:
        """Plain lists and dictionaries, for a JSON column beside the stated value."""
        plain: dict[str, Any] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name == "reasons":
                value = [{"template": r.template, "values": dict(r.values)} for r in value]
            elif item.name == "flags":
                value = list(value)
            elif item.name == "inputs":
                value = dict(value)
            plain[item.name] = value
        return plain

    @classmethod
    def from_json(cls: type[DerivedT], plain: Mapping[str, Any]) -> DerivedT:
        """The object that `as_json` wrote; unknown keys of later versions are ignored."""
        known = {item.name for item in fields(cls)}
        values = {key: value for key, value in plain.items() if key in known}
        values["reasons"] = tuple(
            Reason(str(r["template"]), dict(r.get("values") or {})) for r in plain["reasons"]
        )
        values["flags"] = tuple(plain["flags"])
        return cls(**values)


def first_status(statuses: Iterable[str], order: tuple[str, ...]) -> str:
    """The first status of `order` that is among `statuses`, else *complete*."""
    present = set(statuses)
    return next((status for status in order if status in present), COMPLETE)
