"""A patient of ten years with more than 500 events, built entry by entry as people enter them.

Two primaries, a local report with its central review, a G1 that becomes a G3 in the liver, two
operations, two liver procedures, four systemic lines and a background analogue, four cycles of
PRRT and three of a re-treatment, measured lesions, side effects, questionnaires, a symptom diary,
markers of five kinds, and death. Synthetic: no person is behind it.
"""

# ruff: noqa: E501 - a table of synthetic entries is read by its rows
from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from registry.access import Viewer
from registry.patients.models import Patient
from tests.make_course import entry

#: Global health, fatigue and diarrhoea move with the disease; the other items stay as they are.
_ITEMS = {str(number): 2 for number in range(1, 29)}


def _day(start: date, days: int) -> str:
    return (start + timedelta(days=days)).isoformat()


def ten_years(patient: Patient, by: Viewer) -> dict[str, Any]:
    """The whole course. Returns its main entries by name."""
    made = _disease(patient, by)
    made |= _therapies(patient, by, made["ileum"])
    _responses(patient, by, made)
    _wellbeing(patient, by, made)
    _markers(patient, by)
    _imaging(patient, by, made["ileum"])
    _fate(patient, by, made["ileum"])
    return made


def _disease(patient: Patient, by: Viewer) -> dict[str, Any]:
    ileum = entry(
        "tumour", patient, by, primary_site="C17.2", diagnosis_date="2014-03-11",
        diagnosis_basis="pathology", functioning="yes", syndrome="carcinoid", flushing="yes",
        diarrhoea="yes", presentation="symptom", primary_size_mm="24", first_symptom_date="2013-05",
        metastatic_sites=["liver", "nodes_distant"],
    )  # fmt: skip
    lung = entry(
        "tumour", patient, by, primary_site="C34.1", diagnosis_date="2019-10", functioning="no",
        diagnosis_basis="pathology", presentation="incidental",
    )  # fmt: skip
    about: dict[str, Any] = {"tumour": ileum}
    local = entry(
        "pathology", patient, by, **about, date="2014-03-11", specimen_kind="resection",
        specimen_site="primary", report_kind="local", differentiation="well", ki67_percent="1.5",
        mitoses_per_2mm2="1", grade_stated="G1", laboratory="County hospital",
    )  # fmt: skip
    entry(
        "pathology", patient, by, **about, links={"review_of": local}, date="2014-03-11",
        report_kind="central_review", specimen_kind="resection", specimen_site="primary",
        differentiation="well", ki67_percent="4", mitoses_per_2mm2="1", grade_stated="G2",
        change_kind="correction",
    )  # fmt: skip
    entry(
        "pathology", patient, by, **about, date="2020-11-04", specimen_kind="biopsy",
        specimen_site="liver", report_kind="local", differentiation="well", ki67_percent="28",
        mitoses_per_2mm2="9", grade_stated="G3", change_kind="true_change",
    )  # fmt: skip
    entry(
        "pathology", patient, by, tumour=lung, date="2019-10-21", specimen_kind="resection",
        specimen_site="primary", differentiation="well", mitoses_per_2mm2="1", necrosis="none",
        ki67_percent="3",
    )  # fmt: skip
    entry(
        "staging", patient, by, **about, date="2014-03-20", staging_system="AJCC8",
        staging_prefix="p", t="T3", n="N1", m="M0", stage_stated="III", mets_liver="no",
    )  # fmt: skip
    entry(
        "staging", patient, by, **about, date="2016-02-10", staging_system="AJCC8",
        staging_prefix="c", t="T3", n="N1", m="M1a", stage_stated="IV", mets_liver="yes",
        liver_burden="under_10", change_kind="true_change",
    )  # fmt: skip
    entry(
        "staging", patient, by, tumour=lung, date="2019-10-25", staging_system="AJCC8",
        staging_prefix="p", t="T1a", n="N0", m="M0", stage_stated="IA1",
    )  # fmt: skip
    for site, since, basis in (
        ("liver", "2016-02-10", "pathology"), ("nodes_distant", "2016-02", "imaging"),
        ("bone", "2021-06-14", "imaging"), ("peritoneum", "2023", "imaging"),
    ):  # fmt: skip
        entry("metastasis", patient, by, **about, site=site, date=since, basis=basis)
    for start, stop, control in (
        ("2013-05", "2016-03", "uncontrolled"), ("2016-03", "2022-09", "controlled"),
        ("2022-09", "", "partly"),
    ):  # fmt: skip
        entry("syndrome", patient, by, **about, syndrome="carcinoid", start=start,
              **({"stop": stop} if stop else {}), control=control)  # fmt: skip
    for year, tricuspid, disease in (
        ("2014-05-06", "normal", "no"), ("2017-05-09", "normal", "no"),
        ("2020-05-12", "mild", "yes"), ("2022-11-08", "moderate", "yes"),
    ):  # fmt: skip
        entry(
            "heart_assessment", patient, by, date=year, carcinoid_heart_disease=disease,
            tricuspid=tricuspid, pulmonary="normal", right_ventricle="normal",
        )  # fmt: skip
    entry("genomic_finding", patient, by, **about, gene="MEN1", origin="germline", finding="none",
          date="2019-12-02")  # fmt: skip
    entry("history", patient, by, date="2014-03", smoking="former", diabetes="no",
          renal_comorbidity="no", cardiac_comorbidity="no", other_malignancy="no",
          family_history_endocrine="no", height_cm="171")  # fmt: skip
    return {"ileum": ileum, "lung": lung, "local": local}


def _therapies(patient: Patient, by: Viewer, ileum: Any) -> dict[str, Any]:
    def given(**row: Any) -> Any:
        return entry("therapy", patient, by, tumour=ileum, **row)

    made = {
        "resection": given(therapy_class="surgery", start="2014-03-11", intent="curative",
                           residual="R0", treated_sites=["primary"], agent_stated="Right hemicolectomy"),
        "analogue": given(therapy_class="SSA", agent="SSA_LAN", intent="palliative", setting="primary",
                          start="2016-03-15", stop="2018-04-20", stop_reason="progression",
                          dose_value="120", dose_unit="mg", interval_days="28"),
        "background": given(therapy_class="SSA", agent="SSA_OCT_LAR", intent="palliative",
                            setting="background", start="2018-05-02", dose_value="30", dose_unit="mg",
                            interval_days="28"),
        "embolisation": given(therapy_class="liver-directed", agent_stated="Embolisation, right lobe",
                              start="2017-06-20", intent="palliative", treated_sites=["liver"]),
        "prrt": given(therapy_class="PRRT", agent="PRRT_LU_DOTATATE", intent="palliative",
                      start="2018-05-14", stop="2018-11-26", stop_reason="completed", cycles="4"),
        "everolimus": given(therapy_class="targeted", agent="EVE", intent="palliative",
                            start="2020-12-01", stop="2021-06-30", stop_reason="progression",
                            dose_value="10", dose_unit="mg", interval_days="1"),
        "ablation": given(therapy_class="ablation", agent_stated="Microwave ablation, segment VI",
                          start="2021-02-09", intent="palliative", treated_sites=["liver"]),
        "retreatment": given(therapy_class="PRRT", agent="PRRT_LU_RETREAT", intent="palliative",
                             start="2021-08-16", stop="2022-01-10", stop_reason="completed", cycles="3"),
        "captem": given(therapy_class="chemotherapy", agent="CAPTEM", intent="palliative",
                        start="2022-10-03", stop="2023-11-12", stop_reason="progression", cycles="9"),
        "lung": given(therapy_class="surgery", start="2019-10-21", intent="curative", residual="R0",
                      agent_stated="Wedge resection, right upper lobe"),
    }  # fmt: skip
    for name, days in (
        ("prrt", ("2018-05-14", "2018-07-16", "2018-09-17", "2018-11-26")),
        ("retreatment", ("2021-08-16", "2021-10-25", "2022-01-10")),
    ):
        for number, day in enumerate(days, 1):
            entry(
                "cycle", patient, by, therapy=made[name], number=str(number), date=day,
                activity_gbq=("7.4", "7.5", "7.3", "7.4")[number - 1], egfr=str(88 - 4 * number),
                creatinine=str(78 + 3 * number), haemoglobin=str(132 - 3 * number),
                platelets=str(240 - 22 * number),
            )  # fmt: skip
    return made


#: Sizes of two liver lesions and a node at baseline and later, by therapy (synthetic).
_SERIES: dict[str, tuple[tuple[str, tuple[int, int, int]], ...]] = {
    "analogue": (
        ("2016-03-01", (32, 21, 18)), ("2016-09-05", (31, 20, 18)), ("2017-03-06", (30, 20, 17)),
        ("2017-09-04", (33, 22, 18)), ("2018-04-10", (41, 27, 20)),
    ),
    "prrt": (
        ("2018-05-02", (41, 27, 20)), ("2018-12-18", (33, 21, 17)), ("2019-06-11", (26, 17, 15)),
        ("2019-12-10", (25, 16, 15)), ("2020-06-09", (27, 18, 16)), ("2020-11-02", (38, 27, 19)),
    ),
    "everolimus": (
        ("2020-11-24", (38, 27, 19)), ("2021-02-23", (36, 27, 19)), ("2021-06-21", (48, 34, 23)),
    ),
    "retreatment": (
        ("2021-08-02", (48, 34, 23)), ("2022-02-14", (37, 26, 19)), ("2022-09-12", (49, 35, 24)),
    ),
    "captem": (
        ("2022-09-26", (49, 35, 24)), ("2023-01-16", (40, 29, 21)), ("2023-05-15", (36, 26, 20)),
        ("2023-11-06", (47, 36, 27)),
    ),
}  # fmt: skip


def _responses(patient: Patient, by: Viewer, made: dict[str, Any]) -> None:
    for name, visits in _SERIES.items():
        about: dict[str, Any] = {"tumour": made["ileum"], "therapy": made[name]}
        baseline = entry(
            "response", patient, by, **about, date=visits[0][0], timepoint="baseline",
            criteria="RECIST11",
        )  # fmt: skip
        spots = [
            entry("lesion", patient, by, tumour=made["ileum"], links={"baseline": baseline},
                  label=label, organ=organ, is_node=node, role="target", first_seen=visits[0][0])
            for label, organ, node in (("Segment VII", "liver", "no"), ("Segment VI", "liver", "no"),
                                       ("Mesenteric node", "nodes", "yes"))
        ]  # fmt: skip
        start, low = sum(visits[0][1]), sum(visits[0][1])
        for day, sizes in visits:
            total = sum(sizes)
            stated = "PR" if total <= 0.7 * start else "SD"
            if total >= 1.2 * low and total - low >= 5:
                stated = "PD"
            low = min(low, total)
            visit = baseline if day == visits[0][0] else entry(
                "response", patient, by, **about, links={"baseline": baseline}, date=day,
                timepoint="follow_up", criteria="RECIST11", response_stated=stated,
                non_target="NONCR", new_lesion="no",
            )  # fmt: skip
            for spot, size in zip(spots, sizes, strict=True):
                entry("measurement", patient, by, links={"lesion": spot, "response": visit},
                      size_mm=str(size), state="measured")  # fmt: skip


def _wellbeing(patient: Patient, by: Viewer, made: dict[str, Any]) -> None:
    start = date(2016, 4, 1)
    for number in range(24):
        worse = number > 18
        items = {**_ITEMS, "29": 4 if worse else 6, "30": 4 if worse else 6 - number % 2}
        items |= {"10": 3 if worse else 2, "12": 3 if worse else 1, "17": 1 + number % 3}
        day = _day(start, 120 * number)
        entry("questionnaire", patient, by, instrument="QLQ-C30", date=day, answers=items)
    for number in range(36):
        entry(
            "symptom_diary", patient, by, date=_day(start, 78 * number),
            flushing_per_day=str(max(0, 6 - number // 4 + (number % 5 == 0) + (number > 28) * 5)),
            stools_per_day=str(3 + number % 3 + (number > 28) * 3), pain=str(1 + number // 12),
            wellbeing=str(8 - number // 9),
        )  # fmt: skip
    for term, grade, since, until, name in (
        ("diarrhea", "1", "2016-04", "2017-01", "analogue"), ("fatigue", "2", "2018-06", "2018-12", "prrt"),
        ("nausea", "1", "2018-05-14", "2018-05-17", "prrt"), ("anemia", "2", "2018-11", "2019-03", "prrt"),
        ("mucositis_oral", "2", "2021-01", "2021-03", "everolimus"),
        ("hyperglycemia", "2", "2021-02", "2021-07", "everolimus"),
        ("fatigue", "1", "2021-09", "2022-03", "retreatment"), ("nausea", "2", "2022-10", "2022-12", "captem"),
        ("anemia", "3", "2023-02", "2023-04", "captem"), ("fatigue", "3", "2023-09", "", "captem"),
    ):  # fmt: skip
        entry("adverse_event", patient, by, therapy=made[name], term=term, grade=grade, start=since,
              **({"stop": until} if until else {}), attribution="probable")  # fmt: skip
    entry(
        "late_effect", patient, by, therapy=made["prrt"], kind="kidney", date="2022-05", grade="2"
    )
    entry("support_need", patient, by, date="2016-04", needs=["nutrition", "fatigue"],
          offered=["dietitian"])  # fmt: skip


def _markers(patient: Patient, by: Viewer) -> None:
    """Chromogranin A and 5-HIAA every eight weeks, others now and then; more than 250 values."""
    start = date(2014, 2, 20)
    for number in range(64):
        days = 57 * number
        level = 1.2 + (number / 9) ** 2.1 * (0.55 if 30 < number < 44 else 1)
        entry("biomarker", patient, by, analyte="CGA_MASS", value=f"{level * 94:.0f}", unit="ng/mL",
              upper_limit="94", date=_day(start, days), ppi="no", assay="Euro-D")  # fmt: skip
        low = number % 9 == 4 and number < 20
        entry("biomarker", patient, by, analyte="HIAA_U24_MOL",
              **({"comparator": "<"} if low else {}), value="10" if low else f"{32 + level * 21:.0f}",
              unit="umol/(24.h)", upper_limit="40", date=_day(start, days + 3))  # fmt: skip
        entry("biomarker", patient, by, analyte="ALP", value=f"{70 + level * 6:.0f}", unit="U/L",
              upper_limit="105", date=_day(start, days))  # fmt: skip
        if number % 2 == 0:
            entry("biomarker", patient, by, analyte="NT_PROBNP", value=f"{60 + number * 9}",
                  unit="ng/L", upper_limit="125", date=_day(start, days))  # fmt: skip
            entry("biomarker", patient, by, analyte="NSE", value=f"{9 + level / 2:.1f}",
                  unit="ng/mL", upper_limit="16.3", date=_day(start, days))  # fmt: skip


def _imaging(patient: Patient, by: Viewer, ileum: Any) -> None:
    start = date(2014, 9, 1)
    for number in range(34):
        liver = number % 3 == 1
        entry("imaging", patient, by, tumour=ileum, date=_day(start, 103 * number),
              modality="MRI_LIVER" if liver else "CT_MULTIPHASE", sites=["liver"])  # fmt: skip
    for day, score in (("2014-03-04", "3"), ("2016-02-15", "4"), ("2018-04-24", "4"), ("2019-01-15", "4"),
                       ("2020-11-10", "3"), ("2021-07-20", "3"), ("2022-09-20", "2")):  # fmt: skip
        entry("imaging", patient, by, tumour=ileum, date=day, modality="PET_68GA_DOTATATE",
              krenning=score, krenning_scale="modified_pet", sites=["liver"])  # fmt: skip
    for day, result, grade in (("2018-04-26", "negative", "P1"), ("2020-11-12", "mixed", "P2a"),
                               ("2022-09-22", "positive", "P4b")):  # fmt: skip
        entry("imaging", patient, by, tumour=ileum, date=day, modality="PET_18F_FDG",
              fdg_result=result, netpet=grade, sites=["liver"])  # fmt: skip


def _fate(patient: Patient, by: Viewer, ileum: Any) -> None:
    for day, kind, basis, sites in (
        ("2016-02-10", "recurrence", "radiological", ["liver"]),
        ("2018-04-10", "progression", "radiological", ["liver"]),
        ("2020-11-02", "progression", "radiological", ["liver"]),
        ("2021-06-14", "new_metastasis", "radiological", ["bone"]),
        ("2022-09-12", "progression", "radiological", ["liver"]),
        ("2023-11-06", "progression", "clinical", ["peritoneum"]),
    ):  # fmt: skip
        entry(
            "progression", patient, by, tumour=ileum, date=day, kind=kind, basis=basis, sites=sites
        )
    start = date(2014, 6, 3)
    for number in range(32):
        status = (
            "no_evidence" if number < 6 else ("worse" if number in (13, 22, 29, 31) else "stable")
        )
        entry("follow_up", patient, by, date=_day(start, 110 * number), vital_status="alive",
              ecog="0" if number < 14 else ("1" if number < 28 else "2"), disease_status=status,
              weight_kg=f"{78 - number * 0.35 - (number > 26) * 2:.1f}")  # fmt: skip
    entry("follow_up", patient, by, date="2024-02-18", vital_status="dead", death_date="2024-02-18",
          death_cause="this_tumour")  # fmt: skip
