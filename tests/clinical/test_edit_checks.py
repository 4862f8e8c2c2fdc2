"""Contradictions: what is refused, what is warned of, and what agrees."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.clinical import edit_checks, tables
from registry.clinical.grading import derive_grade
from registry.clinical.ki67 import parse_ki67
from registry.clinical.partial_dates import assumed, bounds, precision, surely_before
from registry.clinical.staging import stage_group


def grade(site, differentiation, mitoses, ki67, necrosis="none", cell=""):
    return derive_grade(
        site=site,
        differentiation=differentiation,
        cell_type=cell,
        mitoses_per_2mm2=Decimal(mitoses) if mitoses else None,
        ki67=parse_ki67(ki67) if ki67 else None,
        necrosis=necrosis,
        specimen="resection",
    )


@pytest.mark.parametrize(
    ("stated", "derived", "contradicts"),
    [
        ("G1", grade("pancreas", "well", "1", "2"), False),
        ("G1", grade("pancreas", "well", "1", "12"), True),
        ("G2", grade("pancreas", "well", "1", "2"), True),
        ("G3", grade("pancreas", "well", "25", "40"), False),
        ("G3", grade("pancreas", "poor", "25", "40"), False),
        ("NET_G3", grade("pancreas", "poor", "25", "40"), True),
        ("NEC", grade("pancreas", "well", "25", "40"), True),
        ("NEC", grade("lung", "poor", "25", "40", cell="large"), False),
        ("TC", grade("lung", "well", "1", "2"), False),
        ("TC", grade("lung", "well", "5", "2"), True),
        ("AC", grade("lung", "well", "5", "2"), False),
        ("LOW", grade("thyroid_c_cell", "", "6", "2"), True),
        ("OTHER", grade("pancreas", "well", "25", "40"), False),
        ("", grade("pancreas", "well", "25", "40"), False),
        ("G1", grade("pancreas", "well", "", ""), False),
        ("G1", grade("pancreas", "well", "1", "120"), False),
    ],
)
def test_stated_grade_against_its_own_numbers(stated, derived, contradicts):
    found = edit_checks.grade_contradiction(stated, derived)
    assert (found is not None) is contradicts
    if found:
        assert found.severity == "warn"
        assert found.reason.text()
        assert found.because == derived.reasons


def test_an_older_edition_is_named():
    derived = grade("pancreas", "well", "1", "12")
    found = edit_checks.grade_contradiction("G1", derived, "WHO2010")
    assert "WHO 2010" in found.reason.text()
    assert "older" not in edit_checks.grade_contradiction("G1", derived, "WHO2019").reason.text()


def test_every_stated_code_that_is_compared_exists():
    codes = set(tables.codes("grade_stated"))
    categories = {row["category"] for row in tables.rows("grade_categories")}
    for row in tables.rows("grade_stated"):
        assert row["stated"] in codes
        assert set(row["agrees_with"].split(";")) <= categories


def stage(tnm, site="pancreas", kind="NET", system="AJCC8"):
    t, n, m = tnm.split()
    return stage_group(site=site, histology_class=kind, system=system, t=t, n=n, m=m)


@pytest.mark.parametrize(
    ("stated", "derived", "code"),
    [
        ("II", stage("T2 N0 M0"), None),
        ("Stage II", stage("T2 N0 M0"), None),
        ("IIA", stage("T2 N0 M0"), None),
        ("III", stage("T2 N0 M0"), "stage_contradiction"),
        ("I", stage("T2 N0 M0"), "stage_contradiction"),
        ("IV", stage("T1a N0 M1c", "lung", "ANY", "TNM8"), None),
        ("IVA", stage("T1a N0 M1c", "lung", "ANY", "TNM8"), "stage_contradiction"),
        ("", stage("T2 N0 M0"), None),
        ("II", stage("TX N0 M0"), None),
        ("II", stage("T1 N2 M0"), "tnm_not_defined"),
        ("", stage("T1 N2 M0"), "tnm_not_defined"),
        ("II", stage("T2 N0 M0", "jejunum_ileum", "NEC"), None),
    ],
)
def test_stated_stage_against_its_own_tnm(stated, derived, code):
    found = edit_checks.stage_contradiction(stated, derived)
    assert (found.code if found else None) == code


def test_m0_beside_liver_metastases():
    found = edit_checks.m0_with_metastases("cM0", {"mets_liver": "yes", "mets_bone": "no"})
    assert found.variables == ("staging.m", "staging.mets_liver")
    assert "liver" in found.reason.text()
    assert edit_checks.m0_with_metastases("M0", {"mets_liver": "no", "mets_other": "none"}) is None
    assert edit_checks.m0_with_metastases("M1a", {"mets_liver": "yes"}) is None
    assert edit_checks.m0_with_metastases("M0", {"mets_liver": "not_known"}) is None


def test_m1_with_every_site_answered_no():
    none = dict.fromkeys(edit_checks.METASTASES, "no")
    assert edit_checks.m1_without_metastases("M1a", none).code == "m1_without_metastases"
    assert edit_checks.m1_without_metastases("M1a", {**none, "mets_lung": "not_known"}) is None
    assert edit_checks.m1_without_metastases("M1", {**none, "mets_other": "ovary"}) is None
    assert edit_checks.m1_without_metastases("M0", none) is None


@pytest.mark.parametrize(
    ("given_stage", "m", "metastases", "site", "found"),
    [
        ("IV", "M0", {}, "pancreas", True),
        ("IVA", "pM0", {}, "lung", True),
        ("IV", "", {"mets_liver": "no", "mets_bone": "no"}, "pancreas", True),
        ("IV", "", {}, "pancreas", False),
        ("IV", "M1a", {}, "pancreas", False),
        ("IV", "M0", {"mets_liver": "yes"}, "pancreas", False),
        ("IVA", "M0", {}, "thymus", False),
        ("IVA", "M0", {}, "thyroid_c_cell", False),
        ("III", "M0", {}, "pancreas", False),
    ],
)
def test_stage_iv_without_metastasis(given_stage, m, metastases, site, found):
    finding = edit_checks.stage_iv_without_metastasis(given_stage, m, metastases, site)
    assert (finding is not None) is found


@pytest.mark.parametrize(
    ("start", "stop", "refused"),
    [
        ("2024-05-01", "2024-04-30", True),
        ("2024-05-01", "2024-05-01", False),
        ("2024-05-01", "2024-05", False),
        ("2024-05-01", "2024-04", True),
        ("2024-05", "2024", False),
        ("2024", "2023-12-31", True),
        ("2024-05-01", "", False),
        ("", "2024-05-01", False),
    ],
)
def test_only_a_certain_violation_of_date_order_is_found(start, stop, refused):
    found = edit_checks.date_orders({"therapy.start": start, "therapy.stop": stop})
    assert [f.severity for f in found] == (["refuse"] if refused else [])


def test_the_table_of_date_orders_is_sound():
    pairs = [(row["earlier"], row["later"]) for row in tables.rows("date_order")]
    assert len(set(pairs)) == len(pairs)
    assert all((later, earlier) not in pairs for earlier, later in pairs)


def test_a_death_before_birth_names_both():
    found = edit_checks.date_orders(
        {"patient.birth_date": "1960", "follow_up.death_date": "1959-12"}
    )
    assert "Date of death (1959-12) is before Date of birth (1960)" in found[0].reason.text()


def test_a_date_in_the_future():
    today = date(2026, 11, 23)
    check = edit_checks.in_future
    assert check("2026-11-24", today, variable="tumour.diagnosis_date").severity == "refuse"
    assert check("2026", today, variable="tumour.diagnosis_date") is None
    assert check("2026-11", today, variable="tumour.diagnosis_date") is None
    assert check("2026-12", today, variable="tumour.diagnosis_date") is not None


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2024", date(2024, 1, 1), date(2024, 12, 31)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2023-02", date(2023, 2, 1), date(2023, 2, 28)),
        ("2024-02-29", date(2024, 2, 29), date(2024, 2, 29)),
    ],
)
def test_bounds_of_partial_dates(text, first, last):
    assert bounds(text) == (first, last)


@pytest.mark.parametrize(
    "text", ["", "24", "2024-13", "2023-02-29", "2024-1", "0000", "2024-01-01T00:00", "٢٠٢٤"]
)
def test_what_is_no_date_is_refused(text):
    with pytest.raises(ValueError, match="not a date"):
        bounds(text)


def test_the_assumed_day_and_its_precision():
    assert assumed("2024") == date(2024, 7, 1)
    assert assumed("2024-02") == date(2024, 2, 15)
    assert assumed("2024-02-03") == date(2024, 2, 3)
    assert [precision(t) for t in ("2024", "2024-02", "2024-02-03")] == ["year", "month", "day"]


@given(st.dates(), st.sampled_from([4, 7, 10]))
def test_the_assumed_day_lies_within_the_bounds_and_never_before_itself(day, length):
    text = day.isoformat()[:length]
    first, last = bounds(text)
    assert first <= assumed(text) <= last
    assert not surely_before(text, text)


@pytest.mark.parametrize(("necrosis", "flagged"), [("none", True), ("unknown", False), ("", False)])
def test_an_atypical_carcinoid_is_not_contradicted_by_necrosis_nobody_looked_for(necrosis, flagged):
    """Necrosis alone makes a carcinoid atypical (grading rules, section 3)."""
    derived = grade("lung", "well", "0.5", "", necrosis)
    assert bool(edit_checks.grade_contradiction("AC", derived)) is flagged
