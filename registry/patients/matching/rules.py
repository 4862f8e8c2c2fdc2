"""When two records may be of one person: what agrees, and what that weighs.

After Fellegi and Sunter (A theory for record linkage, J Am Stat Assoc 1969;64:1183–1210): each
field adds log2(m/u), where m is how often it agrees so for one person and u for two people taken
at random. That common names weigh less than rare ones is Winkler's (Frequency-based matching in the
Fellegi–Sunter model of record linkage, 1989). The m and u below are stated, not fitted to the data
they are measured on; where u follows from counting (birth dates, sexes) the count is given.

A weight never decides alone: twins, and a father and son of one name, agree in nearly everything.
`unlike` names what has to be two people however much else agrees, unless the national number is the
same. Nothing is ever merged by a weight: a pair that reaches `THRESHOLD` is shown to people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log2
from typing import Any

from registry.dates import PartialDate
from registry.language import lazy_gettext as _l
from registry.patients import rules as patients
from registry.patients.matching import names

RULE_VERSION = "2026-1"

#: From here on a pair is shown: odds of 2^20 to 1 against chance, which among 100,000 patients,
#: where one of 2^17 pairs of a patient is the right one, leaves about 9 to 1 for the faintest pair
#: that is shown and far more for most.
THRESHOLD = 20.0
#: The share of patients who bear a name, where nobody has counted.
USUAL_SHARE = 0.001
USUAL_GIVEN_SHARE = 0.01
#: So many patients tell as much about how common a name is as was known before.
FEW = 1_000
#: No name is taken for rarer than that: it may be new.
RAREST = 0.00005

SAME, NEAR, PART, INITIAL, OTHER = (
    names.SAME, names.NEAR, names.PART, names.INITIAL, names.OTHER,
)  # fmt: skip
SWAPPED, EXCHANGED, YEAR, MONTH = "swapped", "exchanged", "year", "month"

FIELDS = {
    "family_name": _l("Family name"),
    "given_names": _l("Given names"),
    "birth_date": _l("Date of birth"),
    "sex": _l("Sex at birth"),
    "national_number": _l("National health number"),
    "telephone": _l("Telephone"),
}
LEVELS = {
    SAME: _l("the same"),
    NEAR: _l("similar, or sounds alike"),
    PART: _l("one name in common"),
    INITIAL: _l("the same initial"),
    OTHER: _l("different"),
    SWAPPED: _l("day and month exchanged"),
    EXCHANGED: _l("family and given names exchanged"),
    YEAR: _l("the same year, no more is known"),
    MONTH: _l("the same month, no more is known"),
    "": _l("not in both records"),
}

_NEARLY = {
    "birth_date": _l("nearly the same, one part differs"),
    "national_number": _l("nearly the same, one digit differs"),
}

#: (m, u) by field and level. Names that are the same: u is the share of those who bear it.
_M_U: dict[str, dict[str, tuple[float, float]]] = {
    "birth_date": {
        SAME: (0.90, 1 / 25_000),  # 70 years of 365 days
        SWAPPED: (0.02, 1 / 50_000),  # only days up to the 12th
        NEAR: (0.06, 1 / 200),  # one of day, month and year is another
        MONTH: (0.90, 1 / 840),
        YEAR: (0.90, 1 / 70),
        OTHER: (0.02, 0.99),
    },
    "family_name": {
        SAME: (0.80, USUAL_SHARE),
        NEAR: (0.10, 0.004),
        PART: (0.04, 0.003),
        EXCHANGED: (0.01, 0.00005),
        INITIAL: (0.005, 0.06),
        OTHER: (0.06, 0.99),
    },
    "given_names": {
        SAME: (0.80, USUAL_GIVEN_SHARE),
        NEAR: (0.10, 0.02),
        PART: (0.06, 0.01),
        EXCHANGED: (1.0, 1.0),  # weighed with the family name
        INITIAL: (0.02, 0.06),
        OTHER: (0.03, 0.90),
    },
    "sex": {SAME: (0.99, 0.5), OTHER: (0.01, 0.5)},
    "national_number": {
        SAME: (0.95, 1 / 1_000_000),
        NEAR: (0.03, 1 / 10_000),
        OTHER: (0.02, 1.0),
    },
    # Of a household, so it weighs less than how few people have it.
    "telephone": {SAME: (0.60, 1 / 1_000), OTHER: (0.40, 0.999)},
}


@dataclass(frozen=True)
class Person:
    """Who somebody is, as far as it is known, opened."""

    family_name: str = ""
    given_names: str = ""
    birth_date: PartialDate | None = None
    sex: str | None = None
    national_number: str = ""
    telephone: str = ""
    country: str | None = None


@dataclass(frozen=True)
class Compared:
    """How two people agree, field by field, and what it weighs in bits."""

    agreement: Mapping[str, str]
    score: float

    @property
    def alike(self) -> bool:
        """May it be one person, so that somebody should look?"""
        return self.score >= THRESHOLD and not unlike(self.agreement)


def agreement(a: Person, b: Person) -> dict[str, str]:
    """The level at which each field agrees; empty where one of the two has nothing there."""
    family = names.agree(a.family_name, b.family_name)
    given = names.agree(a.given_names, b.given_names)
    if family == OTHER and given == OTHER and _exchanged(a, b):
        family = given = EXCHANGED
    return {
        "family_name": family,
        "given_names": given,
        "birth_date": birth(a.birth_date, b.birth_date),
        "sex": _sex(a.sex, b.sex),
        "national_number": _number(a, b),
        "telephone": _telephone(a.telephone, b.telephone),
    }


def compare(
    a: Person,
    b: Person,
    *,
    family_share: float = USUAL_SHARE,
    given_share: float = USUAL_GIVEN_SHARE,
) -> Compared:
    """Weigh two people. The shares say how common the names of `a` are among all patients."""
    found = agreement(a, b)
    shares = {"family_name": family_share, "given_names": given_share}
    return Compared(found, sum(_bits(field, level, shares) for field, level in found.items()))


def _bits(field: str, level: str, shares: Mapping[str, float]) -> float:
    if not level:
        return 0.0
    m, u = _M_U[field][level]
    if field in shares and level == SAME:
        u = max(shares[field], RAREST)
    return log2(m / min(u, 1.0))


def unlike(agreed: Mapping[str, str]) -> bool:
    """Are these two people, however much agrees? Never where the national number is the same.

    Twins have another given name, or another sex and a name that is at most similar; namesakes of
    two generations have another birth date; and nobody has two national numbers of one country.
    """
    if agreed["national_number"] == SAME:
        return False
    given, sex, born = agreed["given_names"], agreed["sex"], agreed["birth_date"]
    return (
        agreed["national_number"] == OTHER
        or given == OTHER
        or born == OTHER
        or (sex == OTHER and given not in (SAME, EXCHANGED))
    )


def share(count: int, total: int, usual: float = USUAL_SHARE) -> float:
    """How common a name is, borne by so many of all patients; as common as is usual, as long as
    there are few patients to tell from."""
    return max((count + usual * FEW) / (total + FEW), RAREST)


#: Who somebody is by name and birth.
WHO = ("family_name", "given_names", "birth_date")


def worth_asking(compared: Compared, least: float) -> bool:
    """Should somebody who registers a patient be asked whether it is this one? Twins are shown:
    the doctor knows. Not who only has a name or only a birthday in common."""
    agreed = [compared.agreement[field] for field in WHO]
    return compared.score >= least and sum(bool(one) and one != OTHER for one in agreed) > 1


def in_words(agreed: Mapping[str, str]) -> list[tuple[Any, Any]]:
    """(field, how it agrees) in words, for every field that both have."""
    return [(FIELDS[field], how(field, agreed[field])) for field in FIELDS if agreed.get(field)]


def how(field: str, level: str) -> Any:
    """How a field agrees, in words."""
    return _NEARLY.get(field, LEVELS[NEAR]) if level == NEAR else LEVELS[level]


def birth(a: PartialDate | None, b: PartialDate | None) -> str:
    """How two birth dates agree, each of which may be known to the year or the month only."""
    if a is None or b is None:
        return ""
    one, other = a.iso.split("-"), b.iso.split("-")
    known = min(len(one), len(other))
    if known < 3:
        if one[:known] == other[:known]:
            return YEAR if known == 1 else MONTH
        return OTHER
    if one == other:
        return SAME
    if one[0] == other[0] and one[1] == other[2] and one[2] == other[1]:
        return SWAPPED
    differ = [place for place in range(3) if one[place] != other[place]]
    if len(differ) > 1:
        return OTHER
    if differ == [0]:  # a slip in the year, not another generation
        slip = _slips(one[0], other[0], at_most=1) == 1
        return NEAR if slip and abs(int(one[0]) - int(other[0])) <= 10 else OTHER
    return NEAR


def _exchanged(a: Person, b: Person) -> bool:
    close = (SAME, NEAR)
    return (
        names.agree(a.family_name, b.given_names) in close
        and names.agree(a.given_names, b.family_name) in close
    )


def _sex(a: str | None, b: str | None) -> str:
    if a not in ("female", "male") or b not in ("female", "male"):
        return ""
    return SAME if a == b else OTHER


def _number(a: Person, b: Person) -> str:
    one, other = patients.plain_number(a.national_number), patients.plain_number(b.national_number)
    if not one or not other:
        return ""
    if one == other:
        return SAME
    if a.country and b.country and a.country != b.country:
        return ""  # two countries, two numbers
    return NEAR if len(one) > 5 and _slips(one, other, at_most=1) <= 1 else OTHER


def _telephone(a: str, b: str) -> str:
    """Compared from the end: with and without the country, or a leading nought."""
    one, other = ("".join(c for c in text if c.isdigit()) for text in (a, b))
    if len(one) < 7 or len(other) < 7:
        return ""
    return SAME if one[-7:] == other[-7:] else OTHER


def _slips(one: str, other: str, *, at_most: int) -> int:
    """Letters added, left out, changed or swapped; `at_most` + 1 where there are more."""
    from rapidfuzz.distance import OSA  # here: a start does not wait for it

    return int(OSA.distance(one, other, score_cutoff=at_most))
