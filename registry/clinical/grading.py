"""Grade from differentiation, mitoses, Ki-67, necrosis and site, with its reasons.

Digestive tract and pancreas: WHO 2019, unchanged in WHO 2022 (S01, S02, S03). Lung and thymus:
WHO 2021/2022 (S06, S07, S08). Medullary thyroid: IMTCGS (S09). Phaeochromocytoma, paraganglioma,
Merkel cell carcinoma and organs with a scheme of their own are not graded here. Older editions are
kept as stated, never computed.

Thresholds: `data/grade_thresholds.csv`. Site to scheme: `data/grading_schemes.csv`.
The order of the status words and the meaning of the flags are choices of this project.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from functools import cache, lru_cache

from registry.clinical import sites, tables
from registry.clinical.ki67 import EXACTLY, Bound, Ki67
from registry.clinical.numbers import plain
from registry.clinical.results import (
    COMPLETE,
    INCOMPLETE,
    INVALID_INPUT,
    N_,
    NOT_APPLICABLE,
    PROVISIONAL,
    REVIEW,
    Derived,
    Reason,
    first_status,
)

VERSION = "1"

STATUS_ORDER = (INVALID_INPUT, NOT_APPLICABLE, INCOMPLETE, REVIEW, PROVISIONAL)

DIFFERENTIATIONS = ("well", "poor", "unknown", "")
CELL_TYPES = ("small", "large", "")
NECROSES = ("none", "focal", "extensive", "unknown", "")
SPECIMENS = ("resection", "biopsy", "cytology", "")
SMALL_SAMPLES = ("biopsy", "cytology")
NECROSIS_PRESENT = ("focal", "extensive")

HIGH, LOW = "HIGH", "LOW"
NUMBERED = {1: "NET_G1", 2: "NET_G2", 3: "NET_G3"}


@dataclass(frozen=True, slots=True)
class GradeResult(Derived):
    """A grade: `category` is the answer; `grade` is "1", "2", "3", "HIGH", "LOW" or ""."""

    grade: str = ""

    @property
    def category(self) -> str:
        """The answer's category, as in `data/grade_categories.csv`."""
        return self.answer


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Every limit of the grading rules; units and sources in `data/grade_thresholds.csv`."""

    gep_ki67_g2_from: Decimal
    gep_ki67_g2_to: Decimal
    gep_mitoses_g2_from: Decimal
    gep_mitoses_g2_to: Decimal
    net_g3_ki67_review_above: Decimal
    minen_share_from: Decimal
    minen_share_to: Decimal
    lung_mitoses_ac_from: Decimal
    lung_mitoses_ac_to: Decimal
    lung_ki67_elevated_above: Decimal
    mtc_mitoses_high_from: Decimal
    mtc_ki67_high_from: Decimal


@cache
def thresholds() -> Thresholds:
    """The limits as the table has them. `dataclasses.replace` makes a local variant."""
    table = tables.by_key("grade_thresholds", "name")
    return Thresholds(**{f.name: Decimal(table[f.name]["value"]) for f in fields(Thresholds)})


@dataclass(slots=True)
class _Case:
    """The input of one grading, read and named."""

    site: str
    scheme: Mapping[str, str]
    differentiation: str
    cell_type: str
    mitoses: Decimal | None
    ki67: Ki67 | None
    necrosis: str
    specimen: str
    share: Decimal | None
    limits: Thresholds


class _Draft:
    """What is being found out: flags, statuses and reasons collect here, then `answer` closes."""

    __slots__ = ("case", "confidence", "flags", "reasons", "statuses")

    def __init__(self, case: _Case) -> None:
        self.case = case
        self.flags: set[str] = set()
        self.statuses: set[str] = set()
        self.reasons: list[Reason] = []
        self.confidence = case.scheme["confidence"]

    def say(self, template: str, **values: str) -> None:
        self.reasons.append(Reason(template, values))

    def note(self, status: str, flag: str, template: str, **values: str) -> None:
        """A status with its flag ("" for none) and the reason for both."""
        if status:
            self.statuses.add(status)
        if flag:
            self.flags.add(flag)
        self.reasons.append(Reason(template, values))

    def answer(self, category: str, grade: str = "") -> GradeResult:
        case = self.case
        status = first_status(self.statuses, STATUS_ORDER) if self.statuses else COMPLETE
        return GradeResult(
            answer=category,
            status=status,
            reasons=tuple(self.reasons),
            flags=tuple(sorted(self.flags)),
            inputs=_inputs(case),
            rule=case.scheme["rule"],
            version=VERSION,
            source=case.scheme["source"],
            confidence=self.confidence,
            grade=grade,
        )


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
    case = _Case(
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
    draft = _Draft(case)
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


# --- reading the input


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


def _inputs(case: _Case) -> dict[str, str]:
    return {
        "site": case.site,
        "differentiation": case.differentiation,
        "cell_type": case.cell_type,
        "mitoses_per_2mm2": "" if case.mitoses is None else str(case.mitoses),
        "ki67_percent": "" if case.ki67 is None else case.ki67.stated,
        "necrosis": case.necrosis,
        "specimen": case.specimen,
        "mixed_component_pct": "" if case.share is None else str(case.share),
    }


def _impossible(case: _Case, draft: _Draft) -> bool:
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


def _above(bound: Bound, limit: Decimal) -> bool:
    return bound > (limit, EXACTLY)


def _reaches(bound: Bound, limit: Decimal) -> bool:
    return bound >= (limit, EXACTLY)


def _band(bound: Bound, g2_from: Decimal, g2_to: Decimal) -> int:
    """Category 1, 2 or 3: [0, from), [from, to], (to, ...)."""
    if _above(bound, g2_to):
        return 3
    return 2 if _reaches(bound, g2_from) else 1


# --- digestive tract, pancreas, unknown primary


def _digestive(case: _Case, draft: _Draft) -> GradeResult:
    if case.share is not None:
        return _mixed(case, draft, case.share)
    _note_missing_proliferation(case, draft)
    if case.differentiation == "poor":
        return _digestive_carcinoma(case, draft)
    if case.ki67 is None and case.mitoses is None:
        draft.statuses.add(INCOMPLETE)
        return draft.answer(
            "NET_GRADE_UNKNOWN" if case.differentiation == "well" else "NEN_UNCLASSIFIED"
        )
    grade = _digestive_number(case, draft)
    if case.differentiation == "well":
        return _digestive_net(case, draft, grade)
    draft.confidence = "medium"
    if grade == 3:
        draft.note(
            REVIEW,
            "differentiation_missing",
            N_(
                "Without differentiation, NET grade 3 and carcinoma cannot be told apart:"
                " the pathologist must say."
            ),
        )
        return draft.answer("HIGH_GRADE_UNSPECIFIED", "3")
    draft.note(
        PROVISIONAL,
        "differentiation_assumed_well",
        N_("Differentiation is not stated; below category 3 it is taken as well differentiated."),
    )
    if "ki67_missing" in draft.flags or "mitoses_missing" in draft.flags:
        draft.statuses.add(PROVISIONAL)
    return draft.answer(NUMBERED[grade], str(grade))


def _unknown_primary(case: _Case, draft: _Draft) -> GradeResult:
    draft.note(
        PROVISIONAL,
        "primary_unknown_gep_thresholds_assumed",
        N_("The primary is not known: digestive thresholds are used until it is found."),
    )
    return _digestive(case, draft)


def _mixed(case: _Case, draft: _Draft, share: Decimal) -> GradeResult:
    draft.confidence = "medium"
    limits = case.limits
    if limits.minen_share_from <= share <= limits.minen_share_to:
        draft.note(
            "",
            "grade_components_separately",
            N_(
                "The neuroendocrine part is %(share)s %%: each part has at least %(least)s %%,"
                " so this is a mixed neoplasm; grade each part on its own."
            ),
            share=plain(share),
            least=plain(limits.minen_share_from),
        )
        return draft.answer("MINEN")
    draft.note(
        REVIEW,
        "component_below_30pct",
        N_(
            "The neuroendocrine part is %(share)s %%: one part is below %(least)s %%,"
            " so this is not a mixed neoplasm."
        ),
        share=plain(share),
        least=plain(limits.minen_share_from),
    )
    return draft.answer("NOT_MINEN")


def _note_missing_proliferation(case: _Case, draft: _Draft) -> None:
    if case.ki67 is None and case.mitoses is None:
        draft.note("", "proliferation_missing", N_("Neither Ki-67 nor mitoses are given."))
    elif case.ki67 is None:
        draft.note("", "ki67_missing", N_("Ki-67 is not given."))
    elif case.mitoses is None:
        draft.note("", "mitoses_missing", N_("Mitoses are not given."))


def _digestive_number(case: _Case, draft: _Draft) -> int:
    """The higher category of Ki-67 and mitoses, at least one of which is given."""
    limits = case.limits
    by_mitoses = 0
    if case.mitoses is not None:
        by_mitoses = _band(
            (case.mitoses, EXACTLY), limits.gep_mitoses_g2_from, limits.gep_mitoses_g2_to
        )
        draft.say(
            N_("Mitoses %(mitoses)s per 2 mm2: category %(category)s."),
            mitoses=plain(case.mitoses),
            category=str(by_mitoses),
        )
    if case.ki67 is None:
        return by_mitoses
    by_ki67 = _ki67_category(case.ki67.deciding(), limits)
    draft.say(
        N_("Ki-67 %(ki67)s %%: category %(category)s."),
        ki67=case.ki67.text(),
        category=str(by_ki67),
    )
    if by_mitoses:
        _note_discordance(draft, by_ki67, by_mitoses)
    _note_span(case.ki67, by_mitoses, draft, limits)
    return max(by_ki67, by_mitoses)


def _ki67_category(bound: Bound, limits: Thresholds) -> int:
    return _band(bound, limits.gep_ki67_g2_from, limits.gep_ki67_g2_to)


def _note_discordance(draft: _Draft, by_ki67: int, by_mitoses: int) -> None:
    steps = abs(by_ki67 - by_mitoses)
    if steps == 1:
        draft.note(
            "", "discordant_1_step", N_("They differ by one category; the higher one decides.")
        )
    elif steps:
        draft.note(
            REVIEW,
            "discordant_2_steps",
            N_("They differ by two categories; the higher one decides, a pathologist must look."),
        )


def _note_span(ki67: Ki67, by_mitoses: int, draft: _Draft, limits: Thresholds) -> None:
    """A stated range or limit that lies across categories leaves the grade open between two."""
    lowest = max(by_mitoses, _ki67_category(ki67.lowest(), limits))
    highest = max(by_mitoses, _ki67_category(ki67.highest(), limits))
    if lowest != highest:
        draft.note(
            PROVISIONAL,
            "",
            N_(
                "Ki-67 %(ki67)s %% as stated lies across categories %(lowest)s to %(highest)s;"
                " the highest stated value is used until it is settled."
            ),
            ki67=ki67.text(),
            lowest=str(lowest),
            highest=str(highest),
        )


def _digestive_net(case: _Case, draft: _Draft, grade: int) -> GradeResult:
    if case.cell_type:
        draft.say(N_("A small or large cell type is stated, but it belongs to carcinoma only."))
    if grade < 3 and draft.flags & {"ki67_missing", "mitoses_missing"}:
        draft.statuses.add(PROVISIONAL)
        draft.say(N_("The missing value could raise the grade."))
    limit = case.limits.net_g3_ki67_review_above
    if grade == 3 and case.ki67 is not None and _above(case.ki67.deciding(), limit):
        draft.note(
            REVIEW,
            "net_g3_ki67_gt_55",
            N_("Well differentiated with Ki-67 above %(limit)s %% is unusual: have it reviewed."),
            limit=plain(limit),
        )
    draft.say(N_("Well differentiated: NET grade %(grade)s."), grade=str(grade))
    return draft.answer(NUMBERED[grade], str(grade))


def _digestive_carcinoma(case: _Case, draft: _Draft) -> GradeResult:
    limits = case.limits
    draft.say(N_("Poorly differentiated: carcinoma, high grade, without a number."))
    if not case.cell_type:
        draft.note(PROVISIONAL, "cell_type_missing", N_("Small or large cell type is not stated."))
    if "proliferation_missing" in draft.flags:
        draft.statuses.add(PROVISIONAL)
    else:
        ki67_high = case.ki67 is not None and _above(case.ki67.deciding(), limits.gep_ki67_g2_to)
        mitoses_high = case.mitoses is not None and case.mitoses > limits.gep_mitoses_g2_to
        if not (ki67_high or mitoses_high):
            draft.note(
                REVIEW,
                "nec_with_low_proliferation",
                N_(
                    "No proliferation value is above %(limit)s, which contradicts carcinoma:"
                    " the diagnosis stands, have it reviewed."
                ),
                limit=plain(limits.gep_ki67_g2_to),
            )
    kind = {"small": "NEC_SMALL_CELL", "large": "NEC_LARGE_CELL"}.get(case.cell_type, "NEC_NOS")
    return draft.answer(kind, HIGH)


# --- lung and thymus


def _lung(case: _Case, draft: _Draft) -> GradeResult:
    if case.share is not None:
        draft.say(N_("The share of a mixed tumour is not used at this site."))
    if case.differentiation == "poor":
        return _lung_carcinoma(case, draft)
    if case.differentiation == "unknown":
        return _lung_unresolved(case, draft)
    if _elevated(case, draft):
        return _lung_elevated(case, draft)
    return _lung_carcinoid(case, draft)


def _lung_carcinoma(case: _Case, draft: _Draft) -> GradeResult:
    limit = case.limits.lung_mitoses_ac_to
    draft.say(N_("Poorly differentiated: carcinoma, high grade, without a number."))
    if not case.cell_type:
        draft.note(REVIEW, "cell_type_missing", N_("Small or large cell type is not stated."))
    if case.mitoses is not None and case.mitoses <= limit:
        draft.note(
            REVIEW,
            "nec_with_mitoses_le_10",
            N_(
                "%(mitoses)s mitoses per 2 mm2 conflict with carcinoma, which has more than"
                " %(limit)s: the diagnosis stands, have it reviewed."
            ),
            mitoses=plain(case.mitoses),
            limit=plain(limit),
        )
    if case.cell_type == "small":
        return draft.answer("SCNEC" if case.site == "thymus" else "SCLC", HIGH)
    return draft.answer("LCNEC" if case.cell_type == "large" else "NEC_NOS", HIGH)


def _lung_unresolved(case: _Case, draft: _Draft) -> GradeResult:
    limit = case.limits.lung_mitoses_ac_to
    if case.mitoses is not None and case.mitoses > limit:
        draft.confidence = "medium"
        draft.note(
            REVIEW,
            "differentiation_missing",
            N_(
                "%(mitoses)s mitoses per 2 mm2 are above %(limit)s: high grade, but without"
                " differentiation carcinoid and carcinoma cannot be told apart."
            ),
            mitoses=plain(case.mitoses),
            limit=plain(limit),
        )
        return draft.answer("HIGH_GRADE_UNSPECIFIED")
    draft.note(
        INCOMPLETE,
        "differentiation_missing",
        N_("Without differentiation, carcinoid and carcinoma cannot be told apart."),
    )
    if case.mitoses is None:
        draft.note("", "mitoses_missing", N_("Mitoses are not given."))
    return draft.answer("CARCINOID_VS_NEC_UNRESOLVED")


def _elevated(case: _Case, draft: _Draft) -> bool:
    """Above the mitoses or the Ki-67 of an atypical carcinoid. Says so where a range is open."""
    limits = case.limits
    if case.mitoses is not None and case.mitoses > limits.lung_mitoses_ac_to:
        return True
    if case.ki67 is None:
        return False
    limit = limits.lung_ki67_elevated_above
    if _above(case.ki67.lowest(), limit) != _above(case.ki67.highest(), limit):
        draft.note(
            PROVISIONAL,
            "",
            N_(
                "Ki-67 %(ki67)s %% as stated lies across the limit of %(limit)s %%: carcinoid or"
                " carcinoid with elevated proliferation; the highest stated value is used."
            ),
            ki67=case.ki67.text(),
            limit=plain(limit),
        )
    return _above(case.ki67.deciding(), limit)


def _lung_elevated(case: _Case, draft: _Draft) -> GradeResult:
    limits = case.limits
    draft.confidence = "medium"
    draft.note(
        REVIEW,
        "carcinoid_morphology_high_proliferation",
        N_(
            "Carcinoid morphology with more than %(mitoses_limit)s mitoses per 2 mm2 or Ki-67 above"
            " %(ki67_limit)s %%: elevated proliferation, no agreed grade; the Ki-67 limit waits for"
            " sign-off."
        ),
        mitoses_limit=plain(limits.lung_mitoses_ac_to),
        ki67_limit=plain(limits.lung_ki67_elevated_above),
    )
    if case.specimen in SMALL_SAMPLES:
        draft.flags.add("tc_ac_needs_resection")
    return draft.answer("CARCINOID_ELEVATED_PROLIFERATION")


def _lung_carcinoid(case: _Case, draft: _Draft) -> GradeResult:
    necrosis = case.necrosis in NECROSIS_PRESENT
    if case.necrosis == "unknown":
        draft.note(PROVISIONAL, "necrosis_missing", N_("Whether there is necrosis is not stated."))
    if case.specimen in SMALL_SAMPLES:
        draft.note(
            PROVISIONAL,
            "tc_ac_needs_resection",
            N_("Typical and atypical carcinoid are told apart on a resection only."),
        )
        return _carcinoid_nos(case, draft)
    many = case.mitoses is not None and case.mitoses >= case.limits.lung_mitoses_ac_from
    if not (necrosis or many) and case.mitoses is None:
        return _carcinoid_nos(case, draft)
    if not case.specimen:
        draft.note(
            PROVISIONAL, "", N_("The kind of specimen is not stated; a resection is needed.")
        )
    if necrosis or many:
        return _atypical(case, draft, necrosis)
    draft.say(
        N_("%(mitoses)s mitoses per 2 mm2 are below %(limit)s, without necrosis: typical."),
        mitoses=plain(case.mitoses or Decimal(0)),
        limit=plain(case.limits.lung_mitoses_ac_from),
    )
    return draft.answer("TYPICAL_CARCINOID", "1")


def _carcinoid_nos(case: _Case, draft: _Draft) -> GradeResult:
    if case.mitoses is None:
        draft.note(
            INCOMPLETE,
            "mitoses_missing",
            N_("Mitoses are not given: typical or atypical cannot be said."),
        )
    return draft.answer("CARCINOID_NOS")


def _atypical(case: _Case, draft: _Draft, necrosis: bool) -> GradeResult:
    if case.mitoses is not None and case.mitoses >= case.limits.lung_mitoses_ac_from:
        draft.say(
            N_("%(mitoses)s mitoses per 2 mm2 lie between %(least)s and %(most)s: atypical."),
            mitoses=plain(case.mitoses),
            least=plain(case.limits.lung_mitoses_ac_from),
            most=plain(case.limits.lung_mitoses_ac_to),
        )
    if necrosis:
        draft.say(N_("Necrosis is present: atypical."))
    if case.necrosis == "extensive":
        draft.note(
            REVIEW,
            "extensive_necrosis_unusual_for_carcinoid",
            N_("Extensive necrosis is unusual in a carcinoid: have it reviewed."),
        )
    return draft.answer("ATYPICAL_CARCINOID", "2")


# --- medullary thyroid


def _medullary_thyroid(case: _Case, draft: _Draft) -> GradeResult:
    limits = case.limits
    missing = [case.mitoses is None, case.ki67 is None, case.necrosis == "unknown"]
    high = False
    if case.mitoses is not None and case.mitoses >= limits.mtc_mitoses_high_from:
        high = True
        draft.say(
            N_("%(mitoses)s mitoses per 2 mm2 reach %(limit)s: high grade."),
            mitoses=plain(case.mitoses),
            limit=plain(limits.mtc_mitoses_high_from),
        )
    if case.necrosis in NECROSIS_PRESENT:
        high = True
        draft.say(N_("Necrosis is present: high grade."))
    if case.ki67 is not None:
        high = _medullary_ki67(case.ki67, draft, limits, open_without=not high) or high
    if any(missing):
        draft.note(
            "" if high else PROVISIONAL,
            "imtcgs_component_missing",
            N_("Not all of mitoses, Ki-67 and necrosis are given."),
        )
    if high:
        return draft.answer("MTC_HIGH_GRADE", HIGH)
    if all(missing):
        draft.note(INCOMPLETE, "", N_("None of them is given: no grade."))
        return draft.answer("MTC_GRADE_UNKNOWN")
    if case.mitoses is None and case.ki67 is None:
        draft.note(INCOMPLETE, "", N_("Low grade cannot be relied on without Ki-67 or mitoses."))
    draft.say(N_("No feature of high grade is present: low grade."))
    return draft.answer("MTC_LOW_GRADE", LOW)


def _medullary_ki67(ki67: Ki67, draft: _Draft, limits: Thresholds, *, open_without: bool) -> bool:
    """Whether Ki-67 makes it high grade; `open_without`: nothing else has made it so."""
    limit = limits.mtc_ki67_high_from
    high = _reaches(ki67.deciding(), limit)
    if high:
        draft.say(
            N_("Ki-67 %(ki67)s %% reaches %(limit)s %%: high grade."),
            ki67=ki67.text(),
            limit=plain(limit),
        )
    if open_without and _reaches(ki67.lowest(), limit) != _reaches(ki67.highest(), limit):
        draft.note(
            PROVISIONAL,
            "",
            N_(
                "Ki-67 %(ki67)s %% as stated lies across the limit of %(limit)s %%: low or high"
                " grade; the highest stated value is used."
            ),
            ki67=ki67.text(),
            limit=plain(limit),
        )
    return high


# --- not graded


def _paraganglioma(case: _Case, draft: _Draft) -> GradeResult:
    draft.note(
        NOT_APPLICABLE,
        "no_who_grade",
        N_(
            "Phaeochromocytoma and paraganglioma have no WHO grade, whatever Ki-67 is; all can"
            " metastasise."
        ),
    )
    return draft.answer("NOT_GRADED_PPGL")


def _merkel(case: _Case, draft: _Draft) -> GradeResult:
    draft.note(
        NOT_APPLICABLE,
        "high_grade_by_definition",
        N_("Merkel cell carcinoma is high grade by nature and gets no NET grade."),
    )
    return draft.answer("MERKEL")


def _not_graded_here(case: _Case, draft: _Draft) -> GradeResult:
    draft.note(
        NOT_APPLICABLE,
        "no_who_grade",
        N_(
            "Not graded here: tumours of this site follow a table of their own organ, or none;"
            " the grade is kept as reported."
        ),
    )
    return draft.answer("NOT_GRADED_SITE")


_SCHEMES = {
    "digestive": _digestive,
    "unknown_primary": _unknown_primary,
    "lung": _lung,
    "medullary_thyroid": _medullary_thyroid,
    "paraganglioma": _paraganglioma,
    "merkel": _merkel,
    "not_graded_here": _not_graded_here,
}
