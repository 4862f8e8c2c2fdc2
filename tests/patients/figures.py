"""How well a made-up population is matched: the rule over its own candidates, no database."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import combinations

from registry.dates import PartialDate
from registry.patients import queries
from registry.patients.matching import finding, names, rules
from tests.patients.alike import Record


@dataclass(frozen=True)
class Figures:
    """Of the pairs that were found, how many are right; of the right ones, how many were found."""

    records: int
    same: int
    found: int
    right: int

    @property
    def precision(self) -> float:
        """The share of found pairs that are one person."""
        return self.right / self.found

    @property
    def recall(self) -> float:
        """The share of second records that were found."""
        return self.right / self.same


def person(record: Record) -> rules.Person:
    """A record as the rule takes it."""
    return rules.Person(
        record.family_name, record.given_names, PartialDate(record.birth_date), record.sex,
        record.national_number, record.telephone, "NL",
    )  # fmt: skip


def true_pairs(records: list[Record]) -> set[tuple[int, int]]:
    """The places of two records of one person."""
    of = defaultdict(list)
    for place, record in enumerate(records):
        of[record.who].append(place)
    return {pair for places in of.values() for pair in combinations(places, 2)}


def measured(records: list[Record]) -> Figures:
    """Find pairs as the product does: by fingerprints and birth date, then by the rule."""
    people = [person(record) for record in records]
    found = {(i, j) for i, j in _candidates(people) if _alike(people, i, j, _shares(people))}
    same = true_pairs(records)
    return Figures(len(records), len(same), len(found), len(found & same))


USUAL = {"family": rules.USUAL_SHARE, "given": rules.USUAL_GIVEN_SHARE}
_counted: dict[int, dict[tuple[str, str], float]] = {}


def _shares(people: list[rules.Person]) -> dict[tuple[str, str], float]:
    if id(people) not in _counted:
        counts: Counter[tuple[str, str]] = Counter()
        for one in people:
            counts["family", names.joined(one.family_name)] += 1
            counts["given", names.joined(one.given_names)] += 1
        _counted.clear()
        _counted[id(people)] = {
            key: rules.share(count, len(people), USUAL[key[0]]) for key, count in counts.items()
        }
    return _counted[id(people)]


def _alike(
    people: list[rules.Person], i: int, j: int, shares: dict[tuple[str, str], float]
) -> bool:
    one = people[i]
    return rules.compare(
        one,
        people[j],
        family_share=shares["family", names.joined(one.family_name)],
        given_share=shares["given", names.joined(one.given_names)],
    ).alike


def _candidates(people: list[rules.Person]) -> set[tuple[int, int]]:
    places = defaultdict(list)
    for place, one in enumerate(people):
        for kind, text in queries.findable(
            family_name=one.family_name, given_names=one.given_names,
            birth_date=one.birth_date, national_number=one.national_number,
        ):  # fmt: skip
            if kind in ("person", "national", "names_year", "names_day"):
                places[kind, text].append(place)
        for born in finding.birth_dates(one.birth_date)[:1]:
            year, month, day = born.iso.split("-")
            places["born", f"{year} {sorted((month, day))}"].append(place)
    return {pair for some in places.values() for pair in combinations(some, 2)}
