"""Two reports of one specimen, and the grade over the years."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.clinical import tables
from registry.clinical.agreement import compare, grade_changes, grade_course, grade_label, verdict


def compared(local, review):
    return {one.field: one for one in compare(local, review)}


@pytest.mark.parametrize(
    ("local", "review", "expected", "by", "crosses"),
    [
        ("2", "2", "agree", "", False),
        ("2", "2.0", "agree", "", False),
        ("2", "4", "differ", "2", True),  # 3 lies between
        ("2.9", "3", "differ", "0.1", True),
        ("3", "20", "differ", "17", False),  # both G2
        ("20", "20.1", "differ", "0.1", True),
        ("<3", "2", "agree", "", False),
        ("<3", "5", "differ", "2", True),
        ("<3", "3", "differ", "0", True),
        (">20", "20", "differ", "0", True),
        (">20", "25", "agree", "", False),
        ("2-5", "5-8", "agree", "", False),
        ("2-5", "8", "differ", "3", False),
        ("~30", "30", "agree", "", False),
        ("2", "", "not_comparable", "", False),
        ("2", "high", "not_comparable", "", False),
    ],
)
def test_ki67(local, review, expected, by, crosses):
    one = compared({"ki67_percent": local}, {"ki67_percent": review})["ki67_percent"]
    assert (one.verdict, one.by, one.crosses_grade) == (expected, by, crosses)
    assert one.reason.text()


@pytest.mark.parametrize(
    ("local", "review", "expected", "by", "crosses"),
    [
        ("1", "1", "agree", "", False),
        ("1", "2", "differ", "1", True),
        ("2", "20", "differ", "18", False),
        ("20", "21", "differ", "1", True),
    ],
)
def test_mitoses(local, review, expected, by, crosses):
    one = compared({"mitoses_per_2mm2": local}, {"mitoses_per_2mm2": review})
    found = one["mitoses_per_2mm2"]
    assert (found.verdict, found.by, found.crosses_grade) == (expected, by, crosses)


@pytest.mark.parametrize(
    ("local", "review", "expected", "by"),
    [
        ("G1", "G1", "agree", ""),
        ("G1", "G2", "differ", "1"),
        ("G1", "NEC", "differ", "3"),
        ("NEC", "NET_G3", "differ", "1"),
        ("G3", "NEC", "agree", ""),  # G3 of old may be either
        ("G3", "NET_G3", "agree", ""),
        ("G3", "G2", "differ", "1"),
        ("TC", "G1", "agree", ""),
        ("LOW", "HIGH", "differ", "1"),
        ("LOW", "G1", "not_comparable", ""),
        ("OTHER", "G1", "not_comparable", ""),
        ("G1", "", "not_comparable", ""),
    ],
)
def test_the_stated_grade(local, review, expected, by):
    one = compared({"grade_stated": local}, {"grade_stated": review})["grade"]
    assert (one.verdict, one.by) == (expected, by)
    assert one.reason.text()


def test_the_derived_grade_is_compared_where_both_have_one():
    local = {"derived_category": "NET_G1", "grade_stated": "G2"}
    review = {"derived_category": "NET_G2", "grade_stated": "G2"}
    one = compared(local, review)["grade"]
    assert (one.local, one.review, one.verdict) == ("NET_G1", "NET_G2", "differ")
    unclear = {"derived_category": "NET_GRADE_UNKNOWN", "grade_stated": "G2"}
    assert compared(unclear, review)["grade"].verdict == "agree"


def test_a_whole_report():
    local = {"differentiation": "poor", "ki67_percent": "30", "grade_stated": "NEC",
             "cell_type": "large", "necrosis": "unknown"}  # fmt: skip
    review = {"differentiation": "well", "ki67_percent": "25", "grade_stated": "NET_G3"}
    found = compared(local, review)
    assert list(found) == ["differentiation", "ki67_percent", "grade", "cell_type"]
    assert [one.verdict for one in found.values()] == [
        "differ", "differ", "differ", "not_comparable",
    ]  # fmt: skip
    assert verdict(list(found.values())) == "differ"
    assert verdict(compare(local, local)) == "agree"
    assert verdict(compare(local, {})) == "not_comparable"
    assert compare({}, {}) == ()


@given(
    st.fixed_dictionaries(
        {
            "ki67_percent": st.sampled_from(["", "2", "<3", "3-20", ">=20", "55", "x"]),
            "grade_stated": st.sampled_from(["", "G1", "G2", "G3", "NEC", "LOW", "OTHER"]),
            "differentiation": st.sampled_from(["", "well", "poor", "unknown"]),
        }
    ),
    st.fixed_dictionaries(
        {
            "ki67_percent": st.sampled_from(["", "2", "<3", "3-20", ">=20", "55", "x"]),
            "grade_stated": st.sampled_from(["", "G1", "G2", "G3", "NEC", "LOW", "OTHER"]),
            "differentiation": st.sampled_from(["", "well", "poor", "unknown"]),
        }
    ),
)
def test_it_does_not_matter_who_is_asked_first(local, review):
    forth = [(c.field, c.verdict, c.by, c.crosses_grade) for c in compare(local, review)]
    back = [(c.field, c.verdict, c.by, c.crosses_grade) for c in compare(review, local)]
    assert forth == back


# --- over time

ALICE = [
    {"id": "3", "date": "2024-02", "derived_category": "NET_G3", "change_kind": "true_change",
     "specimen_site": "liver"},
    {"id": "1", "date": "2018-05-02", "derived_category": "NET_G1", "specimen_site": "primary"},
    {"id": "2", "date": "2021", "derived_category": "NET_G2", "specimen_site": "liver"},
]  # fmt: skip


def test_the_grade_over_time_and_what_nobody_explained():
    course = grade_course(ALICE)
    assert [(point.id, point.grade) for point in course] == [
        ("1", "NET_G1"), ("2", "NET_G2"), ("3", "NET_G3"),
    ]  # fmt: skip
    first, second = grade_changes(course)
    assert (first.direction, first.stated) == ("up", "")
    assert "not stated" in first.reason.text()
    assert (second.direction, second.stated) == ("up", "true_change")


def test_a_review_takes_the_place_of_its_report():
    reports = [
        {"id": "1", "date": "2020", "grade_stated": "NEC", "report_kind": "local"},
        {"id": "2", "date": "", "review_of_id": "1", "grade_stated": "NET_G3",
         "report_kind": "central_review", "change_kind": "correction"},
        {"id": "3", "date": "2022", "grade_stated": "G2"},
        {"id": "4", "date": "2023"},
        {"id": "5", "date": "", "grade_stated": "G1"},
    ]  # fmt: skip
    course = grade_course(reports)
    assert [(point.id, point.date, point.reviewed) for point in course] == [
        ("2", "2020", True), ("3", "2022", False),
    ]  # fmt: skip
    (change,) = grade_changes(course)
    assert change.direction == "down"


def test_grades_that_cannot_be_told_apart_are_no_change():
    def changes(*grades):
        return grade_changes(
            grade_course(
                [{"id": str(n), "date": str(2000 + n), "grade_stated": grade}
                 for n, grade in enumerate(grades)]
            )
        )  # fmt: skip

    assert changes("G3", "NEC") == changes("G1", "TC") == changes("G1", "OTHER") == ()
    assert changes("LOW", "G2") == ()
    assert len(changes("G1", "OTHER", "G2")) == 1
    assert changes("G2", "G1")[0].direction == "down"


def test_every_rank_belongs_to_a_grade():
    known = set(tables.by_key("grade_categories", "category")) | set(
        tables.by_key("codes/grade_stated", "code")
    )
    for row in tables.rows("grade_ranks"):
        assert row["grade"] in known
        assert int(row["low"]) <= int(row["high"])
        assert grade_label(row["grade"]) != row["grade"]


# A second copy of the ranks: lowest and highest reading of each grade.
RANKS = {
    (1, 1): "NET_G1 TYPICAL_CARCINOID MTC_LOW_GRADE G1 TC LOW",
    (1, 2): "CARCINOID_NOS",
    (2, 2): "NET_G2 ATYPICAL_CARCINOID MTC_HIGH_GRADE G2 AC HIGH",
    (3, 3): "NET_G3 CARCINOID_ELEVATED_PROLIFERATION CARCINOID_ELEVATED",
    (3, 4): "HIGH_GRADE_UNSPECIFIED CARCINOID_VS_NEC_UNRESOLVED G3",
    (4, 4): "NEC_SMALL_CELL NEC_LARGE_CELL NEC_NOS SCLC SCNEC LCNEC NEC NEC_SMALL NEC_LARGE",
}  # fmt: skip


def test_every_rank_is_the_one_of_its_source():
    table = {
        row["grade"]: (int(row["low"]), int(row["high"])) for row in tables.rows("grade_ranks")
    }
    # NET_G3 is a category and a stated grade, as are the carcinomas of the lung.
    assert table == {grade: rank for rank, names in RANKS.items() for grade in names.split()}
