"""One patient's ten years, made up, as it is entered, and what follows from it, worked by hand.

Two primaries (ileum, then lung), four lines, seven cycles of radionuclide therapy with a
re-treatment, a grade that changes, two liver procedures, progressions, death. Values are rows as
forms take them; `links` name earlier rows. The expectations below were worked out on paper from
the rules in docs/clinical, not taken from the program.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Entered:
    """One entry: its name in this story, its kind, its values, and what it belongs to."""

    name: str
    entity: str
    values: dict[str, Any]
    links: dict[str, str] = field(default_factory=dict)


def _of(entity: str, name: str, links: dict[str, str] | None = None, **values: Any) -> Entered:
    return Entered(name, entity, values, links or {})


ILEUM, LUNG = {"tumour": "ileum"}, {"tumour": "lung"}

TUMOURS = (
    _of("tumour", "ileum", primary_site="C17.2", primary_size_mm="24", diagnosis_date="2014-03-20",
        diagnosis_basis="pathology", presentation="symptom", functioning="yes",
        syndrome="carcinoid", flushing="yes", diarrhoea="yes", metastatic_sites=["liver"]),
    _of("tumour", "lung", primary_site="C34.1", primary_size_mm="14", diagnosis_date="2019-02-11",
        diagnosis_basis="pathology", presentation="incidental", functioning="no"),
)  # fmt: skip

ASSESSMENTS = (
    _of("pathology", "biopsy", ILEUM, date="2014-03-20", specimen_kind="biopsy",
        specimen_site="liver", report_kind="local", differentiation="well", ki67_percent="2",
        mitoses_per_2mm2="1", grade_stated="G1"),
    _of("pathology", "review", {**ILEUM, "review_of": "biopsy"}, date="2014-03-20",
        specimen_kind="biopsy", specimen_site="liver", report_kind="central_review",
        differentiation="well", ki67_percent="4", mitoses_per_2mm2="1", grade_stated="G2",
        change_kind="correction"),
    _of("pathology", "liver_2020", ILEUM, date="2020-06-25", specimen_kind="biopsy",
        specimen_site="liver", report_kind="local", differentiation="well", ki67_percent="35",
        mitoses_per_2mm2="12", grade_stated="G3", change_kind="true_change"),
    _of("pathology", "lobe", LUNG, date="2019-02-25", specimen_kind="resection",
        specimen_site="primary", report_kind="local", differentiation="well", ki67_percent="3",
        mitoses_per_2mm2="1", necrosis="none", grade_stated="TC"),
    _of("staging", "stage_ileum", ILEUM, date="2014-04", staging_system="ENETS",
        staging_prefix="p", t="T3", n="N1", m="M1", stage_stated="IV", mets_liver="yes"),
    _of("staging", "stage_lung", LUNG, date="2019-03", staging_system="TNM8", staging_prefix="p",
        t="T1b", n="N0", m="M0", stage_stated="IA2", mets_liver="no"),
    _of("metastasis", "liver", ILEUM, site="liver", date="2014-03-20", basis="pathology"),
    _of("metastasis", "bone", ILEUM, site="bone", date="2020-06-10", basis="imaging"),
    _of("imaging", "sstr_2016", ILEUM, modality="PET_68GA_DOTATATE", date="2016-10-01",
        krenning="4", krenning_scale="modified_pet", sites=["liver"]),
    _of("imaging", "sstr_2020", ILEUM, modality="PET_68GA_DOTATATE", date="2020-07-20",
        krenning="3", krenning_scale="modified_pet", sites=["liver", "bone"]),
    _of("imaging", "fdg_2020", ILEUM, modality="PET_18F_FDG", date="2020-07-22",
        fdg_result="positive", netpet="P2b"),
)  # fmt: skip

THERAPIES = (
    _of("therapy", "bowel", ILEUM, therapy_class="surgery", agent="SURG_SB", intent="palliative",
        start="2014-04-28", stop="2014-04-28", residual="R2"),
    _of("therapy", "lanreotide", ILEUM, therapy_class="SSA", agent="SSA_LAN", intent="palliative",
        setting="primary", start="2014-06-01", stop="2016-09-15", stop_reason="progression",
        dose_value="120", dose_unit="mg", interval_days="28", best_response="SD"),
    _of("therapy", "prrt", ILEUM, therapy_class="PRRT", agent="PRRT_LU_DOTATATE",
        intent="palliative", start="2016-10-20", stop="2017-04-20", stop_reason="completed",
        cycles="4", best_response="PR"),
    _of("therapy", "background", ILEUM, therapy_class="SSA", agent="SSA_LAN",
        intent="palliative", setting="background", start="2016-11-01", stop="2024-01-30",
        stop_reason="death"),
    _of("therapy", "tace", ILEUM, therapy_class="liver-directed", agent="LIV_TACE",
        intent="palliative", start="2018-03-05", stop="2018-03-05"),
    _of("therapy", "everolimus", ILEUM, therapy_class="targeted", agent="EVE",
        intent="palliative", start="2018-09-03", stop="2020-06-20", stop_reason="progression",
        dose_value="10", dose_unit="mg", interval_days="1", best_response="SD"),
    _of("therapy", "lobectomy", LUNG, therapy_class="surgery", agent="SURG_LUNG",
        intent="curative", start="2019-02-25", stop="2019-02-25", residual="R0"),
    _of("therapy", "prrt_again", ILEUM, therapy_class="PRRT", agent="PRRT_LU_RETREAT",
        intent="palliative", start="2020-08-10", stop="2020-12-14", stop_reason="completed",
        cycles="3", best_response="PR"),
    _of("therapy", "ablation", ILEUM, therapy_class="ablation", agent="ABL_MWA",
        intent="palliative", start="2022-05-09", stop="2022-05-09"),
)  # fmt: skip

_CYCLES = (
    ("prrt", 1, "2016-10-20", "7.4", "84"),
    ("prrt", 2, "2016-12-20", "7.3", "82"),
    ("prrt", 3, "2017-02-20", "7.5", "80"),
    ("prrt", 4, "2017-04-20", "7.4", "79"),
    ("prrt_again", 1, "2020-08-10", "7.2", "71"),
    ("prrt_again", 2, "2020-10-12", "7.4", "70"),
    ("prrt_again", 3, "2020-12-14", "7.1", "66"),
)
CYCLES = tuple(
    _of("cycle", f"{therapy}_{number}", {"therapy": therapy}, number=str(number), date=day,
        activity_gbq=activity, egfr=egfr)
    for therapy, number, day, activity, egfr in _CYCLES
)  # fmt: skip

RESPONSES = (
    _of("response", "base_1", {"therapy": "prrt"}, date="2016-10-01", timepoint="baseline",
        criteria="RECIST11"),
    _of("response", "after_prrt", {"therapy": "prrt", "baseline": "base_1"}, date="2017-06-15",
        timepoint="follow_up", criteria="RECIST11", response_stated="PR", non_target="NONE",
        new_lesion="no"),
    _of("response", "growth_2018", {"therapy": "prrt", "baseline": "base_1"}, date="2018-08-20",
        timepoint="follow_up", criteria="RECIST11", response_stated="SD", non_target="NONE",
        new_lesion="no"),
    _of("response", "base_2", {"therapy": "everolimus"}, date="2018-09-01", timepoint="baseline",
        criteria="RECIST11"),
    _of("response", "on_everolimus", {"therapy": "everolimus", "baseline": "base_2"},
        date="2019-03-01", timepoint="follow_up", criteria="RECIST11", response_stated="SD",
        non_target="NONE", new_lesion="no"),
    _of("response", "bone_2020", {"therapy": "everolimus", "baseline": "base_2"},
        date="2020-06-10", timepoint="follow_up", criteria="RECIST11", response_stated="PD",
        non_target="NONE", new_lesion="yes"),
    _of("response", "base_3", {"therapy": "prrt_again"}, date="2020-08-01", timepoint="baseline",
        criteria="RECIST11"),
    _of("response", "after_again", {"therapy": "prrt_again", "baseline": "base_3"},
        date="2021-03-01", timepoint="follow_up", criteria="RECIST11", response_stated="PR",
        non_target="NONE", new_lesion="no"),
    _of("response", "growth_2023", {"therapy": "prrt_again", "baseline": "base_3"},
        date="2023-11-20", timepoint="follow_up", criteria="RECIST11", response_stated="PD",
        non_target="NONE", new_lesion="no"),
)  # fmt: skip

LESIONS = tuple(
    _of("lesion", f"{series}_{place}", {"baseline": series}, label=label, organ="liver",
        is_node="no", role="target")
    for series in ("base_1", "base_2", "base_3")
    for place, label in (("vii", "Segment VII"), ("ii", "Segment II"))
)  # fmt: skip

#: Sizes in mm, segment VII then segment II, by assessment.
SIZES = {
    "base_1": ("40", "30"),
    "after_prrt": ("30", "18"),
    "growth_2018": ("36", "24"),
    "base_2": ("36", "24"),
    "on_everolimus": ("33", "23"),
    "bone_2020": ("34", "24"),
    "base_3": ("44", "28"),
    "after_again": ("27", "18"),
    "growth_2023": ("36", "24"),
}
_SERIES = {one.name: one.links.get("baseline", one.name) for one in RESPONSES}
MEASUREMENTS = tuple(
    _of("measurement", f"size_{assessment}_{place}",
        {"response": assessment, "lesion": f"{_SERIES[assessment]}_{place}"},
        state="measured", size_mm=size)
    for assessment, sizes in SIZES.items()
    for place, size in zip(("vii", "ii"), sizes, strict=True)
)  # fmt: skip

EVENTS = (
    _of("progression", "pd_2016", ILEUM, date="2016-09-10", kind="progression",
        basis="radiological", sites=["liver"]),
    _of("progression", "pd_2018", ILEUM, date="2018-08-20", kind="progression",
        basis="radiological", sites=["liver"]),
    _of("progression", "pd_2020", ILEUM, date="2020-06-10", kind="new_metastasis",
        basis="radiological", sites=["bone"]),
    _of("progression", "pd_2023", ILEUM, date="2023-11-20", kind="progression",
        basis="radiological", sites=["liver"]),
    _of("adverse_event", "stomatitis", {"therapy": "everolimus"}, term="mucositis_oral",
        grade="2", start="2018-10-01", stop="2018-11-15", attribution="probable",
        action_taken="reduced"),
    _of("biomarker", "cga_2016", analyte="CGA_MASS", value="820", unit="ng/mL",
        upper_limit="100", date="2016-10-01", ppi="no"),
    _of("biomarker", "cga_2017", analyte="CGA_MASS", value="310", unit="ng/mL",
        upper_limit="100", date="2017-06-15", ppi="no"),
    _of("biomarker", "cga_2020", analyte="CGA_MASS", value="1460", unit="ng/mL",
        upper_limit="100", date="2020-07-20", ppi="no"),
    _of("heart_assessment", "heart", date="2016-09-20", carcinoid_heart_disease="no",
        tricuspid="normal", pulmonary="normal"),
    _of("follow_up", "contact_2020", date="2020-07-20", vital_status="alive",
        disease_status="worse", ecog="1", weight_kg="61"),
    _of("follow_up", "death", date="2024-01-30", vital_status="dead", death_date="2024-01-30",
        death_cause="this_tumour"),
)  # fmt: skip

#: QLQ-C30 by item number, before and after the first radionuclide therapy.
_BEFORE = {**dict.fromkeys(range(1, 29), 1), 1: 2, 2: 2, 10: 3, 12: 3, 18: 2, 17: 4, 29: 4, 30: 4}
_AFTER = {**dict.fromkeys(range(1, 29), 1), 1: 2, 10: 2, 12: 2, 18: 1, 17: 2, 29: 6, 30: 5}
QUESTIONNAIRES = (
    _of("questionnaire", "before", instrument="QLQ-C30", date="2016-10-01",
        answers={str(item): answer for item, answer in _BEFORE.items()}),
    _of("questionnaire", "after", instrument="QLQ-C30", date="2017-06-15",
        answers={str(item): answer for item, answer in _AFTER.items()}),
)  # fmt: skip

#: Everything in an order in which it can be entered.
STORY = (
    *TUMOURS,
    *ASSESSMENTS,
    *THERAPIES,
    *CYCLES,
    *RESPONSES,
    *LESIONS,
    *MEASUREMENTS,
    *EVENTS,
    *QUESTIONNAIRES,
)

# -- worked by hand ----------------------------------------------------------------------------

#: Grade from the specimen's own findings: G1 Ki-67 < 3 %, G2 3–20 %, G3 above; the higher of
#: Ki-67 and mitoses counts. Lung with fewer than 2 mitoses and no necrosis: typical carcinoid.
GRADES = {
    "biopsy": "NET_G1",
    "review": "NET_G2",
    "liver_2020": "NET_G3",
    "lobe": "TYPICAL_CARCINOID",
}
#: ENETS small bowel: any T, any N, M1 is stage IV. TNM 8 lung: T1b N0 M0 is IA2.
STAGES = {"stage_ileum": "IV", "stage_lung": "IA2"}
#: Surgery, embolisation and ablation outside the time of a line and the background analogue have
#: none; each systemic therapy after a progression opens the next.
LINES = {
    "bowel": None,
    "lanreotide": 1,
    "prrt": 2,
    "background": None,
    "tace": None,
    "everolimus": 3,
    "lobectomy": None,
    "prrt_again": 4,
    "ablation": None,
}
#: (sum, smallest earlier sum, target response, overall). 70 → 48 is −31.4 %: PR. 48 → 60 is +25 %
#: and 12 mm: PD (stated SD: a contradiction). 60 → 57 is −6.7 %… 33 + 23 = 56: −6.7 %: SD.
#: 34 + 24 = 58 is +3.6 % of 56: SD, but a new lesion: PD. 72 → 45 is −37.5 %: PR. 45 → 60 is
#: +33.3 % and 15 mm: PD.
RECIST = {
    "after_prrt": ("48", "70", "PR", "PR"),
    "growth_2018": ("60", "48", "PD", "PD"),
    "on_everolimus": ("56", "60", "SD", "SD"),
    "bone_2020": ("58", "56", "SD", "PD"),
    "after_again": ("45", "72", "PR", "PR"),
    "growth_2023": ("60", "45", "PD", "PD"),
}
BEST_BY_LINE = {2: "PR", 3: "SD", 4: "PR"}
#: GBq after each course of cycles and in all: 7.4 + 7.3 + 7.5 + 7.4; 7.2 + 7.4 + 7.1.
ACTIVITY = {"prrt": "29.6", "prrt_again": "21.7", "all": "51.3"}
#: QLQ-C30. Physical: items 1–5, (1 − (mean − 1) / 3) × 100: before mean 7/5 → 86.666…, after 6/5
#: → 93.333…. Fatigue: items 10, 12, 18: 8/3 → 55.555…, 5/3 → 22.222…. Diarrhoea: item 17: 4 →
#: 100, 2 → 33.333…. Global health: items 29, 30: (4 − 1) / 6 → 50, (5.5 − 1) / 6 → 75.
SCORES = {
    "before": {"PF2": 260 / 3, "FA": 500 / 9, "DI": 100.0, "QL2": 50.0, "EF": 100.0},
    "after": {"PF2": 280 / 3, "FA": 200 / 9, "DI": 100 / 3, "QL2": 75.0, "EF": 100.0},
}
#: Osoba: 5–10 small, 10–20 moderate, above 20 large. Physical +6.7, fatigue −33.3, global +25.
CHANGES = {
    "PF2": ("small", "better"),
    "FA": ("large", "better"),
    "DI": ("large", "better"),
    "QL2": ("large", "better"),
}
#: Days from the start of the line to its progression, counted on the calendar: 20 October 2016 →
#: 20 August 2018: 365 + 304. 3 September 2018 → 10 June 2020: 365 + 281. 10 August 2020 →
#: 20 November 2023: 3 × 365 + 102.
PFS_DAYS = {2: 669, 3: 646, 4: 1197}
#: 20 March 2014 → 30 January 2024: 9 years with two leap days (3287) and 316 days.
OS_DAYS = 3603
