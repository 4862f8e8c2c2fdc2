"""The pages about importing are true: the example works, the list of variables is current."""

from __future__ import annotations

import re
from pathlib import Path

import sqlalchemy as sa
from flask import Flask

from registry.course.models import Staging, Tumour
from registry.db import db
from registry.interop import actions, map_files, queries, variables
from registry.patients.rules import PURPOSES
from tests import make

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "import.md").read_text(encoding="utf-8")


def example(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found
    return found[1]


def test_the_worked_example_is_imported_as_the_page_says(app: Flask, tmp_path: Path) -> None:
    make.centre()
    (tmp_path / "ward.csv").write_text(example("csv"), encoding="utf-8")
    (tmp_path / "ward.toml").write_text(example("toml"), encoding="utf-8")
    report = actions.bring_in(
        tmp_path / "ward.csv",
        map_files.load(tmp_path / "ward.toml"),
        by=queries.importer("CENTRE-1"),
    )
    assert (report.read, report.created, report.refusals) == (3, 3, [])
    assert dict(report.entries) == {
        "tumour": 3, "pathology": 3, "staging": 3, "history": 3, "therapy": 2, "follow_up": 3,
        "stated_endpoint": 2,
    }  # fmt: skip
    first = db.session.scalars(sa.select(Tumour).order_by(Tumour.id)).first()
    assert first is not None
    assert (str(first.primary_size_mm), str(first.diagnosis_date)) == ("14.0", "2015-03")
    last = db.session.scalars(sa.select(Staging).order_by(Staging.id.desc())).first()
    assert last is not None
    assert {last.absent[name]["why"] for name in ("t", "n", "m")} == {"not_done"}


def test_the_list_of_variables_is_current() -> None:
    page = (DOCS / "variables.md").read_text(encoding="utf-8")
    assert page == "\n".join(variables.page()), (
        "make it anew: python -m registry.interop.variables > docs/variables.md"
    )


def test_the_page_names_every_key_of_a_map() -> None:
    keys = map_files.SOURCE | map_files.CONSENT | map_files.RULE | map_files.CONDITION
    keys |= map_files.TABLES - {"source"} | map_files.OWN_BLOCK | map_files.FILE
    keys |= {*PURPOSES} | {*map_files.DELIMITERS}
    assert {
        key
        for key in keys
        if f"`{key}`" not in PAGE and f"`[{key}]`" not in PAGE and f"{{ {key} = " not in PAGE
    } == set()
