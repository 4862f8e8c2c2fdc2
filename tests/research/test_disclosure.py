"""What may be told of how many, and that asking in another way does not tell more."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.research import rules
from registry.research.cohorts import disclosure
from registry.research.cohorts.disclosure import Answer, Told, answer, held_back, sketch

KEY = b"a key of the tests"
PEOPLE = [UUID(int=Random(number).getrandbits(100)) for number in range(400)]


class Memory:
    """What the house keeps of what it told."""

    def __init__(self) -> None:
        self.kept: list[tuple[int, Told]] = []

    def ask(self, people: list[UUID]) -> Answer:
        mark, size = sketch(people, KEY), len(people)
        near = [told for n, told in self.kept if abs(n - size) <= disclosure.NEAR]
        found = answer(size, mark, near)
        if found.fresh:
            self.kept.append((size, Told(mark, found.number)))
        return found


def told(found: Answer) -> object:
    return "withheld" if found.withheld else found.number


def test_a_sketch_says_how_far_two_sets_are_apart() -> None:
    whole = sketch(PEOPLE[:100], KEY)
    assert disclosure.differ_by_at_least(whole, sketch(reversed(PEOPLE[:100]), KEY)) == 0
    for less in (1, 4, 9):
        apart = disclosure.differ_by_at_least(whole, sketch(PEOPLE[less:100], KEY))
        assert 1 <= apart <= less
    assert disclosure.differ_by_at_least(whole, sketch(PEOPLE[40:100], KEY)) >= disclosure.NEAR
    assert sketch(PEOPLE[:3], KEY) != sketch(PEOPLE[:3], b"another key")


@pytest.mark.parametrize("size", range(1, 61))
def test_one_patient_less_is_told_as_the_same(size: int) -> None:
    """For every size, in both orders: the one left out cannot be seen."""
    for first, second in ((size, size - 1), (size - 1, size)):
        memory = Memory()
        assert told(memory.ask(PEOPLE[:first])) == told(memory.ask(PEOPLE[:second]))


@pytest.mark.parametrize("size", [5, 9, 10, 14, 15, 24, 96])
def test_it_is_not_worn_down(size: int) -> None:
    """Repeating, leaving out each in turn, and walking away one by one tell nothing new."""
    memory = Memory()
    first = told(memory.ask(PEOPLE[:size]))
    for left_out in range(size):
        others = PEOPLE[:left_out] + PEOPLE[left_out + 1 : size]
        assert told(memory.ask(others)) == first
    assert [told(memory.ask(PEOPLE[:size])) for _again in range(3)] == [first] * 3
    answers = [told(memory.ask(PEOPLE[: size + more])) for more in range(60)]
    for one, following in pairwise(answers):
        assert one == following or "withheld" in (one, following)
    for more, number in enumerate(answers):  # and what is told is about right
        if isinstance(number, int):
            assert abs(number - size - more) < 5 + disclosure.NEAR


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 45), min_size=2, max_size=25), st.randoms())
def test_no_two_numbers_ever_differ_by_a_patient(sizes: list[int], random: Random) -> None:
    """Whatever was asked before, in any order, of overlapping sets: of two questions that differ
    by one patient both numbers are the same, or one is not told."""
    memory = Memory()
    pool = PEOPLE[:60]
    for size in sizes:
        people = random.sample(pool, size)
        one = told(memory.ask(people))
        other = told(memory.ask([*people, PEOPLE[99]]))
        assert one == other or "withheld" in (one, other)


def test_nothing_below_the_fewest_is_told() -> None:
    for size in range(rules.FEW):
        assert Memory().ask(PEOPLE[:size]).number is None
    assert Memory().ask(PEOPLE[:14]).number == 10
    assert Memory().ask(PEOPLE[:15]).number == 20


def test_a_cell_that_could_be_worked_out_goes_too() -> None:
    """With 100 in all and one cell of three untold, it would be 100 less the other two."""
    assert held_back([[60, None, 30]]) == [[60, None, None]]
    table = [[50, None, 20], [40, 30, 60], [80, 10, 90]]
    for line in (*held_back(table), *zip(*held_back(table), strict=True)):
        assert list(line).count(None) != 1
    assert held_back([[60, 30]]) == [[60, 30]]
