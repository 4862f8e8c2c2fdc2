"""What the board will ask for, given the question and what is known.

Table: `data/missing_for_advice.csv` (minimum data of a NET referral, S02, S43, S65, S86, S87).
Variables are those of the level-1 data set, written "entity.variable" as in
`data/level1_items.csv`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from registry.clinical import sites, tables
from registry.clinical.ki67 import EXACTLY, parse_ki67
from registry.clinical.partial_dates import bounds
from registry.clinical.results import N_, Reason
from registry.clinical.tnm import plain_category

ANY_QUESTION = "any"
REQUIRED, CONDITIONAL = "required", "conditional"

# The triage gate: here "not known" is no answer, the case cannot be placed without it.
GATE = ("tumour.primary_site", "pathology.differentiation", "pathology.ki67_percent")
OPEN = ("unknown", "not_known", "not_stated")
NEGATIVE = ("no", "none", "not_done", "not_known", "not_applicable", "not_available", "unknown")

FDG_FROM_KI67 = Decimal(10)
YOUNG_BELOW_YEARS = 40


@dataclass(frozen=True, slots=True)
class Missing:
    """One item the board will ask for."""

    variable: str
    reason: Reason
    level: str
    source: str = ""
    confidence: str = "high"


Facts = Mapping[str, object]


def questions() -> tuple[str, ...]:
    """The codes of the questions a referral may ask."""
    return tables.codes("question")


def missing(question: str, facts: Facts) -> tuple[Missing, ...]:
    """What is not answered and will be asked for, in the order of the table.

    `facts` has "entity.variable" to value; blank or absent means not answered, and *not done* or
    *not available* is an answer. Raises ValueError for an unknown question.
    """
    if question not in questions():
        raise ValueError(N_("question: unknown code %(value)s") % {"value": question})
    found: dict[str, Missing] = {}
    for row in tables.rows("missing_for_advice"):
        if row["question"] not in (ANY_QUESTION, question):
            continue
        variable = row["variable"]
        if _answered(variable, facts) or not _holds(row["condition"], facts):
            continue
        before = found.get(variable)
        if before is None or (before.level == CONDITIONAL and row["level"] == REQUIRED):
            found[variable] = Missing(
                variable, Reason(row["why"]), row["level"], row["source"], row["confidence"]
            )
    return tuple(found.values())


def label(variable: str) -> str:
    """The English label of an "entity.variable" of level 1."""
    return labels()[variable]


def labels() -> dict[str, str]:
    """Every item that an advice may need, with its label."""
    return {f"{r['group']}.{r['variable']}": r["label"] for r in tables.rows("level1_items")}


def _text(facts: Facts, variable: str) -> str:
    value = facts.get(variable)
    return "" if value is None else str(value).strip()


def _answered(variable: str, facts: Facts) -> bool:
    text = _text(facts, variable)
    return bool(text) and not (variable in GATE and text in OPEN)


def _holds(condition: str, facts: Facts) -> bool:
    return not condition or CONDITIONS[condition](facts)


# --- the conditions of the table, by name


def _is(variable: str, *values: str) -> Callable[[Facts], bool]:
    return lambda facts: _text(facts, variable) in values


def _triage_group(facts: Facts) -> str:
    entry = sites.by_word(_text(facts, "tumour.primary_site"))
    return entry.triage_group if entry else ""


def _graded(facts: Facts) -> bool:
    entry = sites.by_word(_text(facts, "tumour.primary_site"))
    return entry is None or entry.grading_site not in ("", "adrenal_medulla", "paraganglia")


def _differentiation_decides(facts: Facts) -> bool:
    """Medullary thyroid carcinoma has two tiers by mitoses, Ki-67 and necrosis alone (S09)."""
    return _graded(facts) and _triage_group(facts) != "thyroid_mtc"


def _metastatic(facts: Facts) -> bool:
    stated = plain_category(_text(facts, "staging.m"))
    sites_of_mets = [key for key in facts if key.startswith("staging.mets_")]
    return stated.startswith("M1") or any(_text(facts, key) == "yes" for key in sites_of_mets)


def _functioning_not_carcinoid(facts: Facts) -> bool:
    return _text(facts, "tumour.syndrome") not in ("", "carcinoid", *NEGATIVE)


def _young_or_hereditary(facts: Facts) -> bool:
    if _text(facts, "state.hereditary_syndrome") not in ("", *NEGATIVE):
        return True
    if _text(facts, "state.family_history_endocrine") == "yes":
        return True
    try:
        born = bounds(_text(facts, "patient.birth_date"))[0]
        found = bounds(_text(facts, "tumour.diagnosis_date"))[0]
    except ValueError:
        return False
    return found.year - born.year < YOUNG_BELOW_YEARS


def _high_proliferation(facts: Facts) -> bool:
    if _text(facts, "pathology.differentiation") == "poor":
        return True
    try:
        stated = parse_ki67(_text(facts, "pathology.ki67_percent"))
    except ValueError:
        return False
    return stated.deciding() >= (FDG_FROM_KI67, EXACTLY)


def _treated(facts: Facts) -> bool:
    given = ("ssa", "prrt", "targeted", "chemotherapy", "liver_directed")
    return any(_text(facts, f"therapy.{kind}") not in ("", *NEGATIVE) for kind in given)


CONDITIONS: Mapping[str, Callable[[Facts], bool]] = {
    "graded": _graded,
    "differentiation_decides": _differentiation_decides,
    "functioning": _is("tumour.functioning", "yes"),
    "metastatic": _metastatic,
    "poorly_differentiated": _is("pathology.differentiation", "poor"),
    "well_differentiated": lambda facts: _text(facts, "pathology.differentiation") != "poor",
    "lung_or_thymus": lambda facts: _triage_group(facts) in ("lung", "thymus"),
    "medullary_thyroid": lambda facts: _triage_group(facts) == "thyroid_mtc",
    "carcinoid_syndrome": _is("tumour.syndrome", "carcinoid"),
    "functioning_not_carcinoid": _functioning_not_carcinoid,
    "young_or_hereditary": _young_or_hereditary,
    "sstr_not_refused": lambda facts: _text(facts, "imaging.sstr_done") not in NEGATIVE,
    "sstr_done": _is("imaging.sstr_done", "yes"),
    "high_proliferation": _high_proliferation,
    "liver_metastases": _is("staging.mets_liver", "yes"),
    "treated": _treated,
    "primary_resected": _is("therapy.primary_resected", "yes"),
}
