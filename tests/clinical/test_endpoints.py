"""Time to event: worked examples, each endpoint's event and censoring, partial dates."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.clinical.endpoints import Endpoint, derive_endpoint, endpoints
from tests.clinical import examples

DATES = ("start", "progression_date", "death_date", "last_assessment", "last_contact",
         "new_therapy_date")  # fmt: skip


@pytest.mark.parametrize("row", examples.rows("endpoint_cases"), ids=examples.named)
def test_worked_example(row):
    found = derive_endpoint(
        endpoint=row["endpoint"],
        death_is_event=row["death_is_event"] == "True",
        **{name: row[name] for name in DATES},
    )
    assert (found.days, found.event) == (int(row["expected_days"]), int(row["expected_event"]))
    assert found.months == pytest.approx(float(row["expected_months_30_4375"]), abs=0.0051)
    assert Endpoint.from_json(found.as_json()) == found


def days_and_event(endpoint, **dates):
    found = derive_endpoint(endpoint=endpoint, start="2024-01-01", **dates)
    return found.days, found.event


# 2024-01-11 is day 10, 2024-01-31 day 30, 2024-03-01 day 60
D10, D30, D60 = "2024-01-11", "2024-01-31", "2024-03-01"

RULES = [
    ("OS", {"death_date": D30, "last_contact": D10}, 30, 1),
    ("OS", {"last_contact": D30}, 30, 0),
    ("OS", {"last_contact": D10, "last_assessment": D30}, 30, 0),
    ("OS", {"progression_date": D30}, 30, 0),
    ("OS", {}, 0, 0),
    ("PFS", {"progression_date": D10, "death_date": D30}, 10, 1),
    ("PFS", {"death_date": D30, "last_assessment": D10}, 30, 1),
    ("PFS", {"last_assessment": D10, "last_contact": D60}, 10, 0),
    ("PFS", {"last_contact": D60}, 0, 0),
    ("PFS", {"progression_date": D60, "new_therapy_date": D30, "last_assessment": D10}, 10, 0),
    ("PFS", {"progression_date": D30, "new_therapy_date": D30, "last_assessment": D10}, 30, 1),
    ("PFS", {"progression_date": D30, "new_therapy_date": D60}, 30, 1),
    ("PFS", {"death_date": D60, "new_therapy_date": D30, "last_assessment": D10}, 10, 0),
    ("PFS", {"new_therapy_date": D30, "last_assessment": D60}, 0, 0),
    ("TTP", {"death_date": D30, "last_assessment": D10}, 30, 0),
    ("TTP", {"progression_date": D10, "death_date": D30}, 10, 1),
    ("TTP", {"last_assessment": D10}, 10, 0),
    ("DFS", {"progression_date": D30}, 30, 1),
    ("RFS", {"death_date": D30}, 30, 1),
    ("DoR", {"last_assessment": D60}, 60, 0),
    ("TTNT", {"new_therapy_date": D30}, 30, 1),
    ("TTNT", {"death_date": D30}, 30, 0),
    ("TTNT", {"death_date": D30, "death_is_event": True}, 30, 1),
    ("TTNT", {"death_date": D60, "new_therapy_date": D10, "death_is_event": True}, 10, 1),
    ("TTNT", {"last_contact": D60}, 60, 0),
    ("TTF", {"stop_date": D10, "progression_date": D30}, 10, 1),
    ("TTF", {"progression_date": D30}, 30, 1),
    ("TTF", {"death_date": D30}, 30, 1),
    ("TTF", {"new_therapy_date": D30}, 30, 1),
    ("TTF", {"last_contact": D30}, 30, 0),
    ("PFS2", {"progression_date": D30, "new_therapy_date": D10}, 30, 1),
    ("PFS2", {"last_contact": D30}, 30, 0),
]


@pytest.mark.parametrize(("endpoint", "dates", "days", "event"), RULES)
def test_event_and_censoring(endpoint, dates, days, event):
    assert days_and_event(endpoint, **dates) == (days, event)


def test_following_beyond_a_new_therapy_is_a_choice():
    dates = {"progression_date": D60, "new_therapy_date": D30, "last_assessment": D10}
    assert days_and_event("PFS", censor_at_new_therapy=False, **dates) == (60, 1)


@pytest.mark.parametrize(
    "dates",
    [
        {"progression_date": "2023-12-31"},
        {"death_date": "2023"},
        {"last_contact": "2023-12"},
        {"progression_date": D60, "death_date": D30},
        {"new_therapy_date": D60, "death_date": D30},
    ],
)
def test_an_impossible_order_is_refused(dates):
    found = derive_endpoint(endpoint="PFS", start="2024-01-01", **dates)
    assert (found.answer, found.days, found.event) == ("INVALID", None, None)
    assert found.months is None


@pytest.mark.parametrize(
    ("endpoint", "dates", "days", "event"),
    [
        ("PFS", {"progression_date": "2024-06-01", "last_assessment": "2023-12-15"}, 152, 1),
        ("OS", {"death_date": "2024-06-01", "last_assessment": "2023-12-15"}, 152, 1),
        ("OS", {"last_contact": "2024-03-01", "last_assessment": "2023-12-15"}, 60, 0),
        ("TTNT", {"new_therapy_date": "2024-03-01", "last_assessment": "2023-12-15"}, 60, 1),
    ],
)
def test_an_earlier_scan_is_no_end(endpoint, dates, days, event):
    found = derive_endpoint(endpoint=endpoint, start="2024-01-01", **dates)
    assert (found.days, found.event) == (days, event)


@pytest.mark.parametrize("endpoint", ["PFS", "OS", "TTP", "DoR"])
def test_an_end_before_the_start_is_refused(endpoint):
    found = derive_endpoint(endpoint=endpoint, start="2024-01-01", last_assessment="2023-12-15")
    assert (found.answer, found.days) == ("INVALID", None)


def test_no_start_is_missing_and_other_text_is_refused():
    assert derive_endpoint(endpoint="OS", start="").answer == "MISSING"
    with pytest.raises(ValueError, match="unknown code"):
        derive_endpoint(endpoint="ORR", start="2024")
    with pytest.raises(ValueError, match="not a date"):
        derive_endpoint(endpoint="OS", start="2024", death_date="soon")


def test_a_partial_date_counts_as_mid_month_or_mid_year_and_is_flagged():
    month = derive_endpoint(endpoint="OS", start="2024-01-01", death_date="2024-03")
    assert (month.days, month.flags, month.status) == (74, ("date_precision",), "provisional")
    year = derive_endpoint(endpoint="OS", start="2024-01-01", death_date="2025")
    assert year.days == (date(2025, 7, 1) - date(2024, 1, 1)).days


def test_an_assumed_day_is_never_after_death_or_today_nor_before_the_start():
    dead = derive_endpoint(
        endpoint="PFS", start="2024-01-01", progression_date="2024-02", death_date="2024-02-05"
    )
    assert dead.days == 35
    today = derive_endpoint(
        endpoint="OS", start="2024-01-01", last_contact="2024", today=date(2024, 3, 1)
    )
    assert today.days == 60
    assert derive_endpoint(endpoint="OS", start="2024-02", death_date="2024-02-03").days == 0


PARTIAL = st.builds(
    lambda day, length: day.isoformat()[:length],
    st.dates(date(2015, 1, 1), date(2026, 1, 1)),
    st.sampled_from([4, 7, 10]),
)


@given(
    st.sampled_from(endpoints()),
    PARTIAL,
    st.lists(st.just("") | PARTIAL, min_size=6, max_size=6),
    st.booleans(),
)
def test_days_are_never_below_zero(endpoint, start, others, death_is_event):
    names = ("progression_date", "death_date", "last_assessment", "last_contact",
             "new_therapy_date", "stop_date")  # fmt: skip
    found = derive_endpoint(
        endpoint=endpoint,
        start=start,
        death_is_event=death_is_event,
        today=date(2026, 1, 1),
        **dict(zip(names, others, strict=True)),
    )
    assert found.reason_text()
    if found.answer != "INVALID":
        assert found.days >= 0
        assert found.event in (0, 1)
        assert found.days <= timedelta(days=366 * 12).days


def test_a_month_has_30_4375_days():
    assert derive_endpoint(endpoint="OS", start="2020-01-01", death_date="2024-01-01").months == 48
