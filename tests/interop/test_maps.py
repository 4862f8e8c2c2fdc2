"""A map is checked before any row is read, and says everything that is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.interop import map_files
from tests.make_interop import HEAD, TUMOUR, map_of, problems_of


@pytest.mark.parametrize("name", ["lung_nen_iarc", "pcpg_tcga"])
def test_the_maps_of_the_product_are_right(name: str) -> None:
    assert map_files.load(map_files.find(name)).name == name


def test_both_maps_come_with_the_product() -> None:
    assert {"lung_nen_iarc", "pcpg_tcga"} <= set(map_files.shipped())


def test_a_small_map_is_enough(tmp_path: Path) -> None:
    assert problems_of(tmp_path, TUMOUR) == ""


def test_what_is_no_toml_is_said(tmp_path: Path) -> None:
    assert "not valid TOML" in problems_of(tmp_path, "[[tumour")


def test_everything_wrong_is_said_at_once(tmp_path: Path) -> None:
    head = '[source]\nname = "x"\n[consent]\npurposes = ["everything"]\n'
    said = problems_of(tmp_path, "", head)
    for word in ("title is needed", "licence is needed", "id_column", "basis", "'everything'"):
        assert word in said


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('[[tumor]]\nprimary_site = "s"', "did you mean 'tumour'"),
        ('[tumour]\nprimary_site = "s"', "double brackets"),
        ('[[tumour]]\nprimery_site = "s"', "did you mean 'primary_site'"),
        ('[[tumour]]\nprimary_site = { colum = "s" }', "did you mean 'column'"),
        ('[[tumour]]\nprimary_site = { column = "s", constant = "C25.1" }', "exactly one of"),
        ('[[tumour]]\nprimary_site = { constant = "pancreas" }', "is not a code of topography"),
        ('[[tumour]]\nprimary_site = { constant = "C25.1" }', 'say when = "always"'),
        ('[[tumour]]\nprimary_site = 7', "must be a column's name or a table"),
        ('[[pathology]]\nderived_grade = "g"', "there is no 'derived_grade'"),
        ('[[history]]\nsmoking = { column = "s", values = { "x" = "pipe" } }', "is not a code"),
        ('[[history]]\nsmoking = { column = "s", otherwise = "guess" }', "otherwise is"),
        ('[[tumour]]\nlaterality = { column = "s", otherwise = { absent = "never" } }', "one of"),
        ('[[staging]]\nt = { column = "s", pattern = "(" }', "no regular expression"),
        ('[[staging]]\nt = { column = "s", pattern = "(T.)", replace = "\\\\2" }', "does not fit"),
        ('[[staging]]\nt = { column = "s", replace = "x" }', "needs a pattern"),
        ('[[staging]]\nt = { column = "s", factor = 2 }', "only for numbers"),
        ('[[tumour]]\nprimary_size_mm = { column = "s", factor = 0 }', "other than 0"),
        ('[[tumour]]\ndiagnosis_date = { column = "s", order = "dym" }', "order must be"),
        ('[[follow_up]]\ninterval = "s"', "interval needs interval_unit"),
        ('[[stated_endpoint]]\ntime = "s"', "time needs time_unit"),
        ('[[biomarker]]\nvalue = "s"', "value needs unit"),
        ('[[pathology]]\ntumour = "left"\nki67_percent = "k"', "no [[tumour]] with name = 'left'"),
        ('[[tumour]]\nwhen = { column = "s" }\nnote = "n"', "needs is, is_not, blank or matches"),
        ('[patient]\nsex_at_birth = { absent = "not_known" }', "does not take 'not_known'"),
        ('[[tumour]]\nonce = true\nprimary_site = "s"', "once is only for"),
        ('[missing]\n"?" = "dunno"', "the reason must be one of"),
        ('[missing]\n"?" = "not_available"', "needs because"),
        ('[ignore]\n"id" = "twice"', "'id' is used elsewhere"),
        ('[ignore]\n"x" = ""', "reason is needed"),
        ('[keep]\n"x" = ""', "x is needed"),
    ],
)  # fmt: skip
def test_a_mistake_is_named(tmp_path: Path, body: str, said: str) -> None:
    assert said in problems_of(tmp_path, body)


def test_a_basis_of_consent_must_fit_its_column(tmp_path: Path) -> None:
    head = HEAD.replace("Signed form 2019", "x" * 61)
    assert "at most 60 characters" in problems_of(tmp_path, TUMOUR, head)


def test_an_unknown_encoding_or_delimiter_is_named(tmp_path: Path) -> None:
    head = HEAD.replace("[consent]", 'encoding = "latin-99"\ndelimiter = "x"\n[consent]')
    said = problems_of(tmp_path, TUMOUR, head)
    assert "no encoding 'latin-99'" in said
    assert "delimiter must be one of" in said


def test_uses_names_every_column_of_the_map(tmp_path: Path) -> None:
    body = """
[[progression]]
when = [{ column = "a", is = "yes" }, { any = [{ column = "b", blank = true }] }]
kind = { column = "c", when = { column = "d", is_not = "x" } }
[keep]
"e" = "because"
[ignore]
"f" = { reason = "a copy", same_as = "g" }
"""
    made = map_of(tmp_path, body)
    assert set(made.uses()) == {"id", "a", "b", "c", "d", "e", "f"}
    assert made.needed() == {"id", "a", "b", "c", "d", "e", "f", "g"}
