"""Grades of very many rows, by the same rule as `grading.derive_grade`.

Every rule compares a value with limits and with nothing else. So two rows of one scheme with the
same codes, whose values lie at the same places among its limits, have the same answer, and the
same sentences but for the values themselves. Each such case is derived once and its sentences are
kept as one template.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import fields
from decimal import Decimal
from functools import cache, lru_cache

from registry.clinical import grading
from registry.clinical.grading import GradeResult, derive_grade, thresholds
from registry.clinical.ki67 import parse_ki67
from registry.clinical.numbers import number, plain

NOT_GIVEN = -1
MITOSES, KI67, SHARE = "mitoses", "ki67", "share"
# Names under which the sentences of grading hold the row's own values.
OWN_VALUES = (MITOSES, KI67, SHARE)
COLUMNS = {MITOSES: "mitoses_per_2mm2", SHARE: "mixed_component_pct"}
# The first word of the names of a scheme's limits.
LIMITS_OF = {"digestive": ("gep", "net", "minen"), "lung": ("lung",), "medullary_thyroid": ("mtc",)}
LIMITS_OF["unknown_primary"] = LIMITS_OF["digestive"]
# Schemes that do not look at necrosis and specimen.
WITHOUT_TISSUE = ("digestive", "unknown_primary", "paraganglioma", "merkel", "not_graded_here")

Answer = tuple[str, str, str, str, str]
Plan = tuple[str, str, str, str, str]
Place = int | str

MOST_PLANS = 32768
_PLANS: dict[tuple[object, ...], Plan] = {}


def grade_row(
    site: str,
    differentiation: str,
    cell_type: str,
    mitoses: str,
    ki67: str,
    necrosis: str,
    specimen: str,
    share: str,
) -> Answer:
    """Category, grade, status, flags and reason of one row of text.

    Raises ValueError for what cannot be read.
    """
    scheme, group = _scheme(site)
    mitoses_place, mitoses_text = _read(scheme, MITOSES, mitoses)
    ki67_place, ki67_text = _read_ki67(scheme, ki67)
    share_place, share_text = _read(scheme, SHARE, share)
    tissue = _tissue(scheme, necrosis, specimen)
    case = (group, differentiation, cell_type, tissue, mitoses_place, ki67_place, share_place)
    plan = _PLANS.get(case)
    if plan is None:
        if len(_PLANS) >= MOST_PLANS:
            _PLANS.clear()
        codes = (site, differentiation, cell_type, necrosis, specimen)
        plan = _PLANS[case] = _plan(codes, mitoses, ki67, share)
    category, grade, status, flags, template = plan
    values = {MITOSES: mitoses_text, KI67: ki67_text, SHARE: share_text}
    return category, grade, status, flags, template % values


@lru_cache(1024)
def _scheme(site: str) -> tuple[str, str]:
    """The scheme of a site and the group of sites it answers alike for; thymus stands alone."""
    scheme = grading.scheme_of(site.strip())
    return scheme, f"{scheme} thymus" if site.strip() == "thymus" else scheme


@lru_cache(1024)
def _tissue(scheme: str, necrosis: str, specimen: str) -> tuple[str, str] | None:
    """Necrosis and specimen where the scheme looks at them; unknown codes stay, to be refused."""
    codes = (necrosis.strip(), specimen.strip())
    known = codes[0] in grading.NECROSES and codes[1] in grading.SPECIMENS
    return None if known and scheme in WITHOUT_TISSUE else codes


@cache
def _limits(scheme: str, value: str) -> tuple[Decimal, ...]:
    """Every limit of the scheme for a value, and the ends of what is possible."""
    found = {Decimal(0), Decimal(100)}
    for item in fields(thresholds()):
        words = item.name.split("_")
        if words[0] in LIMITS_OF.get(scheme, ()) and value in words:
            found.add(getattr(thresholds(), item.name))
    return tuple(sorted(found))


def _place(value: Decimal, limits: tuple[Decimal, ...]) -> int:
    """Where a value lies: an odd number on a limit, an even one between two."""
    below = bisect_left(limits, value)
    return 2 * below + (below < len(limits) and limits[below] == value)


@lru_cache(16384)
def _read(scheme: str, name: str, text: str) -> tuple[int, str]:
    if not text.strip():
        return NOT_GIVEN, ""
    try:
        value = number(text)
    except ValueError as wrong:
        raise ValueError(f"{COLUMNS[name]}: {wrong}") from None
    return _place(value, _limits(scheme, name)), plain(value)


@lru_cache(16384)
def _read_ki67(scheme: str, text: str) -> tuple[Place, str]:
    """As `_read`; a range or comparator has no place and stands for itself."""
    if not text.strip():
        return NOT_GIVEN, ""
    found = parse_ki67(text)
    place: Place = found.stated
    if found.comparator == "":
        place = _place(found.low, _limits(scheme, KI67))
    return place, found.text()


def _plan(codes: tuple[str, ...], mitoses: str, ki67: str, share: str) -> Plan:
    """The answer of one case and the template of its reason, from the first row that shows it."""
    site, differentiation, cell_type, necrosis, specimen = (code.strip() for code in codes)
    found = derive_grade(
        site=site,
        differentiation=differentiation,
        cell_type=cell_type,
        mitoses_per_2mm2=number(mitoses) if mitoses.strip() else None,
        ki67=parse_ki67(ki67) if ki67.strip() else None,
        necrosis=necrosis,
        specimen=specimen,
        mixed_component_pct=number(share) if share.strip() else None,
    )
    return found.answer, found.grade, found.status, ";".join(found.flags), _template(found)


def _template(found: GradeResult) -> str:
    """The reasons as one template in which the row's own values are still open."""
    sentences = []
    for reason in found.reasons:
        # A sentence is filled twice, so that its own per cent signs are doubled before.
        filled = {
            name: f"%({name})s" if name in OWN_VALUES else text.replace("%", "%%")
            for name, text in reason.values.items()
        }
        sentences.append(reason.template.replace("%%", "%%%%") % filled)
    return " ".join(sentences)
