"""The worklist as a file, with pseudonyms only, and on paper; one referral on paper."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from flask import Response, render_template, request

from registry import audit, codes, web
from registry.access import Right
from registry.language import gettext as _
from registry.patients import queries as patients
from registry.referrals import queries, reading, rules
from registry.referrals.queries import WorkRow
from registry.referrals.rules import worklist as known
from registry.referrals.views.lists import day, listed
from registry.referrals.views.room import room
from registry.referrals.views.work_rows import Words, site_name
from registry.referrals.views.worklist import filters_of

MOST_LINES = 5_000
MOST_ON_PAPER = 200
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _rows() -> list[WorkRow]:
    """The first cases of the view: one more than a file holds where there are more."""
    viewer, filters = web.viewer(), filters_of(request.args)
    return queries.worklist(viewer, filters, limit=MOST_LINES, named=False)


def _lines(rows: list[WorkRow]) -> Iterator[list[str]]:
    """The list by pseudonym: no name, no birth date, no text anybody typed. That it is not all of
    it stands first, for nobody reads thousands of lines to their end."""
    heads = [
        _("Pseudonym"), _("Urgency"), _("Deadline"), _("Clock"), _("Primary site"),
        _("Syndrome"), _("Grade"), _("Stage"), _("Question"), _("Referring hospital"),
        _("Sent on"), _("Days waiting"), _("State"), _("Assigned to"), _("Items missing"),
    ]  # fmt: skip
    yield heads
    if len(rows) > MOST_LINES:
        said = _("Only the first %(number)s cases: narrow the list to get the others.",
                 number=MOST_LINES)  # fmt: skip
        yield [said, *[""] * (len(heads) - 1)]
    for row in rows[:MOST_LINES]:
        yield [
            row.identity.pseudonym,
            row.urgency,
            row.deadline.isoformat(),
            row.clock,
            site_name(row.primary_site),
            codes.label("functioning_syndrome", row.syndrome),
            codes.label("grade_category", row.grade_category),
            codes.label("stage_group", row.stage),
            codes.label("question", row.question),
            row.hospital,
            row.submitted_at.date().isoformat(),
            str(row.waiting_days),
            str(rules.STATES[row.state]),
            row.assignee,
            str(row.missing_count),
        ]


def _left_the_house(kind: str) -> None:
    viewer = web.viewer()
    audit.opened(
        "downloaded worklist",
        by=viewer,
        subject=("worklist", kind),
        patient_id=None,
    )


@room.page("/worklist/list.csv", right=Right.TRIAGE)
def worklist_csv() -> Any:
    """The view as CSV."""
    rows = _rows()
    _left_the_house("csv")
    out = io.StringIO()
    csv.writer(out).writerows([cell(text) for text in line] for line in _lines(rows))
    return Response(
        "\ufeff" + out.getvalue(),
        mimetype="text/csv",
        headers={"Content-Disposition": "attachment; filename=worklist.csv"},
    )


@room.page("/worklist/list.xlsx", right=Right.TRIAGE)
def worklist_xlsx() -> Any:
    """The view as a workbook; every cell is text, none a formula."""
    from openpyxl import Workbook  # few ask for it: a start does not wait for it

    rows = _rows()
    _left_the_house("xlsx")
    book = Workbook(write_only=True)
    sheet = book.create_sheet(_("Worklist"))
    for line in _lines(rows):
        sheet.append([cell(text) for text in line])
    out = io.BytesIO()
    book.save(out)
    return Response(
        out.getvalue(),
        mimetype=XLSX,
        headers={"Content-Disposition": "attachment; filename=worklist.xlsx"},
    )


@room.page("/worklist/print", right=Right.TRIAGE)
def intake_list() -> Any:
    """The view on paper, with names: for the morning round of the centre."""
    rows = queries.worklist(web.viewer(), filters_of(request.args), limit=MOST_ON_PAPER)
    shown = rows[:MOST_ON_PAPER]
    listed(shown)
    return render_template(
        "referrals/intake_list.html",
        rows=Words(queries.today_here(web.viewer())).shown(shown),
        more=len(rows) > len(shown),
        back=known.filters(request.args),
        state_words=rules.STATES,
        today=day(queries.today_here(web.viewer())),
    )


@room.page("/referrals/<uuid:referral_id>/print", right=Right.READ_REFERRAL)
def paper(referral_id: UUID) -> Any:
    """One referral on paper, as it was sent last."""
    viewer = web.viewer()
    found = queries.referral(viewer, referral_id)
    audit.opened(
        "opened referral", by=viewer, subject=("referral", found.id), patient_id=found.patient_id
    )
    sent = queries.latest_submission(found)
    return render_template(
        "referrals/paper.html",
        referral=found,
        identity=patients.identity(found.patient),
        age=queries.age_text(found.patient.birth_date, queries.today_here(viewer)),
        blocks=reading.blocks(sent.asked, sent.facts) if sent else [],
        sent=sent,
        waiting=queries.waited(found.submitted_at, found.advised_at or found.ended_at),
        state_words=rules.STATES,
        day=day,
    )
