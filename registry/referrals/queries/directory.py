"""The reference centres as everybody may know them, and those to suggest for a case."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import current_app

from registry.access import Viewer
from registry.db import db, now
from registry.people import queries as people
from registry.people.models import REFERENCE_CENTRE, Organisation
from registry.referrals import rules
from registry.referrals.case import Assessment
from registry.referrals.models import Referral
from registry.referrals.rules import suggesting
from registry.referrals.rules.suggesting import Candidate, Need, Suggestion

#: The time to advice is that of so many days, and not told of fewer cases than this.
DAYS, SMALLEST = 90, 5
#: So long the figures of all centres are used again, in seconds: the directory is open to all.
_KEPT_SECONDS = 600.0
_MOST = 20_000
_HIGH_GRADE = frozenset({"3", "carcinoma", "high"})


@dataclass(frozen=True)
class Figures:
    """What a centre's cases say: days from the referral to advice (median; None for too few), and
    how many are open."""

    waiting_days: float | None = None
    open_cases: int = 0


def figures() -> dict[UUID, Figures]:
    """The figures of every centre."""
    kept: dict[str, Any] = current_app.extensions.setdefault("netreg_centre_figures", {})
    moment = time.monotonic()
    if "found" in kept and moment - kept["at"] < _KEPT_SECONDS and not current_app.testing:
        found: dict[UUID, Figures] = kept["found"]
        return found
    found = _counted()
    kept |= {"found": found, "at": moment}
    return found


def _counted() -> dict[UUID, Figures]:
    waited: dict[UUID, list[float]] = {}
    rows = db.session.execute(
        sa.select(Referral.to_organisation_id, Referral.submitted_at, Referral.advised_at)
        .where(Referral.advised_at >= now() - timedelta(days=DAYS))
        .order_by(Referral.advised_at.desc())
        .limit(_MOST)
    )
    for centre_id, sent, advised in rows:
        if sent is not None and advised is not None:
            waited.setdefault(centre_id, []).append((advised - sent).total_seconds() / 86400)
    counted = db.session.execute(
        sa.select(Referral.to_organisation_id, sa.func.count())
        .where(Referral.phase == rules.LIVE)
        .group_by(Referral.to_organisation_id)
    )
    open_cases: dict[UUID, int] = {row[0]: row[1] for row in counted}
    return {
        one: Figures(_median(waited.get(one, [])), open_cases.get(one, 0))
        for one in {*waited, *open_cases}
    }


def _median(days: Sequence[float]) -> float | None:
    return round(statistics.median(days), 1) if len(days) >= SMALLEST else None


def directory(
    *, country: str = "", site: str = "", service: str = ""
) -> list[tuple[Organisation, Figures]]:
    """The centres that stand in the public directory, by country and name."""
    query = sa.select(Organisation).where(
        Organisation.kind == REFERENCE_CENTRE, Organisation.active, Organisation.in_directory
    )
    if country:
        query = query.where(Organisation.country == country)
    places = db.session.scalars(
        query.order_by(Organisation.country, Organisation.name, Organisation.id)
    ).all()
    known = figures()
    return [
        (one, known.get(one.id, Figures()))
        for one in places
        if (not site or site in (one.sites or [])) and (not service or service in one.services)
    ]


def suggestions(
    viewer: Viewer, referral: Referral, found: Assessment, question: str
) -> list[Suggestion]:
    """The centres a draft can be sent to, the most suitable first, each with its reasons."""
    hospital, known = referral.from_organisation, figures()
    group = found.columns()["grade_group"]
    # What is not known is not weighed: an unknown primary is no site group to be taken.
    need = Need(
        question=question,
        site_group=found.site_group if found.primary_site else "",
        high_grade=group in _HIGH_GRADE,
        country=hospital.country,
        latitude=hospital.latitude,
        longitude=hospital.longitude,
    )
    return suggesting.suggest(
        need, [_candidate(one, known.get(one.id, Figures())) for one in people.centres(viewer)]
    )


def _candidate(place: Organisation, known: Figures) -> Candidate:
    return Candidate(
        id=place.id,
        name=place.name,
        country=place.country,
        sites=frozenset(place.sites or ()),
        services=frozenset(place.services or ()),
        countries=frozenset(place.countries or ()),
        latitude=place.latitude,
        longitude=place.longitude,
        weekly_capacity=place.weekly_capacity,
        open_cases=known.open_cases,
        waiting_days=known.waiting_days,
    )
