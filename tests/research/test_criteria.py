"""Criteria of cohorts: what meets them, what they say, and what they refuse."""

from __future__ import annotations

from decimal import Decimal

import pytest

from registry.dates import PartialDate
from registry.research.cohorts import criteria
from registry.research.cohorts.criteria import (
    Criteria,
    Criterion,
    Step,
    Subject,
    Unclear,
    checked,
)
from registry.research.cohorts.deciding import Entry, meet_in_one, meets

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


_OPEN = [
    # what is asked, of which entry: certainly, possibly
    (("before", ""), ("2020-03", "G1"), (False, True)),
    (("before", ""), ("2020-03-10", "G1"), (False, False)),
    (("before", ""), ("", "G1"), (False, True)),
    (("after", ""), ("2020", "G1"), (False, True)),
    (("after", ""), ("2020-02", "G1"), (False, False)),
    (("at_diagnosis", ""), ("2021", "G1"), (False, True)),
    (("at_diagnosis", ""), ("2022", "G1"), (False, False)),
    (("ever", "4"), ("", "3-20"), (False, True)),
    (("ever", "21"), ("", "3-20"), (False, False)),
    (("ever", "3"), ("", "3-20"), (True, True)),
]


@pytest.mark.parametrize(("asked", "there", "expected"), _OPEN)
def test_what_is_open_is_possible_and_not_certain(
    asked: tuple[str, str], there: tuple[str, str], expected: tuple[bool, bool]
) -> None:
    """So that nobody of whom chemotherapy before PRRT is open is counted as one without it."""
    when, least = asked
    wanted = (
        Criterion(KI67.key, "at_least", (least,))
        if least
        else Criterion(GRADE.key, "known", (), when, "first_therapy")
    )
    events = {"first_therapy": PartialDate("2020-03-10"), "diagnosis": PartialDate("2020-03-10")}
    family = (KI67 if least else GRADE).family
    found = tuple(
        meets(wanted, family, [at(*there)], events, possibly=possibly) for possibly in (False, True)
    )
    assert found == expected


def test_not_known_is_certain_where_nothing_can_be_in_question() -> None:
    wanted = Criterion(GRADE.key, "not_known", (), "before", "first_therapy")
    events = {"first_therapy": PartialDate("2020-03-10")}
    month = [at("2020-03", "G1")]  # may be before
    assert not meets(wanted, GRADE.family, month, events)
    assert meets(wanted, GRADE.family, month, events, possibly=True)
    assert meets(wanted, GRADE.family, [at("2020-04", "G1")], events)


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
        (KI67, {"operator": "at_least", "values": ["1e999999"]}, "values"),
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
    asked = Criteria().with_criterion(None, "all", one).with_criterion((0,), "all", two)
    asked = asked.matched((0,), "none")
    assert Criteria.of(asked.as_json()) == asked
    assert two.values == ("5.5",)
    spoken = {each: criteria.words(each, known) for each, known in ((one, GRADE), (two, KI67))}
    said = criteria.sentence(asked, spoken)
    assert (
        "none of: Pathology: Category is NET, grade 2 (in the latest entry that has it); " in said
    )
    assert "Ki-67 is at least 5.5 % (before the start of the first therapy)" in said
    assert asked.without((0, 0)).without((0, 0)) == Criteria()


ANALYTE = Subject("biomarker.analyte", "Analyte", "Marker", "code", "biomarker")
VALUE = Subject("biomarker.value", "Value", "Marker", "number")
CGA, NSE = "chromogranin_a", "nse"


def test_one_and_the_same_entry_is_asked_in_order() -> None:
    """Chromogranin A was 300 and then 40, NSE 500 last: the latest value of chromogranin A is 40,
    though the latest value of all is 500, and though some value of it was above 100."""
    analytes = [at("2020", CGA, "1"), at("2021", CGA, "2"), at("2022", NSE, "3")]
    values = [at("2020", "300", "1"), at("2021", "40", "2"), at("2022", "500", "3")]
    named = Criterion(ANALYTE.key, "one_of", (CGA,))

    def met(operator: str, limit: str, when: str = "ever") -> bool:
        wanted = Criterion(VALUE.key, operator, (limit,), when)
        both = [(named, ANALYTE.family, analytes), (wanted, VALUE.family, values)]
        return meet_in_one(both, {})

    assert met("at_least", "100")
    assert not met("at_least", "100", "latest")
    assert met("at_most", "40", "latest")
    assert not met("at_least", "500")  # that is NSE
    nothing = [(named, ANALYTE.family, [*analytes, at("2023", CGA, "4")]),
               (Criterion(VALUE.key, "not_known"), VALUE.family, values)]  # fmt: skip
    assert meet_in_one(nothing, {})
    assert not meet_in_one([(named, ANALYTE.family, analytes), nothing[1]], {})


@pytest.mark.parametrize(
    ("event", "date", "when", "expected"),
    [
        ("2020-01-31", "2021-01-31", "after", True),
        ("2020-01-31", "2021-02-01", "after", False),
        ("2020-02-29", "2021-02-28", "after", True),  # the last day of a shorter month
        ("2020-03", "2021-02", "after", True),
        ("2020-03", "2021-03", "after", False),  # may be up to thirteen months
        ("2021-01-31", "2020-01-31", "before", True),
        ("2021-01-31", "2020-01-30", "before", False),
    ],
)
def test_within_so_many_months_is_certain(event: str, date: str, when: str, expected: bool) -> None:
    wanted = Criterion(GRADE.key, "known", (), when, "line_2", 12)
    events = {"line_2": PartialDate(event)}
    assert meets(wanted, GRADE.family, [at(date, "G1")], events) is expected


def test_groups_in_a_step_are_kept_said_and_taken_apart(app: object) -> None:
    one = checked(GRADE, operator="one_of", values=["NET_G1"], when="ever", event="")
    two = checked(KI67, operator="at_most", values=["2"], when="after", event="therapy:PRRT",
                  months=12)  # fmt: skip
    asked = Criteria().with_criterion(None, "any", one).with_group((0,), "all", two)
    asked = asked.with_criterion((0, 1), "all", one)
    assert asked.steps == (Step("any", (one, Step("all", (two, one)))),)
    kept = asked.as_json()
    assert (kept["format"], Criteria.of(kept)) == (2, asked)
    assert Criteria().with_criterion(None, "any", one).as_json()["format"] == 1
    spoken = {each: criteria.words(each, known) for each, known in ((one, GRADE), (two, KI67))}
    assert (
        "any of: Pathology: Category is NET, grade 1 (in any entry); [Pathology: Ki-67 is at most"
        " 2 % (at most 12 months after the first therapy of the kind “Radionuclide therapy"
        " (PRRT, MIBG)”) and Pathology: Category is NET, grade 1 (in any entry)]"
    ) in criteria.sentence(asked, spoken)
    assert asked.with_other((0, 1, 0), one).at((0, 1, 0)) == one
    assert asked.without((0, 1, 1)).without((0, 1, 0)).steps == (Step("any", (one,)),)
    other = asked.matched((0, 1), "none")
    assert criteria.differences(asked, other) == (list(asked.steps), list(other.steps))
    with pytest.raises(Unclear):  # deeper than a page can show
        asked.with_group((0, 1), "any", one)
    with pytest.raises(Unclear):  # no entry is both
        Criteria().with_criterion(None, "same", one).with_criterion(
            (0,), "same", Criterion(VALUE.key, "known")
        )


def test_what_no_entry_can_say_is_refused() -> None:
    derived = Subject("pathology.derived_grade", "Grade, derived", "Pathology", "derived")
    assert checked(derived, operator="one_of", values=["2"], when="ever", event="").values == ("2",)
    for subject, value in ((derived, "G2"), (GRADE, "NET_G9")):
        with pytest.raises(Unclear) as refused:
            checked(subject, operator="one_of", values=[value], when="ever", event="")
        assert (refused.value.field, value in str(refused.value)) == ("values", True)
