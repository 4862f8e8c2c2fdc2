"""Options to discuss, by site, grade, SSTR, syndrome, setting and earlier lines.

Tables: `data/pathways.csv` (the rows with evidence and standing), `data/pathway_settings.csv`,
`data/pathway_states.csv`. Sources stand in each row. This is a list for a tumour board with
where each line comes from, never a recommendation, and it is not ranked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from registry.clinical import sites, tables
from registry.clinical.grading import thresholds
from registry.clinical.ki67 import EXACTLY, Bound, Ki67
from registry.clinical.results import COMPLETE, INCOMPLETE, N_, PROVISIONAL, Derived, Reason

RULE, VERSION = "PATHWAYS", "1"

DIFFERENTIATIONS = ("well", "poor", "unknown", "")
SSTR = ("positive", "negative", "mixed", "unknown", "not_done", "not_known", "")
FUNCTIONING = ("yes", "no", "unknown", "not_known", "")
SSTR_POSITIVE_FROM = 2  # Krenning score

NEC = "NEC"
_GRADES = {
    "": "", "unknown": "", "not_known": "",
    "1": "G1", "G1": "G1", "NET_G1": "G1", "2": "G2", "G2": "G2", "NET_G2": "G2",
    "3": "G3", "G3": "G3", "NET_G3": "G3",
    "NEC": NEC, "HIGH": NEC, "NEC_SMALL": NEC, "NEC_LARGE": NEC, "NEC_NOS": NEC,
    "NEC_SMALL_CELL": NEC, "NEC_LARGE_CELL": NEC, "SCNEC": NEC,
    "typical": "typical", "TC": "typical", "TYPICAL_CARCINOID": "typical",
    "atypical": "atypical", "AC": "atypical", "ATYPICAL_CARCINOID": "atypical",
    "SCLC": "SCLC", "LCNEC": "LCNEC", "n/a": "", "LOW": "", "MINEN": "", "CARCINOID_NOS": "",
}  # fmt: skip
_LUNG_GRADES = {"G1": "typical", "G2": "atypical"}

# Where the table speaks of a carcinoma of the digestive tract or of any organ.
DIGESTIVE_GROUPS = ("GEP", "GI (small bowel, other)", "pancreas")
UNGRADED_GROUPS = ("medullary thyroid", "phaeochromocytoma/paraganglioma", "Merkel")

# The range a grade already says; narrower ranges need the value itself.
_RANGE_OF_GRADE = {"G1": ("0-20", "0-55"), "G2": ("0-20", "0-55"), "G3": ("21-100", "0-55"),
                   NEC: (">20",)}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked, read and named."""

    groups: tuple[str, ...]
    differentiation: str
    grade: str
    ki67: Ki67 | None
    sstr: str
    functioning: str
    settings: frozenset[str]
    earlier: tuple[Mapping[str, str], ...]


def pathway_options(
    *,
    site: str,
    differentiation: str = "",
    grade: str = "",
    ki67: Ki67 | None = None,
    sstr: str = "",
    functioning: str = "",
    setting: str = "",
    earlier_lines: Sequence[str] = (),
) -> Derived:
    """The options of the table that fit, as therapy ids joined by ";" in the table's order.

    `site` is any word `sites.by_word` knows; `sstr` positive, negative, mixed or a Krenning score;
    `setting` words of `settings()` joined by ";"; `earlier_lines` therapy ids, classes or drugs.
    `flags` of the result are the option ids, one reason each. Nothing is listed while the
    differentiation is not known. Raises ValueError for unknown codes.
    """
    question = _Question(
        groups=_groups(site, differentiation),
        differentiation=_code("differentiation", differentiation, DIFFERENTIATIONS),
        grade=_grade(grade, site, ki67, differentiation),
        ki67=ki67,
        sstr=_sstr(sstr),
        functioning=_code("functioning", functioning, FUNCTIONING),
        settings=_settings(setting),
        earlier=tuple(_earlier(word) for word in earlier_lines),
    )
    inputs = {
        "site": site,
        "differentiation": differentiation,
        "grade": grade,
        "ki67_percent": ki67.stated if ki67 else "",
        "sstr": sstr,
        "functioning": functioning,
        "setting": setting,
        "earlier_lines": ";".join(earlier_lines),
    }
    if differentiation in ("", "unknown") and not set(question.groups) & set(UNGRADED_GROUPS):
        reason = Reason(N_("Differentiation is not known: have the pathology reviewed first."))
        return _derived("", INCOMPLETE, (reason,), (), inputs)
    rows = [row for row in tables.rows("pathways") if _fits(row, question)]
    ids = ";".join(dict.fromkeys(row["therapy_id"] for row in rows))
    reasons = (*(_reason(row) for row in rows), *_open_points(question))
    status = PROVISIONAL if _open_points(question) else COMPLETE
    return _derived(ids, status, reasons, tuple(row["option_id"] for row in rows), inputs)


def option(option_id: str) -> Mapping[str, str]:
    """The row of one option: evidence, source, status and confidence."""
    return tables.by_key("pathways", "option_id")[option_id]


def settings() -> tuple[str, ...]:
    """The words for the setting."""
    return tuple(row["setting"] for row in tables.rows("pathway_settings"))


def _derived(
    answer: str,
    status: str,
    reasons: tuple[Reason, ...],
    options: tuple[str, ...],
    inputs: dict[str, str],
) -> Derived:
    found = [option(option_id) for option_id in options]
    standings = {row["confidence"] for row in found}
    sources = dict.fromkeys(s for row in found for s in row["source"].split(";") if s)
    return Derived(
        answer=answer,
        status=status,
        reasons=reasons,
        flags=options,
        inputs=inputs,
        rule=RULE,
        version=VERSION,
        source=";".join(sources) or "project",
        confidence="medium" if standings - {"high"} else "high",
    )


def _reason(row: Mapping[str, str]) -> Reason:
    therapy = tables.by_key("therapies", "therapy_id")[row["therapy_id"]]
    template = N_(
        "%(name)s: %(strength)s, line %(line)s (%(evidence)s; %(group)s, %(setting)s, %(state)s;"
        " confidence %(confidence)s)."
    )
    return Reason(
        template,
        {
            "name": therapy["name"],
            "strength": row["strength"],
            "line": row["line"],
            "evidence": row["guideline_or_trial"],
            "group": row["site_group"],
            "setting": row["setting"],
            "state": row["progression_state"],
            "confidence": row["confidence"],
        },
    )


def _open_points(question: _Question) -> tuple[Reason, ...]:
    """What is not known and would bring further rows."""
    points = []
    if question.differentiation == "well" and question.sstr not in ("positive", "negative"):
        points.append(Reason(N_("Options that need SSTR imaging are not listed: it is not clear.")))
    if question.differentiation == "well" and not question.grade:
        points.append(Reason(N_("Options that need a grade are not listed.")))
    if question.grade in ("G1", "G2", "G3") and question.ki67 is None:
        points.append(Reason(N_("Options that need the value of Ki-67 are not listed.")))
    if question.settings == frozenset({"any"}):
        points.append(Reason(N_("The setting is not stated: advanced or localised.")))
    return tuple(points)


# --- reading the question


def _code(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ValueError(
            N_("%(name)s: unknown code %(value)s") % {"name": name, "value": value[:40]}
        )
    return value


def _groups(site: str, differentiation: str) -> tuple[str, ...]:
    entry = sites.by_word(site)
    if entry is None and not sites.is_wellformed(site):
        raise ValueError(N_("site: unknown code %(value)s") % {"value": site[:40]})
    own = entry.pathway_groups if entry else ()
    if entry is not None and entry.triage_group == "skin_merkel":
        own = ("Merkel",)
    carcinoma: tuple[str, ...] = ()
    if differentiation == "poor" and not set(own) & set(UNGRADED_GROUPS):
        digestive = ("digestive NEC",) if set(own) & set(DIGESTIVE_GROUPS) else ()
        carcinoma = (*digestive, "any NEC")
    return (*own, *carcinoma, "any")


def _grade(grade: str, site: str, ki67: Ki67 | None, differentiation: str) -> str:
    if grade not in _GRADES:
        raise ValueError(N_("grade: unknown code %(value)s") % {"value": grade[:40]})
    found = _GRADES[grade]
    entry = sites.by_word(site)
    lung = entry is not None and "lung" in entry.pathway_groups
    if lung:
        return _LUNG_GRADES.get(found, found)
    if differentiation == "poor" and found in ("", "G3"):
        return NEC
    if not found and ki67 is not None and differentiation == "well":
        return _grade_by_ki67(ki67.deciding())
    return found


def _grade_by_ki67(bound: Bound) -> str:
    limits = thresholds()
    if bound > (limits.gep_ki67_g2_to, EXACTLY):
        return "G3"
    return "G2" if bound >= (limits.gep_ki67_g2_from, EXACTLY) else "G1"


def _sstr(value: str) -> str:
    if value in ("0", "1", "2", "3", "4"):
        return "positive" if int(value) >= SSTR_POSITIVE_FROM else "negative"
    return _code("sstr", value, SSTR)


def _settings(text: str) -> frozenset[str]:
    """The settings named and the wider ones they lie in."""
    table = tables.by_key("pathway_settings", "setting")
    found = {"any"}
    for word in filter(None, (part.strip() for part in text.split(";"))):
        if word not in table:
            raise ValueError(N_("setting: unknown code %(value)s") % {"value": word[:40]})
        found |= {word, table[word]["base"]}
    return frozenset(found)


@cache
def _earlier(word: str) -> Mapping[str, str]:
    """A therapy of the catalogue by id, or the first of a class, mechanism or drug."""
    table = tables.by_key("therapies", "therapy_id")
    if word in table:
        return table[word]
    wanted = word.strip().lower()
    for row in tables.rows("therapies"):
        names = (row["class"], row["mechanism"], row["name"], *row["components"].split("+"))
        if wanted and wanted in (name.lower() for name in names):
            return row
    if wanted == "platinum":
        return table["EP_CARBO"]
    raise ValueError(N_("earlier_lines: unknown code %(value)s") % {"value": word[:40]})


# --- does a row fit


def _fits(row: Mapping[str, str], question: _Question) -> bool:
    return (
        row["site_group"] in question.groups
        and _fits_differentiation(row, question)
        and _fits_grade(row, question)
        and _fits_ki67(row["ki67_range"], question)
        and row["sstr"] in ("any", question.sstr)
        and row["functioning"] in ("any", question.functioning)
        and _fits_setting(row["setting"], question)
        and NEEDS[_needs(row["progression_state"])](question)
    )


def _fits_differentiation(row: Mapping[str, str], question: _Question) -> bool:
    ungraded = row["site_group"] in UNGRADED_GROUPS
    return ungraded or row["differentiation"] in ("any", "n/a", question.differentiation)


def _fits_grade(row: Mapping[str, str], question: _Question) -> bool:
    allowed = [grade.removesuffix(" low") for grade in row["grade"].split(";")]
    return allowed[0] in ("any", "n/a") or question.grade in allowed


def _fits_ki67(wanted: str, question: _Question) -> bool:
    """Whether Ki-67 lies in the printed range; bands of whole numbers leave no gap (21 is > 20)."""
    if wanted == "any":
        return True
    if question.ki67 is None:
        return wanted in _RANGE_OF_GRADE.get(question.grade, ())
    value = question.ki67.deciding()
    if wanted.startswith(">"):
        # a carcinoma with less is a contradiction to be reviewed, not another disease
        return True
    low, high = wanted.split("-")
    above_low = value > (Decimal(20), EXACTLY) if low == "21" else value >= (Decimal(low), EXACTLY)
    below_high = value < (Decimal(3), EXACTLY) if high == "2" else value <= (Decimal(high), EXACTLY)
    return above_low and below_high


def _fits_setting(setting: str, question: _Question) -> bool:
    row = tables.by_key("pathway_settings", "setting")[setting]
    if row["listed"] == "when named":
        return setting in question.settings
    return row["base"] in question.settings


@cache
def _needs(state: str) -> str:
    return tables.by_key("pathway_states", "progression_state")[state]["needs"]


def _had(question: _Question, test: Callable[[Mapping[str, str]], bool]) -> bool:
    return any(test(therapy) for therapy in question.earlier)


SYSTEMIC = ("SSA", "interferon", "targeted", "PRRT", "chemotherapy", "immunotherapy")


def _systemic(therapy: Mapping[str, str]) -> bool:
    return therapy["class"] in SYSTEMIC


def _ssa(therapy: Mapping[str, str]) -> bool:
    return therapy["class"] == "SSA"


def _everolimus(therapy: Mapping[str, str]) -> bool:
    return "everolimus" in therapy["components"]


def _platinum(therapy: Mapping[str, str]) -> bool:
    return "platin" in therapy["components"]


NEEDS: Mapping[str, Callable[[_Question], bool]] = {
    "nothing": lambda question: True,
    "no earlier line": lambda question: not _had(question, _systemic),
    "any earlier line": lambda question: _had(question, _systemic),
    "somatostatin analogue": lambda question: _had(question, _ssa),
    "platinum": lambda question: _had(question, _platinum),
    "everolimus": lambda question: _had(question, _everolimus),
    "somatostatin analogue or everolimus": lambda question: (
        _had(question, _ssa) or _had(question, _everolimus)
    ),
    "other than somatostatin analogue": lambda question: _had(
        question, lambda therapy: _systemic(therapy) and not _ssa(therapy)
    ),
}


def read_earlier_lines(text: str) -> tuple[str, ...]:
    """Earlier lines joined by ";" as a tuple; "none" and blank are none."""
    words = tuple(part.strip() for part in text.split(";") if part.strip())
    return () if words in (("none",), ("0",)) else words
