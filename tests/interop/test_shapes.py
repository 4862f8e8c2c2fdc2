"""Shapes that published cohorts have: several things in a cell, families of columns, limits."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from flask import Flask

from registry.access import Viewer
from registry.course.models import Biomarker, Pathology, Staging, Therapy, Tumour
from registry.db import db
from registry.interop import queries, report
from tests import make
from tests.make_interop import HEAD, TUMOUR, brought_in, problems_of


def importer() -> Viewer:
    make.centre()
    return queries.importer("CENTRE-1")


TNM = """
[reading]
ignore_case = true

[patterns]
tnm = '(?P<staging_prefix>y?[pc])?(?P<t>T\\w+?) ?(?P<n>N[\\dx]\\w?)(?: ?(?P<m>M[01]\\w?))?(?: Mx)?'

[[staging]]
staging_prefix = { column = "tnm", pattern = "tnm" }
t = { column = "tnm", pattern = "tnm" }
n = { column = "tnm", pattern = "tnm" }
m = { column = "tnm", pattern = "tnm" }
"""


def test_one_cell_fills_the_variables_its_groups_are_named_after(
    app: Flask, tmp_path: Path
) -> None:
    rows = ("1,T2a N2 Mx", "2,pT1bNxM1a", "3,ypt3 n0")
    found = brought_in(tmp_path, importer(), TUMOUR + TNM, "id,tnm", *rows)
    assert found.refusals == []
    stagings = db.session.scalars(sa.select(Staging).order_by(Staging.id))
    assert [(s.staging_prefix, s.t, s.n, s.m) for s in stagings] == [
        (None, "T2a", "N2", None),
        ("p", "T1b", "NX", "M1a"),
        ("yp", "T3", "N0", None),
    ]


def test_what_a_pattern_took_is_named_when_it_is_refused(app: Flask, tmp_path: Path) -> None:
    body = TUMOUR + TNM.replace("ignore_case = true", "ignore_case = false")
    found = brought_in(tmp_path, importer(), body, "id,tnm", "1,T9 N0 M0")
    (refusal,) = found.refusals
    assert (refusal.row, refusal.column, refusal.value) == (2, "tnm", "T9 N0 M0")
    assert refusal.reason.startswith("is read as 'T9', which is not a code of t_category")


def test_nodes_in_brackets(app: Flask, tmp_path: Path) -> None:
    body = (
        TUMOUR
        + """
[patterns]
nodes = '(?P<n>N\\w)(?: \\((?P<nodes_positive>\\d+)/(?P<nodes_examined>\\d+)\\))?'
[[pathology]]
nodes_positive = { column = "pN", pattern = "nodes" }
nodes_examined = { column = "pN", pattern = "nodes" }
[[staging]]
n = { column = "pN", pattern = "nodes" }
"""
    )
    rows = ("1,N1 (3/12)", "2,N0", "3,N1 (12/3)")
    found = brought_in(tmp_path, importer(), body, "id,pN", *rows)
    read = db.session.scalars(sa.select(Pathology).order_by(Pathology.id)).all()
    counts = [f"{one.nodes_positive}/{one.nodes_examined}" for one in read]
    assert counts == ["3/12", "12/3"]
    assert [(one.row, one.column) for one in found.contradictions] == [(4, "pathology")]
    lines = list(report.lines(found, dry_run=False, centre="C"))
    assert "      read for pathology.nodes_positive: 'N1 (3/12)' → 3 × 1, 'N1 (12/3)' → 12 × 1" in (
        lines
    )


READINGS = (
    TUMOUR
    + """
[missing]
"lysed" = { absent = "not_available", because = "haemolysed" }
[patterns]
reading = '(?P<comparator>[<>]=?)?(?P<value>.+)'
[[biomarker]]
repeat = [1, 2]
analyte = { constant = "CGA_MASS" }
comparator = { column = "cga_{n}", pattern = "reading" }
value = { column = "cga_{n}", pattern = "reading", thousands = "," }
unit = { constant = "ng/mL" }
date = { column = "cga_{n}_on", order = "dmy", years_from = 1990 }
"""
)


def test_a_family_of_columns_with_limits(app: Flask, tmp_path: Path) -> None:
    rows = ('1,<25,1.2.15,"1,250",3.4.15', "2,lysed,1.2.15,,")
    found = brought_in(tmp_path, importer(), READINGS, "id,cga_1,cga_1_on,cga_2,cga_2_on", *rows)
    assert found.refusals == []
    read = db.session.scalars(sa.select(Biomarker).order_by(Biomarker.id)).all()
    assert [(one.comparator, one.value, str(one.date)) for one in read] == [
        ("<", 25, "2015-02-01"),
        (None, 1250, "2015-04-03"),
        (None, None, "2015-02-01"),
    ]
    assert read[2].absent == {"value": {"why": "not_available", "because": "haemolysed"}}


def test_a_repeat_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    body = TUMOUR + '[[therapy]]\nrepeat = [1]\nagent_stated = "a"\n'
    assert "repeat needs {n}" in problems_of(tmp_path, body)
    body = TUMOUR + '[[therapy]]\nrepeat = "1-3"\nagent_stated = "a{n}"\n'
    assert "repeat must be a list" in problems_of(tmp_path, body)


def test_a_wrong_rule_of_a_repeated_block_is_named_with_its_number(tmp_path: Path) -> None:
    body = TUMOUR + '[[therapy]]\nrepeat = ["A"]\nagnet = "a{n}"\n'
    assert "[therapy 1 (A)] there is no 'agnet' here; did you mean 'agent'?" in (
        problems_of(tmp_path, body)
    )


def test_parts_of_a_date_are_joined_as_far_as_they_are_known(app: Flask, tmp_path: Path) -> None:
    body = """
[missing]
"99" = "not_known"
[[tumour]]
primary_site = { constant = "C18.1" }
diagnosis_date = { columns = ["y", "m", "d"], join = "-" }
"""
    rows = ("1,2015,3,12", "2,2015,99,12", "3,2015,,", "4,99,3,12")
    found = brought_in(tmp_path, importer(), body, "id,y,m,d", *rows)
    assert found.refusals == []
    tumours = db.session.scalars(sa.select(Tumour).order_by(Tumour.id)).all()
    dates = [str(one.diagnosis_date) for one in tumours[:3]]
    assert dates == ["2015-03-12", "2015", "2015"]
    assert tumours[3].absent["diagnosis_date"] == {"why": "not_known"}
    passed = found.account.passed["d"]
    assert passed == {"12": 2}  # the days without their month are named, not stored


def test_a_refused_joined_value_names_all_its_columns(app: Flask, tmp_path: Path) -> None:
    body = TUMOUR + '[[pathology]]\nmorphology = { columns = ["histology", "b"], join = "/" }\n'
    found = brought_in(tmp_path, importer(), body, "id,histology,b", "1,8240,3", "2,8240,x")
    (refusal,) = found.refusals
    assert (refusal.row, refusal.column, refusal.value) == (3, "histology", "8240")
    assert refusal.reason.startswith("joined with 'b' as '8240/x': is not a code of morphology")


def test_a_star_stands_for_columns_that_are_not_named(app: Flask, tmp_path: Path) -> None:
    body = (
        TUMOUR
        + """
[[therapy]]
agent_stated = "TPM_drug"
therapy_class = { constant = "trial" }
[keep]
"note_*" = "words"
[ignore]
"TPM_*" = "expression"
"""
    )
    head = "id,TPM_drug,TPM_a,TPM_b,note_1"
    found = brought_in(tmp_path, importer(), body, head, "1,x,0.1,0.2,hello")
    assert found.created == 1
    lines = "\n".join(report.lines(found, dry_run=False, centre="C"))
    assert lines.count("ignored: expression") == 2
    assert "kept as stated: words" in lines
    assert db.session.scalars(sa.select(Therapy.agent_stated)).all() == ["x"]


def test_a_star_that_fits_nothing_is_a_column_the_file_does_not_have(
    app: Flask, tmp_path: Path
) -> None:
    said = problems_of_file(tmp_path, TUMOUR + '[ignore]\n"TPM_*" = "expression"\n')
    assert "does not have: 'TPM_*'" in said


def problems_of_file(folder: Path, body: str) -> str:
    from registry.interop.mapping import MapError

    try:
        brought_in(folder, importer(), body, "id", "1")
    except MapError as error:
        return str(error)
    return ""


def test_a_name_in_a_column_stays_hidden_whatever_else_the_column_fills(
    app: Flask, tmp_path: Path
) -> None:
    body = (
        TUMOUR
        + """
[patient]
family_name = { column = "who", pattern = '(\\w+).*', replace = '\\1' }
birth_date = { column = "who", pattern = '\\w+ (.*)', replace = '\\1' }
[[follow_up]]
date = { columns = ["year", "who"], join = "-" }
"""
    )
    found = brought_in(tmp_path, importer(), body, "id,who,year", "1,Visser 31.2.1950,2015")
    lines = "\n".join(report.lines(found, dry_run=False, centre="C"))
    assert found.refused == 1
    assert "Visser" not in lines
    assert "1950" not in lines


def test_many_refusals_are_counted_together_first(app: Flask, tmp_path: Path) -> None:
    body = TUMOUR + '[patient]\nsex_at_birth = { column = "sex", values = { "f" = "female" } }\n'
    rows = [f"{n},x" for n in range(30)]
    found = brought_in(tmp_path, importer(), body, "id,sex", *rows)
    lines = list(report.lines(found, dry_run=False, centre="C"))
    at = lines.index("  Most often:")
    assert lines[at + 1].startswith("    30 × column 'sex': is not among the values of the map")
    assert lines[at + 3].startswith("  row 2, column 'sex': 'x' is not among the values")


def test_notation_that_cannot_be_is_named(tmp_path: Path) -> None:
    body = (
        '[reading]\norder = "ydm"\nyears_from = 15\nmonths = "klingon"\ndecimal = "."\n'
        'thousands = "."\n' + TUMOUR
    )
    said = problems_of(tmp_path, body)
    for part in ("order must be", "years_from must be", "no language 'klingon'", "thousands must"):
        assert said.count(part) == 1, part


def test_a_pattern_whose_groups_are_for_others_must_say_what_to_take(tmp_path: Path) -> None:
    body = TUMOUR + "[[staging]]\nt = { column = \"x\", pattern = '(?P<n>N.)' }\n"
    assert "the pattern has no group 't'" in problems_of(tmp_path, body, HEAD)


def test_ki67_as_a_fraction(app: Flask, tmp_path: Path) -> None:
    body = (
        TUMOUR
        + """
[[pathology]]
ki67_percent = [
  { column = "ki", pattern = '<?0?\\.\\d+', factor = 100, otherwise = { blank = true } },
  "ki",
]
"""
    )
    rows = ("1,0.15", "2,<.03", "3,10 %", "4,3-5")
    found = brought_in(tmp_path, importer(), body, "id,ki", *rows)
    assert found.refusals == []
    read = db.session.scalars(sa.select(Pathology.ki67_percent).order_by(Pathology.id)).all()
    assert read == ["15.00", "<3.00", "10 %", "3-5"]


def test_what_the_record_refuses_is_named_with_what_the_cells_refuse(
    app: Flask, tmp_path: Path
) -> None:
    body = (
        TUMOUR
        + """
[[therapy]]
repeat = [1, 2]
agent_stated = "drug_{n}"
start = "start_{n}"
stop = "stop_{n}"
[[follow_up]]
ecog = "ecog"
"""
    )
    head = "id,drug_1,start_1,stop_1,drug_2,start_2,stop_2,ecog"
    rows = ("1,a,2015,2016,b,2018,2017,1", "2,a,2015,2016,b,2017,,9")
    found = brought_in(tmp_path, importer(), body, head, *rows)
    assert found.created == 0
    told = {(one.row, one.column, one.value): one.reason for one in found.refusals}
    assert set(told) == {(2, "stop_2", "2017"), (3, "ecog", "9")}
    assert told[2, "stop_2", "2017"] == "This is before the start (2018). (therapy.stop)"
    assert db.session.scalars(sa.select(Therapy)).all() == []


def test_a_row_that_disagrees_is_refused_at_the_cell_that_does(app: Flask, tmp_path: Path) -> None:
    head = HEAD.replace("[consent]", 'rows = "several"\n[consent]')
    body = """
[patient]
family_name = "name"
[[tumour]]
once = true
primary_site = { constant = "C18.1" }
age_at_diagnosis = "age"
"""
    rows = ("1,Visser,61", "1,Visser,62", "1,Bakker,61")
    found = brought_in(tmp_path, importer(), body, "id,name,age", *rows, head=head)
    assert [(one.row, one.column, one.value, one.reason) for one in found.refusals] == [
        (3, "age", "62", "tumour.age_at_diagnosis is another than in row 2"),
        (
            4,
            "name",
            "(not shown)",
            "patient.family_name is another than in an earlier row of the patient",
        ),
    ]
