"""T, N and M categories: reading them as written, and deriving them from findings.

Tables: `data/t_sizes.csv`, `data/t_extents.csv`, `data/node_places.csv`, `data/met_places.csv`
(S10-S21, S23-S25; facts in words of this project). A derived category is a consistency check
beside the stated one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache

from registry.clinical import tables
from registry.clinical.numbers import number, plain
from registry.clinical.results import (
    COMPLETE,
    INVALID_INPUT,
    N_,
    NOT_DERIVABLE,
    PROVISIONAL,
    Derived,
    Reason,
)

VERSION = "1"
INVALID = "INVALID"
NOT_ASSESSED = "TX"
LARGEST_MM = Decimal(1000)

NODES_N2_FROM = 12
MESENTERIC_MASS_N2_ABOVE_MM = Decimal(20)

_CATEGORY = re.compile(
    r"""(?:yc|yp|y|c|p|r|a)?\s*
        (?P<letter>[tnm])\s*
        (?P<body>x | is | 0[ab]? | [1-4]\s?(?:mi | [a-d][12]?)?)
        \s*(?:\(\s*(?:m|sn|i[+-]|[0-9]{1,2})\s*\))?""",
    re.VERBOSE | re.IGNORECASE,
)

_BY_T = ("TX", "T0", "Tis", "T1", "T1mi", "T1a", "T1b", "T1c", "T2", "T2a", "T2b", "T3", "T3a",
         "T3b", "T4", "T4a", "T4b")  # fmt: skip
_RANK = {category: rank for rank, category in enumerate(_BY_T)}


def plain_category(text: str) -> str:
    """A category without its prefix, in capitals: "pM1(hep)" is "M1(HEP)", "" is "". For asking
    what it says; nothing is refused."""
    return text.strip().upper().lstrip("CPYRA")


def read_category(letter: str, text: str) -> str:
    """`text` as a plain category: "pT2(m)" is "T2", "cn1A" is "N1a", "" is "".

    Prefix, suffix, case and blanks are dropped. Raises ValueError when it is none of `letter`.
    """
    stripped = text.strip()
    if not stripped:
        return ""
    found = _CATEGORY.fullmatch(stripped)
    if not found or found["letter"].upper() != letter or len(stripped) > 20:
        values = {"letter": letter, "text": stripped[:20]}
        raise ValueError(N_("not a %(letter)s category: %(text)s") % values)
    body = found["body"].replace(" ", "").lower()
    return letter + ("X" if body == "x" else body)


@cache
def _t_extents() -> Mapping[tuple[str, str, str], Mapping[str, str]]:
    return {(r["site"], r["system"], r["extent"]): r for r in tables.rows("t_extents")}


@cache
def _t_sizes() -> Mapping[tuple[str, str], tuple[Mapping[str, str], ...]]:
    bands: dict[tuple[str, str], tuple[Mapping[str, str], ...]] = {}
    for row in tables.rows("t_sizes"):
        key = (row["site"], row["system"])
        bands[key] = (*bands.get(key, ()), row)
    return bands


@cache
def _has_table(site: str, system: str) -> bool:
    """Whether a system stages this site at all, by size or by stage group."""
    staged = ((row["site"], row["system"]) for row in tables.rows("stage_groups"))
    return (site, system) in _t_sizes() or (site, system) in staged


@cache
def extents(site: str = "", system: str = "") -> tuple[str, ...]:
    """The words for extent, of one site and system or of all."""
    return tuple(
        dict.fromkeys(
            r["extent"]
            for r in tables.rows("t_extents")
            if site in ("", r["site"]) and system in ("", r["system"])
        )
    )


def systems() -> tuple[str, ...]:
    """The staging systems the category tables know."""
    return tuple(dict.fromkeys(r["system"] for r in tables.rows("t_extents")))


def t_category(*, site: str, system: str, size_mm: Decimal | None, extent: str) -> Derived:
    """T from the largest size in mm and the extent (a word of `extents`).

    INVALID where site, system and extent do not go together or the size is impossible; TX where
    a needed finding is missing. The higher of size and extent decides.
    """
    draft = _Category(
        "TNM-T", site=site, system=system, size_mm=_text(size_mm), extent=extent or "not stated"
    )
    row = _t_extents().get((site, system, extent)) if extent else None
    if size_mm is not None and not 0 < size_mm <= LARGEST_MM:
        draft.say(N_("A size of %(size)s mm is not possible."), size=plain(size_mm))
        return draft.answer(INVALID, INVALID_INPUT)
    if row is None and (extent or not extents(site, system)):
        return _t_undefined(draft, site, system, extent)
    if row is not None:
        draft.rests_on(row)
    at_least = row["t_at_least"] if row is not None else ""
    by_size = _t_by_size(draft, site, system, size_mm)
    if at_least:
        template = N_("Extent %(extent)s: at least %(t)s.")
        draft.say(template, extent=extent.replace("_", " "), t=at_least)
    found = max((t for t in (by_size, at_least) if t), key=_RANK.__getitem__, default="")
    if not found:
        draft.say(N_("The size is needed and not given."))
        return draft.answer(NOT_ASSESSED, NOT_DERIVABLE)
    if not extent:
        draft.say(N_("The extent is not stated; by size alone."))
        return draft.answer(found, PROVISIONAL)
    if size_mm is None and _size_could_raise(site, system, found):
        draft.say(N_("The size is not given and could raise it."))
        return draft.answer(found, PROVISIONAL)
    return draft.answer(found, COMPLETE)


def _text(value: Decimal | None) -> str:
    return "" if value is None else plain(value)


def _t_undefined(draft: _Category, site: str, system: str, extent: str) -> Derived:
    words = extents(site, system)
    if words:
        draft.say(
            N_("%(extent)s is not an extent of %(site)s in %(system)s; the table has %(words)s."),
            extent=extent,
            site=site,
            system=system,
            words=", ".join(words),
        )
    else:
        draft.say(
            N_("No T table for %(site)s in %(system)s: needs manual staging."),
            site=site,
            system=system,
        )
    return draft.answer(INVALID, NOT_DERIVABLE)


def _t_by_size(draft: _Category, site: str, system: str, size_mm: Decimal | None) -> str:
    if size_mm is None:
        return ""
    for band in _t_sizes().get((site, system), ()):
        limit = band["up_to_mm"]
        if (
            not limit
            or size_mm < int(limit)
            or (band["inclusive"] == "yes" and size_mm == int(limit))
        ):
            draft.rests_on(band)
            draft.say(N_("Size %(size)s mm: %(t)s."), size=plain(size_mm), t=band["t"])
            return band["t"]
    return ""


def _size_could_raise(site: str, system: str, found: str) -> bool:
    bands = _t_sizes().get((site, system), ())
    return any(_RANK[band["t"]] > _RANK[found] for band in bands)


# --- N and M from findings


def nm_category(*, site: str, system: str, finding: str) -> Derived:
    """N or M from a finding: `key=value` pairs joined by ";".

    Keys: nodes_positive, mesenteric_mass_mm, n2_stations, nodes (places), mets (places); places
    are joined by "+". INVALID where the finding does not decide a category of this site and
    system. Raises ValueError for an unknown key, place or number.
    """
    found = _read_finding(finding)
    draft = _Category("TNM-NM", site=site, system=system, finding=finding)
    if not found or ("mets" in found and len(found) > 1):
        draft.say(N_("Give findings of nodes or of metastases, one of the two."))
        return draft.answer(INVALID, INVALID_INPUT)
    if "mets" in found:
        return _m_category(draft, site, system, _places(found["mets"]))
    return _n_category(draft, site, system, found)


_KEYS = ("nodes_positive", "mesenteric_mass_mm", "n2_stations", "nodes", "mets")


def _read_finding(finding: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in filter(None, (p.strip() for p in finding.split(";"))):
        key, equals, value = (part.strip() for part in pair.partition("="))
        if key not in _KEYS or not equals or not value or key in found:
            raise ValueError(N_("finding: cannot read %(pair)s") % {"pair": pair[:60]})
        found[key] = value
    return found


def _count(found: Mapping[str, str], key: str) -> int | None:
    if key not in found:
        return None
    value = number(found[key])
    if value < 0 or value != value.to_integral_value() or value > 1000:
        raise ValueError(N_("%(key)s: not a count: %(text)s") % {"key": key, "text": found[key]})
    return int(value)


@cache
def _nodes_of() -> Mapping[tuple[str, str], str]:
    return {(r["site"], r["place"]): r["n"] for r in tables.rows("node_places")}


def _n_category(draft: _Category, site: str, system: str, found: Mapping[str, str]) -> Derived:
    count = _count(found, "nodes_positive")
    stations = _count(found, "n2_stations")
    mass = number(found["mesenteric_mass_mm"]) if "mesenteric_mass_mm" in found else None
    if mass is not None and not 0 <= mass <= LARGEST_MM:
        draft.say(N_("A size of %(size)s mm is not possible."), size=plain(mass))
        return draft.answer(INVALID, INVALID_INPUT)
    places = _node_places(found.get("nodes", ""), site)
    if not _has_table(site, system):
        draft.say(
            N_("No N table for %(site)s in %(system)s: needs manual staging."),
            site=site,
            system=system,
        )
        return draft.answer(INVALID, NOT_DERIVABLE)
    if site == "lung":
        return _n_lung(draft, system, count, stations, places)
    if stations is not None:
        draft.say(N_("N2 stations are counted in lung only."))
        return draft.answer(INVALID, NOT_DERIVABLE)
    if INVALID in places:
        return _n_by_place(draft, places)
    if site == "jejunum_ileum" and system != "ENETS":
        return _n_small_bowel(draft, count or int("N1" in places), mass)
    if places:
        return _n_by_place(draft, places)
    if count is None:
        draft.say(N_("The number of positive nodes is needed."))
        return draft.answer("NX", NOT_DERIVABLE)
    if count and site in ("thymus", "thyroid_c_cell"):
        draft.say(N_("Where the nodes lie decides here, not how many."))
        return draft.answer(INVALID, NOT_DERIVABLE)
    draft.say(N_("%(count)s positive nodes."), count=str(count))
    return draft.answer("N1" if count else "N0", COMPLETE)


def _node_places(text: str, site: str) -> list[str]:
    """The N category of every place named; "none" is N0."""
    known = {place for _, place in _nodes_of()}
    categories = []
    for place in filter(None, (p.strip() for p in text.split("+"))):
        if place == "none":
            categories.append("N0")
        elif place not in known:
            raise ValueError(N_("nodes: unknown place %(place)s") % {"place": place[:40]})
        else:
            categories.append(_nodes_of().get((site, place), INVALID))
    return categories


def _n_by_place(draft: _Category, places: list[str]) -> Derived:
    if INVALID in places:
        draft.say(N_("A place named is not a regional node of this site."))
        return draft.answer(INVALID, NOT_DERIVABLE)
    draft.say(N_("The farthest place decides: %(n)s."), n=max(places))
    return draft.answer(max(places), COMPLETE)


def _n_small_bowel(draft: _Category, count: int, mass: Decimal | None) -> Derived:
    if count >= NODES_N2_FROM:
        draft.say(
            N_("%(count)s positive nodes, %(limit)s or more: N2."),
            count=str(count),
            limit=str(NODES_N2_FROM),
        )
        return draft.answer("N2", COMPLETE)
    if mass is not None and mass > MESENTERIC_MASS_N2_ABOVE_MM:
        draft.say(
            N_("A mesenteric mass of %(mass)s mm, above %(limit)s mm: N2."),
            mass=plain(mass),
            limit=plain(MESENTERIC_MASS_N2_ABOVE_MM),
        )
        return draft.answer("N2", COMPLETE)
    if count or mass:
        draft.say(
            N_("Fewer than %(limit)s positive nodes and no large mesenteric mass: N1."),
            limit=str(NODES_N2_FROM),
        )
        return draft.answer("N1", COMPLETE)
    draft.say(N_("No positive nodes: N0."))
    return draft.answer("N0", COMPLETE)


def _n_lung(
    draft: _Category, system: str, count: int | None, stations: int | None, places: list[str]
) -> Derived:
    if INVALID in places:
        return _n_by_place(draft, places)
    if "N3" in places:
        draft.say(N_("Contralateral or supraclavicular nodes: N3."))
        return draft.answer("N3", COMPLETE)
    if stations:
        category = "N2" if system == "TNM8" else ("N2a" if stations == 1 else "N2b")
        draft.say(N_("%(count)s N2 stations: %(n)s."), count=str(stations), n=category)
        return draft.answer(category, COMPLETE)
    if "N2" in places and system == "TNM9":
        draft.say(N_("The 9th edition needs the number of N2 stations."))
        return draft.answer(INVALID, NOT_DERIVABLE)
    if places:
        return _n_by_place(draft, places)
    if count == 0:
        draft.say(N_("No positive nodes: N0."))
        return draft.answer("N0", COMPLETE)
    draft.say(N_("Where the nodes lie decides here, not how many."))
    return draft.answer(INVALID, NOT_DERIVABLE)


_SINGLE = ("single_", "one_", "solitary_")
_SEVERAL = ("several_", "multiple_", "two_", "three_", "many_")
_ENDING = re.compile(r"_(lesions?|nodules?|metastas[ei]s|mets?)$")

Place = tuple[Mapping[str, str], str]
"""A row of met_places, and "single", "several" or "" (number not said)."""


@cache
def _met_words() -> Mapping[str, Mapping[str, str]]:
    words = {}
    for row in tables.rows("met_places"):
        for word in (row["place"], *filter(None, row["also"].split(";"))):
            words[word] = row
    return words


def _places(text: str) -> list[Place]:
    """The places of metastases named; raises ValueError for an unknown one."""
    places: list[Place] = []
    for word in filter(None, (w.strip() for w in text.split("+"))):
        if word == "none":
            continue
        number_said = ""
        rest = word
        for prefixes, meaning in ((_SINGLE, "single"), (_SEVERAL, "several")):
            for prefix in prefixes:
                if word.startswith(prefix):
                    number_said, rest = meaning, word.removeprefix(prefix)
        if number_said == "" and re.search(r"_(lesions|nodules)$", rest):
            number_said = "several"
        row = _met_words().get(rest) or _met_words().get(_ENDING.sub("", rest))
        if row is None:
            raise ValueError(N_("mets: unknown place %(place)s") % {"place": word[:40]})
        places.append((row, number_said))
    return places


def _m_category(draft: _Category, site: str, system: str, places: list[Place]) -> Derived:
    rule = _m_rule(site, system)
    if rule is None:
        draft.say(
            N_("No M table for %(site)s in %(system)s: needs manual staging."),
            site=site,
            system=system,
        )
        return draft.answer(INVALID, NOT_DERIVABLE)
    if not places:
        draft.say(N_("No distant metastasis: M0."))
        return draft.answer("M0", COMPLETE)
    return rule(draft, system, places)


def _m_rule(site: str, system: str) -> Callable[[_Category, str, list[Place]], Derived] | None:
    if not _has_table(site, system):
        return None
    if system == "ENETS" or site == "thyroid_c_cell":
        return _m_plain
    own = {"lung": _m_lung, "thymus": _m_thymus, "ppgl": _m_ppgl}
    return own.get(site, _m_digestive)


def _m_plain(draft: _Category, _system: str, _found: list[Place]) -> Derived:
    draft.say(N_("Distant metastasis: M1, without letters in this table."))
    return draft.answer("M1", COMPLETE)


def _m_digestive(draft: _Category, _system: str, found: list[Place]) -> Derived:
    kinds = {row["digestive"] for row, _ in found}
    if kinds == {"liver"}:
        draft.say(N_("Liver only: M1a."))
        return draft.answer("M1a", COMPLETE)
    if "liver" not in kinds:
        draft.say(N_("Outside the liver only, at however many sites: M1b."))
        if len(found) > 1:
            draft.confidence = "medium"
        return draft.answer("M1b", COMPLETE)
    draft.say(N_("Liver and outside the liver: M1c."))
    return draft.answer("M1c", COMPLETE)


def _m_ppgl(draft: _Category, _system: str, found: list[Place]) -> Derived:
    kinds = {row["ppgl"] for row, _ in found}
    category = "M1c" if len(kinds) > 1 else ("M1a" if kinds == {"bone"} else "M1b")
    draft.say(N_("M1a is bone only, M1b other sites only, M1c both: %(m)s."), m=category)
    return draft.answer(category, COMPLETE)


def _m_thymus(draft: _Category, _system: str, found: list[Place]) -> Derived:
    distant = any(row["thymus"] == "distant" for row, _ in found)
    draft.say(
        N_("Inside the lung or distant: M1b.") if distant else N_("Pleural or pericardial: M1a.")
    )
    return draft.answer("M1b" if distant else "M1a", COMPLETE)


def _m_lung(draft: _Category, system: str, found: list[Place]) -> Derived:
    if any(not row["lung"] for row, _ in found):
        draft.say(N_("In lung cancer say which lung: the other lung is M1a, the same one is T."))
        return draft.answer(INVALID, NOT_DERIVABLE)
    outside = [(row["place"], said) for row, said in found if row["lung"] == "extrathoracic"]
    if not outside:
        draft.say(N_("Within the chest: M1a."))
        return draft.answer("M1a", COMPLETE)
    organs = {place for place, _ in outside}
    if len(organs) == 1 and all(said == "" for _, said in outside):
        draft.say(N_("Say whether it is a single metastasis or several."))
        return draft.answer(INVALID, NOT_DERIVABLE)
    if len(outside) == 1 and outside[0][1] == "single":
        draft.say(N_("A single metastasis outside the chest: M1b."))
        return draft.answer("M1b", COMPLETE)
    if system == "TNM8":
        draft.say(N_("Several metastases outside the chest: M1c."))
        return draft.answer("M1c", COMPLETE)
    if len(organs) == 1:
        draft.say(N_("Several metastases in one organ system: M1c1."))
        return draft.answer("M1c1", COMPLETE)
    draft.say(N_("Metastases in several organ systems: M1c2."))
    return draft.answer("M1c2", COMPLETE)


class _Category:
    """Collects reasons, sources and the lowest confidence of one category."""

    def __init__(self, rule: str, **inputs: str) -> None:
        self.rule = rule
        self.inputs = inputs
        self.reasons: list[Reason] = []
        self.sources: list[str] = []
        self.confidence = "high"

    def say(self, template: str, **values: str) -> None:
        self.reasons.append(Reason(template, values))

    def rests_on(self, row: Mapping[str, str]) -> None:
        self.sources.append(row["source"])
        if row["confidence"] != "high":
            self.confidence = row["confidence"]

    def answer(self, category: str, status: str) -> Derived:
        return Derived(
            answer=category,
            status=status,
            reasons=tuple(self.reasons),
            flags=(),
            inputs=self.inputs,
            rule=self.rule,
            version=VERSION,
            source=";".join(dict.fromkeys(self.sources)) or "S10;S12;S21;S23",
            confidence=self.confidence,
        )
