"""Who somebody is when they ask: their seats, and those they sit in for others."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cache
from itertools import groupby
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from registry.access import Role, Seat, Viewer
from registry.dates import today
from registry.db import db, now
from registry.people.models import Cover, Membership, Organisation, Person, SignIn

_ROLES = {role.value for role in Role}
_Absent = aliased(Person)

#: A day, or where one is put in later.
Day = date | sa.BindParameter[Any]
#: A membership, its organisation, and the cover through which it is held: (id, whose id and name).
Held = tuple[Membership, Organisation, UUID | None, UUID | None, str | None]


def known(roles: Iterable[str]) -> list[Role]:
    """The roles there are; one that is no more gives nothing."""
    return [Role(role) for role in roles if role in _ROLES]


def in_force(day: Day) -> sa.ColumnElement[bool]:
    """Memberships that hold on a day."""
    return sa.and_(
        Membership.from_date <= day,
        sa.or_(Membership.until_date.is_(None), Membership.until_date >= day),
    )


def covering(day: Day) -> sa.ColumnElement[bool]:
    """Covers that hold on a day."""
    return sa.and_(Cover.from_date <= day, Cover.until_date >= day, Cover.ended_at.is_(None))


def _order(held: Held) -> tuple[bool, str, str, str]:
    _member, place, cover_id, _for_id, for_name = held
    return cover_id is not None, place.name, for_name or "", str(cover_id or place.id)


def _seats(rows: Iterable[Held]) -> tuple[Seat, ...]:
    """One's own seats first, then those of others."""
    seats = []
    for _key, group in groupby(sorted(rows, key=_order), key=_order):
        members = list(group)
        place, cover_id, for_id, for_name = members[0][1:]
        roles = frozenset(known(one[0].role for one in members))
        seats.append(
            Seat(
                place.id, place.name, place.code, place.kind, place.time_zone, roles,
                cover_id=cover_id, for_id=for_id, for_name=for_name or "",
            )
        )  # fmt: skip
    return tuple(seats)


def _with_seats(query: Any) -> Any:
    """Join a query about Person with what each is where, of their own or as a cover, on `:day`."""
    day: Day = sa.bindparam("day", type_=sa.Date)
    covered = (
        sa.select(Membership.id)
        .join(
            Cover,
            sa.and_(
                Cover.absent_id == Membership.person_id,
                Cover.organisation_id == Membership.organisation_id,
            ),
        )
        .join(_Absent, sa.and_(_Absent.id == Cover.absent_id, _Absent.active))
        .where(Cover.cover_id == Person.id, covering(day))
        .correlate(Person)
    )
    own_or_covered = sa.or_(Membership.person_id == Person.id, Membership.id.in_(covered))
    through = sa.and_(
        Cover.cover_id == Person.id,
        Cover.absent_id == Membership.person_id,
        Cover.organisation_id == Membership.organisation_id,
        covering(day),
    )
    return (
        query.outerjoin(Membership, sa.and_(in_force(day), own_or_covered))
        .outerjoin(Organisation, Organisation.id == Membership.organisation_id)
        .outerjoin(Cover, through)
        .outerjoin(_Absent, _Absent.id == Cover.absent_id)
    )


_HELD = (Membership, Organisation, Cover.id, _Absent.id, _Absent.name)


def _held(rows: Iterable[Any]) -> list[Held]:
    """The rows with a place (an outer join: a person without any has one row without)."""
    return [
        (member, place, cover_id, for_id, for_name)
        for member, place, cover_id, for_id, for_name in rows
        if member is not None and place is not None and place.active
    ]


@cache
def _of_sign_in() -> sa.Select[Any]:
    """Asked at every request, so it is put together once."""
    query: sa.Select[Any] = _with_seats(
        sa.select(SignIn, Person, *_HELD).join(Person, Person.id == SignIn.person_id)
    )
    return query.where(
        SignIn.id == sa.bindparam("sign_in_id"),
        SignIn.ended_at.is_(None),
        SignIn.expires_at > sa.bindparam("now"),
        Person.active,
    )


def viewer_of_sign_in(sign_in_id: UUID) -> Viewer | None:
    """Who a session belongs to; None when it ended, expired, or the account was closed.

    One query whatever the number of memberships and covers.
    """
    given = {"sign_in_id": sign_in_id, "day": today(), "now": now()}
    rows = db.session.execute(_of_sign_in(), given).all()
    if not rows:
        return None
    sign_in, person = rows[0][0], rows[0][1]
    seats = _seats(_held(row[2:] for row in rows))
    wanted = (sign_in.organisation_id, sign_in.cover_id)
    chosen = next((s for s in seats if (s.organisation_id, s.cover_id) == wanted), None)
    return _viewer(person, seats, chosen, sign_in.id)


def _viewer(
    person: Person, seats: tuple[Seat, ...], chosen: Seat | None, sign_in_id: UUID | None = None
) -> Viewer:
    return Viewer(
        person_id=person.id,
        name=person.name,
        email=person.email,
        seat=chosen or (seats[0] if seats else None),
        seats=seats,
        sign_in_id=sign_in_id,
        must_change_password=person.must_change_password if sign_in_id else False,
    )


def viewer_of_person(person: Person, organisation_code: str = "") -> Viewer:
    """The viewer a person would be, for commands and tests."""
    query = _with_seats(sa.select(*_HELD).select_from(Person)).where(Person.id == person.id)
    seats = _seats(_held(db.session.execute(query, {"day": today()})))
    chosen = next((s for s in seats if s.organisation_code == organisation_code), None)
    return _viewer(person, seats, chosen)
