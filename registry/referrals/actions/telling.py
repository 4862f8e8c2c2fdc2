"""Who must know of a step."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from uuid import UUID

from registry.access import Role
from registry.people import actions as people
from registry.people import queries as people_queries
from registry.referrals import rules
from registry.referrals.actions.taking import Taking


def tell(taking: Taking) -> None:
    """Tell those the step concerns, never the one who took it."""
    if taking.step.name not in rules.TELLS or taking.referral.submitted_at is None:
        return
    why, whom = rules.TELLS[taking.step.name]
    wanted = [one for one in _AUDIENCE[whom](taking) if one != taking.by.person_id]
    people.tell(wanted, why, subject=("referral", taking.referral.id))


def _coordinators(taking: Taking) -> Iterable[UUID | None]:
    members = people_queries.members(taking.referral.to_organisation_id, [Role.TRIAGE_COORDINATOR])
    return [one.id for one in members]


def _referrer(taking: Taking) -> Iterable[UUID | None]:
    return [taking.referral.referrer_id or taking.referral.entered_by]


def _assignee(taking: Taking) -> Iterable[UUID | None]:
    return [taking.referral.assignee_id]


_AUDIENCE: dict[str, Callable[[Taking], Iterable[UUID | None]]] = {
    "coordinators": _coordinators,
    "centre": lambda taking: [*_coordinators(taking), *_assignee(taking)],
    "referrer": _referrer,
    "assignee": _assignee,
    "advisers": lambda taking: [*taking.advisers, *_assignee(taking)],
}
