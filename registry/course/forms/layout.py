"""How the questions of each entity are laid out: sections in the order they are asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from registry.course.models.tumour import SYNDROME
from registry.language import lazy_gettext as _l


@dataclass(frozen=True)
class Section:
    """Questions that belong together. `folded`: shown on demand, for what is seldom stated."""

    title: Any
    names: tuple[str, ...]
    folded: bool = False
    hint: Any = ""


_AS_STATED = Section(
    _l("Where a source gives a time and no date"), ("interval", "interval_unit"), folded=True
)

SECTIONS: dict[str, tuple[Section, ...]] = {
    "tumour": (
        Section(
            _l("Primary tumour"),
            ("primary_site", "primary_size_mm", "laterality", "primary_multiple"),
        ),
        Section(
            _l("Diagnosis"),
            ("diagnosis_date", "diagnosis_basis", "first_symptom_date", "presentation"),
        ),
        Section(_l("Syndrome"), SYNDROME),
        Section(_l("Metastases"), ("metastatic_sites", "note")),
        Section(
            _l("Where a source gives an age and no dates"),
            ("age_at_diagnosis", "age_group_stated"),
            folded=True,
        ),
    ),
    "pathology": (
        Section(
            _l("Specimen"),
            ("date", "specimen_kind", "specimen_site", "report_kind", "laboratory"),
        ),
        Section(
            _l("What decides the grade"),
            (
                "differentiation",
                "cell_type",
                "ki67_percent",
                "mitoses_per_2mm2",
                "necrosis",
                "mixed_component_pct",
            ),
        ),
        Section(
            _l("As reported"),
            ("grade_stated", "grade_system", "type_stated", "morphology"),
            hint=_l("What the report says is kept as it says it, whatever the numbers say."),
        ),
        Section(
            _l("Nodes and invasion"),
            (
                "nodes_examined",
                "nodes_positive",
                "lymphovascular_invasion",
                "perineural_invasion",
            ),
        ),
        Section(
            _l("Staining and review"),
            (
                "chromogranin_a_ihc",
                "synaptophysin_ihc",
                "sstr2_ihc",
                "insm1_ihc",
                "central_review",
                "structured_report",
                "slides_available",
                "slides_status",
                "slides_date",
                "change_kind",
                "note",
            ),
        ),
        _AS_STATED,
    ),
    "staging": (
        Section(
            _l("When and by which system"),
            ("date", "staging_system", "staging_prefix", "change_kind"),
        ),
        Section(_l("T, N, M and stage"), ("t", "n", "m", "stage_stated", "extent_stated")),
        Section(
            _l("Metastases"),
            (
                "mets_liver",
                "liver_burden",
                "mets_nodes_distant",
                "mets_bone",
                "mets_peritoneum",
                "mets_lung",
                "mets_brain",
                "note",
            ),
        ),
        _AS_STATED,
    ),
    "imaging": (
        Section(_l("Examination"), ("modality", "date")),
        Section(
            _l("Result"),
            (
                "krenning",
                "krenning_scale",
                "suv_max",
                "fdg_result",
                "netpet",
                "sites",
                "result",
            ),
        ),
        Section(
            _l("Where the images are"),
            ("images_sent", "transfer_status", "transfer_date", "archive_link"),
        ),
        _AS_STATED,
    ),
    "biomarker": (
        Section(
            _l("Value"),
            ("analyte", "date", "comparator", "value", "unit", "upper_limit", "assay"),
        ),
        Section(_l("What bears on it"), ("fasting", "ppi")),
        _AS_STATED,
    ),
    "history": (
        Section(
            _l("Illnesses"),
            (
                "date",
                "cardiac_comorbidity",
                "renal_comorbidity",
                "diabetes",
                "other_malignancy",
                "family_history_endocrine",
            ),
        ),
        Section(
            _l("Habits, exposure, body"),
            ("smoking", "asbestos_exposure", "radiation_exposure", "height_cm", "note"),
        ),
        Section(_l("As a source states it"), ("race_stated",), folded=True),
    ),
    "therapy": (
        Section(
            _l("What was given"),
            (
                "therapy_class",
                "agent",
                "agent_stated",
                "intent",
                "setting",
                "treated_sites",
                "residual",
            ),
        ),
        Section(
            _l("From when to when"), ("start", "stop", "stop_reason", "best_response", "note")
        ),
        Section(
            _l("Dose and cycles"),
            ("dose_value", "dose_unit", "interval_days", "dose", "cycles", "trial"),
        ),
        Section(
            _l("Line of therapy"),
            ("line_override", "line_override_reason"),
            folded=True,
            hint=_l("The line is derived; state another one only where the derived one is wrong."),
        ),
        _AS_STATED,
    ),
    "response": (
        Section(_l("Assessment"), ("date", "timepoint", "criteria", "response_stated")),
        Section(
            _l("What was seen"), ("non_target", "new_lesion", "new_lesion_seen_on", "note")
        ),
        _AS_STATED,
    ),
    "cycle": (
        Section(
            _l("What was given"),
            ("number", "date", "activity_gbq", "dose_value", "dose_unit", "delayed"),
        ),
        Section(
            _l("Measured before"),
            ("egfr", "creatinine", "haemoglobin", "platelets", "note"),
        ),
    ),
    "lesion": (
        Section(
            _l("Lesion"),
            ("label", "organ", "is_node", "role", "treated_before", "first_seen", "note"),
        ),
    ),
    "measurement": (Section(_l("Measurement"), ("size_mm", "state")),),
    "metastasis": (
        Section(_l("Where and since when"), ("site", "date", "basis", "resolved_date", "note")),
        _AS_STATED,
    ),
    "syndrome": (
        Section(_l("Syndrome"), ("syndrome", "start", "stop", "control", "note")),
        _AS_STATED,
    ),
    "heart_assessment": (
        Section(
            _l("Examination"),
            (
                "date",
                "carcinoid_heart_disease",
                "tricuspid",
                "pulmonary",
                "left_sided",
                "right_ventricle",
                "note",
            ),
        ),
    ),
    "genomic_finding": (
        Section(
            _l("Finding"), ("gene", "origin", "finding", "variant", "method", "date", "note")
        ),
    ),
    "adverse_event": (
        Section(
            _l("Side effect"), ("term", "grade", "start", "stop", "attribution", "serious")
        ),
        Section(
            _l("What came of it"), ("action_taken", "outcome", "ctcae_version", "note")
        ),
    ),
    "questionnaire": (
        Section(_l("Questionnaire"), ("instrument", "date", "language")),
        Section(_l("Answers"), ("answers",)),
    ),
    "symptom_diary": (
        Section(
            _l("That day"),
            ("date", "flushing_per_day", "stools_per_day", "pain", "wellbeing", "note"),
        ),
    ),
    "late_effect": (
        Section(_l("Late effect"), ("kind", "date", "resolved_date", "grade", "note")),
    ),
    "support_need": (
        Section(_l("Support"), ("date", "needs", "offered", "accepted_offer", "note")),
    ),
    "progression": (
        Section(_l("What happened"), ("date", "kind", "basis", "sites", "note")),
        _AS_STATED,
    ),
    "follow_up": (
        Section(
            _l("Contact"), ("date", "contact_kind", "vital_status", "death_date", "death_cause")
        ),
        Section(
            _l("How the patient is"), ("disease_status", "ecog", "weight_kg", "note")
        ),
        Section(
            _l("Since the last contact"),
            ("progression_since", "therapies_go_on", "imaging_since", "next_visit"),
        ),
        _AS_STATED,
    ),
    "overview": (
        Section(_l("As of"), ("date",)),
        Section(_l("Imaging"), ("ct_mri", "sstr_done", "fdg_done")),
        Section(
            _l("Therapies"),
            ("primary_resected", "liver_directed", "ssa", "prrt", "targeted", "chemotherapy"),
        ),
        Section(_l("Course"), ("progressed", "board")),
    ),
    "board_opinion": (
        Section(_l("Tumour board"), ("date", "board", "recommendation", "followed", "note")),
    ),
    "stated_endpoint": (
        Section(_l("As the source states it"), ("endpoint", "time", "time_unit", "event",
                                                "starts_at")),
    ),
}  # fmt: skip

#: What an entry is nothing without: the question, and what to do. An absence answers it too.
KEY_QUESTION = {
    "tumour": ("primary_site", _l("Enter the primary site, or that it is not known.")),
    "imaging": ("modality", _l("Choose the examination.")),
    "biomarker": ("analyte", _l("Choose what was measured.")),
    "therapy": ("therapy_class", _l("Choose the kind of therapy.")),
    "response": ("response_stated", _l("Choose the response, or why it is not stated.")),
    "progression": ("date", _l("Enter the date, or that it is not known.")),
    "metastasis": ("site", _l("Choose where.")),
    "syndrome": ("syndrome", _l("Choose the syndrome.")),
    "heart_assessment": ("carcinoid_heart_disease", _l("Say whether there is heart disease.")),
    "genomic_finding": ("gene", _l("Choose the gene or marker.")),
    "cycle": ("date", _l("Enter the date, or that it is not known.")),
    "lesion": ("organ", _l("Choose the organ.")),
    "measurement": ("state", _l("Say how the lesion is.")),
    "adverse_event": ("term", _l("Choose the side effect.")),
    "questionnaire": ("instrument", _l("Choose the instrument.")),
    "late_effect": ("kind", _l("Choose the late effect.")),
    "follow_up": ("date", _l("Enter the date of contact, or that it is not known.")),
    "board_opinion": ("recommendation", _l("Choose the recommendation.")),
    "stated_endpoint": ("endpoint", _l("Choose the endpoint.")),
}
