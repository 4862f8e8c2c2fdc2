"""Who of the centre's patients is due for what, with the reason and the source of each interval."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from flask import Response, render_template, request, url_for

from registry import audit, codes, web
from registry.access import Right
from registry.clinical import tables
from registry.clinical.follow_up import GRADES
from registry.clinical.results import Reason
from registry.course import wording
from registry.course.intervals import in_force
from registry.course.queries import due as queries
from registry.course.queries.due import DueRow, Filters
from registry.course.views.room import room
from registry.dates import PartialDate, today
from registry.language import gettext as _
from registry.language import lazy_gettext as _l
from registry.patients import queries as patients
from registry.patients.queries import Identity

PAGE = 50
#: Rows of one download; a centre with more narrows the list first.
MOST = 5000

audit.learn(
    {
        "listed follow-up": _l("Saw the patient in the list of follow-up due"),
        "downloaded follow-up": _l("Downloaded the list of follow-up due"),
    }
)


def _filters() -> Filters:
    when = request.args.get("when", "12")
    test, grade = request.args.get("test", ""), request.args.get("grade", "")
    return Filters(
        when=when if when in (*queries.HORIZONS, "early") else "12",
        test=test if test in codes.codes("follow_up_test") else "",
        grade=grade if grade in GRADES else "",
        site=request.args.get("site", "")[:40],
        clinician=web.as_id(request.args.get("clinician")),
    )


def _mark() -> queries.Mark | None:
    """The place to read on from, as it stands in the address."""
    patient_id, test = web.as_id(request.args.get("after")), request.args.get("after_test", "")
    try:
        on = date.fromisoformat(request.args.get("after_on", ""))
    except ValueError:
        return None
    return (on, patient_id, test[:40]) if patient_id else None


def _said(filters: Filters) -> dict[str, Any]:
    """The filters as they stand in an address."""
    named = {
        "when": filters.when if filters.when != "12" else "",
        "test": filters.test,
        "grade": filters.grade,
        "site": filters.site,
        "clinician": filters.clinician or "",
    }
    return {name: value for name, value in named.items() if value}


@room.page("/follow-up", right=Right.FOLLOW_UP)
def due() -> Any:
    """The list: overdue and due soon, or done too early."""
    viewer, filters = web.viewer(), _filters()
    rows = queries.due(viewer, filters, today(), after=_mark(), limit=PAGE)
    shown, more = rows[:PAGE], ""
    if len(rows) > PAGE:
        last = shown[-1]
        place: dict[str, Any] = {"after_on": last.on, "after_test": last.test}
        more = url_for("course.due", after=last.patient_id, **_said(filters), **place)
    _seen({row.patient_id for row in shown})
    found = queries.counts(viewer, today())
    return render_template(
        "course/due.html",
        rows=[_words(row) for row in shown],
        filters=filters,
        said=_said(filters),
        more=more,
        first=_mark() is None,
        counts=_by_test(found),
        who=patients.identities(viewer, {row.patient_id for row in shown}),
        tests=_options("follow_up_test"),
        sites=_options("triage_group"),
        grades=[(grade, grade_words(grade)) for grade in GRADES],
        people=list(queries.clinicians(viewer).items()),
        intervals=in_force(),
        may_write=viewer.may(Right.WRITE_COURSE),
    )


def _seen(ids: set[UUID]) -> None:
    about = [(one, one) for one in sorted(ids)]
    audit.listed("listed follow-up", "patient", about, by=web.viewer())


def _options(name: str) -> list[tuple[str, str]]:
    return [(code, codes.label(name, code)) for code in codes.codes(name)]


def grade_words(grade: str) -> str:
    """A grade of follow-up in words."""
    words = {"1": _("G1"), "2": _("G2"), "3": _("NET G3"), "nec": _("Carcinoma")}
    return str(words.get(grade, _("Grade not known")))


def _by_test(found: dict[tuple[str, str], int]) -> list[dict[str, Any]]:
    """A line for each test that is due: how many overdue, in 4 and in 12 weeks."""
    tests = [code for code in codes.codes("follow_up_test") if any(t == code for t, _w in found)]
    return [
        {
            "test": test,
            "label": codes.label("follow_up_test", test),
            **{f"n{when}": found.get((test, when), 0) for when in ("overdue", "4", "12")},
        }
        for test in tests
    ]


def _words(row: DueRow) -> dict[str, Any]:
    """A row ready to be laid out."""
    item = row.item
    reasons = [wording.reason(_reason(one)) for one in item.get("reasons", [])]
    return {
        "row": row,
        "test": codes.label("follow_up_test", row.test),
        "by": wording.date(PartialDate.of(row.on)) if row.is_dated else str(_("now")),
        "from": wording.date(PartialDate(item["from"])) if item.get("from") else "",
        "last": wording.date(PartialDate(item["last"])) if item.get("last") else "",
        "late": row.is_dated and row.on < today(),
        "grade": grade_words(row.grade),
        "site": codes.label("triage_group", row.site_group),
        "reasons": reasons,
        "source": item.get("source", ""),
        "interval": item.get("row", ""),
    }


def _reason(kept: dict[str, Any]) -> Reason:
    """A reason as it is kept, with its dates in the reader's words."""
    values = dict(kept["values"])
    for name in ("last", "since", "date"):
        if values.get(name):
            values[name] = wording.date(PartialDate(values[name]))
    return Reason(kept["template"], values)


@room.page("/follow-up.csv", right=Right.FOLLOW_UP)
def due_csv() -> Any:
    """The narrowed list as a file, by pseudonym: no name leaves with it."""
    viewer, filters = web.viewer(), _filters()
    rows = queries.due(viewer, filters, today(), limit=MOST)[:MOST]
    who = patients.identities(viewer, {row.patient_id for row in rows})
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.writer(out)
    writer.writerow(
        ["pseudonym", "test", "test_label", "due_from", "due_by", "last_done", "grade",
         "site_group", "reason", "interval", "source"]
    )  # fmt: skip
    for row in rows:
        words, item = _words(row), row.item
        cells = [
            _pseudonym(who, row), row.test, words["test"], item.get("from") or "",
            row.on.isoformat() if row.is_dated else "", item.get("last") or "", row.grade,
            row.site_group, " ".join(words["reasons"]), item.get("row", ""),
            item.get("source", ""),
        ]  # fmt: skip
        writer.writerow([_safe(str(cell)) for cell in cells])
    audit.opened(
        "downloaded follow-up",
        by=viewer,
        subject=("organisation", viewer.organisation_id),
        patient_id=None,
    )
    _seen({row.patient_id for row in rows})
    return Response(
        out.getvalue(),
        mimetype="text/csv",
        headers={"Content-Disposition": 'attachment; filename="follow-up-due.csv"'},
    )


def _pseudonym(who: Mapping[UUID, Identity], row: DueRow) -> str:
    found = who.get(row.patient_id)
    return found.pseudonym if found else ""


def _safe(text: str) -> str:
    """No cell is taken for a formula."""
    return "'" + text if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


@room.page("/follow-up/intervals", right=Right.FOLLOW_UP)
def intervals() -> Any:
    """The table of intervals in force, with the source of every row."""
    found = in_force()
    titles = {row["id"]: row["source"] for row in tables.rows("sources")}
    named = [
        (row, [(key, titles.get(key, "")) for key in row["source"].split(";")])
        for row in found.rows
    ]
    return render_template("course/due_intervals.html", found=found, rows=named)
