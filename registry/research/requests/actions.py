"""Asking the access committee for data, and what is said and decided about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry import audit
from registry.access import Right, Role, Viewer
from registry.dates import today
from registry.db import db, now
from registry.errors import Conflict, Forbidden, Invalid, NotFound
from registry.language import gettext as _
from registry.language import lazy_gettext as _l
from registry.people import actions as people
from registry.people import queries as staff
from registry.research import rules
from registry.research.models import AccessRequest, CohortVersion, Grant, Output, RequestEvent
from registry.research.releases import actions, columns
from registry.research.requests import queries as queries_requests


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
    joins: bool = False  # a project that others have


def known_variables() -> set[str]:
    """Every variable (entity.name) that leaves the house."""
    return {
        f"{file.entity}.{column.variable}" for file in columns.files() for column in file.columns
    }


def _variables(text: str) -> dict[str, str]:
    """The variables and why each is needed; in a draft the reasons may still be missing."""
    lines = rules.variable_lines(text)
    known = known_variables()
    unknown = [name for name, _why in lines if name not in known]
    if unknown:
        names = ", ".join(unknown[:5])
        raise Invalid(
            _("These are not in the catalogue, or never leave: %(names)s", names=names),
            field="variables",
        )
    return dict(lines)


#: What a request cannot be sent without, besides what a draft has.
_WRITTEN = {
    "purpose": _l("Purpose"),
    "team": _l("Team"),
    "funding": _l("Funding"),
    "legal_basis": _l("Legal basis"),
    "analyses": _l("Analyses"),
    "variables": _l("Variables"),
    "outputs": _l("What will be published"),
}


def missing(request: AccessRequest) -> list[str]:
    """What is still to be written before it can be sent, in words."""
    found = [str(label) for name, label in _WRITTEN.items() if not getattr(request, name)]
    bare = [name for name, why in request.variables.items() if not why]
    if bare:
        found.append(_("Why each is needed: %(names)s", names=", ".join(bare[:5])))
    return found


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
    _need_same_project(request, project)
    actions.need_own_project(project, request.researcher_id, joins=wish.joins)
    request.joins = wish.joins
    request.smallest_group, request.age_band = wish.coarse.smallest_group, wish.coarse.age_band
    request.times = wish.coarse.times
    request.project, request.title, request.purpose = project, wish.title, wish.purpose
    request.team, request.legal_basis, request.funding = wish.team, wish.legal_basis, wish.funding
    request.outputs, request.use_codes = wish.outputs, list(wish.use_codes)
    request.analyses, request.variables = list(wish.analyses), _variables(wish.variables)
    request.until_date, request.cohort, request.changed_at = wish.until_date, cohort, now()


def _need_same_project(request: AccessRequest, project: str) -> None:
    """A later version is of the same project: the pseudonyms of its releases are."""
    if request.amends_id is not None and project != request.project:
        raise Invalid(
            _("An amended request keeps its project code: %(code)s.", code=request.project),
            field="project",
        )


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
    """The last vote of each member since the request was last sent. A conflict of interest stays
    one, also in the request that amends this one."""
    found: dict[UUID, str] = {}
    if request.amends_id is not None:
        found = _in_conflict(votes(db.session.get_one(AccessRequest, request.amends_id)))
    for event in request.events:
        if event.step == "send":
            found = _in_conflict(found)
        elif event.step in rules.VOTES:
            found[event.by_id] = event.step
    return found


def _in_conflict(cast: Mapping[UUID, str]) -> dict[UUID, str]:
    return {who: vote for who, vote in cast.items() if vote == "conflict"}


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
    if name == "send" and (still := missing(request)):
        raise Invalid(_("Still to be written: %(what)s.", what="; ".join(still)), field="step")
    if name == "send":
        actions.need_own_project(request.project, request.researcher_id, joins=request.joins)
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
        request.grant_id = _replaced(request, by, until) or _given(request, by, until)
    elif name in ("amend", "ask_renewal"):
        _need_grant(request)
        if name == "amend":
            _amended(request, by)
    elif name in ("renew", "revoke"):
        grant = _need_grant(request)
        if name == "revoke":
            actions.end_grant(grant, by=by, reason=text)
        elif until is not None:
            grant.until_date = until


def _need_grant(request: AccessRequest) -> Grant:
    """The grant of a request that was approved. Raises Conflict where it was ended."""
    grant = db.session.get_one(Grant, request.grant_id)
    if grant.ended_at is not None:
        raise Conflict(_("The grant was ended. A new request is needed."))
    return grant


def _given(request: AccessRequest, by: Viewer, until: date) -> UUID:
    """The grant an approval makes. Raises Conflict where nobody may receive it any more."""
    if request.researcher_id not in {one.id for one in staff.with_role(Role.RESEARCHER)}:
        raise Conflict(_("Whoever asked has no account as a researcher any more."))
    given = actions.give_grant(
        by=by,
        project=request.project,
        title=request.title,
        purpose=request.purpose,
        researcher_id=request.researcher_id,
        from_date=today(),
        until_date=until,
        coarse=rules.Coarse(request.smallest_group, request.age_band, request.times),
        joins=request.joins,
    )
    return given.id


def _replaced(request: AccessRequest, by: Viewer, until: date) -> UUID | None:
    """The grant of the request this one amends, on the new terms; None where it amends none.

    The earlier request is replaced, and its releases stay what they are.
    """
    if request.amends_id is None:
        return None
    earlier = db.session.get_one(AccessRequest, request.amends_id)
    grant = db.session.get_one(Grant, earlier.grant_id)
    if grant.ended_at is not None or earlier.state != rules.APPROVED:
        raise Conflict(_("The grant was ended. A new request is needed."))
    grant.title, grant.purpose, grant.until_date = request.title, request.purpose, until
    grant.smallest_group, grant.age_band = request.smallest_group, request.age_band
    grant.times = request.times
    earlier.state, earlier.changed_at = rules.REPLACED, now()
    earlier.events.append(RequestEvent(by_id=by.person_id, step="replace", text=""))
    audit.record(
        "access request: replace",
        by=by,
        subject=("access_request", earlier.id),
        changes={"state": [rules.APPROVED, rules.REPLACED]},
    )
    return grant.id


_COPIED = (
    "project", "title", "purpose", "team", "legal_basis", "funding", "outputs", "use_codes",
    "analyses", "variables", "cohort_version_id", "until_date", "smallest_group", "age_band",
    "times", "joins",
)  # fmt: skip


def _amended(request: AccessRequest, by: Viewer) -> None:
    """A draft of the next version, with everything as it was approved. Raises Conflict where one
    is not decided yet: both could not hold."""
    waiting = sa.select(AccessRequest.id).where(
        AccessRequest.amends_id == request.id, AccessRequest.state.in_(rules.UNDECIDED)
    )
    if db.session.scalar(waiting) is not None:
        raise Conflict(_("A later version of this request is not decided yet."))
    facts = {name: getattr(request, name) for name in _COPIED}
    made = AccessRequest(
        researcher_id=request.researcher_id, state=rules.DRAFT, amends_id=request.id, **facts
    )
    db.session.add(made)
    db.session.flush()
    audit.record("wrote access request", by=by, subject=("access_request", made.id))


def add_output(
    request: AccessRequest,
    *,
    by: Viewer,
    kind: str,
    title: str,
    reference: str,
    doi: str,
    release_id: UUID | None,
) -> Output:
    """Keep what came of one's own request that was approved.

    Raises Invalid, Conflict, Forbidden.
    """
    if request.researcher_id != by.person_id:
        raise Forbidden()
    if request.grant_id is None:
        raise Conflict(_("Nothing was approved that something could have come of."))
    doi = _doi(doi)
    known = queries_requests.outputs(request)
    if any((doi and one.doi.lower() == doi.lower()) or one.title == title.strip() for one in known):
        raise Invalid(_("This is there already."), field="title")
    if release_id is not None and release_id not in {
        one.id for one in queries_requests.releases_of(request)
    }:
        raise Invalid(_("Choose a release of this request."), field="release")
    made = Output(
        request_id=request.id,
        release_id=release_id,
        kind=kind,
        title=title.strip(),
        reference=reference.strip(),
        doi=doi,
        added_by=by.person_id,
    )
    db.session.add(made)
    db.session.flush()
    audit.record("added output", by=by, subject=("access_request", request.id))
    return made


def _doi(text: str) -> str:
    """A DOI without what is written before it. Raises Invalid where it is none."""
    doi = rules.DOI_BEFORE.sub("", text.strip())
    if doi and not rules.DOI.match(doi):
        raise Invalid(_("A DOI begins with 10. and has a slash, such as 10.1000/182."), field="doi")
    return doi


def drop_output(request: AccessRequest, output_id: UUID | None, *, by: Viewer) -> None:
    """Take back what was entered by mistake. Raises NotFound, Forbidden."""
    if request.researcher_id != by.person_id:
        raise Forbidden()
    found = db.session.get(Output, output_id) if output_id else None
    if found is None or found.request_id != request.id:
        raise NotFound()
    db.session.delete(found)
    db.session.flush()
    audit.record("dropped output", by=by, subject=("access_request", request.id))


def _tell(request: AccessRequest, name: str, by: Viewer) -> None:
    if name in ("revoke", "amend", *rules.VOTES) or (name == "approve" and not request.amends_id):
        return  # the grant's own notice says it; votes are the committee's
    about: Mapping[str, Any] = {"subject": ("access_request", request.id)}
    if by.person_id != request.researcher_id:
        people.tell([request.researcher_id], "request_moved", **about)
    elif name in ("send", "answer", "ask_renewal"):
        members = [one.id for one in staff.with_role(Role.ACCESS_COMMITTEE)]
        people.tell(members, "request_received", **about)
