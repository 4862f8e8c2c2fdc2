"""Rules of the course: what is derived beside what was stated, and which dates cannot be.

Pure: values in, plain columns out. Nothing here reads or writes a record.
"""

from registry.course.rules.dates import (
    AFTER_DEATH,
    DEATH_BEFORE,
    DateProblem,
    date_problems,
    says_dead,
)
from registry.course.rules.grade import (
    CONTRADICTING_FLAGS,
    derive_pathology,
    grade_of,
    grading_word,
)
from registry.course.rules.imaging import krenning_scale
from registry.course.rules.response import derive_response
from registry.course.rules.stage import category_for_staging, derive_staging, stage_of
from registry.course.rules.wellbeing import derive_questionnaire

__all__ = [
    "AFTER_DEATH",
    "CONTRADICTING_FLAGS",
    "DEATH_BEFORE",
    "DateProblem",
    "category_for_staging",
    "date_problems",
    "derive_pathology",
    "derive_questionnaire",
    "derive_response",
    "derive_staging",
    "grade_of",
    "grading_word",
    "krenning_scale",
    "says_dead",
    "stage_of",
]
