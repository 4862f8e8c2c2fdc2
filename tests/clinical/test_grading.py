"""Grades: every worked example, every boundary, and the combinations the rules name."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.clinical import grading, tables
from registry.clinical.grading import GradeResult, derive_grade, thresholds
from registry.clinical.ki67 import Ki67, parse_ki67
from registry.clinical.numbers import number_or_none
from tests.clinical import examples


def graded(
    site="pancreas",
    differentiation="well",
    mitoses="",
    ki67="",
    *,
    cell="",
    necrosis="none",
    specimen="resection",
    share="",
    limits=None,
):
    """A grade from text, as the forms and the bulk command give it."""
    return derive_grade(
        site=site,
        differentiation=differentiation,
        cell_type=cell,
        mitoses_per_2mm2=number_or_none(mitoses),
        ki67=parse_ki67(ki67) if ki67 else None,
        necrosis=necrosis,
        specimen=specimen,
        mixed_component_pct=number_or_none(share),
        limits=limits,
    )


def summary(found):
    return (found.category, found.grade, found.status, ";".join(found.flags))


@pytest.mark.parametrize("row", examples.rows("grading_cases"), ids=examples.named)
def test_worked_example(row):
    found = graded(
        row["site"],
        row["differentiation"],
        row["mitoses_per_2mm2"],
        row["ki67_percent"],
        cell=row["cell_type"],
        necrosis=row["necrosis"],
        specimen=row["specimen"],
        share=row["mixed_component_pct"],
    )
    assert (found.category, found.grade, found.status) == (
        row["expected_category"],
        row["expected_grade"],
        row["expected_status"],
    )
    assert set(found.flags) == set(filter(None, row["expected_flags"].split(";")))
    assert grading.display_grade(found.category, row["site"]) == row["seed_grade_label"]
    assert found.reason_text()


# mitoses, Ki-67 -> grade. Bands: [0, 3) [3, 20] (20, 100] and [0, 2) [2, 20] (20, ...).
DIGESTIVE_BOUNDARIES = [
    ("0", "0", "1"), ("1.99", "2.99", "1"), ("0", "3", "2"), ("0", "3.0", "2"), ("0", "20", "2"),
    ("2", "20.01", "3"), ("20", "20.01", "3"), ("2", "0", "2"), ("2.0", "2.99", "2"),
    ("20", "3", "2"), ("20.01", "3", "3"), ("21", "20", "3"), ("1.99", "19.99", "2"),
]  # fmt: skip


@pytest.mark.parametrize(("mitoses", "ki67", "grade"), DIGESTIVE_BOUNDARIES)
@pytest.mark.parametrize("site", ["pancreas", "stomach", "duodenum", "ampulla", "jejunum_ileum",
                                  "appendix", "colon", "rectum", "oesophagus", "anus"])  # fmt: skip
def test_digestive_boundary(site, mitoses, ki67, grade):
    assert graded(site, "well", mitoses, ki67).grade == grade


DIGESTIVE = [
    # two-step discordance is reviewed, whichever value is the high one
    ("well", "0", "25", "", "NET_G3", "3", "review", "discordant_2_steps"),
    ("well", "25", "0", "", "NET_G3", "3", "review", "discordant_2_steps"),
    ("unknown", "1", "40", "", "HIGH_GRADE_UNSPECIFIED", "3", "review",
     "differentiation_missing;discordant_2_steps"),
    # above 55: the limit itself is not above
    ("well", "25", "55", "", "NET_G3", "3", "complete", ""),
    ("well", "25", "55.1", "", "NET_G3", "3", "review", "net_g3_ki67_gt_55"),
    ("well", "", "60", "", "NET_G3", "3", "review", "mitoses_missing;net_g3_ki67_gt_55"),
    # one value missing: provisional below 3 only
    ("well", "", "2", "", "NET_G1", "1", "provisional", "mitoses_missing"),
    ("well", "", "20", "", "NET_G2", "2", "provisional", "mitoses_missing"),
    ("well", "", "20.1", "", "NET_G3", "3", "complete", "mitoses_missing"),
    ("unknown", "", "2", "", "NET_G1", "1", "provisional",
     "differentiation_assumed_well;mitoses_missing"),
    ("unknown", "1", "", "", "NET_G1", "1", "provisional",
     "differentiation_assumed_well;ki67_missing"),
    ("unknown", "1", "10", "", "NET_G2", "2", "provisional",
     "differentiation_assumed_well;discordant_1_step"),
    ("unknown", "25", "", "", "HIGH_GRADE_UNSPECIFIED", "3", "review",
     "differentiation_missing;ki67_missing"),
    # carcinoma: never a number, no discordance, however low the values
    ("poor", "0", "40", "large", "NEC_LARGE_CELL", "HIGH", "complete", ""),
    ("poor", "20", "20", "small", "NEC_SMALL_CELL", "HIGH", "review", "nec_with_low_proliferation"),
    ("poor", "20.1", "20", "small", "NEC_SMALL_CELL", "HIGH", "complete", ""),
    ("poor", "20", "20.1", "small", "NEC_SMALL_CELL", "HIGH", "complete", ""),
    ("poor", "", "", "small", "NEC_SMALL_CELL", "HIGH", "provisional", "proliferation_missing"),
    ("poor", "", "", "", "NEC_NOS", "HIGH", "provisional",
     "cell_type_missing;proliferation_missing"),
    ("poor", "", "70", "large", "NEC_LARGE_CELL", "HIGH", "complete", "mitoses_missing"),
    ("poor", "30", "", "large", "NEC_LARGE_CELL", "HIGH", "complete", "ki67_missing"),
    ("poor", "5", "2", "", "NEC_NOS", "HIGH", "review",
     "cell_type_missing;nec_with_low_proliferation"),
    # nothing known
    ("", "", "", "", "NEN_UNCLASSIFIED", "", "incomplete", "proliferation_missing"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("differentiation", "mitoses", "ki67", "cell", "category", "grade", "status", "flags"),
    DIGESTIVE,
)
def test_digestive_combination(
    differentiation, mitoses, ki67, cell, category, grade, status, flags
):
    found = graded("pancreas", differentiation, mitoses, ki67, cell=cell)
    assert summary(found) == (category, grade, status, flags)


PRIMARY_UNKNOWN = "primary_unknown_gep_thresholds_assumed"
UNKNOWN_PRIMARY = [
    ("well", "21", "30", "NET_G3", "3", "provisional", ""),
    ("well", "1", "30", "NET_G3", "3", "review", "discordant_2_steps"),
    ("well", "", "", "NET_GRADE_UNKNOWN", "", "incomplete", "proliferation_missing"),
    ("unknown", "30", "30", "HIGH_GRADE_UNSPECIFIED", "3", "review", "differentiation_missing"),
    ("poor", "30", "70", "NEC_NOS", "HIGH", "provisional", "cell_type_missing"),
]


@pytest.mark.parametrize(
    ("differentiation", "mitoses", "ki67", "category", "grade", "status", "flags"), UNKNOWN_PRIMARY
)
def test_unknown_primary_is_at_best_provisional(
    differentiation, mitoses, ki67, category, grade, status, flags
):
    found = graded("unknown", differentiation, mitoses, ki67)
    expected = sorted([PRIMARY_UNKNOWN, *filter(None, flags.split(";"))])
    assert (found.category, found.grade, found.status) == (category, grade, status)
    assert list(found.flags) == expected
    assert found.confidence == "medium"


@pytest.mark.parametrize(
    ("share", "category", "status", "flag"),
    [
        ("29.9", "NOT_MINEN", "review", "component_below_30pct"),
        ("30", "MINEN", "complete", "grade_components_separately"),
        ("70", "MINEN", "complete", "grade_components_separately"),
        ("70.1", "NOT_MINEN", "review", "component_below_30pct"),
        ("0", "NOT_MINEN", "review", "component_below_30pct"),
        ("100", "NOT_MINEN", "review", "component_below_30pct"),
    ],
)
def test_mixed_tumour_by_the_neuroendocrine_share_alone(share, category, status, flag):
    found = graded("colon", "poor", "30", "80", share=share)
    assert summary(found) == (category, "", status, flag)


LUNG = [
    # specimen, differentiation, mitoses, Ki-67, necrosis, cell
    ("resection", "well", "10", "5", "none", "", "ATYPICAL_CARCINOID", "2", "complete", ""),
    ("resection", "well", "10.1", "5", "none", "", "CARCINOID_ELEVATED_PROLIFERATION", "", "review",
     "carcinoid_morphology_high_proliferation"),
    ("resection", "well", "1", "30", "none", "", "TYPICAL_CARCINOID", "1", "complete", ""),
    ("resection", "well", "1", "30.1", "none", "", "CARCINOID_ELEVATED_PROLIFERATION", "", "review",
     "carcinoid_morphology_high_proliferation"),
    ("resection", "well", "", "31", "none", "", "CARCINOID_ELEVATED_PROLIFERATION", "", "review",
     "carcinoid_morphology_high_proliferation"),
    ("biopsy", "well", "12", "5", "none", "", "CARCINOID_ELEVATED_PROLIFERATION", "", "review",
     "carcinoid_morphology_high_proliferation;tc_ac_needs_resection"),
    ("resection", "well", "1.99", "5", "none", "", "TYPICAL_CARCINOID", "1", "complete", ""),
    ("resection", "well", "0", "", "none", "", "TYPICAL_CARCINOID", "1", "complete", ""),
    ("resection", "well", "1", "5", "unknown", "", "TYPICAL_CARCINOID", "1", "provisional",
     "necrosis_missing"),
    ("resection", "well", "5", "5", "unknown", "", "ATYPICAL_CARCINOID", "2", "provisional",
     "necrosis_missing"),
    ("resection", "well", "", "5", "unknown", "", "CARCINOID_NOS", "", "incomplete",
     "mitoses_missing;necrosis_missing"),
    ("resection", "well", "5", "5", "extensive", "", "ATYPICAL_CARCINOID", "2", "review",
     "extensive_necrosis_unusual_for_carcinoid"),
    ("biopsy", "well", "5", "5", "focal", "", "CARCINOID_NOS", "", "provisional",
     "tc_ac_needs_resection"),
    ("biopsy", "well", "", "5", "none", "", "CARCINOID_NOS", "", "incomplete",
     "mitoses_missing;tc_ac_needs_resection"),
    # carcinoma: kept, contradictions reviewed
    ("resection", "poor", "10", "60", "extensive", "small", "SCLC", "HIGH", "review",
     "nec_with_mitoses_le_10"),
    ("resection", "poor", "10.1", "60", "extensive", "large", "LCNEC", "HIGH", "complete", ""),
    ("biopsy", "poor", "", "60", "unknown", "small", "SCLC", "HIGH", "complete", ""),
    ("biopsy", "poor", "", "", "none", "", "NEC_NOS", "HIGH", "review", "cell_type_missing"),
    # differentiation unknown
    ("biopsy", "unknown", "10", "90", "none", "", "CARCINOID_VS_NEC_UNRESOLVED", "", "incomplete",
     "differentiation_missing"),
    ("biopsy", "unknown", "10.1", "5", "none", "", "HIGH_GRADE_UNSPECIFIED", "", "review",
     "differentiation_missing"),
    ("biopsy", "unknown", "", "90", "none", "", "CARCINOID_VS_NEC_UNRESOLVED", "", "incomplete",
     "differentiation_missing;mitoses_missing"),
]  # fmt: skip


@pytest.mark.parametrize("site", ["lung", "thymus"])
@pytest.mark.parametrize("case", LUNG, ids=lambda case: "-".join(case[:6]))
def test_lung_and_thymus_combination(site, case):
    specimen, differentiation, mitoses, ki67, necrosis, cell, category, grade, status, flags = case
    found = graded(
        site, differentiation, mitoses, ki67, necrosis=necrosis, specimen=specimen, cell=cell
    )
    if site == "thymus" and category == "SCLC":
        category = "SCNEC"
    assert summary(found) == (category, grade, status, flags)


def test_the_elevated_limit_of_lung_can_be_configured():
    stricter = replace(thresholds(), lung_ki67_elevated_above=Decimal(20))
    assert graded("lung", "well", "1", "25").category == "TYPICAL_CARCINOID"
    found = graded("lung", "well", "1", "25", limits=stricter)
    assert found.category == "CARCINOID_ELEVATED_PROLIFERATION"


MEDULLARY = [
    ("4.9", "4.9", "none", "MTC_LOW_GRADE", "LOW", "complete", ""),
    ("5", "4.9", "none", "MTC_HIGH_GRADE", "HIGH", "complete", ""),
    ("4.9", "5", "none", "MTC_HIGH_GRADE", "HIGH", "complete", ""),
    ("0", "0", "extensive", "MTC_HIGH_GRADE", "HIGH", "complete", ""),
    ("0", "0", "unknown", "MTC_LOW_GRADE", "LOW", "provisional", "imtcgs_component_missing"),
    ("", "2", "none", "MTC_LOW_GRADE", "LOW", "provisional", "imtcgs_component_missing"),
    ("", "6", "unknown", "MTC_HIGH_GRADE", "HIGH", "complete", "imtcgs_component_missing"),
    ("", "", "none", "MTC_LOW_GRADE", "LOW", "provisional", "imtcgs_component_missing"),
    ("", "", "focal", "MTC_HIGH_GRADE", "HIGH", "complete", "imtcgs_component_missing"),
    ("", "", "unknown", "MTC_GRADE_UNKNOWN", "", "incomplete", "imtcgs_component_missing"),
]


@pytest.mark.parametrize(
    ("mitoses", "ki67", "necrosis", "category", "grade", "status", "flags"), MEDULLARY
)
def test_medullary_thyroid(mitoses, ki67, necrosis, category, grade, status, flags):
    found = graded("thyroid_c_cell", "", mitoses, ki67, necrosis=necrosis)
    assert summary(found) == (category, grade, status, flags)


@pytest.mark.parametrize("site", ["C50.9", "C61.9", "C75.1", "C32.9", "C22.0", "C44.9", "C99.9"])
def test_organs_with_a_scheme_of_their_own_are_not_graded(site):
    found = graded(site, "well", "1", "2")
    assert summary(found) == ("NOT_GRADED_SITE", "", "not_applicable", "no_who_grade")


@pytest.mark.parametrize("site", ["C74.0", "C74.1", "C75.5", "C75.4", "adrenal_medulla"])
def test_phaeochromocytoma_is_not_graded_whatever_ki67_is(site):
    assert graded(site, "poor", "50", "90").category == "NOT_GRADED_PPGL"


@pytest.mark.parametrize("site", ["pancreas", "lung", "thyroid_c_cell", "paraganglia", "unknown",
                                  "skin_merkel", "C50.9"])  # fmt: skip
@pytest.mark.parametrize(
    ("mitoses", "ki67", "share", "flags"),
    [
        ("-0.1", "5", "", "mitoses_negative"),
        ("1", "100.1", "", "ki67_out_of_range"),
        ("1", "-1", "", "ki67_out_of_range"),
        ("-1", "101", "", "ki67_out_of_range;mitoses_negative"),
        ("1", "5", "100.1", ""),
        ("1", "5", "-1", ""),
    ],
)
def test_impossible_input_is_an_error_at_every_site(site, mitoses, ki67, share, flags):
    found = graded(site, "well", mitoses, ki67, share=share)
    assert summary(found) == ("ERROR", "", "invalid_input", flags)


@pytest.mark.parametrize(
    ("text", "mitoses", "category", "status", "named"),
    [
        ("<3", "1", "NET_G1", "complete", ""),
        ("3-20", "5", "NET_G2", "complete", ""),
        (">20", "25", "NET_G3", "complete", ""),
        ("2-5", "1", "NET_G2", "provisional", "1 to 2"),
        ("2-5", "5", "NET_G2", "complete", ""),
        ("15-25", "5", "NET_G3", "provisional", "2 to 3"),
        (">=20", "5", "NET_G2", "provisional", "2 to 3"),
        (">=20", "25", "NET_G3", "complete", ""),
        ("<20", "1", "NET_G2", "provisional", "1 to 2"),
        ("<=3", "1", "NET_G2", "provisional", "1 to 2"),
        (">5", "5", "NET_G2", "provisional", "2 to 3"),
        ("~3", "2", "NET_G2", "complete", ""),
    ],
)
def test_a_range_grades_when_it_lies_in_one_category(text, mitoses, category, status, named):
    found = graded("pancreas", "well", mitoses, text)
    assert (found.category, found.status) == (category, status)
    assert named in found.reason_text()


def test_a_range_across_the_limit_of_lung_and_of_medullary_thyroid_is_provisional():
    lung = graded("lung", "well", "1", ">=20")
    assert (lung.category, lung.status) == ("TYPICAL_CARCINOID", "provisional")
    thyroid = graded("thyroid_c_cell", "", "1", "3-8")
    assert (thyroid.category, thyroid.status) == ("MTC_HIGH_GRADE", "provisional")
    assert graded("thyroid_c_cell", "", "6", "3-8").status == "complete"


@pytest.mark.parametrize(
    "wrong",
    [{"site": "banana"}, {"site": ""}, {"differentiation": "moderate"}, {"cell_type": "giant"},
     {"necrosis": "some"}, {"specimen": "autopsy"}],
)  # fmt: skip
def test_unknown_codes_are_refused(wrong):
    with pytest.raises(ValueError, match="unknown code"):
        derive_grade(**{"site": "pancreas", "differentiation": "well", **wrong})


# Every limit of the rules and the smallest step beside it: site, differentiation, mitoses, Ki-67,
# share, necrosis none, resection.
SMALLEST_STEPS = [
    ("pancreas", "well", "0", "2.99", "", "NET_G1"),
    ("pancreas", "well", "0", "3", "", "NET_G2"),
    ("pancreas", "well", "2", "20", "", "NET_G2"),
    ("pancreas", "well", "2", "20.01", "", "NET_G3"),
    ("pancreas", "well", "1.99", "0", "", "NET_G1"),
    ("pancreas", "well", "2", "0", "", "NET_G2"),
    ("pancreas", "well", "20", "3", "", "NET_G2"),
    ("pancreas", "well", "20.01", "3", "", "NET_G3"),
    ("colon", "", "", "", "29.99", "NOT_MINEN"),
    ("colon", "", "", "", "30", "MINEN"),
    ("colon", "", "", "", "70", "MINEN"),
    ("colon", "", "", "", "70.01", "NOT_MINEN"),
    ("lung", "well", "1.99", "0", "", "TYPICAL_CARCINOID"),
    ("lung", "well", "2", "0", "", "ATYPICAL_CARCINOID"),
    ("lung", "well", "10", "0", "", "ATYPICAL_CARCINOID"),
    ("lung", "well", "10.01", "0", "", "CARCINOID_ELEVATED_PROLIFERATION"),
    ("lung", "well", "1", "30", "", "TYPICAL_CARCINOID"),
    ("lung", "well", "1", "30.01", "", "CARCINOID_ELEVATED_PROLIFERATION"),
    ("lung", "unknown", "10", "0", "", "CARCINOID_VS_NEC_UNRESOLVED"),
    ("lung", "unknown", "10.01", "0", "", "HIGH_GRADE_UNSPECIFIED"),
    ("thyroid_c_cell", "", "4.99", "0", "", "MTC_LOW_GRADE"),
    ("thyroid_c_cell", "", "5", "0", "", "MTC_HIGH_GRADE"),
    ("thyroid_c_cell", "", "0", "4.99", "", "MTC_LOW_GRADE"),
    ("thyroid_c_cell", "", "0", "5", "", "MTC_HIGH_GRADE"),
]


@pytest.mark.parametrize(
    ("site", "differentiation", "mitoses", "ki67", "share", "category"), SMALLEST_STEPS
)
def test_the_smallest_step_beside_every_limit(
    site, differentiation, mitoses, ki67, share, category
):
    assert graded(site, differentiation, mitoses, ki67, share=share).category == category


@pytest.mark.parametrize(("ki67", "flagged"), [("55", False), ("55.01", True)])
def test_the_smallest_step_beside_the_review_limit(ki67, flagged):
    found = graded("pancreas", "well", "25", ki67)
    assert ("net_g3_ki67_gt_55" in found.flags) is flagged


def test_mitoses_are_normalised_to_two_square_millimetres():
    assert grading.mitoses_per_2mm2(Decimal(7), Decimal(10)) == Decimal("1.4")
    with pytest.raises(ValueError, match="area"):
        grading.mitoses_per_2mm2(Decimal(7), Decimal(0))


def test_every_category_has_a_label_and_only_carcinomas_are_carcinomas():
    named = {row["category"] for row in tables.rows("grade_categories")}
    assert {"NET_G1", "SCNEC", "MINEN", "ERROR", "MTC_LOW_GRADE"} <= named
    assert grading.is_carcinoma("LCNEC")
    assert not grading.is_carcinoma("NET_G3")
    assert grading.label("NET_G2") == "NET, grade 2"


def test_a_result_survives_the_json_column():
    found = graded("lung", "well", "1", "25-35")
    assert GradeResult.from_json(found.as_json()) == found
    assert GradeResult.from_json({**found.as_json(), "later": 1}) == found


# --- properties

SITES = st.sampled_from(["pancreas", "stomach", "unknown", "lung", "thymus", "thyroid_c_cell"])
PERCENT = st.decimals(0, 100, places=2)
COUNT = st.decimals(0, 60, places=2)
ORDER = {
    "NET_G1": 1, "NET_G2": 2, "NET_G3": 3,
    "TYPICAL_CARCINOID": 1, "ATYPICAL_CARCINOID": 2, "CARCINOID_ELEVATED_PROLIFERATION": 3,
    "MTC_LOW_GRADE": 1, "MTC_HIGH_GRADE": 2,
}  # fmt: skip


@given(SITES, COUNT, COUNT, PERCENT, PERCENT)
def test_the_grade_never_falls_when_a_value_rises(site, few, many, low, high):
    few, many = sorted((few, many))
    low, high = sorted((low, high))

    def rank(mitoses, ki67):
        found = derive_grade(
            site=site,
            differentiation="well",
            mitoses_per_2mm2=mitoses,
            ki67=Ki67.of(ki67),
            necrosis="none",
            specimen="resection",
        )
        return ORDER[found.category]

    assert rank(few, low) <= rank(many, low) <= rank(many, high)
    assert rank(few, low) <= rank(few, high) <= rank(many, high)


@given(
    st.sampled_from(
        [r["grading_site"] for r in tables.rows("grading_schemes") if r["grading_site"]]
    ),
    st.sampled_from(["small", "large", ""]),
    st.none() | COUNT,
    st.none() | PERCENT.map(Ki67.of),
    st.sampled_from(grading.NECROSES),
    st.sampled_from(grading.SPECIMENS),
)
def test_a_poorly_differentiated_tumour_never_gets_a_number(
    site, cell, mitoses, ki67, necrosis, specimen
):
    found = derive_grade(
        site=site,
        differentiation="poor",
        cell_type=cell,
        mitoses_per_2mm2=mitoses,
        ki67=ki67,
        necrosis=necrosis,
        specimen=specimen,
    )
    assert found.grade not in ("1", "2", "3")


@given(
    st.sampled_from(
        [r["grading_site"] for r in tables.rows("grading_schemes") if r["grading_site"]]
    ),
    st.sampled_from(grading.DIFFERENTIATIONS),
    st.sampled_from(grading.CELL_TYPES),
    st.none() | st.decimals(-5, 60, places=1),
    st.none() | st.decimals(-5, 110, places=1).map(Ki67.of),
    st.sampled_from(grading.NECROSES),
    st.sampled_from(grading.SPECIMENS),
    st.none() | st.decimals(-5, 110, places=1),
)
def test_every_input_has_an_answer_with_a_reason(
    site, differentiation, cell, mitoses, ki67, necrosis, specimen, share
):
    found = derive_grade(
        site=site,
        differentiation=differentiation,
        cell_type=cell,
        mitoses_per_2mm2=mitoses,
        ki67=ki67,
        necrosis=necrosis,
        specimen=specimen,
        mixed_component_pct=share,
    )
    assert found.reason_text()
    assert found.category in tables.by_key("grade_categories", "category")
    assert found.status in ("invalid_input", "not_applicable", "incomplete", "review",
                            "provisional", "complete")  # fmt: skip
    assert GradeResult.from_json(found.as_json()) == found


def test_every_flag_and_status_that_is_given_is_explained():
    flags = {row["flag"] for row in tables.rows("grade_flags")}
    order = [row["status"] for row in tables.rows("grade_statuses")]
    assert order == ["invalid_input", "not_applicable", "incomplete", "review", "provisional",
                     "complete"]  # fmt: skip
    given_flags = {flag for row in examples.rows("grading_cases")
                   for flag in row["expected_flags"].split(";") if flag}  # fmt: skip
    assert given_flags <= flags
    for case in LUNG:
        assert set(filter(None, case[-1].split(";"))) <= flags
