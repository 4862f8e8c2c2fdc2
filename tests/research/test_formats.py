"""The data files as other programs open them: types, labels, and texts that stay texts."""

from __future__ import annotations

import csv
import io
import runpy
from datetime import date, timedelta
from pathlib import Path

import openpyxl
import pandas
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
import pytest
from matplotlib import pyplot
from openpyxl.utils.escape import unescape

from registry.research import rules
from registry.research.releases import formats
from registry.research.releases.cells import Cells
from registry.research.releases.columns import Column, File
from registry.research.releases.dictionaries import Once, tight
from registry.research.releases.writing import CsvLines
from tests import make, make_research

#: What spreadsheets are attacked with, and what merely looks like it.
HOSTILE = [
    "=1+1", "=cmd|' /C calc'!A0", "+1", "-2+3", "@SUM(A1)", "\tx", "=HYPERLINK(\"x\")", "'=1", "'",
    "https://example.org", "mailto:a@b", "0042", "1e5", "TRUE", "2020-01-01", "a,b", 'q"q', "NA",
    "ünï ✓", "{=1}", "[x]", "two\nlines", "two\r\nlines", "\r=1", "\n=1", "\N{GRINNING FACE}",
    "مرحبا",
    " =1", "ends with a space ", "-", "0x1F", "1/2", "nan", "NULL", "#N/A", "x" * 3000, "_x000D_",
]  # fmt: skip


def _column(name, kind, **more):
    return Column(name, f"Label of {name}", kind, lambda rows, cases: Cells(rows.names), **more)


FILE = File(
    "things.csv",
    "thing",
    "Things",
    None,
    (
        _column("patient_id", "pseudonym"),
        _column("sex", "code", codes="sex_at_birth"),
        _column("ecog", "code", codes="ecog"),
        _column("days", "whole number", unit="days"),
        _column("size_mm", "number", unit="mm"),
        _column("seen", "date"),
        _column("words", "words"),
    ),
)


def _arrays():
    """The columns of a file with a hostile text a row, and a row of nothing, as they leave."""
    some = range(len(HOSTILE))
    coded = [["male" if one % 2 == 0 else "female" for one in some],
             ["3" if one % 2 == 0 else "0" for one in some]]  # fmt: skip
    words = [rules.safe(text) for text in HOSTILE]
    sizes = [f"{one}.50" for one in some]
    coded_sex, coded_ecog, coded_sizes, coded_words = (
        pa.array([*column, None]).dictionary_encode() for column in (*coded, sizes, words)
    )
    return [
        pa.array([*(f"P{one:02}" for one in some), "P99"]),
        coded_sex, coded_ecog,
        pa.array([*(-one for one in some), None], pa.int64()),
        coded_sizes,
        pa.array([*(date(2150, 1, 1) + timedelta(one) for one in some), None]),
        coded_words,
        pa.array([*("days=x" for _one in some), None]),
    ]  # fmt: skip


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The CSV file of these columns, as a release has it."""
    place = tmp_path / "things.csv"
    place.write_bytes(
        ",".join(FILE.header).encode() + b"\r\n" + bytes(CsvLines(len(FILE.header)).of(_arrays()))
    )
    return place


def test_csv_is_what_other_programs_write(source):
    """Beside the library's own writer, of the same texts."""
    cells = [column.cast(pa.string()).fill_null("").to_pylist() for column in _arrays()]
    expected = io.StringIO()
    writer = csv.writer(expected, lineterminator="\r\n")
    writer.writerow(FILE.header)
    writer.writerows(zip(*cells, strict=True))
    assert source.read_bytes().decode() == expected.getvalue()
    assert '"a,b"' in expected.getvalue()


def _nothing() -> None:
    """Nobody asks how far it is."""


def _written(name: str, source: Path, at: Path) -> Path:
    target = at / f"out.{name}"
    with target.open("w+b") as out:
        if name == "parquet":
            made = formats.Parquet(FILE, out)
            made.add(_arrays())
            made.close()
        elif name == "xlsx":
            tables = {"Codebook": (("column", "help"), [["sex", "=1+1"]])}
            formats.workbook([(FILE, source)], tables, out, _nothing)
        else:
            formats.labelled(name, FILE, source, target)
    return target


def test_parquet_has_numbers_dates_and_labels(source, tmp_path):
    table = pq.read_table(_written("parquet", source, tmp_path))
    frame = table.to_pandas()
    assert list(frame["words"][:-1]) == HOSTILE
    assert str(table.schema.field("days").type) == "int64"
    assert str(table.schema.field("seen").type) == "date32[day]"
    assert frame["size_mm"][2] == 2.5
    assert frame["seen"][0] == date(2150, 1, 1)
    assert list(frame["sex"].cat.categories[:2]) == ["male", "female"]
    about = table.schema.field("sex").metadata
    assert about[b"label"] == b"Label of sex"
    assert b'"female": "Female"' in about[b"codes"]
    assert frame.iloc[-1].drop("patient_id").isna().all()


def test_a_workbook_has_texts_as_texts_and_numbers_as_numbers(source, tmp_path):
    book = openpyxl.load_workbook(_written("xlsx", source, tmp_path))
    assert book.sheetnames == ["Codebook", "things"]
    assert book["Codebook"]["B2"].value == "=1+1"
    assert {cell.data_type for sheet in book for row in sheet for cell in row} <= {"s", "n", "d"}
    rows = list(book["things"].iter_rows(min_row=2, values_only=True))
    # a workbook spells a carriage return _x000D_, and this reader leaves it so
    assert [unescape(row[6]) for row in rows[:-1]] == HOSTILE
    assert rows[3][:6] == ("P03", "female", "0", -3, 3.5, rows[3][5])
    assert rows[3][5].date() == date(2150, 1, 4)
    assert not any(cell.hyperlink for row in book["things"] for cell in row)
    assert book.properties.created.year == 1980


@pytest.mark.parametrize("name", ["sav", "dta"])
def test_spss_and_stata_have_labels_of_columns_and_values(name, source, tmp_path):
    read = pyreadstat.read_sav if name == "sav" else pyreadstat.read_dta
    frame, about = read(str(_written(name, source, tmp_path)))
    assert about.column_names_to_labels["sex"] == "Label of sex"
    labels = about.variable_value_labels["sex"]
    coded = [labels[number] for number in frame["sex"][:2]]
    assert coded == ["Male", "Female"]
    assert list(frame["ecog"][:2]) == [3, 0]  # codes that are numbers stay these numbers
    assert about.variable_value_labels["ecog"][0].endswith("fully active")
    assert (frame["days"][3], frame["size_mm"][3]) == (-3, 3.5)
    assert frame["seen"][1] == date(2150, 1, 2)
    # SPSS fills texts up with spaces, so that one at the end is none
    kept = [text.rstrip(" ") for text in HOSTILE] if name == "sav" else HOSTILE
    assert list(frame["words"][:-1]) == kept
    assert pandas.isna(frame["sex"].iloc[-1])
    if name == "sav":  # codes and days are shown as whole numbers
        assert [about.original_variable_types[one] for one in ("sex", "days")] == ["F8.0", "F8.0"]


@pytest.mark.parametrize("name", formats.CHOICES)
def test_nothing_in_a_file_tells_when_it_was_written(name, source, tmp_path):
    content = _written(name, source, tmp_path).read_bytes()
    year = str(date.today().year)
    for moment in (f"{date.today():%d %b %Y}", f"{date.today():%d %b %y}", f"{year}-"):
        assert moment.encode() not in content
    assert (b"01 Jan 80" in content) == (name == "sav")
    assert (b"01 Jan 1980 00:00" in content) == (name == "dta")


def test_a_file_too_long_for_a_format_is_left_out_of_it():
    assert [name for name in formats.CHOICES if formats.too_long(name, 1_048_576)] == [
        "xlsx", "sav", "dta",
    ]  # fmt: skip
    assert not any(formats.too_long(name, 200_000) for name in formats.CHOICES)


def test_the_script_reads_a_release_with_labels_and_draws_its_survival(app, tmp_path, capsys):
    clinic = make_research.clinic()
    for number, status in enumerate(("dead", "alive", "dead", "alive", "lost")):
        anna = make.patient(clinic)
        make_research.entry(anna, "tumour", primary_site="C17.2", diagnosis_date="2019-05-06")
        make_research.entry(anna, "follow_up", date=f"202{number}-05-06", vital_status=status)
    content = make_research.content(make_research.made(make_research.grant(make_research.office())))
    for name, data in content.items():
        (tmp_path / name).write_bytes(data)
    pyplot.switch_backend("Agg")
    runpy.run_path(str(tmp_path / "start.py"), run_name="__main__")
    said = capsys.readouterr().out
    assert "followed: 4 of 5 patients" in said
    assert "deaths: 2," in said
    assert (tmp_path / "survival.png").read_bytes().startswith(b"\x89PNG")
    module = runpy.run_path(str(tmp_path / "start.py"))
    patients, tumours = module["read"]("patients.csv"), module["read"]("tumours.csv")
    assert sorted(patients["vital_status"].astype(str)) == [
        "Alive", "Alive", "Dead", "Dead", "Lost to follow-up",
    ]  # fmt: skip
    # 6 May 2019 to 6 May 2020, ... 2024: with the leap days of 2020 and 2024
    assert sorted(patients["follow_up_days"]) == [366, 731, 1096, 1461, 1827]
    assert patients.attrs["labels"]["vital_status"] == "Vital status at last contact"
    assert len(set(tumours["primary_site"])) == 1


def test_a_dictionary_has_what_stands_in_the_rows_alone_in_the_order_it_comes() -> None:
    words = pa.array(["nobody's", "second", "first", "another's"])
    some = pa.DictionaryArray.from_arrays(pa.array([2, None, 1, 2], pa.int32()), words)
    found = tight(some)
    assert found.to_pylist() == ["first", None, "second", "first"]
    assert found.dictionary.to_pylist() == ["first", "second"]
    empty = tight(pa.DictionaryArray.from_arrays(pa.array([None], pa.int32()), words))
    assert (empty.to_pylist(), len(empty.dictionary)) == ([None], 0)


def test_what_is_made_of_a_dictionary_is_made_anew_for_another_of_the_same_length() -> None:
    once = Once(lambda words: [one.upper() for one in words.to_pylist()])
    column = pa.array(["a", "b", "a"]).dictionary_encode()
    assert once.of(column.dictionary) is once.of(column.take(pa.array([1])).dictionary)
    assert once.of(pa.array(["b", "c"])) == ["B", "C"]
