"""A signed recommendation: where its letters are, and whether it was followed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, current_app, render_template, request

from registry import audit, codes, web
from registry.access import Right, Role
from registry.boards import letters
from registry.boards.actions import delivery as actions
from registry.boards.forms import advice as forms
from registry.boards.models import Recommendation
from registry.boards.queries import advice as queries
from registry.boards.queries import delivery as deliveries
from registry.boards.queries import meetings
from registry.boards.rules import delivery as rules
from registry.boards.views.case import words
from registry.boards.views.room import invalid, room
from registry.dates import PartialDate, today
from registry.errors import Forbidden, Invalid, NotFound
from registry.forms import Option
from registry.language import gettext as _
from registry.patients import queries as patients
from registry.people import queries as people
from registry.referrals import actions as referrals
from registry.referrals import queries as referral_queries
from registry.referrals import rules as referral_rules


def _opened(what: str, found: Recommendation) -> None:
    audit.opened(
        what,
        by=web.viewer(),
        subject=("recommendation", found.id),
        patient_id=found.item.patient_id,
    )


@room.page("/recommendations/<uuid:recommendation_id>", right=Right.FOLLOW_ADVICE)
def recommendation(recommendation_id: UUID) -> Any:
    """What was signed, where its letters are, whether it was followed."""
    return _page(queries.recommendation(web.viewer(), recommendation_id))


def _page(found: Recommendation, *, follow: Any = None, told: Any = None) -> Any:
    viewer = web.viewer()
    _opened("opened recommendation", found)
    inside = meetings.is_inside(viewer, found.item.meeting.organisation_id)
    rows = deliveries.deliveries(found)
    proposed = deliveries.proposals(found)
    if follow is None:
        follow = forms.FollowForm()
        _offer(follow, found, proposed)
    versions = [one for one in queries.versions(found.item) if one.locked_at is not None]
    return render_template(
        "boards/recommendation.html",
        found=found,
        said=found.content,
        item=found.item,
        inside=inside,
        identity=patients.identity(found.item.patient),
        deliveries=rows,
        recipients=rules.RECIPIENTS,
        delivery_states=rules.STATES,
        followed=deliveries.followed(found),
        outcomes=rules.OUTCOMES,
        reasons=rules.REASONS,
        proposals=proposed,
        follow_form=follow,
        told_form=told or forms.ToldForm(stored={"on": PartialDate.of(today())}),
        send_form=forms.SendForm(),
        amend_form=forms.AmendForm(),
        versions=versions,
        holds=not versions or versions[0].id == found.id,
        may_sign_too=_may_sign_too(found, inside=inside),
        may_acknowledge=_may_acknowledge(found),
        **words(),
    )


def _may_sign_too(found: Recommendation, *, inside: bool) -> bool:
    viewer = web.viewer()
    wanted = found.item.meeting.two_signatures and len(found.signatures) < 2
    return (
        inside
        and wanted
        and bool(viewer.roles & {Role.BOARD_CHAIR, Role.CLINICIAN})
        and all(one.person_id != viewer.person_id for one in found.signatures)
    )


def _may_acknowledge(found: Recommendation) -> bool:
    referral = _referral(found)
    if referral is None:
        return False
    steps = referral_queries.steps(web.viewer(), referral)
    return any(step.name == "acknowledge" for step in steps)


def _referral(found: Recommendation) -> Any:
    if found.item.referral_id is None or not web.viewer().may(Right.READ_REFERRAL):
        return None
    try:
        return referral_queries.referral(web.viewer(), found.item.referral_id)
    except NotFound:
        return None


def _offer(form: Any, found: Recommendation, proposed: list[deliveries.Proposal]) -> None:
    options = (found.content or {})["options"]
    form.option._options = [
        Option(str(n), f"{n}. {letters.option(one)}") for n, one in enumerate(options, start=1)
    ]
    form.therapy._options = [Option(str(one.id), f"{one.name}, {one.when}") for one in proposed]


# -- letters -----------------------------------------------------------------------------------


def _letter(found: Recommendation, recipient: str) -> dict[str, Any]:
    if recipient not in rules.RECIPIENTS:
        raise NotFound()
    one = deliveries.delivery(found, recipient)
    said = next(row for row in deliveries.deliveries(found) if row.recipient == recipient)
    globals_ = current_app.jinja_env.globals
    return letters.facts(
        found,
        recipient,
        identity=patients.identity(found.item.patient),
        centre=people.organisation_by_id(found.item.meeting.organisation_id),
        to="\n".join(t.strip() for t in (one.address or said.to).split(",")),
        language=str(globals_["page_language"]()),  # type: ignore[operator]
        direction=str(globals_["page_direction"]()),  # type: ignore[operator]
        signed=web.local_time(found.locked_at, "day"),
    )


@room.page(
    "/recommendations/<uuid:recommendation_id>/letters/<recipient>", right=Right.FOLLOW_ADVICE
)
def letter(recommendation_id: UUID, recipient: str) -> Any:
    """A letter as a page."""
    found = queries.recommendation(web.viewer(), recommendation_id)
    made = _letter(found, recipient)
    _opened("opened letter of board", found)
    return render_template(
        "boards/letter.html", found=found, letter=made, recipient=recipient,
        recipients=rules.RECIPIENTS,
    )  # fmt: skip


@room.page(
    "/recommendations/<uuid:recommendation_id>/letters/<recipient>.pdf", right=Right.FOLLOW_ADVICE
)
def letter_pdf(recommendation_id: UUID, recipient: str) -> Any:
    """The same letter as a PDF."""
    found = queries.recommendation(web.viewer(), recommendation_id)
    data = letters.as_pdf(_letter(found, recipient))
    _opened("opened letter of board", found)
    name = f"board-{found.item.patient.pseudonym}-{found.number}.pdf"
    return Response(
        data,
        mimetype="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


# -- on its way --------------------------------------------------------------------------------


@room.page(
    "/recommendations/<uuid:recommendation_id>/open", right=Right.FOLLOW_ADVICE, methods=("POST",)
)
def open_letter(recommendation_id: UUID) -> Any:
    """Open the letter to the referring doctor: that it was opened is noted."""
    found = queries.recommendation(web.viewer(), recommendation_id)
    one = deliveries.delivery(found, rules.REFERRER)
    actions.open_letter(one, by=web.viewer())
    return web.go("boards.letter", recommendation_id=found.id, recipient=rules.REFERRER)


@room.page(
    "/recommendations/<uuid:recommendation_id>/acknowledge", right=Right.FOLLOW_ADVICE,
    methods=("POST",),
)  # fmt: skip
def acknowledge(recommendation_id: UUID) -> Any:
    """Acknowledge the advice of the referral: the same step as on its own page."""
    found = queries.recommendation(web.viewer(), recommendation_id)
    referral = _referral(found)
    if referral is None:
        raise NotFound()
    sides = referral_queries.sides(web.viewer(), referral)
    step = referral_rules.step_of(referral_rules.ADVISED, "acknowledge")
    if step is None or not referral_rules.may_take(step, sides, web.viewer().roles):
        raise Forbidden()
    referrals.take(referral, "acknowledge", by=web.viewer(), version=referral.version)
    actions.open_letter(deliveries.delivery(found, rules.REFERRER), by=web.viewer())
    web.done(_("The advice is acknowledged."))
    return web.go("boards.recommendation", recommendation_id=found.id)


@room.page(
    "/recommendations/<uuid:recommendation_id>/sent", right=Right.FOLLOW_ADVICE, methods=("POST",)
)
def sent(recommendation_id: UUID) -> Any:
    """A letter has left the house."""
    found = queries.recommendation(web.viewer(), recommendation_id)
    one = deliveries.delivery(found, request.form.get("recipient", ""))
    try:
        actions.send(one, by=web.viewer(), address=request.form.get("address", ""))
    except Invalid as refused:
        web.warn(refused.message)
    return web.go("boards.recommendation", recommendation_id=found.id, _anchor="letters")


@room.page(
    "/recommendations/<uuid:recommendation_id>/told", right=Right.FOLLOW_ADVICE, methods=("POST",)
)
def told(recommendation_id: UUID) -> Any:
    """The patient was told."""
    found = queries.recommendation(web.viewer(), recommendation_id)
    one = deliveries.delivery(found, rules.PATIENT)
    form = forms.ToldForm(request.form)
    if not form.validate():
        return _page(found, told=form), 422
    try:
        actions.tell_patient(one, by=web.viewer(), on=form.on.data, who=form.who.data)
    except Invalid as refused:
        invalid(form, refused, "on")
        return _page(found, told=form), 422
    web.done(_("Noted."))
    return web.go("boards.recommendation", recommendation_id=found.id, _anchor="letters")


@room.page(
    "/recommendations/<uuid:recommendation_id>/followed", right=Right.FOLLOW_ADVICE,
    methods=("POST",),
)  # fmt: skip
def followed(recommendation_id: UUID) -> Any:
    """Say whether it was followed."""
    found = queries.recommendation(web.viewer(), recommendation_id)
    form = forms.FollowForm(request.form)
    _offer(form, found, deliveries.proposals(found))
    form.option.process(request.form)
    form.therapy.process(request.form)
    if not form.validate():
        return _page(found, follow=form), 422
    try:
        actions.follow(
            found,
            by=web.viewer(),
            outcome=form.outcome.data,
            reason=form.reason.data or "",
            text=form.text.data or "",
            option=web.as_number(form.option.data),
            dated=form.dated.data,
            therapy_id=web.as_id(form.therapy.data),
        )
    except Invalid as refused:
        form[refused.field if refused.field in form else "outcome"].errors = [refused.message]
        return _page(found, follow=form), 422
    web.done(_("Noted."))
    return web.go("boards.recommendation", recommendation_id=found.id, _anchor="followed")


@room.page("/recommendations", right=Right.FOLLOW_ADVICE)
def open_letters() -> Any:
    """What is not yet delivered, the longest overdue first; and what nobody has answered."""
    rows = deliveries.open_letters(web.viewer())
    unanswered = deliveries.unanswered(web.viewer())
    shown = [(one.recommendation_id, one.identity.id) for one in rows]
    shown += [(one.recommendation_id, one.identity.id) for one in unanswered]
    about = dict.fromkeys(shown)
    audit.listed("listed recommendation", "recommendation", about, by=web.viewer())
    return render_template(
        "boards/open_letters.html",
        rows=rows,
        unanswered=unanswered,
        day=letters.day,
        recipients=rules.RECIPIENTS,
        label=codes.label,
    )
