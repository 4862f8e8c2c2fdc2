"""What a project was told in its earlier releases, from what is kept of each and its frozen file of
patients. What both tell together is worked out by `together`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from registry import storage
from registry.later import Later
from registry.research import rules
from registry.research.models import Release, ReleaseFile
from registry.research.releases import recoding
from registry.research.releases.cells import bytes_of
from registry.research.releases.days import Numbers
from registry.research.releases.gathering import Chosen
from registry.research.releases.pseudonyms import LENGTH, Pseudonyms
from registry.research.releases.recoding import Known, Plan
from registry.research.releases.together import ABSENT, Ever, who_left

np: Any = Later("numpy")
pa: Any = Later("pyarrow")
arrow_csv: Any = Later("pyarrow.csv")

#: Of a file that are read at once.
_BYTES = 1 << 20


@dataclass(frozen=True)
class Earlier:
    """An earlier release: its number, how coarse it was, and its patients in their order."""

    number: int
    plan: Plan
    names: Any

    def of(self, names: Any) -> Plan:
        """Its plan with a level of each of these patients, ABSENT of who was not in it."""
        at, there = _places(self.names, names)
        own = np.frombuffer(bytes(self.plan.levels), np.uint8) if self.plan.levels else None
        levels = np.full(len(names), ABSENT, np.uint8)
        levels[there] = 0 if own is None else own[at[there]]
        return replace(self.plan, levels=levels.tobytes())

    def has_the_same(self, names: Any) -> bool:
        """Were these, and nobody else, its patients?"""
        return len(names) == len(self.names) and bool((names == self.names).all())

    def others(self, names: Any) -> Iterator[tuple[bytes, Known]]:
        """Its patients who are not among these, and what it said of them."""
        if self.plan.said is not None:
            for at in np.flatnonzero(~_places(names, self.names)[1]).tolist():
                yield self.names[at], self.plan.said.known[self.plan.said.at[at]]


def _places(among: Any, names: Any) -> tuple[Numbers, Numbers]:
    """Where each of these names stands among others, which are in order, and whether it does."""
    at = np.minimum(np.searchsorted(among, names), max(0, len(among) - 1))
    return at, among[at] == names if len(among) else np.zeros(len(names), bool)


def as_words(names: Any) -> Any:
    """Names in rows of letters as one word each."""
    return np.ascontiguousarray(names).view(f"S{LENGTH}").ravel()


def of_project(connection: sa.Connection, project: str, number: int) -> list[Earlier]:
    """The releases of a project that were made, but the one of this number, in their order."""
    query = (
        sa.select(Release.number, Release.recoded, ReleaseFile.file_id)
        .join(ReleaseFile, ReleaseFile.release_id == Release.id)
        .where(
            Release.project == project,
            Release.number != number,
            Release.state == rules.MADE,
            ReleaseFile.name == "patients.csv",
        )
        .order_by(Release.number)
    )
    # Of one that was made before this was kept it is not known: as if everything was told.
    return [
        Earlier(row.number, Plan.of(row.recoded) if row.recoded else Plan(), _names(row.file_id))
        for row in connection.execute(query)
    ]


def _names(file_id: Any) -> Any:
    place: Path = storage.place(file_id)
    read = arrow_csv.ConvertOptions(
        include_columns=["patient_id"], column_types={"patient_id": pa.binary(LENGTH)}
    )
    parse = arrow_csv.ParseOptions(newlines_in_values=True)
    options = arrow_csv.ReadOptions(block_size=_BYTES, use_threads=False)
    with arrow_csv.open_csv(place, options, parse, read) as blocks:
        parts = [bytes_of(block.column(0)).copy() for block in blocks]
    return np.concatenate([np.empty(0, f"S{LENGTH}"), *parts])


def without_few_new(
    chosen: Chosen, before: Sequence[Earlier], k: int, names: Pseudonyms
) -> tuple[Chosen, bool]:
    """The patients of a release without those who are in none of the earlier ones where these are
    fewer than k, and whether there are such: who knows when somebody was diagnosed knows that they
    are among the new."""
    if not before or not chosen.number:
        return chosen, False
    words = as_words(chosen.names)
    new = np.ones(len(words), bool)
    for one in before:
        new &= ~_places(one.names, words)[1]
    few = bool(0 < new.sum() < k)
    return (chosen.without(new, names) if few else chosen), few


def planned(
    known: Sequence[Known], asked: Plan, before: Sequence[Earlier], names: Any
) -> tuple[Plan, dict[str, Any]]:
    """The plan of a release of a project that has others, and what is said of them together."""
    words = as_words(names)
    plans, last = [one.of(words) for one in before], before[-1]
    left = _left(words, before)
    if last.has_the_same(words) and recoding.still(known, plans[-1], asked):
        found = recoding.kept(known, plans[-1])
    else:
        found = recoding.plan(known, asked.k, asked.years, asked.least, plans, left)
    reached = recoding.measured_together(known, found, plans, left)
    if reached.fewest_added < asked.k:
        raise RuntimeError("with an earlier release more would be told than was approved")
    return found, {
        "releases": [one.number for one in before],
        "k_of_all": reached.fewest,
        "patients_in_smaller_groups": reached.in_smaller,
        "patients_who_left": sum(left.values()),
    }


def _left(names: Any, before: Sequence[Earlier]) -> Counter[Ever]:
    """Of how many who are not among these the earlier releases told what."""
    told: dict[bytes, list[tuple[int, Known]]] = {}
    for number, one in enumerate(before):
        for name, said in one.others(names):
            told.setdefault(name, []).append((number, said))
    return Counter(who_left(some) for some in told.values())
