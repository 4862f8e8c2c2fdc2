"""How the course is laid out in time: only what has a date, at the earliest it can mean."""

from __future__ import annotations

import re
from datetime import date

import pytest

from registry.chart import drawing
from registry.chart.timeline import (
    Bar,
    Lane,
    Mark,
    Period,
    days_of,
    lane,
    moved,
    period,
    scaled,
    ticks,
)
from registry.dates import PartialDate

WHOLE = Period(date(2020, 1, 1), date(2024, 1, 1))


def mark(at: str, label: str = "Seen") -> Mark:
    return Mark(label, "other", PartialDate(at), label)


def bar(start: str, stop: str | None = None, *, open_end: bool = False, label: str = "SSA") -> Bar:
    end = PartialDate(stop) if stop else None
    return Bar(label, "ssa", PartialDate(start), end, open_end, label)


def drawn(one: Lane, shown: Period = WHOLE) -> str:
    return lane(one, shown, [], None)


def places(svg: str, tag: str = "svg") -> list[float]:
    """Where things stand, in per cent, in the order they are drawn."""
    return [float(at) for at in re.findall(rf'<{tag} x="(-?[\d.]+)%"', svg)]


# -- the period ----------------------------------------------------------------------------------


def test_nothing_with_a_date_has_no_period() -> None:
    assert period(days_of([Lane("Therapy")]), until=None, wanted=(None, None)) is None


def test_the_whole_is_from_the_first_day_to_the_last_or_to_the_present() -> None:
    days = [date(2021, 3, 1), date(2020, 1, 1)]
    found = period(days, until=None, wanted=(None, None))
    assert found == Period(date(2020, 1, 1), date(2021, 3, 1))
    found = period(days, until=date(2022, 5, 5), wanted=(None, None))
    assert found is not None
    assert found.last == date(2022, 5, 5)


@pytest.mark.parametrize(
    "wanted",
    [
        (date(2021, 1, 1), date(2020, 1, 1)),  # the wrong way round
        (date(1800, 1, 1), date(1801, 1, 1)),  # nothing is there
        (date(2999, 1, 1), None),
    ],
)
def test_a_period_that_cannot_be_shown_is_not_asked_for(wanted: tuple[date, date | None]) -> None:
    found = period([WHOLE.first, WHOLE.last], until=None, wanted=wanted)
    assert found == WHOLE


def test_a_part_is_shown_and_reaches_hardly_beyond_what_is_there() -> None:
    found = period(
        [WHOLE.first, WHOLE.last], until=None, wanted=(date(2022, 1, 1), date(9999, 12, 31))
    )
    assert found is not None
    assert (found.first, found.whole) == (date(2022, 1, 1), False)
    assert found.last < date(2026, 1, 1)


def test_looking_closer_and_moving_keep_the_length_in_mind() -> None:
    first, last = scaled(WHOLE, 0.5)
    assert (last - first).days == pytest.approx(WHOLE.days / 2, abs=2)
    assert moved(WHOLE, 0.5)[0] == date(2021, 12, 31)  # half of 1461 days
    assert moved(Period(date.min, date(2, 1, 1)), -1)[0] == date.min


# -- what is drawn -------------------------------------------------------------------------------


def test_a_lane_with_nothing_in_the_period_is_not_drawn() -> None:
    assert drawn(Lane("Disease", marks=[mark("1999")])) == ""
    assert drawn(Lane("Therapy")) == ""


def test_everything_lies_within_the_picture_in_its_order() -> None:
    svg = drawn(Lane("Disease", marks=[mark("2022-06"), mark("2020"), mark("2023-12-31")]))
    found = sorted(places(svg))
    assert found[0] > 0
    assert found[-1] < 100


def test_a_partial_date_is_drawn_at_its_earliest() -> None:
    svg = drawn(Lane("Disease", marks=[mark("2021"), mark("2021-01-01")]))
    first, second = places(svg)
    assert first == second


def test_what_goes_on_is_drawn_to_the_last_day_known_with_an_arrow() -> None:
    svg = drawn(Lane("Therapy", bars=[bar("2020", open_end=True)]))
    [(left, width)] = re.findall(r'<rect x="([\d.]+)%" y="\d+" width="([\d.]+)%"', svg)
    assert float(left) + float(width) == pytest.approx(WHOLE.percent(WHOLE.last), abs=0.1)
    assert "M-1 0L9 10-1 20Z" in svg


def test_an_end_that_is_not_known_is_not_made_up() -> None:
    svg = drawn(Lane("Therapy", bars=[bar("2021")]))
    [(_left, width)] = re.findall(r'<rect x="([\d.]+)%" y="\d+" width="([\d.]+)%"', svg)
    assert float(width) == 0.4  # a stroke that can be seen


def test_what_began_before_the_period_begins_at_its_edge() -> None:
    part = Period(date(2022, 1, 1), date(2023, 1, 1), whole=False)
    svg = drawn(Lane("Therapy", bars=[bar("2020", "2022-06")]), part)
    [(left, _width)] = re.findall(r'<rect x="([\d.]+)%" y="\d+" width="([\d.]+)%"', svg)
    assert float(left) == 0


def test_what_would_overlap_stands_in_rows_of_its_own() -> None:
    together = Lane("Therapy", bars=[bar("2020", "2022"), bar("2021", "2023")])
    after = Lane("Therapy", bars=[bar("2020", "2021"), bar("2022", "2023")])
    tall = [re.findall(r'height="(\d+)">', drawn(one))[0] for one in (together, after)]
    assert int(tall[0]) > int(tall[1])


def test_a_name_at_the_right_edge_stands_before_its_mark() -> None:
    svg = drawn(Lane("Disease", marks=[mark("2023-12", "A long name of something")]))
    assert 'text-anchor="end"' in svg


def test_marks_without_words_share_one_row() -> None:
    many = Lane("Imaging", marks=[mark(f"2021-01-{day:02}", "") for day in range(1, 29)])
    assert int(re.findall(r'height="(\d+)">', drawn(many))[0]) < 30


def test_what_somebody_typed_is_escaped() -> None:
    svg = drawn(Lane("<b>", bars=[bar("2020", label='<script>"&')]))
    assert "<script>" not in svg
    assert "&lt;script&gt;&quot;&amp;" in svg
    assert "&lt;b&gt;" in svg


# -- the axis ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        ("2020-03-01", "2024-02-01", ["2020-07", "2021-01", "2021-07"]),
        ("2024-01-15", "2024-05-02", ["2024-02", "2024-03", "2024-04", "2024-05"]),
        ("1990-06-01", "2020-01-01", ["1995", "2000", "2005"]),
        ("2024-01-01", "2024-01-20", ["2024-01-01", "2024-01-08", "2024-01-15"]),
    ],
)
def test_the_axis_shows_years_months_or_days_and_never_too_many(
    first: str, last: str, words: list[str]
) -> None:
    shown = Period(date.fromisoformat(first), date.fromisoformat(last))
    cut = {"year": 4, "month": 7, "day": 10}
    found = ticks(shown, lambda day, kind: day.isoformat()[: cut[kind]])
    assert [text for text, _at in found][: len(words)] == words
    assert len(found) <= 13


# -- curves --------------------------------------------------------------------------------------


def test_a_limit_is_drawn_hollow_and_a_single_point_has_no_line() -> None:
    both = drawing.curve(0, [[(1, 0.5, False), (2, 0.0, True)]])
    assert "M1 50.0L2 100.0" in both
    assert 'class="app-curve__limit" d="M2 100.0h0"' in both
    alone = drawing.curve(1, [[(1, 0.5, False)]])
    assert "app-curve__line" not in alone
    assert "app-curve__limit" not in alone
