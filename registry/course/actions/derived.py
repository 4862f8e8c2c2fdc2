"""Derived beside stated: made when an entry is kept, and again when what it rests on changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry.access import Viewer
from registry.course import facts as facts_
from registry.course import licence, queries, rules
from registry.course.actions.history import keep, record
from registry.course.models import (
    Lesion,
    Measurement,
    Pathology,
    Questionnaire,
    Response,
    Staging,
    Tumour,
)
from registry.course.queries.series import text_row as series_row
from registry.course.rules.response import RECIST, VERSION
from registry.db import db, snapshot


def _tumour_of(entry: Any) -> Tumour | None:
    return db.session.get(Tumour, entry.tumour_id) if entry.tumour_id else None


def derived_of(entry: Any) -> dict[str, Any]:
    """What the rules derive beside what an entry states; empty where they derive nothing."""
    if isinstance(entry, Pathology):
        tumour = _tumour_of(entry)
        return rules.derive_pathology(
            facts_.stated(entry), topography=tumour.primary_site if tumour else None
        )
    if isinstance(entry, Staging):
        return _derived_staging(entry)
    if isinstance(entry, Response):
        return _derived_response(entry, queries.series_of(entry))
    if isinstance(entry, Questionnaire):
        return rules.derive_questionnaire(facts_.stated(entry))
    return {}


def _derived_staging(entry: Staging) -> dict[str, Any]:
    tumour = _tumour_of(entry)
    categories = [p.derived_category for p in queries.pathologies(tumour)] if tumour else []
    return rules.derive_staging(
        facts_.stated(entry),
        topography=tumour.primary_site if tumour else None,
        grade_category=rules.category_for_staging(categories),
        diagnosis_date=tumour.diagnosis_date if tumour else None,
        licensed=licence.may_derive_stages(),
    )


def _derived_response(entry: Response, series: queries.Series) -> dict[str, Any]:
    """An assessment that is not kept yet has nothing measured: nothing is derived for it."""
    if all(one.id != entry.id for one in series.responses):
        return {}
    return rules.derive_response(series_row(entry), series.assessed().get(str(entry.id)))


def derive(entry: Any) -> None:
    """Set the derived columns of an entry."""
    with db.session.no_autoflush:
        for name, value in derived_of(entry).items():
            setattr(entry, name, value)


def derive_dependents(entry: Any, *, by: Viewer, before: Mapping[str, Any] | None = None) -> None:
    """Derive anew what rests on this entry: a site decides grades, a grade decides stage tables,
    a size decides responses."""
    if isinstance(entry, Response | Lesion | Measurement):
        for baseline_id in _baselines(entry, before or {}):
            derive_series(entry.patient_id, baseline_id, by=by)
        return
    tumours = []
    if isinstance(entry, Tumour) and before is not None:
        tumours = [entry]
    elif isinstance(entry, Pathology):
        ids = {str(one) for one in (entry.tumour_id, (before or {}).get("tumour_id")) if one}
        tumours = [db.session.get_one(Tumour, UUID(one)) for one in sorted(ids)]
    for tumour in tumours:
        if isinstance(entry, Tumour):
            for pathology in queries.pathologies(tumour):
                derive_again(pathology, by=by)
        for staging in queries.stagings(tumour):
            derive_again(staging, by=by)


def _baselines(entry: Any, before: Mapping[str, Any]) -> list[UUID]:
    """The series an entry is, and was, part of."""
    if isinstance(entry, Measurement):
        ids = {str(one) for one in (entry.response_id, before.get("response_id")) if one}
        found = [db.session.get_one(Response, UUID(one)) for one in sorted(ids)]
        return [one.baseline_id or one.id for one in found]
    own = {str(one) for one in (entry.baseline_id, before.get("baseline_id")) if one}
    if isinstance(entry, Response):
        own.add(str(entry.id))
    return [UUID(one) for one in sorted(own)]


def outdated_series(limit: int) -> list[tuple[UUID, UUID]]:
    """Patient and baseline of series whose responses another version of the rules derived, or none
    though lesions are followed. Looking for them holds up nobody."""
    baseline = sa.func.coalesce(Response.baseline_id, Response.id)
    by_recist = sa.or_(Response.criteria.is_(None), Response.criteria == RECIST)
    followed = queries.standing(Lesion).where(Lesion.baseline_id == baseline).exists()
    missing = sa.and_(Response.derived_version.is_(None), by_recist, followed)
    query = (
        queries.standing(Response)
        .with_only_columns(Response.patient_id, baseline)
        .where(sa.or_(Response.derived_version != VERSION, missing))
        .distinct()
        .limit(limit)
    )
    with snapshot() as connection:
        return [(patient, baseline) for patient, baseline in connection.execute(query)]


def derive_series(patient_id: UUID, baseline_id: UUID, *, by: Viewer) -> None:
    """Derive every response of a series anew: an earlier size decides the nadir of later ones."""
    series = queries.series_of_baseline(patient_id, baseline_id)
    found = series.assessed()
    for response in series.responses:
        if (response.baseline_id or response.id) != baseline_id:
            continue  # it begins no series of its own
        fresh = rules.derive_response(series_row(response), found.get(str(response.id)))
        derive_again(response, by=by, fresh=fresh)


def derive_again(entry: Any, *, by: Viewer, fresh: dict[str, Any] | None = None) -> None:
    """Derive an entry anew, or keep what was derived. What was stated is untouched, so its version
    stays: an editor who has it open is not refused for what nobody stated."""
    fresh = derived_of(entry) if fresh is None else fresh
    old = {name: getattr(entry, name) for name in fresh}
    if fresh == old:
        return
    model = type(entry)
    db.session.execute(
        sa.update(model)
        .where(model.id == entry.id)
        .values(**fresh)
        .execution_options(synchronize_session=False)
    )
    db.session.refresh(entry)
    changes = {
        name: [facts_.plain(old[name]), facts_.plain(fresh[name])]
        for name in fresh
        if name not in ("derivation", "findings") and old[name] != fresh[name]
    }
    record(f"derived {entry.entity} anew", entry, by=by, changes=changes)
    keep("derived", entry, by=by, changes=changes)
