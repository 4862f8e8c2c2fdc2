"""Medullary thyroid carcinoma: the two tiers of IMTCGS (S09)."""

from __future__ import annotations

from registry.clinical.grading.case import (
    HIGH,
    LOW,
    NECROSIS_PRESENT,
    Case,
    Draft,
    GradeResult,
    Thresholds,
    reaches,
)
from registry.clinical.ki67 import Ki67
from registry.clinical.numbers import plain
from registry.clinical.results import INCOMPLETE, N_, PROVISIONAL


def medullary_thyroid(case: Case, draft: Draft) -> GradeResult:
    """High with 5 mitoses per 2 mm2, Ki-67 of 5 % or necrosis; low without any of them."""
    limits = case.limits
    missing = [case.mitoses is None, case.ki67 is None, case.necrosis == "unknown"]
    high = False
    if case.mitoses is not None and case.mitoses >= limits.mtc_mitoses_high_from:
        high = True
        draft.say(
            N_("%(mitoses)s mitoses per 2 mm2 reach %(limit)s: high grade."),
            mitoses=plain(case.mitoses),
            limit=plain(limits.mtc_mitoses_high_from),
        )
    if case.necrosis in NECROSIS_PRESENT:
        high = True
        draft.say(N_("Necrosis is present: high grade."))
    if case.ki67 is not None:
        high = _medullary_ki67(case.ki67, draft, limits, open_without=not high) or high
    if any(missing):
        draft.note(
            "" if high else PROVISIONAL,
            "imtcgs_component_missing",
            N_("Not all of mitoses, Ki-67 and necrosis are given."),
        )
    if high:
        return draft.answer("MTC_HIGH_GRADE", HIGH)
    if all(missing):
        draft.note(INCOMPLETE, "", N_("None of them is given: no grade."))
        return draft.answer("MTC_GRADE_UNKNOWN")
    if case.mitoses is None and case.ki67 is None:
        draft.say(N_("Low grade cannot be relied on without Ki-67 or mitoses."))
    draft.say(N_("No feature of high grade is present: low grade."))
    return draft.answer("MTC_LOW_GRADE", LOW)


def _medullary_ki67(ki67: Ki67, draft: Draft, limits: Thresholds, *, open_without: bool) -> bool:
    """Whether Ki-67 makes it high grade; `open_without`: nothing else has made it so."""
    limit = limits.mtc_ki67_high_from
    high = reaches(ki67.deciding(), limit)
    if high:
        draft.say(
            N_("Ki-67 %(ki67)s %% reaches %(limit)s %%: high grade."),
            ki67=ki67.text(),
            limit=plain(limit),
        )
    if open_without and reaches(ki67.lowest(), limit) != reaches(ki67.highest(), limit):
        draft.note(
            PROVISIONAL,
            "",
            N_(
                "Ki-67 %(ki67)s %% as stated lies across the limit of %(limit)s %%: low or high"
                " grade; the highest stated value is used."
            ),
            ki67=ki67.text(),
            limit=plain(limit),
        )
    return high
