"""Reading organisations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from registry.access import Right, Role, Viewer
from registry.dates import today
from registry.db import db
from registry.errors import NotFound
from registry.people.models import REFERENCE_CENTRE, Membership, Organisation, Person
from registry.people.queries.pages import PAGE, Part, any_of
from registry.people.queries.seats import in_force


def organisation(code: str) -> Organisation:
    """An organisation by its code. Raises NotFound."""
    found = db.session.scalar(sa.select(Organisation).where(Organisation.code == code))
    if found is None:
        raise NotFound(f"no organisation {code}")
    return found


def organisation_by_id(organisation_id: UUID | None) -> Organisation:
    """An organisation by its id. Raises NotFound."""
    found = db.session.get(Organisation, organisation_id) if organisation_id else None
    if found is None:
        raise NotFound()
    return found


def centres(viewer: Viewer) -> Sequence[Organisation]:
    """The reference centres a case can be sent to; public knowledge."""
    query = (
        sa.select(Organisation)
        .where(Organisation.kind == REFERENCE_CENTRE, Organisation.active)
        .order_by(Organisation.name, Organisation.id)
    )
    return db.session.scalars(query).all()


def hospitals(viewer: Viewer) -> Sequence[Organisation]:
    """Every active organisation a doctor can refer from."""
    query = sa.select(Organisation).where(Organisation.active).order_by(Organisation.name)
    return db.session.scalars(query).all()


def organisation_names(ids: Iterable[UUID | None]) -> dict[UUID, str]:
    """Names by id, in one query."""
    wanted = {one for one in ids if one}
    if not wanted:
        return {}
    rows = db.session.execute(
        sa.select(Organisation.id, Organisation.name).where(Organisation.id.in_(wanted))
    )
    return {row.id: row.name for row in rows}


def organisations(viewer: Viewer) -> Sequence[Organisation]:
    """Every organisation that is active, for the administrator to choose from."""
    viewer.need(Right.ADMINISTER)
    return db.session.scalars(
        sa.select(Organisation)
        .where(Organisation.active)
        .order_by(Organisation.name, Organisation.id)
    ).all()


@dataclass(frozen=True)
class PlaceRow:
    """An organisation as it is listed."""

    place: Organisation
    people: int


def list_organisations(
    viewer: Viewer, *, text: str = "", kind: str = "", state: str = "", page: int = 1
) -> Part[PlaceRow]:
    """Organisations by name, with how many people work there today. Three queries, any number."""
    viewer.need(Right.ADMINISTER)
    query = sa.select(Organisation)
    if text:
        query = query.where(any_of(text, Organisation.name, Organisation.code, Organisation.city))
    if kind:
        query = query.where(Organisation.kind == kind)
    if state:
        query = query.where(Organisation.active == (state == "active"))
    total = db.session.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0
    shown = db.session.scalars(
        query.order_by(Organisation.name, Organisation.id).limit(PAGE).offset((page - 1) * PAGE)
    ).all()
    counts: dict[UUID, int] = {
        row[0]: row[1]
        for row in db.session.execute(
            sa.select(Membership.organisation_id, sa.func.count(sa.distinct(Membership.person_id)))
            .join(Person)
            .where(
                Membership.organisation_id.in_([one.id for one in shown]),
                in_force(today()),
                Person.active,
            )
            .group_by(Membership.organisation_id)
        )
    }
    return Part([PlaceRow(one, counts.get(one.id, 0)) for one in shown], total, page)


@dataclass(frozen=True)
class MemberRow:
    """Somebody who works at an organisation."""

    person_id: UUID
    name: str
    email: str
    role: str


def who_works_at(viewer: Viewer, place: Organisation, limit: int = 200) -> list[MemberRow]:
    """Who is what there today, by name."""
    viewer.need(Right.ADMINISTER)
    rows = db.session.execute(
        sa.select(Person.id, Person.name, Person.email, Membership.role)
        .join(Membership, Membership.person_id == Person.id)
        .where(Membership.organisation_id == place.id, in_force(today()), Person.active)
        .order_by(Person.name, Person.id, Membership.role)
        .limit(limit)
    )
    return [MemberRow(*row) for row in rows]


def has_role_there(place: Organisation, role: Role) -> bool:
    """Does anybody hold this role at the organisation?"""
    query = sa.select(Membership.id).where(
        Membership.organisation_id == place.id, Membership.role == role.value, in_force(today())
    )
    return db.session.scalar(query.limit(1)) is not None
