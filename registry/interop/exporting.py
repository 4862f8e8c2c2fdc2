"""A centre's own data: all its patients, identified, for those who treat them.

One CSV an entity in a ZIP, or one sheet an entity in a workbook, with a codebook. Both are written
straight into a sealed file, row by row: nothing lies open on the disk and memory does not grow.
"""

from __future__ import annotations

import csv
import io
import logging
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID
from xml.sax.saxutils import escape, quoteattr

import sqlalchemy as sa

from registry import audit, codes, dictionary, storage
from registry.access import Right, Viewer
from registry.course import facts
from registry.course.models import ENTITIES
from registry.db import db, new_id, now, snapshot, table_of
from registry.interop import claims, rules, sealed
from registry.interop.links import links_of
from registry.interop.models import CentreExport
from registry.interop.running import Lost
from registry.keys import ring
from registry.patients import bulk as people_bulk
from registry.patients import rules as relations
from registry.patients.models import CareRelation, LocalIdentifier, Patient
from registry.people import actions as people
from registry.people import queries as staff
from registry.people.models import Organisation, Person

log = logging.getLogger("netreg.interop")

BEGINS = {rules.ASKED: rules.MAKING}
#: Patients read at once: what bounds the memory.
BATCH = 300
_LAST_ROW = 1_048_000  # of a sheet; what is longer goes on in a second one
#: What a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class Column:
    """A column of the export: its name, and what it means."""

    name: str
    label: str
    kind: str = "text"
    unit: str = ""
    code_list: str = ""


@dataclass(frozen=True)
class Sheet:
    """What is written of one entity."""

    name: str
    columns: tuple[Column, ...]


# -- what is exported ----------------------------------------------------------------------------


def own_patients(organisation_id: UUID | None) -> sa.Select[Any]:
    """The ids of the patients an organisation treats."""
    return (
        sa.select(Patient.id)
        .join(CareRelation, CareRelation.patient_id == Patient.id)
        .where(
            CareRelation.organisation_id == organisation_id,
            CareRelation.kind == relations.TREATING,
            sa.or_(CareRelation.until_at.is_(None), CareRelation.until_at > now()),
            Patient.provisional.is_(False),
        )
    )


_WHO = (
    Column("pseudonym", "Pseudonym in the registry"),
    Column("hospital_number", "Hospital number"),
)


def _variables(model: type[Any]) -> Iterator[Column]:
    for name, declared in dictionary.described(model).items():
        kind = dictionary.kind_of(model, name)
        yield Column(name, str(declared.label), kind, str(declared.unit or ""), declared.codes)


def sheets() -> list[Sheet]:
    """The patient and every entity, in the order of a case."""
    absent = Column("absent", "Why values are missing")
    found = [Sheet("patient", (*_WHO, *_variables(Patient), absent))]
    for model in ENTITIES:
        own = Column(f"{model.entity}_id", "Id of the entry")
        links = [Column(f"{n}_id", "Id of the entry it belongs to") for n in links_of(model.entity)]
        said = (
            Column("source", "Where it comes from"),
            Column("entered_at", "When it was entered (UTC)"),
        )
        found.append(Sheet(model.entity, (*_WHO, own, *links, *_variables(model), absent, *said)))
    return found


class _Reading:
    """Reads the rows of an entity, some patients at a time, in the order of their pseudonyms."""

    def __init__(self, connection: Any, organisation_id: UUID | None) -> None:
        self._connection, self._organisation = connection, organisation_id
        query = own_patients(organisation_id).order_by(Patient.pseudonym)
        self.ids: list[UUID] = list(connection.execute(query).scalars())

    def rows(self, sheet: Sheet) -> Iterator[tuple[list[Any], int]]:
        """Each row of a sheet, with how many patients are behind it."""
        for start in range(0, len(self.ids), BATCH):
            batch = self.ids[start : start + BATCH]
            patients = self._patients(batch)
            numbers = self._numbers(batch)
            who = {one: [patients[one]["pseudonym"], numbers.get(one, "")] for one in batch}
            if sheet.name == "patient":
                for one in batch:
                    yield [*who[one], *_cells_of_patient(sheet, patients[one])], start
                continue
            for row in self._entries(sheet.name, batch):
                yield [*who[row["patient_id"]], *_cells(sheet, row)], start

    def _patients(self, batch: Sequence[UUID]) -> dict[UUID, Any]:
        table = table_of(Patient)
        found = self._connection.execute(sa.select(table).where(table.c.id.in_(batch))).mappings()
        return {row["id"]: row for row in found}

    def _numbers(self, batch: Sequence[UUID]) -> dict[UUID, str]:
        query = sa.select(
            LocalIdentifier.id, LocalIdentifier.patient_id, LocalIdentifier.number
        ).where(
            LocalIdentifier.organisation_id == self._organisation,
            LocalIdentifier.patient_id.in_(batch),
        )
        return {
            row.patient_id: ring().open(row.number, "local_identifier", "number", row.id)
            for row in self._connection.execute(query)
        }

    def _entries(self, entity: str, batch: Sequence[UUID]) -> list[Any]:
        [model] = [one for one in ENTITIES if one.entity == entity]
        table = table_of(model)
        query = sa.select(table).where(table.c.patient_id.in_(batch), table.c.error_at.is_(None))
        place = {one: number for number, one in enumerate(batch)}
        found = self._connection.execute(query).mappings().all()
        return sorted(
            found, key=lambda row: (place[row["patient_id"]], row["entered_at"], row["id"])
        )


def _cells_of_patient(sheet: Sheet, row: Any) -> list[Any]:
    cells: list[Any] = []
    for column in sheet.columns[len(_WHO) :]:
        value = row[column.name]
        if column.name in people_bulk.SEALED and value:
            value = ring().open(value, "patient", column.name, row["id"])
        cells.append(_plain(column, value))
    return cells


def _cells(sheet: Sheet, row: Any) -> list[Any]:
    found = {
        f"{sheet.name}_id": str(row["id"]),
        "source": " ".join(one for one in (row["source_kind"], row["source_id"]) if one),
        "entered_at": row["entered_at"].isoformat(timespec="seconds"),
    }
    return [
        found[c.name] if c.name in found else _plain(c, row[c.name])
        for c in sheet.columns[len(_WHO) :]
    ]


def _plain(column: Column, value: Any) -> Any:
    """A value as it stands in a cell: a Decimal stays a number, all else is text."""
    if value is None:
        return ""
    if column.name == "absent":
        return "; ".join(_reason(name, why) for name, why in value.items())
    if column.kind == "number" or type(value).__name__ == "Decimal":
        return value
    if isinstance(value, dict):
        return "; ".join(f"{name}={one}" for name, one in value.items())
    plain = facts.plain(value)
    return ";".join(map(str, plain)) if isinstance(plain, list) else str(plain)


def _reason(name: str, why: Any) -> str:
    because = f" ({why['because']})" if why.get("because") else ""
    return f"{name}={why['why']}{because}"


def escaped(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def codebook() -> Iterator[list[str]]:
    """What every column means, and every code."""
    yield ["sheet", "column", "what", "kind", "unit", "codes"]
    for sheet in sheets():
        for column in sheet.columns:
            listed = ""
            if column.code_list:
                some = list(codes.codes(column.code_list).values())
                shown = [f"{one.code} = {one.shown()}" for one in some[:200]]
                listed = "; ".join(shown) + ("; …" if len(some) > 200 else "")
            yield [sheet.name, column.name, column.label, column.kind, column.unit, listed]


# -- how it is written ---------------------------------------------------------------------------


class _Book(Protocol):
    def begin(self, name: str, header: Sequence[str]) -> None: ...
    def row(self, cells: Sequence[Any]) -> None: ...
    def finish(self) -> None: ...


class CsvBook:
    """One CSV a sheet, in a ZIP."""

    def __init__(self, out: Any) -> None:
        self._zip = zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6)
        self._text: io.TextIOWrapper | None = None
        self._rows: Any = None

    def begin(self, name: str, header: Sequence[str]) -> None:
        """Begin a file."""
        self._end()
        entry = self._zip.open(f"{name}.csv", "w", force_zip64=True)
        self._text = io.TextIOWrapper(entry, encoding="utf-8-sig", newline="")
        self._rows = csv.writer(self._text)
        self._rows.writerow(header)

    def row(self, cells: Sequence[Any]) -> None:
        """Write a row."""
        self._rows.writerow(
            [escaped(one) if isinstance(one, str) else format(one, "f") for one in cells]
        )

    def _end(self) -> None:
        if self._text is not None:
            self._text.close()
            self._text = None

    def finish(self) -> None:
        """Close the archive."""
        self._end()
        self._zip.close()


_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_SPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"


class XlsxBook:
    """A workbook, its sheets written one after the other. Texts stand in the cells themselves and
    are never formulas."""

    def __init__(self, out: Any) -> None:
        self._zip = zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6)
        self._names: list[str] = []
        self._open: Any = None
        self._header: Sequence[str] = ()
        self._count = 0

    def begin(self, name: str, header: Sequence[str]) -> None:
        """Begin a sheet."""
        self._end()
        self._names.append(name[:31])
        self._header, self._count = header, 0
        path = f"xl/worksheets/sheet{len(self._names)}.xml"
        self._open = self._zip.open(path, "w", force_zip64=True)
        self._say(
            f'{_HEAD}<worksheet xmlns="{_SPACE}"><sheetViews><sheetView workbookViewId="0">'
            '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
            "</sheetView></sheetViews><sheetData>"
        )
        self._write(header, style=1)

    def _say(self, text: str) -> None:
        self._open.write(text.encode())

    def row(self, cells: Sequence[Any]) -> None:
        """Write a row; a sheet that is full goes on in another."""
        if self._count >= _LAST_ROW:
            self.begin(f"{self._names[-1][:24]} (more)", self._header)
        self._write(cells)

    def _write(self, cells: Sequence[Any], style: int = 0) -> None:
        marked = f' s="{style}"' if style else ""
        self._count += 1
        self._say(f"<row>{''.join(_xml(one, marked) for one in cells)}</row>")

    def _end(self) -> None:
        if self._open is not None:
            self._say("</sheetData></worksheet>")
            self._open.close()
            self._open = None

    def finish(self) -> None:
        """Write what holds the sheets together, and close."""
        self._end()
        for path, text in _frame(self._names).items():
            self._zip.writestr(path, _HEAD + text)
        self._zip.close()


def _xml(cell: Any, marked: str) -> str:
    if not isinstance(cell, str):
        digits = len(cell.as_tuple().digits)
        if cell.is_finite() and digits <= 15:
            return f"<c{marked}><v>{cell:f}</v></c>"
        cell = format(cell, "f")
    if not cell:
        return "<c/>"
    text = escape(_NO_XML.sub("\ufffd", cell)[:32_767])
    return f'<c{marked} t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


def _frame(names: Sequence[str]) -> dict[str, str]:
    """The parts of a workbook around its sheets."""
    numbers = range(1, len(names) + 1)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{kind}.worksheet+xml"/>'
        for n in numbers
    )
    sheets_ = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{n}" r:id="rId{n}"/>'
        for n, name in zip(numbers, names, strict=True)
    )
    relations_ = "".join(
        f'<Relationship Id="rId{n}" Type="{_RELATION}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in numbers
    )
    return {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{kind}.styles+xml"/>{parts}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{_RELATION}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_SPACE}" xmlns:r="{_RELATION}">'
        f"<sheets>{sheets_}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'{relations_}<Relationship Id="rId0" Type="{_RELATION}/styles" Target="styles.xml"/>'
        "</Relationships>",
        "xl/styles.xml": f'<styleSheet xmlns="{_SPACE}"><fonts count="2">'
        '<font><sz val="11"/><name val="Calibri"/></font>'
        '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
        '<fills count="1"><fill><patternFill patternType="none"/></fill></fills>'
        '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
        '<cellXfs count="2"><xf/><xf fontId="1" applyFont="1"/></cellXfs>'
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'
        "</styleSheet>",
    }


# -- the making ----------------------------------------------------------------------------------


def make(export_id: UUID) -> None:
    """Make the file that was asked for, unless another process is at it or it was cancelled."""
    claim = claims.Claim(CentreExport, export_id, BEGINS)
    if not claim.take():
        return
    file_id = new_id()
    try:
        export: CentreExport = claim.ours()
        by, kind = _asker(export), export.kind
        organisation_id, attempts = export.organisation_id, export.attempts
        left = [UUID(one) for one in export.drafts]
        db.session.rollback()
        for one in left:
            storage.remove(one)
        if attempts > rules.ATTEMPTS or by is None:
            _fail(claim)
            return
        claim.tell(drafts=[str(file_id)])
        ids = write(claim, file_id, kind, organisation_id)
        _publish(claim, file_id, ids, by)
    except Lost:
        db.session.rollback()
        storage.remove(file_id)
    except Exception as error:
        db.session.rollback()
        storage.remove(file_id)
        log.error("export %s failed: %s", export_id, type(error).__name__)
        _fail(claim)
        raise


def _asker(export: CentreExport) -> Viewer | None:
    """Who asked, if they may still have it."""
    person = db.session.get_one(Person, export.person_id)
    place = db.session.get_one(Organisation, export.organisation_id)
    by = staff.viewer_of_person(person, place.code)
    seated = by.organisation_id == export.organisation_id
    return by if seated and by.may(Right.EXPORT_OWN) else None


def write(
    claim: claims.Claim, file_id: UUID, kind: str, organisation_id: UUID | None
) -> list[UUID]:
    """Write the sealed file; returns the patients in it."""
    with storage.writing(file_id) as out:
        writer = sealed.Writer(file_id, out)
        book: _Book = XlsxBook(writer) if kind == "xlsx" else CsvBook(writer)
        with snapshot() as connection:
            reading = _Reading(connection, organisation_id)
            every = sheets()
            total = len(reading.ids) * len(every)
            for number, sheet in enumerate(every):
                book.begin(sheet.name, [column.name for column in sheet.columns])
                for cells, behind in reading.rows(sheet):
                    book.row(cells)
                    claim.progress(done=number * len(reading.ids) + behind, total=total)
        lines = codebook()
        book.begin("codebook", next(lines))
        for line in lines:
            book.row(line)
        book.finish()
        writer.finish()
    return reading.ids


def _publish(claim: claims.Claim, file_id: UUID, ids: Sequence[UUID], by: Viewer) -> None:
    """Show the file, with an audit entry for every patient in it."""
    export: CentreExport = claim.ours()
    export.state, export.file_id, export.patients = rules.MADE, file_id, len(ids)
    export.size = sealed.Reader(file_id).size
    export.maker = export.heartbeat_at = None
    export.drafts = []
    export.expires_at = now() + rules.EXPORT_KEPT
    for start in range(0, len(ids), 1_000):
        about: list[Any] = [(("export", export.id), one, {}) for one in ids[start : start + 1_000]]
        audit.record_many(
            "exported patient", by=by, about=about, connection=db.session.connection()
        )
    audit.record(
        "made the centre's data", by=by, subject=("export", export.id),
        changes={"patients": [None, len(ids)]},
    )  # fmt: skip
    people.tell([export.person_id], "export_made", subject=("export", export.id))
    db.session.commit()


def _fail(claim: claims.Claim) -> None:
    try:
        export: CentreExport = claim.ours()
    except Lost:
        db.session.rollback()
        return
    export.state = rules.FAILED
    export.maker = export.heartbeat_at = None
    export.drafts = []
    people.tell([export.person_id], "export_failed", subject=("export", export.id))
    db.session.commit()


def clear_up() -> None:
    """Remove files that are past their time or were cancelled."""
    moment = now()
    query = sa.select(CentreExport).where(CentreExport.state.not_in(rules.EXPORT_UNDER_WAY))
    for export in db.session.scalars(query.order_by(CentreExport.id)).all():
        for one in export.drafts:
            storage.remove(UUID(one))
        export.drafts = []
        over = export.state == rules.MADE and export.expires_at <= moment
        if export.file_id is not None and (over or export.state == rules.CANCELLED):
            storage.remove(export.file_id)
            export.file_id = None
            export.state = rules.EXPIRED if over else export.state
    db.session.commit()
