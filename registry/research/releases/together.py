"""What two releases of a project tell together: pseudonyms are the same in both, so whoever has
both has of each patient the finest that either tells, and when somebody first was in one.

Pure: values in, values out. What was told before is read by `earlier`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from registry.research.releases.recoding import Known, Plan

#: Among the levels of an earlier release: a patient who was not in it.
ABSENT = 255


class Ever(NamedTuple):
    """What a project was told of a patient in all its releases, and in which they were first."""

    came: int
    told: Known


class Case(NamedTuple):
    """Patients nobody can tell apart by what is known of them and was told of them: what is known,
    in which of the project's releases they were first, and what all of these told."""

    known: Known
    came: int
    before: Known

    @property
    def was(self) -> Ever:
        """What the project was told before."""
        return Ever(self.came, self.before)

    def adds_nothing(self, ever: Ever) -> bool:
        """Is what is told now no more than was told before?"""
        return ever == self.was


class Measured(NamedTuple):
    """How many patients share all that a project was told of them in all its releases: the fewest,
    how many are in groups smaller than approved, and the fewest where this release adds anything.
    """

    fewest: int
    in_smaller: int
    fewest_added: int


def keys(known: Sequence[Known], before: Sequence[Plan]) -> Iterator[Any]:
    """What is known of each patient, where there are earlier releases with their levels in these:
    one after the other, as a million would fill the memory."""
    if not before:
        return iter(known)
    return zip(known, zip(*(one.levels for one in before), strict=True), strict=True)


def cases(keys: Iterable[Any], before: Sequence[Plan]) -> Mapping[Any, Case]:
    """The case of each of these `keys`."""
    if not before:
        return {one: Case(one, 0, _nothing(one)) for one in keys}
    return {(known, levels): _case(known, levels, before) for known, levels in keys}


def _case(known: Known, levels: Sequence[int], before: Sequence[Plan]) -> Case:
    told, came = _nothing(known), len(before)
    for number, (level, plan) in enumerate(zip(levels, before, strict=True)):
        if level != ABSENT:
            came = min(came, number)
            told = finest(told, plan.saying(plan.known(known, level)))
    return Case(known, came, told)


def who_left(told: Sequence[tuple[int, Known]]) -> Ever:
    """What the project was told of a patient who is not in this release: the numbers of those they
    were in, and what each said."""
    (came, ever), *more = told
    for _number, one in more:
        ever = finest(ever, one)
    return Ever(came, ever)


def _nothing(known: Known) -> Known:
    return known._replace(sex="", country="", age="", sites=())


def finest(one: Known, other: Known) -> Known:
    """What two releases say of a patient together. Countries are texts with spaces between all
    that are possible (`Plan.saying`)."""
    both = {*one.country.split()} & {*other.country.split()}
    return one._replace(
        sex=one.sex or other.sex,
        country=" ".join(sorted(both)) if both else one.country or other.country,
        age=min(one.age, other.age, key=_years),
        sites=min(one.sites, other.sites, key=_fineness),
    )


def _years(age: str) -> tuple[bool, int]:
    """How wide a group of ages is; those of one release lie within those of another."""
    low, dash, high = age.partition("-")
    if age.endswith("+"):
        return not age, 200 - int(age[:-1])
    return not age, int(high) - int(low) if dash else 0


def _fineness(sites: Sequence[str]) -> int:
    """Sites before groups of sites, these before organ systems, and nothing last."""
    if not sites:
        return 3
    return 2 if "-" in sites[0] else 0 if "." in sites[0] else 1


def widths(bands: Sequence[int], years: int, before: Sequence[Plan]) -> list[int]:
    """The groups of ages to try: where ages were told before the same, for two widths would tell
    the finer of both."""
    told = [one.years for one in before if _tells_age(one)]
    if told:
        return [max(years, told[-1])]
    return [one for one in bands if one >= years]


def _tells_age(plan: Plan) -> bool:
    return not plan.least[2]
