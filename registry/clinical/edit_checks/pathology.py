"""Contradictions within pathology: grade, differentiation, cell type, morphology."""

from __future__ import annotations

from decimal import Decimal

from registry.clinical import tables
from registry.clinical.edit_checks.finding import WARN, Finding
from registry.clinical.grading import GradeResult, label
from registry.clinical.results import COMPLETE, N_, PROVISIONAL, REVIEW, Reason

PRESENT_EDITIONS = ("", "WHO2019", "WHO2021", "WHO2022", "IMTCGS")


def grade_contradiction(stated: str, derived: GradeResult, edition: str = "") -> Finding | None:
    """A stated grade (code of the list grade_stated) that its own numbers do not bear out.

    None where nothing can be compared: no grade stated, other wording, or no grade derived.
    `edition` (code of the list grade_system): an older one is kept as stated and named.
    """
    row = tables.by_key("grade_stated", "stated").get(stated)
    if row is None or derived.status not in (COMPLETE, PROVISIONAL, REVIEW):
        return None
    agreeing = row["agrees_with"].split(";")
    if derived.category in agreeing:
        return None
    if _if_more_were_known(derived) in agreeing:
        return None  # nobody looked for what alone would make it the stated one
    template = N_("Stated: %(stated)s. Derived: %(derived)s.")
    if {"mitoses_missing", "ki67_missing"} & set(derived.flags):
        template = N_(
            "Stated: %(stated)s. Derived from what is there: %(derived)s; one of Ki-67 and"
            " mitoses is missing and could explain a higher grade."
        )
    values = {
        "stated": tables.by_key("codes/grade_stated", "code")[stated]["label"],
        "derived": label(derived.category),
    }
    if edition not in PRESENT_EDITIONS:
        template = N_(
            "Stated by an older or other edition (%(edition)s): %(stated)s. Derived by the present"
            " one: %(derived)s."
        )
        system = tables.by_key("codes/grade_system", "code").get(edition)
        values["edition"] = system["label"] if system else edition
    reason = Reason(template, values)
    variables = ("pathology.grade_stated", "pathology.ki67_percent", "pathology.mitoses_per_2mm2")
    return Finding("grade_contradiction", WARN, reason, variables, derived.reasons)


#: Category, the flag of what is missing, and the category if it were found (S06, S07, S09).
_RAISED_BY = (
    ("TYPICAL_CARCINOID", "necrosis_missing", "ATYPICAL_CARCINOID"),
    ("MTC_LOW_GRADE", "imtcgs_component_missing", "MTC_HIGH_GRADE"),
)


def _if_more_were_known(derived: GradeResult) -> str:
    for category, flag, raised in _RAISED_BY:
        if derived.category == category and flag in derived.flags:
            return raised
    return ""


def cell_type_without_carcinoma(differentiation: str, cell_type: str) -> Finding | None:
    """A small or large cell type beside *well differentiated*."""
    if differentiation != "well" or cell_type not in ("small", "large"):
        return None
    return Finding(
        "cell_type_without_carcinoma",
        WARN,
        Reason(
            N_("Small or large cell belongs to carcinoma, not to a well differentiated tumour.")
        ),
        ("pathology.differentiation", "pathology.cell_type"),
    )


def morphology_against_differentiation(morphology: str, differentiation: str) -> Finding | None:
    """A morphology code that implies another differentiation than the one stated (S30, S32)."""
    row = tables.by_key("codes/morphology", "code").get(morphology)
    implied = row["implied_differentiation"] if row else ""
    if implied not in ("well", "poor") or differentiation not in ("well", "poor"):
        return None
    if implied == differentiation:
        return None
    template = N_("%(code)s (%(name)s) is %(implied)s differentiated, stated is %(stated)s.")
    values = {
        "code": morphology,
        "name": row["label"] if row else "",
        "implied": implied,
        "stated": differentiation,
    }
    return Finding(
        "morphology_against_differentiation",
        WARN,
        Reason(template, values),
        ("pathology.morphology", "pathology.differentiation"),
    )


def more_nodes_than_examined(examined: Decimal | None, positive: Decimal | None) -> Finding | None:
    """More lymph nodes with tumour than were examined."""
    if examined is None or positive is None or positive <= examined:
        return None
    template = N_("%(positive)s lymph nodes with tumour, but only %(examined)s were examined.")
    return Finding(
        "more_nodes_than_examined",
        WARN,
        Reason(template, {"positive": str(positive), "examined": str(examined)}),
        ("pathology.nodes_positive", "pathology.nodes_examined"),
    )


def outside_the_registry(morphology: str) -> Finding | None:
    """A morphology that is no neuroendocrine neoplasm by the present edition (S30, S32)."""
    row = tables.by_key("codes/morphology", "code").get(morphology)
    if row is None or row["nen_class"] != "NOT_NEN":
        return None
    template = N_("%(code)s (%(name)s) is not graded or staged as a neuroendocrine neoplasm.")
    values = {"code": morphology, "name": row["label"]}
    return Finding(
        "outside_the_registry", WARN, Reason(template, values), ("pathology.morphology",)
    )
