"""Which variables an analysis needs: so that a request asks for these and no more.

Pure. What is said here is what the analyses of the product read and what a study of that kind
usually describes or adjusts by; a variable that is not named may still be needed for another
reason, which the request then says.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

_TIMED = ("date", "interval", "interval_unit")

#: Who the patients are: what every analysis describes its patients by.
_PATIENTS: dict[str, tuple[str, ...]] = {
    "patient": ("sex_at_birth",),
    "tumour": ("diagnosis_date", "age_at_diagnosis", "primary_site"),
    "pathology": (*_TIMED, "differentiation", "ki67_percent", "derived_category", "derived_grade"),
    "staging": (*_TIMED, "derived_stage", "stage_stated", "extent_stated", "m"),
}
_FOLLOWED = {
    "follow_up": (*_TIMED, "vital_status", "death_date", "death_cause"),
}
_LINES = {
    "therapy": (
        "therapy_class", "agent", "intent", "setting", "start", "stop", "line_override",
        "interval", "interval_unit",
    ),
    "progression": (*_TIMED, "kind", "basis"),
}  # fmt: skip
_SSTR = {"imaging": (*_TIMED, "modality", "krenning", "krenning_scale")}

#: By analysis: the variables of each entity. The patients are always described.
_NEEDED: dict[str, tuple[Mapping[str, tuple[str, ...]], ...]] = {
    "description": (
        _SSTR,
        {
            "patient": ("country",),
            "tumour": (
                "primary_multiple", "primary_size_mm", "diagnosis_basis", "presentation",
                "functioning", "syndrome", "carcinoid_heart_disease", "hereditary_syndrome",
                "metastatic_sites", "laterality",
            ),
            "pathology": (
                "cell_type", "morphology", "mitoses_per_2mm2", "type_stated", "grade_stated",
                "grade_system", "sstr2_ihc", "lymphovascular_invasion", "nodes_positive",
                "nodes_examined", "specimen_site", "specimen_kind",
            ),
            "staging": (
                "staging_system", "staging_prefix", "t", "n", "mets_liver", "liver_burden",
                "mets_nodes_distant", "mets_bone", "mets_peritoneum", "mets_lung", "mets_brain",
            ),
            "metastasis": ("site", *_TIMED),
            "syndrome": ("syndrome", "start"),
            "history": ("date", "smoking", "diabetes", "other_malignancy",
                        "cardiac_comorbidity", "renal_comorbidity"),
            "genomic_finding": ("date", "gene", "origin", "finding"),
            "follow_up": (*_TIMED, "ecog"),
        },
    ),
    "survival": (
        _SSTR, _FOLLOWED, _LINES,
        {
            "metastasis": ("site", *_TIMED),
            "stated_endpoint": ("endpoint", "time", "time_unit", "event", "starts_at"),
        },
    ),
    "therapies": (
        _FOLLOWED, _LINES,
        {
            "therapy": ("treated_sites", "cycles", "stop_reason"),
            "cycle": ("number", "date", "activity_gbq", "dose_value", "dose_unit", "delayed"),
        },
    ),
    "response": (
        _SSTR, _LINES, _FOLLOWED,
        {
            "therapy": ("best_response",),
            "response": (
                *_TIMED, "timepoint", "criteria", "response_stated", "derived_response",
                "derived_target", "derived_sum_mm", "derived_nadir_mm", "new_lesion",
                "non_target",
            ),
            "lesion": ("organ", "is_node", "role", "first_seen"),
            "measurement": ("size_mm", "state"),
        },
    ),
    "markers": (
        {
            "biomarker": (
                *_TIMED, "analyte", "comparator", "value", "unit", "upper_limit", "fasting", "ppi",
            ),
            "therapy": ("therapy_class", "agent", "start", "stop"),
        },
    ),
    "quality_of_life": (
        {
            "questionnaire": ("instrument", "date", "answers", "scores"),
            "symptom_diary": (
                "date", "flushing_per_day", "stools_per_day", "pain", "wellbeing",
            ),
            "therapy": ("therapy_class", "agent", "start", "stop"),
        },
    ),
}  # fmt: skip

#: Without these (any of a set) an analysis shows nothing.
_ESSENTIAL: dict[str, tuple[frozenset[str], ...]] = {
    "description": (frozenset({"patient.sex_at_birth", "tumour.primary_site"}),),
    "survival": (
        frozenset({"follow_up.vital_status"}),
        frozenset({"follow_up.date", "follow_up.interval"}),
        frozenset({"tumour.diagnosis_date", "follow_up.interval"}),
    ),
    "therapies": (frozenset({"therapy.therapy_class"}), frozenset({"therapy.start"})),
    "response": (frozenset({"response.response_stated", "response.derived_response",
                            "therapy.best_response"}),),
    "markers": (
        frozenset({"biomarker.analyte"}),
        frozenset({"biomarker.value"}),
        frozenset({"biomarker.date"}),
    ),
    "quality_of_life": (
        frozenset({"questionnaire.scores", "questionnaire.answers", "symptom_diary.wellbeing"}),
    ),
}  # fmt: skip


def needed(analysis: str) -> list[str]:
    """The variables (entity.name) an analysis needs, in the order of the entities."""
    found: dict[str, None] = {}
    for part in (_PATIENTS, *_NEEDED[analysis]):
        for entity, names in part.items():
            found.update(dict.fromkeys(f"{entity}.{name}" for name in names))
    return list(found)


def needed_by(variable: str, analyses: Iterable[str]) -> list[str]:
    """Which of the stated analyses need a variable."""
    return [one for one in analyses if variable in needed(one)]


def lacking(variables: Collection[str], analyses: Iterable[str]) -> dict[str, list[list[str]]]:
    """What each stated analysis cannot do without and nobody asked for: of each list any one."""
    found = {}
    for one in analyses:
        missing = [sorted(some) for some in _ESSENTIAL[one] if some.isdisjoint(variables)]
        if missing:
            found[one] = missing
    return found
