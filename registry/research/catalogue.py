"""The public catalogue of variables: what each means, and how complete it is, roughly."""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Lock

import sqlalchemy as sa
from flask import current_app

from registry import codes as vocabularies
from registry import dictionary
from registry.db import db
from registry.research import rules
from registry.research.cohorts import evaluating
from registry.research.releases import columns

#: Completeness is told in steps of this many per cent, and only of enough patients.
_STEP = 10
_KEEP_SECONDS = 3600


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


def parts() -> list[Part]:
    """Every variable but those that say who somebody is, by entry."""
    shares = _shares()
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
                    shares.get(f"{file.entity}.{name}"),
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


_lock = Lock()


def _shares() -> dict[str, int]:
    """The share of patients with a value of each variable, in rough steps; counted once an hour,
    so that nobody sees a number change with a patient."""
    kept = current_app.extensions.setdefault("netreg_completeness", {})
    with _lock:
        if kept.get("until", 0) < time.monotonic():
            kept["shares"] = _counted()
            kept["until"] = time.monotonic() + _KEEP_SECONDS
    found: dict[str, int] = kept["shares"]
    return found


def _counted() -> dict[str, int]:
    everybody = evaluating.population()
    total = db.session.scalar(sa.select(sa.func.count()).select_from(everybody.subquery())) or 0
    if rules.rounded(total) is None:
        return {}
    shares = {}
    for file in columns.files():
        table = sa.inspect(file.model).local_table
        whose = table.c.id if file.entity == "patient" else table.c.patient_id
        names = [
            name
            for name, declared in dictionary.described(file.model).items()
            if declared.identity is not dictionary.Identity.IDENTIFYING
        ]
        counts = [
            sa.func.count(sa.distinct(sa.case((table.c[name].is_not(None), whose))))
            for name in names
        ]
        query = sa.select(*counts).where(whose.in_(everybody))
        for name, count in zip(names, db.session.execute(query).one(), strict=True):
            told = rules.rounded(count)
            if told is not None:
                share = min(99, 100 * told // total) // _STEP * _STEP
                shares[f"{file.entity}.{name}"] = share
    return shares
