"""No grade: paraganglioma, Merkel cell carcinoma, organs with a scheme of their own."""

from __future__ import annotations

from registry.clinical.grading.case import Case, Draft, GradeResult
from registry.clinical.results import N_, NOT_APPLICABLE


def paraganglioma(_case: Case, draft: Draft) -> GradeResult:
    """Phaeochromocytoma and paraganglioma, whatever Ki-67 is."""
    draft.note(
        NOT_APPLICABLE,
        "no_who_grade",
        N_(
            "Phaeochromocytoma and paraganglioma have no WHO grade, whatever Ki-67 is; all can"
            " metastasise."
        ),
    )
    return draft.answer("NOT_GRADED_PPGL")


def merkel(_case: Case, draft: Draft) -> GradeResult:
    """Merkel cell carcinoma."""
    draft.note(
        NOT_APPLICABLE,
        "high_grade_by_definition",
        N_("Merkel cell carcinoma is high grade by nature and gets no NET grade."),
    )
    return draft.answer("MERKEL")


def not_graded_here(_case: Case, draft: Draft) -> GradeResult:
    """A site without a scheme here: the grade is kept as reported."""
    draft.note(
        NOT_APPLICABLE,
        "no_who_grade",
        N_(
            "Not graded here: tumours of this site follow a table of their own organ, or none;"
            " the grade is kept as reported."
        ),
    )
    return draft.answer("NOT_GRADED_SITE")
