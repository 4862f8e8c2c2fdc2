"""The directory of trials as CSV and as YAML, to be read and written. Form: docs/trials.md."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from registry.boards.models import Trial
from registry.boards.rules import trials as rules
from registry.dates import PartialDate

FACTS = ("code", "title", "phase", "status", "countries", "contact", "link", "checked_on")
_LISTS = [name for name, (_label, form) in rules.CRITERIA.items() if form != "range"]
_RANGES = [name for name, (_label, form) in rules.CRITERIA.items() if form == "range"]
COLUMNS = (*FACTS, *_LISTS, *(f"{name}_{end}" for name in _RANGES for end in ("from", "to")))
_RISKY = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Bad(Exception):
    """A row that cannot be taken: which, and which column."""

    row: int
    column: str


def read_csv(text: str) -> list[dict[str, Any]]:
    """The trials of a CSV file. Raises Bad for the first row that cannot be taken."""
    rows = csv.DictReader(io.StringIO(text.lstrip("\ufeff")))
    unknown = set(rows.fieldnames or ()) - set(COLUMNS)
    if unknown or not {"code", "title", "status"} <= set(rows.fieldnames or ()):
        raise Bad(1, ", ".join(sorted(unknown)) or "code, title, status")
    return [checked(number, _plain(number, row)) for number, row in enumerate(rows, start=2)]


def _plain(number: int, row: Mapping[str, Any]) -> dict[str, Any]:
    said = {name: str(row.get(name) or "").strip().lstrip("'") for name in COLUMNS}
    criteria: dict[str, Any] = {
        name: [one.strip() for one in said[name].split(";") if one.strip()]
        for name in _LISTS
        if said[name]
    }
    for name in _RANGES:
        ends = [_number(number, f"{name}_{end}", said[f"{name}_{end}"]) for end in ("from", "to")]
        if ends != [None, None]:
            criteria[name] = ends
    countries = [one.strip() for one in said["countries"].split(";") if one.strip()]
    return {**{name: said[name] for name in FACTS}, "countries": countries, "criteria": criteria}


def _number(row: int, column: str, text: str) -> float | None:
    if not text:
        return None
    try:
        found = float(text.replace(",", "."))
    except ValueError:
        raise Bad(row, column) from None
    return int(found) if found == int(found) else found


def checked(number: int, trial: dict[str, Any]) -> dict[str, Any]:
    """A trial as row `number` says it, with its criteria in the order of the table. Raises Bad."""
    if not trial["code"] or len(trial["code"]) > 40:
        raise Bad(number, "code")
    if not trial["title"] or len(trial["title"]) > 300:
        raise Bad(number, "title")
    if trial["status"] not in rules.STATUSES:
        raise Bad(number, "status")
    if trial["link"] and not trial["link"].startswith("https://"):
        raise Bad(number, "link")
    if trial["checked_on"]:
        try:
            PartialDate(trial["checked_on"])
        except ValueError:
            raise Bad(number, "checked_on") from None
    wrong = rules.problem(trial["criteria"])
    if wrong:
        raise Bad(number, wrong)
    ordered = {n: trial["criteria"][n] for n in rules.CRITERIA if n in trial["criteria"]}
    return {**trial, "criteria": ordered}


def write_csv(trials: Iterable[Trial]) -> str:
    """The directory as CSV; what a spreadsheet would take for a formula is marked as text."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    for one in trials:
        row: dict[str, Any] = {name: getattr(one, name) for name in FACTS}
        row["countries"] = ";".join(one.countries)
        for name, wanted in one.criteria.items():
            if rules.CRITERIA[name][1] == "range":
                row |= {f"{name}_{end}": "" if v is None else f"{v:g}"
                        for end, v in zip(("from", "to"), wanted, strict=True)}  # fmt: skip
            else:
                row[name] = ";".join(wanted)
        writer.writerow({name: _safe(value) for name, value in row.items()})
    return out.getvalue()


def _safe(value: Any) -> str:
    text = str(value)
    return f"'{text}" if text.startswith(_RISKY) else text


# -- YAML --------------------------------------------------------------------------------------


def read_yaml(text: str) -> list[dict[str, Any]]:
    """The trials of a YAML file: documents of one trial each. Raises Bad."""
    import yaml  # here: a start does not wait for it

    try:
        documents = [one for one in yaml.safe_load_all(text) if one is not None]
    except yaml.YAMLError:
        raise Bad(1, "yaml") from None
    return [checked(number, _of_document(number, one)) for number, one in enumerate(documents, 1)]


def _of_document(number: int, one: Any) -> dict[str, Any]:
    if not isinstance(one, dict):
        raise Bad(number, "yaml")
    criteria: dict[str, Any] = {}
    tree = one.get("match") or []
    for step in tree if isinstance(tree, list) else [tree]:
        wanted = step.get("and", [step]) if isinstance(step, dict) else None
        if not isinstance(wanted, list):
            raise Bad(number, "match")
        for criterion in wanted:
            if not isinstance(criterion, dict) or len(criterion) != 1:
                raise Bad(number, "match")
            name, value = next(iter(criterion.items()))
            criteria[str(name)] = _value(number, str(name), value)
    said = {name: str(one.get(name) or "") for name in FACTS}
    said["code"] = str(one.get("trial_id") or one.get("code") or "")
    countries = one.get("countries") or []
    return {**said, "countries": [str(c) for c in countries], "criteria": criteria}


def _value(number: int, name: str, value: Any) -> Any:
    if isinstance(value, dict):
        return [value.get("from"), value.get("to")]
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list):
        raise Bad(number, name)
    return value


def write_yaml(trials: Iterable[Trial]) -> str:
    """The directory as YAML, a document a trial."""
    import yaml

    documents = []
    for one in trials:
        facts = {name: getattr(one, name) for name in FACTS if getattr(one, name)}
        facts["trial_id"] = facts.pop("code")
        wanted = [
            {name: _as_range(v) if rules.CRITERIA[name][1] == "range" else list(v)}
            for name, v in one.criteria.items()
        ]
        documents.append({"trial_id": facts.pop("trial_id"), **facts, "match": [{"and": wanted}]})
    return str(yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True))


def _as_range(wanted: list[Any]) -> dict[str, Any]:
    ends = zip(("from", "to"), wanted, strict=True)
    return {name: value for name, value in ends if value is not None}
