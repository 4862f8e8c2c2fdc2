"""Fields that know more than the house's: agents by class, side effects by any name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from registry import codes
from registry.clinical import tables, toxicity
from registry.course.rules import imaging
from registry.forms import CodeField, HouseField, Option
from registry.language import gettext as _


class AgentField(CodeField):
    """An agent, regimen or procedure; the kind of therapy narrows the list."""

    suggest_by = "therapy_class"

    @property
    def options(self) -> Sequence[Option]:
        """The agents, each with its class."""
        known = tables.by_key("codes/therapy", "code")
        classes = {code: row["class"] for code, row in known.items()}
        return [
            Option(one.code, one.shown(), group=classes.get(one.code, ""))
            for one in codes.codes(self.codes).values()
        ]


class TermField(CodeField):
    """A CTCAE term, found by part of its name, by either spelling, or by another word for it."""

    @property
    def options(self) -> Sequence[Option]:
        """The terms, each with the other words it is found by."""
        other: dict[str, list[str]] = {}
        for row in tables.rows("ctcae_words"):
            other.setdefault(row["code"], []).append(row["word"])
        return [
            Option(one.code, one.shown(), other=" ".join(other.get(one.code, [])))
            for one in codes.codes(self.codes).values()
        ]

    def read(self) -> None:
        """The term itself, else the only one that is found by what was typed."""
        super().read()
        typed = self.typed[0].strip() if self.typed else ""
        if self.data is not None or not typed:
            return
        found = toxicity.find(typed)
        same = [one for one in found if toxicity.folded(one.label) == toxicity.folded(typed)]
        if len(found) == 1 or same:
            self.data = (same or found)[0].code
            self.errors = []
        elif found:
            few = ", ".join(codes.label(self.codes, one.code) for one in found[:5])
            self.errors = [_("Choose one of them: %(terms)s.", terms=few)]


#: Which field asks a variable, where it is not the house's.
SPECIAL: dict[tuple[str, str], type[HouseField]] = {
    ("therapy", "agent"): AgentField,
    ("adverse_event", "term"): TermField,
}


#: Whatever was answered, as long as something was.
ANSWERED = "*"

_DRUGS = {"SSA", "interferon", "targeted", "PRRT", "chemotherapy", "immunotherapy",
          "hormonal-symptom control", "trial", "supportive"}  # fmt: skip
_WITH_DOSE = _DRUGS | {"radiotherapy", "liver-directed"}
_PPI = {"CGA_MASS", "CGA_MOLAR", "CGA_UNITS", "GASTRIN"}
_FASTING = {"GASTRIN", "INSULIN", "CPEPTIDE", "PROINSULIN", "GLUCOSE", "GLUCAGON", "VIP", "PP",
            "SOMATOSTATIN"}  # fmt: skip
_WITH_VARIANT = {"pathogenic", "likely_pathogenic", "uncertain", "benign"}

#: What is asked only with certain answers to another question. An answer that is there is shown
#: and kept all the same: it may be what is wrong.
ASKED_WITH: dict[tuple[str, str], tuple[str, set[str]]] = {
    ("imaging", "krenning"): ("modality", set(imaging.SSTR)),
    ("imaging", "krenning_scale"): ("modality", set(imaging.SSTR)),
    ("imaging", "suv_max"): ("modality", set(imaging.SSTR_PET | imaging.FDG)),
    ("imaging", "fdg_result"): ("modality", set(imaging.FDG)),
    ("imaging", "netpet"): ("modality", set(imaging.SSTR_PET | imaging.FDG)),
    ("biomarker", "ppi"): ("analyte", _PPI),
    ("biomarker", "fasting"): ("analyte", _FASTING),
    ("therapy", "dose_value"): ("therapy_class", _WITH_DOSE),
    ("therapy", "dose_unit"): ("therapy_class", _WITH_DOSE),
    ("therapy", "interval_days"): ("therapy_class", _DRUGS),
    ("therapy", "cycles"): ("therapy_class", _DRUGS | {"radiotherapy"}),
    ("genomic_finding", "variant"): ("finding", _WITH_VARIANT),
    ("therapy", "stop_reason"): ("stop", {ANSWERED}),
}


def special(entity: str, name: str, made: Any) -> Any:
    """The field of a variable as the course asks it."""
    found = SPECIAL.get((entity, name))
    if found is not None:
        made.field_class = found
    condition = ASKED_WITH.get((entity, name))
    if condition is not None:
        made.kwargs["show_if"] = (condition[0], frozenset(condition[1]))
    return made
