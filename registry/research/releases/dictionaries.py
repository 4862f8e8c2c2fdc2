"""Dictionaries of Arrow: the different texts of a column, and the place of each row among them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from registry.later import Later
from registry.research.releases.days import NONE, Numbers

np: Any = Later("numpy")
pa: Any = Later("pyarrow")


class Once:
    """What is made of the dictionary of a column, worked out once while it is the same."""

    def __init__(self, work: Callable[[Any], Any]) -> None:
        self._work = work
        self._held: Any = None
        self._made: Any = None

    def of(self, dictionary: Any) -> Any:
        """What is made of it. Arrow hands out another object of the same memory each time."""
        if self._held is None or not _same(self._held, dictionary):
            self._held, self._made = dictionary, self._work(dictionary)
        return self._made


def _same(one: Any, other: Any) -> bool:
    return len(one) == len(other) and all(
        first is second or (first and second and first.address == second.address)
        for first, second in zip(one.buffers(), other.buffers(), strict=True)
    )


def tight(column: Any) -> Any:
    """A dictionary with no more in it than what stands in the rows, in the order in which it
    comes: what others have says nothing to who reads these, and the order none of the database."""
    indices, number = column.indices, len(column.dictionary)
    there = indices if not indices.null_count else indices.drop_null()
    used = there.unique().to_numpy()
    if np.array_equal(used, np.arange(number)):
        return column
    places = np.full(number + 1, NONE, np.int32)
    places[used] = np.arange(len(used))
    return pa.DictionaryArray.from_arrays(
        placed(places[at_of(indices)]), column.dictionary.take(pa.array(used))
    )


def at_of(indices: Any) -> Numbers:
    """Places of Arrow as numbers; NONE is nothing."""
    return (indices.fill_null(NONE) if indices.null_count else indices).to_numpy()


def placed(at: Numbers) -> Any:
    """Places as Arrow has them; NONE is nothing."""
    nothing = at == NONE
    return pa.array(at, pa.int32(), mask=nothing if nothing.any() else None)
