"""Urgency: the triage table, red flags, stated against derived, deadlines."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.clinical.grading import derive_grade
from registry.clinical.ki67 import parse_ki67
from registry.clinical.urgency import (
    RANK,
    Urgency,
    add_working_days,
    deadline,
    derive_urgency,
    target,
)


def grade(site, differentiation, ki67="", cell=""):
    return derive_grade(
        site=site,
        differentiation=differentiation,
        cell_type=cell,
        ki67=parse_ki67(ki67) if ki67 else None,
        necrosis="none",
        specimen="resection",
    )


@pytest.mark.parametrize(
    ("site", "differentiation", "ki67", "cell", "urgency"),
    [
        ("pancreas", "poor", "80", "small", "urgent"),
        ("pancreas", "poor", "", "", "urgent"),
        ("lung", "poor", "80", "large", "urgent"),
        ("thymus", "poor", "80", "small", "urgent"),
        ("skin_merkel", "poor", "", "", "urgent"),
        ("pancreas", "unknown", "25", "", "urgent"),
        ("pancreas", "well", "25", "", "soon"),
        ("lung", "well", "31", "", "soon"),
        ("thyroid_c_cell", "", "6", "", "soon"),
        ("pancreas", "well", "20", "", "routine"),
        ("pancreas", "well", "1", "", "routine"),
        ("lung", "well", "5", "", "routine"),
        ("pancreas", "", "", "", "routine"),
        ("lung", "unknown", "", "", "routine"),
        ("lung", "unknown", "80", "", "urgent"),
        ("adrenal_medulla", "", "", "", "routine"),
    ],
)
def test_the_grade_sets_the_clock(site, differentiation, ki67, cell, urgency):
    found = derive_urgency(grade=grade(site, differentiation, ki67, cell))
    assert found.answer == urgency
    assert found.rank == RANK[urgency]
    assert found.reason_text()


@pytest.mark.parametrize(
    "flag", ["hormonal_crisis", "obstruction", "rapid_progression", "nec_suspected"]
)
def test_a_red_flag_is_urgent_whatever_the_grade(flag):
    found = derive_urgency(grade=grade("pancreas", "well", "1"), red_flags=[flag])
    assert (found.answer, found.flags) == ("urgent", (flag,))
    assert len(found.reasons) == 2


def test_a_functioning_syndrome_is_soon_unless_controlled():
    low = grade("jejunum_ileum", "well", "1")
    assert derive_urgency(grade=low, syndrome="carcinoid").answer == "soon"
    assert derive_urgency(grade=low, syndrome="carcinoid", syndrome_controlled=True).answer == (
        "routine"
    )
    assert derive_urgency(grade=low, syndrome="none").answer == "routine"


def test_the_higher_of_stated_and_derived_orders_and_both_are_said():
    raised = derive_urgency(grade=grade("pancreas", "well", "1"), stated="urgent")
    assert (raised.answer, raised.rank, raised.stated) == ("routine", 1, "urgent")
    assert "stated one decides" in raised.reason_text()
    kept = derive_urgency(grade=grade("pancreas", "poor", "80"), stated="routine")
    assert (kept.answer, kept.rank) == ("urgent", 1)
    assert "derived one decides" in kept.reason_text()


def test_nothing_known_is_routine_and_provisional():
    found = derive_urgency(grade=None)
    assert (found.answer, found.status, found.rank) == ("routine", "provisional", 3)
    assert Urgency.from_json(found.as_json()) == found


@pytest.mark.parametrize("wrong", [{"red_flags": ["fire"]}, {"syndrome": "x"}, {"stated": "now"}])
def test_unknown_codes_are_refused(wrong):
    with pytest.raises(ValueError, match="unknown code"):
        derive_urgency(grade=None, **wrong)


@pytest.mark.parametrize(
    ("urgency", "first_look", "decision", "advice"),
    [("urgent", 1, 2, 7), ("soon", 2, 5, 14), ("routine", 3, 10, 28)],
)
def test_targets(urgency, first_look, decision, advice):
    assert target(urgency, "first_look") == first_look
    assert target(urgency, "decision") == decision
    assert target(urgency, "advice") == advice


FRIDAY, SATURDAY, MONDAY = date(2026, 11, 20), date(2026, 11, 21), date(2026, 11, 23)


@pytest.mark.parametrize(
    ("sent", "urgency", "step", "last_day"),
    [
        (FRIDAY, "urgent", "first_look", date(2026, 11, 23)),
        (SATURDAY, "urgent", "first_look", date(2026, 11, 23)),
        (MONDAY, "urgent", "decision", date(2026, 11, 25)),
        (FRIDAY, "soon", "decision", date(2026, 11, 27)),
        (MONDAY, "routine", "decision", date(2026, 12, 7)),
        (SATURDAY, "urgent", "advice", date(2026, 11, 28)),
        (MONDAY, "routine", "advice", date(2026, 12, 21)),
    ],
)
def test_deadlines_count_working_days_and_advice_calendar_days(sent, urgency, step, last_day):
    assert deadline(sent, urgency, step) == last_day


def test_a_network_may_have_its_own_targets():
    own = {"urgent": {"first_look": 2, "decision": 3, "advice": 5}}
    assert deadline(MONDAY, "urgent", "advice", own) == date(2026, 11, 28)


@given(st.dates(date(2000, 1, 1), date(2090, 1, 1)), st.integers(1, 60))
def test_a_deadline_is_a_working_day_after_the_start(start, days):
    found = add_working_days(start, days)
    assert found > start
    assert found.weekday() < 5
