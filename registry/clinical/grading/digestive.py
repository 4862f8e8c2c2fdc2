"""Digestive tract, pancreas and unknown primary: WHO 2019/2022 (S01, S02, S03)."""

from __future__ import annotations

from decimal import Decimal

from registry.clinical.grading.case import (
    HIGH,
    NUMBERED,
    Case,
    Draft,
    GradeResult,
    Thresholds,
    above,
    band,
)
from registry.clinical.ki67 import EXACTLY, Bound, Ki67
from registry.clinical.numbers import plain
from registry.clinical.results import INCOMPLETE, N_, PROVISIONAL, REVIEW


def digestive(case: Case, draft: Draft) -> GradeResult:
    """The higher category of Ki-67 and mitoses, by differentiation.

    1. A share of a mixed tumour decides alone. 2. Poor: carcinoma, never a number. 3. Well: NET
    with the higher category. 4. Unknown: above category 2 no choice between NET grade 3 and
    carcinoma, below it a provisional NET. Bands: Ki-67 [0, 3), [3, 20], (20, 100]; mitoses
    [0, 2), [2, 20], (20, ...).
    """
    if case.share is not None:
        return _mixed(case, draft, case.share)
    _note_missing_proliferation(case, draft)
    if case.differentiation == "poor":
        return _digestive_carcinoma(case, draft)
    if case.ki67 is None and case.mitoses is None:
        draft.statuses.add(INCOMPLETE)
        return draft.answer(
            "NET_GRADE_UNKNOWN" if case.differentiation == "well" else "NEN_UNCLASSIFIED"
        )
    grade = _digestive_number(case, draft)
    if case.differentiation == "well":
        return _digestive_net(case, draft, grade)
    draft.confidence = "medium"
    if grade == 3:
        draft.note(
            REVIEW,
            "differentiation_missing",
            N_(
                "Without differentiation, NET grade 3 and carcinoma cannot be told apart:"
                " the pathologist must say."
            ),
        )
        return draft.answer("HIGH_GRADE_UNSPECIFIED", "3")
    draft.note(
        PROVISIONAL,
        "differentiation_assumed_well",
        N_("Differentiation is not stated; below category 3 it is taken as well differentiated."),
    )
    if "ki67_missing" in draft.flags or "mitoses_missing" in draft.flags:
        draft.statuses.add(PROVISIONAL)
    return draft.answer(NUMBERED[grade], str(grade))


def unknown_primary(case: Case, draft: Draft) -> GradeResult:
    """As digestive, at best provisional, until the primary is found."""
    draft.note(
        PROVISIONAL,
        "primary_unknown_gep_thresholds_assumed",
        N_("The primary is not known: digestive thresholds are used until it is found."),
    )
    return digestive(case, draft)


def _mixed(case: Case, draft: Draft, share: Decimal) -> GradeResult:
    draft.confidence = "medium"
    limits = case.limits
    if limits.minen_share_from <= share <= limits.minen_share_to:
        draft.note(
            "",
            "grade_components_separately",
            N_(
                "The neuroendocrine part is %(share)s %%: each part has at least %(least)s %%,"
                " so this is a mixed neoplasm; grade each part on its own."
            ),
            share=plain(share),
            least=plain(limits.minen_share_from),
        )
        return draft.answer("MINEN")
    draft.note(
        REVIEW,
        "component_below_30pct",
        N_(
            "The neuroendocrine part is %(share)s %%: one part is below %(least)s %%,"
            " so this is not a mixed neoplasm."
        ),
        share=plain(share),
        least=plain(limits.minen_share_from),
    )
    return draft.answer("NOT_MINEN")


def _note_missing_proliferation(case: Case, draft: Draft) -> None:
    if case.ki67 is None and case.mitoses is None:
        draft.note("", "proliferation_missing", N_("Neither Ki-67 nor mitoses are given."))
    elif case.ki67 is None:
        draft.note("", "ki67_missing", N_("Ki-67 is not given."))
    elif case.mitoses is None:
        draft.note("", "mitoses_missing", N_("Mitoses are not given."))


def _digestive_number(case: Case, draft: Draft) -> int:
    """The higher category of Ki-67 and mitoses, at least one of which is given."""
    limits = case.limits
    by_mitoses = 0
    if case.mitoses is not None:
        by_mitoses = band(
            (case.mitoses, EXACTLY), limits.gep_mitoses_g2_from, limits.gep_mitoses_g2_to
        )
        draft.say(
            N_("Mitoses %(mitoses)s per 2 mm2: category %(category)s."),
            mitoses=plain(case.mitoses),
            category=str(by_mitoses),
        )
    if case.ki67 is None:
        return by_mitoses
    by_ki67 = _ki67_category(case.ki67.deciding(), limits)
    draft.say(
        N_("Ki-67 %(ki67)s %%: category %(category)s."),
        ki67=case.ki67.text(),
        category=str(by_ki67),
    )
    if by_mitoses:
        _note_discordance(draft, by_ki67, by_mitoses)
    _note_span(case.ki67, by_mitoses, draft, limits)
    return max(by_ki67, by_mitoses)


def _ki67_category(bound: Bound, limits: Thresholds) -> int:
    return band(bound, limits.gep_ki67_g2_from, limits.gep_ki67_g2_to)


def _note_discordance(draft: Draft, by_ki67: int, by_mitoses: int) -> None:
    steps = abs(by_ki67 - by_mitoses)
    if steps == 1:
        draft.note(
            "", "discordant_1_step", N_("They differ by one category; the higher one decides.")
        )
    elif steps:
        draft.note(
            REVIEW,
            "discordant_2_steps",
            N_("They differ by two categories; the higher one decides, a pathologist must look."),
        )


def _note_span(ki67: Ki67, by_mitoses: int, draft: Draft, limits: Thresholds) -> None:
    """A stated range or limit that lies across categories leaves the grade open between two."""
    lowest = max(by_mitoses, _ki67_category(ki67.lowest(), limits))
    highest = max(by_mitoses, _ki67_category(ki67.highest(), limits))
    if lowest != highest:
        draft.note(
            PROVISIONAL,
            "",
            N_(
                "Ki-67 %(ki67)s %% as stated lies across categories %(lowest)s to %(highest)s;"
                " the highest stated value is used until it is settled."
            ),
            ki67=ki67.text(),
            lowest=str(lowest),
            highest=str(highest),
        )


def _digestive_net(case: Case, draft: Draft, grade: int) -> GradeResult:
    if case.cell_type:
        draft.say(N_("A small or large cell type is stated, but it belongs to carcinoma only."))
    if grade < 3 and draft.flags & {"ki67_missing", "mitoses_missing"}:
        draft.statuses.add(PROVISIONAL)
        draft.say(N_("The missing value could raise the grade."))
    limit = case.limits.net_g3_ki67_review_above
    if grade == 3 and case.ki67 is not None and above(case.ki67.deciding(), limit):
        draft.note(
            REVIEW,
            "net_g3_ki67_gt_55",
            N_("Well differentiated with Ki-67 above %(limit)s %% is unusual: have it reviewed."),
            limit=plain(limit),
        )
    draft.say(N_("Well differentiated: NET grade %(grade)s."), grade=str(grade))
    return draft.answer(NUMBERED[grade], str(grade))


def _digestive_carcinoma(case: Case, draft: Draft) -> GradeResult:
    limits = case.limits
    draft.say(N_("Poorly differentiated: carcinoma, high grade, without a number."))
    if not case.cell_type:
        draft.note(PROVISIONAL, "cell_type_missing", N_("Small or large cell type is not stated."))
    if "proliferation_missing" in draft.flags:
        draft.statuses.add(PROVISIONAL)
    else:
        ki67_high = case.ki67 is not None and above(case.ki67.deciding(), limits.gep_ki67_g2_to)
        mitoses_high = case.mitoses is not None and case.mitoses > limits.gep_mitoses_g2_to
        if not (ki67_high or mitoses_high):
            draft.note(
                REVIEW,
                "nec_with_low_proliferation",
                N_(
                    "No proliferation value is above %(limit)s, which contradicts carcinoma:"
                    " the diagnosis stands, have it reviewed."
                ),
                limit=plain(limits.gep_ki67_g2_to),
            )
    kind = {"small": "NEC_SMALL_CELL", "large": "NEC_LARGE_CELL"}.get(case.cell_type, "NEC_NOS")
    return draft.answer(kind, HIGH)
