"""The public catalogue of variables: what each means, and how complete it is, roughly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from registry import codes as vocabularies
from registry import dictionary
from registry.research.releases import columns


@dataclass(frozen=True)
class Row:
    """A variable: its definition, and the share of patients with a value (None: not told)."""

    name: str
    label: str
    help: str
    unit: str
    values: str
    released: str
    complete: int | None


@dataclass(frozen=True)
class Part:
    """The variables of one kind of entry."""

    entity: str
    label: str
    rows: list[Row]


def parts(complete: Mapping[str, int]) -> list[Part]:
    """Every variable but those that say who somebody is, by entry. `complete` are the shares that
    are told, in per cent, by entity.variable."""
    found = []
    for file in columns.files():
        rows = []
        for name, declared in dictionary.described(file.model).items():
            if declared.identity is dictionary.Identity.IDENTIFYING:
                continue
            kind = dictionary.kind_of(file.model, name)
            withheld = columns.why_withheld(file.entity, name, declared, kind)
            rows.append(
                Row(
                    f"{file.entity}.{name}",
                    str(declared.label),
                    str(declared.help),
                    str(declared.unit),
                    _values(declared.codes),
                    str(withheld),
                    complete.get(f"{file.entity}.{name}"),
                )
            )
        found.append(Part(file.entity, str(file.label), rows))
    return found


def _values(codes: str) -> str:
    if not codes:
        return ""
    listed = vocabularies.shipped(codes)
    shown = [code.shown() for code in list(listed.values())[:6]]
    return ", ".join([*shown, "…"] if len(listed) > len(shown) else shown)
