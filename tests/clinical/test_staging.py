"""Stage groups by table: every worked example, refusals, and reading what is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.clinical import staging, tables
from registry.clinical.staging import default_system, histology_class, stage_group
from registry.clinical.tnm import read_category
from tests.clinical import examples


def staged(site, kind, system, tnm, *, lenient=False):
    t, n, m = tnm.split(" ") if tnm.strip() else ("", "", "")
    return stage_group(
        site=site, histology_class=kind, system=system, t=t, n=n, m=m, lenient=lenient
    )


@pytest.mark.parametrize("row", examples.rows("staging_cases"), ids=examples.named)
def test_worked_example(row):
    keys = ("site", "histology_class", "system", "t", "n", "m")
    found = stage_group(**{key: row[key] for key in keys})
    assert found.answer == row["expected_stage"]
    assert found.reason_text()


def test_every_row_of_the_table_is_its_own_answer():
    for row in tables.rows("stage_groups"):
        keys = ("site", "histology_class", "system", "t", "n", "m")
        found = stage_group(**{key: row[key] for key in keys})
        assert (found.answer, found.confidence) == (row["stage_group"], row["confidence"])


# From the rules in words (S10, S11, S13, S14), not from the table.
RULES = [
    ("stomach", "NET", "AJCC8", "T4 N0 M0", "III"),
    ("stomach", "NET", "AJCC8", "T1 NX M0", "UNSTAGED"),
    ("stomach", "NET", "AJCC9", "T1 NX M0", "I"),
    ("duodenum", "NET", "AJCC9", "T1 NX M0", "I"),
    ("ampulla", "NET", "AJCC9", "T1 NX M0", "I"),
    ("appendix", "NET", "AJCC9", "T1 NX M0", "I"),
    ("colon", "NET", "AJCC9", "T1a NX M0", "I"),
    ("pancreas", "NET", "AJCC9", "T1 NX M0", "UNSTAGED"),
    ("jejunum_ileum", "NET", "AJCC8", "TX N2 M0", "III"),
    ("rectum", "NET", "AJCC8", "T1b N1 M0", "IIIB"),
    ("rectum", "NET", "AJCC8", "T4 N0 M0", "IIIA"),
    ("rectum", "NET", "AJCC8", "T2 N0 M1c", "IV"),
    ("lung", "ANY", "TNM8", "T1c N0 M0", "IA3"),
    ("lung", "", "TNM8", "T1a N1 M0", "IIB"),
    ("lung", "NEC", "TNM9", "T1a N1 M0", "IIA"),
    ("lung", "NET", "TNM9", "T2b N2a M0", "IIIA"),
    ("lung", "NET", "TNM9", "T3 N2b M0", "IIIB"),
    ("lung", "NET", "TNM8", "T4 N3 M0", "IIIC"),
    ("lung", "NET", "TNM8", "T1a N0 M1c", "IVB"),
    ("lung", "NET", "TNM9", "T1a N0 M1c1", "IVB"),
    ("lung", "NET", "TNM8", "TX N0 M0", "OCCULT"),
    ("lung", "NET", "TNM8", "Tis N0 M0", "0"),
    ("thymus", "NEC", "TNM8", "T4 N0 M0", "IIIB"),
    ("thymus", "ANY", "TNM9", "T4 N1 M0", "IVA"),
    ("thymus", "ANY", "TNM9", "T1a N2 M0", "IVB"),
    ("pancreas", "NET", "ENETS", "T1 N0 M0", "I"),
    ("pancreas", "NET", "ENETS", "T2 N0 M0", "IIA"),
    ("pancreas", "NET", "ENETS", "T4 N0 M0", "IIIA"),
    ("pancreas", "NEC", "AJCC8", "T4 N0 M0", "III"),
    ("pancreas", "NEC", "AJCC8", "T2 N2 M0", "III"),
    ("pancreas", "MINEN", "AJCC8", "T1 N0 M0", "IA"),
    ("ppgl", "PPGL", "AJCC8", "T1 N1 M0", "III"),
    ("ppgl", "PPGL", "AJCC8", "T3 N0 M0", "III"),
    ("ppgl", "PPGL", "AJCC8", "T2 N0 M0", "II"),
    ("ppgl", "PPGL", "AJCC8", "T1 N0 M1a", "IV"),
    ("thyroid_c_cell", "MTC", "AJCC8", "T3b N0a M0", "II"),
    ("thyroid_c_cell", "MTC", "AJCC8", "T4b N1a M0", "IVB"),
]


@pytest.mark.parametrize(("site", "kind", "system", "tnm", "stage"), RULES)
def test_rule_in_words(site, kind, system, tnm, stage):
    assert staged(site, kind, system, tnm).answer == stage


INVALID = [
    ("pancreas", "NET", "AJCC8", "T1 N2 M0", "not defined"),
    ("pancreas", "NET", "AJCC8", "T1a N0 M0", "not defined"),
    ("appendix", "NET", "AJCC9", "T1b N0 M0", "not defined"),
    ("pancreas", "NET", "ENETS", "T1 N0 M1a", "not defined"),
    ("lung", "NET", "TNM8", "T1 N0 M0", "one of T1mi, T1a, T1b, T1c"),
    ("lung", "NET", "TNM9", "T1a N2 M0", "one of N2a, N2b"),
    ("lung", "NET", "TNM9", "T1a N0 M1c", "one of M1c1, M1c2"),
    ("lung", "NET", "TNM8", "Tis N0 M1a", "no group"),
    ("thyroid_c_cell", "MTC", "AJCC8", "T1a N0 M0", "one of N0a, N0b"),
    ("jejunum_ileum", "NEC", "AJCC8", "T2 N0 M0", "needs manual stage"),
    ("appendix", "NEC", "AJCC8", "T2 N0 M0", "needs manual stage"),
    ("ampulla", "NEC", "AJCC9", "T2 N0 M0", "needs manual stage"),
    ("oesophagus", "NEC", "AJCC8", "T2 N0 M0", "needs manual stage"),
    ("pancreas", "NEC", "AJCC9", "T2 N0 M0", "needs manual stage"),
    ("pancreas", "NET", "TNM8", "T2 N0 M0", "needs manual stage"),
    ("pancreas", "", "AJCC8", "T2 N0 M0", "Differentiation decides"),
    ("pancreas", "ANY", "AJCC8", "T2 N0 M0", "Differentiation decides"),
    ("unknown", "NET", "AJCC8", "T2 N0 M1", "only M1 can be recorded"),
    ("C80.9", "NEC", "AJCC8", "TX NX M1", "only M1 can be recorded"),
    ("pancreas", "NET", "AJCC8", "T9 N0 M0", "not a T category"),
]


@pytest.mark.parametrize(("site", "kind", "system", "tnm", "why"), INVALID)
def test_what_does_not_exist_is_invalid_with_its_reason(site, kind, system, tnm, why):
    found = staged(site, kind, system, tnm)
    assert found.answer == "INVALID"
    assert why in found.reason_text()


@pytest.mark.parametrize(
    ("site", "kind", "system", "tnm", "stage"),
    [
        ("lung", "NET", "AJCC8", "T1 N1 M0", "IIB"),
        ("lung", "NET", "UICC9", "T1 N1 M0", "IIA"),
        ("pancreas", "NET", "UICC8", "T2 N0 M0", "II"),
        ("thyroid_c_cell", "MTC", "AJCC8", "T1a N0 M0", "I"),
        ("pancreas", "NET", "ENETS", "T2 N0 M1a", "IV"),
        ("lung", "NET", "TNM8", "T1 N0 M0", "INVALID"),
        ("lung", "NET", "TNM9", "T2a N2 M0", "INVALID"),
        ("pancreas", "NET", "AJCC8", "T1 N2 M0", "INVALID"),
    ],
)
def test_lenient_answers_where_all_readings_agree_and_says_so(site, kind, system, tnm, stage):
    found = staged(site, kind, system, tnm, lenient=True)
    assert found.answer == stage
    if "read as" in found.reason_text():
        assert found.status == "provisional"


def test_blank_categories_are_not_staged():
    found = staged("pancreas", "NET", "AJCC8", "")
    assert (found.answer, found.status) == ("UNSTAGED", "not_derivable")
    assert "T, N, M" in found.reason_text()


@pytest.mark.parametrize(
    ("letter", "text", "category"),
    [("T", "pT2(m)", "T2"), ("T", " ypT1a ", "T1a"), ("T", "t1A", "T1a"), ("T", "TX", "TX"),
     ("T", "Tx", "TX"), ("T", "TIS", "Tis"), ("T", "T1 mi", "T1mi"), ("T", "cT4b(3)", "T4b"),
     ("N", "cN0", "N0"), ("N", "pn1a", "N1a"), ("N", "N0(sn)", "N0"), ("N", "n2B", "N2b"),
     ("M", "cM0", "M0"), ("M", "M1C2", "M1c2"), ("M", "pM1a", "M1a"), ("T", "", "")],
)  # fmt: skip
def test_categories_are_read_as_written(letter, text, category):
    assert read_category(letter, text) == category


@pytest.mark.parametrize(
    ("letter", "text"),
    [("T", "N1"), ("N", "T1"), ("T", "T5"), ("T", "2"), ("M", "M2x"), ("T", "T1z"), ("T", "x" * 30),
     ("M", "positive")],
)  # fmt: skip
def test_what_is_no_category_is_refused(letter, text):
    with pytest.raises(ValueError, match="not a"):
        read_category(letter, text)


@pytest.mark.parametrize(
    ("site", "year", "kind", "system"),
    [
        ("pancreas", 2023, "NET", "AJCC8"),
        ("pancreas", 2024, "NET", "AJCC9"),
        ("pancreas", 2024, "NEC", "AJCC8"),
        ("pancreas", None, "NET", "AJCC9"),
        ("lung", 2024, "ANY", "TNM8"),
        ("lung", 2025, "ANY", "TNM9"),
        ("thymus", 2024, "NET", "TNM8"),
        ("ppgl", 2026, "PPGL", "AJCC8"),
        ("thyroid_c_cell", 2026, "MTC", "AJCC8"),
    ],
)
def test_the_edition_follows_the_year_of_diagnosis(site, year, kind, system):
    assert default_system(site, year, kind) == system


@pytest.mark.parametrize(
    ("category", "site", "kind"),
    [
        ("NET_G3", "pancreas", "NET"),
        ("NEC_NOS", "colon", "NEC"),
        ("MINEN", "colon", "NEC"),
        ("HIGH_GRADE_UNSPECIFIED", "colon", ""),
        ("NEN_UNCLASSIFIED", "colon", ""),
        ("NET_GRADE_UNKNOWN", "colon", "NET"),
        ("LCNEC", "lung", "ANY"),
        ("NOT_GRADED_PPGL", "ppgl", "PPGL"),
        ("MTC_HIGH_GRADE", "thyroid_c_cell", "MTC"),
        ("", "pancreas", ""),
    ],
)
def test_the_histology_class_follows_the_grade(category, site, kind):
    assert histology_class(category, site) == kind


GROUPS = tables.codes("stage_group")


@given(st.sampled_from(tables.rows("stage_groups")), st.data())
def test_the_stage_never_falls_from_m0_to_m1(row, data):
    same = [
        r
        for r in tables.rows("stage_groups")
        if all(r[key] == row[key] for key in ("site", "histology_class", "system", "t", "n"))
    ]
    without = [r["stage_group"] for r in same if r["m"] == "M0"]
    with_m1 = [r["stage_group"] for r in same if r["m"] != "M0"]
    if not without or not with_m1 or without[0] in ("UNSTAGED", "OCCULT"):
        return
    later = data.draw(st.sampled_from(with_m1))
    assert GROUPS.index(later) >= GROUPS.index(without[0])


@given(
    st.sampled_from(["pancreas", "lung", "unknown", "C34.1", "ppgl"]),
    st.sampled_from(staging.HISTOLOGY_CLASSES),
    st.sampled_from([*staging.SYSTEMS, "AJCC7", "OTHER"]),
    st.text(max_size=6),
    st.text(max_size=6),
    st.text(max_size=6),
    st.booleans(),
)
def test_any_text_has_an_answer(site, kind, system, t, n, m, lenient):
    found = stage_group(
        site=site, histology_class=kind, system=system, t=t, n=n, m=m, lenient=lenient
    )
    assert found.answer
    assert found.reason_text()
