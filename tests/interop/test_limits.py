"""Mitoses, sizes, side effects and genes as cohorts state them, by maps as the docs say."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from registry.course.models import AdverseEvent, GenomicFinding, Pathology, Therapy, Tumour
from registry.db import db
from registry.interop import proposing, queries
from registry.interop.cells import is_limit
from registry.interop.notation import Notation
from registry.interop.rows import Fate
from tests import make
from tests.make_interop import brought_in, problems_of

DOCS = Path(__file__).parents[2] / "docs/import.md"


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("<2", True), ("<= 2", True), ("> 50", True), ("≥20", True), ("~10", True), ("2-20", True),
        ("2 – 20", True), ("2 to 20", True), ("under 2", True), ("2,5-3,5", True),
        ("2", False), ("20-2", False), ("<", False), ("<2 or more", False), ("2-", False),
        ("<1,234", False), ("T2", False),
    ],
)  # fmt: skip
def test_what_a_limit_or_range_is(text: str, limit: bool) -> None:
    assert is_limit(text, Notation()) is limit


LIMITS = """
[patient]
hospital_number = "id"
[[tumour]]
primary_site = { constant = "C25.2" }
primary_size_mm = { column = "size", from_unit = "cm", limits = true }
[[pathology]]
mitoses_per_2mm2 = { column = "mitoses", limits = true }
ki67_percent = "ki67"
[[therapy]]
name = "prrt"
therapy_class = { constant = "PRRT" }
cycles = "cycles"
dose = { column = "activity", pattern = '(.+)', replace = '\\1 GBq in all' }
"""


def test_limits_stand_in_the_record_and_no_number_is_made_of_them(
    app: Flask, tmp_path: Path
) -> None:
    make.centre()
    by = queries.importer("CENTRE-1")
    report = brought_in(
        tmp_path, by, LIMITS,
        "id,size,mitoses,ki67,cycles,activity",
        "1,>5,<2,<3,4,29.6", "2,1.4,2-20,3-20,,", "3,2-3,11,25,,", "4,big,many,2,,",
    )  # fmt: skip
    assert [(r.row, r.column) for r in report.refusals] == [(5, "size"), (5, "mitoses")]
    report = brought_in(
        tmp_path, by, LIMITS,
        "id,size,mitoses,ki67,cycles,activity",
        "1,>5,<2,<3,4,29.6", "2,1.4,2-20,3-20,,", "3,2-3,11,25,,",
    )  # fmt: skip
    assert report.refusals == []
    sizes = [
        (one.primary_size_mm, (one.absent or {}).get("primary_size_mm"))
        for one in db.session.scalars(sa.select(Tumour).order_by(Tumour.id))
    ]
    said = {"why": "not_available", "because": "stated as >5 cm"}
    assert sizes == [
        (None, said),
        (Decimal(14), None),
        (None, said | {"because": "stated as 2-3 cm"}),
    ]
    counts = [
        (one.mitoses_per_2mm2, (one.absent or {}).get("mitoses_per_2mm2", {}).get("because"))
        for one in db.session.scalars(sa.select(Pathology).order_by(Pathology.id))
    ]
    assert counts == [
        (None, "stated as <2 per 2 mm²"),
        (None, "stated as 2-20 per 2 mm²"),
        (Decimal(11), None),
    ]
    assert db.session.scalars(sa.select(Therapy.dose)).all() == ["29.6 GBq in all"]
    told = report.account.fates["mitoses"]  # every cell is accounted for
    assert (told[Fate.USED], told[Fate.MISSING]) == (1, 2)


def test_a_map_that_asks_for_what_cannot_be_is_told_so(tmp_path: Path) -> None:
    said = problems_of(
        tmp_path,
        """
[patient]
hospital_number = "id"
[[tumour]]
primary_site = { column = "site", limits = true }
[[pathology]]
ki67_percent = { column = "ki67", limits = true }
necrosis = { column = "n", names = "yes" }
[[cycle]]
activity_gbq = { column = "a", limits = true, names = true }
""",
    )
    for problem in (
        "limits is only for numbers",
        "limits: a Ki-67 takes limits and ranges as they are",
        "names must be true or false",
        "limits: cycle.activity_gbq does not take 'not_available'",
        "names is only for variables that have a code list",
    ):
        assert problem in said


def _of_the_docs(title: str) -> list[str]:
    """The examples of a section of docs/import.md."""
    section = DOCS.read_text().partition(f"### {title}\n")[2].partition("\n## ")[0]
    return re.findall(r"```\n(.*?)```", section, re.DOTALL)


BEFORE = """
[patient]
hospital_number = "id"
[[tumour]]
when = "always"
primary_site = { constant = "C25.2" }
[[therapy]]
name = "prrt"
when = "always"
therapy_class = { constant = "PRRT" }
"""


def test_side_effects_and_genes_as_the_docs_say(app: Flask, tmp_path: Path) -> None:
    make.centre()
    columns, cell, genes = _of_the_docs("Side effects and genes, in full")
    body = BEFORE + columns + cell + genes
    lines = (
        "id,Nausea,Fatigue,Diarrhea,Toxicity,Genes,Sample",
        "1,2,0,1,none,MEN1 c.1A>G; DAXX,blood",
        "2,,,,Abdominal Pain G2; Oedema limbs 1;anaemia G3,ATRX,tumour",
    )
    by = queries.importer("CENTRE-1")
    wrong = brought_in(
        tmp_path, by, body, *lines,
        "3,,,,nausea G1; fatigue 1;anaemia G3;fever 1,,", "4,,,,felt bad,,",
    )  # fmt: skip
    assert {(one.row, one.column) for one in wrong.refusals} == {(4, "Toxicity"), (5, "Toxicity")}
    report = brought_in(tmp_path, by, body, *lines)
    assert report.refusals == []
    query = sa.select(AdverseEvent.term, AdverseEvent.grade).order_by(AdverseEvent.id)
    assert {tuple(row) for row in db.session.execute(query)} == {
        ("nausea", "2"), ("diarrhea", "1"),
        ("abdominal_pain", "2"), ("edema_limbs", "1"), ("anemia", "3"),
    }  # fmt: skip
    found = sa.select(GenomicFinding.gene, GenomicFinding.origin, GenomicFinding.variant)
    assert {tuple(row) for row in db.session.execute(found)} == {
        ("MEN1", "germline", "c.1A>G"), ("DAXX", "germline", None), ("ATRX", "somatic", None),
    }  # fmt: skip


def test_limits_are_proposed_where_a_column_has_some(app: Flask) -> None:
    from registry.interop import drafting

    profile = proposing.Profile("Mitoses")
    for word in ("<2", "3", "2-20", "5"):
        profile.words[word] += 1
    target = drafting.targets()["pathology.mitoses_per_2mm2"]
    assert proposing.rule_for(profile, target) == {"limits": True}
    assert proposing.fits(profile, target) == 1.0
