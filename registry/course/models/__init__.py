"""The tables of the course, one noun a file."""

from typing import Any

from registry.course.models.biomarker import Biomarker
from registry.course.models.examination import GenomicFinding, HeartAssessment
from registry.course.models.followup import FollowUp, Progression, StatedEndpoint
from registry.course.models.history import History
from registry.course.models.imaging import Imaging
from registry.course.models.keeping import EntryChange, FollowUpDue, FollowUpPlan, SheetDraft
from registry.course.models.overview import BoardOpinion, Overview
from registry.course.models.pathology import Pathology
from registry.course.models.response import Lesion, Measurement, Response
from registry.course.models.spread import Metastasis, Syndrome
from registry.course.models.staging import Staging
from registry.course.models.therapy import Cycle, Therapy
from registry.course.models.tumour import Tumour
from registry.course.models.wellbeing import (
    AdverseEvent,
    LateEffect,
    Questionnaire,
    SupportNeed,
    SymptomDiary,
)

#: The entities a person adds and edits, in the order of a case. What others point to comes first.
ENTITIES = (
    Tumour,
    Pathology,
    Staging,
    Metastasis,
    Syndrome,
    Imaging,
    Biomarker,
    HeartAssessment,
    GenomicFinding,
    History,
    Overview,
    Therapy,
    Cycle,
    Response,
    Lesion,
    Measurement,
    Progression,
    AdverseEvent,
    Questionnaire,
    SymptomDiary,
    BoardOpinion,
    FollowUp,
    LateEffect,
    SupportNeed,
    StatedEndpoint,
)

BY_NAME = {model.entity: model for model in ENTITIES}

#: What an entry can point to, by the name of the link; its column is the name and `_id`.
LINKS: dict[str, type[Any]] = {
    "tumour": Tumour,
    "therapy": Therapy,
    "review_of": Pathology,
    "baseline": Response,
    "response": Response,
    "lesion": Lesion,
}


def links_of(model: type[Any]) -> tuple[str, ...]:
    """The links entries of a kind have, in order."""
    return tuple(name for name in LINKS if hasattr(model, f"{name}_id"))


__all__ = [
    "BY_NAME",
    "ENTITIES",
    "LINKS",
    "AdverseEvent",
    "Biomarker",
    "BoardOpinion",
    "Cycle",
    "EntryChange",
    "FollowUp",
    "FollowUpDue",
    "FollowUpPlan",
    "GenomicFinding",
    "HeartAssessment",
    "History",
    "Imaging",
    "LateEffect",
    "Lesion",
    "Measurement",
    "Metastasis",
    "Overview",
    "Pathology",
    "Progression",
    "Questionnaire",
    "Response",
    "SheetDraft",
    "Staging",
    "StatedEndpoint",
    "SupportNeed",
    "SymptomDiary",
    "Syndrome",
    "Therapy",
    "Tumour",
    "links_of",
]
