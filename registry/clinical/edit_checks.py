"""Contradictions within and across assessments: what is refused, what is warned of, and why.

Only the impossible is refused; everything else is a warning that may be accepted with a reason.
Tables: `data/grade_stated.csv`, `data/date_order.csv`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from registry.clinical import tables
from registry.clinical.grading import GradeResult, label
from registry.clinical.partial_dates import bounds, surely_before
from registry.clinical.results import (
    COMPLETE,
    INVALID_INPUT,
    N_,
    PROVISIONAL,
    REVIEW,
    Derived,
    Reason,
)
from registry.clinical.staging import INVALID, UNSTAGED

REFUSE, WARN = "refuse", "warn"

# Stage IV without distant metastasis exists at these staging sites (S10, S14).
STAGE_IV_WITHOUT_M1 = ("thymus", "thyroid_c_cell")

METASTASES = ("mets_liver", "mets_nodes_distant", "mets_bone", "mets_peritoneum", "mets_lung",
              "mets_brain", "mets_other")  # fmt: skip

_STAGE = re.compile(r"(?:stage\s*)?(occult|unstaged|0|iv|i{1,3})\s*([abc]?[1-3]?)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Finding:
    """One contradiction: a code, whether it is refused or warned of, the reason, the variables.

    `because` are the reasons of the derivation it was compared with.
    """

    code: str
    severity: str
    reason: Reason
    variables: tuple[str, ...]
    because: tuple[Reason, ...] = ()


def grade_contradiction(stated: str, derived: GradeResult) -> Finding | None:
    """A stated grade (code of the list grade_stated) that its own numbers do not bear out.

    None where nothing can be compared: no grade stated, other wording, or no grade derived.
    """
    row = tables.by_key("grade_stated", "stated").get(stated)
    if row is None or derived.status not in (COMPLETE, PROVISIONAL, REVIEW):
        return None
    if derived.category in row["agrees_with"].split(";"):
        return None
    names = {r["code"]: r["label"] for r in tables.rows("codes/grade_stated")}
    reason = Reason(
        N_("Stated: %(stated)s. Derived: %(derived)s."),
        {"stated": names[stated], "derived": label(derived.category)},
    )
    variables = ("pathology.grade_stated", "pathology.ki67_percent", "pathology.mitoses_per_2mm2")
    return Finding("grade_contradiction", WARN, reason, variables, derived.reasons)


def stage_contradiction(stated: str, derived: Derived) -> Finding | None:
    """A stated stage group that its own T, N and M do not bear out.

    A coarser or finer group of the same number agrees ("IV" and "IVA"). None where nothing can be
    compared. Categories that do not exist at the site are a finding of their own.
    """
    variables = ("staging.stage_stated", "staging.t", "staging.n", "staging.m")
    if derived.answer == INVALID and derived.status == INVALID_INPUT:
        reason = Reason(N_("T, N and M do not go together at this site."))
        return Finding("tnm_not_defined", WARN, reason, variables[1:], derived.reasons)
    if derived.answer in (INVALID, UNSTAGED) or not stated.strip():
        return None
    if _same_stage(stated, derived.answer):
        return None
    reason = Reason(
        N_("Stated: stage %(stated)s. Derived: stage %(derived)s."),
        {"stated": stated, "derived": derived.answer},
    )
    return Finding("stage_contradiction", WARN, reason, variables, derived.reasons)


def _same_stage(one: str, other: str) -> bool:
    first, second = _STAGE.fullmatch(one.strip()), _STAGE.fullmatch(other.strip())
    if not first or not second:
        return one.strip().lower() == other.strip().lower()
    if first[1].lower() != second[1].lower():
        return False
    letters = (first[2].lower(), second[2].lower())
    return letters[0].startswith(letters[1]) or letters[1].startswith(letters[0])


def m0_with_metastases(m: str, metastases: Mapping[str, str]) -> Finding | None:
    """M0 beside a metastasis answered *yes*. `metastases`: variable (mets_liver ...) to answer."""
    present = _present(metastases)
    if not _is_m(m, "M0") or not present:
        return None
    reason = Reason(
        N_("M0 is stated, but metastases are: %(places)s."), {"places": _places(present)}
    )
    return Finding(
        "m0_with_metastases", WARN, reason, ("staging.m", *(f"staging.{p}" for p in present))
    )


def m1_without_metastases(m: str, metastases: Mapping[str, str]) -> Finding | None:
    """M1 beside metastases that are all answered *no*."""
    stated = [metastases.get(name, "") for name in METASTASES if name != "mets_other"]
    other = metastases.get("mets_other", "")
    if (
        not _is_m(m, "M1")
        or any(answer != "no" for answer in stated)
        or other not in ("", "no", "none")
    ):
        return None
    return Finding(
        "m1_without_metastases",
        WARN,
        Reason(N_("M1 is stated, but every site of metastases is answered no.")),
        ("staging.m", *(f"staging.{name}" for name in METASTASES)),
    )


def stage_iv_without_metastasis(
    stage: str, m: str, metastases: Mapping[str, str], staging_site: str = ""
) -> Finding | None:
    """Stage IV beside M0, or with every metastasis answered *no*.

    None for thymus and medullary thyroid, where stage IV exists without distant metastasis.
    """
    found = _STAGE.fullmatch(stage.strip())
    if not found or found[1].lower() != "iv" or staging_site in STAGE_IV_WITHOUT_M1:
        return None
    answers = [metastases.get(name, "") for name in METASTASES if name in metastases]
    all_no = bool(answers) and all(answer in ("no", "none") for answer in answers)
    if _present(metastases) or _is_m(m, "M1") or not (_is_m(m, "M0") or all_no):
        return None
    return Finding(
        "stage_iv_without_metastasis",
        WARN,
        Reason(N_("Stage IV is stated, but no distant metastasis.")),
        ("staging.stage_stated", "staging.m"),
    )


def _present(metastases: Mapping[str, str]) -> list[str]:
    absent = ("", "no", "none", "not_known", "not_done", "not_available", "not_applicable")
    return [name for name, answer in metastases.items() if answer and answer not in absent]


def _places(names: list[str]) -> str:
    return ", ".join(name.removeprefix("mets_").replace("_", " ") for name in names)


def _is_m(m: str, category: str) -> bool:
    return m.strip().upper().lstrip("CPYRA").startswith(category)


# --- dates


def date_order(
    earlier: str, later: str, *, variables: tuple[str, str], severity: str = REFUSE
) -> Finding | None:
    """A date that is certainly after one it must not follow. Blank dates raise nothing.

    Partial dates are compared by what they certainly mean: 2024 and 2024-03 are in order.
    """
    if not earlier or not later or not surely_before(later, earlier):
        return None
    reason = Reason(
        N_("%(later_name)s (%(later)s) is before %(earlier_name)s (%(earlier)s)."),
        {
            "later_name": _name(variables[1]),
            "later": later,
            "earlier_name": _name(variables[0]),
            "earlier": earlier,
        },
    )
    return Finding("date_order", severity, reason, variables)


def date_orders(dates: Mapping[str, str]) -> tuple[Finding, ...]:
    """Every pair of `data/date_order.csv` that is out of order among these dates.

    `dates` has "entity.variable" to an ISO date of any precision.
    """
    found = []
    for row in tables.rows("date_order"):
        finding = date_order(
            dates.get(row["earlier"], ""),
            dates.get(row["later"], ""),
            variables=(row["earlier"], row["later"]),
            severity=row["severity"],
        )
        if finding is not None:
            found.append(finding)
    return tuple(found)


def in_future(value: str, today: date, *, variable: str) -> Finding | None:
    """A date that certainly lies after today."""
    if not value or bounds(value)[0] <= today:
        return None
    reason = Reason(
        N_("%(name)s (%(date)s) lies in the future."), {"name": _name(variable), "date": value}
    )
    return Finding("date_in_future", REFUSE, reason, (variable,))


def _name(variable: str) -> str:
    for row in tables.rows("level1_items"):
        if variable == f"{row['group']}.{row['variable']}":
            return row["label"]
    return variable.replace("_", " ").replace(".", " ").capitalize()
