"""A cohort as hospitals have it: 259 patients with six readings each, every cell accounted for; and
the same spoilt in every way, refused row by row with nothing written."""

from __future__ import annotations

import csv
import io
import random
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from registry.course.models import Biomarker, Staging
from registry.db import db, metadata
from registry.interop import actions, map_files, queries
from registry.interop.mapping import Map, MapError
from registry.interop.planning import Shape
from registry.interop.reports import Report
from registry.interop.rows import Fate
from registry.patients.models import Patient
from tests import make

PATIENTS, READINGS = 259, 6
MAP = """
[source]
name = "pituitary_ward"
title = "A ward's table of readings"
licence = "made up"
id_column = "ID"

[consent]
basis = "Made up"
purposes = ["registry"]

[missing]
"na" = "not_known"
"TC ?" = "not_done"

[patterns]
tnm = '(?i)(?P<t>T\\w+) (?P<n>N\\w+) (?P<m>M\\w+)'

[patient]
hospital_number = "ID"
sex_at_birth = { column = "Sex", values = { "F" = "female", "M" = "male" } }

[[tumour]]
primary_site = { column = "Site", values = { "ileum" = "C17.2", "panc tail" = "C25.2" } }
diagnosis_date = { column = "Dx", order = "dmy" }

[[pathology]]
ki67_percent = "Ki67"
grade_stated = "Grade"

[[staging]]
staging_system = { absent = "not_known" }
t = { column = "TNM", pattern = "tnm", values = { "Tx" = "TX" }, otherwise = "as stated" }
n = { column = "TNM", pattern = "tnm", values = { "Nx" = "NX" }, otherwise = "as stated" }
m = { column = "TNM", pattern = "tnm", values = OF_M }

[[biomarker]]
repeat = [1, 2, 3, 4, 5, 6]
analyte = { constant = "CGA_MASS" }
comparator = { column = "CgA {n}", pattern = "(?P<comparator>[<>])?(?P<value>.+)" }
value = { column = "CgA {n}", pattern = "(?P<comparator>[<>])?(?P<value>.+)" }
unit = { constant = "ng/mL" }
date = "CgA {n} date"

[keep]
"Remark" = "no variable"

[ignore]
"Colour" = "the secretary's reminder"
""".replace("OF_M", '{ "M0" = "M0", "M1" = "M1", "Mx" = { absent = "not_known" } }')
COLUMNS = [
    "ID", "Sex", "Site", "Dx", "Ki67", "Grade", "TNM",
    *(name for n in range(1, READINGS + 1) for name in (f"CgA {n}", f"CgA {n} date")),
    "Remark", "Colour",
]  # fmt: skip


def cohort(seed: int = 259) -> list[list[str]]:
    """The rows of a made-up cohort, with the cells such tables have."""
    pick = random.Random(seed)
    rows = []
    for number in range(1, PATIENTS + 1):
        readings: list[str] = []
        for reading in range(READINGS):
            value = pick.choice(["TC ?", "na", "", "<25", str(pick.randint(30, 900)), "87.50"])
            readings += [value, f"20{15 + reading}-{pick.randint(1, 12):02}" if value else ""]
        rows.append(
            [
                f"P{number:04}",
                pick.choice(["F", "M"]),
                pick.choice(["ileum", "panc tail"]),
                f"{pick.randint(1, 28)}.{pick.randint(1, 12)}.20{pick.randint(10, 14)}",
                pick.choice(["2", "<3", "3-20", "na", ""]),
                pick.choice(["G1", "G2", "na"]),
                pick.choice(["T2a N2 Mx", "T3 N1 M0", "Tx Nx Mx", "na", "T2 N0 M1"]),
                *readings,
                pick.choice(["", "slides lent", "see letter; moved"]),
                pick.choice(["", "red"]),
            ]
        )
    return rows


def text_of(rows: list[list[str]], columns: list[str] = COLUMNS) -> str:
    out = io.StringIO()
    csv.writer(out).writerows([columns, *rows])
    return out.getvalue()


def brought(folder: Path, content: bytes, by_map: Map | None = None, **how: Any) -> Report:
    path = folder / "cohort.csv"
    path.write_bytes(content)
    by = queries.importer("CENTRE-1")
    return actions.bring_in(path, by_map or the_map(), by=by, **how)


def the_map() -> Map:
    return map_files.read(MAP.encode())


def rows_of_every_table() -> dict[str, int]:
    return {
        name: db.session.scalar(sa.select(sa.func.count()).select_from(table)) or 0
        for name, table in metadata.tables.items()
    }


def test_a_cohort_of_259_with_six_readings_each_is_in_with_every_cell_accounted_for(
    app: Flask, tmp_path: Path
) -> None:
    make.centre()
    rows = cohort()
    report = brought(tmp_path, text_of(rows).encode())
    assert (report.read, report.created, report.refusals) == (PATIENTS, PATIENTS, [])
    for place, column in enumerate(COLUMNS):
        fates = report.account.fates[column]
        assert sum(fates.values()) == PATIENTS, column
        blank = sum(1 for row in rows if not row[place])
        assert fates[Fate.BLANK] == blank, column
    cells = [row[place] for row in rows for place in range(7, 7 + 2 * READINGS, 2)]
    values = [c for c in cells if c not in ("", "na", "TC ?")]
    stored = db.session.scalars(sa.select(Biomarker)).all()
    assert len(stored) == len([c for c in cells if c])
    assert sorted(str(b.value) for b in stored if b.value is not None) == sorted(
        c.removeprefix("<") for c in values
    )
    assert sum(b.comparator == "<" for b in stored) == cells.count("<25")
    reasons = [b.absent["value"]["why"] for b in stored if b.value is None]
    assert reasons.count("not_done") == cells.count("TC ?")
    assert reasons.count("not_known") == cells.count("na")
    tnm = [row[6] for row in rows]
    staged = db.session.scalars(sa.select(Staging)).all()
    assert sum(s.t == "T2a" for s in staged) == tnm.count("T2a N2 Mx")
    assert sum("m" in s.absent for s in staged) == sum("Mx" in t or t == "na" for t in tnm)
    again = brought(tmp_path, text_of(rows).encode())
    assert (again.unchanged, again.created, again.changed) == (PATIENTS, 0, 0)


def spoilt() -> tuple[bytes, dict[int, str]]:
    """The cohort with a fault in several rows; what is said of each row."""
    rows = cohort()
    said: dict[int, str] = {}

    def spoil(row: int, column: str, cell: str, why: str) -> None:
        rows[row][COLUMNS.index(column)] = cell
        said[row + 2] = why

    spoil(3, "Dx", "31.02.2012", "is not a date")
    spoil(5, "Dx", "12.13.2012", "is not a date")
    spoil(9, "Site", "elbow", "is not among the values of the map")
    spoil(12, "Grade", "G9", "is not a code of grade_stated")
    spoil(20, "ID", "P0001", "stands in row 2 as well")
    spoil(25, "ID", "", "the source's id is missing")
    spoil(30, "Ki67", "130", "must be from 0 to 100")
    spoil(33, "CgA 2", "about 5", "is not a number")
    rows[33][COLUMNS.index("CgA 2 date")] = "2016-01"
    spoil(40, "Remark", "x" * 10_000_000, "has 10000000 characters; at most 10000 are taken")
    lines = text_of(rows).encode().split(b"\r\n")
    lines[60] = lines[60] + b",one,too,many"
    said[61] = "cells, the header 21"
    lines[70] = lines[70].replace(b"P0070,", b'"P0070"x,', 1)
    said[71] = "a stray quote?"
    lines[80] = lines[80].replace(b"P0080,", "P0080-Zürich,".encode("latin-1"), 1)
    said[81] = "are no text: state the file's encoding"
    return b"\r\n".join(lines), said


def test_a_spoilt_cohort_is_refused_row_by_row_and_nothing_is_written(
    app: Flask, tmp_path: Path
) -> None:
    make.centre()
    db.session.commit()
    content, said = spoilt()
    before = rows_of_every_table()
    report = brought(tmp_path, content)
    found = {one.row: one.reason for one in report.refusals}
    assert set(found) == set(said)
    for row, why in said.items():
        assert why in found[row], (row, found[row])
    assert report.refused == len(said)
    assert all(len(one.value) <= 201 for one in report.refusals)
    assert rows_of_every_table() == before


def test_the_valid_rows_of_a_spoilt_cohort_can_be_kept(app: Flask, tmp_path: Path) -> None:
    make.centre()
    content, said = spoilt()
    refused: list[tuple[int, str]] = []
    report = brought(
        tmp_path,
        content,
        keep_valid=True,
        on_refused=lambda _part, _columns, number, _cells, why: refused.append((number, why)),
    )
    # Of the two rows with one id neither is taken: nobody can say which is right.
    assert report.created == PATIENTS - len(said) - 1
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Patient)) == report.created
    assert {number for number, _why in refused} == {*said, 2}


def test_a_missing_column_is_said_before_anything_is_read(app: Flask, tmp_path: Path) -> None:
    make.centre()
    rows = [[cell for n, cell in enumerate(row) if n != 5] for row in cohort()]
    columns = [name for name in COLUMNS if name != "Grade"]
    with pytest.raises(MapError, match="the file does not have: 'Grade'"):
        brought(tmp_path, text_of(rows, columns).encode())


def test_the_same_cohort_in_other_encodings_and_marks(app: Flask, tmp_path: Path) -> None:
    make.centre()
    rows = cohort()
    for row in rows:
        row[-2] = "Ärztin: Größe unverändert"
    text = text_of(rows)
    assert brought(tmp_path, text.encode("utf-16")).created == PATIENTS
    for encoding in ("cp1252", "utf-8-sig"):
        again = brought(tmp_path, text.encode(encoding), shape=Shape(encoding="detect"))
        assert (again.unchanged, again.refused) == (PATIENTS, 0), again.encodings
