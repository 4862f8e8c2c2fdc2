"""Reading a sheet of a workbook (XLSX) row by row, its cells as the sheet shows them.

Numbers keep what the sheet holds (15 digits, as it does itself), dates are ISO as precise as their
format shows them, shares formatted as per cent are per cent, formulas give the value that was
computed when the workbook was saved. A formula that was never computed, or cells that are merged
without a word in the map about it, are refused: nothing is left out in silence.
"""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO
from xml.etree.ElementTree import ParseError, iterparse

if TYPE_CHECKING:
    from registry.interop.tables import BadRow

FILL, FIRST = "fill", "first"
#: A workbook that unpacks to more is no table of patients.
_UNPACKED = 2 * 1024 * 1024 * 1024
_WORDS = 300 * 1024 * 1024  # the texts of a workbook are held in memory while it is read
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_LITERAL = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')


class SheetError(Exception):
    """The workbook cannot be read as the map says; the text says why."""


def is_workbook(stream: BinaryIO) -> bool:
    """Is it a workbook? The stream is left at its beginning."""
    stream.seek(0)
    start = stream.read(4)
    stream.seek(0)
    if start == b"PK\x03\x04":
        return True
    if start == b"\xd0\xcf\x11\xe0":
        raise SheetError("is a workbook of the old kind (.xls) or locked: save it as .xlsx")
    return False


def names(stream: BinaryIO) -> list[str]:
    """The names of a workbook's sheets. Raises SheetError."""
    with _book(stream) as book:
        return list(book.sheetnames)


@contextmanager
def _book(stream: BinaryIO) -> Iterator[Any]:
    # Here: it takes a third of a second that no other page and command should wait.
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with zipfile.ZipFile(stream) as packed:
            entries = packed.infolist()
        words = sum(e.file_size for e in entries if e.filename.endswith("sharedStrings.xml"))
        if sum(e.file_size for e in entries) > _UNPACKED or words > _WORDS:
            raise SheetError("unpacks to more than can be read: save the sheet as CSV")
        stream.seek(0)
        book = openpyxl.load_workbook(stream, read_only=True, data_only=True, keep_links=False)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, ParseError) as error:
        raise SheetError("is not a workbook that can be read") from error
    try:
        yield book
    finally:
        book.close()


@contextmanager
def records(
    stream: BinaryIO, name: str, merged: str, header_row: int = 0
) -> Iterator[tuple[str, Iterator[list[str] | BadRow]]]:
    """The sheet's name and its rows as texts. Without a name the workbook must have one sheet.
    Cells that are merged in titles above the row of the header are no matter."""
    with _book(stream) as book:
        sheets = list(book.sheetnames)
        if not name and len(sheets) != 1:
            raise SheetError(f"has several sheets, name one of {', '.join(map(repr, sheets))}")
        chosen = name or sheets[0]
        if chosen not in sheets:
            said = ", ".join(map(repr, sheets))
            raise SheetError(f"has no sheet {chosen!r}; it has {said}")
        sheet = book[chosen]
        if not hasattr(sheet, "iter_rows"):
            raise SheetError(f"{chosen!r} is a chart and no table")
        ranges = _look_over(stream, sheet._worksheet_path)
        ranges = [one for one in ranges if _last_row(one) >= header_row]
        if ranges and merged not in (FILL, FIRST):
            shown = ", ".join(ranges[:3])
            titles = "" if header_row else ", or which row has the names of the columns"
            raise SheetError(
                f"sheet {chosen!r} has merged cells ({shown}): say what they mean, that each of"
                ' them has the value (merged = "fill") or only the first (merged = "first")'
                + titles
            )
        sheet.reset_dimensions()
        rows = (_row(cells) for cells in sheet.iter_rows())
        yield chosen, _filled(rows, ranges) if merged == FILL else rows


def _last_row(merged: str) -> int:
    """The last row of a merged range such as A1:O1."""
    found = re.search(r"(\d+)$", merged)
    return int(found[1]) if found else 0


def _look_over(stream: BinaryIO, path: str) -> list[str]:
    """The merged ranges of a sheet. Raises SheetError for formulas that were never computed."""
    ranges, never = [], []
    stream.seek(0)
    with zipfile.ZipFile(stream) as packed, packed.open(path.lstrip("/")) as xml:
        # Python's parser stops entities that grow (expat 2.4.1 and newer).
        for _event, element in iterparse(xml):  # noqa: S314
            if element.tag == f"{_MAIN}mergeCell":
                ranges.append(element.get("ref", ""))
            elif element.tag == f"{_MAIN}c":
                value = element.find(f"{_MAIN}v")
                computed = value is not None and value.text is not None
                formula = element.find(f"{_MAIN}f") is not None
                if formula and not computed and element.get("t") != "str":
                    never.append(element.get("r", "?"))
                element.clear()
            elif element.tag == f"{_MAIN}row":
                element.clear()
    if never:
        shown = ", ".join(never[:5])
        raise SheetError(
            f"has formulas without a value ({shown}): open it in the spreadsheet program, let it"
            " compute, and save it"
        )
    return ranges


def _filled(rows: Iterator[list[str]], ranges: list[str]) -> Iterator[list[str]]:
    """Every cell of a merged range with the value of its first."""
    from openpyxl.utils.cell import range_boundaries

    bounds = sorted((range_boundaries(one) for one in ranges), key=lambda b: b[1])
    under: list[tuple[Any, str]] = []
    for number, cells in enumerate(rows, 1):
        under = [(b, text) for b, text in under if b[3] >= number]
        while bounds and bounds[0][1] <= number:
            found = bounds.pop(0)
            first = cells[found[0] - 1] if len(cells) >= found[0] else ""
            under.append((found, first))
        for (left, _top, right, _bottom), text in under:
            cells += [""] * (right - len(cells))
            cells[left - 1 : right] = [text] * (right - left + 1)
        yield cells


def _row(cells: Any) -> list[str]:
    return [_text(cell) for cell in cells]


def _text(cell: Any) -> str:
    """A cell as the sheet means it."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, dt.datetime | dt.date):
        return _moment(value, cell.number_format or "")
    if isinstance(value, dt.time):
        return value.isoformat("minutes")
    if isinstance(value, dt.timedelta):
        return f"{value.total_seconds() / 3600:.15g} h"
    return _number(value, cell.number_format or "")


def _number(value: Any, shown_as: str) -> str:
    if "%" in _LITERAL.sub("", shown_as):
        return f"{_plain(round(value * 100, 12))}%"
    return _plain(value)


def _plain(value: Any) -> str:
    """A number with the digits the sheet holds, never with an exponent where it can be spared."""
    text = f"{value:.15g}"
    if "e" in text and 1e-9 < abs(value) < 1e20:
        text = f"{value:.15f}".rstrip("0").rstrip(".") if abs(value) < 1 else f"{value:.0f}"
    return text


def _moment(value: Any, shown_as: str) -> str:
    """A date as precise as its format shows it; with its time only where it has one."""
    marks = _LITERAL.sub("", shown_as.lower())
    day = value.date() if isinstance(value, dt.datetime) else value
    if "y" in marks and "d" not in marks and "h" not in marks:
        return f"{day:%Y-%m}" if "m" in marks else f"{day:%Y}"
    if isinstance(value, dt.datetime) and value.time() != dt.time():
        return f"{day.isoformat()} {value.time().isoformat('minutes')}"
    return str(day.isoformat())
