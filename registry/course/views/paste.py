"""A table of dated values, pasted: read cell by cell, corrected in place, saved in one go."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import render_template, request

from registry import audit, web
from registry.access import Right
from registry.course import pasting, queries, wording
from registry.course.forms import table as rows_
from registry.course.models import Biomarker
from registry.course.views import table
from registry.course.views.desk import Desk, desk_for
from registry.course.views.room import room
from registry.forms import Choice, HouseForm, LongText, Option, field_for
from registry.language import gettext as _
from registry.language import lazy_gettext as _l
from registry.patients import queries as patients


def _orders() -> list[Option]:
    return [Option("day", _("Day first: 3/4 is 3 April")), Option("month", _("Month first: 3/4 is 4 March"))]  # noqa: E501  # fmt: skip


class PasteForm(HouseForm):
    """What is pasted, and what holds where the table does not say."""

    text = LongText(
        _l("The table"),
        help=_l(
            "From a spreadsheet or a laboratory's print-out. The first line may name the columns."
        ),
        longest=pasting.LONGEST,
        needed=_l("Paste the table."),
    )
    order = Choice(_l("Dates with strokes"), options=_orders)
    analyte = field_for(Biomarker, "analyte")
    unit = field_for(Biomarker, "unit")
    upper_limit = field_for(Biomarker, "upper_limit")


@room.page(
    "/patients/<uuid:patient_id>/course/biomarker/paste",
    right=Right.WRITE_COURSE,
    methods=("GET", "POST"),
)
def paste(patient_id: UUID) -> Any:
    """Ask for the table, show how it is read, keep it."""
    desk = desk_for("biomarker", patients.patient_to_write(web.viewer(), patient_id))
    if request.method == "POST" and request.form.get("step") == "save":
        sheet = table.new_sheet(desk)
        sheet.rows = list(rows_.sent_rows("biomarker", request.form))
        there = queries.entries(desk.patient, "biomarker")
        sheet.rows = [row for row in sheet.rows if not _known(row, there)]
        if not sheet.rows:
            web.done(_("Everything is in the record already."))
            return web.go("chart.chart", patient_id=patient_id, _anchor="biomarker")
        return table.keep(sheet, lambda left: _preview(desk, left))
    form = PasteForm(request.form if request.method == "POST" else None, stored={"order": "day"})
    if request.method == "GET":
        return _page(desk, form)
    if not form.validate():
        return _page(desk, form), 422
    return _read(desk, form)


def _read(desk: Desk, form: PasteForm) -> Any:
    """The values of the table as rows that can be corrected."""
    given = {name: form[name].data for name in ("analyte", "unit", "upper_limit")}
    found = pasting.read(
        form["text"].data,
        month_first=form["order"].data == "month",
        analyte=given["analyte"] or "",
        unit=given["unit"] or "",
        limit=str(given["upper_limit"] or ""),
    )
    if not found.rows:
        form["text"].errors.append(_("No value was found in this."))
        return _page(desk, form), 422
    sheet = table.new_sheet(desk)
    there = queries.entries(desk.patient, "biomarker")
    known = 0
    for number, one in enumerate(found.rows):
        row = rows_.blank_row("biomarker", number, one.cells)
        row.source = one.source
        row.form.validate()
        if _known(row, there) or any(_twice(row, other) for other in sheet.rows):
            known += 1
        else:
            sheet.rows.append(row)
    if not sheet.rows:
        web.done(_("Everything is in the record already."))
        return web.go("chart.chart", patient_id=desk.patient.id, _anchor="biomarker")
    return _preview(desk, sheet, found=found, known=known)


def _known(row: rows_.Row, there: list[Any]) -> bool:
    """Is this value in the record already?"""
    return any(
        one.id != row.entry_id
        and one.date == row.form["date"].data
        and rows_.same("biomarker", row, one)
        for one in there
    )


def _twice(row: rows_.Row, other: rows_.Row) -> bool:
    return not row.form.errors and row.form.stated() == other.form.stated()


def _preview(desk: Desk, sheet: Any, *, found: Any = None, known: int = 0) -> str:
    _opened(desk)
    return render_template(
        "course/paste_rows.html",
        sheet=sheet,
        rows=sheet.rows,
        desk=desk,
        found=found,
        known=known,
        identity=patients.identity(desk.patient),
        words=wording,
    )


def _page(desk: Desk, form: PasteForm) -> str:
    _opened(desk)
    return render_template(
        "course/paste.html", form=form, desk=desk, identity=patients.identity(desk.patient)
    )


def _opened(desk: Desk) -> None:
    audit.opened(
        "opened biomarker table",
        by=web.viewer(),
        subject=("patient", desk.patient.id),
        patient_id=desk.patient.id,
    )
