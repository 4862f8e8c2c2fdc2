"""People: searching, inviting, roles, covers, closing, sessions and passwords."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from flask import render_template, request, url_for

from registry import mail, web
from registry.access import ROLE_LABELS, Right, Role
from registry.dates import PartialDate, today
from registry.errors import Conflict, Invalid
from registry.forms import Option
from registry.language import gettext as _
from registry.people import actions, queries
from registry.people.forms import CoverForm, InviteForm, PersonForm, RoleForm, UntilForm
from registry.people.forms.administration import day_of, offer, with_organisations, with_people
from registry.people.models import Confirmation, Invitation, Person
from registry.people.rules.joining import INVITATION_STATES
from registry.people.views.room import page_number, put, room, sent

FILTERS = ("q", "state", "role", "organisation")


@room.page("/administration/people", right=Right.ADMINISTER)
def staff() -> Any:
    """Accounts, found by name, role, place and state."""
    viewer, asked = web.viewer(), request.args
    role = asked.get("role", "")
    chosen: dict[str, Any] = {
        "q": asked.get("q", "").strip()[:100],
        "state": asked.get("state") if asked.get("state") in {"open", "closed"} else "",
        "role": role if role in {one.value for one in Role} else "",
        "organisation": web.as_id(asked.get("organisation")) or "",
    }
    found = queries.list_people(
        viewer,
        text=chosen["q"],
        state=chosen["state"] or "",
        role=chosen["role"],
        organisation_id=chosen["organisation"] or None,
        page=page_number(),
    )
    kept = {name: value for name, value in chosen.items() if value}
    return render_template(
        "people/staff.html",
        found=found,
        chosen=chosen,
        filtered=bool(kept),
        today=today(),
        organisations=queries.organisations(viewer),
        invitations=queries.invitations(viewer) if not kept and found.page == 1 else [],
        invitation_states=INVITATION_STATES,
        state_of=queries.state_of,
        role_labels=ROLE_LABELS,
        page_url=url_for("people.staff", **kept, page="_n_").replace("_n_", "{page}"),
    )


# -- inviting ----------------------------------------------------------------------------------


@room.page("/administration/people/invite", right=Right.ADMINISTER, methods=("GET", "POST"))
def invite() -> Any:
    """Invite somebody by mail."""
    viewer = web.viewer()
    stored = {
        "organisation": request.args.get("organisation", ""),
        "role": request.args.get("role", ""),
    }
    form: Any = with_organisations(InviteForm(sent(), stored=stored), queries.organisations(viewer))
    if request.method == "POST" and form.validate():
        try:
            made = actions.invite(
                by=viewer,
                email=form.email.data,
                name=form.name.data,
                telephone=form.telephone.data or "",
                organisation=queries.organisation_by_id(UUID(form.organisation.data)),
                role=Role(form.role.data),
                since=day_of(form.from_date),
                until=day_of(form.until_date),
            )
        except Invalid as refused:
            put(form, refused)
        else:
            return invited(made)
    status = 422 if form.errors else 200
    page = render_template("people/invite.html", form=form, mail_configured=mail.configured())
    return page, status


def invited(made: Invitation) -> Any:
    """The invitation is on its way; without mail its link is shown, this once."""
    if mail.configured():
        web.done(_("The invitation is on its way to %(email)s.", email=made.email))
        if web.viewer().may(Right.ADMINISTER):
            return web.go("people.staff", _anchor="invitations")
        return web.go("people.requests")
    link = mail.link("people.accept", link=actions.link_of_invitation(made))
    return render_template(
        "people/hand_over.html",
        title=_("Hand over the invitation"),
        link=link,
        to=made.name,
        email=made.email,
        until=made.expires_at,
        back=url_for("people.staff" if web.viewer().may(Right.ADMINISTER) else "people.requests"),
    )


@room.page(
    "/administration/invitations/<uuid:invitation_id>/again",
    right=Right.ADMINISTER,
    methods=("POST",),
)
def invite_again(invitation_id: UUID) -> Any:
    """Send an invitation again; the earlier link works no more."""
    viewer = web.viewer()
    found = queries.invitation(viewer, invitation_id)
    actions.invite_again(found, by=viewer)
    return invited(found)


@room.page(
    "/administration/invitations/<uuid:invitation_id>/withdraw",
    right=Right.ADMINISTER,
    methods=("POST",),
)
def withdraw_invitation(invitation_id: UUID) -> Any:
    """Make an invitation's link worthless."""
    viewer = web.viewer()
    actions.withdraw_invitation(queries.invitation(viewer, invitation_id), by=viewer)
    web.done(_("The invitation was withdrawn. Its link works no more."))
    return web.go("people.staff")


# -- one account -------------------------------------------------------------------------------


def _partial(day: date | None) -> PartialDate | None:
    return PartialDate.of(day) if day else None


def _prefix(membership: Any) -> str:
    return f"m{membership.id.hex}-"


def _page(person: Person, *, refused_of: UUID | None = None, **forms: Any) -> str:
    viewer = web.viewer()
    places = {m.organisation_id: m.organisation for m in person.memberships if _holds(m)}
    cover = forms.get("cover") or CoverForm()
    colleagues = queries.colleagues_to_cover(viewer, person)
    shown: dict[str, Any] = {
        "about": PersonForm(stored=_stored(person)),
        "role": RoleForm(),
        **forms,
        "cover": _with_places(with_people(cover, colleagues), places.values()),
    }
    with_organisations(shown["role"], queries.organisations(viewer))
    return render_template(
        "people/person.html",
        person=person,
        form=next((one for one in forms.values() if getattr(one, "errors", None)), None),
        forms=shown,
        until_of=refused_of,
        until_form=lambda m: (
            forms["until"]
            if m.id == refused_of
            else UntilForm(stored={"until_date": _partial(m.until_date)}, prefix=_prefix(m))
        ),
        covers=queries.covers_about(viewer, person.id),
        colleagues=colleagues,
        places=places,
        role_labels=ROLE_LABELS,
        today=today(),
        holds=_holds,
        mail_configured=mail.configured(),
    )


def _stored(person: Person) -> dict[str, Any]:
    return {"name": person.name, "email": person.email, "telephone": person.telephone}


def _holds(membership: Any) -> bool:
    """Does a role hold today or later?"""
    return membership.until_date is None or membership.until_date >= today()


def _with_places(form: Any, places: Any) -> Any:
    options = [Option(str(one.id), one.name) for one in places]
    offer(form.organisation, options)
    if len(options) == 1 and not form.organisation.typed:
        form.organisation.data = options[0].value
    return form


@room.page("/administration/people/<uuid:person_id>", right=Right.ADMINISTER)
def person(person_id: UUID) -> Any:
    """One account."""
    return _page(queries.account(web.viewer(), person_id))


@room.page(
    "/administration/people/<uuid:person_id>/edit", right=Right.ADMINISTER, methods=("POST",)
)
def change_person(person_id: UUID) -> Any:
    """Change how an account is called and reached."""
    viewer = web.viewer()
    found = queries.account(viewer, person_id)
    form: Any = PersonForm(request.form)
    if form.validate():
        try:
            actions.change_person(
                found,
                by=viewer,
                version=web.as_number(request.form.get("version")) or 0,
                name=form.name.data,
                email=form.email.data,
                telephone=form.telephone.data or "",
            )
        except Invalid as refused:
            put(form, refused)
        except Conflict as refused:
            form.name.errors.append(refused.message)
        else:
            web.done(_("The account was changed."))
            return web.go("people.person", person_id=found.id)
    return _page(found, about=form), 422


@room.page(
    "/administration/people/<uuid:person_id>/roles", right=Right.ADMINISTER, methods=("POST",)
)
def add_role(person_id: UUID) -> Any:
    """Give an account a role; one for oneself waits for a second administrator."""
    viewer = web.viewer()
    found = queries.account(viewer, person_id)
    form: Any = with_organisations(RoleForm(request.form), queries.organisations(viewer))
    if not form.validate():
        return _page(found, role=form), 422
    try:
        given = actions.give_role(
            found,
            queries.organisation_by_id(UUID(form.organisation.data)),
            Role(form.role.data),
            by=viewer,
            since=day_of(form.from_date),
            until=day_of(form.until_date),
        )
    except Invalid as refused:
        put(form, refused)
        return _page(found, role=form), 422
    return _given(given, found)


def _given(given: Any, found: Person) -> Any:
    if isinstance(given, Confirmation):
        web.warn(_("This waits for a second administrator: nobody gives a right to themself."))
        return web.go("people.requests", _anchor="confirmations")
    web.done(_("Saved."))
    return web.go("people.person", person_id=found.id)


def _membership(found: Person) -> Any:
    chosen = web.as_id(request.form.get("membership"))
    membership = next((one for one in found.memberships if one.id == chosen), None)
    if membership is None:
        raise Invalid(_("Choose the role."))
    return membership


@room.page(
    "/administration/people/<uuid:person_id>/roles/until",
    right=Right.ADMINISTER,
    methods=("POST",),
)
def change_until(person_id: UUID) -> Any:
    """Say until when a role holds."""
    viewer = web.viewer()
    found = queries.account(viewer, person_id)
    membership = _membership(found)
    form: Any = UntilForm(request.form, prefix=_prefix(membership))
    if form.validate():
        try:
            actions.change_until(membership, day_of(form.until_date), by=viewer)
        except Invalid as refused:
            form.until_date.errors.append(refused.message)
        else:
            web.done(_("Saved."))
            return web.go("people.person", person_id=found.id)
    return _page(found, until=form, refused_of=membership.id), 422


@room.page(
    "/administration/people/<uuid:person_id>/roles/end", right=Right.ADMINISTER, methods=("POST",)
)
def end_role(person_id: UUID) -> Any:
    """End a role."""
    viewer = web.viewer()
    found = queries.account(viewer, person_id)
    actions.leave(_membership(found), by=viewer)
    web.done(_("The role was ended. To undo this, give it again."))
    return web.go("people.person", person_id=found.id)


@room.page(
    "/administration/people/<uuid:person_id>/cover", right=Right.ADMINISTER, methods=("POST",)
)
def arrange_cover(person_id: UUID) -> Any:
    """Let somebody sit in for a person."""
    viewer = web.viewer()
    found = queries.account(viewer, person_id)
    form: Any = with_people(CoverForm(request.form), queries.colleagues_to_cover(viewer, found))
    places = {m.organisation_id: m.organisation for m in found.memberships if _holds(m)}
    _with_places(form, places.values())
    since, until = day_of(form.from_date), day_of(form.until_date)
    if form.validate() and since and until:
        try:
            made = actions.arrange_cover(
                found,
                queries.account(viewer, UUID(form.cover.data)),
                places[UUID(form.organisation.data)],
                by=viewer,
                since=since,
                until=until,
            )
        except Invalid as refused:
            put(form, refused)
        else:
            return _given(made, found)
    return _page(found, cover=form), 422


@room.page(
    "/administration/people/<uuid:person_id>/cover/end", right=Right.ADMINISTER, methods=("POST",)
)
def end_cover(person_id: UUID) -> Any:
    """End a cover now."""
    viewer = web.viewer()
    found = queries.account(viewer, person_id)
    chosen = web.as_id(request.form.get("cover"))
    cover = next((c for c in queries.covers_about(viewer, found.id) if c.id == chosen), None)
    if cover is None:
        raise Invalid(_("Choose the cover to end."))
    actions.end_cover(cover, by=viewer)
    web.done(_("The cover was ended."))
    return web.go("people.person", person_id=found.id)


@room.page(
    "/administration/people/<uuid:person_id>/active", right=Right.ADMINISTER, methods=("POST",)
)
def set_active(person_id: UUID) -> Any:
    """Close or reopen an account."""
    viewer = web.viewer()
    found = queries.account(viewer, person_id)
    wanted = request.form.get("active")
    if wanted not in {"yes", "no"}:
        raise Invalid(_("Say whether the account is to be open."))
    actions.set_active(found, wanted == "yes", by=viewer)
    web.done(
        _("The account is open again, with the roles that have no end.")
        if wanted == "yes"
        else _("The account was closed and signed out everywhere. Its history stays.")
    )
    return web.go("people.person", person_id=found.id)


@room.page(
    "/administration/people/<uuid:person_id>/sign-out", right=Right.ADMINISTER, methods=("POST",)
)
def sign_out_person(person_id: UUID) -> Any:
    """End every session of a person."""
    viewer = web.viewer()
    found = queries.account(viewer, person_id)
    actions.sign_out_everywhere(found, by=viewer)
    web.done(_("%(name)s was signed out everywhere.", name=found.name))
    return web.go("people.person", person_id=found.id)


@room.page(
    "/administration/people/<uuid:person_id>/password", right=Right.ADMINISTER, methods=("POST",)
)
def reset_password(person_id: UUID) -> Any:
    """Have a person choose a new password through a one-time link."""
    viewer = web.viewer()
    found = queries.account(viewer, person_id)
    made = actions.make_password_link(found, by=viewer)
    if mail.configured():
        web.done(_("A link to a new password is on its way to %(email)s.", email=found.email))
        return web.go("people.person", person_id=found.id)
    return render_template(
        "people/hand_over.html",
        title=_("Hand over the link to a new password"),
        link=mail.link("people.new_password", link=actions.link_of_password(made)),
        to=found.name,
        email=found.email,
        until=made.expires_at,
        back=url_for("people.person", person_id=found.id),
    )
