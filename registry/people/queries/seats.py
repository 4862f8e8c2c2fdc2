"""Who somebody is when they ask: their seats, and those they sit in for others."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cache
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from registry.access import Role, Seat, Viewer
from registry.dates import today
from registry.db import Moment, db, now
from registry.driver import answer
from registry.people.models import Cover, Membership, Organisation, Person, SignIn

_ROLES = {role.value for role in Role}
_Absent = aliased(Person)

#: A day, or where one is put in later.
Day = date | sa.BindParameter[Any]


class Held(NamedTuple):
    """A role somewhere, and the cover through which it is held: its id, whose id and name."""

    role: str | None
    organisation_id: UUID
    name: str
    code: str
    kind: str
    time_zone: str
    active: bool
    cover_id: UUID | None
    for_id: UUID | None
    for_name: str | None


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
    key = str(held.cover_id or held.organisation_id)
    return held.cover_id is not None, held.name, held.for_name or "", key


def _seats(rows: Iterable[Held]) -> tuple[Seat, ...]:
    """One's own seats first, then those of others."""
    seats = []
    for _key, group in groupby(sorted(rows, key=_order), key=_order):
        held = list(group)
        one = held[0]
        seats.append(
            Seat(
                one.organisation_id, one.name, one.code, one.kind, one.time_zone,
                frozenset(known(each.role for each in held if each.role)),
                cover_id=one.cover_id, for_id=one.for_id, for_name=one.for_name or "",
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


_HELD = (
    Membership.role, Organisation.id, Organisation.name, Organisation.code, Organisation.kind,
    Organisation.time_zone, Organisation.active, Cover.id, _Absent.id, _Absent.name,
)  # fmt: skip


def _held(rows: Iterable[Any]) -> list[Held]:
    """The rows with a place (an outer join: a person without any has one row without)."""
    found = (Held(*row) for row in rows)
    return [one for one in found if one.role is not None and one.active]


_WHO = (
    SignIn.organisation_id, SignIn.cover_id,
    Person.id, Person.name, Person.email, Person.must_change_password,
)  # fmt: skip


@cache
def _of_sign_in() -> sa.Select[Any]:
    """Asked at every request, so it is put together once."""
    query: sa.Select[Any] = _with_seats(
        sa.select(*_WHO, *_HELD).select_from(SignIn).join(Person, Person.id == SignIn.person_id)
    )
    return query.where(
        SignIn.id == sa.bindparam("sign_in_id", type_=sa.Uuid()),
        SignIn.ended_at.is_(None),
        SignIn.expires_at > sa.bindparam("now", type_=Moment()),
        Person.active,
    )


def viewer_of_sign_in(sign_in_id: UUID) -> Viewer | None:
    """Who a session belongs to; None when it ended, expired, or the account was closed.

    One query whatever the number of memberships and covers.
    """
    given = {"sign_in_id": sign_in_id, "day": today(), "now": now()}
    rows = answer(_of_sign_in(), given)
    if not rows:
        return None
    organisation_id, cover_id, person_id, name, email, must_change = rows[0][: len(_WHO)]
    seats = _seats(_held(row[len(_WHO) :] for row in rows))
    wanted = (organisation_id, cover_id)
    chosen = next((s for s in seats if (s.organisation_id, s.cover_id) == wanted), None)
    return Viewer(
        person_id=person_id,
        name=name,
        email=email,
        seat=chosen or (seats[0] if seats else None),
        seats=seats,
        sign_in_id=sign_in_id,
        must_change_password=must_change,
    )


def viewer_of_person(person: Person, organisation_code: str = "") -> Viewer:
    """The viewer a person would be, for commands and tests."""
    query = _with_seats(sa.select(*_HELD).select_from(Person)).where(Person.id == person.id)
    seats = _seats(_held(db.session.execute(query, {"day": today()})))
    chosen = next((s for s in seats if s.organisation_code == organisation_code), None)
    seat = chosen or (seats[0] if seats else None)
    return Viewer(person_id=person.id, name=person.name, email=person.email, seat=seat, seats=seats)
