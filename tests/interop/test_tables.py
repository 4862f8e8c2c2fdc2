"""Reading files as they come: marks, quotes, encodings, delimiters and broken rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from registry.interop import tables
from registry.interop.tables import BadRow, FileError
from tests.make_interop import file_of


def read(path: Path, **how: Any) -> tuple[list[str], list[Any]]:
    with tables.opened(path, **how) as table:
        return table.columns, list(table.rows())


def test_rows_are_numbered_as_a_spreadsheet_shows_them(tmp_path: Path) -> None:
    assert read(file_of(tmp_path, "id,a", "1,x", "2,y")) == (
        ["id", "a"],
        [(2, {"id": "1", "a": "x"}), (3, {"id": "2", "a": "y"})],
    )


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    assert read(file_of(tmp_path, "id,a", "1,x", encoding="utf-8-sig"))[0] == ["id", "a"]


def test_a_stated_encoding_is_used(tmp_path: Path) -> None:
    path = file_of(tmp_path, "id,städte", "1,Zürich", encoding="latin-1")
    assert read(path, encoding="latin-1")[1] == [(2, {"id": "1", "städte": "Zürich"})]


def test_bytes_of_another_encoding_are_left_to_be_found_in_their_cell(tmp_path: Path) -> None:
    [(_number, cells)] = read(file_of(tmp_path, "id,a", "1,Zürich", encoding="latin-1"))[1]
    assert cells["a"] == "Z\udcfcrich"


def test_a_line_break_inside_quotes_is_part_of_the_cell(tmp_path: Path) -> None:
    found = read(file_of(tmp_path, "id,a", '1,"two', 'lines, and ""quotes"""', "2,y"))[1]
    assert found == [(2, {"id": "1", "a": 'two\nlines, and "quotes"'}), (3, {"id": "2", "a": "y"})]


@pytest.mark.parametrize(("delimiter", "text"), [("\t", "id\ta"), (";", "id;a"), ("|", "id|a")])
def test_other_delimiters(tmp_path: Path, delimiter: str, text: str) -> None:
    assert read(file_of(tmp_path, text), delimiter=delimiter)[0] == ["id", "a"]


def test_comment_lines_above_the_header_are_passed_over(tmp_path: Path) -> None:
    columns, rows = read(file_of(tmp_path, "# made 2024", "# by us", "id,a", "#1,x"), comment="#")
    assert columns == ["id", "a"]
    assert rows == [(4, {"id": "#1", "a": "x"})]


def test_a_row_of_another_length_is_bad(tmp_path: Path) -> None:
    [short, long] = read(file_of(tmp_path, "id,a", "1", "2,x,y"))[1]
    assert isinstance(short, BadRow)
    assert isinstance(long, BadRow)
    assert (short.number, short.reason) == (2, "has 1 cells, the header 2")
    assert (long.number, long.reason) == (3, "has 3 cells, the header 2")


def test_a_stray_quote_never_swallows_rows_in_silence(tmp_path: Path) -> None:
    found = read(file_of(tmp_path, "id,a", '1,"x', "2,y", "3,z"))[1]
    assert any(isinstance(one, BadRow) and "stray quote" in one.reason for one in found)


def test_a_quote_after_text_is_bad_and_the_next_rows_are_read(tmp_path: Path) -> None:
    bad, good = read(file_of(tmp_path, "id,a", '1,"x"y', "2,z"))[1]
    assert isinstance(bad, BadRow)
    assert good == (3, {"id": "2", "a": "z"})


def test_a_quote_inside_an_unquoted_cell_is_a_letter(tmp_path: Path) -> None:
    assert read(file_of(tmp_path, "id,a", '1,5" tumour'))[1] == [(2, {"id": "1", "a": '5" tumour'})]


def test_empty_lines_are_no_rows(tmp_path: Path) -> None:
    assert len(read(file_of(tmp_path, "id,a", "1,x", "", ",", "2,y"))[1]) == 2


def test_a_column_that_stands_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="appear twice: 'a'"):
        read(file_of(tmp_path, "id,a,a ", "1,x,y"))


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="empty"):
        read(file_of(tmp_path, ""))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="No such file"):
        read(tmp_path / "nothing.csv")
