"""How each answer is derived, as pages: made from the tables and docstrings of this package.

`chapters()` gives the pages to the product, `markdown()` writes them for `docs/clinical/`. Nothing
is written down twice, so that a page cannot differ from the rule.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from types import ModuleType

from registry.clinical import tables

# The longest table that is shown row by row; longer ones are named and stay files.
LONGEST_TABLE = 120


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a chapter; `rows` is empty when it is too long to show."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[Mapping[str, str], ...]
    length: int


@dataclass(frozen=True, slots=True)
class Rule:
    """One public function: its name, what goes in, and what it says of itself."""

    name: str
    signature: str
    text: str


@dataclass(frozen=True, slots=True)
class Chapter:
    """One subject."""

    name: str
    title: str
    text: str
    limits: tuple[tuple[str, str], ...]
    rules: tuple[Rule, ...]
    tables: tuple[Table, ...]


# subject: title, modules, tables
SUBJECTS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "grading": (
        "Grade",
        ("grading", "grading.digestive", "grading.lung", "grading.medullary_thyroid",
         "grading.not_graded", "ki67"),
        ("grade_thresholds", "grading_schemes", "grade_categories", "grade_statuses",
         "grade_flags"),
    ),
    "agreement": ("Central review, and grade over time", ("agreement",), ("grade_ranks",)),
    "staging": (
        "Stage, T, N and M",
        ("staging", "tnm"),
        ("t_sizes", "t_extents", "node_places", "met_places", "stage_groups"),
    ),
    "urgency": (
        "Urgency",
        ("urgency",),
        ("urgency_by_category", "urgency_red_flags", "urgency_targets"),
    ),
    "missing_for_advice": (
        "What the board will ask for",
        ("missing_for_advice",),
        ("missing_for_advice", "level1_items"),
    ),
    "edit_checks": (
        "Contradictions",
        ("edit_checks", "edit_checks.pathology", "edit_checks.stage", "edit_checks.therapy",
         "edit_checks.dates", "edit_checks.record", "edit_checks.across",
         "edit_checks.across.dates", "edit_checks.across.pathology", "edit_checks.across.disease",
         "edit_checks.across.imaging", "edit_checks.across.therapies", "edit_checks.across.cycles",
         "edit_checks.across.response", "edit_checks.across.fate"),
        ("grade_stated", "date_order", "record_checks", "record_dates"),
    ),
    "response": ("Response", ("response", "lesions"), ()),
    "endpoints": ("Time to event", ("endpoints", "partial_dates"), ("endpoints",)),
    "therapy_lines": ("Lines of therapy", ("therapy_lines", "prrt"), ("therapies",)),
    "quality_of_life": (
        "Quality of life and symptoms",
        ("quality_of_life", "symptom_diary"),
        ("qlq_scales", "symptom_diary"),
    ),
    "toxicity": ("Side effects", ("toxicity",), ("codes/ctcae_soc", "codes/ctcae_term",
                                                 "ctcae_words")),
    "units": ("Units of laboratory values", ("units",), ("units",)),
    "doses": ("Doses and laboratory values", ("doses",), ("therapy_components",
                                                          "codes/biomarker")),
    "pathways": (
        "Options and flags",
        ("pathways", "decision_flags"),
        ("pathways", "pathway_settings", "pathway_states", "decision_flags"),
    ),
    "follow_up": (
        "Follow-up",
        ("follow_up", "follow_up_record"),
        ("follow_up_intervals", "codes/follow_up_test", "codes/follow_up_situation"),
    ),
    "sites": ("Primary sites", ("sites",), ("sites",)),
    "sources": ("Sources", (), ("sources",)),
}  # fmt: skip


def chapters() -> tuple[Chapter, ...]:
    """Every subject, in the order of the house."""
    return tuple(chapter(name) for name in SUBJECTS)


def chapter(name: str) -> Chapter:
    """One subject. Raises KeyError for an unknown one."""
    title, modules, names = SUBJECTS[name]
    loaded = [import_module(f"registry.clinical.{module}") for module in modules]
    return Chapter(
        name=name,
        title=title,
        text="\n\n".join(inspect.getdoc(module) or "" for module in loaded),
        limits=tuple(limit for module in loaded for limit in _limits(module)),
        rules=tuple(rule for module in loaded for rule in _rules(module)),
        tables=tuple(_table(table) for table in names),
    )


def _rules(module: ModuleType) -> list[Rule]:
    """The public functions a module defines itself, in the order they stand there."""
    own = [
        function
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if not name.startswith("_") and function.__module__ == module.__name__
    ]
    own.sort(key=lambda function: function.__code__.co_firstlineno)
    return [
        Rule(function.__name__, ", ".join(inspect.signature(function).parameters),
             inspect.getdoc(function) or "")
        for function in own
    ]  # fmt: skip


def _limits(module: ModuleType) -> list[tuple[str, str]]:
    """The limits a module names itself, with their values."""
    source = inspect.getsource(module)
    return [
        (name, str(value))
        for name, value in vars(module).items()
        if name.isupper()
        and isinstance(value, int | float | Decimal)
        and re.search(rf"^(?:\w+, )*{name}\b.* = ", source, re.MULTILINE)
    ]


def _table(name: str) -> Table:
    found = tables.rows(name)
    shown = found if len(found) <= LONGEST_TABLE else ()
    return Table(name, tuple(found[0]), shown, len(found))


# --- as Markdown


def markdown() -> dict[str, str]:
    """File name to Markdown, the list of chapters as README.md among them."""
    pages = {f"{found.name}.md": _page(found) for found in chapters()}
    lines = [
        "# How each answer is derived",
        "",
        "Made from the tables and docstrings of `registry/clinical` by"
        " `python -m registry.clinical.handbook`; do not edit by hand.",
        "",
        "Decision support and a check beside what was stated: not medical advice. Rows with"
        " confidence medium or low wait for sign-off by a clinician and a pathologist.",
        "",
        *(f"* [{found.title}]({found.name}.md)" for found in chapters()),
        "",
    ]
    return {"README.md": "\n".join(lines), **pages}


def _page(found: Chapter) -> str:
    lines = [f"# {found.title}", "", found.text, ""]
    if found.limits:
        lines += ["## Limits", "", *(f"* `{name}`: {value}" for name, value in found.limits), ""]
    if found.rules:
        lines += ["## Rules", ""]
    for rule in found.rules:
        lines += [f"### {rule.name}({rule.signature})", "", rule.text, ""]
    for table in found.tables:
        lines += [f"## Table {table.name}", ""]
        if table.rows:
            lines += _rows(table)
        else:
            lines += [f"{table.length} rows: `registry/clinical/data/{table.name}.csv`.", ""]
    return "\n".join(line.rstrip() for line in "\n".join(lines).strip().splitlines()) + "\n"


def _rows(table: Table) -> list[str]:
    return [
        f"| {' | '.join(table.columns)} |",
        f"|{'---|' * len(table.columns)}",
        *(f"| {' | '.join(_cell(row[c]) for c in table.columns)} |" for row in table.rows),
        "",
    ]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def write(folder: Path) -> None:
    """Write every page into a folder, which must exist."""
    for name, text in markdown().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("docs/clinical"))
