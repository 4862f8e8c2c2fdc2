"""The data files in the formats of other programs: Parquet, Excel, SPSS and Stata.

Parquet is written from the same cells as the CSV file, batch after batch; the others are made from
the finished CSV file, so that all say the same. Types and labels come from the columns. Nothing in
them depends on the day or the machine: times inside the files are fixed, rows and columns keep the
order of the CSV file.
"""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from registry import codes as vocabularies
from registry.language import lazy_gettext as _l
from registry.later import Later
from registry.research import rules
from registry.research.releases.columns import Column, File
from registry.research.releases.dictionaries import Once, tight

CSV, PARQUET, XLSX, SPSS, STATA = "csv", "parquet", "xlsx", "sav", "dta"
#: The formats that can be chosen besides CSV, which is always there.
CHOICES = {
    PARQUET: _l("Parquet, for R, Python and databases"),
    XLSX: _l("Excel workbook, with the codebook"),
    SPSS: _l("SPSS, with labels"),
    STATA: _l("Stata, with labels"),
}
MEDIA_TYPES = {
    PARQUET: "application/vnd.apache.parquet",
    XLSX: "application/octet-stream",  # its own name is longer than what is kept of a type
    SPSS: "application/x-spss-sav",
    STATA: "application/x-stata-dta",
}
#: Rows of the longest file a format can hold. A sheet of Excel has no more; the library for SPSS
#: and Stata takes a file into memory whole.
MOST_ROWS = {PARQUET: 2**62, XLSX: 1_048_575, SPSS: 200_000, STATA: 200_000}

_MOMENT = datetime(1980, 1, 1, tzinfo=UTC)
#: Bytes (SPSS) and letters (Stata) a label may have.
_SPSS_LABEL, _SPSS_VALUE, _STATA_LABEL = 255, 120, 80

pa: Any = Later("pyarrow")
pq: Any = Later("pyarrow.parquet")

Told = Callable[[], None]
Columns = Mapping[str, Column]


def labels_of(column: Column) -> dict[str, str]:
    """Codes of a column with their labels, in the list's order."""
    listed = {code.code: code.marked for code in vocabularies.codes(column.codes).values()}
    return {**listed, **column.more_codes}


def numbers_of(column: Column) -> dict[str, int]:
    """The number of each code where a format labels numbers: the code itself where all are
    numbers, else its place in the list, from 1."""
    codes = list(labels_of(column))
    if codes and all(code.isascii() and code.isdigit() for code in codes):
        return {code: int(code) for code in codes}
    return {code: number for number, code in enumerate(codes, 1)}


def plain(text: str) -> str:
    """A cell as it was before it was made safe for spreadsheets that read CSV."""
    return text[1:] if text.startswith("'") and rules.safe(text[1:]) == text else text


def too_long(name: str, rows: int) -> bool:
    """Has a file too many rows for a format?"""
    return rows > MOST_ROWS[name]


def _rows(source: Path) -> Iterator[list[str]]:
    with source.open(encoding="utf-8", newline="") as lines:
        yield from csv.reader(lines)


# -- Parquet -----------------------------------------------------------------------------------


class Parquet:
    """A data file as Parquet while it is written: numbers, dates, and codes as dictionaries of
    texts. The fields' metadata have label, unit and the labels of the codes."""

    def __init__(self, file: File, out: Any) -> None:
        kinds = {"whole number": pa.int64(), "number": pa.float64(), "date": pa.date32()}
        words = pa.dictionary(pa.int32(), pa.string())
        by_name = {column.name: column for column in file.columns}
        fields = []
        for name in file.header:
            column = by_name.get(name)
            kind = words if _is_coded(column) else kinds.get(_kind(by_name, name), pa.string())
            fields.append(pa.field(name, kind, metadata=_about(column)))
        self._schema = pa.schema(fields, metadata={"title": str(file.label)})
        self._typed = [_Typed(one.type) for one in fields]
        repeated = [
            one.name for one in fields if not one.name.endswith("_id")
        ]  # pseudonyms are not
        self._writer = pq.ParquetWriter(
            out, self._schema, compression="snappy", use_dictionary=repeated, write_statistics=False
        )

    def add(self, texts: Sequence[Any]) -> None:
        """Write rows, given as Arrow columns."""
        columns = [typed.of(column) for typed, column in zip(self._typed, texts, strict=True)]
        self._writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=self._schema))

    def close(self) -> None:
        """Write the end of the file."""
        self._writer.close()


class _Typed:
    """A column in the type of the file; texts lose the apostrophe that CSV needs."""

    def __init__(self, wanted: Any) -> None:
        self._wanted, self._is_coded = wanted, pa.types.is_dictionary(wanted)
        self._words = Once(self._plain)

    def of(self, column: Any) -> Any:
        """The column of some rows."""
        if not pa.types.is_dictionary(column.type):
            return column.cast(self._wanted)
        words = self._words.of(column.dictionary)
        if self._is_coded:
            return tight(pa.DictionaryArray.from_arrays(column.indices, words, safe=False))
        return words.take(column.indices)

    def _plain(self, dictionary: Any) -> Any:
        words = pa.array([plain(one) for one in dictionary.to_pylist()], pa.string())
        return words if self._is_coded else words.cast(self._wanted)


def _about(column: Column | None) -> dict[str, str]:
    if column is None:
        return {}
    found = {"label": str(column.label), "unit": str(column.unit)}
    if _is_coded(column):
        found["codes"] = json.dumps(labels_of(column), ensure_ascii=False)
    return {key: text for key, text in found.items() if text}


def _is_coded(column: Column | None) -> bool:
    return column is not None and column.kind == "code"


def _kind(by_name: Columns, name: str) -> str:
    return by_name[name].kind if name in by_name else "pairs"


# -- Excel -------------------------------------------------------------------------------------


def workbook(
    files: Sequence[tuple[File, Path]],
    tables: Mapping[str, tuple[Sequence[str], Sequence[Sequence[str]]]],
    out: BinaryIO,
    told: Told,
) -> None:
    """Write all data files as sheets of one workbook, and before them tables of texts (sheet →
    header and rows), such as the codebook. Texts are texts: none becomes a formula or a link."""
    import xlsxwriter

    with tempfile.TemporaryDirectory() as beside:
        options = {
            "constant_memory": True,
            "tmpdir": beside,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        }
        book = xlsxwriter.Workbook(out, options)
        book.set_properties({"created": _MOMENT.replace(tzinfo=None)})
        bold = book.add_format({"bold": True, "bottom": 1})
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for name, (header, lines) in tables.items():
            _text_sheet(book.add_worksheet(name), header, lines, bold)
        for file, source in files:
            sheet = book.add_worksheet(file.sheet)
            _data_sheet(sheet, file, source, (bold, day), told)
        book.close()


def _head(sheet: Any, header: Sequence[str], bold: Any) -> None:
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, max(0, len(header) - 1), 18)
    for place, name in enumerate(header):
        sheet.write_string(0, place, name, bold)


def _text_sheet(
    sheet: Any, header: Sequence[str], lines: Sequence[Sequence[str]], bold: Any
) -> None:
    _head(sheet, header, bold)
    for number, line in enumerate(lines, 1):
        for place, text in enumerate(line):
            if text:
                sheet.write_string(number, place, _cut(text, 32_767))


def _data_sheet(sheet: Any, file: File, source: Path, looks: Any, told: Told) -> None:
    bold, day = looks
    by_name = {column.name: column for column in file.columns}
    kinds = [_kind(by_name, name) for name in file.header]
    _head(sheet, file.header, bold)
    for number, line in enumerate(islice(_rows(source), 1, None), 1):
        for place, (text, kind) in enumerate(zip(line, kinds, strict=True)):
            if not text:
                continue
            if kind in ("whole number", "number"):
                sheet.write_number(number, place, float(text))
            elif kind == "date":
                sheet.write_datetime(number, place, date.fromisoformat(text), day)
            else:
                sheet.write_string(number, place, _cut(plain(text), 32_767))
        if not number % 1000:
            told()


# -- SPSS and Stata ----------------------------------------------------------------------------


def labelled(name: str, file: File, source: Path, target: Path) -> None:
    """Write a data file for SPSS (`sav`) or Stata (`dta`): codes as numbers with labels of values,
    columns with labels. What the libraries write of the moment is replaced."""
    import pyreadstat

    frame = _frame(file, source)
    coded = [column for column in file.columns if _is_coded(column)]
    shared: dict[str, Any] = {
        "file_label": _cut(str(file.label), 60),
        "column_labels": _column_labels(name, file),
        "variable_value_labels": {
            column.name: _value_labels(name, column) for column in coded if labels_of(column)
        },
    }
    if name == SPSS:
        pyreadstat.write_sav(
            frame,
            target,
            row_compress=True,
            variable_measure={column.name: "nominal" for column in coded},
            variable_format=_spss_formats(file),
            **shared,
        )
        _put(target, b"FileLabel", 92, b"01 Jan 80" + b"00:00:00")
    else:
        pyreadstat.write_dta(frame, target, version=14, **shared)
        _put(target, b"<timestamp>\x11", None, b"01 Jan 1980 00:00")


def _spss_formats(file: File) -> dict[str, str]:
    """How SPSS shows a column: dates as dates, codes and whole numbers without digits behind."""
    found = {}
    for column in file.columns:
        if column.kind == "date":
            found[column.name] = "SDATE10"
        elif _is_coded(column) or column.kind == "whole number":
            found[column.name] = "F8.0"
    return found


def _column_labels(name: str, file: File) -> dict[str, str]:
    known = {column.name: str(column.label) for column in file.columns}
    known["absent"] = "Why cells of this row are empty"
    if name == STATA:
        return {key: _cut(text, _STATA_LABEL) for key, text in known.items()}
    return {key: _cut_bytes(text, _SPSS_LABEL) for key, text in known.items()}


def _value_labels(name: str, column: Column) -> dict[int | float, str]:
    numbers = numbers_of(column)
    found: dict[int | float, str] = {}
    for code, label in labels_of(column).items():
        found[numbers[code]] = _cut_bytes(label, _SPSS_VALUE) if name == SPSS else label
    return found


def _frame(file: File, source: Path) -> Any:
    """The file as a table in memory with the types of SPSS and Stata."""
    import pandas

    raw = pandas.read_csv(source, dtype=str, keep_default_na=False, na_values=[""], engine="c")
    by_name = {column.name: column for column in file.columns}
    made = {}
    for name in file.header:
        cells, column = raw.pop(name), by_name.get(name)
        kind = _kind(by_name, name)
        if column is not None and _is_coded(column):
            made[name] = cells.map(plain, na_action="ignore").map(numbers_of(column))
            made[name] = made[name].astype("float64").astype("Int64")
        elif kind in ("whole number", "number"):
            made[name] = cells.astype("float64")
        elif kind == "date":
            made[name] = cells.map(date.fromisoformat, na_action="ignore").astype(object)
        else:
            made[name] = cells.map(plain, na_action="ignore").astype(object).fillna("")
    return pandas.DataFrame(made)


def _put(target: Path, after: bytes, place: int | None, moment: bytes) -> None:
    """Write a fixed moment over the one in the header of a file."""
    with target.open("r+b") as out:
        if place is None:
            head = out.read(4096)
            place = head.index(after) + len(after)
        out.seek(place)
        out.write(moment)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _cut_bytes(text: str, most: int) -> str:
    """A text of at most so many bytes of UTF-8."""
    if len(text.encode()) <= most:
        return text
    return text.encode()[: most - 3].decode(errors="ignore") + "…"
