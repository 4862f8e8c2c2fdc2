"""Who must know of a step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from uuid import UUID

from registry.access import Role
from registry.people import actions as people
from registry.people import queries as people_queries
from registry.referrals import queries, rules
from registry.referrals.actions.taking import Taking
from registry.referrals.models import Referral
from registry.referrals.rules import Side

People = Iterable[UUID | None]


def tell(taking: Taking) -> None:
    """Tell those the step concerns, never the one who took it."""
    if taking.referral.submitted_at is None:
        return
    told: set[UUID] = set()
    for why, whom in rules.TELLS.get(taking.step.name, ()):
        wanted = {one for one in _AUDIENCE[whom](taking) if one} - told
        wanted.discard(taking.by.person_id)
        told |= wanted
        kind = rules.urgent_of(why, taking.referral.urgency)
        people.tell(sorted(wanted), kind, subject=("referral", taking.referral.id))


def other_side(referral: Referral, side: Side) -> People:
    """Who is told of what one side says: the referring doctor, or who has the case at the centre.
    Where nobody has it yet, all who coordinate there."""
    return referring(referral) if side is Side.CENTRE else holding(referral)


def referring(referral: Referral) -> list[UUID]:
    """Who is told at the hospital, or where it was entered for it: the doctor who sent it; where
    that doctor does not work there any more, the colleagues, else the lead."""
    return _referring(referral, lambda place, role: people_queries.member_ids(place, [role]))


def referring_each(referrals: Sequence[Referral]) -> list[list[UUID]]:
    """The same for several referrals, with one query for all of them."""
    places = [one.entered_at_organisation_id for one in referrals]
    roles = (Role.TRIAGE_COORDINATOR, Role.REFERRER, Role.LEAD)
    there = people_queries.member_ids_by_place(places, roles)
    return [_referring(one, lambda *where: there.get(where, [])) for one in referrals]


def _referring(referral: Referral, members: Callable[[UUID, Role], list[UUID]]) -> list[UUID]:
    sender, place = referral.referrer_id or referral.entered_by, referral.entered_at_organisation_id
    role = Role.TRIAGE_COORDINATOR if referral.entered_for_another else Role.REFERRER
    there = members(place, role)
    if sender in there:
        return [sender]
    return there or members(place, Role.LEAD)


def holding(referral: Referral) -> list[UUID]:
    """Who is told at the centre: whoever has the case and works there, else who watches over it."""
    centre, holder = referral.to_organisation_id, referral.assignee_id
    if holder and holder in people_queries.member_ids(centre, sorted(queries.takers())):
        return [holder]
    return watchers(centre)


#: Who looks after a centre's cases: its coordinators; where it has none its lead; else anybody
#: who treats there. A case is never told to nobody.
WATCHING = (Role.TRIAGE_COORDINATOR, Role.LEAD, Role.CLINICIAN)


def watchers(centre_id: UUID) -> list[UUID]:
    """The people who look after the cases of a centre."""
    for role in WATCHING:
        found = people_queries.member_ids(centre_id, [role])
        if found:
            return found
    return []


def _coordinators(taking: Taking) -> People:
    return watchers(taking.referral.to_organisation_id)


def _referrer(taking: Taking) -> People:
    return referring(taking.referral)


def _assignee(taking: Taking) -> People:
    return [taking.referral.assignee_id]


def _centre(taking: Taking) -> People:
    return [*_coordinators(taking), *_assignee(taking)]


_AUDIENCE: dict[str, Callable[[Taking], People]] = {
    "coordinators": _coordinators,
    "centre": _centre,
    "referrer": _referrer,
    "assignee": _assignee,
    "advisers": lambda taking: [*taking.advisers, *_assignee(taking)],
}
