"""Contradictions across a record: a sound one raises nothing, one change raises its finding."""

import copy
import time
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.clinical import tables
from registry.clinical.edit_checks import REFUSE, record_findings
from registry.clinical.edit_checks.across import Record, cumulative_activity

TODAY = date(2026, 11, 23)

# Alice, ten years of a midgut tumour: resected, an analogue, PRRT, a liver procedure.
ALICE = {
    "patient": [{"id": "p", "birth_date": "1955-03-02"}],
    "tumour": [
        {"id": "t", "primary_site": "C17.2", "first_symptom_date": "2015",
         "diagnosis_date": "2016-05-10", "primary_multiple": "no", "functioning": "yes",
         "carcinoid_heart_disease": "no", "echo_date": "2016-06-01",
         "hereditary_syndrome": "none"},
    ],
    "pathology": [
        {"id": "a", "tumour_id": "t", "date": "2016-05-10", "specimen_site": "primary",
         "report_kind": "local", "differentiation": "well", "ki67_percent": "2",
         "derived_category": "NET_G1"},
        {"id": "b", "tumour_id": "t", "date": "2016-05-10", "specimen_site": "primary",
         "report_kind": "central_review", "review_of_id": "a", "differentiation": "well",
         "ki67_percent": "2.5", "derived_category": "NET_G1"},
        {"id": "c", "tumour_id": "t", "date": "2021-03", "specimen_site": "liver",
         "report_kind": "local", "differentiation": "well", "ki67_percent": "8",
         "derived_category": "NET_G2", "change_kind": "true_change"},
    ],
    "staging": [
        {"id": "s1", "tumour_id": "t", "date": "2016-06-15", "m": "M0", "stage_stated": "III"},
        {"id": "s2", "tumour_id": "t", "date": "2018-02", "m": "M1a", "stage_stated": "IV"},
    ],
    "metastasis": [{"id": "m", "tumour_id": "t", "site": "liver", "date": "2018-01-20"}],
    "syndrome": [{"id": "y", "tumour_id": "t", "syndrome": "carcinoid", "start": "2018"}],
    "imaging": [
        {"id": "i1", "modality": "PET_68GA_DOTATATE", "date": "2019-11-05", "krenning": "4",
         "krenning_scale": "modified_pet", "netpet": "P1"},
        {"id": "i2", "modality": "PET_18F_FDG", "date": "2019-11-20", "fdg_result": "negative"},
        {"id": "i3", "modality": "CT_MULTIPHASE", "date": "2020-01", "sites": ["liver"],
         "transfer_status": "received", "transfer_date": "2020-02-01"},
    ],
    "therapy": [
        {"id": "op", "tumour_id": "t", "therapy_class": "surgery", "agent": "SURG_SB",
         "intent": "curative", "start": "2016-06-01", "residual": "R0"},
        {"id": "ssa", "tumour_id": "t", "therapy_class": "SSA", "agent": "SSA_LAN",
         "intent": "palliative", "start": "2018-03", "stop": "2019-12", "dose_value": "120",
         "dose_unit": "mg", "stop_reason": "progression", "best_response": "SD"},
        {"id": "lu", "tumour_id": "t", "therapy_class": "PRRT", "agent": "PRRT_LU_DOTATATE",
         "intent": "palliative", "start": "2020-01-15", "stop": "2020-07-02", "cycles": "4",
         "stop_reason": "completed", "best_response": "PR"},
        {"id": "tae", "tumour_id": "t", "therapy_class": "liver-directed", "agent": "LIV_TAE",
         "intent": "palliative", "start": "2023-02-01"},
    ],
    "cycle": [
        {"id": f"c{n}", "therapy_id": "lu", "number": str(n), "date": day, "activity_gbq": "7.4",
         "egfr": "75"}
        for n, day in enumerate(("2020-01-15", "2020-03-11", "2020-05-06", "2020-07-01"), 1)
    ],
    "response": [
        {"id": "r0", "tumour_id": "t", "therapy_id": "lu", "timepoint": "baseline",
         "date": "2020-01-08", "criteria": "RECIST11", "new_lesion": "no"},
        {"id": "r1", "tumour_id": "t", "therapy_id": "lu", "timepoint": "follow_up",
         "baseline_id": "r0", "date": "2020-10-01", "criteria": "RECIST11",
         "response_stated": "PR", "derived_response": "PR", "derived_status": "complete",
         "new_lesion": "no"},
        {"id": "r2", "tumour_id": "t", "therapy_id": "lu", "timepoint": "follow_up",
         "baseline_id": "r0", "date": "2022-12-20", "criteria": "RECIST11",
         "response_stated": "PD", "derived_response": "PD", "derived_status": "complete",
         "new_lesion": "no"},
    ],
    "lesion": [{"id": "l", "baseline_id": "r0", "organ": "liver", "role": "target"}],
    "measurement": [
        {"id": "x0", "lesion_id": "l", "response_id": "r0", "size_mm": "40", "state": "measured"},
        {"id": "x1", "lesion_id": "l", "response_id": "r1", "size_mm": "25", "state": "measured"},
        {"id": "x2", "lesion_id": "l", "response_id": "r2", "size_mm": "34", "state": "measured"},
    ],
    "progression": [
        {"id": "q1", "tumour_id": "t", "date": "2019-12-10", "basis": "radiological"},
        {"id": "q2", "tumour_id": "t", "date": "2022-12-20", "basis": "radiological"},
    ],
    "adverse_event": [
        {"id": "e", "therapy_id": "lu", "term": "platelet_count_decreased", "grade": "2",
         "start": "2020-04", "stop": "2020-06", "attribution": "probable", "serious": "no"},
    ],
    "biomarker": [
        {"id": "k", "analyte": "CGA_MASS", "value": "300", "unit": "ng/mL", "date": "2020-01-08",
         "ppi": "no"},
    ],
    "genomic_finding": [
        {"id": "g", "gene": "MEN1", "origin": "germline", "finding": "none", "date": "2017"},
    ],
    "questionnaire": [{"id": "z", "instrument": "QLQ-C30 v3", "date": "2014-01-01"}],
    "heart_assessment": [{"id": "h", "date": "2020-01", "carcinoid_heart_disease": "no"}],
    "follow_up": [
        {"id": "f1", "date": "2026-05-02", "vital_status": "alive", "disease_status": "present"},
    ],
}  # fmt: skip


def record(**changes):
    """Alice's record changed by therapy__lu={...}; None removes an entry, a new id adds one."""
    rows = copy.deepcopy(ALICE)
    for key, change in changes.items():
        entity, _, ident = key.partition("__")
        found = rows.setdefault(entity, [])
        entry = next((row for row in found if row["id"] == ident), None)
        if change is None:
            found.remove(entry)
        elif entry is None:
            found.append({"id": ident, **change})
        else:
            entry.update(change)
    return rows


def findings(**changes):
    return record_findings(record(**changes), today=TODAY)


DEAD = {"date": "2026-08-01", "vital_status": "dead", "death_date": "2026-08-01"}

CASES = [
    ("before_birth", "tumour", {"tumour__t": {"diagnosis_date": "1954"}}),
    ("after_death_impossible", "imaging",
     {"follow_up__d": DEAD, "imaging__n": {"modality": "CT_NOS", "date": "2026-09"}}),
    ("after_death", "staging",
     {"follow_up__d": DEAD, "staging__n": {"date": "2026-09-01", "m": "M1"}}),
    ("before_diagnosis", "metastasis", {"metastasis__m": {"date": "2016-01"}}),
    ("before_diagnosis_symptom", "tumour", {"tumour__t": {"first_symptom_date": "2018"}}),
    ("date_in_future", "imaging", {"imaging__i3": {"date": "2027", "transfer_date": ""}}),
    ("stop_before_start", "therapy", {"therapy__tae": {"stop": "2023-01-31"}}),
    ("entered_twice", "imaging",
     {"imaging__n": {"modality": "CT_MULTIPHASE", "date": "2020-01"}}),
    ("cycle_outside_therapy", "cycle", {"cycle__c1": {"date": "2020-01-14"}}),
    ("cycle_outside_therapy", "cycle", {"cycle__c4": {"date": "2020-07-03"}}),
    ("cycle_number_twice", "cycle", {"cycle__c4": {"number": "3"}}),
    ("cycle_order", "cycle", {"cycle__c1": {"number": "2"}, "cycle__c2": {"number": "1"}}),
    ("cycle_missing", "cycle", {"cycle__c2": None}),
    ("cycle_count", "therapy", {"therapy__lu": {"cycles": "3"}}),
    ("cycle_count", "therapy", {"therapy__lu": {"cycles": "5"}}),
    ("cycles_too_close", "cycle", {"cycle__c2": {"date": "2020-03-03"}}),
    ("cycles_far_apart", "cycle",
     {"therapy__lu": {"stop": "2021"}, "cycle__c4": {"date": "2020-08-27"}}),
    ("activity_range", "cycle", {"cycle__c1": {"activity_gbq": "74"}}),
    ("activity_range", "cycle", {"cycle__c1": {"activity_gbq": "0"}}),
    ("course_activity", "therapy", {"cycle__c1": {"activity_gbq": "10.37"}}),
    ("many_cycles", "therapy",
     {"therapy__lu": {"stop": "2020-09", "cycles": "5"},
      "cycle__c5": {"therapy_id": "lu", "number": "5", "date": "2020-08-26"}}),
    ("activity_without_prrt", "cycle", {"therapy__lu": {"therapy_class": "targeted"}}),
    ("low_egfr_before_prrt", "cycle", {"cycle__c3": {"egfr": "29.9"}}),
    ("prrt_without_sstr", "therapy", {"imaging__i1": {"date": "2020-02"}}),
    ("prrt_low_uptake", "therapy", {"imaging__i1": {"krenning": "1"}}),
    ("prrt_for_carcinoma", "therapy", {"pathology__a": None, "pathology__b": {
        "differentiation": "poor", "review_of_id": "", "report_kind": "local"}}),
    ("ssa_for_carcinoma", "therapy", {"tumour__t": {"functioning": "not_known"},
                                      "pathology__b": {"differentiation": "poor"}}),
    ("dose_range", "therapy", {"therapy__ssa": {"dose_value": "300"}}),
    ("dose_range", "therapy", {"therapy__ssa": {"dose_value": "0.3", "dose_unit": "g"}}),
    ("surgery_without_residual", "therapy", {"therapy__op": {"residual": ""}}),
    ("stop_without_reason", "therapy", {"therapy__lu": {"stop_reason": ""}}),
    ("reason_without_stop", "therapy", {"therapy__ssa": {"stop": ""}}),
    ("stop_for_progression", "therapy", {"progression__q1": None}),
    ("stop_for_progression", "therapy",
     {"therapy__ssa": {"stop": "2019-12-31"}, "progression__q1": {"date": "2020-04-02"}}),
    ("stopped_by_death", "therapy", {"therapy__lu": {"stop_reason": "death"}}),
    ("open_at_death", "therapy",
     {"follow_up__d": DEAD, "therapy__n": {"therapy_class": "targeted", "start": "2024"}}),
    ("same_agent_overlaps", "therapy",
     {"therapy__n": {"therapy_class": "SSA", "agent": "SSA_LAN", "start": "2019-06"}}),
    ("line_without_reason", "therapy", {"therapy__lu": {"line_override": "3"}}),
    ("adjuvant_without_surgery", "therapy",
     {"therapy__op": None, "therapy__ssa": {"setting": "adjuvant"}}),
    ("liver_without_metastasis", "therapy",
     {"metastasis__m": {"site": "bone"}, "imaging__i3": {"sites": []},
      "lesion__l": {"organ": "bone"}}),
    ("m0_with_metastases", "staging", {"staging__s2": {"m": "M0"}}),
    ("m0_with_metastases", "staging", {"staging__s2": {"m": "cM0"}}),
    # Nothing says that it came later, and no staging says M1.
    ("m0_with_metastases", "staging", {"staging__s2": {"m": "M0", "date": ""}}),
    ("m0_with_metastases", "staging", {"staging__s2": None, "metastasis__m": {"date": ""}}),
    ("m0_with_metastases", "staging",
     {"staging__s2": None, "metastasis__m": {"date": "2016-06"}}),
    ("m0_with_metastases", "staging",
     {"staging__s2": None, "metastasis__m": None, "progression__q1": None,
      "progression__q2": None, "tumour__t": {"metastatic_sites": ["liver"]}}),
    ("stage_iv_without_metastasis", "staging", {"metastasis__m": None}),
    ("several_primaries_denied", "tumour",
     {"tumour__u": {"primary_site": "C25.0", "diagnosis_date": "2019"}}),
    ("several_primaries_alone", "tumour", {"tumour__t": {"primary_multiple": "yes"}}),
    ("syndrome_contradiction", "syndrome", {"tumour__t": {"functioning": "no"}}),
    ("chd_without_echo", "tumour",
     {"tumour__t": {"echo_date": ""}, "heart_assessment__h": None}),
    ("chd_disagrees", "tumour", {"heart_assessment__h": {"carcinoid_heart_disease": "yes"}}),
    ("echo_without_answer", "tumour",
     {"tumour__t": {"carcinoid_heart_disease": "not_examined"}}),
    ("gene_against_syndrome", "tumour", {"tumour__t": {"hereditary_syndrome": "MEN1"}}),
    ("syndrome_of_gene", "tumour", {"genomic_finding__g": {"finding": "pathogenic"}}),
    ("krenning_not_sstr", "imaging", {"imaging__i2": {"krenning": "2"}}),
    ("krenning_without_scale", "imaging", {"imaging__i1": {"krenning_scale": ""}}),
    ("krenning_scale_differs", "imaging", {"imaging__i1": {"krenning_scale": "planar"}}),
    ("fdg_not_fdg", "imaging", {"imaging__i1": {"fdg_result": "positive"}}),
    ("netpet_disagrees", "imaging", {"imaging__i2": {"fdg_result": "positive"}}),
    ("netpet_disagrees", "imaging", {"imaging__i1": {"netpet": "P5"}}),
    ("netpet_disagrees", "imaging", {"imaging__i1": {"krenning": "1"}}),
    ("netpet_disagrees", "imaging", {"imaging__i1": {"krenning": "2", "netpet": "P0"}}),
    ("netpet_scans_apart", "imaging", {"imaging__i2": {"date": "2019-12-07"}}),
    ("transfer_before_done", "imaging", {"imaging__i3": {"transfer_date": "2019-12-31"}}),
    ("response_contradiction", "response", {"response__r1": {"derived_response": "SD"}}),
    ("marker_progression", "response", {"progression__q2": {"basis": "biochemical"}}),
    ("marker_progression_only", "progression", {"progression__q1": {"basis": "biochemical"}}),
    ("pd_without_progression", "response", {"progression__q2": None}),
    ("pd_without_progression", "response", {"progression__q2": {"date": "2023-03-23"}}),
    ("new_lesion_sstr_only", "response",
     {"response__r2": {"new_lesion": "yes", "new_lesion_seen_on": "PET_68GA_DOTATATE"}}),
    ("best_response_differs", "therapy", {"therapy__lu": {"best_response": "CR"}}),
    ("criteria_mixed", "response", {"response__r2": {"criteria": "CHOI"}}),
    ("later_without_baseline", "response", {"response__r1": {"baseline_id": ""}}),
    ("baseline_after_start", "response", {"response__r0": {"date": "2020-01-20"}}),
    ("response_outside_therapy", "response", {"response__r1": {"date": "2020-01-02"}}),
    ("response_outside_therapy", "response", {"response__r2": {"date": "2023-02-02"}}),
    ("measurement_contradiction", "measurement", {"measurement__x1": {"state": "disappeared"}}),
    ("measurement_contradiction", "measurement", {"measurement__x1": {"size_mm": ""}}),
    ("measurement_contradiction", "measurement",
     {"measurement__x1": {"state": "too_small", "size_mm": "10"}}),
    ("alive_after_death", "follow_up",
     {"follow_up__d": {**DEAD, "date": "2026-05-01", "death_date": "2026-05-01"}}),
    ("alive_with_death_date", "follow_up", {"follow_up__f1": {"death_date": "2026-06"}}),
    ("dead_without_date", "follow_up", {"follow_up__f1": {"vital_status": "dead"}}),
    ("two_death_dates", "follow_up",
     {"follow_up__d": DEAD, "follow_up__n": {**DEAD, "death_date": "2026-08-02"}}),
    ("fatal_event_without_death", "adverse_event",
     {"adverse_event__e": {"term": "diarrhea", "grade": "5", "serious": "yes"}}),
    ("treatment_death_without_event", "follow_up",
     {"follow_up__d": {**DEAD, "death_cause": "treatment"}}),
    ("no_evidence_with_disease", "follow_up", {"follow_up__f1": {"disease_status": "no_evidence"}}),
    ("grade_not_of_term", "adverse_event",
     {"adverse_event__e": {"term": "nausea", "grade": "4", "serious": "yes"}}),
    ("severe_not_serious", "adverse_event", {"adverse_event__e": {"grade": "4"}}),
    ("event_before_therapy", "adverse_event", {"adverse_event__e": {"start": "2019-12"}}),
    ("marker_range", "biomarker", {"biomarker__k": {"value": "200001"}}),
    ("marker_range", "biomarker", {"biomarker__k": {"value": "-1"}}),
    ("marker_unit", "biomarker", {"biomarker__k": {"unit": "mmol/L"}}),
    ("marker_without_unit", "biomarker", {"biomarker__k": {"unit": ""}}),
    ("cga_on_ppi", "biomarker", {"biomarker__k": {"ppi": "yes"}}),
    ("review_disagrees", "pathology", {"pathology__b": {"derived_category": "NET_G2"}}),
    ("review_disagrees", "pathology", {"pathology__b": {"ki67_percent": "3"}}),
    ("grade_change_unstated", "pathology", {"pathology__c": {"change_kind": ""}}),
    ("review_without_report", "pathology", {"pathology__b": {"review_of_id": ""}}),
    ("review_of_itself", "pathology", {"pathology__b": {"review_of_id": "b"}}),
    ("review_of_other_specimen", "pathology", {"pathology__b": {"specimen_site": "liver"}}),
]  # fmt: skip


def test_a_sound_record_raises_nothing():
    assert [(f.code, f.entries) for f in findings()] == []
    assert record_findings({}) == ()


@pytest.mark.parametrize(("code", "entity", "changes"), CASES)
def test_one_change_raises_its_finding_at_the_entry_concerned(code, entity, changes):
    found = [finding for finding in findings(**changes) if finding.code == code]
    assert found, [finding.code for finding in findings(**changes)]
    for finding in found:
        row = tables.by_key("record_checks", "code")[code]
        assert finding.entries[0][0] == entity
        assert finding.reason.text()
        assert finding.variables
        assert all("." in variable for variable in finding.variables)
        assert (finding.severity, finding.source) == (row["severity"], row["source"])


def test_too_few_cycles_are_counted_not_numbered():
    # Four are stated and the last has number 4, but one between is not there: three.
    (found,) = [one for one in findings(cycle__c2=None) if one.code == "cycle_count"]
    assert found.reason.values == {"stated": "4", "entered": "3"}


def test_every_check_has_a_case_and_only_the_impossible_is_refused():
    assert {code for code, _, _ in CASES} == set(tables.by_key("record_checks", "code"))
    refused = {r["code"] for r in tables.rows("record_checks") if r["severity"] == REFUSE}
    assert refused == {
        "before_birth", "after_death_impossible", "date_in_future", "stop_before_start",
        "cycle_outside_therapy", "alive_after_death", "alive_with_death_date", "two_death_dates",
        "review_of_itself",
    }  # fmt: skip


# What looks like one and is none.
@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("stop_before_start", {"therapy__tae": {"stop": "2023"}}),
        ("cycle_outside_therapy", {"therapy__lu": {"start": "2020", "stop": "2020-07"}}),
        ("cycles_too_close", {"cycle__c2": {"date": "2020-03-04"}}),  # seven weeks
        ("cycles_too_close", {"cycle__c2": {"date": "2020-02"}}),
        ("cycles_far_apart",
         {"therapy__lu": {"stop": "2021"}, "cycle__c4": {"date": "2020-08-26"}}),  # 16 weeks
        ("cycles_far_apart", {"therapy__lu": {"stop": "2021"},
                              "cycle__c4": {"date": "2020-12-26", "delayed": "yes"}}),
        ("course_activity", {"cycle__c1": {"activity_gbq": "10.36"}}),
        ("low_egfr_before_prrt", {"cycle__c3": {"egfr": "30"}}),
        ("prrt_without_sstr", {"imaging__i1": {"date": "2020-01"}}),
        ("prrt_without_sstr", {"imaging__i1": {"date": ""}}),
        ("prrt_without_sstr",
         {"imaging__i1": None, "therapy__lu": {"agent": "MIBG_131I"}}),
        ("prrt_low_uptake", {"imaging__i1": {"krenning": "2"}}),
        ("ssa_for_carcinoma", {"tumour__t": {"functioning": "no"},
                               "therapy__ssa": {"setting": "background"},
                               "pathology__b": {"differentiation": "poor"}}),
        ("surgery_without_residual",
         {"therapy__op": {"residual": "", "absent": {"residual": {"why": "not_known"}}}}),
        ("surgery_without_residual", {"therapy__op": {"residual": "", "intent": "palliative"}}),
        ("stop_for_progression", {"progression__q1": {"date": "2020-03"}}),
        ("stop_for_progression",  # 92 days
         {"therapy__ssa": {"stop": "2019-12-31"}, "progression__q1": {"date": "2020-04-01"}}),
        ("netpet_disagrees", {"imaging__i1": {"krenning": "2"}}),
        ("netpet_disagrees",
         {"imaging__i1": {"krenning": "1", "netpet": "P0"}}),
        ("severe_not_serious", {"adverse_event__e": {"grade": "3"}}),
        ("same_agent_overlaps",
         {"therapy__n": {"therapy_class": "SSA", "agent": "SSA_LAN", "start": "2019-12"}}),
        ("m0_with_metastases", {"staging__s2": {"m": "M0"},
                                "metastasis__m": {"resolved_date": "2018-01-25"}}),
        ("m0_with_metastases", {"staging__s2": None}),  # found certainly later
        ("m0_with_metastases", {"metastasis__m": {"date": ""}}),  # M1 is stated as well
        ("m0_with_metastases",
         {"staging__s2": {"date": ""}, "metastasis__m": None,
          "tumour__t": {"metastatic_sites": ["liver"]}}),
        ("stage_iv_without_metastasis",
         {"metastasis__m": None, "staging__s2": {"mets_liver": "yes"}}),
        ("stage_iv_without_metastasis",
         {"metastasis__m": None, "tumour__t": {"metastatic_sites": ["liver"]}}),
        ("stage_iv_without_metastasis",
         {"metastasis__m": None, "staging__s2": {"m": "M0"},
          "tumour__t": {"primary_site": "C37.9"}}),
        ("krenning_without_scale", {"imaging__i1": {
            "krenning_scale": "", "absent": {"krenning_scale": {"why": "not_known"}}}}),
        ("netpet_scans_apart", {"imaging__i2": {"date": "2019-12-06"}}),  # 31 days
        ("pd_without_progression", {"progression__q2": {"date": "2023-03-22"}}),
        ("response_outside_therapy", {"response__r2": {"date": "2023-02-01"}}),
        ("response_contradiction",
         {"response__r1": {"derived_response": "SD", "derived_status": "review"}}),
        ("measurement_contradiction",
         {"measurement__x1": {"state": "too_small", "size_mm": "9.9"}}),
        ("no_evidence_with_disease", {"follow_up__f1": {"disease_status": "no_evidence"},
                                      "metastasis__m": {"resolved_date": "2024"}}),
        ("alive_after_death", {"follow_up__d": DEAD}),
        ("dead_without_date", {"follow_up__f1": {
            "vital_status": "dead", "absent": {"death_date": {"why": "not_known"}}}}),
        ("fatal_event_without_death",
         {"follow_up__d": DEAD, "adverse_event__e": {"term": "diarrhea", "grade": "5"}}),
        ("grade_not_of_term",
         {"adverse_event__e": {"term": "nausea", "grade": "4", "ctcae_version": "4.03"}}),
        ("marker_range", {"biomarker__k": {"value": "200000", "unit": "µg/L"}}),
        ("marker_without_unit",
         {"biomarker__k": {"unit": "", "absent": {"unit": {"why": "not_known"}}}}),
        ("marker_unit", {"biomarker__k": {"analyte": "INSULIN", "value": "3", "unit": "mU/L"}}),
        ("review_disagrees", {"pathology__b": {"ki67_percent": "2.9"}}),
        ("review_disagrees",
         {"pathology__b": {"derived_category": "NET_G2", "change_kind": "correction"}}),
        ("date_in_future", {"imaging__i3": {"date": "2026"}}),
        ("date_in_future", {"follow_up__f1": {"next_visit": "2027-05"}}),
        ("before_diagnosis", {"therapy__op": {"start": "2016"}}),
    ],
)  # fmt: skip
def test_what_is_none(code, changes):
    assert code not in {finding.code for finding in findings(**changes)}


def test_what_was_entered_in_error_does_not_count():
    wrong = {"primary_site": "C25.0", "error_at": "2026-01-01T10:00:00Z"}
    assert findings(tumour__u=wrong) == ()


def test_columns_may_come_as_the_objects_the_course_keeps():
    class Partial:
        iso = "2020-01-14"

    found = findings(cycle__c1={"date": Partial(), "activity_gbq": Decimal("7.4"), "number": 1})
    assert [f.code for f in found] == ["cycle_outside_therapy"]
    assert findings(imaging__i1={"date": "soon", "netpet": ""}) == ()


def test_an_accepted_warning_is_another_one_when_its_values_change():
    (first,) = findings(cycle__c3={"egfr": "29"})
    (same,) = findings(cycle__c3={"egfr": "29"})
    (other,) = findings(cycle__c3={"egfr": "28"})
    (elsewhere,) = findings(cycle__c2={"egfr": "29"})
    assert first.mark == same.mark
    assert len({first.mark, other.mark, elsewhere.mark}) == 3


def test_the_activity_of_a_course():
    cycles = Record(ALICE).grouped("cycle", "therapy_id")["lu"]
    assert cumulative_activity(cycles) == Decimal("29.6")
    assert cumulative_activity(()) == 0


VALUES = st.sampled_from(
    ["", "x", "0", "-1", "5", "2", "1900", "2020-05", "2020-02-30", "9999", "yes", "no", "none",
     "PD", "t", "lu", "a", "b", "r0", "unknown", None, [], ["liver"], 3, Decimal("7.4")]
)  # fmt: skip
KEYS = [(entity, row["id"], name) for entity, rows in ALICE.items() for row in rows for name in row]


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(KEYS), VALUES), max_size=6))
def test_no_row_however_wrong_stops_the_checks(changes):
    rows = copy.deepcopy(ALICE)
    for (entity, ident, name), value in changes:
        for row in rows[entity]:
            if row["id"] == ident:
                row[name] = value
    for finding in record_findings(rows, today=TODAY):
        assert finding.reason.text()
        assert finding.entries


def test_five_hundred_entries_take_no_time():
    rows = copy.deepcopy(ALICE)
    rows["biomarker"] = [
        {"id": str(n), "analyte": "CGA_MASS", "value": str(n), "unit": "ng/mL",
         "date": f"{2017 + n % 9}-{n % 12 + 1:02}"}
        for n in range(500)
    ]  # fmt: skip
    record_findings(rows, today=TODAY)
    began = time.perf_counter()
    assert record_findings(rows, today=TODAY) == ()
    assert time.perf_counter() - began < 0.5
