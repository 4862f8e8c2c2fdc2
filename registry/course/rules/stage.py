"""The stage derived beside the stated one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from registry.clinical import edit_checks, sites, staging
from registry.clinical.results import COMPLETE, N_, PROVISIONAL, Derived, Reason
from registry.course.rules.findings import columns_of
from registry.dates import PartialDate

Values = Mapping[str, Any]


def stage_of(
    values: Values,
    *,
    topography: str | None,
    grade_category: str | None,
    diagnosis_date: PartialDate | None,
) -> Derived:
    """The stage group that follows from a staging's own T, N and M.

    Without a stated system the one that held in the year of diagnosis is used, and said so.
    """
    place = sites.site(topography) if topography else None
    word = place.staging_site if place else (topography or "unknown")
    if place and place.grading_site == "unknown":
        word = "unknown"
    kind = staging.histology_class(grade_category or "", word)
    stated = values.get("staging_system") or ""
    year = diagnosis_date.parts[0] if diagnosis_date else None
    found = staging.stage_group(
        site=word,
        histology_class=kind,
        system=stated or staging.default_system(word, year, kind),
        t=values.get("t") or "",
        n=values.get("n") or "",
        m=values.get("m") or "",
        lenient=True,
    )
    return found if stated else _with_assumed_system(found, year)


def _with_assumed_system(found: Derived, year: int | None) -> Derived:
    if found.status != COMPLETE:
        return found
    if year is None:
        assumed = Reason(
            N_("No system is stated: %(system)s is assumed, the newest."),
            {"system": found.inputs["system"]},
        )
    else:
        assumed = Reason(
            N_("No system is stated: %(system)s is assumed, for a diagnosis of %(year)s."),
            {"system": found.inputs["system"], "year": str(year)},
        )
    return replace(found, status=PROVISIONAL, reasons=(*found.reasons, assumed))


def derive_staging(
    values: Values,
    *,
    topography: str | None,
    grade_category: str | None,
    diagnosis_date: PartialDate | None,
    licensed: bool,
) -> dict[str, Any]:
    """The derived columns of a staging, and what contradicts itself in it.

    `licensed`: may this installation derive stages? If not, only contradictions that need no
    stage table are found.
    """
    stated, m = values.get("stage_stated") or "", values.get("m") or ""
    metastases = {name: values.get(name) or "" for name in edit_checks.METASTASES if name in values}
    place = sites.site(topography) if topography else None
    unknown = place is not None and place.grading_site == "unknown"
    found = [
        edit_checks.m0_with_metastases(m, metastases),
        edit_checks.m1_without_metastases(m, metastases),
        edit_checks.stage_iv_without_metastasis(
            stated, m, metastases, place.staging_site if place else ""
        ),
        edit_checks.t_for_unknown_primary("unknown" if unknown else "", values.get("t") or ""),
    ]
    stage: Derived | None = None
    if licensed:
        stage = stage_of(
            values,
            topography=topography,
            grade_category=grade_category,
            diagnosis_date=diagnosis_date,
        )
        found.append(edit_checks.stage_contradiction(stated, stage))
    known = stage is not None and stage.answer != staging.INVALID
    return {
        "derived_stage": stage.answer if stage is not None and known else None,
        "derived_status": stage.status if stage else None,
        "derived_version": f"{stage.rule} {stage.version}" if stage else None,
        "derivation": {"stage": stage.as_json()} if stage else None,
        **columns_of(one for one in found if one is not None),
    }


def category_for_staging(categories: Sequence[str | None]) -> str | None:
    """Which of a tumour's derived categories, oldest first, chooses its stage table.

    The latest that says what kind of tumour it is; one that leaves it open does not.
    """
    for category in reversed(categories):
        if category and staging.histology_class(category, "pancreas"):
            return category
    return next((category for category in reversed(categories) if category), None)
