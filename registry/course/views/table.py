"""Several entries of a kind in one table: corrected in place, added at the end, saved in one go."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from flask import render_template, request

from registry import audit, web
from registry.access import Right
from registry.clinical.edit_checks import REFUSE
from registry.course import actions, facts, following, planning, queries, wording
from registry.course.fast import quick_field
from registry.course.forms import table as rows_
from registry.course.forms.entry import LINK_LABELS
from registry.course.forms.table import MOST_STORED, TABLES, Columns, Row
from registry.course.models import links_of
from registry.course.rules import checks
from registry.course.views import drafts
from registry.course.views.desk import Desk, desk_for
from registry.course.views.room import room
from registry.course.views.saved import tell_saved
from registry.errors import Conflict, Invalid, NotFound
from registry.forms import Choice, HouseForm, Option
from registry.language import gettext as _
from registry.patients import queries as patients


@dataclass
class Sheet:
    """A table on the desk: its rows, what they all belong to, and what is said above them."""

    desk: Desk
    columns: Columns
    top: Any  # the form above the rows: links, and what holds for all
    rows: list[Row] = field(default_factory=list)
    focus: int | None = None  # the row that was asked for: there one goes on
    earlier = 0  # entries too many for the page: the earliest are not in the table

    def links(self) -> dict[str, Any]:
        """What every row belongs to, by the name of the link."""
        return {name: self._linked(name) for name in links_of(self.desk.model)}

    def _linked(self, name: str) -> Any:
        found = self.desk.linkable.get(name, ())
        if name in self.top:
            chosen = self.top[name].data
            return next((one for one in found if str(one.id) == chosen), None)
        return found[0] if name == "tumour" and len(found) == 1 else None

    def link_ids(self) -> dict[str, Any]:
        """The same as ids by column."""
        return {f"{name}_id": one.id if one else None for name, one in self.links().items()}

    @property
    def mark(self) -> str:
        """A mark of all warnings shown; sent back it says that they were seen."""
        said = [
            [row.number, f.short_name, f.warnings, str(f.data)]
            for row in self.rows
            for f in row.form
            if f.warnings
        ]
        text = json.dumps(said, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16] if said else ""

    @property
    def has_errors(self) -> bool:
        """Is a cell wrong, or the head?"""
        return bool(self.top.errors) or any(row.form.errors or row.note for row in self.rows)


@room.page(
    "/patients/<uuid:patient_id>/course/<entity>/table",
    right=Right.WRITE_COURSE,
    methods=("GET", "POST"),
)
def table(patient_id: UUID, entity: str) -> Any:
    """All entries of a kind that may be changed here, and empty rows for more."""
    if entity not in TABLES:
        raise NotFound()
    desk = desk_for(entity, patients.patient_to_write(web.viewer(), patient_id))
    if request.method == "GET":
        return _opened(desk)
    sheet = new_sheet(desk)
    if drafts.is_thrown_away():
        return drafts.throw_away(desk.patient, _page_of(sheet))
    sheet.rows = list(rows_.sent_rows(entity, request.form))
    if "more" in request.form:
        numbers = [row.number for row in sheet.rows]
        sheet.focus = max(numbers, default=-1) + 1
        sheet.rows += [rows_.blank_row(entity, max(numbers, default=-1) + 1 + n) for n in range(5)]
        return _page(sheet)
    return keep(sheet, _page)


def _opened(desk: Desk) -> Any:
    """What stands, and room for more; with what was typed and not saved, where there is a draft."""
    sheet = new_sheet(desk)
    typed = drafts.typed(desk.patient, _page_of(sheet))
    if typed is not None:
        again = new_sheet(desk, sent=typed.sent)
        rows, differs = _restored(again, typed.sent)
        if differs:
            again.rows = rows
            again.rows = rows + _blank(again, proposed=False)
            return _page(again, typed)
    sheet.rows = _stored(sheet) + _blank(sheet)
    return _page(sheet)


def _page_of(sheet: Sheet) -> str:
    parent = sheet.columns.parent
    return drafts.table_page(sheet.desk, sheet.links()[parent] if parent else None)


def _restored(sheet: Sheet, sent: Any) -> tuple[list[Row], bool]:
    """The rows that stand, each as it was typed where that differs, then the new ones that were
    typed; and whether anything differs at all."""
    typed = {row.entry_id: row for row in rows_.sent_rows(sheet.desk.entity, sent)}
    rows, differs = [], False
    for row in _stored(sheet):
        other = typed.pop(row.entry_id, None)
        if other is not None and not other.is_new and not _says_the_same(other, row):
            row.form, row.version, differs = rows_.moved(other, row, sent), other.version, True
        rows.append(row)
    new = [row for row in typed.values() if row.is_new and not row.form.is_blank]
    kept = queries.existing(sheet.desk.entity, [row.entry_id for row in new])
    new = [row for row in new if row.entry_id not in kept]
    return rows + new, differs or bool(new)


def _says_the_same(one: Row, other: Row) -> bool:
    return not one.form.errors and one.form.stated() == other.form.stated()


def new_sheet(desk: Desk, *, sent: Any = None, **more: Any) -> Sheet:
    """The table of an entity, its head from what was sent or asked. NotFound without its parent."""
    columns = TABLES[desk.entity]
    sent = request.form if request.method == "POST" else sent
    asked = {name: request.args.get(name, "") for name in links_of(desk.model)}
    for name, found in desk.linkable.items():
        if not asked.get(name) and len(found) == 1:
            asked[name] = str(found[0].id)
    top = _head(desk, columns)(sent, stored=asked, **more)
    sheet = Sheet(desk, columns, top)
    if columns.parent and sheet.links()[columns.parent] is None and request.method == "GET":
        raise NotFound()
    return sheet


def _head(desk: Desk, columns: Columns) -> type[HouseForm]:
    """The form above the rows."""
    fields: dict[str, Any] = {}
    for name, found in desk.linkable.items():
        if found and (name != "tumour" or len(found) > 1):
            options = [Option(str(one.id), wording.named(one)) for one in found]
            fields[name] = Choice(LINK_LABELS[name], options=options)
    if columns.shared:
        fields[columns.shared] = quick_field(desk.model, columns.shared)
    return type("Head", (HouseForm,), fields)


def _stored(sheet: Sheet) -> list[Row]:
    if not sheet.columns.existing:
        return []
    kinds = patients.relation(web.viewer(), sheet.desk.patient.id)
    found = [
        one
        for one in queries.entries(sheet.desk.patient, sheet.desk.entity)
        if queries.may_change(web.viewer(), kinds, one) and _belongs(sheet, one)
    ]
    sheet.earlier = max(0, len(found) - MOST_STORED)
    found = found[sheet.earlier :]  # the latest, and those without a date
    return [rows_.stored_row(sheet.desk.entity, n, one) for n, one in enumerate(found)]


def _belongs(sheet: Sheet, entry: Any) -> bool:
    if not sheet.columns.parent:
        return True
    parent = sheet.links()[sheet.columns.parent]
    return bool(getattr(entry, f"{sheet.columns.parent}_id") == parent.id)


def _blank(sheet: Sheet, *, proposed: bool = True) -> list[Row]:
    first = max([999, *(row.number for row in sheet.rows)]) + 1  # behind every other row
    filled = _proposed(sheet) if proposed else []
    return [
        rows_.blank_row(sheet.desk.entity, first + n, filled[n] if n < len(filled) else None)
        for n in range(max(sheet.columns.blank, len(filled)))
    ]


def _proposed(sheet: Sheet) -> list[dict[str, str]]:
    """What the person asked to have filled in: planned days, or the last cycle again."""
    if sheet.desk.entity != "cycle":
        return []
    therapy = sheet.links()["therapy"]
    if request.args.get("plan"):
        return [
            {"number": str(one.number), "date": one.date.isoformat()}
            for one in planning.planned_cycles(therapy, sheet.desk.patient)
            if not one.ahead
        ]
    return planning.next_as_last(therapy, sheet.desk.patient) if request.args.get("copy") else []


# -- keeping -----------------------------------------------------------------------------------


def keep(sheet: Sheet, page: Any) -> Any:
    """Keep every row that is right; those that are wrong stay on the page."""
    sheet.rows = [row for row in sheet.rows if not (row.is_new and row.form.is_blank)]
    if not sheet.rows:
        sheet.rows = _blank(sheet)
        sheet.rows[0].note = _("Nothing is entered yet.")
        return page(sheet), 422
    _fetch(sheet)
    _check(sheet)
    if sheet.top.errors or sheet.mark not in ("", request.form.get("seen", "")):
        return page(sheet), 422
    kept = [entry for row in sheet.rows if (entry := _try(sheet, row)) is not None]
    left = [row for row in sheet.rows if row.form.errors or row.note]
    if left:
        sheet.rows = left
        if kept:
            web.done(_("%(n)s rows are saved. The rows below still need you.", n=len(kept)))
        return page(sheet), 200 if kept else 422
    drafts.drop(sheet.desk.patient, _page_of(sheet))
    if kept:
        tell_saved(kept)
    else:
        web.done(_("Nothing was changed."))
    return web.go("chart.chart", patient_id=sheet.desk.patient.id, _anchor=sheet.desk.entity)


def _try(sheet: Sheet, row: Row) -> Any:
    """Keep a row that is right; a message stays on one that is not. The entry, if it is new."""
    if row.form.errors or row.note:
        return None
    try:
        return _keep_row(sheet, row)
    except Conflict:
        row.note = _("Somebody else changed this row. Save again to keep what you typed.")
        row.version = row.entry.version if row.entry is not None else row.version
        row.stands = [f"{one.label}: {one.text}" for one in wording.said(row.entry)]
    except Invalid as refusal:
        row.form.say(refusal.field, refusal.message, wrong=True)
    return None


def _fetch(sheet: Sheet) -> None:
    """The entries of rows that are kept already; a stranger's is none."""
    for row in sheet.rows:
        if not row.is_new:
            row.entry = queries.entry_to_write(web.viewer(), sheet.desk.entity, row.entry_id)
            if row.entry.patient_id != sheet.desk.patient.id:
                raise NotFound()


def _check(sheet: Sheet) -> None:
    """Every cell, then what the rows together contradict in the record."""
    sheet.top.validate()
    parent = sheet.columns.parent
    if parent and sheet.links()[parent] is None:
        name = parent if parent in sheet.top else next(iter(sheet.top._fields), "")
        if name:
            sheet.top[name].errors.append(_("Choose what the rows belong to."))
        else:
            raise NotFound()
    for row in sheet.rows:
        _take_shared(sheet, row)
        row.form.validate()
    drafts = [_draft(sheet, row) for row in sheet.rows if not row.form.errors]
    by_id = {str(row.entry_id): row for row in sheet.rows}
    for one in queries.draft_findings(sheet.desk.patient, {sheet.desk.entity: drafts}):
        own = next((e for e in one.entries if e[0] == sheet.desk.entity and e[1] in by_id), None)
        name = checks.field_of(one, sheet.desk.entity)
        wrong = one.severity == REFUSE
        if own and one.code != checks.UNUSUAL and (own == one.entries[0] or wrong):
            by_id[own[1]].form.say(name, wording.reason(one.reason), wrong=wrong)


def _take_shared(sheet: Sheet, row: Row) -> None:
    name = sheet.columns.shared
    if name and row.form[name].is_empty and not row.form[name].errors:
        row.form[name].data = sheet.top[name].data
        row.form[name].absent = sheet.top[name].absent


def _draft(sheet: Sheet, row: Row) -> dict[str, Any]:
    said = row.form.stated()
    found = queries.row(row.entry) if row.entry is not None else {}
    found |= {name: facts.plain(value) for name, value in said.values.items()}
    if row.is_new:
        found |= {name: str(one or "") for name, one in sheet.link_ids().items()}
    absent = {**(found.get("absent") or {}), **said.absent}
    return found | {"id": str(row.entry_id), "absent": absent, "error_at": None}


def _keep_row(sheet: Sheet, row: Row) -> Any:
    """Add or change the entry of a row; None where nothing is new."""
    said = row.form.stated()
    values = {name: None if value == [] else value for name, value in said.values.items()}
    if row.is_new:
        return actions.add(
            sheet.desk.entity,
            sheet.desk.patient,
            by=web.viewer(),
            values=values,
            absent=said.absent,
            entry_id=row.entry_id,
            **sheet.link_ids(),
        )
    asked = set(row.form.names)
    absent = {n: why for n, why in (row.entry.absent or {}).items() if n not in asked}
    before = row.entry.version
    actions.change(
        row.entry,
        by=web.viewer(),
        version=row.version,
        values=values,
        absent=absent | said.absent,
    )
    return row.entry if row.entry.version != before else None


# -- what a page shows -------------------------------------------------------------------------


def _page(sheet: Sheet, typed: drafts.Typed | None = None) -> str:
    desk = sheet.desk
    audit.opened(
        f"opened {desk.entity} table",
        by=web.viewer(),
        subject=("patient", desk.patient.id),
        patient_id=desk.patient.id,
    )
    therapy = sheet.links().get("therapy")
    planned = (
        planning.planned_cycles(therapy, desk.patient)
        if desk.entity == "cycle" and therapy is not None
        else []
    )
    return render_template(
        "course/table.html",
        sheet=sheet,
        rows=_with_derived(sheet),
        desk=desk,
        identity=patients.identity(desk.patient),
        words=wording,
        parent=therapy if sheet.columns.parent == "therapy" else None,
        planned=planned,
        filled=bool(request.args.get("plan") or request.args.get("copy")),
        page=_page_of(sheet),
        typed=typed,
        draft_version=drafts.version_to_send(typed),
    )


def _with_derived(sheet: Sheet) -> Sequence[Row]:
    """Beside each row what follows from it and from those before it, as they are typed."""
    typed = {row.entry_id: row.form.stated().values for row in sheet.rows}
    therapy = sheet.links().get("therapy") if sheet.desk.entity == "cycle" else None
    earlier = following.earlier_activity(sheet.desk.patient, therapy) if therapy else Decimal(0)
    noted = following.notes_of_rows(sheet.desk.entity, list(typed.values()), earlier)
    for row, notes in zip(sheet.rows, noted, strict=True):
        row.derived = [
            f"{note.label}: {note.answer}" if note.answer else note.label for note in notes
        ]
    return sheet.rows


@room.page(
    "/patients/<uuid:patient_id>/course/<entity>/table/derive",
    right=Right.WRITE_COURSE,
    methods=("POST",),
)
def derive_table(patient_id: UUID, entity: str) -> Any:
    """What follows from each row as it is typed, and what is unusual in it; nothing is kept."""
    if entity not in TABLES:
        raise NotFound()
    desk = desk_for(entity, patients.patient_to_write(web.viewer(), patient_id))
    sheet = new_sheet(desk)
    sheet.rows = [
        row
        for row in rows_.sent_rows(entity, request.form)
        if not (row.is_new and row.form.is_blank)
    ]
    _fetch(sheet)
    _check(sheet)
    _with_derived(sheet)
    return render_template("course/_table_derived.html", sheet=sheet)
