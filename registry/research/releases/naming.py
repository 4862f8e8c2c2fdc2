"""How the records of a project are named: as its first release named them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from registry.db import db
from registry.research import rules
from registry.research.models import Release
from registry.research.releases.pseudonyms import DigestPseudonyms, Pseudonyms

#: From this version of the rules of releasing on, names are made by a cipher.
_BY_CIPHER = 5


def names_of(project: str) -> Pseudonyms:
    """The names of a project. They never change, or its releases could not be compared."""
    rows = db.session.execute(_first_releases().where(Release.project == project)).all()
    return _named(*rows[0]) if rows else Pseudonyms(project)


def names_by_project() -> dict[str, Pseudonyms]:
    """The names of every project of which a release was made, in one query."""
    return {row.project: _named(*row) for row in db.session.execute(_first_releases())}


def _first_releases() -> sa.Select[tuple[str, Any]]:
    """Project and versions of the rules of the first release that was made of each."""
    other = aliased(Release)
    first = sa.select(sa.func.min(other.number)).where(
        other.project == Release.project, other.state == rules.MADE
    )
    return sa.select(Release.project, Release.rule_versions).where(
        Release.state == rules.MADE, Release.number == first.scalar_subquery()
    )


def _named(project: str, versions: Any) -> Pseudonyms:
    before = int(versions["release"]) < _BY_CIPHER
    return DigestPseudonyms(project) if before else Pseudonyms(project)
