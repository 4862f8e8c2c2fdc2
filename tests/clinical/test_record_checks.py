"""Contradictions across assessments, one by one and for a whole record."""

from datetime import date
from decimal import Decimal

import pytest

from registry.clinical import edit_checks
from registry.clinical.edit_checks import check_record
from registry.clinical.response import derive_response

RECORD = {
    "patient.birth_date": "1960",
    "tumour.primary_site": "C17.2",
    "tumour.diagnosis_date": "2020-05",
    "tumour.functioning": "yes",
    "tumour.syndrome": "carcinoid",
    "pathology.differentiation": "well",
    "pathology.morphology": "8240/3",
    "staging.t": "T3",
    "staging.m": "M1a",
    "staging.mets_liver": "yes",
    "staging.stage_stated": "IV",
    "imaging.sstr_done": "yes",
    "imaging.sstr_date": "2020-06-01",
    "therapy.prrt": "177Lu-DOTATATE",
    "therapy.ssa": "lanreotide",
    "follow_up.vital_status": "alive",
    "follow_up.death_date": "not_applicable",
}


def codes(**changes):
    facts = {**RECORD, **{name.replace("__", "."): value for name, value in changes.items()}}
    return [finding.code for finding in check_record(facts, today=date(2026, 11, 23))]


def test_a_sound_record_raises_nothing():
    assert codes() == []
    assert check_record({}) == ()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"staging__m": "M0"}, "m0_with_metastases"),
        ({"staging__m": "M0", "staging__mets_liver": "no"}, "stage_iv_without_metastasis"),
        ({"tumour__primary_site": "C80.9"}, "t_for_unknown_primary"),
        ({"imaging__sstr_done": "no", "imaging__sstr_date": ""}, "prrt_without_sstr"),
        ({"imaging__sstr_done": "no"}, "sstr_contradiction"),
        ({"tumour__functioning": "no"}, "syndrome_contradiction"),
        ({"tumour__syndrome": "none"}, "syndrome_contradiction"),
        ({"pathology__cell_type": "small"}, "cell_type_without_carcinoma"),
        ({"pathology__morphology": "8246/3"}, "morphology_against_differentiation"),
        ({"pathology__morphology": "8243/3"}, "outside_the_registry"),
        ({"therapy__primary_resected": "no", "therapy__surgery_date": "2021"},
         "surgery_contradiction"),
        ({"markers__cga_value": "400", "markers__cga_ppi": "yes"}, "cga_on_ppi"),
        ({"follow_up__death_date": "2025-01"}, "alive_with_death_date"),
        ({"follow_up__vital_status": "dead", "follow_up__death_date": ""}, "dead_without_date"),
        ({"tumour__diagnosis_date": "1959"}, "date_order"),
        ({"tumour__diagnosis_date": "2027"}, "date_in_future"),
    ],
)  # fmt: skip
def test_one_change_raises_its_finding(changes, code):
    assert code in codes(**changes)


def test_only_the_impossible_is_refused():
    facts = {**RECORD, "follow_up.death_date": "1959", "staging.m": "M0"}
    severities = {f.code: f.severity for f in check_record(facts)}
    assert severities["alive_with_death_date"] == "refuse"
    assert severities["date_order"] == "refuse"
    assert severities["m0_with_metastases"] == "warn"


def test_an_analogue_in_carcinoma_unless_it_is_for_symptoms():
    poor = {"pathology__differentiation": "poor", "pathology__morphology": ""}
    assert "ssa_for_carcinoma" in codes(**poor, tumour__functioning="no", tumour__syndrome="none")
    assert "ssa_for_carcinoma" not in codes(**poor)


@pytest.mark.parametrize(
    ("start", "scans", "done", "found"),
    [
        ("2024-05-01", ["2024-03-01"], "", False),
        ("2024-05-01", ["2024-06-01"], "yes", True),
        ("2024-05-01", ["2024-05"], "", False),
        ("2024-05-01", [], "yes", False),
        ("2024-05-01", [], "", True),
        ("", ["2024-05"], "", False),
    ],
)
def test_prrt_needs_sstr_imaging_that_may_lie_before_it(start, scans, done, found):
    finding = edit_checks.prrt_without_sstr("PRRT", start, scans, done)
    assert (finding is not None) is found
    assert edit_checks.prrt_without_sstr("SSA", start, [], "") is None


def test_stated_response_against_its_measurements():
    derived = derive_response(
        target_kinds="e",
        series=[[Decimal(20)], [Decimal(30)]],
        non_target="NONE",
        new_lesion="no",
    )
    assert edit_checks.response_contradiction("SD", derived).code == "response_contradiction"
    assert edit_checks.response_contradiction("PD", derived) is None
    assert edit_checks.response_contradiction("", derived) is None


def test_progression_by_markers_alone():
    assert edit_checks.marker_progression("biochemical", "PD").severity == "warn"
    assert edit_checks.marker_progression("radiological", "PD") is None


def test_every_finding_can_be_said():
    broken = {
        **RECORD,
        "staging.m": "M0",
        "pathology.morphology": "8243/3",
        "pathology.cell_type": "large",
        "therapy.primary_resected": "no",
        "therapy.surgery_date": "1950",
        "markers.cga_value": "1",
        "markers.cga_ppi": "yes",
    }
    found = check_record(broken)
    assert len(found) >= 5
    assert all(finding.reason.text() and finding.variables for finding in found)


@pytest.mark.parametrize(
    ("examined", "positive", "code"),
    [("12", "3", None), ("12", "12", None), ("3", "12", "more_nodes_than_examined")],
)
def test_no_more_nodes_have_tumour_than_were_examined(examined, positive, code):
    found = edit_checks.more_nodes_than_examined(Decimal(examined), Decimal(positive))
    assert (found.code if found else None) == code


def test_nodes_of_which_one_number_is_not_told_contradict_nothing():
    assert edit_checks.more_nodes_than_examined(None, Decimal(3)) is None
    assert edit_checks.more_nodes_than_examined(Decimal(3), None) is None
