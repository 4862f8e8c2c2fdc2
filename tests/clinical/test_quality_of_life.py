"""EORTC scores from item numbers: worked examples, the half rule, the summary, change."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.clinical.quality_of_life import (
    INSTRUMENTS,
    over_time,
    scales,
    score,
    size_of_change,
)
from tests.clinical import examples

BEST = {**dict.fromkeys(range(1, 29), 1), 29: 7, 30: 7}


def answers(text):
    return {int(item): answer for item, answer in json.loads(text).items()}


@pytest.mark.parametrize("row", examples.rows("qlq_cases"), ids=examples.named)
def test_worked_example(row):
    found = score(row["instrument"], row["scale"], answers(row["answers_json"]))
    if row["expected_score"].isalpha():
        assert found.answer == row["expected_score"]
    else:
        assert float(found.answer) == pytest.approx(float(row["expected_score"]), abs=0.0051)
    assert found.confidence == row["confidence"]
    assert found.reason_text()


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_every_scale_runs_from_0_to_100_and_needs_half_of_its_items(instrument):
    lowest = {**dict.fromkeys(range(1, 60), 1)}
    highest = {**dict.fromkeys(range(1, 60), 4), 29: 7, 30: 7}
    for scale in scales(instrument):
        ends = {float(score(instrument, scale, given).answer) for given in (lowest, highest)}
        if scale != "SUMMARY":
            assert ends == {0.0, 100.0}
        assert score(instrument, scale, {}).answer == "MISSING"


# A second copy of the items (QLQ-C30 v3 and GINET21), as the rules have them.
ITEMS = {
    "QL2": (29, 30), "PF2": (1, 2, 3, 4, 5), "RF2": (6, 7), "EF": (21, 22, 23, 24),
    "CF": (20, 25), "SF": (26, 27), "FA": (10, 12, 18), "NV": (14, 15), "PA": (9, 19),
    "DY": (8,), "SL": (11,), "AP": (13,), "CO": (16,), "DI": (17,), "FI": (28,),
    "ED": (31, 32, 33), "GI": (34, 35, 36, 37, 38), "TR": (39, 40, 46), "SF21": (42, 44, 49),
    "DRW": (41, 43, 47), "MBP": (48,), "SX": (51,), "INF": (50,), "BI": (45,),
}  # fmt: skip


@pytest.mark.parametrize("scale", ITEMS)
def test_half_of_the_items_are_enough_and_fewer_are_not(scale):
    instrument = "QLQ-C30" if scale in scales("QLQ-C30") else "QLQ-GINET21"
    items, highest = ITEMS[scale], 7 if scale == "QL2" else 4
    half = (len(items) + 1) // 2
    given_answers = dict.fromkeys(items[:half], highest)
    functional = scale in ("PF2", "RF2", "EF", "CF", "SF")
    assert score(instrument, scale, given_answers).answer == ("0.0" if functional else "100.0")
    lowest = dict.fromkeys(items[:half], 1)
    assert score(instrument, scale, lowest).answer == ("100.0" if functional else "0.0")
    too_few = dict.fromkeys(items[: half - 1], highest)
    assert score(instrument, scale, too_few).answer == "MISSING"
    for item in items:
        assert score(instrument, scale, {item: highest + 1}).answer == "INVALID"
        assert score(instrument, scale, {item: 0}).answer == "INVALID"


@pytest.mark.parametrize(
    ("scale", "given_answers", "expected"),
    [
        ("PF2", {1: 1, 2: 1, 3: 1}, "100.0"),
        ("PF2", {1: 1, 2: 1}, "MISSING"),
        ("EF", {21: 4, 22: 4}, "0.0"),
        ("EF", {21: 4}, "MISSING"),
        ("FA", {10: 1, 12: 1}, "0.0"),
        ("FA", {10: 1}, "MISSING"),
        ("NV", {14: 4}, "100.0"),
        ("QL2", {29: 7}, "100.0"),
        ("QL2", {29: 8}, "INVALID"),
        ("QL2", {29: 0}, "INVALID"),
        ("DI", {17: 5}, "INVALID"),
        ("DI", {17: 1.5}, "INVALID"),
        ("DI", {17: True}, "INVALID"),
        ("DI", {17: "often"}, "INVALID"),
        ("DI", {17: "2"}, "33.333333333333336"),
        ("DI", {17: None}, "MISSING"),
        ("DI", {17: "NA"}, "MISSING"),
        ("DI", {16: 9, 17: 1}, "0.0"),
    ],
)
def test_the_half_rule_and_impossible_answers(scale, given_answers, expected):
    assert score("QLQ-C30", scale, given_answers).answer == expected


def test_the_summary_needs_all_thirteen_scales_and_not_the_other_two():
    assert score("QLQ-C30", "SUMMARY", BEST).answer == "100.0"
    without = {k: v for k, v in BEST.items() if k not in (28, 29, 30)}
    assert score("QLQ-C30", "SUMMARY", without).answer == "100.0"
    for item in (8, 11, 13, 16, 17):
        missing = {k: v for k, v in BEST.items() if k != item}
        assert score("QLQ-C30", "SUMMARY", missing).answer == "MISSING"
    assert score("QLQ-C30", "SUMMARY", {**BEST, 1: 9}).answer == "INVALID"
    assert score("QLQ-C30", "SUMMARY", {17: 9}).answer == "INVALID"
    worst = dict.fromkeys(BEST, 4)
    assert score("QLQ-C30", "SUMMARY", worst).answer == "0.0"


def test_unknown_instruments_and_scales_are_refused():
    for wrong in (("EQ-5D", "QL2"), ("QLQ-C30", "GI"), ("QLQ-GINET21", "SUMMARY")):
        with pytest.raises(ValueError, match="unknown code"):
            score(*wrong, {})


@pytest.mark.parametrize(
    ("scale", "before", "after", "expected"),
    [
        ("QL2", 50, 54.95, ("none", "same")),
        ("QL2", 50, 55, ("small", "better")),
        ("QL2", 50, 59.95, ("small", "better")),
        ("QL2", 60, 50, ("moderate", "worse")),
        ("QL2", 50, 70, ("moderate", "better")),
        ("QL2", 50, 70.1, ("large", "better")),
        ("FA", 50, 70.1, ("large", "worse")),
        ("FA", 50, 40, ("moderate", "better")),
        ("SUMMARY", 50, 40, ("moderate", "worse")),
    ],
)
def test_size_and_direction_of_change(scale, before, after, expected):
    assert size_of_change("QLQ-C30", scale, before, after) == expected


@given(
    st.sampled_from([(i, s) for i in INSTRUMENTS for s in scales(i)]),
    st.dictionaries(st.integers(1, 51), st.none() | st.integers(-1, 8), max_size=51),
)
def test_scores_lie_within_0_and_100(which, given_answers):
    found = score(*which, given_answers)
    if found.answer not in ("MISSING", "INVALID"):
        assert 0 <= float(found.answer) <= 100


def test_a_scale_over_time_against_the_first_and_the_one_before():
    # Global health 50, 66.7, 58.3: items 29 and 30 of 7, (mean - 1) / 6.
    course = over_time(
        "QLQ-C30 v3",
        [
            ("2022-03", {29: 4, 30: 5}),
            ("2020", {29: 4, 30: 4}),
            ("2021-01-10", {29: 5, 30: 5}),
            ("", {29: 7, 30: 7}),
            ("2023", {}),
        ],
    )
    first, second, third = course["QL2"]
    assert [round(one.score, 1) for one in (first, second, third)] == [50.0, 66.7, 58.3]
    assert (first.since_first, first.size, first.direction) == (None, "", "")
    assert (second.size, second.direction) == ("moderate", "better")
    assert (third.size, third.direction) == ("small", "worse")
    assert (third.size_since_first, third.direction_since_first) == ("small", "better")
    assert course["PF2"] == ()
    assert first.confidence == "medium"


def test_the_limits_of_change_are_not_those_of_the_module():
    course = over_time("QLQ-GINET21", [("2020", {48: 1}), ("2021", {48: 4})])
    assert course["MBP"][1].direction == "worse"
    assert course["MBP"][1].confidence == "low"
    with pytest.raises(ValueError, match="unknown code"):
        over_time("EQ-5D", [])


@given(st.lists(st.integers(1, 4), min_size=1, max_size=6))
def test_the_changes_add_up(given_answers):
    dated = [(str(2000 + n), {17: answer}) for n, answer in enumerate(given_answers)]
    course = over_time("QLQ-C30", dated)["DI"]
    assert len(course) == len(given_answers)
    for one in course[1:]:
        assert one.since_first == pytest.approx(one.score - course[0].score)
    total = sum(one.since_last for one in course[1:])
    assert total == pytest.approx(course[-1].score - course[0].score)
