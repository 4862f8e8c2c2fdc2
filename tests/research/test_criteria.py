"""Criteria of cohorts: what meets them, what they say, and what they refuse."""

from __future__ import annotations

from decimal import Decimal

import pytest

from registry.dates import PartialDate
from registry.research.cohorts import criteria
from registry.research.cohorts.criteria import (
    Criteria,
    Criterion,
    Entry,
    Subject,
    Unclear,
    checked,
    meets,
)

GRADE = Subject("pathology.derived_category", "Category", "Pathology", "derived", "grade_category")
KI67 = Subject("pathology.ki67_percent", "Ki-67", "Pathology", "ki67", "", "%")
DAY = Subject("tumour.diagnosis_date", "Diagnosis", "Tumour", "partial_date")


def at(date: str, value: object, order: str = "1") -> Entry:
    return Entry(PartialDate(date) if date else None, order, value)


def test_first_and_latest_go_by_date_and_skip_the_empty() -> None:
    entries = [at("2021", "G3"), at("2019-05", "G1"), at("2022", None), at("", "G9")]
    for when, value in (("first", "G1"), ("latest", "G3")):
        wanted = Criterion(GRADE.key, "one_of", (value,), when)
        assert meets(wanted, GRADE.family, entries, {})
    assert meets(Criterion(GRADE.key, "one_of", ("G9",), "ever"), GRADE.family, entries, {})
    assert not meets(Criterion(GRADE.key, "one_of", ("G9",), "latest"), GRADE.family, entries, {})


@pytest.mark.parametrize(
    ("date", "when", "expected"),
    [
        ("2020-03-09", "before", True),
        ("2020-03-10", "after", True),  # the day itself is not before
        ("2020-03", "before", False),  # the month of the event decides nothing
        ("2020-03", "after", False),
        ("2020", "after", False),
        ("2020-04", "after", True),
        ("2019", "before", True),
    ],
)
def test_what_a_partial_date_does_not_decide_does_not_hold(
    date: str, when: str, expected: bool
) -> None:
    wanted = Criterion(GRADE.key, "known", (), when, "first_therapy")
    events = {"first_therapy": PartialDate("2020-03-10")}
    assert meets(wanted, GRADE.family, [at(date, "G1")], events) is expected
    assert not meets(wanted, GRADE.family, [at(date, "G1")], {})  # no therapy: neither


@pytest.mark.parametrize(
    ("date", "expected"),
    [("2020-06", True), ("2020-07", False), ("2019-12-31", True), ("2020", False)],
)
def test_at_diagnosis_is_three_months(date: str, expected: bool) -> None:
    wanted = Criterion(GRADE.key, "known", (), "at_diagnosis")
    events = {"diagnosis": PartialDate("2020-03")}
    assert meets(wanted, GRADE.family, [at(date, "G1")], events) is expected


@pytest.mark.parametrize(
    ("stated", "operator", "limit", "expected"),
    [
        ("3-20", "at_least", "3", True),
        ("3-20", "at_least", "4", False),
        ("3-20", "at_most", "20", True),
        ("<3", "at_most", "3", True),
        (">20", "at_most", "55", False),
        (Decimal("12.50"), "at_least", "12.5", True),
    ],
)
def test_a_range_holds_where_all_of_it_does(
    stated: object, operator: str, limit: str, expected: bool
) -> None:
    wanted = Criterion(KI67.key, operator, (limit,))
    assert meets(wanted, KI67.family, [at("2020", stated)], {}) is expected


def test_dates_are_compared_by_all_they_could_be() -> None:
    def holds(operator: str, stated: str, limit: str) -> bool:
        wanted = Criterion(DAY.key, operator, (limit,))
        return meets(wanted, DAY.family, [at("", PartialDate(stated))], {})

    assert holds("at_least", "2020-01-01", "2020")
    assert holds("at_most", "2020-12-31", "2020")
    assert not holds("at_most", "2020", "2020-06")
    assert not holds("at_least", "2020", "2020-06")


def test_not_known_is_nothing_in_question() -> None:
    wanted = Criterion(GRADE.key, "not_known")
    assert meets(wanted, GRADE.family, [at("2020", None), at("2021", "")], {})
    assert not meets(wanted, GRADE.family, [at("2020", "G1")], {})


@pytest.mark.parametrize(
    ("subject", "given", "field"),
    [
        (GRADE, {"operator": "at_least", "values": ["2"]}, "operator"),
        (GRADE, {"operator": "one_of", "values": []}, "values"),
        (KI67, {"operator": "at_least", "values": ["much"]}, "values"),
        (DAY, {"operator": "at_least", "values": ["2020-13"]}, "values"),
        (GRADE, {"operator": "known", "values": [], "when": "after"}, "event"),
    ],
)
def test_what_says_nothing_is_refused(
    subject: Subject, given: dict[str, object], field: str
) -> None:
    with pytest.raises(Unclear) as refused:
        checked(subject, **{"when": "ever", "event": "", **given})  # type: ignore[arg-type]
    assert refused.value.field == field


def test_a_cohort_is_read_as_it_was_kept(app: object) -> None:
    one = checked(GRADE, operator="one_of", values=["NET_G2"], when="latest", event="")
    two = checked(KI67, operator="at_least", values=["5,5"], when="before", event="first_therapy")
    asked = Criteria().with_criterion(None, "all", one).with_criterion(0, "all", two)
    asked = asked.matched(0, "none")
    assert Criteria.of(asked.as_json()) == asked
    assert two.values == ("5.5",)
    spoken = {
        one: criteria.words(one, GRADE, {"NET_G2": "NET G2"}),
        two: criteria.words(two, KI67, {}),
    }
    said = criteria.sentence(asked, spoken)
    assert (
        "none of: Pathology: Category is one of NET G2 (in the latest entry that has it); " in said
    )
    assert "Ki-67 is at least 5.5 % (before the start of the first therapy)" in said
    assert asked.without(0, 0).without(0, 0) == Criteria()
