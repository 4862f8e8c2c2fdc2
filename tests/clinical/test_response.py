"""RECIST 1.1: worked examples, boundaries, refusals, best response, growth rate."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.clinical.response import (
    best_response,
    derive_response,
    growth_rate,
    response_from_json,
)
from tests.clinical import examples


def responded(kinds, series, non_target="NONE", new_lesion="no", organs=()):
    """A response; sizes as text, "" for not measured."""
    visits = [[Decimal(str(s)) if s is not None else None for s in visit] for visit in series]
    return derive_response(
        target_kinds=kinds,
        series=visits,
        non_target=non_target,
        new_lesion=new_lesion,
        organs=organs,
    )


@pytest.mark.parametrize("row", examples.rows("recist_cases"), ids=examples.named)
def test_worked_example(row):
    series = json.loads(row["target_series_json"], parse_float=Decimal, parse_int=Decimal)
    found = responded(row["target_kinds"], series, row["non_target"], row["new_lesion"])
    assert (found.target_response, found.answer) == (
        row["expected_target"],
        row["expected_overall"],
    )
    for name in ("baseline_sum", "nadir_sum", "current_sum"):
        text = row[f"{name}_mm"]
        assert getattr(found, name) == (Decimal(text) if text else None)
    assert found.reason_text()
    assert response_from_json(json.loads(json.dumps(found.as_json()))) == found


TARGETS = [
    # progression needs 20 % and 5 mm, from the nadir
    ("e", [[25], [30]], "PD"),
    ("e", [[25], [29.9]], "SD"),
    ("e", [[26], [31.1]], "SD"),
    ("e", [[26], [31.2]], "PD"),
    ("e", [[20], [24.9]], "SD"),
    ("e", [[20], [25]], "PD"),
    ("ee", [[50, 50], [30, 30], [50, 30], [60, 40]], "PD"),
    # response from baseline: exact 30 % counts
    ("e", [[10], [7]], "PR"),
    ("e", [[10], [7.1]], "SD"),
    ("e", [[100], [70], [83.9]], "SD"),
    ("e", [[100], [70], [84]], "PD"),
    # complete response: nodes below 10 mm
    ("n", [[15], [9.9]], "CR"),
    ("n", [[15], [10]], "PR"),
    ("en", [[20, 20], [0, 9]], "CR"),
    ("en", [[20, 20], [0.1, 9]], "PR"),
    # after complete response
    ("e", [[20], [0], [1]], "PD"),
    ("n", [[22], [9], [10]], "PD"),
    ("en", [[20, 20], [0, 9], [0, 12]], "PD"),
    # not measured
    ("ee", [[30, 20], [10, None]], "NE"),
    ("ee", [[30, 20], [None, None]], "NE"),
    ("ee", [[30, 20], [60, None]], "PD"),
    ("ee", [[30, 20], [0, 0], [None, 2]], "PD"),
    ("ee", [[30, 20], [20, None], [25, 20]], "SD"),
    # only a baseline
    ("e", [[20]], "NE"),
]


@pytest.mark.parametrize(("kinds", "series", "expected"), TARGETS)
def test_boundary_of_the_targets(kinds, series, expected):
    found = responded(kinds, series)
    assert (found.target_response, found.answer) == (expected, expected)


def test_an_incomplete_visit_is_no_nadir():
    found = responded("ee", [[30, 30], [5, None], [28, 30]])
    assert found.nadir_sum == 60


def test_nodes_that_come_back_a_little_go_to_the_reader():
    assert responded("n", [[22], [9], [12]]).status == "review"
    assert responded("n", [[22], [9], [14]]).status == "complete"


OVERALL = [
    ([[30], [0]], "CR", "no", "CR"),
    ([[30], [0]], "NONCR", "no", "PR"),
    ([[30], [0]], "NE", "no", "PR"),
    ([[30], [0]], "NONE", "yes", "PD"),
    ([[30], [0]], "PD", "no", "PD"),
    ([[30], [15]], "NE", "no", "PR"),
    ([[30], [15]], "NONCR", "equivocal", "PR"),
    ([[30], [30]], "CR", "no", "SD"),
    ([[30], [None]], "CR", "no", "NE"),
    ([[30], [None]], "PD", "no", "PD"),
    ([[30], [60]], "CR", "no", "PD"),
]


@pytest.mark.parametrize(("series", "non_target", "new_lesion", "overall"), OVERALL)
def test_overall_table(series, non_target, new_lesion, overall):
    assert responded("e", series, non_target, new_lesion).answer == overall


@pytest.mark.parametrize(
    ("non_target", "new_lesion", "overall"),
    [("CR", "no", "CR"), ("NONCR", "no", "NON_CR_NON_PD"), ("NE", "no", "NE"), ("PD", "no", "PD"),
     ("CR", "yes", "PD"), ("NONE", "no", "NE"), ("NONCR", "equivocal", "NON_CR_NON_PD")],
)  # fmt: skip
def test_without_targets_the_others_decide(non_target, new_lesion, overall):
    found = responded("", [], non_target, new_lesion)
    assert (found.target_response, found.answer) == ("NONE", overall)
    assert found.baseline_sum is None


@pytest.mark.parametrize(
    ("kinds", "series", "why"),
    [
        ("e", [[20], [-1]], "not possible"),
        ("e", [[20], [500.1]], "not possible"),
        ("eeeeee", [[20] * 6, [20] * 6], "More than 5"),
        ("e", [[9.9], [20]], "needs 10 mm"),
        ("n", [[14.9], [20]], "needs 15 mm"),
        ("e", [[None], [20]], "not measured at baseline"),
    ],
)
def test_impossible_measurements_are_refused(kinds, series, why):
    found = responded(kinds, series)
    assert (found.answer, found.target_response) == ("INVALID", "INVALID")
    assert why in found.reason_text()


def test_the_limits_themselves_are_possible():
    assert responded("e", [[10], [500]]).answer == "PD"
    assert responded("n", [[15], [15]]).answer == "SD"
    assert responded("eeeee", [[10] * 5, [10] * 5]).answer == "SD"


def test_at_most_two_targets_in_one_organ():
    sizes = [[20, 20, 20], [20, 20, 20]]
    assert responded("eee", sizes, organs=["liver", "liver", "lung"]).answer == "SD"
    assert responded("eee", sizes, organs=["liver"] * 3).answer == "INVALID"


BEST = [
    # without confirmation
    ([(8, "PR"), (16, "CR"), (24, "PD")], "no", "CR"),
    ([(8, "PR")], "no", "PR"),
    ([(6, "SD")], "no", "SD"),
    ([(5.9, "SD")], "no", "NE"),
    ([(5.9, "SD"), (12, "PD")], "no", "PD"),
    ([(8, "NON_CR_NON_PD"), (16, "PD")], "no", "NON_CR_NON_PD"),
    ([(8, "PD"), (16, "CR")], "no", "PD"),
    ([(8, "NE"), (16, "SD")], "no", "SD"),
    # with confirmation
    ([(8, "CR"), (12, "CR")], "yes", "CR"),
    ([(8, "CR"), (11.9, "CR")], "yes", "SD"),
    ([(8, "CR"), (10, "NE"), (12, "CR")], "yes", "CR"),
    ([(8, "PR"), (12, "CR")], "yes", "PR"),
    ([(8, "PR"), (12, "CR"), (16, "CR")], "yes", "CR"),
    ([(8, "PR"), (12, "NE"), (16, "PR")], "yes", "PR"),
    ([(8, "CR"), (12, "SD"), (16, "CR")], "yes", "SD"),
    ([(4, "PR"), (8, "SD")], "yes", "SD"),
    ([(4, "CR"), (5, "PD")], "yes", "PD"),
    ([(4, "CR"), (6, "SD")], "yes", "SD"),
    ([(4, "CR"), (8, "SD"), (16, "PD")], "yes", "SD"),
    ([(4, "CR"), (5.9, "SD")], "yes", "PD"),
    ([(4, "PR"), (8, "PR")], "yes", "PR"),
    ([(12, "PR"), (8, "SD"), (16, "PR")], "yes", "PR"),
]


def best(visits, confirmation="yes"):
    return best_response(
        [(Decimal(str(weeks)), answer) for weeks, answer in visits],
        confirmation_required=confirmation == "yes",
    )


@pytest.mark.parametrize("row", examples.rows("recist_bor_cases"), ids=examples.named)
def test_worked_example_of_best_response(row):
    visits = json.loads(row["visits_week_response_json"], parse_int=Decimal)
    found = best_response(
        [(weeks, answer) for weeks, answer in visits],
        confirmation_required=row["confirmation_required"] == "yes",
        min_sd_weeks=Decimal(row["min_sd_weeks"]),
        min_confirm_weeks=Decimal(row["min_confirm_weeks"]),
    )
    assert found.answer == row["expected_bor"]


@pytest.mark.parametrize(("visits", "confirmation", "expected"), BEST)
def test_rule_of_best_response(visits, confirmation, expected):
    assert best(visits, confirmation).answer == expected


def test_partial_after_complete_response_goes_to_the_reader():
    found = best([(8, "CR"), (12, "PR")])
    assert (found.answer, found.status, found.flags) == ("SD", "review", ("needs_reader",))
    assert best([(4, "CR"), (5, "PR")]).answer == "PD"


@pytest.mark.parametrize("visits", [[(8, "XX")], [(-1, "SD")]])
def test_visits_that_cannot_be_are_refused(visits):
    with pytest.raises(ValueError, match=r"\w"):
        best(visits)


@pytest.mark.parametrize("row", examples.rows("tgr_cases"), ids=examples.named)
def test_worked_example_of_growth_rate(row):
    found = growth_rate(*(Decimal(row[k]) for k in ("sum1_mm", "sum2_mm", "days_between")))
    assert found == pytest.approx(float(row["expected_percent_per_month"]), abs=0.0051)


@pytest.mark.parametrize(
    "values", [(0, 50, 90), (50, 0, 90), (50, 50, 0), (50, 50, -1), (-1, 5, 9)]
)
def test_no_growth_rate_without_sums_and_days_above_zero(values):
    assert growth_rate(*map(Decimal, values)) is None


def test_a_sum_that_doubles_in_a_month_grows_by_700_per_cent():
    found = growth_rate(Decimal(50), Decimal(100), Decimal("30.4375"))
    assert found == pytest.approx(700, rel=1e-12)


def test_growth_beyond_counting_is_none():
    assert growth_rate(Decimal("0.001"), Decimal(500), Decimal("0.001")) is None


SIZES = st.decimals(15, 90, places=1)


@given(st.data(), st.integers(1, 5), st.integers(2, 5))
def test_the_response_does_not_depend_on_the_order_of_the_lesions(data, targets, visits):
    kinds = data.draw(st.text("en", min_size=targets, max_size=targets))
    rows = [data.draw(st.lists(SIZES, min_size=targets, max_size=targets))]
    later = st.none() | st.just(Decimal(0)) | SIZES
    rows += [
        data.draw(st.lists(later, min_size=targets, max_size=targets)) for _ in range(visits - 1)
    ]
    order = data.draw(st.permutations(range(targets)))
    shuffled = [[row[n] for n in order] for row in rows]
    one = responded(kinds, rows, "NONCR")
    other = responded("".join(kinds[n] for n in order), shuffled, "NONCR")
    assert (one.target_response, one.answer) == (other.target_response, other.answer)
    assert (one.nadir_sum, one.current_sum) == (other.nadir_sum, other.current_sum)


VISITS = st.lists(
    st.tuples(st.integers(0, 60), st.sampled_from(["CR", "PR", "SD", "PD", "NE"])), max_size=6
)


@given(VISITS)
def test_confirmation_never_improves_the_best_response(visits):
    rank = ["CR", "PR", "SD", "PD", "NE"].index
    if best(visits, "no").answer == "NE" and best(visits, "yes").answer == "PD":
        return  # disease after an unconfirmed complete response
    assert rank(best(visits, "yes").answer) >= rank(best(visits, "no").answer)
