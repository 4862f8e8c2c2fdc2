"""Asking the access committee for data, and what is said and decided about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from flask_babel import gettext as _

from registry import audit
from registry.access import Right, Role, Viewer
from registry.dates import today
from registry.db import db, now
from registry.errors import Conflict, Forbidden, Invalid
from registry.people import actions as people
from registry.people import queries as staff
from registry.research import rules
from registry.research.models import AccessRequest, CohortVersion, Grant, RequestEvent
from registry.research.releases import actions, columns


@dataclass(frozen=True)
class Wish:
    """What a researcher asks for. `variables` are lines `entity.name: why`."""

    project: str
    title: str
    purpose: str
    team: str
    legal_basis: str
    funding: str
    outputs: str
    use_codes: Sequence[str]
    analyses: Sequence[str]
    variables: str
    until_date: date
    coarse: rules.Coarse = rules.USUAL


def _variables(text: str) -> dict[str, str]:
    lines = rules.variable_lines(text)
    known = {
        f"{file.entity}.{column.variable}" for file in columns.files() for column in file.columns
    }
    unknown = [name for name, _why in lines if name not in known]
    if unknown:
        names = ", ".join(unknown[:5])
        raise Invalid(
            _("These are not in the catalogue, or never leave: %(names)s", names=names),
            field="variables",
        )
    bare = [name for name, why in lines if not why]
    if bare:
        raise Invalid(
            _("Say why each is needed, after a colon: %(names)s", names=", ".join(bare[:5])),
            field="variables",
        )
    if not lines:
        raise Invalid(_("Name the variables you need."), field="variables")
    return dict(lines)


def _fill(request: AccessRequest, wish: Wish, cohort: CohortVersion) -> None:
    project = wish.project.strip().upper()
    if not rules.PROJECT_CODE.match(project):
        raise Invalid(
            _("Use 2 to 20 letters, digits and hyphens, such as NET-SURVIVAL."), field="project"
        )
    if wish.until_date < today():
        raise Invalid(_("The last day lies in the past."), field="until_date")
    if not wish.coarse.is_possible:
        raise Invalid(rules.COARSE_RANGE, field="smallest_group")
    request.smallest_group, request.age_band = wish.coarse.smallest_group, wish.coarse.age_band
    request.times = wish.coarse.times
    request.project, request.title, request.purpose = project, wish.title, wish.purpose
    request.team, request.legal_basis, request.funding = wish.team, wish.legal_basis, wish.funding
    request.outputs, request.use_codes = wish.outputs, list(wish.use_codes)
    request.analyses, request.variables = list(wish.analyses), _variables(wish.variables)
    request.until_date, request.cohort, request.changed_at = wish.until_date, cohort, now()


def draft(wish: Wish, cohort: CohortVersion, *, by: Viewer) -> AccessRequest:
    """Write a request that nobody else sees until it is sent. Raises Invalid."""
    by.need(Right.COUNT)
    if by.person_id is None:
        raise Forbidden()
    made = AccessRequest(researcher_id=by.person_id, state=rules.DRAFT)
    with db.session.no_autoflush:
        _fill(made, wish, cohort)
    db.session.add(made)
    db.session.flush()
    audit.record("wrote access request", by=by, subject=("access_request", made.id))
    return made


def change(request: AccessRequest, wish: Wish, cohort: CohortVersion, *, by: Viewer) -> None:
    """Change one's own draft. Raises Conflict once it is sent, Invalid."""
    if request.researcher_id != by.person_id:
        raise Forbidden()
    if request.state != rules.DRAFT:
        raise Conflict(_("It is with the committee. Take it back to change it."))
    with db.session.no_autoflush:
        _fill(request, wish, cohort)
    db.session.flush()
    audit.record("wrote access request", by=by, subject=("access_request", request.id))


def side_of(request: AccessRequest, by: Viewer) -> str:
    """On which side of a request somebody stands: nobody decides about their own."""
    return rules.RESEARCHER if request.researcher_id == by.person_id else rules.COMMITTEE


def votes(request: AccessRequest) -> dict[UUID, str]:
    """The last vote of each member since the request was last sent."""
    found: dict[UUID, str] = {}
    for event in request.events:
        if event.step == "send":
            found = {who: vote for who, vote in found.items() if vote == "conflict"}
        elif event.step in rules.VOTES:
            found[event.by_id] = event.step
    return found


def take(
    request: AccessRequest, name: str, *, by: Viewer, text: str = "", until: date | None = None
) -> None:
    """Take a step of `rules.REQUEST_STEPS`. Raises Conflict where it is not open, Forbidden to
    the other side or with a conflict of interest, Invalid for what the step lacks."""
    step = rules.REQUEST_STEPS.get(name)
    if step is None:
        raise Invalid(_("Choose what to do."), field="step")
    side = side_of(request, by)
    if side == rules.COMMITTEE:
        by.need(Right.GRANT)
    if step.by != side or by.person_id is None:
        raise Forbidden()
    if request.state not in step.sources:
        raise Conflict(_("This is no longer possible: the request has moved on."))
    text = text.strip()
    if step.needs_text and not text:
        raise Invalid(_("%(what)s: write something.", what=step.needs_text), field="text")
    if step.needs_day and (until is None or until < today()):
        raise Invalid(_("Enter the last day, in the future."), field="until")
    _may_decide(request, name, by)
    _effect(request, name, by, text, until)
    before, request.state = request.state, step.target or request.state
    request.changed_at = now()
    request.events.append(RequestEvent(by_id=by.person_id, step=name, text=text, until_date=until))
    db.session.flush()
    db.session.expire(request, ["events"])
    audit.record(
        f"access request: {name}",
        by=by,
        subject=("access_request", request.id),
        changes={"state": [before, request.state]},
    )
    _tell(request, name, by)


def _may_decide(request: AccessRequest, name: str, by: Viewer) -> None:
    cast = votes(request)
    if by.person_id in cast and cast[by.person_id] == "conflict":
        raise Forbidden(_("You have declared a conflict of interest in this request."))
    if name == "approve" and not rules.carried(cast):
        raise Conflict(_("More members must have voted for it than against it."))


def _effect(request: AccessRequest, name: str, by: Viewer, text: str, until: date | None) -> None:
    """What a step does to the grant."""
    if name == "approve" and until is not None:
        given = actions.give_grant(
            by=by,
            project=request.project,
            title=request.title,
            purpose=request.purpose,
            researcher_id=request.researcher_id,
            from_date=today(),
            until_date=until,
            coarse=rules.Coarse(request.smallest_group, request.age_band, request.times),
        )
        request.grant_id = given.id
    elif name in ("renew", "revoke"):
        grant = db.session.get_one(Grant, request.grant_id)
        if grant.ended_at is not None:
            raise Conflict(_("The grant was ended. A new request is needed."))
        if name == "revoke":
            actions.end_grant(grant, by=by, reason=text)
        elif until is not None:
            grant.until_date = until


def _tell(request: AccessRequest, name: str, by: Viewer) -> None:
    if name in ("approve", "revoke", *rules.VOTES):
        return  # the grant's own notice says it; votes are the committee's
    about: Mapping[str, Any] = {"subject": ("access_request", request.id)}
    if by.person_id != request.researcher_id:
        people.tell([request.researcher_id], "request_moved", **about)
    elif name in ("send", "answer"):
        members = [one.id for one in staff.with_role(Role.ACCESS_COMMITTEE)]
        people.tell(members, "request_received", **about)
