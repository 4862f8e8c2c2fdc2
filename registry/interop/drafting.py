"""A map while it is made: the tables of its TOML, looked at and changed column by column.

What the pages do is what a person would write by hand; the text that comes out is read by the
same reader as every other map.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from registry.course.models import BY_NAME
from registry.interop import cells
from registry.interop.cells import Target
from registry.interop.links import links_of
from registry.interop.map_files import OWN_BLOCK, patient_targets

Content = dict[str, Any]
#: The other tables of a map, in the order they are written.
_FIRST = ("source", "consent", "reading", "missing", "patterns")
_LAST = ("keep", "ignore")
_BARE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Use:
    """What a column is used for: a variable of a block, by a rule that is a table.

    `block` is the number of the block among those of its entity. `simple`: the page can change it.
    """

    entity: str
    block: int
    variable: str
    rule: Mapping[str, Any] = field(default_factory=dict)
    simple: bool = True

    @property
    def path(self) -> str:
        """Entity and variable."""
        return f"{self.entity}.{self.variable}"


@cache
def targets() -> Mapping[str, Target]:
    """Every variable a column may fill, by its path."""
    found = {f"patient.{name}": target for name, target in patient_targets().items()}
    for entity, model in BY_NAME.items():
        found |= {f"{entity}.{name}": one for name, one in cells.targets(model).items()}
    return found


def blocks(content: Content) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Every block that makes something, with its entity and number."""
    patient = content.get("patient")
    if isinstance(patient, dict):
        yield "patient", 0, patient
    for entity in BY_NAME:
        listed = content.get(entity)
        for number, block in enumerate(listed if isinstance(listed, list) else []):
            if isinstance(block, dict):
                yield entity, number, block


def _own(entity: str) -> set[str]:
    return set() if entity == "patient" else OWN_BLOCK | set(links_of(entity))


def uses_of(content: Content, column: str) -> list[Use]:
    """What a column is used for."""
    found = []
    for entity, number, block in blocks(content):
        for variable, stated in block.items():
            if variable in _own(entity):
                continue
            if stated == column:
                found.append(Use(entity, number, variable, {"column": column}))
            elif isinstance(stated, dict) and stated.get("column") == column:
                found.append(Use(entity, number, variable, stated))
            elif _mentions(stated, column):
                found.append(Use(entity, number, variable, simple=False))
    return found


def _mentions(stated: Any, column: str) -> bool:
    if isinstance(stated, str):
        return stated == column
    if isinstance(stated, list):
        return any(_mentions(one, column) for one in stated)
    if isinstance(stated, dict):
        named = [stated.get("column"), *_listed(stated.get("columns"))]
        items = stated.get("items")
        named += list(items.values()) if isinstance(items, dict) else []
        return column in named
    return False


def _listed(stated: Any) -> list[Any]:
    return stated if isinstance(stated, list) else []


def fate_of(content: Content, column: str) -> str:
    """`used`, `kept`, `ignored`, `id`, or empty: nothing is said of the column yet."""
    if uses_of(content, column):
        return "used"
    if column in content.get("keep", {}):
        return "kept"
    if column in content.get("ignore", {}):
        return "ignored"
    return "id" if content.get("source", {}).get("id_column") == column else ""


# -- changing ------------------------------------------------------------------------------------


def without(content: Content, column: str) -> Content:
    """The map with nothing said of a column that the page can say; blocks left empty go."""
    made = copy.deepcopy(content)
    for use in uses_of(made, column):
        if use.simple:
            block = _block(made, use.entity, use.block)
            del block[use.variable]
    for table in _LAST:
        made.get(table, {}).pop(column, None)
    return _tidied(made)


def _block(content: Content, entity: str, number: int) -> dict[str, Any]:
    found: dict[str, Any] = content["patient"] if entity == "patient" else content[entity][number]
    return found


def _tidied(content: Content) -> Content:
    for entity in BY_NAME:
        listed = content.get(entity)
        if isinstance(listed, list):
            kept = [one for one in listed if _says_something(entity, one)]
            content[entity] = kept
            if not kept:
                del content[entity]
    return content


def _says_something(entity: str, block: dict[str, Any]) -> bool:
    """Does a column or a condition make it?"""
    if "when" in block:
        return True
    rules = [rule for name, rule in block.items() if name not in _own(entity)]
    return any(
        isinstance(rule, str | list)
        or (isinstance(rule, dict) and {"column", "columns", "items"} & set(rule))
        for rule in rules
    )


def with_use(
    content: Content,
    column: str,
    path: str,
    rule: Mapping[str, Any],
    *,
    block: int | None = None,
    constants: Mapping[str, Any] | None = None,
) -> Content:
    """The map with a column used for a variable. `block` is the number of a block of the entity;
    None: the first that has no such variable yet, else a new one. `constants` stand beside it."""
    made = without(content, column)
    entity, variable = path.split(".", 1)
    stated: Any = {"column": column, **{k: v for k, v in rule.items() if k != "column"}}
    if set(stated) == {"column"}:
        stated = column
    if entity == "patient":
        made.setdefault("patient", {})[variable] = stated
        return made
    listed = made.setdefault(entity, [])
    if block is None or not 0 <= block < len(listed):
        free = next(
            (n for n, one in enumerate(listed) if variable not in one and "when" not in one), None
        )
        block = free if free is not None and block is None else len(listed)
        if block == len(listed):
            listed.append({})
    listed[block][variable] = stated
    for name, value in (constants or {}).items():
        if value in ("", None):
            if isinstance(listed[block].get(name), dict) and "constant" in listed[block][name]:
                del listed[block][name]
        else:
            listed[block][name] = {"constant": value}
    if made.get("source", {}).get("rows") == "several" and entity == "tumour":
        listed[block].setdefault("once", True)
    return made


def with_fate(content: Content, column: str, fate: str, reason: str) -> Content:
    """The map with a column kept as stated, or ignored, for a reason."""
    made = without(content, column)
    made.setdefault({"kept": "keep", "ignored": "ignore"}[fate], {})[column] = reason
    return made


def constants_of(content: Content, entity: str, number: int) -> dict[str, Any]:
    """The fixed values of a block."""
    listed = content.get(entity)
    if entity == "patient" or not isinstance(listed, list) or not 0 <= number < len(listed):
        return {}
    return {
        name: rule["constant"]
        for name, rule in listed[number].items()
        if isinstance(rule, dict) and "constant" in rule
    }


# -- writing TOML --------------------------------------------------------------------------------


def to_toml(content: Content) -> str:
    """The map as the text of a file, which the command line reads as well."""
    lines: list[str] = []
    for name in _FIRST:
        if content.get(name):
            lines += [f"[{name}]", *_pairs(content[name]), ""]
    for one in content.get("file", []):
        lines += ["[[file]]", *_pairs(one), ""]
    if content.get("patient"):
        lines += ["[patient]", *_pairs(content["patient"]), ""]
    for entity in BY_NAME:
        for block in content.get(entity, []):
            lines += [f"[[{entity}]]", *_pairs(block), ""]
    for name in _LAST:
        if content.get(name):
            lines += [f"[{name}]", *_pairs(content[name]), ""]
    return "\n".join(lines)


def _pairs(table: Mapping[str, Any]) -> list[str]:
    return [f"{_key(name)} = {_value(value)}" for name, value in table.items()]


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        inside = ", ".join(_pairs(value))
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, Sequence):
        return f"[{', '.join(_value(one) for one in value)}]"
    return str(value)


def _text(text: str) -> str:
    """A text in TOML: a pattern reads better in single quotes."""
    if "\\" in text and "'" not in text and text.isprintable():
        return f"'{text}'"
    # JSON escapes what TOML escapes, but for the delete character.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
