"""Reading people and organisations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from registry.access import Right, Role, Seat, Viewer
from registry.dates import today
from registry.db import db, now
from registry.errors import NotFound
from registry.people.models import (
    REFERENCE_CENTRE,
    Membership,
    Notice,
    Organisation,
    Person,
    SignIn,
)

_ROLES = {role.value for role in Role}


def _in_force(day: date) -> sa.ColumnElement[bool]:
    return sa.and_(
        Membership.from_date <= day,
        sa.or_(Membership.until_date.is_(None), Membership.until_date >= day),
    )


def _seats(rows: Iterable[tuple[Membership, Organisation]]) -> tuple[Seat, ...]:
    ordered = sorted(rows, key=lambda row: (row[1].name, str(row[1].id)))
    seats = []
    for _id, group in groupby(ordered, key=lambda row: row[1].id):
        members = list(group)
        place = members[0][1]
        roles = frozenset(Role(m.role) for m, _o in members if m.role in _ROLES)
        seats.append(Seat(place.id, place.name, place.code, place.kind, place.time_zone, roles))
    return tuple(seats)


def viewer_of_sign_in(sign_in_id: UUID) -> Viewer | None:
    """Who a session belongs to; None when it ended, expired, or the account was closed.

    One query whatever the number of memberships.
    """
    query = (
        sa.select(SignIn, Person, Membership, Organisation)
        .join(Person, Person.id == SignIn.person_id)
        .outerjoin(Membership, sa.and_(Membership.person_id == Person.id, _in_force(today())))
        .outerjoin(Organisation, Organisation.id == Membership.organisation_id)
        .where(
            SignIn.id == sign_in_id,
            SignIn.ended_at.is_(None),
            SignIn.expires_at > now(),
            Person.active,
        )
    )
    rows = db.session.execute(query).all()
    if not rows:
        return None
    sign_in, person = rows[0][0], rows[0][1]
    # An outer join: a person without membership has a row whose place is None.
    held: list[tuple[Membership, Organisation | None]] = [(m, o) for _s, _p, m, o in rows]
    seats = _seats([(m, o) for m, o in held if o is not None and o.active])
    chosen = next((s for s in seats if s.organisation_id == sign_in.organisation_id), None)
    return Viewer(
        person_id=person.id,
        name=person.name,
        email=person.email,
        seat=chosen or (seats[0] if seats else None),
        seats=seats,
        sign_in_id=sign_in.id,
        must_change_password=person.must_change_password,
    )


def viewer_of_person(person: Person, organisation_code: str = "") -> Viewer:
    """The viewer a person would be, for commands and tests."""
    query = (
        sa.select(Membership, Organisation)
        .join(Organisation)
        .where(Membership.person_id == person.id, _in_force(today()))
    )
    seats = _seats([(m, place) for m, place in db.session.execute(query)])
    chosen = next((s for s in seats if s.organisation_code == organisation_code), None)
    return Viewer(
        person_id=person.id,
        name=person.name,
        email=person.email,
        seat=chosen or (seats[0] if seats else None),
        seats=seats,
    )


def person_by_email(email: str) -> Person | None:
    """The account of this address, open or closed."""
    return db.session.scalar(sa.select(Person).where(Person.email == email.strip().lower()))


def oneself(viewer: Viewer) -> Person:
    """One's own account."""
    person = db.session.get(Person, viewer.person_id)
    if person is None:
        raise NotFound()
    return person


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


def person_names(ids: Iterable[UUID | None]) -> dict[UUID, str]:
    """Names of staff by id, in one query."""
    wanted = {one for one in ids if one}
    if not wanted:
        return {}
    rows = db.session.execute(sa.select(Person.id, Person.name).where(Person.id.in_(wanted)))
    return {row.id: row.name for row in rows}


def members(organisation_id: UUID, roles: Iterable[Role]) -> Sequence[Person]:
    """The people who hold one of these roles at an organisation today."""
    query = (
        sa.select(Person)
        .join(Membership)
        .where(
            Membership.organisation_id == organisation_id,
            Membership.role.in_([role.value for role in roles]),
            _in_force(today()),
            Person.active,
        )
        .distinct()
        .order_by(Person.name, Person.id)
    )
    return db.session.scalars(query).all()


def with_role(role: Role) -> Sequence[Person]:
    """The people who hold a role anywhere today."""
    query = (
        sa.select(Person)
        .join(Membership)
        .where(Membership.role == role.value, _in_force(today()), Person.active)
        .distinct()
        .order_by(Person.name, Person.id)
    )
    return db.session.scalars(query).all()


@dataclass(frozen=True)
class NoticeRow:
    """A notice as it is listed."""

    id: UUID
    at: datetime
    why: str
    subject_kind: str
    subject_id: UUID
    seen: bool


def notices(viewer: Viewer, limit: int = 50) -> list[NoticeRow]:
    """One's own latest notices, newest first."""
    query = (
        sa.select(Notice)
        .where(Notice.person_id == viewer.person_id)
        .order_by(Notice.at.desc(), Notice.id.desc())
        .limit(limit)
    )
    return [
        NoticeRow(n.id, n.at, n.why, n.subject_kind, n.subject_id, n.seen_at is not None)
        for n in db.session.scalars(query)
    ]


def unread(viewer: Viewer) -> int:
    """How many notices have not been seen; shown as 99+ at the most."""
    query = (
        sa.select(Notice.id)
        .where(Notice.person_id == viewer.person_id, Notice.seen_at.is_(None))
        .limit(100)
    )
    return len(db.session.scalars(query).all())


def staff(viewer: Viewer) -> Sequence[Person]:
    """Every account with its memberships, for the administrator."""
    viewer.need(Right.ADMINISTER)
    query = (
        sa.select(Person)
        .options(joinedload(Person.memberships).joinedload(Membership.organisation))
        .order_by(Person.name, Person.id)
    )
    return db.session.scalars(query).unique().all()


def organisations(viewer: Viewer) -> Sequence[Organisation]:
    """Every organisation, for the administrator."""
    viewer.need(Right.ADMINISTER)
    return db.session.scalars(
        sa.select(Organisation).order_by(Organisation.kind, Organisation.name, Organisation.id)
    ).all()


def account(viewer: Viewer, person_id: UUID | None) -> Person:
    """One account, for the administrator. Raises NotFound."""
    viewer.need(Right.ADMINISTER)
    found = db.session.get(Person, person_id) if person_id else None
    if found is None:
        raise NotFound()
    return found
