"""Reading a table row by row: header, encoding, quotes, sheets, and the length of rows."""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from registry.interop import encodings, sheets
from registry.interop.sealed import SealedFile

#: A longer cell is read so that it can be refused by name, not to be kept.
_READ_AT_MOST = 64 * 1024 * 1024
DETECT = "detect"
DELIMITERS = (",", ";", "\t", "|")


class FileError(Exception):
    """The file cannot be read as the map says; the text says why."""


class BadRow(Exception):
    """A row whose cells cannot be told apart."""

    def __init__(self, number: int, reason: str, cells: Sequence[str] = ()) -> None:
        super().__init__(reason)
        self.number = number
        self.reason = reason
        self.cells = list(cells)


#: A file that can be opened again: a path, or one that is kept sealed.
Source = Path | SealedFile


class Table:
    """An open table. `columns` is the header; `rows()` gives each row with its number.

    Rows are numbered as a spreadsheet shows them when every record is one row: the first line of
    the file is 1, comment lines count.
    """

    def __init__(
        self, records: Iterator[list[str] | BadRow], header_row: int = 0, *, ragged: bool = False
    ) -> None:
        self._records = records
        self._ragged = ragged  # a sheet leaves out the blank cells at the end of a row
        self.number = 0
        self.encoding = ""
        self.columns = self._header(header_row)

    def _header(self, header_row: int) -> list[str]:
        found: list[str] | BadRow | None = None
        for found in self._records:
            self.number += 1
            if isinstance(found, BadRow) and self.number >= header_row:
                raise FileError(f"the header cannot be read: {found.reason}")
            if self.number >= header_row and (header_row or any(found)):  # type: ignore[arg-type]
                break
            found = None
        if not isinstance(found, list):
            raise FileError(f"has no row {header_row}" if header_row else "the file is empty")
        columns = [name.strip() for name in found]
        while columns and not columns[-1]:
            columns.pop()
        columns = [name or f"(column {place})" for place, name in enumerate(columns, 1)]
        if not columns:
            raise FileError("the file is empty")
        double = [name for name, count in Counter(columns).items() if count > 1]
        if double:
            raise FileError(f"columns appear twice: {', '.join(map(repr, double))}")
        return columns

    def rows(self) -> Iterator[tuple[int, dict[str, str]] | BadRow]:
        """Each row as cells by column, stripped; or what is wrong with it."""
        width = len(self.columns)
        for found in self._records:
            self.number += 1
            if isinstance(found, BadRow):
                yield BadRow(self.number, found.reason)
                continue
            cells = [cell.strip() for cell in found]
            if not any(cells):
                continue  # an empty line at the end of the file
            if self._ragged:
                cells += [""] * (width - len(cells))
            while len(cells) > width and not cells[-1]:
                cells.pop()
            if len(cells) != width:
                said = f"has {len(cells)} cells, the header {width}"
                yield BadRow(self.number, said, cells)
                continue
            yield self.number, dict(zip(self.columns, cells, strict=True))


@contextmanager
def opened(
    source: Source,
    *,
    delimiter: str = ",",
    encoding: str = "",
    comment: str = "",
    sheet: str = "",
    header_row: int = 0,
    merged: str = "",
) -> Iterator[Table]:
    """The file, open. Bytes that are not of the encoding are found in their cells.

    Without an encoding its mark is believed, else it is UTF-8; `detect` looks at the text.
    """
    before = csv.field_size_limit(_READ_AT_MOST)
    try:
        with source.open("rb") as raw:
            if sheets.is_workbook(raw):
                with sheets.records(raw, sheet, merged, header_row) as (name, records):
                    table = Table(records, header_row, ragged=True)
                    table.encoding = f"sheet {name!r}"
                    yield table
                return
            used = chosen_encoding(raw, encoding)
            text = io.TextIOWrapper(raw, used, errors="surrogateescape", newline="")
            table = Table(_records(text, delimiter, comment), header_row)
            table.encoding = used
            yield table
    except sheets.SheetError as error:
        raise FileError(f"{source.name}: {error}") from error
    except OSError as error:
        raise FileError(f"{source.name}: {error.strerror or error}") from error
    except UnicodeError as error:
        raise FileError(f"{source.name} is not {encoding or 'utf-8'}: {error}") from error
    finally:
        csv.field_size_limit(before)


def chosen_encoding(raw: BinaryIO, stated: str) -> str:
    """The encoding to read with: as stated, by the mark, or what it looks like. Raises FileError
    for one that is none."""
    raw.seek(0)
    if stated == DETECT:
        return encodings.detect(raw).encoding
    mark = encodings.marked(raw.read(4))
    raw.seek(0)
    plain = stated.lower().replace("_", "-")
    if plain in ("", "utf-8", "utf8", "utf-8-sig"):
        return mark or "utf-8"
    try:
        "".encode(stated)
    except LookupError:
        raise FileError(f"there is no encoding {stated!r}") from None
    return mark if mark.startswith(plain[:6]) and mark else stated


def _records(stream: IO[str], delimiter: str, comment: str) -> Iterator[list[str] | BadRow]:
    """Each record of a delimited file; comment lines above the header are empty ones."""
    above = 0

    def lines() -> Iterator[str]:
        nonlocal above
        before = bool(comment)
        for line in stream:
            if before and line.startswith(comment):
                above += 1
                continue
            before = False
            yield line

    reader = csv.reader(lines(), delimiter=delimiter, strict=True)
    first = True
    while True:
        try:
            found: list[str] | BadRow | None = next(reader, None)
        except csv.Error as error:
            found = BadRow(0, f"cannot be read: {error} (a stray quote?)")
        if first:
            yield from ([] for _line in range(above))
            first = False
        if found is None:
            return
        yield found


def sha256(source: Source) -> str:
    """The file's checksum."""
    with source.open("rb") as stream:
        digest = hashlib.sha256()
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def likely_delimiter(source: Source, encoding: str, comment: str = "") -> str:
    """The mark that parts the first lines into the same number of cells, the more the better."""
    with source.open("rb") as raw:
        text = io.TextIOWrapper(raw, encoding, errors="replace", newline="")
        lines = [line for line, _n in zip(text, range(60), strict=False)]
    if comment:
        lines = [line for line in lines if not line.startswith(comment)]
    return max(DELIMITERS, key=lambda mark: _evenness(lines[:30], mark))


def _evenness(lines: Sequence[str], mark: str) -> tuple[float, int]:
    try:
        widths = [len(one) for one in csv.reader(lines, delimiter=mark) if one]
    except csv.Error:
        widths = [line.count(mark) + 1 for line in lines]
    if not widths or max(widths) < 2:
        return 0.0, 0
    width, count = Counter(widths).most_common(1)[0]
    return (count / len(widths) if width > 1 else 0.0), width


def likely_comment(source: Source, encoding: str) -> str:
    """What the lines above the header begin with, if they look like comments."""
    with source.open("rb") as raw:
        first = io.TextIOWrapper(raw, encoding, errors="replace", newline="").readline(1000)
    return next((mark for mark in ("##", "#", "//", "%") if first.startswith(mark)), "")
