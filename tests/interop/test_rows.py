"""A row becomes a patient and entries by the map, and every cell is accounted for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from registry.interop import rows
from registry.interop.rows import Fate, Made, Row
from tests.make_interop import TUMOUR, map_of


def row(folder: Path, body: str, **cells: str) -> Row:
    return rows.make(2, {"id": "1", **cells}, map_of(folder, body))


def only(made: Row) -> Made:
    assert not made.refusals, made.refusals
    [entry] = made.entries
    return entry


HISTORY = '[[history]]\nsmoking = { column = "smoke", values = { "n" = "never" } }\n'
MISSING = '[missing]\n"[Unknown]" = "not_known"\n"[Not Evaluated]" = "not_done"\n'


def test_a_column_fills_a_variable(tmp_path: Path) -> None:
    assert only(row(tmp_path, HISTORY, smoke="n")).values == {"smoking": "never"}


def test_a_blank_cell_makes_no_entry(tmp_path: Path) -> None:
    made = row(tmp_path, HISTORY, smoke="")
    assert made.entries == []
    assert made.fates["smoke"] is Fate.BLANK


def test_constants_alone_make_no_entry_unless_always(tmp_path: Path) -> None:
    body = HISTORY + 'diabetes = { constant = "no" }'
    assert row(tmp_path, body, smoke="").entries == []
    assert only(row(tmp_path, TUMOUR)).values == {"primary_site": "C25.1"}


def test_a_marker_becomes_the_reason_and_is_counted(tmp_path: Path) -> None:
    made = row(tmp_path, MISSING + HISTORY, smoke="[Unknown]")
    assert only(made).absent == {"smoking": {"why": "not_known"}}
    assert made.fates["smoke"] is Fate.MISSING


def test_not_done_of_what_is_only_known_or_not_is_not_known(tmp_path: Path) -> None:
    made = row(tmp_path, MISSING + HISTORY, smoke="[Not Evaluated]")
    assert only(made).absent == {"smoking": {"why": "not_known"}}


def test_a_marker_of_a_variable_that_takes_no_reason_is_refused(tmp_path: Path) -> None:
    made = row(tmp_path, MISSING + '[patient]\nsex_at_birth = "sex"', sex="[Unknown]")
    assert "missing marker" in made.refusals[0].reason


def test_a_marker_may_be_left_blank_where_the_map_says_so(tmp_path: Path) -> None:
    body = MISSING + '[patient]\nsex_at_birth = { column = "sex", missing = { "[Unknown]" = "" } }'
    made = row(tmp_path, body, sex="[Unknown]")
    assert not made.refusals
    assert made.fates["sex"] is Fate.MISSING


def test_a_value_the_map_names_is_no_marker(tmp_path: Path) -> None:
    values = '{ "[Unknown]" = "undetermined" }'
    body = f'{MISSING}[patient]\nsex_at_birth = {{ column = "s", values = {values} }}'
    assert row(tmp_path, body, s="[Unknown]").patient.values == {"sex_at_birth": "undetermined"}


def test_a_variables_own_marker_goes_before_the_common_one(tmp_path: Path) -> None:
    body = MISSING + '[[staging]]\nt = { column = "t", missing = { "[Unknown]" = "not_done" } }'
    assert only(row(tmp_path, body, t="[Unknown]")).absent == {"t": {"why": "not_done"}}


def test_not_available_says_because(tmp_path: Path) -> None:
    mark = '{ "?" = { absent = "not_available", because = "lost" } }'
    body = f'[[staging]]\nt = {{ column = "t", missing = {mark} }}'
    made = only(row(tmp_path, body, t="?"))
    assert made.absent == {"t": {"why": "not_available", "because": "lost"}}


PROGRESSION = """
[[progression]]
when = { column = "recurred", is = ["yes", "y"] }
kind = { constant = "recurrence" }
interval = "months"
interval_unit = { constant = "months" }
"""


def test_a_condition_makes_the_entry_or_not(tmp_path: Path) -> None:
    assert only(row(tmp_path, PROGRESSION, recurred="yes", months="")).values == {
        "kind": "recurrence"
    }
    none = row(tmp_path, PROGRESSION, recurred="no", months="4")
    assert none.entries == []
    assert none.fates["recurred"] is Fate.READ
    assert none.fates["months"] is Fate.ASIDE


def when(condition: str) -> str:
    return f'[[progression]]\nwhen = {condition}\nkind = {{ constant = "recurrence" }}\n'


def test_conditions_all_hold(tmp_path: Path) -> None:
    body = when('[{ column = "a", is = "1" }, { column = "b", is_not = "2" }]')
    assert len(row(tmp_path, body, a="1", b="3").entries) == 1
    assert len(row(tmp_path, body, a="1", b="2").entries) == 0


def test_any_of_several_conditions_holds(tmp_path: Path) -> None:
    body = when('{ any = [{ column = "a", is = "1" }, { column = "b", matches = "3.*" }] }')
    assert len(row(tmp_path, body, a="0", b="33").entries) == 1
    assert len(row(tmp_path, body, a="0", b="2").entries) == 0


def test_a_marker_counts_as_blank_in_a_condition(tmp_path: Path) -> None:
    body = MISSING + when('{ column = "a", blank = false }')
    assert len(row(tmp_path, body, a="[Unknown]").entries) == 0
    assert len(row(tmp_path, body, a="x").entries) == 1


def test_the_first_rule_that_gives_something_counts(tmp_path: Path) -> None:
    body = '[[follow_up]]\ninterval = ["dead_at", "seen_at"]\ninterval_unit = { constant = "days" }'
    assert str(only(row(tmp_path, body, dead_at="9", seen_at="5")).values["interval"]) == "9"
    made = row(tmp_path, body, dead_at="", seen_at="5")
    assert str(only(made).values["interval"]) == "5"
    assert made.fates["dead_at"] is Fate.BLANK


def test_a_cell_passed_over_is_accounted_for(tmp_path: Path) -> None:
    body = '[[follow_up]]\ninterval = ["dead_at", "seen_at"]\ninterval_unit = { constant = "days" }'
    assert row(tmp_path, body, dead_at="9", seen_at="5").fates["seen_at"] is Fate.ASIDE


def test_a_unit_of_nothing_is_not_kept(tmp_path: Path) -> None:
    body = (
        '[[follow_up]]\nvital_status = "v"\ninterval = "d"\ninterval_unit = { constant = "days" }'
    )
    assert only(row(tmp_path, body, v="alive", d="")).values == {"vital_status": "alive"}


def test_several_entries_of_one_row(tmp_path: Path) -> None:
    body = "".join(
        f'[[stated_endpoint]]\nendpoint = {{ constant = "{name}" }}\ntime = "{name}"\n'
        'time_unit = { constant = "months" }\n'
        for name in ("OS", "PFS")
    )
    made = row(tmp_path, body, OS="12.0", PFS="7.5")
    assert [(e.values["endpoint"], str(e.values["time"])) for e in made.entries] == [
        ("OS", "12.0"),
        ("PFS", "7.5"),
    ]


def test_a_refused_cell_names_row_column_value_and_reason(tmp_path: Path) -> None:
    [refusal] = row(tmp_path, HISTORY, smoke="pipe").refusals
    assert (refusal.row, refusal.column, refusal.value) == (2, "smoke", "pipe")
    assert "not among the values" in refusal.reason
    assert "history.smoking" in refusal.reason


def test_who_a_patient_is_is_never_shown_in_a_refusal(tmp_path: Path) -> None:
    made = row(tmp_path, '[patient]\nbirth_date = "born"', born="31 Juno 1950")
    assert made.refusals[0].value == "(not shown)"


def test_a_kept_cell_is_kept_as_stated(tmp_path: Path) -> None:
    made = row(tmp_path, HISTORY + '[keep]\n"x" = "no variable"', smoke="n", x="T2a?")
    assert made.kept == {"x": ["T2a?"]}
    assert made.fates["x"] is Fate.KEPT


def test_a_column_ignored_as_a_copy_must_be_one(tmp_path: Path) -> None:
    body = HISTORY + '[ignore]\n"copy" = { reason = "a copy", same_as = "smoke" }'
    assert not row(tmp_path, body, smoke="n", copy="").refusals
    assert not row(tmp_path, body, smoke="n", copy="n").refusals
    assert "same as 'smoke'" in row(tmp_path, body, smoke="n", copy="y").refusals[0].reason


def test_a_column_ignored_as_always_the_same_must_be(tmp_path: Path) -> None:
    body = HISTORY + '[ignore]\n"c" = { reason = "r", always = 0 }'
    assert not row(tmp_path, body, smoke="n", c="0").refusals
    assert "always '0'" in row(tmp_path, body, smoke="n", c="1").refusals[0].reason


def test_a_row_without_an_id_is_refused(tmp_path: Path) -> None:
    made = rows.make(2, {"id": "", "smoke": "n"}, map_of(tmp_path, HISTORY))
    assert "id is missing" in made.refusals[0].reason


def test_bytes_of_another_encoding_and_nul_are_refused(tmp_path: Path) -> None:
    for text in ("Z\udcfcrich", "a\x00b"):
        made = row(tmp_path, TUMOUR + '[keep]\n"x" = "r"', x=text)
        assert "encoding" in made.refusals[0].reason


def test_a_cell_of_ten_megabytes_is_refused(tmp_path: Path) -> None:
    made: Any = row(tmp_path, TUMOUR + '[ignore]\n"x" = "r"', x="x" * 10_000_000)
    assert "at most 10000" in made.refusals[0].reason
