"""Partial dates: as precise as stated, and no more."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.dates import PartialDate

D = PartialDate


@pytest.mark.parametrize("text", ["2026", "2026-02", "2026-02-28", "2024-02-29"])
def test_what_is_a_date(text):
    assert str(D(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", "26", "2026-13", "2026-02-30", "2025-02-29", "2026-2-3", "2026-00", "x", "20260101"],
)
def test_what_is_none(text):
    with pytest.raises(ValueError, match=r".+"):
        D(text)


@pytest.mark.parametrize(
    ("boxes", "iso"),
    [
        (("2026", "3", "7"), "2026-03-07"),
        (("2026", "3", ""), "2026-03"),
        (("2026", "", ""), "2026"),
    ],
)
def test_from_three_boxes(boxes, iso):
    assert D.from_parts(*boxes).iso == iso


@pytest.mark.parametrize(
    "boxes",
    [("", "3", "7"), ("2026", "", "7"), ("26", "3", "7"), ("2026", "x", ""), ("2026", "2", "30")],
)
def test_boxes_that_make_none(boxes):
    with pytest.raises(ValueError, match=r".+"):
        D.from_parts(*boxes)


def test_a_year_may_mean_any_of_its_days():
    assert (D("2024").earliest, D("2024").latest) == (date(2024, 1, 1), date(2024, 12, 31))
    assert D("2024-02").latest == date(2024, 2, 29)


@pytest.mark.parametrize(
    ("one", "other", "certain"),
    [
        ("2024", "2025", True),
        ("2024", "2024-06", False),
        ("2024-05", "2024-06-01", True),
        ("2024-06", "2024-06-01", False),
        ("2024-06-01", "2024-06-01", False),
    ],
)
def test_before_only_when_no_reading_allows_otherwise(one, other, certain):
    assert D(one).certainly_before(D(other)) is certain


def test_no_day_is_made_up_for_an_interval():
    assert D("2024-02-28").days_to(D("2024-03-01")) == 2
    assert D("2024-02").days_to(D("2024-03-01")) is None


@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)), st.dates(date(1900, 1, 1), date(2100, 1, 1)))
def test_full_dates_sort_as_days_do(one, other):
    assert (D.of(one) < D.of(other)) == (one < other)
