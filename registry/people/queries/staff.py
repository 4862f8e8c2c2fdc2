"""Reading accounts, roles and covers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from registry.access import Right, Role, Viewer
from registry.dates import today
from registry.db import db, table_of
from registry.errors import NotFound
from registry.people.models import Cover, Membership, Organisation, Person
from registry.people.queries.pages import PAGE, Part, any_of
from registry.people.queries.seats import covering, in_force, known


def person_by_email(email: str) -> Person | None:
    """The account of this address, open or closed."""
    return db.session.scalar(sa.select(Person).where(Person.email == email.strip().lower()))


def oneself(viewer: Viewer) -> Person:
    """One's own account."""
    person = db.session.get(Person, viewer.person_id)
    if person is None:
        raise NotFound()
    return person


def person_names(ids: Iterable[UUID | None]) -> dict[UUID, str]:
    """Names of staff by id, in one query."""
    wanted = {one for one in ids if one}
    if not wanted:
        return {}
    rows = db.session.execute(sa.select(Person.id, Person.name).where(Person.id.in_(wanted)))
    return {row.id: row.name for row in rows}


def members(organisation_id: UUID, roles: Iterable[Role]) -> Sequence[Person]:
    """The people who hold one of these roles at an organisation today."""
    query = sa.select(Person).where(*_with_a_role(organisation_id, roles))
    return db.session.scalars(query.join(Membership).distinct().order_by(*_BY_NAME)).all()


def former_members(organisation_id: UUID, roles: Iterable[Role]) -> Sequence[Person]:
    """The people who held one of these roles at an organisation and hold none of them today, or
    whose account is closed."""
    held = sa.select(Membership.person_id).where(
        Membership.organisation_id == organisation_id,
        Membership.role.in_([role.value for role in roles]),
    )
    query = sa.select(Person).where(
        Person.id.in_(held), Person.id.not_in(member_ids(organisation_id, roles))
    )
    return db.session.scalars(query.order_by(*_BY_NAME).limit(MOST_FORMER)).all()


#: So many of those who left are looked through for what they left.
MOST_FORMER = 200


def member_ids(organisation_id: UUID, roles: Iterable[Role]) -> list[UUID]:
    """The same people, for telling them something."""
    given = {"organisation_id": organisation_id, "roles": [one.value for one in roles]}
    rows = db.session.connection().execute(_member_ids(), {**given, "day": today()})
    return [row.id for row in rows]


def member_ids_by_place(
    places: Iterable[UUID], roles: Iterable[Role]
) -> dict[tuple[UUID, Role], list[UUID]]:
    """The same for many organisations in one query, by organisation and role; without those that
    nobody holds."""
    wanted = sorted(set(places))
    query = (
        sa.select(Membership.organisation_id, Membership.role, Person.id, Person.name)
        .join(Person, Person.id == Membership.person_id)
        .where(
            Membership.organisation_id.in_(wanted),
            Membership.role.in_([role.value for role in roles]),
            in_force(today()),
            Person.active.is_(True),
        )
        .distinct()
        .order_by(*_BY_NAME)
    )
    found: dict[tuple[UUID, Role], list[UUID]] = {}
    for place, role, person_id, _name in db.session.execute(query) if wanted else ():
        found.setdefault((place, Role(role)), []).append(person_id)
    return found


@cache
def _member_ids() -> sa.Select[Any]:
    day: sa.BindParameter[Any] = sa.bindparam("day", type_=sa.Date())
    person, held = table_of(Person), table_of(Membership)
    return (
        sa.select(person.c.id, person.c.name)
        .join(held, held.c.person_id == person.c.id)
        .where(
            Membership.organisation_id == sa.bindparam("organisation_id", type_=sa.Uuid()),
            Membership.role.in_(sa.bindparam("roles", expanding=True)),
            in_force(day),
            Person.active.is_(True),
        )
        .distinct()
        .order_by(*_BY_NAME)
    )


_BY_NAME = (Person.name, Person.id)


def _with_a_role(
    organisation_id: UUID, roles: Iterable[Role]
) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        Membership.organisation_id == organisation_id,
        Membership.role.in_([role.value for role in roles]),
        in_force(today()),
        Person.active.is_(True),
    )


def with_role(role: Role) -> Sequence[Person]:
    """The people who hold a role anywhere today."""
    query = (
        sa.select(Person)
        .join(Membership)
        .where(Membership.role == role.value, in_force(today()), Person.active)
        .distinct()
        .order_by(Person.name, Person.id)
    )
    return db.session.scalars(query).all()


def account(viewer: Viewer, person_id: UUID | None) -> Person:
    """One account, for the administrator. Raises NotFound."""
    viewer.need(Right.ADMINISTER)
    found = db.session.get(Person, person_id) if person_id else None
    if found is None:
        raise NotFound()
    return found


def list_people(
    viewer: Viewer,
    *,
    text: str = "",
    state: str = "",
    role: str = "",
    organisation_id: UUID | None = None,
    page: int = 1,
) -> Part[Person]:
    """Accounts by name, with what each is where. Three queries, any number of accounts."""
    viewer.need(Right.ADMINISTER)
    query = sa.select(Person)
    if text:
        query = query.where(any_of(text, Person.name, Person.email))
    if state:
        query = query.where(Person.active == (state == "open"))
    if role or organisation_id:
        held = sa.select(Membership.person_id).where(in_force(today()))
        if role:
            held = held.where(Membership.role == role)
        if organisation_id:
            held = held.where(Membership.organisation_id == organisation_id)
        query = query.where(Person.id.in_(held))
    total = db.session.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0
    shown = db.session.scalars(
        query.options(selectinload(Person.memberships).joinedload(Membership.organisation))
        .order_by(Person.name, Person.id)
        .limit(PAGE)
        .offset((page - 1) * PAGE)
    ).all()
    return Part(shown, total, page)


def colleagues_to_cover(viewer: Viewer, person: Person) -> Sequence[Person]:
    """Who could sit in for a person: those who work at one of the same organisations, by name."""
    viewer.need(Right.ADMINISTER)
    places = sa.select(Membership.organisation_id).where(
        Membership.person_id == person.id, in_force(today())
    )
    query = (
        sa.select(Person)
        .join(Membership)
        .where(
            Membership.organisation_id.in_(places),
            in_force(today()),
            Person.active,
            Person.id != person.id,
        )
        .distinct()
        .order_by(Person.name, Person.id)
        .limit(500)
    )
    return db.session.scalars(query).all()


def colleagues(viewer: Viewer) -> Sequence[tuple[Person, tuple[Role, ...]]]:
    """Those who work at one's own organisation today, by name, and what each is there."""
    viewer.need(Right.ARRANGE_COVER)
    rows = db.session.execute(
        sa.select(Person, Membership.role)
        .join(Membership)
        .where(
            Membership.organisation_id == viewer.organisation_id,
            in_force(today()),
            Person.active,
        )
        .order_by(Person.name, Person.id, Membership.role)
        .limit(2000)
    )
    found: dict[UUID, tuple[Person, tuple[Role, ...]]] = {}
    for person, role in rows:
        held = found[person.id][1] if person.id in found else ()
        found[person.id] = (person, tuple(dict.fromkeys((*held, *known((role,))))))
    return list(found.values())


def roles_between(
    person_id: UUID, organisation_id: UUID, since: date, until: date
) -> frozenset[Role]:
    """What a person is at an organisation on any day of these."""
    rows = db.session.scalars(
        sa.select(Membership.role).where(
            Membership.person_id == person_id,
            Membership.organisation_id == organisation_id,
            Membership.from_date <= until,
            sa.or_(Membership.until_date.is_(None), Membership.until_date >= since),
        )
    )
    return frozenset(known(rows))


def covers_here(viewer: Viewer) -> Sequence[Cover]:
    """The covers at one's own organisation that hold or will, and those that ended lately."""
    viewer.need(Right.ARRANGE_COVER)
    query = (
        sa.select(Cover)
        .options(joinedload(Cover.organisation), joinedload(Cover.absent), joinedload(Cover.cover))
        .where(Cover.organisation_id == viewer.organisation_id)
        .order_by(Cover.until_date.desc(), Cover.id.desc())
        .limit(100)
    )
    return db.session.scalars(query).all()


def covers_about(viewer: Viewer, person_id: UUID | None) -> Sequence[Cover]:
    """The covers a person has or gives, the latest first: for an administrator, or of oneself."""
    if person_id != viewer.person_id:
        viewer.need(Right.ADMINISTER)
    query = (
        sa.select(Cover)
        .options(joinedload(Cover.organisation), joinedload(Cover.absent), joinedload(Cover.cover))
        .where(sa.or_(Cover.absent_id == person_id, Cover.cover_id == person_id))
        .order_by(Cover.from_date.desc(), Cover.id.desc())
        .limit(50)
    )
    return db.session.scalars(query).all()


def cover(viewer: Viewer, cover_id: UUID | None) -> Cover:
    """One cover, for the administrator. Raises NotFound."""
    viewer.need(Right.ADMINISTER)
    found = db.session.get(Cover, cover_id) if cover_id else None
    if found is None:
        raise NotFound()
    return found


def who_covers(ids: Iterable[UUID]) -> dict[UUID, list[UUID]]:
    """Of these people, those who are away: who sits in for each today."""
    found: dict[UUID, list[UUID]] = {}
    given = {"ids": list(ids), "day": today()}
    for absent_id, cover_id in db.session.connection().execute(_covers(), given):
        found.setdefault(absent_id, []).append(cover_id)
    return found


@cache
def _covers() -> sa.Select[Any]:
    day: sa.BindParameter[Any] = sa.bindparam("day", type_=sa.Date())
    one = table_of(Cover).c
    absent = one.absent_id.in_(sa.bindparam("ids", expanding=True, type_=sa.Uuid()))
    return sa.select(one.absent_id, one.cover_id).where(absent, covering(day)).order_by(one.id)


def is_administrator(person_id: UUID) -> bool:
    """Does this person hold the role of administrator anywhere, for now or for later?"""
    query = sa.select(Membership.id).where(
        Membership.person_id == person_id,
        Membership.role == Role.ADMINISTRATOR.value,
        sa.or_(Membership.until_date.is_(None), Membership.until_date >= today()),
    )
    return db.session.scalar(query.limit(1)) is not None


def lasting_administrators() -> list[UUID]:
    """The people who are administrators today, without an end, with an open account and an active
    organisation: one of them has to remain."""
    query = (
        sa.select(Person.id)
        .join(Membership)
        .join(Organisation)
        .where(
            Membership.role == Role.ADMINISTRATOR.value,
            Membership.from_date <= today(),
            Membership.until_date.is_(None),
            Person.active,
            Organisation.active,
        )
        .distinct()
    )
    return list(db.session.scalars(query))
