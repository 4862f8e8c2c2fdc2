"""The form of a referral that nobody looks at says the same as the one that is shown."""

from __future__ import annotations

from registry.referrals.forms import PARTS, CaseForm, reopened
from tests import make_referrals

#: What is typed besides, and what it tries.
CASES = {
    "as sent": {},
    "boxes left empty, as a browser sends them": {
        f"{entity}__{name}": ""
        for entity in ("tumour", "staging", "history")
        for name in PARTS[entity]
    },
    "an answer whose question does not arise": {
        "tumour__functioning": "no", "tumour__syndrome": "carcinoid", "syndrome_controlled": "yes",
        "staging__liver_burden": "lt25",
    },
    "an answer whose question arises": {
        "tumour__functioning": "yes", "tumour__flushing": "yes", "syndrome_controlled": "no",
    },
    "a condition that is not answered": {
        "pathology__cell_type": "small", "therapy__0__residual": "R0",
    },
    "reasons alone": {
        "tumour__diagnosis_date-absent": "not_known",
        "pathology__necrosis-absent": "not_available", "pathology__necrosis-because": "abroad",
    },
    "dates in boxes, one of them wrong": {
        "tumour__diagnosis_date-year": "2025", "tumour__diagnosis_date-month": "13",
        "staging__date-year": "2026", "staging__date-month": "1",
    },
    "what cannot be": {"pathology__ki67_percent": "many", "follow_up__ecog": "9"},
    "rows, some of them empty": {
        "therapy__0__therapy_class": "SSA", "therapy__0__agent": "something of our own",
        "therapy__2__agent_stated": "by hand", "therapy__2__start-year": "2024",
        "imaging__1__modality": "CT_MULTIPHASE", "imaging__1__krenning": "3",
        "biomarker__rows": "4",
    },
    "not treated": {"treated": "no", "therapy__0__therapy_class": "SSA"},
    "a centre that is none": {"centre": "somewhere"},
}  # fmt: skip


def test_what_nobody_answered_may_be_left_out(app):
    for what, more in CASES.items():
        typed = reopened({name: [text] for name, text in make_referrals.typed(**more).items()})
        with app.test_request_context():
            shown, read = CaseForm(typed), CaseForm(typed, to_show=False)
            assert read.validate() == shown.validate(), what
            assert read.errors == shown.errors, what
            assert read.case() == shown.case(), what
        if what == "as sent":
            assert {field.name for form in read.forms[1:] for field in form} == {
                "tumour__primary_site", "tumour__functioning", "follow_up__date",
                "pathology__differentiation", "pathology__ki67_percent",
                "pathology__mitoses_per_2mm2",
            }  # fmt: skip
