"""What one grading starts from and what collects on the way to its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from functools import cache

from registry.clinical import tables
from registry.clinical.ki67 import EXACTLY, Bound, Ki67
from registry.clinical.results import (
    COMPLETE,
    INCOMPLETE,
    INVALID_INPUT,
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
class Case:
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


class Draft:
    """What is being found out: flags, statuses and reasons collect here, then `answer` closes."""

    __slots__ = ("case", "confidence", "flags", "reasons", "statuses")

    def __init__(self, case: Case) -> None:
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


def _inputs(case: Case) -> dict[str, str]:
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


def above(bound: Bound, limit: Decimal) -> bool:
    return bound > (limit, EXACTLY)


def reaches(bound: Bound, limit: Decimal) -> bool:
    return bound >= (limit, EXACTLY)


def band(bound: Bound, g2_from: Decimal, g2_to: Decimal) -> int:
    """Category 1, 2 or 3: [0, from), [from, to], (to, ...)."""
    if above(bound, g2_to):
        return 3
    return 2 if reaches(bound, g2_from) else 1
