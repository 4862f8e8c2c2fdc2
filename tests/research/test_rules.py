"""What leaves, and how coarse: pure functions."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from registry.clinical import quality_of_life, staging
from registry.course.rules import response as course_response
from registry.dates import PartialDate
from registry.research import rules
from registry.research.releases import columns

D = PartialDate


@pytest.mark.parametrize(
    ("years", "text"),
    [(None, ""), (0, "0"), (89, "89"), (90, "90+"), (104, "90+"), (Decimal("89.9"), "89")],
)
def test_ages_are_whole_years_with_the_oldest_together(years, text):
    assert rules.age_text(years) == text


@pytest.mark.parametrize(
    ("stated", "released"),
    [
        ("65-69 years", "65-69"), ("85+ years", "85+"), ("≥ 75", "75+"), ("<40", "<40"),
        ("00 years", "0"), ("90-94", "90+"), ("85-94 years", "85+"), ("100+", "90+"),
        ("<95", ""), ("69-65", ""), ("born 1931 in Ede", ""), ("", ""),
    ],
)  # fmt: skip
def test_an_age_group_leaves_in_one_spelling_with_the_oldest_together(stated, released):
    assert rules.age_group(stated) == released


@pytest.mark.parametrize(
    ("origin", "when", "expected"),
    [
        (D("2020-02-28"), D("2020-03-01"), rules.Since(days="2")),  # 2020 is a leap year
        (D("2020-02-28"), D("2020-02-27"), rules.Since(days="-1")),
        (D("2020-02-28"), D("2021-02"), rules.Since(months="12", why="partial_date")),
        (D("2020-02"), D("2020-03-01"), rules.Since(months="1", why="partial_date")),
        (D("2020-02-28"), D("2021"), rules.Since(why="partial_date")),
        (None, D("2021-01-01"), rules.Since(why="no_diagnosis_date")),
        (D("2020-02-28"), None, rules.Since()),
    ],
)
def test_days_only_from_two_whole_dates_and_never_both_days_and_months(origin, when, expected):
    assert rules.since(origin, when) == expected


def test_the_day_to_count_from_is_the_earliest_diagnosis():
    assert rules.first_diagnosis([D("2021-05-01"), None, D("2019")]) == D("2019")
    assert rules.first_diagnosis([None]) is None


def follow_up(number, **values):
    empty = dict.fromkeys(("date", "death_date", "interval", "interval_unit", "vital_status"))
    return {**empty, "id": number, **values}


def test_a_death_tells_the_vital_status_whenever_it_was_entered():
    dead = follow_up(1, vital_status="dead")
    later = follow_up(2, vital_status="alive", date=D("2022-01-01"))
    assert rules.last_standing([later, dead], None) is dead


def test_else_the_latest_contact_tells_it_by_date_or_by_the_time_since_diagnosis():
    early = follow_up(2, vital_status="alive", interval=Decimal(30), interval_unit="months")
    late = follow_up(1, vital_status="lost", date=D("2023-01-01"))
    assert rules.last_standing([early, late], D("2020-01-01")) is late
    longer = follow_up(3, vital_status="alive", interval=Decimal(4), interval_unit="years")
    assert rules.last_standing([early, late, longer], D("2020-01-01")) is longer
    assert rules.last_standing([], None) is None


@pytest.mark.parametrize("text", ["=1+1", "+31", "-x", "@SUM(A1)", "\tx", "\rx"])
def test_no_text_is_a_formula(text):
    assert rules.safe(text) == f"'{text}"


@pytest.mark.parametrize("text", ["NET_G1", "3-20", "<3", "T1a;T2"])
def test_harmless_texts_stay(text):
    assert rules.safe(text) == text


@pytest.mark.parametrize(
    "unit", ["ng/mL", "µg/l", "UG/L", "U/L", "umol/(24.h)", "µmol/24h", "10*9/L", "%"]
)
def test_units_are_known_in_their_usual_spellings(unit):
    assert rules.is_unit(unit)


@pytest.mark.parametrize("unit", ["Mrs Zonneveld", "ng/mL Anna", "", "1961-03-27"])
def test_wording_is_no_unit(unit):
    assert not rules.is_unit(unit)


@pytest.mark.parametrize(
    ("count", "shown"), [(0, None), (9, None), (10, 10), (14, 10), (15, 20), (477, 480)]
)
def test_counts_for_everybody_are_rounded_and_small_ones_not_shown(count, shown):
    assert rules.rounded(count) == shown


@pytest.mark.parametrize(
    ("day", "ended", "state"),
    [
        (date(2026, 1, 1), False, "granted"),
        (date(2026, 6, 30), False, "granted"),
        (date(2025, 12, 31), False, "not_begun"),
        (date(2026, 7, 1), False, "expired"),
        (date(2026, 3, 1), True, "revoked"),
    ],
)
def test_a_grant_holds_from_its_first_to_its_last_day_until_it_is_ended(day, ended, state):
    period = {"from_date": date(2026, 1, 1), "until_date": date(2026, 6, 30)}
    assert rules.grant_state(**period, ended=ended, day=day) == state


@pytest.mark.parametrize(
    "version",
    [
        course_response.VERSION,
        f"{quality_of_life.RULE} {quality_of_life.VERSION}",
        f"{staging.RULE} {staging.VERSION}",
    ],
)
def test_the_version_of_a_rule_leaves_the_house_and_wording_does_not(version: str) -> None:
    assert columns.is_derived(version)
    assert not columns.is_derived(f"{version}, read by O'Brien")
