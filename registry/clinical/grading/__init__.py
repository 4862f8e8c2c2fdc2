"""Grade from differentiation, mitoses, Ki-67, necrosis and site, with its reasons.

Digestive tract and pancreas: WHO 2019, unchanged in WHO 2022 (S01, S02, S03). Lung and thymus:
WHO 2021/2022 (S06, S07, S08). Medullary thyroid: IMTCGS (S09). Phaeochromocytoma, paraganglioma,
Merkel cell carcinoma and organs with a scheme of their own are not graded here. Older editions are
kept as stated, never computed.

Thresholds: `data/grade_thresholds.csv`. Site to scheme: `data/grading_schemes.csv`.
The order of the status words and the meaning of the flags are choices of this project
(`data/grade_statuses.csv`, `data/grade_flags.csv`).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache

from registry.clinical import sites, tables
from registry.clinical.grading.case import (
    CELL_TYPES,
    DIFFERENTIATIONS,
    NECROSES,
    SPECIMENS,
    Case,
    Draft,
    GradeResult,
    Thresholds,
    thresholds,
)
from registry.clinical.grading.digestive import digestive, unknown_primary
from registry.clinical.grading.lung import lung
from registry.clinical.grading.medullary_thyroid import medullary_thyroid
from registry.clinical.grading.not_graded import merkel, not_graded_here, paraganglioma
from registry.clinical.ki67 import Ki67
from registry.clinical.numbers import plain
from registry.clinical.results import INVALID_INPUT, N_

__all__ = [
    "CELL_TYPES",
    "DIFFERENTIATIONS",
    "NECROSES",
    "SPECIMENS",
    "GradeResult",
    "Thresholds",
    "derive_grade",
    "display_grade",
    "is_carcinoma",
    "label",
    "mitoses_per_2mm2",
    "scheme_of",
    "thresholds",
]


def derive_grade(
    *,
    site: str,
    differentiation: str,
    cell_type: str = "",
    mitoses_per_2mm2: Decimal | None = None,
    ki67: Ki67 | None = None,
    necrosis: str = "",
    specimen: str = "",
    mixed_component_pct: Decimal | None = None,
    limits: Thresholds | None = None,
) -> GradeResult:
    """The grade of one specimen.

    `site` is a grading site, or any word `sites.by_word` knows, or a well-formed topography code.
    `mitoses_per_2mm2` is a count per 2 mm2; `ki67` in per cent; `mixed_component_pct` the
    neuroendocrine share of a mixed tumour in per cent. Blank and "unknown" mean the same.
    `limits` replaces the thresholds of the table. Raises ValueError for an unknown code.
    """
    case = Case(
        site=site,
        scheme=_scheme(site),
        differentiation=_code("differentiation", differentiation, DIFFERENTIATIONS) or "unknown",
        cell_type=_code("cell_type", cell_type, CELL_TYPES),
        mitoses=mitoses_per_2mm2,
        ki67=ki67,
        necrosis=_code("necrosis", necrosis, NECROSES) or "unknown",
        specimen=_code("specimen", specimen, SPECIMENS),
        share=mixed_component_pct,
        limits=limits or thresholds(),
    )
    draft = Draft(case)
    if _impossible(case, draft):
        draft.statuses.add(INVALID_INPUT)
        return draft.answer("ERROR")
    return _SCHEMES[case.scheme["scheme"]](case, draft)


def mitoses_per_2mm2(count: Decimal, area_mm2: Decimal) -> Decimal:
    """A count in an area of so many mm2, normalised to 2 mm2 (count x 2 / area).

    Raises ValueError when the area is not above zero.
    """
    if area_mm2 <= 0:
        raise ValueError(N_("the counted area must be above 0 mm2"))
    return count * 2 / area_mm2


def label(category: str) -> str:
    """The English name of a category; marked for translation in the table."""
    return tables.by_key("grade_categories", "category")[category]["label"]


def scheme_of(site: str) -> str:
    """The scheme a site is graded by. Raises ValueError for an unknown code."""
    return _scheme(site)["scheme"]


def display_grade(category: str, site: str) -> str:
    """The short label for digestive sites and unknown primary ("Grade 2"), else ""."""
    if scheme_of(site) not in ("digestive", "unknown_primary"):
        return ""
    return tables.by_key("grade_categories", "category")[category]["display_grade"]


def is_carcinoma(category: str) -> bool:
    """Whether the category is a poorly differentiated carcinoma."""
    return tables.by_key("grade_categories", "category")[category]["kind"] == "carcinoma"


def _code(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ValueError(N_("%(name)s: unknown code %(value)s") % {"name": name, "value": value})
    return value


@lru_cache(maxsize=1024)
def _scheme(word: str) -> Mapping[str, str]:
    """The row of `grading_schemes` for a site word; not graded here where the site has none."""
    table = tables.by_key("grading_schemes", "grading_site")
    if word and word in table:
        return table[word]
    entry = sites.by_word(word)
    if entry is not None:
        return table[entry.grading_site]
    if sites.is_wellformed(word):
        return table[""]
    raise ValueError(N_("site: unknown code %(value)s") % {"value": word})


def _impossible(case: Case, draft: Draft) -> bool:
    """Input no specimen can have: the range check comes before everything else."""
    if case.ki67 is not None and case.ki67.impossible():
        draft.flags.add("ki67_out_of_range")
        draft.say(N_("Ki-67 %(ki67)s is outside 0 to 100 %%."), ki67=case.ki67.text())
    if case.mitoses is not None and case.mitoses < 0:
        draft.flags.add("mitoses_negative")
        draft.say(N_("A mitotic count of %(mitoses)s is negative."), mitoses=plain(case.mitoses))
    if case.share is not None and not 0 <= case.share <= 100:
        draft.say(N_("A share of %(share)s %% is outside 0 to 100 %%."), share=plain(case.share))
    return bool(draft.reasons)


_SCHEMES = {
    "digestive": digestive,
    "unknown_primary": unknown_primary,
    "lung": lung,
    "medullary_thyroid": medullary_thyroid,
    "paraganglioma": paraganglioma,
    "merkel": merkel,
    "not_graded_here": not_graded_here,
}
