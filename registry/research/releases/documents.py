"""What explains a release: codebook (CSV, HTML, code lists), README and manifest.

All are made from the dictionary and from what was counted while the data were written. Nothing in
them changes from one making to the next while the database, the dictionary and the code are the
same, but for the block `made` of the manifest. They are in English whatever the reader's language.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from flask import current_app

from registry import codes as vocabularies
from registry.research import rules
from registry.research.releases import columns, formats
from registry.research.releases.columns import Column, File

FORMAT = "netreg-release-2"
#: Who makes and publishes releases: the network, not the researcher who receives them.
CREATOR = "NET Registry"
#: The version of what columns.py and rules.py decide: it changes when the same record would leave
#: in another way.
RULES = "5"
#: A list longer than this stands in code_lists.csv alone.
_SHORT = 60
_REASONS = "absent_reason"
_RULE_COLUMN = "derived_version"

CODEBOOK_HEADER = (
    "file",
    "column",
    "label",
    "help",
    "type",
    "unit",
    "plausible_low",
    "plausible_high",
    "possible_low",
    "possible_high",
    "code_list",
    "codes",
    "level",
    "identity_class",
    "mappings",
    "from_variable",
    "how_released",
    "filled",
    "rows",
)
_LEVELS = {1: "1 minimal", 2: "2 extended"}


@dataclass(frozen=True)
class Order:
    """What is to be made, for whom and for what: facts, held apart from any session."""

    release_id: UUID
    number: int
    criteria: Mapping[str, Any]
    requested_by: str
    grant_id: UUID
    until: str
    project: str
    title: str
    purpose: str
    formats: Sequence[str] = ()
    coarse: rules.Coarse = rules.USUAL

    @property
    def sentence(self) -> str:
        """Who is in it."""
        return str(self.criteria.get("sentence") or rules.CRITERIA_SENTENCE)


@dataclass
class Counts:
    """What was counted while a file was written."""

    rows: int = 0
    filled: dict[str, int] = field(default_factory=dict)
    withheld: dict[tuple[str, str], int] = field(default_factory=dict)
    rules: set[str] = field(default_factory=set)

    def add(
        self,
        header: Sequence[str],
        texts: Sequence[Any],
        why: Iterable[tuple[str, str, int]],
    ) -> None:
        """Count some rows: the Arrow columns, and (column, reason, how many cells)."""
        rows = len(texts[0])
        self.rows += rows
        for name, column in zip(header, texts, strict=True):
            if filled := rows - column.null_count:
                self.filled[name] = self.filled.get(name, 0) + filled
                if name == _RULE_COLUMN:
                    self.rules.update(filter(None, column.unique().to_pylist()))
        for name, reason, number in why:
            if reason in rules.RELEASE_REASONS:
                self.withheld[name, reason] = self.withheld.get((name, reason), 0) + number


def csv_bytes(header: Sequence[str], lines: Iterable[Sequence[str]]) -> bytes:
    """A CSV file as RFC 4180 has it: UTF-8, lines end with CR LF, quotes where they are needed."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(lines)
    return out.getvalue().encode()


# -- the codebook ------------------------------------------------------------------------------


def _limits(column: Column) -> list[str]:
    """Plausible and possible range as four cells."""
    about = column.about if column.kind == "number" else None
    cells = []
    for pair in (about.plausible, about.possible) if about else (None, None):
        cells += [columns.number(limit) for limit in pair] if pair else ["", ""]
    return cells


def _code_text(name: str) -> str:
    listed = vocabularies.codes(name) if name else {}
    if len(listed) > _SHORT:
        return "see code_lists.csv"
    return "; ".join(f"{code.code}={code.marked}" for code in listed.values())


def _column_row(file: File, column: Column) -> list[str]:
    """What the codebook says of a column, but for how full it is."""
    about = column.about
    return [
        file.name,
        column.name,
        str(column.label),
        str(column.help),
        column.kind,
        str(column.unit),
        *_limits(column),
        column.codes,
        _code_text(column.codes),
        _LEVELS[int(about.level)] if about else "",
        about.identity.value if about else "",
        "; ".join(f"{key}={value}" for key, value in sorted(about.mappings.items()))
        if about
        else "",
        column.variable,
        str(column.how),
    ]


def _absent_row(file: File) -> list[str]:
    row = dict.fromkeys(CODEBOOK_HEADER[:-2], "")
    row.update(
        file=file.name,
        column="absent",
        label="Why cells of this row are empty",
        help="Pairs column=reason with ; between them. A cell that is empty and not named here was "
        "not asked or not filled in.",
        type="pairs",
        code_list=_REASONS,
        codes="; ".join(f"{code}={label}" for code, label, _e, _s in _reasons()),
        how_released="The reason as a code, never the words with it.",
    )
    return list(row.values())


def _reasons() -> list[tuple[str, str, str, str]]:
    stated = vocabularies.codes(_REASONS).values()
    return [(c.code, c.label, c.edition, c.source) for c in stated] + [
        (code, str(label), "1", "this release") for code, label in rules.RELEASE_REASONS.items()
    ]


def description(files: Sequence[File]) -> list[list[str]]:
    """Every column of every file, as the dictionary has it."""
    rows = []
    for file in files:
        rows += [_column_row(file, column) for column in file.columns]
        rows.append(_absent_row(file))
    return rows


CODES_HEADER = ("list", "code", "label", "edition", "source", "number")


def code_lists(files: Sequence[File]) -> list[tuple[str, str, str, str, str, str]]:
    """(list, code, label, edition, source, number in SPSS and Stata) of every list in use."""
    used: dict[str, Column] = {}
    for column in (column for file in files for column in file.columns if column.codes):
        if column.codes not in used or column.more_codes:
            used[column.codes] = column
    listed = []
    for name, column in sorted(used.items()):
        known, numbers = vocabularies.codes(name), formats.numbers_of(column)
        for code, label in formats.labels_of(column).items():
            about = known.get(code)
            edition, source = (about.edition, about.source) if about else ("1", "this release")
            listed.append((name, code, label, edition, source, str(numbers[code])))
    return listed + [(_REASONS, *reason, "") for reason in _reasons()]


def dictionary_version(files: Sequence[File]) -> str:
    """A fingerprint of what the columns mean: it changes when a label, range or code does."""
    meaning = [description(files), code_lists(files)]
    return hashlib.sha256(json.dumps(meaning, ensure_ascii=False).encode()).hexdigest()


def rule_versions(counts: Mapping[str, Counts]) -> dict[str, Any]:
    """The versions of the rules behind the derived values: those the rows themselves name, and
    that of the rules of releasing."""
    derived = {name: sorted(one.rules) for name, one in sorted(counts.items()) if one.rules}
    return {"release": RULES, "derived": derived}


def codebook(files: Sequence[File], counts: Mapping[str, Counts]) -> list[list[str]]:
    """The rows of the codebook, with how many cells of each column are filled."""
    rows = []
    for row in description(files):
        counted = counts[row[0]]
        rows.append([*row, str(counted.filled.get(row[1], 0)), str(counted.rows)])
    return rows


def codebook_csv(rows: Sequence[Sequence[str]]) -> bytes:
    """The codebook as a table. Texts are made safe for spreadsheets."""
    return csv_bytes(CODEBOOK_HEADER, ([rules.safe(cell) for cell in row] for row in rows))


def code_lists_csv(files: Sequence[File]) -> bytes:
    """Every code with its label, edition and source."""
    return csv_bytes(
        CODES_HEADER,
        ([rules.safe(cell) for cell in row] for row in code_lists(files)),
    )


def _page(name: str, **values: Any) -> bytes:
    # Not render_template: what pages of the product are given belongs to a request.
    return current_app.jinja_env.get_template(f"research/made/{name}").render(**values).encode()


def codebook_html(
    order: Order, files: Sequence[File], rows: Sequence[Sequence[str]], version: str
) -> bytes:
    """The codebook to read, in one file that needs nothing else."""
    by_file: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        by_file.setdefault(row[0], []).append(dict(zip(CODEBOOK_HEADER, row, strict=True)))
    lists: dict[str, list[Any]] = {}
    for listed in code_lists(files):
        lists.setdefault(listed[0], []).append(listed[1:-1])
    return _page(
        "codebook.html",
        order=order,
        files=[(file, by_file[file.name]) for file in files],
        lists=lists,
        short=_SHORT,
        version=version,
    )


def withheld_cells(files: Sequence[File], counts: Mapping[str, Counts]) -> list[dict[str, Any]]:
    """How many cells of each column were left out although the record has something, and why."""
    return [
        {"file": file.name, "column": name, "reason": reason, "cells": number}
        for file in files
        for (name, reason), number in sorted(counts[file.name].withheld.items())
    ]


def disclosure_html(
    order: Order, files: Sequence[File], counts: Mapping[str, Counts], report: Mapping[str, Any]
) -> bytes:
    """How patients were made unrecognisable, to read, in one file that needs nothing else."""
    return _page(
        "disclosure.html",
        order=order,
        report=report,
        times=rules.TIMES[order.coarse.times],
        cells=withheld_cells(files, counts),
        reasons=rules.RELEASE_REASONS,
    )


def script(order: Order, name: str) -> bytes:
    """A script to begin with: `start.py` or `start.R`. Both read what the files say themselves."""
    return _page(f"{name}.txt", order=order)


# -- README and manifest -----------------------------------------------------------------------


def readme(
    order: Order,
    files: Sequence[File],
    counts: Mapping[str, Counts],
    *,
    demo: bool,
    left_out: Mapping[str, Sequence[str]],
    report: Mapping[str, Any],
) -> bytes:
    """What is in the release and how to read it."""
    text = _page(
        "README.txt",
        order=order,
        files=[(file, counts[file.name].rows) for file in files],
        criteria=order.sentence,
        reasons=_reasons(),
        terms=rules.terms(order.criteria),
        product=current_app.extensions["netreg_version"],
        oldest=rules.OLDEST,
        formats=formats.CHOICES,
        left_out=left_out,
        report=report,
        wide=any(file.name == "wide.csv" for file in files),
        demo=demo,
    )
    return text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


@dataclass(frozen=True)
class Made:
    """A file as it lies in the storage."""

    name: str
    media_type: str
    size: int
    sha256: str
    rows: int | None
    file_id: Any


def file_facts(made: Made) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "name": made.name,
        "media_type": made.media_type,
        "bytes": made.size,
        "sha256": made.sha256,
    }
    return facts if made.rows is None else {**facts, "rows": made.rows}


def manifest(
    order: Order,
    *,
    made: Sequence[Made],
    counts: Mapping[str, Counts],
    files: Sequence[File],
    demo: bool,
    at: str,
    report: Mapping[str, Any],
    held: Mapping[tuple[str, str], Any],
) -> dict[str, Any]:
    """All facts about a release. `made` holds what differs from one making to the next.

    `report` says how patients were made unrecognisable, and `held` which variables stay for it.
    """
    return {
        "format": FORMAT,
        "project": order.project,
        "title": order.title,
        "creators": [CREATOR],
        "purpose": order.purpose,
        "demonstration": demo,
        "criteria": {"sentence": order.sentence, "json": order.criteria},
        "consent": "Registry and research use, in force at the moment given in made.consent_as_of.",
        "counts": {
            "patients": counts["patients.csv"].rows,
            "rows": {file.name: counts[file.name].rows for file in files},
        },
        "files": [file_facts(one) for one in made],
        "versions": {
            "product": current_app.extensions["netreg_version"],
            "dictionary_sha256": dictionary_version(files),
            "rules": rule_versions(counts),
        },
        "cells_not_released": withheld_cells(files, counts),
        "variables_withheld": _withheld(held),
        "disclosure": {**report, "times": order.coarse.times},
        "terms": rules.terms(order.criteria),
        "made": {
            "release": str(order.release_id),
            "number": order.number,
            "requested_by": order.requested_by,
            "grant": str(order.grant_id),
            "grant_until": order.until,
            "consent_as_of": at,
        },
    }


def _withheld(held: Mapping[tuple[str, str], Any]) -> list[dict[str, str]]:
    """Every variable that stays in the house, and why: always, or under this grant."""
    by_entity = {file.entity: file for file in columns.files()}
    here = [
        columns.Withheld(by_entity[entity].name, one.name, one.label, reason)
        for (entity, name), reason in held.items()
        for one in by_entity[entity].columns
        if one.name == name
    ]
    return [
        {
            "file": one.file,
            "variable": one.variable,
            "label": str(one.label),
            "reason": str(one.reason),
        }
        for one in (*columns.withheld(), *here)
    ]


def as_json(facts: Mapping[str, Any]) -> bytes:
    """The manifest as a file."""
    return (json.dumps(facts, indent=2, ensure_ascii=False) + "\n").encode()
