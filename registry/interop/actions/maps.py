"""The maps a centre keeps: each saving is a new version."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa

from registry import audit
from registry.access import Right, Viewer
from registry.db import db
from registry.interop import map_files
from registry.interop.models import SavedMap


def save_map(toml: str, *, by: Viewer) -> SavedMap:
    """Keep a map under its source's name, as a new version; the same text again is the same.

    Raises MapError for a map that cannot be used.
    """
    by.need(Right.BRING_IN)
    read = map_files.read(toml.encode())
    newest = db.session.scalar(
        sa.select(SavedMap)
        .where(SavedMap.organisation_id == by.organisation_id, SavedMap.name == read.name)
        .order_by(SavedMap.version.desc())
        .limit(1)
    )
    if newest is not None and newest.sha256 == _sha256(toml):
        return newest
    saved = SavedMap(
        organisation_id=by.organisation_id,
        name=read.name,
        version=(newest.version if newest else 0) + 1,
        title=read.title,
        toml=toml,
        sha256=_sha256(toml),
        saved_by=by.person_id,
    )
    db.session.add(saved)
    db.session.flush()
    audit.record(
        "saved map",
        by=by,
        subject=("map", saved.id),
        changes={"name": [None, saved.name], "version": [None, saved.version]},
    )
    return saved


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
