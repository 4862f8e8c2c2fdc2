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
from registry.course.models import Pathology, Staging, Tumour
from registry.db import db


def _tumour_of(entry: Any) -> Tumour | None:
    return db.session.get(Tumour, entry.tumour_id) if entry.tumour_id else None


def derived_of(entry: Any) -> dict[str, Any]:
    """What the rules derive for a pathology or staging; empty for other entries."""
    if isinstance(entry, Pathology):
        tumour = _tumour_of(entry)
        return rules.derive_pathology(
            facts_.stated(entry), topography=tumour.primary_site if tumour else None
        )
    if isinstance(entry, Staging):
        tumour = _tumour_of(entry)
        categories = [p.derived_category for p in queries.pathologies(tumour)] if tumour else []
        return rules.derive_staging(
            facts_.stated(entry),
            topography=tumour.primary_site if tumour else None,
            grade_category=rules.category_for_staging(categories),
            diagnosis_date=tumour.diagnosis_date if tumour else None,
            licensed=licence.may_derive_stages(),
        )
    return {}


def derive(entry: Any) -> None:
    """Set the derived columns of an entry."""
    with db.session.no_autoflush:
        for name, value in derived_of(entry).items():
            setattr(entry, name, value)


def derive_dependents(entry: Any, *, by: Viewer, before: Mapping[str, Any] | None = None) -> None:
    """Derive anew what rests on this entry: a site decides grades, a grade decides stage tables."""
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


def derive_again(entry: Any, *, by: Viewer) -> None:
    """Derive an entry anew. What was stated is untouched, so its version stays: an editor who
    has it open is not refused for what nobody stated."""
    fresh = derived_of(entry)
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
        name: [old[name], fresh[name]]
        for name in fresh
        if name not in ("derivation", "findings") and old[name] != fresh[name]
    }
    record(f"derived {entry.entity} anew", entry, by=by, changes=changes)
    keep(
        "derived",
        entry,
        by=by,
        changes={n: [facts_.plain(v) for v in c] for n, c in changes.items()},
    )
