"""The grade derived beside the stated one."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from registry.clinical import edit_checks, grading
from registry.clinical.edit_checks import WARN, Finding
from registry.clinical.grading import GradeResult
from registry.clinical.ki67 import parse_ki67
from registry.clinical.results import N_, Reason
from registry.course.rules.findings import columns_of

Values = Mapping[str, Any]


#: Tumours whose kind, not their place, decides how they are graded (ICD-O-3.2; grading §4).
_MERKEL = frozenset({"8247/3", "MERKEL"})
_PARAGANGLIOMA_TYPES = frozenset({"PHAEO", "PGL", "PGL_EXTRA_ADRENAL"})
_PARAGANGLIOMA = ("8680/", "8681/", "8682/", "8690/", "8691/", "8692/", "8693/", "8700/")

#: What a grading remarks that contradicts itself (grading §2.8), in words for the record.
CONTRADICTING_FLAGS = {
    "discordant_2_steps": N_("Ki-67 and mitoses are two grades apart."),
    "nec_with_low_proliferation": N_("Carcinoma is stated, but no proliferation value is high."),
    "nec_with_mitoses_le_10": N_("Carcinoma is stated, but mitoses are few."),
    "net_g3_ki67_gt_55": N_("Well differentiated is stated, but Ki-67 is above 55 %%."),
}


def grading_word(topography: str | None, *, morphology: str = "", type_stated: str = "") -> str:
    """The word of `clinical.sites` under which a tumour is graded; *unknown* without a site."""
    if morphology in _MERKEL or type_stated in _MERKEL:
        return "skin_merkel"
    if morphology.startswith(_PARAGANGLIOMA) or type_stated in _PARAGANGLIOMA_TYPES:
        return "paraganglia"
    return topography or "unknown"


def grade_of(values: Values, topography: str | None) -> GradeResult:
    """The grade that follows from a pathology's own findings.

    `values` are its columns; what is missing is missing, whatever the reason.
    """
    ki67 = values.get("ki67_percent")
    mitoses = values.get("mitoses_per_2mm2")
    share = values.get("mixed_component_pct")
    return grading.derive_grade(
        site=grading_word(
            topography,
            morphology=values.get("morphology") or "",
            type_stated=values.get("type_stated") or "",
        ),
        differentiation=values.get("differentiation") or "",
        cell_type=values.get("cell_type") or "",
        mitoses_per_2mm2=Decimal(mitoses) if mitoses is not None else None,
        ki67=parse_ki67(ki67) if ki67 else None,
        necrosis=values.get("necrosis") or "",
        specimen=values.get("specimen_kind") or "",
        mixed_component_pct=Decimal(share) if share is not None else None,
    )


def derive_pathology(values: Values, *, topography: str | None) -> dict[str, Any]:
    """The derived columns of a pathology: grade with its reasons, and what contradicts it."""
    grade = grade_of(values, topography)
    found = [
        Finding(flag, WARN, Reason(text), ("pathology.ki67_percent",))
        for flag, text in CONTRADICTING_FLAGS.items()
        if flag in grade.flags
    ]
    differentiation, morphology = (
        values.get(name) or "" for name in ("differentiation", "morphology")
    )
    checks = (
        edit_checks.grade_contradiction(
            values.get("grade_stated") or "", grade, values.get("grade_system") or ""
        ),
        edit_checks.cell_type_without_carcinoma(differentiation, values.get("cell_type") or ""),
        edit_checks.morphology_against_differentiation(morphology, differentiation),
        edit_checks.outside_the_registry(morphology),
        edit_checks.more_nodes_than_examined(
            *(
                None if values.get(name) is None else Decimal(values[name])
                for name in ("nodes_examined", "nodes_positive")
            )
        ),
    )
    found += [one for one in checks if one is not None]
    return {
        "derived_category": grade.category,
        "derived_grade": grade.grade or None,
        "derived_status": grade.status,
        "derived_version": f"{grade.rule} {grade.version}",
        "derivation": {"grade": grade.as_json()},
        **columns_of(found),
    }
