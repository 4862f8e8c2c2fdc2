"""The column is the variable: what a column means is declared once, on the column.

`variable()` makes a mapped column that also carries label, help, unit, ranges, code list, data-set
level, identity class and mappings. Forms, validation, codebook and release are made from it.
`technical()` makes a column that is nobody's variable: keys, versions, provenance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from enum import IntEnum, StrEnum
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm


class Level(IntEnum):
    """The data set a variable belongs to."""

    MINIMAL = 1
    EXTENDED = 2


class Identity(StrEnum):
    """What the value tells about who the patient is; decides what may leave the house."""

    IDENTIFYING = "identifying"  # never leaves; encrypted at rest
    QUASI = "quasi_identifying"  # leaves coarsened
    CLINICAL = "clinical"
    FREE_TEXT = "free_text"  # withheld: nobody can promise what was typed
    WITHHELD = "withheld"  # keys, provenance, hospital


#: Answers that stand in the place of a value (rule 10: unknown is a value).
ABSENT = ("not_known", "not_done", "not_applicable", "not_available")


@dataclass(frozen=True)
class Variable:
    """Everything the house knows about one column."""

    label: Any
    help: Any = ""
    kind: str = ""  # text, long_text, number, code, yes_no, partial_date, ki67; "" = from the type
    unit: str = ""
    plausible: tuple[Decimal, Decimal] | None = None  # outside: a warning
    possible: tuple[Decimal, Decimal] | None = None  # outside: refused
    codes: str = ""
    absent: tuple[str, ...] = ()
    level: Level = Level.EXTENDED
    identity: Identity = Identity.CLINICAL
    mappings: dict[str, str] = field(default_factory=dict)
    show_if: tuple[str, frozenset[str]] | None = None
    item: str = ""  # the level-1 item this answers, where its name differs from the column's
    width: int = 20


def _pair(limits: tuple[float, float] | None) -> tuple[Decimal, Decimal] | None:
    return (Decimal(str(limits[0])), Decimal(str(limits[1]))) if limits else None


def variable(
    type_: Any = None,
    *,
    label: Any,
    help: Any = "",
    kind: str = "",
    unit: str = "",
    plausible: tuple[float, float] | None = None,
    possible: tuple[float, float] | None = None,
    codes: str = "",
    absent: tuple[str, ...] = (),
    level: Level = Level.EXTENDED,
    identity: Identity = Identity.CLINICAL,
    mappings: dict[str, str] | None = None,
    show_if: tuple[str, set[str]] | None = None,
    item: str = "",
    width: int = 20,
    nullable: bool = True,
    **column: Any,
) -> orm.MappedColumn[Any]:
    """A mapped column that is a variable of the registry.

    `plausible` and `possible` are inclusive, in `unit`. `absent` lists the answers allowed in the
    place of a value. `show_if` is (column name, values): the question is asked only then.
    """
    declared = Variable(
        label=label,
        help=help,
        kind=kind,
        unit=unit,
        plausible=_pair(plausible),
        possible=_pair(possible),
        codes=codes,
        absent=absent,
        level=level,
        identity=identity,
        mappings=mappings or {},
        show_if=(show_if[0], frozenset(show_if[1])) if show_if else None,
        item=item,
        width=width,
    )
    if type_ is None and (codes or kind == "yes_no"):
        type_ = sa.String(40)
    arguments = (type_,) if type_ is not None else ()
    return orm.mapped_column(*arguments, nullable=nullable, info={"variable": declared}, **column)


def technical(*arguments: Any, **column: Any) -> orm.MappedColumn[Any]:
    """A mapped column that is not a variable: a key, a version, provenance. Never released."""
    info = {"variable": None, "identity": Identity.WITHHELD}
    return orm.mapped_column(*arguments, info=info, **column)


def described(model: Any) -> dict[str, Variable]:
    """The variables of a mapped class, by column name, in the order they are declared."""
    return dict(_declared(model))


@cache
def _declared(model: type[Any]) -> tuple[tuple[str, Variable], ...]:
    """The same, read from the class once: what is declared does not change while we run."""
    return tuple(
        (column.key, column.info["variable"])
        for column in sa.inspect(model).columns
        if column.info.get("variable") is not None
    )


@cache
def _by_name(model: type[Any]) -> dict[str, Variable]:
    return described(model)


def of(model: Any, name: str) -> Variable:
    """One variable. Raises KeyError when the column is none."""
    return _by_name(model)[name]


def kind_of(model: type[Any], name: str) -> str:
    """How the variable is asked: from its declaration, else from the column's type."""
    declared = of(model, name)
    if declared.kind:
        return declared.kind
    if declared.codes:
        return "code"
    type_name = type(sa.inspect(model).columns[name].type).__name__
    return {
        "PartialDateType": "partial_date",
        "Exact": "number",
        "Integer": "number",
        "Text": "long_text",
    }.get(type_name, "text")


def entities(base: type[Any]) -> Iterator[type[Any]]:
    """Every mapped class that is an entity of the dictionary (has `entity`), by its order."""
    found = [m.class_ for m in base.registry.mappers if getattr(m.class_, "entity", "")]
    yield from sorted(found, key=lambda model: model.entity_order)
