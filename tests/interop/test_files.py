"""Workbooks as their sheets show them, encodings by their text, files joined, patterns bounded."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from flask import Flask

from registry.course.models import AdverseEvent, Cycle, FollowUp, Questionnaire, Therapy
from registry.db import db
from registry.interop import (
    actions,
    drafting,
    encodings,
    map_files,
    patterns,
    proposing,
    queries,
    tables,
)
from registry.interop.mapping import MapError
from registry.interop.planning import Shape
from registry.interop.tables import FileError
from tests import make
from tests.make_interop import COHORTS, HEAD, TUMOUR, brought_in, map_of, problems_of


def workbook(folder: Path, rows: list[list[Any]], **more: Any) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Ward"
    for row in rows:
        sheet.append(row)
    for place, form in more.get("formats", {}).items():
        sheet[place].number_format = form
    for place in more.get("merged", []):
        sheet.merge_cells(place)
    for name in more.get("sheets", []):
        book.create_sheet(name).append(["other"])
    path = folder / "ward.xlsx"
    book.save(path)
    return path


def read(path: Path, **how: Any) -> list[Any]:
    with tables.opened(path, **how) as table:
        return [list(cells.values()) for _number, cells in table.rows()]  # type: ignore[misc]


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (dt.date(2015, 3, 12), "dd.mm.yyyy", "2015-03-12"),
        (dt.date(2015, 3, 1), "mm/yyyy", "2015-03"),
        (dt.date(2015, 1, 1), "yyyy", "2015"),
        (dt.datetime(2015, 3, 12, 8, 30), "dd.mm.yyyy hh:mm", "2015-03-12 08:30"),
        (0.15, "0%", "15%"),
        (0.1 + 0.2, "General", "0.3"),
        (12.0, "0.00", "12"),
        (1234567, "#,##0", "1234567"),
        (0.00001, "General", "0.00001"),
        (True, "General", "TRUE"),
        ("  T2a N2 Mx ", "General", "T2a N2 Mx"),
    ],
)
def test_a_cell_is_what_the_sheet_shows(tmp_path: Path, value: Any, form: str, text: str) -> None:
    path = workbook(tmp_path, [["id", "a"], [1, value]], formats={"B2": form})
    assert read(path) == [["1", text]]


def test_a_sheet_is_chosen_by_name(tmp_path: Path) -> None:
    path = workbook(tmp_path, [["id"], [1]], sheets=["Notes"])
    assert read(path, sheet="Ward") == [["1"]]
    with pytest.raises(FileError, match="several sheets, name one of 'Ward', 'Notes'"):
        read(path)
    with pytest.raises(FileError, match="has no sheet 'Wards'"):
        read(path, sheet="Wards")


def test_titles_above_the_header_are_passed_over(tmp_path: Path) -> None:
    path = workbook(tmp_path, [["Our ward"], [], ["id", "a"], [1, "x"]])
    assert read(path, header_row=3) == [["1", "x"]]


def test_merged_cells_are_filled_as_declared(tmp_path: Path) -> None:
    rows = [["id", "site"], [1, "ileum"], [2, None], [3, "rectum"]]
    path = workbook(tmp_path, rows, merged=["B2:B3"])
    with pytest.raises(FileError, match=r"merged cells \(B2:B3\)"):
        read(path)
    assert read(path, merged="fill") == [["1", "ileum"], ["2", "ileum"], ["3", "rectum"]]
    assert read(path, merged="first") == [["1", "ileum"], ["2", ""], ["3", "rectum"]]


def test_titles_that_are_merged_above_the_header_are_no_matter(tmp_path: Path) -> None:
    rows = [["The ward's list", None], ["id", "site"], [1, "ileum"], [2, None]]
    path = workbook(tmp_path, rows, merged=["A1:B1"])
    with pytest.raises(FileError, match="or which row has the names of the columns"):
        read(path)
    assert read(path, header_row=2) == [["1", "ileum"], ["2", ""]]
    below = workbook(tmp_path, rows, merged=["A1:B1", "B3:B4"])
    with pytest.raises(FileError, match=r"merged cells \(B3:B4\)"):
        read(below, header_row=2)


def test_a_formula_that_was_never_computed_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path, [["id", "a"], [1, "=1+1"]])
    with pytest.raises(FileError, match=r"formulas without a value \(B2\)"):
        read(path)


def test_a_formula_gives_the_value_it_had(tmp_path: Path) -> None:
    path = workbook(tmp_path, [["id", "a"], [1, "=1+1"]])
    out = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w") as new:
        for entry in old.infolist():
            raw = old.read(entry)
            if entry.filename.endswith("sheet1.xml"):
                raw = raw.replace(b"<f>1+1</f><v></v>", b"<f>1+1</f><v>2</v>")
                raw = raw.replace(b"<f>1+1</f><v />", b"<f>1+1</f><v>2</v>")
                raw = raw.replace(b"<f>1+1</f><v/>", b"<f>1+1</f><v>2</v>")
            new.writestr(entry, raw)
    path.write_bytes(out.getvalue())
    assert read(path) == [["1", "2"]]


def test_a_workbook_of_the_old_kind_is_told(tmp_path: Path) -> None:
    path = tmp_path / "old.xls"
    path.write_bytes(b"\xd0\xcf\x11\xe0" + b"\0" * 100)
    with pytest.raises(FileError, match=r"save it as \.xlsx"):
        read(path)


def test_a_workbook_is_imported(app: Flask, tmp_path: Path) -> None:
    make.centre()
    rows = [["id", "seen"], [1, dt.date(2020, 3, 1)], [2, dt.date(2021, 4, 5)]]
    path = workbook(tmp_path, rows, formats={"B2": "mm/yyyy"}, sheets=["Notes"])
    body = TUMOUR + '[[follow_up]]\ndate = { column = "seen", order = "dmy" }\n'
    by_map = map_of(tmp_path, body, HEAD.replace("[consent]", 'sheet = "Ward"\n[consent]'))
    report = actions.bring_in(path, by_map, by=queries.importer("CENTRE-1"))
    assert (report.created, report.encodings) == (2, {"ward.xlsx": "sheet 'Ward'"})
    dates = db.session.scalars(sa.select(FollowUp.date).order_by(FollowUp.id)).all()
    assert [str(one) for one in dates] == ["2020-03", "2021-04-05"]


# -- encodings ----------------------------------------------------------------------------------

TEXT = "Nr;Name;Größe\n1;Müller-Süß;2,5\n2;Jürgen Groß;3\n" * 20


@pytest.mark.parametrize(
    ("encoding", "found", "how"),
    [
        ("utf-8", "utf-8", "valid"),
        ("utf-8-sig", "utf-8-sig", "marked"),
        ("utf-16", "utf-16", "marked"),
        ("utf-16-le", "utf-16-le", "likely"),
        ("cp1252", "cp1252", "likely"),
    ],
)
def test_an_encoding_is_found(encoding: str, found: str, how: str) -> None:
    answer = encodings.detect(io.BytesIO(TEXT.encode(encoding)))
    assert (answer.encoding, answer.how) == (found, how)


def test_letters_of_central_europe_are_found() -> None:
    text = "jméno;město\nŘehoř Žižka;Příbram\nŠárka Dvořáková;Česká Lípa\n" * 20
    found = encodings.detect(io.BytesIO(text.encode("cp1250"))).encoding
    assert text.encode("cp1250").decode(found) == text


# -- several files ------------------------------------------------------------------------------

JOINED = """
[patient]
hospital_number = "id"
[[tumour]]
primary_site = "site"
[[therapy]]
name = "prrt"
therapy_class = { constant = "PRRT" }
start = "start"
[[cycle]]
file = "cycles"
therapy = "prrt"
number = "no"
activity_gbq = { column = "mbq", from_unit = "MBq" }
[[adverse_event]]
file = "cycles"
therapy = "prrt"
grade = "ctc"
[[file]]
name = "cycles"
id_column = "patient"
delimiter = "semicolon"
[file.ignore]
"nurse" = "not needed"
"""


def test_further_files_are_joined_by_the_id_and_entries_point_to_each_other(
    app: Flask, tmp_path: Path
) -> None:
    make.centre()
    first, cycles = tmp_path / "patients.csv", tmp_path / "cycles.csv"
    first.write_text("id,site,start\n1,C25.2,2020-01\n2,C17.2,2021-01\n")
    cycles.write_text(
        "patient;no;mbq;ctc;nurse\n2;1;7400;;A\n1;1;7390.5;2;B\n2;2;7400;;A\n9;1;7400;;A\n"
    )
    by = queries.importer("CENTRE-1")
    refused = actions.bring_in(first, map_of(tmp_path, JOINED), by=by, more={"cycles": cycles})
    [refusal] = refused.refusals
    assert (refusal.file, refusal.row, refusal.value) == ("cycles", 5, "9")
    assert "the first file does not have" in refusal.reason
    cycles.write_text(cycles.read_text().replace("9;1;7400;;A\n", ""))
    report = actions.bring_in(first, map_of(tmp_path, JOINED), by=by, more={"cycles": cycles})
    assert (report.created, dict(report.entries)["cycle"]) == (2, 3)
    therapies = {one.start.iso: one.id for one in db.session.scalars(sa.select(Therapy))}
    given = {
        (one.therapy_id, str(one.number), str(one.activity_gbq))
        for one in db.session.scalars(sa.select(Cycle))
    }
    first_id, second_id = therapies["2020-01"], therapies["2021-01"]
    assert given == {
        (first_id, "1", "7.3905"),
        (second_id, "1", "7.400"),
        (second_id, "2", "7.400"),
    }
    assert db.session.scalars(sa.select(AdverseEvent.therapy_id)).all() == [first_id]
    with pytest.raises(MapError, match="names a further file 'cycles'"):
        actions.bring_in(first, map_of(tmp_path, JOINED), by=by)


def test_answers_of_a_questionnaire_are_scored(app: Flask, tmp_path: Path) -> None:
    make.centre()
    items = ", ".join(f'"{n}" = "Q{n}"' for n in (29, 30))
    body = f"""{TUMOUR}
[[questionnaire]]
instrument = {{ constant = "QLQ-C30" }}
answers = {{ items = {{ {items} }} }}
"""
    report = brought_in(
        tmp_path, queries.importer("CENTRE-1"), body, "id,Q29,Q30", "1,7,7", "2,4,", "3,,"
    )
    assert report.refusals == []
    found = db.session.scalars(sa.select(Questionnaire).order_by(Questionnaire.id)).all()
    assert [one.answers for one in found] == [{"29": "7", "30": "7"}, {"29": "4"}]
    assert found[0].scores is not None
    assert 100.0 in found[0].scores.values()


# -- patterns and units -------------------------------------------------------------------------


class Endless:
    """A pattern that needs too long, as the library says it."""

    def fullmatch(self, _text: str, timeout: float) -> None:
        assert timeout < 1
        raise TimeoutError


def test_a_pattern_that_does_not_end_stops_the_import(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make.centre()
    by = queries.importer("CENTRE-1")
    body = TUMOUR + "laterality = { column = \"a\", pattern = '(a+)+b' }\n"
    monkeypatch.setattr(patterns.regex, "compile", lambda *_how: Endless())
    monkeypatch.setattr(Endless, "groupindex", {}, raising=False)
    with pytest.raises(MapError, match="takes too long for a cell"):
        brought_in(tmp_path, by, body, "id,a", "1,aaac")


def test_a_unit_nobody_knows_is_told(tmp_path: Path) -> None:
    body = TUMOUR + 'primary_size_mm = { column = "a", from_unit = "inch" }\n'
    assert "from 'inch' to mm no factor is known (from: cm, m, µm)" in problems_of(tmp_path, body)


def test_a_stated_encoding_overrules_the_map(app: Flask, tmp_path: Path) -> None:
    make.centre()
    path = tmp_path / "file.csv"
    path.write_bytes("id,größe\n1,x\n".encode("cp1252"))
    by_map = map_of(tmp_path, TUMOUR + '[keep]\n"größe" = "x"\n')
    report = actions.bring_in(
        path, by_map, by=queries.importer("CENTRE-1"), shape=Shape(encoding="detect")
    )
    assert report.created == 1
    assert list(report.encodings.values()) == ["cp1252"]


# -- proposing ----------------------------------------------------------------------------------


def test_every_synonym_names_a_variable_there_is(app: Flask) -> None:
    assert set(proposing.synonyms()) <= set(drafting.targets())


def proposed(path: Path) -> dict[str, Any]:
    with tables.opened(path) as table:
        profiles, _first, read_rows = proposing.profiles(table)
    source = {"name": "x", "title": "X", "licence": "x"}
    return proposing.propose(profiles, read_rows, source)


def test_a_proposal_is_a_map_that_can_be_used(app: Flask) -> None:
    content = proposed(COHORTS / "tcga_pcpg_clinical.csv")
    content["consent"]["basis"] = "x"
    by_map = map_files.read(drafting.to_toml(content).encode())
    paths = {path for block in by_map.all_blocks for _column, path in block.columns()}
    assert {"patient.sex_at_birth", "tumour.laterality", "follow_up.vital_status"} <= paths
    make.centre()
    report = actions.bring_in(
        COHORTS / "tcga_pcpg_clinical.csv",
        by_map,
        by=queries.importer("CENTRE-1"),
        keep_valid=True,
    )
    # One word is near two codes: the page shows it as unclear, and no code is guessed.
    assert {column for column, _reason in report.reasons} == {"histological_type"}
    assert (report.created, report.refused) == (166, 13)


@pytest.mark.parametrize("name", map_files.shipped())
def test_a_map_written_anew_says_the_same(name: str) -> None:
    path = map_files.find(name)
    content = map_files.content_of(path.read_bytes())
    again = map_files.content_of(drafting.to_toml(content).encode())
    assert again == {key: value for key, value in content.items() if value}
