"""Facts of the course as plain JSON and back: what submissions, imports and audit rows hold.

A row is {column: value, …, "absent": {column: {"why": code, "because": text}}}. A date is ISO
text, a number is text digit for digit, several codes are a list.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any

import sqlalchemy as sa

from registry import codes, dictionary
from registry.clinical.ki67 import parse_ki67
from registry.course import models
from registry.course.models import BY_NAME
from registry.course.models.entry import Entry
from registry.dates import PartialDate
from registry.db import Exact, PartialDateType
from registry.dictionary import ABSENT, Identity
from registry.errors import Invalid
from registry.language import gettext as _

#: Keys of a row that say which tumour, therapy … of the same facts it belongs to, by position.
LINKS = tuple(models.LINKS)


def names(entity: str) -> list[str]:
    """The variables a person or source states, in order; what is derived is not among them."""
    return list(_names(entity))


@cache
def _names(entity: str) -> tuple[str, ...]:
    declared = dictionary.described(BY_NAME[entity])
    return tuple(n for n, v in declared.items() if v.kind != "derived")


@cache
def dates(entity: str) -> tuple[str, ...]:
    """The variables that are dates."""
    return tuple(n for n in names(entity) if isinstance(_type(entity, n), PartialDateType))


def is_free_text(entity: str, name: str) -> bool:
    """May the value hold anything a person typed?"""
    return dictionary.of(BY_NAME[entity], name).identity is Identity.FREE_TEXT


def _type(entity: str, name: str) -> Any:
    mapper: Any = sa.inspect(BY_NAME[entity])
    return mapper.columns[name].type


def from_json(entity: str, row: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A row's values by column, and its absences.

    Raises ValueError for a column the entity does not have and for text that is no date or number.
    """
    known = set(names(entity))
    values = {}
    for name, value in row.items():
        if name == "absent" or name in LINKS:
            continue
        if name not in known:
            raise ValueError(f"{entity} has no variable {name!r}")
        values[name] = _read(_type(entity, name), value)
    return values, dict(row.get("absent") or {})


def _read(type_: Any, value: Any) -> Any:
    if value is None or value == "":
        return None
    if isinstance(type_, PartialDateType):
        return PartialDate(str(value))
    if isinstance(type_, Exact):
        try:
            return Decimal(str(value))
        except InvalidOperation:
            raise ValueError(f"not a number: {value!r}") from None
    return value


def to_json(values: Mapping[str, Any], absent: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Values by column as a row; blank ones are left out."""
    row = {name: plain(v) for name, v in values.items() if v not in (None, "", [], {})}
    if absent:
        row["absent"] = {name: dict(reason) for name, reason in absent.items()}
    return row


def plain(value: Any) -> Any:
    """One value as JSON has it."""
    if isinstance(value, PartialDate):
        return value.iso
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    return list(value) if isinstance(value, list | tuple) else value


def stated(entry: Entry) -> dict[str, Any]:
    """What an entry states, by column."""
    return {name: getattr(entry, name) for name in _names(entry.entity)}


def row_of(entry: Entry) -> dict[str, Any]:
    """An entry as a row."""
    return to_json(stated(entry), entry.absent)


def check(entity: str, values: Mapping[str, Any], absent: Mapping[str, Any]) -> None:
    """Refuse what no form would let through. Raises Invalid with the field, KeyError for a
    variable there is none of."""
    known = set(names(entity))
    for name in (*values, *absent):
        if name not in known:
            raise KeyError(f"{entity}.{name}")
    for name, value in values.items():
        if value in (None, "", [], {}):
            continue
        if name in absent:
            raise Invalid(_("Give a value, or say why there is none, not both."), field=name)
        _check_value(entity, name, value)
    for name, reason in absent.items():
        if reason.get("why") not in ABSENT:
            raise Invalid(_("Choose one of the options."), field=name)


def _check_value(entity: str, name: str, value: Any) -> None:
    variable = dictionary.of(BY_NAME[entity], name)
    type_ = _type(entity, name)
    if isinstance(type_, PartialDateType) and not isinstance(value, PartialDate):
        raise Invalid(_("Enter a real date."), field=name)
    if isinstance(type_, Exact) and not isinstance(value, Decimal):
        raise Invalid(_("Enter a number, such as 12 or 12.5."), field=name)
    if variable.possible and not variable.possible[0] <= value <= variable.possible[1]:
        low, high = (f"{limit:f}" for limit in variable.possible)
        text = _(
            "Must be from %(low)s to %(high)s %(unit)s.", low=low, high=high, unit=variable.unit
        )
        raise Invalid(text, field=name)
    _check_text(variable, type_, name, value)


def _check_text(variable: dictionary.Variable, type_: Any, name: str, value: Any) -> None:
    if variable.codes:
        listed = value if isinstance(value, list) else [value]
        if not all(codes.acceptable(variable.codes, one) for one in listed):
            raise Invalid(_("Choose one of the options."), field=name)
        if "none" in listed and len(listed) > 1:
            raise Invalid(_("Choose None alone, or what there is."), field=name)
    elif variable.kind == "yes_no" and value not in ("yes", "no"):
        raise Invalid(_("Choose one of the options."), field=name)
    elif variable.kind == "ki67":
        try:
            parse_ki67(value)
        except ValueError:
            raise Invalid(
                _("Enter Ki-67 as a number (12), a range (3-20) or a limit (<3), 0 to 100."),
                field=name,
            ) from None
    _check_special(variable.kind, name, value)
    longest = getattr(type_, "length", None)
    if longest and isinstance(value, str) and len(value) > longest:
        raise Invalid(_("Use at most %(n)s characters.", n=longest), field=name)


def _check_special(kind: str, name: str, value: Any) -> None:
    if kind == "items" and not (
        isinstance(value, dict)
        and all(str(n).isdigit() and type(given) is int for n, given in value.items())
    ):
        raise Invalid(_("Enter whole numbers by item number."), field=name)
    if kind == "link" and not str(value).startswith("https://"):
        raise Invalid(_("Enter an address that begins with https://."), field=name)
