"""Local report beside central review of the same specimen, and the grade over time.

Every field is compared as stated: it agrees, differs by so much, or cannot be compared. Ki-67
ranges and limits agree where they overlap. A grade is compared by its rank
(`data/grade_ranks.csv`); a rank that is open ("G3" may be NET G3 or carcinoma) differs only where
no reading fits. Nothing is overwritten: the review stands beside the report it reviews.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from registry.clinical import tables
from registry.clinical.grading.case import above, reaches, thresholds
from registry.clinical.ki67 import EXACTLY, Bound, parse_ki67
from registry.clinical.numbers import number, plain
from registry.clinical.partial_dates import assumed
from registry.clinical.results import N_, Reason

RULE, VERSION = "AGREEMENT", "1"

AGREE, DIFFER, NOT_COMPARABLE = "agree", "differ", "not_comparable"
UP, DOWN = "up", "down"
CENTRAL_REVIEW = "central_review"

CODED = ("differentiation", "cell_type", "necrosis", "type_stated", "morphology")
FIELDS = ("differentiation", "ki67_percent", "mitoses_per_2mm2", "grade", "cell_type", "necrosis",
          "type_stated", "morphology")  # fmt: skip
OPEN_ANSWERS = ("", "unknown", "not_known", "not_done", "not_available", "not_applicable")

Values = Mapping[str, str]
Span = tuple[Bound, Bound]


@dataclass(frozen=True, slots=True)
class Compared:
    """One field of two reports: what each says, the verdict, by how much, and why.

    `by` is the distance: percentage points, mitoses per 2 mm², ranks of the grade; "" for a code.
    `crosses_grade`: the two values lie on either side of a limit of the grade.
    """

    field: str
    local: str
    review: str
    verdict: str
    reason: Reason
    by: str = ""
    crosses_grade: bool = False


@dataclass(frozen=True, slots=True)
class GradeAt:
    """The grade that counts for one specimen: of its central review where there is one."""

    id: str
    date: str
    grade: str
    reviewed: bool
    change_kind: str
    site: str = ""


@dataclass(frozen=True, slots=True)
class GradeChange:
    """A grade that is not the one before it.

    `direction` *up* or *down*; `stated` is *true_change*, *correction*, or "" where nobody said
    which of the two it is: then it needs an answer.
    """

    before: GradeAt
    after: GradeAt
    direction: str
    stated: str
    reason: Reason


def compare(local: Values, review: Values) -> tuple[Compared, ...]:
    """Field by field, in the order a board asks; fields that neither report has are left out.

    Values are columns of a pathology as text. The grade is the derived category where both have
    one, else the stated grade. Text that is no Ki-67 or number makes that field not comparable.
    """
    found = [_compare_field(field, local, review) for field in FIELDS]
    return tuple(one for one in found if one.local or one.review)


def verdict(compared: Sequence[Compared]) -> str:
    """*differ* where one field differs, else *agree* where one agrees, else *not_comparable*."""
    verdicts = {one.verdict for one in compared}
    return next((v for v in (DIFFER, AGREE) if v in verdicts), NOT_COMPARABLE)


def grade_course(reports: Sequence[Values]) -> tuple[GradeAt, ...]:
    """The grade of each specimen in order of date; undated ones and those without grade left out.

    A review (`review_of_id`) takes the place of the report it reviews. Keys: id, date,
    derived_category, grade_stated, change_kind, report_kind, review_of_id, specimen_site.
    """
    reviewed = {
        report["review_of_id"]: report
        for report in reports
        if report.get("review_of_id") and _grade_of(report)
    }
    points = []
    for report in reports:
        first = report.get("review_of_id") or ""
        replaced = report.get("id") in reviewed or not _grade_of(report)
        known = any(other.get("id") == first for other in reports)
        dated = report.get("date") or next(
            (o.get("date") or "" for o in reports if first and o.get("id") == first), ""
        )
        if replaced or not dated:
            continue
        points.append(
            GradeAt(
                id=report.get("id") or "",
                date=dated,
                grade=_grade_of(report),
                reviewed=bool(first and known) or report.get("report_kind") == CENTRAL_REVIEW,
                change_kind=report.get("change_kind") or "",
                site=report.get("specimen_site") or "",
            )
        )
    return tuple(sorted(points, key=lambda point: (assumed(point.date), point.id)))


def grade_changes(course: Sequence[GradeAt]) -> tuple[GradeChange, ...]:
    """Where the grade went up or down, against the last one that can be ranked."""
    changes = []
    before: GradeAt | None = None
    for point in course:
        if _ranks(point.grade) is None:
            continue
        direction = _direction(before.grade, point.grade) if before else ""
        if before and direction:
            changes.append(_change(before, point, direction))
        before = point
    return tuple(changes)


def _change(before: GradeAt, after: GradeAt, direction: str) -> GradeChange:
    values = {"before": grade_label(before.grade), "after": grade_label(after.grade),
              "date": after.date}  # fmt: skip
    template = {
        "true_change": N_("%(after)s on %(date)s after %(before)s: stated as a true change."),
        "correction": N_(
            "%(after)s on %(date)s after %(before)s: a correction of the earlier one."
        ),
    }.get(
        after.change_kind,
        N_("%(after)s on %(date)s after %(before)s: true change or correction is not stated."),
    )
    return GradeChange(before, after, direction, after.change_kind, Reason(template, values))


def grade_label(grade: str) -> str:
    """The English label of a derived category or stated grade."""
    for name, key in (("grade_categories", "category"), ("codes/grade_stated", "code")):
        row = tables.by_key(name, key).get(grade)
        if row:
            return row["label"]
    return grade


def _grade_of(report: Values) -> str:
    """The derived category where it has a rank, else the stated grade."""
    derived = report.get("derived_category") or ""
    stated = report.get("grade_stated") or ""
    if _ranks(derived) is not None:
        return derived
    return stated if stated not in OPEN_ANSWERS else derived


def _ranks(grade: str) -> tuple[str, int, int] | None:
    row = tables.by_key("grade_ranks", "grade").get(grade)
    return (row["scale"], int(row["low"]), int(row["high"])) if row else None


def _direction(before: str, after: str) -> str:
    """*up* or *down* where no reading of the two is the same rank, else ""."""
    one, other = _ranks(before), _ranks(after)
    if one is None or other is None or one[0] != other[0]:
        return ""
    if other[1] > one[2]:
        return UP
    return DOWN if other[2] < one[1] else ""


# --- one field


def _compare_field(field: str, local: Values, review: Values) -> Compared:
    if field == "grade":
        return _compare_grade(local, review)
    one, other = _stated(local, field), _stated(review, field)
    if not one or not other:
        return _missing(field, one, other)
    if field in CODED:
        same = one == other
        template = N_("Both say the same.") if same else N_("The two differ.")
        return Compared(field, one, other, AGREE if same else DIFFER, Reason(template))
    try:
        spans = _span(field, one), _span(field, other)
    except ValueError as wrong:
        why = Reason(N_("%(why)s."), {"why": str(wrong)})
        return Compared(field, one, other, NOT_COMPARABLE, why)
    return _compare_numbers(field, one, other, *spans)


def _stated(report: Values, field: str) -> str:
    text = (report.get(field) or "").strip()
    return "" if text in OPEN_ANSWERS else text


def _missing(field: str, one: str, other: str) -> Compared:
    template = N_("Only the review states it.") if other else N_("Only the local report states it.")
    return Compared(field, one, other, NOT_COMPARABLE, Reason(template))


def _span(field: str, text: str) -> Span:
    if field == "ki67_percent":
        ki67 = parse_ki67(text)
        return ki67.lowest(), ki67.highest()
    value = (number(text), EXACTLY)
    return value, value


def _compare_numbers(field: str, one: str, other: str, local: Span, review: Span) -> Compared:
    if local[0] <= review[1] and review[0] <= local[1]:
        return Compared(field, one, other, AGREE, Reason(N_("Both say the same.")))
    lower, upper = min(local[1], review[1]), max(local[0], review[0])
    by = plain(upper[0] - lower[0])
    exact = local[0] == local[1] and review[0] == review[1]
    template = N_("They differ by %(by)s.") if exact else N_("They differ by at least %(by)s.")
    reason = Reason(template, {"by": by})
    return Compared(field, one, other, DIFFER, reason, by, _crosses(field, lower, upper))


def _crosses(field: str, lower: Bound, upper: Bound) -> bool:
    """Whether a limit of the digestive grade lies between the two."""
    limits = thresholds()
    low, high = {
        "ki67_percent": (limits.gep_ki67_g2_from, limits.gep_ki67_g2_to),
        "mitoses_per_2mm2": (limits.gep_mitoses_g2_from, limits.gep_mitoses_g2_to),
    }[field]
    return reaches(lower, low) != reaches(upper, low) or above(lower, high) != above(upper, high)


def _compare_grade(local: Values, review: Values) -> Compared:
    both_derived = all(_ranks(report.get("derived_category") or "") for report in (local, review))
    name = "derived_category" if both_derived else "grade_stated"
    one, other = _stated(local, name), _stated(review, name)
    if not one or not other:
        return _missing("grade", one, other)
    values = {"local": grade_label(one), "review": grade_label(other)}
    first, second = _ranks(one), _ranks(other)
    if one == other:
        return Compared("grade", one, other, AGREE, Reason(N_("Both say the same.")))
    if first is None or second is None or first[0] != second[0]:
        template = N_("%(local)s and %(review)s are not grades of one scale.")
        return Compared("grade", one, other, NOT_COMPARABLE, Reason(template, values))
    direction = _direction(one, other)
    if not direction:
        template = N_("%(local)s and %(review)s can be the same grade.")
        return Compared("grade", one, other, AGREE, Reason(template, values))
    by = second[1] - first[2] if direction == UP else first[1] - second[2]
    template = {
        UP: N_("Local %(local)s, review %(review)s: higher by %(by)s."),
        DOWN: N_("Local %(local)s, review %(review)s: lower by %(by)s."),
    }[direction]
    reason = Reason(template, {**values, "by": str(by)})
    return Compared("grade", one, other, DIFFER, reason, by=str(by), crosses_grade=True)
