"""What may be told of how many: the one place every count outside approved rows goes through.

Three things together. A count is rounded to the nearest ten and not told below ten. A count of
nearly the same people as an earlier one is told as that one was, so that the difference of two
questions says nothing of the people in it. In a table a cell that could be worked out from the
others is held back with it.

Pure: which counts were told before is kept by `actions_cohorts.tell`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import ne
from uuid import UUID

from registry.research import rules

#: Sets that differ by fewer people than this are told as one.
NEAR = 10
#: Buckets of a sketch: as many bytes of its store as eight times this.
BUCKETS = 256
_BYTES = 8


def sketch(people: Iterable[UUID], key: bytes) -> bytes:
    """A summary of a set of which nobody's membership can be read without the key: people fall
    into buckets, and each bucket holds the exclusive-or of theirs."""
    found = Growing()
    for one in people:
        found.add(mark_of(one, key))
    return found.sketch


def mark_of(person: UUID, key: bytes) -> tuple[int, int]:
    """The bucket of somebody, and what they are in it."""
    mark = hashlib.blake2b(person.bytes, key=key[:64], digest_size=_BYTES + 1).digest()
    return mark[0], int.from_bytes(mark[1:], "big")


@dataclass
class Growing:
    """A set to which people come one after the other, of which no more is kept than is needed."""

    size: int = 0
    buckets: list[int] = field(default_factory=lambda: [0] * BUCKETS)

    def add(self, mark: tuple[int, int]) -> None:
        """Somebody more, by their mark."""
        bucket, what = mark
        self.size += 1
        self.buckets[bucket] ^= what

    @property
    def sketch(self) -> bytes:
        """As `sketch` has it."""
        return b"".join(bucket.to_bytes(_BYTES, "big") for bucket in self.buckets)


def differ_by_at_least(one: bytes, other: bytes) -> int:
    """How many people two sets differ by, at least: each touches one bucket."""
    return sum(map(ne, memoryview(one).cast("Q"), memoryview(other).cast("Q")))


@dataclass(frozen=True)
class Told:
    """A count as it was told: a number rounded, None for fewer than ten."""

    sketch: bytes
    number: int | None


@dataclass(frozen=True)
class Answer:
    """What is told of a count. `fresh` when it must be kept: later ones are compared with it.

    `withheld`: what nearly the same people were told as would be wrong for these, or differs, so
    that any number would say something of the few people between them.
    """

    number: int | None = None
    withheld: bool = False
    fresh: bool = False


def answer(size: int, mark: bytes, earlier: Sequence[Told]) -> Answer:
    """What may be told of a set, given what was told of sets of about its size (less than `NEAR`
    apart). All that is told is kept, so of two sets that are near each other the second is told
    as the first or not at all; the same set is told the same for ever."""
    near = [one for one in earlier if differ_by_at_least(one.sketch, mark) < NEAR]
    same = [one for one in near if one.sketch == mark]
    if same:
        return Answer(same[0].number)
    numbers = {one.number for one in near}
    if not numbers:
        return Answer(rules.rounded(size), fresh=True)
    number = numbers.pop()
    if numbers or not _about_right(number, size):
        return Answer(withheld=True)
    return Answer(number, fresh=True)


def _about_right(number: int | None, size: int) -> bool:
    """Rounding moves a number by up to five, and a near set by up to nine more."""
    return size < rules.FEW + NEAR if number is None else abs(number - size) < 5 + NEAR


def held_back(told: Sequence[Sequence[int | None]]) -> list[list[int | None]]:
    """A table of told numbers, with more of them held back: a row or column whose total is told,
    and of which one cell alone is not, gives that cell away, so its smallest neighbour goes too.

    None is a cell that is not told. A single row has no columns to be worked out from.
    """
    kept = [list(row) for row in told]
    changed = True
    while changed:
        changed = False
        for line in _lines(kept):
            open_ = [(kept[r][c], r, c) for r, c in line if kept[r][c] is not None]
            if len(line) - len(open_) == 1 and open_:
                _number, row, column = min(open_, key=lambda one: one[0] or 0)
                kept[row][column] = None
                changed = True
    return kept


def _lines(table: Sequence[Sequence[object]]) -> list[list[tuple[int, int]]]:
    rows = [[(r, c) for c in range(len(row))] for r, row in enumerate(table)]
    if len(table) < 2:
        return rows
    return rows + [[(r, c) for r in range(len(table))] for c in range(len(table[0]))]
