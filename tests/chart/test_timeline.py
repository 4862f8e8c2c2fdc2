"""How the course is laid out in time: only what has a date, at the earliest it can mean."""

from __future__ import annotations

from datetime import date

import pytest

from registry.chart.timeline import Bar, Lane, Mark, Timeline, draw
from registry.dates import PartialDate


def mark(at: str, label: str = "Seen") -> Mark:
    return Mark(label, "other", PartialDate(at), label)


def bar(start: str, stop: str | None = None, *, open_end: bool = False) -> Bar:
    return Bar(
        "SSA", "ssa", PartialDate(start), PartialDate(stop) if stop else None, open_end, "SSA"
    )


def drawn(*lanes: Lane) -> Timeline:
    return draw(lanes, tick_words=lambda day, months: f"{day:%Y-%m}" if months else str(day.year))


def test_nothing_with_a_date_is_an_empty_picture() -> None:
    assert drawn(Lane("Therapy"), Lane("Disease")).is_empty


def test_a_lane_with_nothing_in_it_is_not_drawn() -> None:
    found = drawn(Lane("Therapy"), Lane("Disease", marks=[mark("2020")]))
    assert [lane.label for lane in found.lanes] == ["Disease"]


def test_everything_lies_within_the_picture_in_its_order() -> None:
    found = drawn(Lane("Disease", marks=[mark("2022-06"), mark("2020"), mark("2025-01-31")]))
    places = [at for _label, _class, at, _title in found.lanes[0].marks]
    assert places == sorted(places)
    assert places[0] > 0
    assert places[-1] < 100


def test_a_partial_date_is_drawn_at_its_earliest() -> None:
    marks = [mark("2020"), mark("2020-01-01"), mark("2024")]
    found = drawn(Lane("Disease", marks=marks))
    first, second, _last = (at for _label, _class, at, _title in found.lanes[0].marks)
    assert first == second


def test_what_goes_on_is_drawn_to_the_last_day_known() -> None:
    found = drawn(
        Lane("Therapy", bars=[bar("2020", open_end=True), bar("2021", "2022")]),
        Lane("Disease", marks=[mark("2024")]),
    )
    [(_l, _c, start, width, open_end, _t), closed] = found.lanes[0].bars
    [(_label, _class, last, _title)] = found.lanes[1].marks
    assert open_end
    assert start + width == pytest.approx(last)
    assert closed[2] + closed[3] < last


def test_an_end_that_is_not_known_is_not_made_up() -> None:
    found = drawn(Lane("Therapy", bars=[bar("2020")]), Lane("Disease", marks=[mark("2024")]))
    assert found.lanes[0].bars[0][3] == 0


@pytest.mark.parametrize(
    ("first", "last", "ticks"),
    [
        ("2020-03", "2024-02", ["2021", "2022", "2023", "2024"]),
        ("2024-01-15", "2024-04-02", ["2024-02", "2024-03", "2024-04"]),
        ("1990-06", "2020", ["1991", "1994", "1997"]),
    ],
)
def test_the_axis_shows_years_or_months_and_never_too_many(
    first: str, last: str, ticks: list[str]
) -> None:
    found = drawn(Lane("Disease", marks=[mark(first), mark(last)])).ticks
    assert [text for text, _at in found][: len(ticks)] == ticks
    assert len(found) <= 12


def test_a_single_day_can_be_drawn() -> None:
    [(_label, _class, at, _title)] = drawn(Lane("Disease", marks=[mark("2020")])).lanes[0].marks
    assert 0 < at < 100
    assert date(2020, 1, 1) == PartialDate("2020").earliest
