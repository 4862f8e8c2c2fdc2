"""How many patients share what leaves of them, and what else is the same of all who do: measured in
the very cells that are written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from registry.later import Later
from registry.research.releases.days import Numbers
from registry.research.releases.recoding import LEVELS, QUASI, Known, Plan, Words

np: Any = Later("numpy")


@dataclass(frozen=True)
class Leaving:
    """What leaves of the quasi-identifiers of some patients: the words of each part of `Known`."""

    parts: Sequence[Words]

    def known(self, made: dict[tuple[Any, ...], Known]) -> list[Known]:
        """Of each patient. `made` has those of others: most are the same as one of these."""
        words = ([texts[one] for one in at.tolist()] for at, texts in self.parts)
        return [
            made.get(one) or made.setdefault(one, Known(*one)) for one in zip(*words, strict=True)
        ]


class Tallied:
    """Words of many patients as numbers, the same word always the same."""

    def __init__(self) -> None:
        self._places: dict[Any, int] = {}
        self._found: list[Numbers] = []

    def add(self, words: Words) -> None:
        """Those of more patients."""
        at, texts = words
        places = self._places
        number = np.array([places.setdefault(one, len(places)) for one in texts], np.int32)
        small = len(places) < 2**16  # two bytes of each patient
        self._found.append(number.astype(np.uint16 if small else np.int32)[at])

    def all(self) -> tuple[Numbers, int]:
        """The number of each patient's word, and how many there are."""
        return np.concatenate([np.empty(0, np.uint16), *self._found]), max(1, len(self._places))


@dataclass
class Measured:
    """Groups of patients who share what leaves of them, counted when all is written."""

    known: Sequence[Tallied] = field(default_factory=lambda: [Tallied() for _one in QUASI])
    levels: Counter[int] = field(default_factory=Counter)
    values: dict[tuple[str, str], Tallied] = field(default_factory=dict)

    def add(
        self, leaving: Leaving, levels: Numbers | None, sensitive: Mapping[tuple[str, str], Words]
    ) -> None:
        """Count patients: their combinations, how much less is told of each, and the different
        values of the sensitive variables."""
        for numbered, words in zip(self.known, leaving.parts, strict=True):
            numbered.add(words)
        counted = [len(leaving.parts[0][0])] if levels is None else np.bincount(levels).tolist()
        self.levels.update({level: number for level, number in enumerate(counted) if number})
        for place, words in sensitive.items():
            self.values.setdefault(place, Tallied()).add(words)

    @cached_property
    def _groups(self) -> tuple[Numbers, Numbers]:
        """The group of each patient, and how many are in each."""
        group, sizes = np.zeros(0, np.int64), np.zeros(0, np.int64)
        for at, number in (one.all() for one in self.known):
            both = group * number + at if group.size else at
            _known, group, sizes = np.unique(both, return_inverse=True, return_counts=True)
        return group, sizes

    @property
    def k(self) -> int:
        """How many share a combination at least; 0 where there is nobody."""
        return int(self._groups[1].min()) if self._groups[1].size else 0

    def _diversity(self, values: Tallied) -> dict[str, int]:
        """How few different values a group has, and how many groups have one."""
        group, sizes = self._groups
        at, number = values.all()
        different = np.bincount(np.unique(group * number + at) // number, minlength=len(sizes))
        return {
            "l_reached": int(different.min()),
            "groups_with_one_value": int((different == 1).sum()),
        }

    def report(self, coarse: Plan) -> dict[str, Any]:
        """For the manifest."""
        return {
            "method": "k-anonymity by grouping and leaving out; l-diversity (distinct) measured",
            "quasi_identifiers": [f"{entity}.{name}" for entity, name in QUASI],
            "k_approved": coarse.k,
            "k_reached": self.k,
            "groups": len(self._groups[1]),
            "age_groups_of_years": coarse.years,
            "countries_merged": len(coarse.merged),
            "patients_by_level": {
                str(level): {"means": str(LEVELS[level]), "patients": number}
                for level, number in sorted(self.levels.items())
            },
            "l_diversity": {
                f"{entity}.{name}": self._diversity(found)
                for (entity, name), found in sorted(self.values.items())
                if self.k
            },
        }
