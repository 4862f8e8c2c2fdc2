"""One cell to one value: as stated, or refused with a reason a person can act on."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from registry.course.models import BY_NAME
from registry.dates import PartialDate
from registry.interop import cells
from registry.interop.cells import LEFT_BLANK, Absent, Reading, Refused
from registry.interop.notation import Notation


def target(entity: str, name: str) -> cells.Target:
    return cells.targets(BY_NAME[entity])[name]


def taken(path: str, text: str, **how: Any) -> Any:
    entity, name = path.split(".")
    written = {key: how.pop(key) for key in [*how] if key in Notation.__dataclass_fields__}
    reading = Reading(**how, notation=Notation(**written))
    return cells.take(text, target(entity, name), reading).value


def refused(path: str, text: str, **how: Any) -> str:
    with pytest.raises(Refused) as problem:
        taken(path, text, **how)
    return str(problem.value)


@pytest.mark.parametrize(
    ("text", "stated"),
    [("73.9068493150685", "73.9068493150685"), ("63.0", "63.0"), ("0.50", "0.50")],
)
def test_a_number_keeps_every_digit(text: str, stated: str) -> None:
    assert str(taken("follow_up.interval", text)) == stated


def test_a_decimal_comma_is_read() -> None:
    assert taken("tumour.primary_size_mm", "12,5") == Decimal("12.5")


@pytest.mark.parametrize("text", ["12 mm", "1,234", "twelve", "NaN", "Infinity", "1e9999", "٣"])
def test_what_is_no_number_is_refused(text: str) -> None:
    assert "not a number" in refused("tumour.primary_size_mm", text)


def test_a_number_outside_the_possible_range_is_refused_with_the_range() -> None:
    assert refused("tumour.age_at_diagnosis", "130") == "must be from 0 to 120 years"


def test_an_unusual_number_is_kept_and_pointed_out() -> None:
    found = cells.take("250", target("tumour", "primary_size_mm"), Reading())
    assert found.value == 250
    assert found.unusual == "most are from 1 to 200 mm"


def test_a_factor_changes_the_unit_exactly() -> None:
    assert taken("tumour.primary_size_mm", "1.4", factor=Decimal(10)) == Decimal("14.0")


def test_rounding_is_only_done_when_the_map_says_so() -> None:
    assert taken("tumour.primary_size_mm", "14.25", round=1) == Decimal("14.3")


@pytest.mark.parametrize("text", ["12", "<3", "3-20", "12,5 %"])
def test_ki67_is_kept_as_stated(text: str) -> None:
    assert taken("pathology.ki67_percent", text) == text


@pytest.mark.parametrize("text", ["high", "120", "20-3"])
def test_what_is_no_ki67_is_refused(text: str) -> None:
    assert refused("pathology.ki67_percent", text)


@pytest.mark.parametrize(
    ("text", "order", "iso"),
    [
        ("2012", "ymd", "2012"),
        ("2012-03", "ymd", "2012-03"),
        ("2014-3-5", "ymd", "2014-03-05"),
        ("5.3.2014", "dmy", "2014-03-05"),
        ("3/2014", "dmy", "2014-03"),
        ("03/05/2014", "mdy", "2014-03-05"),
    ],
)
def test_a_date_stays_as_partial_as_it_is(text: str, order: str, iso: str) -> None:
    assert taken("tumour.diagnosis_date", text, order=order) == PartialDate(iso)


@pytest.mark.parametrize("text", ["31.12.14", "30.2.2014", "14/13/2014", "1.2.3.4", "41234"])
def test_what_is_no_date_is_refused(text: str) -> None:
    assert "is not a date" in refused("tumour.diagnosis_date", text, order="dmy")


def test_a_date_in_the_future_is_refused() -> None:
    assert "future" in refused("tumour.diagnosis_date", "2199")


def test_a_code_that_is_not_in_the_list_is_refused_with_the_nearest() -> None:
    assert "did you mean G2" in refused("pathology.grade_stated", "Grade2")


def test_a_well_formed_code_of_an_open_list_is_kept_and_noted() -> None:
    found = cells.take("C49.9", target("tumour", "primary_site"), Reading())
    assert (found.value, found.outside_list) == ("C49.9", "C49.9")


def test_an_ill_formed_code_of_an_open_list_is_refused() -> None:
    assert "not a code of topography" in refused("tumour.primary_site", "pancreas")


def test_values_translate_the_words_of_the_source() -> None:
    assert taken("history.smoking", "ex", values={"ex": "former"}) == "former"


def test_a_word_the_map_does_not_name_is_refused() -> None:
    assert "not among the values" in refused("history.smoking", "pipe", values={"ex": "former"})


def test_otherwise_may_leave_the_word_as_it_is() -> None:
    how = {"values": {"ex": "former"}, "otherwise": "as stated"}
    assert taken("history.smoking", "never", **how) == "never"


@pytest.mark.parametrize("rule", [Absent("not_known"), LEFT_BLANK, "former"])
def test_otherwise_may_stand_for_something(rule: Any) -> None:
    assert taken("history.smoking", "pipe", values={}, otherwise=rule) == rule


def test_case_is_ignored_only_when_the_map_says_so() -> None:
    assert taken("history.smoking", "EX", values={"ex": "former"}, ignore_case=True) == "former"
    assert refused("history.smoking", "EX", values={"ex": "former"})


def test_a_pattern_takes_a_part_of_the_cell() -> None:
    import re

    how = {"pattern": re.compile(r"(T\w+) (N\w) (M\w)"), "replace": r"\1"}
    assert taken("staging.t", "T2a N2 M0", **how) == "T2a"
    assert "does not match" in refused("staging.t", "TC ?", **how)


def test_several_codes_in_one_cell() -> None:
    how = {"split": ";", "values": {"Liver": "liver", "Bones": "bone", "none": LEFT_BLANK}}
    assert taken("tumour.metastatic_sites", "Bones; Liver;Bones", **how) == ["bone", "liver"]
    assert taken("tumour.metastatic_sites", "none", **how) is LEFT_BLANK


def test_a_text_longer_than_its_column_is_refused() -> None:
    assert "at most 80 fit" in refused("history.race_stated", "x" * 81)


def test_what_the_rules_derive_cannot_be_filled() -> None:
    assert "derived_grade" not in cells.targets(BY_NAME["pathology"])
