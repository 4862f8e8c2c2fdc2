"""Lung and thymus: WHO 2021/2022 (S06, S07, S08). Ki-67 does not part typical from atypical."""

from __future__ import annotations

from decimal import Decimal

from registry.clinical.grading.case import (
    HIGH,
    NECROSIS_PRESENT,
    SMALL_SAMPLES,
    Case,
    Draft,
    GradeResult,
    above,
)
from registry.clinical.numbers import plain
from registry.clinical.results import INCOMPLETE, N_, PROVISIONAL, REVIEW


def lung(case: Case, draft: Draft) -> GradeResult:
    """Carcinoma, or a carcinoid by mitoses, necrosis and specimen.

    Poor: carcinoma by cell type. Unknown: high grade above 10 mitoses, else not resolved. Well, in
    this order: above 10 mitoses or Ki-67 30 elevated proliferation; biopsy or cytology carcinoid
    not further divided; necrosis or 2 mitoses atypical; mitoses missing not divided; else typical.
    """
    if case.share is not None:
        draft.say(N_("The share of a mixed tumour is not used at this site."))
    if case.differentiation == "poor":
        return _lung_carcinoma(case, draft)
    if case.differentiation == "unknown":
        return _lung_unresolved(case, draft)
    if _elevated(case, draft):
        return _lung_elevated(case, draft)
    return _lung_carcinoid(case, draft)


def _lung_carcinoma(case: Case, draft: Draft) -> GradeResult:
    limit = case.limits.lung_mitoses_ac_to
    draft.say(N_("Poorly differentiated: carcinoma, high grade, without a number."))
    if not case.cell_type:
        draft.note(REVIEW, "cell_type_missing", N_("Small or large cell type is not stated."))
    if case.mitoses is not None and case.mitoses <= limit:
        draft.note(
            REVIEW,
            "nec_with_mitoses_le_10",
            N_(
                "%(mitoses)s mitoses per 2 mm2 conflict with carcinoma, which has more than"
                " %(limit)s: the diagnosis stands, have it reviewed."
            ),
            mitoses=plain(case.mitoses),
            limit=plain(limit),
        )
    if case.cell_type == "small":
        return draft.answer("SCNEC" if case.site == "thymus" else "SCLC", HIGH)
    return draft.answer("LCNEC" if case.cell_type == "large" else "NEC_NOS", HIGH)


def _lung_unresolved(case: Case, draft: Draft) -> GradeResult:
    limit = case.limits.lung_mitoses_ac_to
    if case.mitoses is not None and case.mitoses > limit:
        draft.confidence = "medium"
        draft.note(
            REVIEW,
            "differentiation_missing",
            N_(
                "%(mitoses)s mitoses per 2 mm2 are above %(limit)s: high grade, but without"
                " differentiation carcinoid and carcinoma cannot be told apart."
            ),
            mitoses=plain(case.mitoses),
            limit=plain(limit),
        )
        return draft.answer("HIGH_GRADE_UNSPECIFIED")
    draft.note(
        INCOMPLETE,
        "differentiation_missing",
        N_("Without differentiation, carcinoid and carcinoma cannot be told apart."),
    )
    if case.mitoses is None:
        draft.note("", "mitoses_missing", N_("Mitoses are not given."))
    return draft.answer("CARCINOID_VS_NEC_UNRESOLVED")


def _elevated(case: Case, draft: Draft) -> bool:
    """Above the mitoses or the Ki-67 of an atypical carcinoid. Says so where a range is open."""
    limits = case.limits
    if case.mitoses is not None and case.mitoses > limits.lung_mitoses_ac_to:
        return True
    if case.ki67 is None:
        return False
    limit = limits.lung_ki67_elevated_above
    if above(case.ki67.lowest(), limit) != above(case.ki67.highest(), limit):
        draft.note(
            PROVISIONAL,
            "",
            N_(
                "Ki-67 %(ki67)s %% as stated lies across the limit of %(limit)s %%: carcinoid or"
                " carcinoid with elevated proliferation; the highest stated value is used."
            ),
            ki67=case.ki67.text(),
            limit=plain(limit),
        )
    return above(case.ki67.deciding(), limit)


def _lung_elevated(case: Case, draft: Draft) -> GradeResult:
    limits = case.limits
    draft.confidence = "medium"
    draft.note(
        REVIEW,
        "carcinoid_morphology_high_proliferation",
        N_(
            "Carcinoid morphology with more than %(mitoses_limit)s mitoses per 2 mm2 or Ki-67 above"
            " %(ki67_limit)s %%: elevated proliferation, no agreed grade; the Ki-67 limit waits for"
            " sign-off."
        ),
        mitoses_limit=plain(limits.lung_mitoses_ac_to),
        ki67_limit=plain(limits.lung_ki67_elevated_above),
    )
    if case.specimen in SMALL_SAMPLES:
        draft.flags.add("tc_ac_needs_resection")
    return draft.answer("CARCINOID_ELEVATED_PROLIFERATION")


def _lung_carcinoid(case: Case, draft: Draft) -> GradeResult:
    necrosis = case.necrosis in NECROSIS_PRESENT
    if case.necrosis == "unknown":
        draft.note(PROVISIONAL, "necrosis_missing", N_("Whether there is necrosis is not stated."))
    if case.specimen in SMALL_SAMPLES:
        draft.note(
            PROVISIONAL,
            "tc_ac_needs_resection",
            N_("Typical and atypical carcinoid are told apart on a resection only."),
        )
        return _carcinoid_nos(case, draft)
    many = case.mitoses is not None and case.mitoses >= case.limits.lung_mitoses_ac_from
    if not (necrosis or many) and case.mitoses is None:
        return _carcinoid_nos(case, draft)
    if not case.specimen:
        draft.note(
            PROVISIONAL, "", N_("The kind of specimen is not stated; a resection is needed.")
        )
    if necrosis or many:
        return _atypical(case, draft, necrosis)
    draft.say(
        N_("%(mitoses)s mitoses per 2 mm2 are below %(limit)s, without necrosis: typical."),
        mitoses=plain(case.mitoses or Decimal(0)),
        limit=plain(case.limits.lung_mitoses_ac_from),
    )
    return draft.answer("TYPICAL_CARCINOID", "1")


def _carcinoid_nos(case: Case, draft: Draft) -> GradeResult:
    if case.mitoses is None:
        draft.note(
            INCOMPLETE,
            "mitoses_missing",
            N_("Mitoses are not given: typical or atypical cannot be said."),
        )
    return draft.answer("CARCINOID_NOS")


def _atypical(case: Case, draft: Draft, necrosis: bool) -> GradeResult:
    if case.mitoses is not None and case.mitoses >= case.limits.lung_mitoses_ac_from:
        draft.say(
            N_("%(mitoses)s mitoses per 2 mm2 lie between %(least)s and %(most)s: atypical."),
            mitoses=plain(case.mitoses),
            least=plain(case.limits.lung_mitoses_ac_from),
            most=plain(case.limits.lung_mitoses_ac_to),
        )
    if necrosis:
        draft.say(N_("Necrosis is present: atypical."))
    if case.necrosis == "extensive":
        draft.note(
            REVIEW,
            "extensive_necrosis_unusual_for_carcinoid",
            N_("Extensive necrosis is unusual in a carcinoid: have it reviewed."),
        )
    return draft.answer("ATYPICAL_CARCINOID", "2")
