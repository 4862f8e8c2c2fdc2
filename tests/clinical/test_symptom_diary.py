"""The diary: what is possible, what counts as a change, days that were not kept."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.clinical import symptom_diary
from registry.clinical.symptom_diary import change, items, mean, period, problem


def days(item, *values):
    return [{item: None if v is None else Decimal(str(v))} for v in values]


def direction(item, before, after):
    found = {one.item: one for one in change(days(item, *before), days(item, *after))}
    return found[item].direction


@pytest.mark.parametrize(
    ("item", "before", "after", "expected"),
    [
        ("stools_per_day", (10,), (7,), "better"),  # 30 %
        ("stools_per_day", (10,), (7.1,), "same"),
        ("stools_per_day", (10,), (13,), "worse"),
        ("stools_per_day", (10,), (12.9,), "same"),
        ("flushing_per_day", (10,), (7,), "better"),
        ("flushing_per_day", (10,), (7.1,), "same"),
        ("flushing_per_day", (2,), (1,), "better"),
        ("flushing_per_day", (2,), (1.1,), "same"),  # 45 %, but less than one episode
        ("flushing_per_day", (0,), (1,), "worse"),
        ("flushing_per_day", (4, 6, None), (5, 5), "same"),
        ("pain", (6,), (4,), "better"),
        ("pain", (6,), (4.1,), "same"),
        ("pain", (6,), (4.01,), "same"),
        ("pain", (4,), (6,), "worse"),
        ("wellbeing", (4,), (6,), "better"),
        ("wellbeing", (4,), (5.99,), "same"),
        ("wellbeing", (6,), (4,), "worse"),
        ("pain", (), (4,), "unknown"),
        ("pain", (4,), (None,), "unknown"),
    ],
)
def test_what_counts_as_a_change(item, before, after, expected):
    assert direction(item, before, after) == expected


@pytest.mark.parametrize(
    ("item", "low", "high"),
    [
        ("flushing_per_day", 0, 200),
        ("stools_per_day", 0, 100),
        ("pain", 0, 10),
        ("wellbeing", 0, 10),
    ],
)
def test_answers_that_are_not_possible(item, low, high):
    step = Decimal("0.1")
    assert problem(item, Decimal(low)) is problem(item, Decimal(high)) is None
    assert problem(item, low - step) is not None
    assert "to" in problem(item, high + step).text()


def test_the_questions_are_ours_and_all_asked():
    assert items() == ("flushing_per_day", "stools_per_day", "pain", "wellbeing")
    assert all(symptom_diary.question(item) for item in items())


def test_means_and_days_that_were_not_kept():
    entries = days("pain", 2, None, 5)
    assert mean(entries, "pain") == (Decimal("3.5"), 2)
    assert mean(entries, "wellbeing") == (None, 0)
    found = change(entries, days("pain", 0))
    pain = next(one for one in found if one.item == "pain")
    assert (pain.days_before, pain.days_after) == (2, 1)
    assert pain.reason.text() == "From 3.5 to 0 points; 2 or more is a change."


def test_a_period_has_only_days_that_are_known():
    dated = [("2026-01-01", {"pain": Decimal(1)}), ("2026-01-07", {"pain": Decimal(2)}),
             ("2026-01-08", {"pain": Decimal(3)}), ("2026-01", {"pain": Decimal(9)}),
             ("", {"pain": Decimal(9)})]  # fmt: skip
    assert mean(period(dated, "2026-01-01", "2026-01-07"), "pain") == (Decimal("1.5"), 2)


NUMBERS = st.lists(st.none() | st.integers(0, 10), max_size=6)


@given(st.sampled_from(items()), NUMBERS, NUMBERS)
def test_there_and_back_is_the_other_direction(item, before, after):
    there, back = direction(item, before, after), direction(item, after, before)
    if item in ("pain", "wellbeing"):
        opposite = {"better": "worse", "worse": "better"}
        assert back == opposite.get(there, there)
    assert {there, back} not in ({"better"}, {"worse"})
    assert (there == "unknown") == (back == "unknown")
