"""Reading a delimited file row by row: header, encoding, quotes and the length of rows."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

#: A longer cell is read so that it can be refused by name, not to be kept.
_READ_AT_MOST = 64 * 1024 * 1024


class FileError(Exception):
    """The file cannot be read as the map says; the text says why."""


class BadRow(Exception):
    """A row whose cells cannot be told apart."""

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(reason)
        self.number = number
        self.reason = reason


class Table:
    """An open file. `columns` is the header; `rows()` gives each row with its number.

    Rows are numbered as a spreadsheet shows them when every record is one row: the first line of
    the file is 1, comment lines count.
    """

    def __init__(self, stream: IO[str], delimiter: str, comment: str) -> None:
        self.number = 0
        self._reader = csv.reader(self._lines(stream, comment), delimiter=delimiter, strict=True)
        self.columns = self._header()

    def _lines(self, stream: IO[str], comment: str) -> Iterator[str]:
        above = bool(comment)
        for line in stream:
            if above and line.startswith(comment):
                self.number += 1
                continue
            above = False
            yield line

    def _header(self) -> list[str]:
        try:
            header = next(self._reader, None)
        except csv.Error as error:
            raise FileError(f"the header cannot be read: {error}") from error
        if not header:
            raise FileError("the file is empty")
        self.number += 1
        columns = [name.strip() for name in header]
        double = [name for name, count in Counter(columns).items() if count > 1]
        if double:
            raise FileError(f"columns appear twice: {', '.join(map(repr, double))}")
        return columns

    def rows(self) -> Iterator[tuple[int, dict[str, str]] | BadRow]:
        """Each row as cells by column, stripped; or what is wrong with it."""
        while True:
            try:
                found = next(self._reader, None)
            except csv.Error as error:
                self.number += 1
                yield BadRow(self.number, f"cannot be read: {error} (a stray quote?)")
                continue
            if found is None:
                return
            self.number += 1
            if not any(cell.strip() for cell in found):
                continue  # an empty line at the end of the file
            if len(found) != len(self.columns):
                yield BadRow(self.number, f"has {len(found)} cells, the header {len(self.columns)}")
                continue
            cells = (cell.strip() for cell in found)
            yield self.number, dict(zip(self.columns, cells, strict=True))


@contextmanager
def opened(
    path: Path, *, delimiter: str = ",", encoding: str = "utf-8-sig", comment: str = ""
) -> Iterator[Table]:
    """The file, open. Bytes that are not of the encoding are found in their cells."""
    before = csv.field_size_limit(_READ_AT_MOST)
    try:
        with path.open(encoding=encoding, errors="surrogateescape", newline="") as stream:
            yield Table(stream, delimiter, comment)
    except OSError as error:
        raise FileError(f"{path}: {error.strerror or error}") from error
    except UnicodeError as error:
        raise FileError(f"{path.name} is not {encoding}: {error}") from error
    finally:
        csv.field_size_limit(before)


def sha256(path: Path) -> str:
    """The file's checksum."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
