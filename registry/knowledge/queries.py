"""Reading the support directory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry import codes
from registry.access import Right, Viewer
from registry.db import db
from registry.errors import NotFound
from registry.knowledge.models import SupportContact


@dataclass(frozen=True)
class Contact:
    """A contact as it is read."""

    id: UUID
    country: str
    place: str  # the country in words; empty for every country
    kind: str  # in words
    name: str
    what_for: str
    website: str
    telephone: str
    email: str
    languages: str  # in words
    active: bool


def _contact(row: SupportContact) -> Contact:
    return Contact(
        row.id,
        row.country,
        codes.label("country", row.country),
        codes.label("support_contact_kind", row.kind),
        row.name,
        row.what_for,
        row.website,
        row.telephone,
        row.email,
        ", ".join(codes.label("language", one) for one in row.languages),
        row.active,
    )


def support_for(viewer: Viewer, country: str | None) -> list[Contact]:
    """Whom a patient of this country can turn to: those of the country, then those for all."""
    viewer.need(Right.SIGNED_IN)
    given = {"country": country or ""}
    found = [_contact(row) for row in db.session.scalars(_support(), given)]
    return sorted(found, key=lambda one: (one.country == "", one.name.casefold(), str(one.id)))


@cache
def _support() -> sa.Select[Any]:
    """Asked for every chart, so it is put together once."""
    return sa.select(SupportContact).where(
        SupportContact.active, SupportContact.country.in_([sa.bindparam("country"), ""])
    )


def countries(viewer: Viewer) -> list[tuple[str, str]]:
    """(code, label) of the countries that have contacts, by label."""
    viewer.need(Right.SIGNED_IN)
    query = sa.select(SupportContact.country).where(SupportContact.active).distinct()
    found = [(code, codes.label("country", code)) for code in db.session.scalars(query) if code]
    return sorted(found, key=lambda one: one[1])


def directory(viewer: Viewer) -> list[Contact]:
    """Every contact, the retired ones at the end."""
    viewer.need(Right.ADMINISTER)
    found = [_contact(row) for row in rows(viewer)]
    return sorted(
        found, key=lambda one: (not one.active, one.place, one.name.casefold(), str(one.id))
    )


def rows(viewer: Viewer) -> Sequence[SupportContact]:
    """Every contact as it is kept."""
    viewer.need(Right.ADMINISTER)
    order = (SupportContact.country, SupportContact.name, SupportContact.id)
    return db.session.scalars(sa.select(SupportContact).order_by(*order)).all()


def contact(viewer: Viewer, contact_id: UUID) -> SupportContact:
    """A contact to change. Raises NotFound."""
    viewer.need(Right.ADMINISTER)
    found = db.session.get(SupportContact, contact_id)
    if found is None:
        raise NotFound()
    return found
