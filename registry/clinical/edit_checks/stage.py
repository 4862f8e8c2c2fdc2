"""Contradictions within staging: stage group, T, N, M and the places of metastases."""

from __future__ import annotations

import re
from collections.abc import Mapping

from registry.clinical.edit_checks.finding import WARN, Finding
from registry.clinical.results import INVALID_INPUT, N_, Derived, Reason
from registry.clinical.staging import INVALID, UNSTAGED
from registry.clinical.tnm import plain_category

# Stage IV without distant metastasis exists at these staging sites (S10, S14).
STAGE_IV_WITHOUT_M1 = ("thymus", "thyroid_c_cell")

METASTASES = ("mets_liver", "mets_nodes_distant", "mets_bone", "mets_peritoneum", "mets_lung",
              "mets_brain", "mets_other")  # fmt: skip

_STAGE = re.compile(r"(?:stage\s*)?(occult|unstaged|0|iv|i{1,3})\s*([abc]?[1-3]?)", re.IGNORECASE)


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
    return plain_category(m).startswith(category)


def t_for_unknown_primary(staging_site: str, t: str) -> Finding | None:
    """A T other than TX or T0 while the primary is not known."""
    stated = plain_category(t)
    if staging_site != "unknown" or stated in ("", "TX", "T0"):
        return None
    return Finding(
        "t_for_unknown_primary",
        WARN,
        Reason(N_("The primary is not known, but a T is stated; only M can be recorded.")),
        ("tumour.primary_site", "staging.t"),
    )
