"""Numbers and dates as files write them: read as the map says, never guessed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from registry.interop.notation import Notation, month_names, scaled


def date(text: str, **written: Any) -> str:
    return str(Notation(**written).date(text))


@pytest.mark.parametrize(
    ("text", "order", "stated"),
    [
        ("3-Mar-2015", "dmy", "2015-03-03"),
        ("Mar 3, 2015", "mdy", "2015-03-03"),
        ("March 3 2015", "dmy", "2015-03-03"),  # a name is a month wherever it stands
        ("2015-Sept-03", "ymd", "2015-09-03"),
        ("Jan 2016", "dmy", "2016-01"),
        ("2016 jan.", "ymd", "2016-01"),
    ],
)
def test_a_month_may_be_a_name(text: str, order: str, stated: str) -> None:
    assert date(text, order=order) == stated


@pytest.mark.parametrize(
    ("text", "language", "stated"),
    [("3. März 2015", "de", "2015-03-03"), ("12 mei 2014", "nl", "2014-05-12")],
)
def test_months_in_other_languages(text: str, language: str, stated: str) -> None:
    assert date(text, order="dmy", months=language) == stated


def test_a_language_nobody_knows() -> None:
    with pytest.raises(LookupError):
        month_names("klingon")


@pytest.mark.parametrize(
    ("text", "years_from", "stated"),
    [
        ("16-Feb-17", 1950, "2017-02-16"),
        ("16-Feb-50", 1950, "1950-02-16"),
        ("16-Feb-49", 1950, "2049-02-16"),
        ("16-Feb-17", 1917, "1917-02-16"),
    ],
)
def test_two_digits_of_a_year_count_from_the_year_the_map_says(
    text: str, years_from: int, stated: str
) -> None:
    assert date(text, order="dmy", years_from=years_from) == stated


@pytest.mark.parametrize("text", ["16-Feb-17", "Feb-Mar-2015", "31-Feb-2015", "Foo 2015", "Mar"])
def test_what_is_no_date_by_the_map(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        date(text, order="dmy")


@pytest.mark.parametrize(
    ("text", "decimal", "thousands", "value"),
    [
        ("7,400", "", ",", "7400"),
        ("1,234.5", "", ",", "1234.5"),
        ("1.234,567", "", ".", "1234.567"),
        ("1 234,5", ",", " ", "1234.5"),
        ("1\u202f234", "", " ", "1234"),
        ("12,345", ",", "", "12.345"),
        ("0037", "", "", "37"),
    ],
)
def test_marks_in_a_number(text: str, decimal: str, thousands: str, value: str) -> None:
    assert Notation(decimal=decimal, thousands=thousands).number(text) == Decimal(value)


@pytest.mark.parametrize(
    ("text", "decimal", "thousands"),
    [
        ("1,23,456", "", ","), ("12,5", "", ","), ("1234,567", "", ","), ("12.5", ",", ""),
        ("12,5", ".", ""), ("1,234", "", ""), ("1.234.5", "", "."),
    ],
)  # fmt: skip
def test_marks_where_the_map_has_none_are_refused(text: str, decimal: str, thousands: str) -> None:
    with pytest.raises(ValueError, match=r"mark|not a number"):
        Notation(decimal=decimal, thousands=thousands).number(text)


def test_a_range_or_a_limit_is_scaled_at_both_ends() -> None:
    assert scaled("0.03-0.2", Decimal(100)) == "3.00-20.0"
    assert scaled("<0,03", Decimal(100)) == "<3.00"
    assert scaled("<.03", Decimal(100)) == "<3.00"


@pytest.mark.parametrize("text", ["<,03", "0,150"])
def test_what_may_be_thousands_is_not_scaled(text: str) -> None:
    with pytest.raises(ValueError, match="not a number"):
        scaled(text, Decimal(100))
