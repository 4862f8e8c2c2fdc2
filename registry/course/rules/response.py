"""Response by the lesions measured, derived beside the stated one (RECIST 1.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from registry.clinical import edit_checks, lesions, response
from registry.clinical.edit_checks import WARN, Finding
from registry.clinical.lesions import Assessment
from registry.clinical.results import NOT_DERIVABLE
from registry.course.rules.findings import columns_of

Row = Mapping[str, str]

RECIST = "RECIST11"

#: Of both rules behind a derived response: how lesions are read, and what follows from them.
VERSION = f"{response.RULE} {response.VERSION}; {lesions.RULE} {lesions.VERSION}"

DERIVED = (
    "derived_target",
    "derived_response",
    "derived_sum_mm",
    "derived_nadir_mm",
    "derived_status",
    "derived_version",
    "derivation",
)


def assessments(
    spots: Sequence[Row], visits: Sequence[Row], sizes: Sequence[Row]
) -> dict[str, Assessment]:
    """Every assessment of a series by its id; rows as `clinical.lesions.assess` reads them."""
    return {one.id: one for one in lesions.assess(spots, visits, sizes)}


def derive_response(visit: Row, found: Assessment | None) -> dict[str, Any]:
    """The derived columns of an assessment, from what its series makes of it.

    Nothing is derived without a series of lesions (`found` is None), nor for another method than
    RECIST 1.1: then the columns are empty. A baseline has a sum and no response.
    """
    if found is None or visit.get("criteria") not in (None, "", RECIST):
        return {**dict.fromkeys(DERIVED), **columns_of(())}
    result = found.response
    invalid = result.answer == response.INVALID
    answered = not invalid and visit.get("timepoint") != "baseline"
    stated = visit.get("response_stated") or ""
    check = edit_checks.response_contradiction(stated, result) if answered else None
    remarks = [
        Finding("lesions_to_look_at", WARN, reason, ("response.date",)) for reason in found.problems
    ]
    return {
        "derived_target": result.target_response if answered else None,
        "derived_response": result.answer if answered else None,
        "derived_sum_mm": result.current_sum,
        "derived_nadir_mm": result.nadir_sum if answered else None,
        "derived_status": result.status if answered or invalid else NOT_DERIVABLE,
        "derived_version": VERSION,
        "derivation": {"response": result.as_json()},
        **columns_of([*([] if check is None else [check]), *remarks]),
    }


__all__ = ["DERIVED", "RECIST", "VERSION", "Row", "assessments", "derive_response"]
