"""The tables: closed, labelled, sourced; every sentence can be filled."""

import csv
import re

import pytest

from registry.clinical import tables

CODE_LISTS = sorted(path.stem for path in (tables.DATA / "codes").glob("*.csv"))
TABLES = sorted(path.stem for path in tables.DATA.glob("*.csv"))


@pytest.mark.parametrize("name", CODE_LISTS)
def test_a_code_list_has_unique_codes_labels_and_a_source(name):
    found = tables.rows(f"codes/{name}")
    assert found
    assert len({row["code"] for row in found}) == len(found)
    for row in found:
        assert list(row)[:4] == ["code", "label", "edition", "source"]
        assert row["code"]
        assert row["label"]
        assert row["source"]


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_square_and_has_a_source(name):
    with (tables.DATA / f"{name}.csv").open(encoding="utf-8", newline="") as handle:
        lines = list(csv.reader(handle))
    assert {len(line) for line in lines} == {len(lines[0])}
    assert {"source", "verified_part", "status"} & set(lines[0])


def test_texts_for_translation_have_no_broken_placeholders():
    texts = tables.texts()
    assert "Well differentiated" in texts
    assert not [text for text in texts if re.search(r"%\(", text)]


def test_sources_of_reasons_without_values_hold_no_bare_per_cent_sign():
    for name, columns in tables.TEXT_COLUMNS.items():
        for row in tables.rows(name):
            for column in columns:
                if column in ("why", "reason", "meaning"):
                    assert "%" not in row[column]


def test_a_key_must_be_unique():
    with pytest.raises(ValueError, match="not unique"):
        tables.by_key("stage_groups", "site")
