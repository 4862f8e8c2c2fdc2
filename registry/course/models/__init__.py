"""The tables of the course, one noun a file."""

from registry.course.models.biomarker import Biomarker
from registry.course.models.followup import FollowUp, Progression, StatedEndpoint
from registry.course.models.history import History
from registry.course.models.imaging import Imaging
from registry.course.models.pathology import Pathology
from registry.course.models.response import Response
from registry.course.models.staging import Staging
from registry.course.models.therapy import Therapy
from registry.course.models.tumour import Tumour

#: The entities a person adds and edits, in the order of a case.
ENTITIES = (
    Tumour,
    Pathology,
    Staging,
    Imaging,
    Biomarker,
    History,
    Therapy,
    Response,
    Progression,
    FollowUp,
    StatedEndpoint,
)

BY_NAME = {model.entity: model for model in ENTITIES}

__all__ = [
    "BY_NAME",
    "ENTITIES",
    "Biomarker",
    "FollowUp",
    "History",
    "Imaging",
    "Pathology",
    "Progression",
    "Response",
    "Staging",
    "StatedEndpoint",
    "Therapy",
    "Tumour",
]
