"""Nobody stands alone: what somebody may know of a patient is merged until enough share it (k).

The quasi-identifiers are sex, country, age at first diagnosis and the sites of the primary
tumours. Ages are grouped alike for all, in the finest groups with which hardly more patients lose
the group of their site than with the widest; countries with too few patients become one. Whoever
is then still in a group that is too small is told less of, step by step: the site's group alone,
no country, its organ system, no site, no age, nothing. So every combination that leaves is shared
by at least k patients, and whoever is looked for by what is true of them finds at least k who fit.
Pure: values in, values out.
"""

from __future__ import annotations

import zlib
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from registry import codes as vocabularies
from registry.language import lazy_gettext as _l
from registry.later import Later
from registry.research import rules
from registry.research.releases import together
from registry.research.releases.cells import Cell
from registry.research.releases.columns import File
from registry.research.releases.days import Numbers
from registry.research.releases.together import Case

np: Any = Later("numpy")

OTHER = "other"
#: Ages are never in wider groups than these; see `band`.
_BANDS = (1, 5, 10, 20)
#: The share of patients who may lose the group of their site for ages in finer groups.
_BUDGET = 0.05
#: How much is told of a patient: each level less than the one before.
SITE_GROUP, NO_COUNTRY, SITE_SYSTEM, NO_SITE, NO_AGE, NOTHING = 1, 2, 3, 4, 5, 6
LEVELS = {
    0: _l("As the others"),
    SITE_GROUP: _l("The group of the site instead of the site"),
    NO_COUNTRY: _l("The group of the site, and no country"),
    SITE_SYSTEM: _l("The organ system of the site, and no country"),
    NO_SITE: _l("No site and no country"),
    NO_AGE: _l("No site, country or age"),
    NOTHING: _l("No site, country, age or sex"),
}

#: (entity, column) of the quasi-identifiers, and from which level they are left out.
SEX, COUNTRY = ("patient", "sex_at_birth"), ("patient", "country")
AGE, SITE = ("patient", "age_at_diagnosis"), ("tumour", "primary_site")
QUASI = {SEX: NOTHING, COUNTRY: NO_COUNTRY, AGE: NO_AGE, SITE: NO_SITE}
#: Of each quasi-identifier, in this order, the level at which it is told at most: here all.
ALL_TOLD = (0, 0, 0, 0)
#: What tells the site too, and from which level it is left out with it.
_TELLS_SITE = {
    ("pathology", "specimen_site"): SITE_GROUP,
    ("staging", "staging_system"): SITE_GROUP,
    ("staging", "derived_version"): SITE_GROUP,
    ("therapy", "treated_sites"): SITE_GROUP,
    ("lesion", "organ"): SITE_GROUP,
    ("imaging", "sites"): SITE_GROUP,
    ("tumour", "laterality"): SITE_SYSTEM,
    ("tumour", "syndrome"): SITE_SYSTEM,
    ("syndrome", "syndrome"): SITE_SYSTEM,
    ("pathology", "derived_version"): NO_SITE,
    ("pathology", "derived_category"): NO_SITE,
    ("pathology", "derived_grade"): NO_SITE,
    ("pathology", "grade_system"): NO_SITE,
    ("pathology", "grade_stated"): NO_SITE,
    ("staging", "stage_stated"): NO_SITE,
    ("staging", "derived_stage"): NO_SITE,
    ("staging", "t"): NO_SITE,
    ("staging", "m"): NO_SITE,
    ("pathology", "type_stated"): SITE_SYSTEM,
    ("pathology", "morphology"): SITE_SYSTEM,
}
#: Codes of a column that tell the organ, and from which level these alone are left out.
_CODES_TELL = {
    ("therapy", "agent"): (SITE_SYSTEM, frozenset({
        "SURG_APPX", "SURG_RHC", "SURG_ENUC", "SURG_PANC", "SURG_SB", "SURG_LUNG", "ABL_EUS",
        "CABO_MTC",
    })),
}  # fmt: skip
#: From which level a column is left out, whole or these codes of it.
_GONE_FROM = {**QUASI, **_TELLS_SITE, **{at: level for at, (level, _some) in _CODES_TELL.items()}}
#: What tells the site is left out one level after the last at which it tells no more than that.
_SITE_BEFORE = {SITE_GROUP: 0, SITE_SYSTEM: SITE_GROUP, NO_SITE: SITE_SYSTEM}
#: What does not leave at all where k is above one, and why.
_AGE_ELSEWHERE = _l("Only the age at first diagnosis leaves, in patients.csv, in groups.")
HELD_BACK = {
    ("tumour", "age_at_diagnosis"): _AGE_ELSEWHERE,
    ("tumour", "derived_age_at_diagnosis"): _AGE_ELSEWHERE,
    ("tumour", "age_group_stated"): _AGE_ELSEWHERE,
    ("questionnaire", "language"): _l("It says where somebody comes from."),
}
#: What must not be the same for all who share their quasi-identifiers (l-diversity is measured).
SENSITIVE = (
    ("patient", "vital_status"),
    ("tumour", "hereditary_syndrome"),
    ("tumour", "functioning"),
    ("pathology", "derived_category"),
)


#: Every different text of some patients, and before it the place of each patient's among them.
Words = tuple[Numbers, Sequence[str]]


class TooFew(Exception):
    """There are fewer patients than must share everything: nothing can leave."""


class Known(NamedTuple):
    """What somebody may know of a patient, as it would leave: texts, empty where unknown. Of the
    sites those that are told: how many tumours somebody had is not among it."""

    sex: str
    country: str
    age: str
    sites: tuple[str, ...]


def least_of(files: Iterable[File]) -> tuple[int, ...]:
    """Of each quasi-identifier the level at which these files tell it at most; one that is not
    among them is told by none, but for the site, which other columns tell too."""
    there = {(file.entity, column.name) for file in files for column in file.columns}
    found = {place: 0 if place in there else gone for place, gone in QUASI.items()}
    others = [_SITE_BEFORE[_GONE_FROM[one]] for one in there & _GONE_FROM.keys() - QUASI.keys()]
    found[SITE] = min([found[SITE], *others])
    return tuple(found.values())


@dataclass(frozen=True)
class Told:
    """What leaves of the quasi-identifiers of some patients: every different combination, and the
    place of each patient's among them."""

    known: Sequence[Known]
    at: Numbers


def band(age: str, years: int) -> str:
    """The group of an age of so many years: 58 → 55-59. What reaches 90 is open above."""
    if years == 1 or not age:
        return age
    low = int(age.rstrip("+")) // years * years
    high = low + years - 1
    return f"{low}+" if high >= rules.OLDEST else f"{low}-{high}"


def site_group(code: str) -> str:
    """The group of a site: C17.2 → C17."""
    return code.partition(".")[0]


#: Organ systems as ICD-O numbers them: first and last number of a site, name and label.
_SYSTEMS = (
    (15, 26, "C15-C26", "Digestive organs"),
    (30, 39, "C30-C39", "Respiratory and intrathoracic organs"),
    (0, 99, "C00-C80", "Any site that is neither digestive nor respiratory, or unknown"),
)


def site_system(code: str) -> str:
    """The organ system of a site: C17.2 → C15-C26."""
    number = int(code[1:3])
    return next(name for low, high, name, _label in _SYSTEMS if low <= number <= high)


def _site(code: str, level: int) -> str:
    if level < SITE_GROUP or not code:
        return code
    return site_system(code) if level >= SITE_SYSTEM else site_group(code)


@dataclass(frozen=True)
class Plan:
    """How coarse a release is: what holds for all, and how much less is told of each patient.

    `least` says which of the quasi-identifiers leave: of each the level at which it is told at
    most (`least_of`).
    """

    k: int = 1
    years: int = 1
    merged: frozenset[str] = frozenset()
    levels: Sequence[int] = ()  # of the patients in their order; empty: nothing is coarser
    least: tuple[int, ...] = ALL_TOLD
    said: Told | None = None  # what is told of them then, as `saying` has it

    @property
    def is_exact(self) -> bool:
        """Does everything leave as it is?"""
        return self.k == 1 and self.years == 1

    def as_json(self) -> dict[str, Any]:
        """As it is kept, for later releases of the project; levels are digits."""
        said = self.said or Told((), np.zeros(0))
        packed = zlib.compress(said.at.astype("<u4").tobytes())
        return {
            "k": self.k,
            "years": self.years,
            "merged": sorted(self.merged),
            "least": list(self.least),
            "levels": "".join(map(str, self.levels)),
            "said": [list(one) for one in said.known],
            "which": b64encode(packed).decode(),
        }

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Plan:
        """Read what `as_json` has written."""
        merged, levels = frozenset(kept["merged"]), bytes(map(int, kept["levels"]))
        at = np.frombuffer(zlib.decompress(b64decode(kept["which"])), "<u4")
        known = [
            Known(sex, country, age, tuple(sites)) for sex, country, age, sites in kept["said"]
        ]
        said = Told(known, at) if known else None
        return cls(kept["k"], kept["years"], merged, levels, tuple(kept["least"]), said)

    def level(self, place: int) -> int:
        """How much less is told of the patient at this place."""
        return self.levels[place] if self.levels else 0

    def touches(self, place: tuple[str, str]) -> bool:
        """May a cell of this column be another than it was?"""
        return place in _GONE_FROM

    def cell(self, place: tuple[str, str], cell: Cell, level: int) -> Cell:
        """A cell as it may leave."""
        gone = _GONE_FROM.get(place)
        if gone is None or not cell.text:
            return cell
        some = _CODES_TELL.get(place)
        if level >= gone and (some is None or cell.text in some[1]):
            return Cell(why=rules.SMALL_GROUP)
        if place == AGE:
            return replace(cell, text=band(cell.text, self.years))
        if place == COUNTRY and cell.text in self.merged:
            return replace(cell, text=OTHER)
        if place == SITE:
            return replace(cell, text=_site(cell.text, level))
        return cell

    def known(self, one: Known, level: int) -> Known:
        """What is told of a patient at a level."""
        sex, country, age, site = (max(level, least) for least in self.least)
        sites = () if site >= NO_SITE else one.sites
        if site >= SITE_GROUP:
            sites = tuple(sorted(_site(each, site) for each in sites))
        where = "" if country >= NO_COUNTRY else one.country
        return Known(
            "" if sex >= NOTHING else one.sex,
            OTHER if where in self.merged else where,
            "" if age >= NO_AGE else band(one.age, self.years),
            sites,
        )

    def saying(self, told: Known) -> Known:
        """What was told, with the countries that *other* stands for."""
        return (
            told._replace(country=" ".join(sorted(self.merged))) if told.country == OTHER else told
        )

    def ever(self, one: Case, level: int) -> together.Ever:
        """What is told of a patient in this release and in all before it."""
        told = self.saying(self.known(one.known, level))
        return together.Ever(one.came, together.finest(one.before, told))

    def files(self, files: Sequence[File]) -> tuple[File, ...]:
        """The files with what their columns then are."""
        return files_of(files, self)


def plan(
    known: Sequence[Known],
    k: int,
    years: int,
    least: tuple[int, ...] = ALL_TOLD,
    before: Sequence[Plan] = (),
    left: Mapping[together.Ever, int] | None = None,
) -> Plan:
    """The least coarse plan with which every combination is shared by k patients, in this release
    and in all that the project was told of them (`together`).

    `years` is the finest group of ages that was approved. `before` are the plans of the earlier
    releases, with a level of each of these patients, or ABSENT; `left` says of how many others
    these told what. Raises TooFew.
    """
    if k == 1:
        return Plan(1, years, least=least)
    if len(known) < k:
        raise TooFew
    countries = Counter(one.country for one in known)
    merged = frozenset(name for name, number in countries.items() if name and number < k)
    counted = Counter(together.keys(known, before))
    cases = together.cases(counted, before)
    distinct: Counter[Case] = Counter()
    for key, number in counted.items():
        distinct[cases[key]] += number
    tried = []
    for wider in together.widths(_BANDS, years, before):
        coarse = Plan(k, wider, merged, least=least)
        settled = _settled(distinct, coarse, left or {})
        lost = sum(number for one, number in distinct.items() if settled[one] >= SITE_SYSTEM)
        tried.append((lost, coarse, settled))
    enough = tried[-1][0] + _BUDGET * len(known)
    _lost, chosen, settled = next(one for one in tried if one[0] <= enough)
    places = {key: place for place, key in enumerate(cases)}
    keys = together.keys(known, before)
    at = np.fromiter(map(places.__getitem__, keys), np.int32, len(known))
    levels = np.array([settled[case] for case in cases.values()], np.uint8)
    said = [chosen.saying(chosen.known(case.known, settled[case])) for case in cases.values()]
    return replace(chosen, levels=levels[at].tobytes(), said=Told(said, at))


def kept(known: Sequence[Known], last: Plan) -> Plan:
    """The plan of the last release, with what it tells of the same patients now."""
    places: dict[tuple[Known, int], int] = {}
    at = [places.setdefault(pair, len(places)) for pair in zip(known, last.levels, strict=True)]
    said = [last.saying(last.known(*pair)) for pair in places]
    return replace(last, said=Told(said, np.array(at, np.int32)))


def still(known: Sequence[Known], last: Plan, asked: Plan) -> bool:
    """Does the plan of the project's last release, of the very same patients, still do what is
    asked? Then it is kept: the same data give the same files."""
    if (last.k, last.least) != (asked.k, asked.least) or last.years < asked.years:
        return False
    told: Counter[Known] = Counter()
    for (one, level), number in Counter(zip(known, last.levels, strict=True)).items():
        told[last.known(one, level)] += number
    countries = Counter(one.country for one in known)
    few = {name for name, number in countries.items() if name and number < last.k}
    return few == last.merged and min(told.values(), default=0) >= last.k


def measured_together(
    known: Sequence[Known],
    coarse: Plan,
    before: Sequence[Plan],
    left: Mapping[together.Ever, int],
) -> together.Measured:
    """How many share all that was told of them, in this release and the earlier ones."""
    counted = Counter(zip(together.keys(known, before), coarse.levels, strict=True))
    found = together.cases({key for key, _level in counted}, before)
    groups: Counter[together.Ever] = Counter(left)
    broken: set[together.Ever] = set()
    for (key, level), number in counted.items():
        one = found[key]
        ever = coarse.ever(one, level)
        groups[ever] += number
        if not one.adds_nothing(ever):
            broken |= {ever, one.was}
    return together.Measured(
        min(groups.values()),
        sum(number for number in groups.values() if number < coarse.k),
        min((number for ever, number in groups.items() if ever in broken), default=coarse.k),
    )


def _settled(
    distinct: Mapping[Case, int], coarse: Plan, gone: Mapping[together.Ever, int]
) -> dict[Case, int]:
    """The level of each combination: the first at which enough share it."""
    level_of: dict[Case, int] = {}
    left = list(distinct)
    for level in LEVELS:
        level_of |= dict.fromkeys(_shared(left, level, distinct, coarse, gone), level)
        left = [one for one in left if one not in level_of]
    level_of |= dict.fromkeys(left, NOTHING)
    while moved := _too_few_left(level_of, distinct, coarse, gone):
        level_of |= dict.fromkeys(moved, NOTHING)
    return level_of


def _shared(
    left: Sequence[Case],
    level: int,
    distinct: Mapping[Case, int],
    coarse: Plan,
    gone: Mapping[together.Ever, int],
) -> Sequence[Case]:
    """Those of whom so much is told of enough together: here, and with what was told before."""
    told = {one: coarse.known(one.known, level) for one in left}
    ever = {one: coarse.ever(one, level) for one in left}
    fit = left
    while True:
        here: Counter[Known] = Counter()
        in_all: Counter[together.Ever] = Counter(gone)
        for one in fit:
            here[told[one]] += distinct[one]
            in_all[ever[one]] += distinct[one]
        staying = [
            one
            for one in fit
            if here[told[one]] >= coarse.k
            and (in_all[ever[one]] >= coarse.k or one.adds_nothing(ever[one]))
        ]
        if len(staying) == len(fit):
            return fit
        fit = staying


def _too_few_left(
    level_of: Mapping[Case, int],
    distinct: Mapping[Case, int],
    coarse: Plan,
    gone: Mapping[together.Ever, int],
) -> list[Case]:
    """Where too few are told nothing of, or nothing new while others, of whom the same was told
    before, are told more of: the smallest groups, to join them."""
    groups: dict[tuple[int, Known], list[Case]] = {}
    sizes: Counter[tuple[int, Known]] = Counter()
    ever: Counter[together.Ever] = Counter(gone)
    of_more: dict[together.Ever, set[tuple[int, Known]]] = {}
    for one, level in level_of.items():
        key, now = (level, coarse.known(one.known, level)), coarse.ever(one, level)
        groups.setdefault(key, []).append(one)
        sizes[key] += distinct[one]
        ever[now] += distinct[one]
        if level != NOTHING and now != one.was:
            of_more.setdefault(one.was, set()).add(key)
    nothing = sum(number for (level, _told), number in sizes.items() if level == NOTHING)
    short = [keys for was, keys in of_more.items() if 0 < ever[was] < coarse.k]
    if 0 < nothing < coarse.k:
        short.append({key for key in sizes if key[0] != NOTHING})
    smallest = {min(keys, key=lambda key: (sizes[key], key)) for keys in short if keys}
    return [one for key in smallest for one in groups[key]]


# -- what becomes of the columns ---------------------------------------------------------------


def files_of(files: Sequence[File], coarse: Plan) -> tuple[File, ...]:
    """The files without what is held back, and with the codes and words of coarser columns."""
    if coarse.is_exact:
        return tuple(files)
    return tuple(
        replace(
            file,
            columns=tuple(
                _coarser(file, column, coarse)
                for column in file.columns
                if (file.entity, column.name) not in HELD_BACK
            ),
        )
        for file in files
    )


def _coarser(file: File, column: Any, coarse: Plan) -> Any:
    place = (file.entity, column.name)
    if place == AGE and coarse.years > 1:
        how = _l("In groups of %(n)s years, the oldest together. Before: %(how)s", n=coarse.years,
                 how=column.how)  # fmt: skip
        return replace(column, how=how)
    if place == COUNTRY and coarse.merged:
        return replace(column, more_codes={OTHER: "Another country, with few patients"})
    if place == SITE:
        codes = vocabularies.codes(column.codes)
        groups = {site_group(code) for code in codes} - codes.keys()
        more = {one: f"A site of {one}" for one in sorted(groups)}
        more |= {name: label for _low, _high, name, label in _SYSTEMS}
        return replace(column, more_codes=more)
    return column
