"""Lines of therapy: worked examples, each rule, background, local therapies, overruling."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.clinical.therapy_lines import Therapy, mechanism, overrule, therapy_lines
from tests.clinical import examples


def course(*therapies, pd=()):
    """The numbers of therapies given as (start, drugs, kind, extras)."""
    made = [
        Therapy(start=start, drugs=tuple(drugs.split("+")) if drugs else (), kind=kind, **extra)
        for start, drugs, kind, *rest in therapies
        for extra in [rest[0] if rest else {}]
    ]
    return [line.number for line in therapy_lines(made, pd)]


@pytest.mark.parametrize("row", examples.rows("therapy_line_cases"), ids=examples.named)
def test_worked_example(row):
    made = [
        Therapy(
            start=t["start"],
            drugs=tuple(t["drugs"]),
            kind=t["class"],
            intent=t.get("intent", "palliative"),
            stop_reason=t.get("stop", ""),
            background=t.get("background", False),
            adjunctive=t.get("adjunctive", False),
        )
        for t in json.loads(row["therapies_json"])
    ]
    lines = therapy_lines(made, json.loads(row["pd_dates_json"]))
    assert [line.number for line in lines] == json.loads(row["expected_line_numbers_json"])
    assert all(line.reason.text() for line in lines)


INTOLERANT = {"stop_reason": "intolerance"}
SUN = ("2024-01-01", "sunitinib", "VEGFR TKI", INTOLERANT)


def test_intolerance_keeps_the_line_within_one_mechanism_only():
    assert course(SUN, ("2024-03-01", "lenvatinib", "VEGFR TKI")) == [1, 1]
    assert course(SUN, ("2024-03-01", "everolimus", "mTOR inhibitor")) == [1, 2]


def test_progression_opens_a_line_even_after_intolerance():
    assert course(SUN, ("2024-03-01", "lenvatinib", "VEGFR TKI"), pd=["2024-02-01"]) == [1, 2]


EVE = ("2024-01-01", "everolimus", "mTOR inhibitor")


@pytest.mark.parametrize(
    ("progression", "numbers"),
    [
        ("2024-06-01", [1, 2]),
        ("2024-06-02", [1, 1]),
        ("2023-12-31", [1, 1]),
        ("2024-01-02", [1, 2]),
    ],
)
def test_progression_counts_up_to_the_start_of_the_next_therapy(progression, numbers):
    again = ("2024-06-01", "everolimus", "mTOR inhibitor")
    assert course(EVE, again, pd=[progression]) == numbers


def test_one_progression_opens_one_line_only():
    therapies = (
        EVE,
        ("2024-06-01", "177Lu-DOTATATE", "PRRT"),
        ("2024-08-01", "177Lu-DOTATATE", "PRRT"),
    )
    assert course(*therapies, pd=["2024-06-01"]) == [1, 2, 2]


def test_planned_cycles_and_retreatment_of_prrt():
    first, delayed = ("2024-01-01", "177Lu", "PRRT"), ("2024-05-01", "177Lu", "PRRT")
    assert course(first, delayed) == [1, 1]
    assert course(first, delayed, ("2026-01-01", "177Lu", "PRRT"), pd=["2025-11-01"]) == [1, 1, 2]


def test_adding_an_analogue_to_prrt_is_one_line():
    prrt = ("2024-01-01", "177Lu-DOTATATE", "PRRT")
    assert course(prrt, ("2024-01-02", "octreotide LAR", "SSA")) == [1, 1]
    ended = ("2024-01-01", "177Lu-DOTATATE", "PRRT", {"end": "2024-08-01"})
    assert course(ended, ("2025-06-01", "lanreotide", "SSA")) == [1, 2]


def test_an_analogue_beside_another_drug_is_left_out_of_the_comparison():
    assert course(EVE, ("2024-05-01", "everolimus+octreotide LAR", "mTOR inhibitor")) == [1, 1]
    alone = ("2024-01-01", "lanreotide", "SSA")
    assert course(alone, ("2024-05-01", "everolimus+lanreotide", "mTOR inhibitor")) == [1, 2]


def test_drugs_started_together_are_one_line():
    day_1 = ("2024-01-01", "capecitabine", "chemotherapy")
    assert course(day_1, ("2024-01-01", "temozolomide", "chemotherapy")) == [1, 1]
    assert course(day_1, ("2024-01-10", "temozolomide", "chemotherapy")) == [1, 1]
    assert course(day_1, ("2024-01-15", "temozolomide", "chemotherapy")) == [1, 1]
    assert course(day_1, ("2024-01-16", "temozolomide", "chemotherapy")) == [1, 2]
    assert course(day_1, ("2024-01-10", "everolimus", "mTOR inhibitor")) == [1, 2]


def test_background_has_no_number_and_changes_nothing():
    background = ("2024-02-01", "lanreotide", "SSA", {"background": True})
    assert course(background) == [None]
    assert course(EVE, background, ("2024-06-01", "everolimus", "mTOR inhibitor")) == [1, None, 1]


def test_local_therapies_are_tied_to_the_line_in_whose_time_they_fall():
    before = ("2023-06-01", "", "surgery")
    during = ("2024-03-01", "", "liver-directed")
    later = ("2025-03-01", "", "ablation")
    assert course(before, EVE, during) == [None, 1, 1]
    ended = (*EVE, {"end": "2024-12-01"})
    assert course(ended, during, later) == [1, 1, None]
    # Between two lines: the first had ended, the second had not begun.
    second = ("2026-01-01", "sunitinib", "VEGFR TKI")
    assert course(ended, during, later, second) == [1, 1, None, 2]
    curative = ("2024-03-01", "", "surgery", {"intent": "curative"})
    assert course(EVE, curative) == [1, None]


def test_supportive_therapies_and_surveillance_are_no_line():
    assert course(("2023-06-01", "", "surveillance"), EVE) == [None, 1]
    assert course(EVE, ("2024-03-01", "loperamide", "hormonal-symptom control")) == [1, None]


def test_the_answer_is_in_order_of_date():
    late, early = ("2025-01-01", "sunitinib", "VEGFR TKI"), EVE
    assert course(late, early) == [1, 2]


def test_overruling_needs_a_reason_and_keeps_what_was_derived():
    made = [Therapy(start="2024", drugs=("everolimus",), kind="mTOR inhibitor")]
    line = therapy_lines(made, [])[0]
    other = overrule(line, 2, "first line was given elsewhere")
    assert (other.number, other.derived, other.overruled) == (2, 1, True)
    assert "elsewhere" in other.reason.text()
    assert overrule(other, 3, "again").derived == 1
    with pytest.raises(ValueError, match="reason"):
        overrule(line, 2, " ")
    with pytest.raises(ValueError, match="from 1"):
        overrule(line, 0, "why")


@pytest.mark.parametrize(
    "wrong", [{"intent": "other"}, {"start": ""}, {"start": "soon"}, {"end": "later"}]
)
def test_what_cannot_be_read_is_refused(wrong):
    made = Therapy(**{"start": "2024", "drugs": (), "kind": "SSA", **wrong})
    with pytest.raises(ValueError, match=r"\w"):
        therapy_lines([made], [])


def test_mechanism_not_class():
    assert mechanism("EVE") != mechanism("SUN")
    assert mechanism("SURG_SB") == "surgery"


THERAPIES = st.lists(
    st.builds(
        Therapy,
        start=st.dates().map(str),
        drugs=st.lists(st.sampled_from("abc"), min_size=1, max_size=2).map(tuple),
        kind=st.sampled_from(["SSA", "PRRT", "chemotherapy", "surgery"]),
        intent=st.sampled_from(["curative", "palliative"]),
        stop_reason=st.sampled_from(["", "intolerance"]),
        background=st.booleans(),
        adjunctive=st.booleans(),
    ),
    max_size=8,
)


@given(THERAPIES, st.lists(st.dates().map(str), max_size=4))
def test_lines_never_skip_a_number_and_never_fall(therapies, progressions):
    lines = therapy_lines(therapies, progressions)
    assert len(lines) == len(therapies)
    assert [line.therapy.start for line in lines] == sorted(t.start for t in therapies)
    for intent in ("curative", "palliative"):
        numbers = [
            line.number
            for line in lines
            if line.therapy.intent == intent
            and line.number is not None
            and line.therapy.kind != "surgery"
        ]
        assert numbers == sorted(numbers)
        assert sorted(set(numbers)) == list(range(1, len(set(numbers)) + 1))
