"""What the board will ask for, by question and by what is known."""

import pytest

from registry.clinical import missing_for_advice as board
from registry.clinical import tables


def asked(question, **facts):
    return {
        m.variable
        for m in board.missing(question, {k.replace("__", "."): v for k, v in facts.items()})
    }


def test_the_table_names_known_variables_conditions_and_questions():
    known = {f"{r['group']}.{r['variable']}" for r in tables.rows("level1_items")}
    assert len(known) == 101
    for row in tables.rows("missing_for_advice"):
        assert row["variable"] in known
        assert row["question"] in ("any", *board.questions())
        assert row["condition"] in ("", *board.CONDITIONS)
        assert row["level"] in ("required", "conditional")


def test_prrt_asks_for_sstr_imaging_kidney_and_blood():
    wanted = {"imaging.sstr_done", "imaging.sstr_score", "markers.egfr", "markers.haemoglobin",
              "markers.platelets"}  # fmt: skip
    assert wanted <= asked("prrt_suitability")
    assert not wanted & asked("surgery_suitability")


def test_a_scan_that_was_not_done_is_not_asked_for_its_score():
    found = asked("prrt_suitability", imaging__sstr_done="no")
    assert "imaging.sstr_done" not in found
    assert "imaging.sstr_score" not in found


def test_systemic_therapy_asks_for_kidney_and_blood_count():
    assert {"markers.egfr", "markers.platelets"} <= asked("systemic_therapy")


def test_carcinoid_syndrome_asks_for_the_heart():
    heart = {"tumour.echo_date", "tumour.carcinoid_heart_disease"}
    assert heart <= asked("second_opinion", tumour__syndrome="carcinoid")
    assert not heart & asked("second_opinion", tumour__syndrome="insulinoma")


@pytest.mark.parametrize("question", board.questions())
def test_the_triage_gate_is_asked_for_with_every_question(question):
    gate = {"tumour.primary_site", "pathology.differentiation", "pathology.ki67_percent"}
    assert gate <= asked(question)
    assert gate <= asked(
        question,
        tumour__primary_site="",
        pathology__differentiation="unknown",
        pathology__ki67_percent="not_known",
    )


def test_ki67_is_not_asked_for_where_there_is_no_grade():
    assert "pathology.ki67_percent" not in asked("other", tumour__primary_site="C74.1")
    assert "pathology.ki67_percent" in asked("other", tumour__primary_site="C25.0")


def test_medullary_thyroid_carcinoma_is_graded_without_differentiation():
    """grading.md: its two tiers come from mitoses, Ki-67 and necrosis (S09)."""
    thyroid = asked("other", tumour__primary_site="C73.9")
    assert "pathology.differentiation" not in thyroid
    graded_by = {"pathology.ki67_percent", "pathology.mitoses_per_2mm2", "pathology.necrosis"}
    assert graded_by <= thyroid


@pytest.mark.parametrize("answer", ["not_done", "not_available", "not_known", "0", 0])
def test_an_item_that_was_answered_is_not_asked_for_again(answer):
    assert "markers.egfr" not in asked("prrt_suitability", markers__egfr=answer)


@pytest.mark.parametrize("answer", ["", None, " "])
def test_blank_is_no_answer(answer):
    assert "markers.egfr" in asked("prrt_suitability", markers__egfr=answer)


def test_young_patients_are_asked_for_their_family():
    family = "state.family_history_endocrine"
    young = {"patient__birth_date": "1990-05", "tumour__diagnosis_date": "2026"}
    assert family in asked("other", **young)
    old = {"patient__birth_date": "1950-05", "tumour__diagnosis_date": "2026"}
    assert family not in asked("other", **old)
    assert family not in asked("other")
    assert family in asked("other", **old, state__hereditary_syndrome="MEN1")


@pytest.mark.parametrize(("born", "wanted"), [("1986", False), ("1987", True)])
def test_young_is_below_40_years(born, wanted):
    facts = {"patient__birth_date": born, "tumour__diagnosis_date": "2026"}
    assert ("state.hereditary_syndrome" in asked("other", **facts)) is wanted


@pytest.mark.parametrize(("ki67", "wanted"), [("9.9", False), ("10", True), (">=10", True)])
def test_fdg_is_asked_for_from_high_g2_on(ki67, wanted):
    facts = {"pathology__ki67_percent": ki67, "pathology__differentiation": "well"}
    assert ("imaging.fdg_done" in asked("prrt_suitability", **facts)) is wanted


def test_a_treated_patient_is_asked_how_it_went():
    assert "therapy.stop_reason" in asked("trial", therapy__ssa="lanreotide")
    assert "therapy.stop_reason" not in asked("trial", therapy__ssa="none")


def test_required_wins_over_conditional_and_each_item_stands_once():
    found = board.missing("syndrome_control", {"tumour.functioning": "yes"})
    syndrome = [m for m in found if m.variable == "tumour.syndrome"]
    assert [m.level for m in syndrome] == ["required"]
    assert all(m.reason.text() for m in found)
    assert len({m.variable for m in found}) == len(found)


def test_an_unknown_question_is_refused():
    with pytest.raises(ValueError, match="unknown code"):
        board.missing("banana", {})
    assert board.label("markers.egfr") == "eGFR"
