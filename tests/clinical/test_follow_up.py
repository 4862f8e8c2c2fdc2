"""Follow-up: what is due when, by which row, and what comes too early."""

import copy
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.clinical import tables
from registry.clinical.follow_up import (
    GRADES,
    SITUATIONS,
    Facts,
    add_months,
    default_rows,
    due,
    merged,
    not_due,
    problems,
    rows_for,
    too_early,
)
from registry.clinical.follow_up_record import due_for, facts_of, last_done
from tests.clinical.test_across_checks import ALICE

TODAY = date(2026, 11, 23)


def listed(facts, last=None, today=TODAY, rows=None):
    return {one.test: one for one in due(facts, last or {}, today, rows)}


# The row of the table each situation is decided by, and its months.
INTERVALS = [
    # situation, grade, group, since, syndromes -> test: (row, low, high)
    (Facts("resected", "1", "small_bowel", "2024-05-10"), "ct_mri", ("FU03", "6", "12")),
    (Facts("resected", "2", "pancreas", "2021-11-24"), "ct_mri", ("FU03", "6", "12")),
    (Facts("resected", "2", "pancreas", "2021-11-23"), "ct_mri", ("FU04", "12", "24")),
    (Facts("resected", "unknown", "lung", "2024"), "ct_mri", ("FU03", "6", "12")),
    (Facts("resected", "3", "pancreas", "2024"), "ct_mri", ("FU05", "3", "6")),
    (Facts("resected", "nec", "colon", "2026-01"), "ct_mri", ("FU07", "2", "3")),
    (Facts("resected", "nec", "colon", "2020"), "ct_mri", ("FU08", "3", "6")),
    (Facts("resected", "1", "stomach", "2024"), "endoscopy", ("FU19", "24", "36")),
    (Facts("resected", "1", "rectum", "2026-03"), "endoscopy", ("FU18", "6", "12")),
    (Facts("resected", "1", "ileum", "2024", ("carcinoid",)), "markers", ("FU10", "6", "12")),
    (Facts("watch", "1", "pancreas", "2026-03"), "ct_mri", ("FU20", "3", "6")),
    (Facts("watch", "1", "pancreas", "2025-11-23"), "ct_mri", ("FU21", "6", "12")),
    (Facts("ssa", "2", "small_bowel", "2026-09"), "ct_mri", ("FU24", "3", "6")),
    (Facts("ssa", "2", "small_bowel", "2022"), "ct_mri", ("FU25", "6", "12")),
    (Facts("ssa", "2", "small_bowel", "2022"), "sstr", ("FU27", "12", "36")),
    (Facts("ssa", "1", "", "2022", ("carcinoid",)), "echo", ("FU44", "12", "12")),
    (Facts("ssa", "1", "", "2022", ("carcinoid",), True), "echo", ("FU43", "3", "6")),
    (Facts("ssa", "1", "", "2022", ("carcinoid",)), "hiaa", ("FU46", "3", "6")),
    (Facts("ssa", "1", "", "2022", ("insulinoma",)), "markers", ("FU28", "3", "6")),
    (Facts("systemic", "3", "pancreas", "2026"), "ct_mri", ("FU32", "2", "4")),
    (Facts("systemic", "3", "pancreas", "2026"), "blood", ("FU34", "1", "2")),
    (Facts("prrt", "2", "small_bowel", "2026-06-01"), "blood", ("FU36", "1", "3")),
    (Facts("prrt", "2", "small_bowel", "2025-06-01"), "blood", ("FU37", "3", "6")),
    (Facts("active", "1", "small_bowel", "2020"), "ct_mri", ("FU39", "3", "6")),
    (Facts("active", "nec", "colon", "2026"), "ct_mri", ("FU41", "2", "3")),
    (Facts("active", "unknown", "thyroid_mtc", "2020"), "markers", ("FU49", "6", "12")),
]  # fmt: skip


@pytest.mark.parametrize(("facts", "test", "expected"), INTERVALS)
def test_the_interval_of_a_situation(facts, test, expected):
    row = next(row for row in rows_for(facts, TODAY) if row["test"] == test)
    assert (row["code"], row["months_min"], row["months_max"]) == expected


def test_a_due_test_counts_from_when_it_was_last_done():
    facts = Facts("resected", "1", "small_bowel", "2024-05-10")
    one = listed(facts, {"ct_mri": "2025-11-23"})["ct_mri"]
    assert (one.due_from, one.due_by) == (date(2026, 5, 23), date(2026, 11, 23))
    assert not one.overdue  # its last day is today
    assert listed(facts, {"ct_mri": "2025-11-22"})["ct_mri"].overdue
    assert "2025-11-22" in listed(facts, {"ct_mri": "2025-11-22"})["ct_mri"].reason.text()
    assert one.because[0].text().startswith("After resection of a G1")


def test_a_test_that_was_never_done_counts_from_the_operation():
    one = listed(Facts("resected", "1", "", "2026-05-10"))["ct_mri"]
    assert (one.due_from, one.due_by, one.last) == (date(2026, 11, 10), date(2027, 5, 10), "")
    nothing = listed(Facts("ssa", "1", ""))["ct_mri"]
    assert (nothing.due_from, nothing.due_by, nothing.overdue) == (None, None, False)
    assert "no date to count from" in nothing.reason.text()


def test_a_month_alone_is_never_overdue_too_soon():
    facts = Facts("resected", "1", "", "2024")
    one = listed(facts, {"ct_mri": "2025-11"})["ct_mri"]
    assert (one.due_from, one.due_by) == (date(2026, 5, 1), date(2026, 11, 30))
    assert not one.overdue


def test_what_is_not_due_says_why():
    small = Facts("resected", "1", "appendix", "2025", small_localised=True)
    assert set(not_due(small, TODAY)) >= {"ct_mri", "visit", "sstr", "markers"}
    assert "ct_mri" not in listed(small)
    assert "appendix" in not_due(small, TODAY)["ct_mri"].text()
    large = Facts("resected", "1", "appendix", "2025")
    assert "ct_mri" in listed(large)
    assert "sstr" in not_due(Facts("active", "nec", "colon"), TODAY)


@pytest.mark.parametrize(
    ("last", "on", "early"),
    [
        ("2026-09-01", date(2027, 2, 14), True),
        ("2026-09-01", date(2027, 2, 15), False),  # two weeks before six months
        ("2026-09", date(2027, 2, 15), False),
        ("", date(2026, 9, 2), False),
    ],
)
def test_a_test_too_soon(last, on, early):
    facts = Facts("resected", "1", "", "2024")
    found = too_early("ct_mri", last, on, facts)
    assert (found is not None) == early
    if early:
        assert "2027-03-01" in found.text()


def test_too_early_for_what_is_not_due_or_not_known():
    facts = Facts("resected", "1", "", "2024")
    assert "suspected recurrence" in too_early("sstr", "2025", TODAY, facts).text()
    assert too_early("sstr", "", TODAY, facts) is None
    assert too_early("fdg", "2026-11-22", TODAY, facts) is None


def test_a_network_may_give_its_own_rows():
    own = [{**default_rows()[2], "months_min": "1", "months_max": "1"}]
    assert problems(own) == ()
    found = listed(Facts("resected", "1", "", "2026-10-01"), rows=own)
    assert list(found) == ["ct_mri"]
    assert found["ct_mri"].overdue
    assert due(Facts("active"), {}, TODAY, []) == ()


@pytest.mark.parametrize(
    "wrong",
    [
        {"test": "horoscope"}, {"situations": "well"}, {"grades": "4"}, {"condition": "rich"},
        {"months_min": "12", "months_max": "6"}, {"months_min": "0"}, {"months_max": ""},
        {"months_min": "x"}, {"window_from": "60"}, {"source": ""},
    ],
)  # fmt: skip
def test_rows_of_a_network_are_checked(wrong):
    assert problems([{**default_rows()[2], **wrong}])


def test_the_rows_of_the_product_are_sound():
    rows = default_rows()
    assert problems(rows) == ()
    assert len({row["code"] for row in rows}) == len(rows)
    groups = set(tables.codes("triage_group")) | {"net", "any"}
    for row in rows:
        assert set(row["sites"].split(";")) <= groups
        assert row["why"]
        assert row["confidence"] in ("high", "medium", "low")


# A second copy of the months: a change of the table must be confirmed here.
MONTHS = (
    "FU03 6 12 0 60|FU04 12 24 60|FU05 3 6 0 60|FU06 6 12 60|FU07 2 3 0 24|FU08 3 6 24|FU10 6 12|"
    "FU12 6 12 0 60|FU13 12 24 60|FU14 3 6 0 60|FU15 6 12 60|FU16 2 3 0 24|FU17 3 6 24|"
    "FU18 6 12 0 12|FU19 24 36|FU20 3 6 0 12|FU21 6 12 12|FU22 3 6 0 12|FU23 6 12 12|"
    "FU24 3 6 0 12|FU25 6 12 12|FU26 3 4|FU27 12 36|FU28 3 6|FU29 3 12|FU30 3 6|FU31 2 3|"
    "FU32 2 4|FU33 1 2|FU34 1 2|FU35 3 6|FU36 1 3 0 12|FU37 3 6 12|FU38 2 3|"
    "FU39 3 6|FU40 2 3|FU41 2 3|FU42 2 3|FU43 3 6|FU44 12 12|FU45 6 12|FU46 3 6|FU47 6 12|"
    "FU49 6 12|FU50 6 12|FU51 12 12|FU52 6 12"
)


def test_every_interval_is_the_one_of_its_source():
    columns = ("code", "months_min", "months_max", "window_from", "window_to")
    written = [
        " ".join(row[name] for name in columns if row[name])
        for row in default_rows()
        if row["months_max"]
    ]
    assert "|".join(written) == MONTHS


FACTS = st.builds(
    Facts,
    situation=st.sampled_from(SITUATIONS),
    grade=st.sampled_from(GRADES),
    site_group=st.sampled_from(["", *tables.codes("triage_group")]),
    since=st.sampled_from(["", "2010", "2024-02", "2026-11-20"]),
    syndromes=st.sampled_from([(), ("carcinoid",), ("insulinoma",)]),
    carcinoid_heart_disease=st.booleans(),
    small_localised=st.booleans(),
)


@given(FACTS, st.dates(date(1990, 1, 1), TODAY))
def test_every_situation_has_a_plan_that_can_be_said(facts, day):
    last = dict.fromkeys(tables.codes("follow_up_test"), day.isoformat())
    found = due(facts, last, TODAY)
    planned = {one.test for one in found} | set(not_due(facts, TODAY))
    assert "visit" in planned
    assert len({one.test for one in found}) == len(found)
    for one in found:
        assert one.reason.text()
        assert one.because[0].text()
        assert day < one.due_from <= one.due_by
        assert one.overdue == (one.due_by < TODAY)
        assert too_early(one.test, day.isoformat(), one.due_from, facts) is None or (
            one.due_from > TODAY
        )
    assert [one.due_by for one in found] == sorted(one.due_by for one in found)


@pytest.mark.parametrize(
    ("day", "months", "then"),
    [
        (date(2024, 1, 31), 1, date(2024, 2, 29)), (date(2024, 12, 15), 1, date(2025, 1, 15)),
        (date(2024, 5, 10), 24, date(2026, 5, 10)), (date(2024, 5, 10), 0, date(2024, 5, 10)),
        (date(9999, 5, 10), 12, date.max),
    ],
)  # fmt: skip
def test_months_are_added_by_the_calendar(day, months, then):
    assert add_months(day, months) == then


def test_unknown_words_are_refused():
    with pytest.raises(ValueError, match="situation"):
        due(Facts("happy"), {}, TODAY)
    with pytest.raises(ValueError, match="grade"):
        due(Facts("active", "4"), {}, TODAY)


# --- from the record


def alice(**changes):
    rows = copy.deepcopy(ALICE)
    for entity, extra in changes.items():
        rows[entity] = [*rows.get(entity, []), *extra]
    return rows


@pytest.mark.parametrize(
    ("extra", "today", "situation", "since"),
    [
        ({}, date(2017, 1, 1), "resected", "2016-06-01"),
        ({}, date(2019, 6, 1), "ssa", "2018-03"),
        ({}, date(2020, 3, 1), "prrt", "2020-07-01"),
        ({}, date(2022, 6, 30), "prrt", "2020-07-01"),
        ({}, date(2022, 7, 1), "active", "2016-05-10"),
        ({"therapy": [{"id": "n", "therapy_class": "targeted", "agent": "EVE",
                       "start": "2023-06"}]}, TODAY, "systemic", "2023-06"),
        ({"therapy": [{"id": "n", "therapy_class": "targeted", "agent": "EVE",
                       "start": "2023-06", "stop": "2024"}]}, TODAY, "active", "2016-05-10"),
        ({"therapy": [{"id": "n", "therapy_class": "surveillance", "start": "2024"}]},
         TODAY, "watch", "2024"),
    ],
)  # fmt: skip
def test_the_situation_of_a_record(extra, today, situation, since):
    rows = alice(**extra)
    if today.year == 2017:  # before anything came back
        rows |= {"metastasis": [], "progression": [], "follow_up": []}
    (facts,) = facts_of(rows, today)
    assert (facts.situation, facts.since) == (situation, since)
    assert facts.site_group == "small_bowel"


@pytest.mark.parametrize(
    ("spread", "intent", "situation"),
    [
        ({}, "", "resected"),
        # Free margins are those of the primary: the liver was not operated on.
        ({"metastasis": [{"id": "m", "site": "liver", "date": "2024-01-10"}]}, "", "active"),
        ({"metastasis": [{"id": "m", "site": "liver"}]}, "", "active"),
        ({"metastasis": [{"id": "m", "site": "liver", "resolved_date": "2024-02"}]}, "",
         "resected"),
        ({"staging": [{"id": "s", "m": "M1a", "date": "2024-01"}]}, "", "active"),
        ({"staging": [{"id": "s", "mets_bone": "yes"}]}, "", "active"),
        ({"staging": [{"id": "s", "m": "M0", "mets_bone": "no"}]}, "", "resected"),
        ({"staging": [{"id": "s", "m": "M1", "date": "2024-01"},
                      {"id": "u", "m": "M0", "date": "2024-05"}]}, "", "resected"),
        # For cure, what was known before was removed with it; what came later was not.
        ({"metastasis": [{"id": "m", "site": "liver", "date": "2024-01-10"}]}, "curative",
         "resected"),
        ({"metastasis": [{"id": "m", "site": "liver", "date": "2024-03-10"}]}, "curative",
         "active"),
    ],
)  # fmt: skip
def test_metastases_left_behind_are_known_disease(spread, intent, situation):
    rows = {
        "tumour": [{"id": "t", "primary_site": "C17.2", "diagnosis_date": "2024-01-10"}],
        "therapy": [{"id": "o", "therapy_class": "surgery", "start": "2024-02-01",
                     "residual": "R0", "intent": intent}],
        **spread,
    }  # fmt: skip
    (facts,) = facts_of(rows, TODAY)
    assert facts.situation == situation


def test_the_facts_of_a_record():
    (facts,) = facts_of(ALICE, TODAY)
    assert (facts.grade, facts.syndromes, facts.carcinoid_heart_disease) == (
        "2", ("carcinoid",), False,
    )  # fmt: skip
    assert not facts.small_localised
    small = alice()
    small["tumour"][0]["primary_size_mm"] = Decimal("9.9")
    small["staging"] = [{"id": "s", "tumour_id": "t", "n": "pN0", "m": "M0"}]
    assert facts_of(small, TODAY)[0].small_localised
    small["tumour"][0]["primary_size_mm"] = Decimal(10)
    assert not facts_of(small, TODAY)[0].small_localised


def test_the_last_tests_of_a_record():
    last = last_done(ALICE, TODAY)
    assert last == {
        "ct_mri": "2020-01", "sstr": "2019-11-05", "fdg": "2019-11-20", "echo": "2020-01",
        "markers": "2020-01-08", "blood": "2020-07-01", "visit": "2026-05-02",
        "quality_of_life": "2014-01-01",
    }  # fmt: skip
    assert "visit" not in last_done(ALICE, date(2026, 5, 1))


def test_the_list_of_a_patient():
    tests = {one.test: one for one in due_for(ALICE, TODAY)}
    assert tests["ct_mri"].overdue
    assert tests["visit"].due_by == date(2026, 11, 2)
    assert {"echo", "hiaa", "nt_probnp"} <= set(tests)
    dead = alice(follow_up=[{"id": "d", "vital_status": "dead", "death_date": "2026-08"}])
    assert due_for(dead, TODAY) == ()
    assert due_for({}, TODAY) == ()


def test_of_who_is_lost_nothing_is_due_but_to_be_seen_again():
    lost = alice(follow_up=[{"id": "l", "date": "2026-09-01", "vital_status": "lost"}])
    (visit,) = due_for(lost, TODAY)
    assert visit.test == "visit"
    assert visit.because[0].text() == "Lost to follow-up, as said on 2026-09-01."
    assert visit.last == "2026-05-02"  # that nobody knows is no visit
    back = {"id": "b", "date": "2026-10-01", "vital_status": "alive"}
    lost["follow_up"].append(back)
    assert {one.test for one in due_for(lost, TODAY)} > {"visit", "ct_mri"}


def test_several_tumours_make_one_list():
    early = due(Facts("active", "nec", "colon", "2026"), {}, TODAY)
    late = due(Facts("resected", "1", "lung", "2026-10"), {}, TODAY)
    both = {one.test: one.row for one in merged([late, early])}
    assert both["ct_mri"] == "FU41"
    assert len(both) == len({one.test for one in (*early, *late)})
