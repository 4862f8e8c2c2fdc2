"""Which centre to suggest for a case, and why. Pure: what a case needs and what centres have go in,
an order with reasons comes out. The doctor decides.

Points are the product's own, chosen so that what a centre can do comes before where it is: a site
that is not taken, or a country that is not, outweighs everything else; each service the question
needs weighs more than any distance; distance, waiting and free places decide between equals.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

#: Points.
SITE, COUNTRY, SERVICE, NO_SERVICE, SAME_COUNTRY = 40, 100, 15, -10, 15
NEAR, NEAR_KM = 12, 1500  # at no distance, and from where on distance adds nothing
QUICK, QUICK_DAYS = 10, 28  # advice at once, and from where on waiting adds nothing
FREE, FREE_WEEKS = 8, 4  # nothing waits, and from how many weeks of work on it adds nothing

#: What a question needs of a centre. Surgery depends on the site.
NEEDS: Mapping[str, tuple[str, ...]] = {
    "prrt_suitability": ("prrt", "sstr_pet"),
    "liver_directed_suitability": ("liver_directed",),
    "pathology_review": ("pathology_review",),
    "diagnosis_review": ("pathology_review",),
    "imaging_review": ("sstr_pet",),
    "trial": ("trials",),
    "treatment_options": ("sstr_pet", "prrt"),
    "systemic_therapy": ("prrt",),
}
_THORAX = frozenset({"lung", "thymus", "other_thoracic"})
_LIVER_AND_PANCREAS = frozenset({"pancreas", "duodenum", "ampulla", "hepatobiliary"})


@dataclass(frozen=True)
class Need:
    """What a case needs: the question, the site group, whether it is of high grade, and where the
    hospital is."""

    question: str = ""
    site_group: str = ""
    high_grade: bool = False  # NET G3 or NEC
    country: str = ""
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True)
class Candidate:
    """A centre as far as it matters here."""

    id: UUID
    name: str
    country: str
    sites: frozenset[str]
    services: frozenset[str]
    countries: frozenset[str] = frozenset()  # it takes patients from; empty: from anywhere
    latitude: float | None = None
    longitude: float | None = None
    weekly_capacity: int | None = None
    open_cases: int = 0
    waiting_days: float | None = None  # median to advice; None: too few to say


@dataclass(frozen=True)
class Reason:
    """Why a centre stands where it stands: a code, whether it speaks for it, and a value."""

    code: str
    good: bool
    value: str = ""


@dataclass(frozen=True)
class Suggestion:
    """A centre with its reasons. `fits`: it takes the site and the country."""

    id: UUID
    points: float
    fits: bool
    reasons: tuple[Reason, ...]


def needed(need: Need) -> tuple[str, ...]:
    """The services a case needs, in order, each once."""
    found = list(NEEDS.get(need.question, ()))
    if need.question == "surgery_suitability":
        if need.site_group in _THORAX:
            found.append("thoracic_surgery")
        elif need.site_group in _LIVER_AND_PANCREAS:
            found.append("hpb_surgery")
        else:
            found.append("endocrine_surgery")
    if need.high_grade:
        found.append("trials")
    return tuple(dict.fromkeys(found))


def suggest(need: Need, centres: Iterable[Candidate]) -> list[Suggestion]:
    """The centres, the most suitable first; the same case always gives the same order."""
    weighed = [(_weighed(need, one), one.name) for one in centres]
    weighed.sort(key=lambda each: (-each[0].points, each[1], str(each[0].id)))
    return [found for found, _name in weighed]


def _weighed(need: Need, centre: Candidate) -> Suggestion:
    points, fits, reasons = 0.0, True, []
    if need.site_group:
        takes = need.site_group in centre.sites
        points += SITE if takes else -SITE
        fits = takes
        reasons.append(Reason("site", takes, need.site_group))
    if centre.countries and need.country:
        takes = need.country in centre.countries
        if not takes:
            points -= COUNTRY
            fits = False
            reasons.append(Reason("country_not_taken", False, need.country))
    for service in needed(need):
        has = service in centre.services
        points += SERVICE if has else NO_SERVICE
        reasons.append(Reason("service", has, service))
    if need.country and need.country == centre.country:
        points += SAME_COUNTRY
        reasons.append(Reason("same_country", True))
    for more, reason in (_near(need, centre), _quick(centre), _free(centre)):
        points += more
        if reason is not None:
            reasons.append(reason)
    return Suggestion(centre.id, round(points, 2), fits, tuple(reasons))


def _near(need: Need, centre: Candidate) -> tuple[float, Reason | None]:
    km = distance_km(need.latitude, need.longitude, centre.latitude, centre.longitude)
    if km is None:
        return 0.0, None
    points = NEAR * max(0.0, 1 - km / NEAR_KM)
    return points, Reason("distance", km < NEAR_KM / 3, f"{max(10, round(km, -1)):.0f}")


def _quick(centre: Candidate) -> tuple[float, Reason | None]:
    days = centre.waiting_days
    if days is None:
        return 0.0, None
    points = QUICK * max(0.0, 1 - days / QUICK_DAYS)
    return points, Reason("waiting", days <= QUICK_DAYS / 2, f"{days:.0f}")


def _free(centre: Candidate) -> tuple[float, Reason | None]:
    if not centre.weekly_capacity:
        return 0.0, None
    weeks = centre.open_cases / centre.weekly_capacity
    points = FREE * max(0.0, 1 - weeks / FREE_WEEKS)
    if weeks >= FREE_WEEKS:
        return points, Reason("busy", False, f"{weeks:.0f}")
    return points, None


def distance_km(
    latitude: float | None, longitude: float | None, other: float | None, far: float | None
) -> float | None:
    """The way over the globe in kilometres (haversine, mean radius 6371 km); None where either
    place is not known."""
    if latitude is None or longitude is None or other is None or far is None:
        return None
    a, b = math.radians(latitude), math.radians(other)
    wide = math.sin(math.radians(far - longitude) / 2) ** 2
    high = math.sin((b - a) / 2) ** 2
    return 2 * 6371 * math.asin(math.sqrt(high + math.cos(a) * math.cos(b) * wide))
