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

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from registry import codes as vocabularies
from registry.language import lazy_gettext as _l
from registry.later import Later
from registry.research import rules
from registry.research.releases.cells import Cell
from registry.research.releases.columns import File
from registry.research.releases.days import Numbers

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
    ("pathology", "type_stated"): SITE_SYSTEM,
    ("pathology", "morphology"): SITE_SYSTEM,
}
_GONE_FROM = {**QUASI, **_TELLS_SITE}
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
    """How coarse a release is: what holds for all, and how much less is told of each patient."""

    k: int = 1
    years: int = 1
    merged: frozenset[str] = frozenset()
    levels: Sequence[int] = ()  # of the patients in their order; empty: nothing is coarser

    @property
    def is_exact(self) -> bool:
        """Does everything leave as it is?"""
        return self.k == 1 and self.years == 1

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
        if level >= gone:
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
        sites = () if level >= NO_SITE else one.sites
        if level >= SITE_GROUP:
            sites = tuple(sorted(_site(site, level) for site in sites))
        return Known(
            "" if level >= NOTHING else one.sex,
            "" if level >= NO_COUNTRY else OTHER if one.country in self.merged else one.country,
            "" if level >= NO_AGE else band(one.age, self.years),
            sites,
        )

    def files(self, files: Sequence[File]) -> tuple[File, ...]:
        """The files with what their columns then are."""
        return files_of(files, self)


def plan(known: Sequence[Known], k: int, years: int) -> Plan:
    """The least coarse plan with which every combination is shared by k patients.

    `years` is the finest group of ages that was approved. Raises TooFew.
    """
    if k == 1:
        return Plan(1, years)
    if len(known) < k:
        raise TooFew
    countries = Counter(one.country for one in known)
    merged = frozenset(name for name, number in countries.items() if name and number < k)
    distinct = Counter(known)
    tried = []
    for wider in [one for one in _BANDS if one >= years]:
        settled = _settled(distinct, Plan(k, wider, merged))
        lost = sum(number for one, number in distinct.items() if settled[one] >= SITE_SYSTEM)
        tried.append((lost, wider, settled))
    enough = tried[-1][0] + _BUDGET * len(known)
    _lost, chosen, settled = next(one for one in tried if one[0] <= enough)
    return Plan(k, chosen, merged, bytes(settled[one] for one in known))


def _settled(distinct: Mapping[Known, int], coarse: Plan) -> dict[Known, int]:
    """The level of each combination: the first at which enough share it."""
    level_of: dict[Known, int] = {}
    left = list(distinct)
    for level in LEVELS:
        told = {one: coarse.known(one, level) for one in left}
        sizes: Counter[Known] = Counter()
        for one in left:
            sizes[told[one]] += distinct[one]
        for one in left:
            if sizes[told[one]] >= coarse.k:
                level_of[one] = level
        left = [one for one in left if one not in level_of]
    if left:
        _filled(left, level_of, distinct, coarse)
    return level_of


def _filled(
    left: Sequence[Known], level_of: dict[Known, int], distinct: Mapping[Known, int], coarse: Plan
) -> None:
    """Too few are told nothing of: the smallest groups join them until they are enough."""
    groups: dict[tuple[int, Known], list[Known]] = {}
    for one, level in level_of.items():
        groups.setdefault((level, coarse.known(one, level)), []).append(one)
    by_size = sorted(groups.items(), key=lambda item: (sum(distinct[o] for o in item[1]), item[0]))
    number = sum(distinct[one] for one in left)
    for one in left:
        level_of[one] = NOTHING
    for _told, members in by_size:
        if number >= coarse.k:
            return
        number += sum(distinct[one] for one in members)
        for one in members:
            level_of[one] = NOTHING


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
        how = _l("In groups of %(n)s years, the oldest together; %(how)s", n=coarse.years,
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


# -- what was reached, measured in what leaves -------------------------------------------------


@dataclass
class Measured:
    """Groups of patients who share what leaves of them, counted while it is written."""

    groups: Counter[Known] = field(default_factory=Counter)
    levels: Counter[int] = field(default_factory=Counter)
    values: dict[tuple[str, str], dict[Known, set[str]]] = field(default_factory=dict)

    def add(
        self, told: Told, levels: Numbers | None, sensitive: Mapping[tuple[str, str], Words]
    ) -> None:
        """Count patients: their combinations, how much less is told of each, and the different
        values of the sensitive variables, with the place of each patient's."""
        for one, number in zip(told.known, np.bincount(told.at).tolist(), strict=True):
            self.groups[one] += number
        counted = [len(told.at)] if levels is None else np.bincount(levels).tolist()
        self.levels.update({level: number for level, number in enumerate(counted) if number})
        for place, (at, texts) in sensitive.items():
            values = self.values.setdefault(place, {})
            for pair in np.unique(told.at * len(texts) + at).tolist():
                one, value = divmod(pair, len(texts))
                values.setdefault(told.known[one], set()).add(texts[value])

    @property
    def k(self) -> int:
        """How many share a combination at least; 0 where there is nobody."""
        return min(self.groups.values(), default=0)

    def report(self, coarse: Plan) -> dict[str, Any]:
        """For the manifest."""
        return {
            "method": "k-anonymity by grouping and leaving out; l-diversity (distinct) measured",
            "quasi_identifiers": [f"{entity}.{name}" for entity, name in QUASI],
            "k_approved": coarse.k,
            "k_reached": self.k,
            "groups": len(self.groups),
            "age_groups_of_years": coarse.years,
            "countries_merged": len(coarse.merged),
            "patients_by_level": {
                str(level): {"means": str(LEVELS[level]), "patients": number}
                for level, number in sorted(self.levels.items())
            },
            "l_diversity": {
                f"{entity}.{name}": {
                    "l_reached": min(len(one) for one in found.values()),
                    "groups_with_one_value": sum(1 for one in found.values() if len(one) == 1),
                }
                for (entity, name), found in sorted(self.values.items())
                if found
            },
        }
