"""How the records of a project are named: as its first release named them."""

from __future__ import annotations

import sqlalchemy as sa

from registry.db import db
from registry.research import rules
from registry.research.models import Release
from registry.research.releases.pseudonyms import DigestPseudonyms, Pseudonyms

#: From this version of the rules of releasing on, names are made by a cipher.
_BY_CIPHER = 5


def names_of(project: str) -> Pseudonyms:
    """The names of a project. They never change, or its releases could not be compared."""
    first = db.session.scalar(
        sa.select(Release.rule_versions)
        .where(Release.project == project, Release.state == rules.MADE)
        .order_by(Release.number)
        .limit(1)
    )
    before = first is not None and int(first["release"]) < _BY_CIPHER
    return DigestPseudonyms(project) if before else Pseudonyms(project)
