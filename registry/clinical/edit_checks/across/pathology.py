"""Pathology as a series: reviews against their reports, and the grade over time."""

from __future__ import annotations

from collections.abc import Iterator

from registry.clinical.agreement import (
    CENTRAL_REVIEW,
    DIFFER,
    compare,
    grade_changes,
    grade_course,
)
from registry.clinical.edit_checks.across.entries import Entry, Record, finding, is_before
from registry.clinical.edit_checks.finding import Finding
from registry.clinical.results import N_, Reason

COMPARED = (
    "id", "date", "report_kind", "review_of_id", "change_kind", "specimen_site", "differentiation",
    "ki67_percent", "mitoses_per_2mm2", "grade_stated", "derived_category", "cell_type", "necrosis",
    "type_stated", "morphology",
)  # fmt: skip
# A difference in these alone changes what the tumour is.
WEIGHTY = ("differentiation", "grade", "cell_type")


def checks_of_pathology(record: Record) -> Iterator[Finding]:
    """Every central review beside its report, and changes of the grade nobody explained."""
    for review in record.all("pathology"):
        named = review.text("review_of_id")
        if named and named == review.id:
            reason = Reason(N_("A report cannot review itself."))
            yield finding("review_of_itself", reason, review, variables=("report_kind",))
        elif review.text("report_kind") == CENTRAL_REVIEW and not named:
            reason = Reason(N_("The central review does not name the report it reviews."))
            yield finding("review_without_report", reason, review, variables=("report_kind",))
        else:
            report = record.linked(review, "review_of_id", "pathology")
            if report is not None:
                yield from _review(report, review)
    for tumour in record.all("tumour") or (None,):
        yield from _grades(record, tumour)


def _facts(report: Entry) -> dict[str, str]:
    facts = {name: report.text(name) for name in COMPARED}
    return facts | {"id": report.id, "date": report.date("date")}


def _review(report: Entry, review: Entry) -> Iterator[Finding]:
    differing = [
        one
        for one in compare(_facts(report), _facts(review))
        if one.verdict == DIFFER and (one.field in WEIGHTY or one.crosses_grade)
    ]
    if differing and not review.text("change_kind"):
        template = N_("The review differs from the local report, and nobody said what that means.")
        yield finding(
            "review_disagrees", Reason(template), review, report,
            variables=("change_kind", *(_column(one.field) for one in differing)),
            because=tuple(one.reason for one in differing),
        )  # fmt: skip
    one, other = report.date("date"), review.date("date")
    moved = is_before(one, other) or is_before(other, one)
    sites = {report.text("specimen_site"), review.text("specimen_site")} - {""}
    if moved or len(sites) > 1:
        reason = Reason(N_("A review is of the same specimen: its date or site is another."))
        yield finding(
            "review_of_other_specimen", reason, review, report, variables=("date", "specimen_site")
        )


def _column(field: str) -> str:
    return "grade_stated" if field == "grade" else field


def _grades(record: Record, tumour: Entry | None) -> Iterator[Finding]:
    reports = record.of_tumour("pathology", tumour) if tumour else record.all("pathology")
    if tumour is not None and len(record.all("tumour")) > 1:
        reports = tuple(r for r in reports if r.text("tumour_id") == tumour.id)
    by_id = {report.id: report for report in reports}
    for change in grade_changes(grade_course([_facts(report) for report in reports])):
        if not change.stated:
            entries = (by_id[change.after.id], by_id[change.before.id])
            yield finding(
                "grade_change_unstated", change.reason, *entries, variables=("change_kind",)
            )
