"""Stage group by lookup per site, histology class and system, with its reason.

Table: `data/stage_groups.csv` (S10, S11, S13-S16; 2619 combinations). Well differentiated tumours
take the NET table of their organ, carcinoma and mixed tumours the carcinoma table; lung and thymus
have one table for all. An unknown primary has no TNM: only M1 is recorded. Derivation is a
consistency check beside the stated stage and never replaces it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from itertools import product

from registry.clinical import sites, tables
from registry.clinical.results import (
    COMPLETE,
    INVALID_INPUT,
    N_,
    NOT_DERIVABLE,
    PROVISIONAL,
    Derived,
    Reason,
)
from registry.clinical.tnm import INVALID, nm_category, read_category, t_category

__all__ = [
    "INVALID",
    "UNSTAGED",
    "default_system",
    "histology_class",
    "nm_category",
    "read_category",
    "stage_group",
    "t_category",
    "table_system",
]

RULE, VERSION = "STAGE-GROUP", "1"
UNSTAGED = "UNSTAGED"

SYSTEMS = ("AJCC8", "AJCC9", "ENETS", "TNM8", "TNM9")
HISTOLOGY_CLASSES = ("NET", "NEC", "MINEN", "MTC", "PPGL", "ANY", "")
ANY_CLASS = ("lung", "thymus")
DIGESTIVE_NET = ("stomach", "duodenum", "ampulla", "jejunum_ileum", "appendix", "colon", "rectum",
                 "pancreas")  # fmt: skip

AJCC9_FROM_YEAR = 2024
TNM9_FROM_YEAR = 2025

TableKey = tuple[str, str, str]
Row = Mapping[str, str]


@cache
def _tables() -> Mapping[TableKey, Mapping[tuple[str, str, str], Row]]:
    grouped: dict[TableKey, dict[tuple[str, str, str], Row]] = {}
    for row in tables.rows("stage_groups"):
        key = (row["site"], row["histology_class"], row["system"])
        grouped.setdefault(key, {})[(row["t"], row["n"], row["m"])] = row
    return grouped


def default_system(
    staging_site: str, diagnosis_year: int | None, histology_class: str = "NET"
) -> str:
    """The staging system to offer for a site and year of diagnosis (None: the newest).

    Version 9 holds for digestive NET diagnosed from 2024 and for lung and thymus from 2025
    (S22); all else is the 8th edition.
    """
    if staging_site in ANY_CLASS:
        newest = diagnosis_year is None or diagnosis_year >= TNM9_FROM_YEAR
        return "TNM9" if newest else "TNM8"
    newest = diagnosis_year is None or diagnosis_year >= AJCC9_FROM_YEAR
    net = staging_site in DIGESTIVE_NET and histology_class == "NET"
    return "AJCC9" if net and newest else "AJCC8"


def histology_class(grade_category: str, staging_site: str) -> str:
    """NET, NEC, MTC, PPGL or ANY for a grading category at a site; "" when it cannot be said."""
    if staging_site in ANY_CLASS:
        return "ANY"
    if staging_site in ("ppgl", "thyroid_c_cell"):
        return "PPGL" if staging_site == "ppgl" else "MTC"
    row = tables.by_key("grade_categories", "category").get(grade_category)
    if row is None:
        return ""
    if row["kind"] == "carcinoma" or grade_category == "MINEN":
        return "NEC"
    if row["kind"] == "net" or grade_category == "NET_GRADE_UNKNOWN":
        return "NET"
    return ""


def table_system(staging_site: str, system: str) -> str:
    """The name of the table for a system as stated: UICC 8 and AJCC 8 of the lung are TNM8."""
    edition = system[-1:]
    if edition not in ("8", "9") or system[:-1] not in ("AJCC", "UICC", "TNM"):
        return system
    return f"TNM{edition}" if staging_site in ANY_CLASS else f"AJCC{edition}"


def stage_group(
    *,
    site: str,
    histology_class: str,
    system: str,
    t: str,
    n: str,
    m: str,
    lenient: bool = False,
) -> Derived:
    """The stage group of T, N and M, UNSTAGED, or INVALID with the reason.

    `site` is a staging site (or a word `sites.by_word` knows); T, N, M may carry prefix, suffix
    and any case. INVALID: the combination or the table does not exist. UNSTAGED is an answer of
    the table. With `lenient`, names of the same edition are joined (UICC8 is AJCC8) and a
    category the table does not have is answered from its parent, or from its sub-categories where
    they all agree; the reason says so and the status is provisional.
    """
    staging_site = _staging_site(site)
    table_class = _table_class(staging_site, histology_class)
    table_name = table_system(staging_site, system) if lenient else system
    stage = _Stage(site=staging_site, histology_class=table_class, system=table_name, t=t, n=n, m=m)
    if staging_site == "unknown":
        return stage.invalid(N_("No TNM without a primary site; only M1 can be recorded."))
    table = _tables().get((staging_site, table_class, table_name))
    if table is None:
        return _no_table(stage, staging_site, table_class, table_name)
    try:
        read = (read_category("T", t), read_category("N", n), read_category("M", m))
    except ValueError as unreadable:
        return stage.invalid(N_("%(why)s."), INVALID_INPUT, why=str(unreadable))
    if not all(read):
        return stage.unstaged(read)
    row = table.get(read)
    if row is not None:
        return stage.found(row, read)
    if lenient:
        nearby = _nearby(stage, table, read)
        if nearby is not None:
            return nearby
    return _no_combination(stage, table, read)


def _staging_site(word: str) -> str:
    if word in sites.staging_sites():
        return word
    entry = sites.by_word(word)
    if entry is None:
        return word
    return "unknown" if entry.grading_site == "unknown" else entry.staging_site or word


def _table_class(staging_site: str, stated: str) -> str:
    if staging_site in ANY_CLASS:
        return "ANY"
    return "NEC" if stated == "MINEN" else stated


def _no_table(stage: _Stage, site: str, table_class: str, system: str) -> Derived:
    if site not in sites.staging_sites():
        return stage.invalid(N_("No stage table for this site: needs manual stage."))
    known = {key for key in _tables() if key[0] == site}
    if table_class == "NEC" and (site, "NET", system) in known:
        return stage.invalid(
            N_(
                "Carcinoma is not staged by the NET table, and the carcinoma table of this organ"
                " and edition is not supplied: needs manual stage."
            )
        )
    if table_class in ("", "ANY") and site not in ANY_CLASS:
        return stage.invalid(
            N_("Differentiation decides between the NET and the carcinoma table: state it.")
        )
    names = ", ".join(sorted(f"{key[1]} {key[2]}" for key in known))
    return stage.invalid(
        N_("No table %(wanted)s for this site; there are %(names)s: needs manual stage."),
        wanted=f"{table_class} {system}",
        names=names,
    )


def _no_combination(
    stage: _Stage, table: Mapping[tuple[str, str, str], Row], read: tuple[str, str, str]
) -> Derived:
    for position, category in enumerate(read):
        defined = list(dict.fromkeys(codes[position] for codes in table))
        if category not in defined:
            children = _children(category, defined)
            template = (
                N_("%(category)s is not enough here: state one of %(defined)s.")
                if children
                else N_("%(category)s is not defined here; the table has %(defined)s.")
            )
            return stage.invalid(
                template, INVALID_INPUT, category=category, defined=", ".join(children or defined)
            )
    return stage.invalid(
        N_("The table has no group for %(tnm)s together."), INVALID_INPUT, tnm=" ".join(read)
    )


def _children(category: str, defined: list[str]) -> list[str]:
    """The sub-categories of a category that are defined (N2: N2a, N2b)."""
    return [c for c in defined if c.startswith(category) and len(c) > len(category)]


def _alternatives(category: str, defined: list[str]) -> list[str]:
    if category in defined:
        return [category]
    parent = category[:2]
    return _children(category, defined) or ([parent] if parent in defined else [])


def _nearby(
    stage: _Stage, table: Mapping[tuple[str, str, str], Row], read: tuple[str, str, str]
) -> Derived | None:
    """The group all parent or sub-category readings agree on, or None."""
    choices = [
        _alternatives(category, list(dict.fromkeys(codes[position] for codes in table)))
        for position, category in enumerate(read)
    ]
    rows = [
        row for codes in product(*choices) if (row := table.get((codes[0], codes[1], codes[2])))
    ]
    if not rows or len({row["stage_group"] for row in rows}) != 1:
        return None
    used = "; ".join(" ".join((row["t"], row["n"], row["m"])) for row in rows)
    return stage.found(rows[0], read, used)


class _Stage:
    """Closes a stage with its inputs."""

    def __init__(self, **inputs: str) -> None:
        self.inputs = inputs

    def _derived(
        self, answer: str, status: str, reason: Reason, source: str, confidence: str
    ) -> Derived:
        return Derived(
            answer=answer,
            status=status,
            reasons=(reason,),
            flags=(),
            inputs=self.inputs,
            rule=RULE,
            version=VERSION,
            source=source,
            confidence=confidence,
        )

    def invalid(self, template: str, status: str = NOT_DERIVABLE, **values: str) -> Derived:
        return self._derived(
            INVALID, status, Reason(template, values), "definition of tables", "high"
        )

    def unstaged(self, read: tuple[str, str, str]) -> Derived:
        missing = ", ".join(letter for letter, code in zip("TNM", read, strict=True) if not code)
        reason = Reason(N_("%(missing)s not given: not staged."), {"missing": missing})
        return self._derived(UNSTAGED, NOT_DERIVABLE, reason, "project", "high")

    def found(self, row: Row, read: tuple[str, str, str], used: str = "") -> Derived:
        values = {
            "tnm": " ".join(read),
            "stage": row["stage_group"],
            "table": f"{row['site']} {row['histology_class']} {row['system']}",
            "used": used,
        }
        if used:
            template = N_("%(tnm)s read as %(used)s: %(stage)s by the table %(table)s.")
        elif row["stage_group"] == UNSTAGED:
            template = N_("%(tnm)s has no group in the table %(table)s: not staged.")
        else:
            template = N_("%(tnm)s: %(stage)s by the table %(table)s.")
        status = PROVISIONAL if used else COMPLETE
        return self._derived(
            row["stage_group"], status, Reason(template, values), row["source"], row["confidence"]
        )
