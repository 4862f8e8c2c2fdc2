"""Ki-67 is read as stated, and never guessed."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.clinical.ki67 import EXACTLY, JUST_ABOVE, JUST_BELOW, Ki67, parse_ki67


@pytest.mark.parametrize(
    ("text", "low", "high", "comparator"),
    [
        ("12", "12", "12", ""),
        ("12.5", "12.5", "12.5", ""),
        ("12,5", "12.5", "12.5", ""),
        ("12 %", "12", "12", ""),
        ("=12", "12", "12", ""),
        ("<3", "0", "3", "<"),
        ("< 3 %", "0", "3", "<"),
        ("<1%", "0", "1", "<"),
        ("<= 3", "0", "3", "<="),
        ("≤3", "0", "3", "<="),
        (">=20", "20", "100", ">="),
        ("≥ 20", "20", "100", ">="),
        (">20", "20", "100", ">"),
        ("3-20", "3", "20", "-"),
        ("3–20", "3", "20", "-"),
        ("3 — 20 %", "3", "20", "-"),
        ("2,5-7,5", "2.5", "7.5", "-"),
        ("5-5", "5", "5", ""),
        ("~30", "30", "30", "~"),
        ("≈ 30%", "30", "30", "~"),
        ("0", "0", "0", ""),
        ("-5", "-5", "-5", ""),
        ("120", "120", "120", ""),
    ],
)
def test_what_reports_say_is_read(text, low, high, comparator):
    found = parse_ki67(text)
    assert (found.low, found.high, found.comparator) == (Decimal(low), Decimal(high), comparator)
    assert found.stated == text.strip()


@pytest.mark.parametrize(
    "text",
    ["", " ", "%", "many", "3-", "-3-5", "3--5", "20-3", "<", "<>3", "3 5", "1,234", "3/20", "nan",
     "inf", "٣", "12%%", "1e4000", "<a", "9" * 60],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_a_sentence(text):
    with pytest.raises(ValueError, match=r"\w"):
        parse_ki67(text)


@pytest.mark.parametrize(
    ("text", "impossible"),
    [("0", False), ("100", False), ("-0.01", True), ("100.01", True), ("90-110", True),
     (">100", True), (">=100", False), ("<0", True), ("<=0", False), (">99", False)],
)  # fmt: skip
def test_outside_0_to_100_is_impossible(text, impossible):
    assert parse_ki67(text).impossible() is impossible


def test_the_highest_stated_end_decides():
    assert parse_ki67("2-5").deciding() == (Decimal(5), EXACTLY)
    assert parse_ki67("<20").deciding() == (Decimal(20), JUST_BELOW)
    assert parse_ki67(">=20").deciding() == (Decimal(20), EXACTLY)
    assert parse_ki67(">20").deciding() == (Decimal(20), JUST_ABOVE)


def test_a_value_made_in_code_reads_as_written():
    assert Ki67.of("2.50").text() == "2.5"
    assert str(Ki67.of(3)) == "3"


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    try:
        found = parse_ki67(text)
    except ValueError:
        return
    assert found.low <= found.high
