"""Signing in, one's account, notices, and the administrator's accounts."""

from __future__ import annotations

import secrets
from typing import Any
from uuid import UUID

from flask import current_app, jsonify, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from flask_wtf.csrf import generate_csrf

from registry import web
from registry.access import ROLE_LABELS, Right, Role, Viewer
from registry.errors import Invalid
from registry.people import actions, queries, rules
from registry.people.forms import (
    MembershipForm,
    PasswordForm,
    PersonForm,
    SignInForm,
    with_organisations,
)
from registry.people.models import Person

room = web.Room("people", __name__)
manager = LoginManager()


def _settings() -> Any:
    return current_app.extensions["netreg_settings"]


def _refused_passwords() -> frozenset[str]:
    found: frozenset[str] = current_app.extensions["netreg_refused_passwords"]
    return found


class SignedIn(UserMixin):
    """What Flask-Login keeps: the session's own id, never the person's."""

    def __init__(self, viewer: Viewer) -> None:
        self.viewer = viewer

    def get_id(self) -> str:
        """The id of the signed-in session."""
        return str(self.viewer.sign_in_id)


@manager.user_loader
def _load(sign_in_id: str) -> SignedIn | None:
    known = web.as_id(sign_in_id)
    if known is None or not web.stay_signed_in(_settings()):
        return None
    found = queries.viewer_of_sign_in(known)
    return SignedIn(found) if found else None


def find_viewer() -> Viewer | None:
    """Who the session cookie belongs to, if it is still good."""
    return current_user.viewer if current_user.is_authenticated else None


def _safe_target(target: str | None) -> str:
    """Only a path of our own: never another host, and nothing that browsers read as one."""
    if not target or not target.isprintable() or not target.startswith("/"):
        return url_for("home")
    return url_for("home") if target.startswith(("//", "/\\")) else target


def _begin(person: Person) -> None:
    previous = web.as_id(session.get("organisation"))
    actions.end_sign_in(web.as_id(session.get("_user_id")))
    session.clear()
    begun = actions.sign_in(person, hours=_settings().absolute_hours, organisation_id=previous)
    web.mark_seen()
    viewer = queries.viewer_of_sign_in(begun.id)
    if viewer is not None:
        login_user(SignedIn(viewer))


def _try(form: Any) -> Person | None:
    if not form.validate():
        return None
    person = actions.check_password(
        form.email.data,
        form.password.data,
        address=request.remote_addr or "",
        refused=_refused_passwords(),
    )
    if person is None:
        form.password.errors.append(
            _(
                "The e-mail address or password is not right, or there were too many tries: "
                "wait 15 minutes."
            )
        )
    return person


@room.page("/sign-in", right=Right.ANYONE, methods=("GET", "POST"))
def sign_in() -> Any:
    """The way in."""
    form = SignInForm(request.form if request.method == "POST" else None)
    target = _safe_target(request.values.get("next"))
    if request.method == "POST":
        person = _try(form)
        if person is not None:
            _begin(person)
            return redirect(target, 303)
    status = 422 if form.errors else 200
    accounts = current_app.extensions["netreg_demo_accounts"]() if _settings().demo else []
    page = render_template("people/sign_in.html", form=form, target=target, accounts=accounts)
    return page, status


@room.page("/sign-in/again", right=Right.ANYONE, methods=("GET", "POST"))
def sign_in_again() -> Any:
    """Sign in in place: the dialog that a form opens when its session has expired."""
    form = SignInForm(request.form if request.method == "POST" else None)
    if request.method == "POST":
        person = _try(form)
        if person is not None:
            _begin(person)
            return jsonify(csrf_token=generate_csrf())
        return render_template("people/_sign_in_fields.html", form=form), 422
    return render_template("people/_sign_in_fields.html", form=form)


@room.page("/sign-in/resume", right=Right.ANYONE, methods=("POST",))
def resume() -> Any:
    """Sign in without script and get the form back, with everything that was typed."""
    form = SignInForm(request.form)
    typed = [
        (name[6:], text)
        for name, text in request.form.items(multi=True)
        if name[:6] == "typed-" and name != "typed-csrf_token"
    ]
    target = _safe_target(request.form.get("target"))
    person = _try(form)
    if person is None:
        page = render_template(
            "people/resume.html", typed=typed, target=target, form=form, sign_in_form=form
        )
        return page, 422
    _begin(person)
    return render_template("people/send_again.html", typed=typed, target=target)


@room.page("/sign-out", right=Right.SIGNED_IN, methods=("POST",))
def sign_out() -> Any:
    """The way out; the session ends on the server too."""
    actions.sign_out(by=web.viewer())
    logout_user()
    session.clear()
    return web.go("people.sign_in")


@room.page("/organisation", right=Right.SIGNED_IN, methods=("POST",))
def choose_organisation() -> Any:
    """Work for another of one's organisations."""
    chosen = web.as_id(request.form.get("organisation_id"))
    actions.choose_organisation(chosen, by=web.viewer())
    session["organisation"] = str(chosen)
    return web.go("home")


@room.page("/account", right=Right.SIGNED_IN)
def account() -> Any:
    """One's name, roles and password."""
    return render_template(
        "people/account.html",
        person=queries.oneself(web.viewer()),
        seats=web.viewer().seats,
        role_labels=ROLE_LABELS,
        form=PasswordForm(),
    )


@room.page("/account/password", right=Right.SIGNED_IN, methods=("POST",))
def change_password() -> Any:
    """Change one's own password."""
    form: Any = PasswordForm(request.form)
    if form.password.data in _refused_passwords():
        form.password.errors.append(_("This password is public. Choose another."))
    elif form.validate():
        try:
            actions.change_password(form.current.data, form.password.data, by=web.viewer())
        except Invalid as refused:
            form[refused.field].errors.append(refused.message)
        else:
            web.done(_("Your password was changed. Your other sessions were signed out."))
            return web.go("people.account")
    page = render_template(
        "people/account.html",
        person=queries.oneself(web.viewer()),
        seats=web.viewer().seats,
        role_labels=ROLE_LABELS,
        form=form,
    )
    return page, 422


@room.page("/notices", right=Right.SIGNED_IN)
def notices() -> Any:
    """What one was told."""
    rows = queries.notices(web.viewer())
    return render_template(
        "people/notices.html",
        notices=rows,
        texts=rules.NOTICES,
        link=current_app.extensions["netreg_notice_link"],
        about=current_app.extensions["netreg_notice_about"](
            web.viewer(), [row.subject_id for row in rows if row.subject_kind == "referral"]
        ),
    )


@room.page("/notices/seen", right=Right.SIGNED_IN, methods=("POST",))
def see_notices() -> Any:
    """Mark all as seen."""
    actions.see_notices(by=web.viewer())
    return web.go("people.notices")


# -- the administrator -------------------------------------------------------------------------


def _administration(form: PersonForm) -> str:
    viewer = web.viewer()
    organisations = queries.organisations(viewer)
    return render_template(
        "people/administration.html",
        staff=queries.staff(viewer),
        organisations=organisations,
        form=with_organisations(form, organisations),
        role_labels=ROLE_LABELS,
    )


@room.page("/administration", right=Right.ADMINISTER)
def administration() -> Any:
    """Accounts and organisations."""
    return _administration(PersonForm())


@room.page("/administration/people", right=Right.ADMINISTER, methods=("POST",))
def add_person() -> Any:
    """Open an account with a one-time password, which is shown once."""
    viewer = web.viewer()
    form = with_organisations(PersonForm(request.form), queries.organisations(viewer))
    if form.validate():
        password = secrets.token_urlsafe(12)
        try:
            person = actions.add_person(
                by=viewer,
                email=form.email.data,
                name=form.name.data,
                telephone=form.telephone.data or "",
                password=password,
            )
        except Invalid as refused:
            form.email.errors.append(refused.message)
        else:
            place = queries.organisation_by_id(UUID(form.organisation.data))
            actions.join(person, place, Role(form.role.data), by=viewer)
            return _person_page(person, password)
    return _administration(form), 422


def _person_page(person: Person, password: str = "") -> str:
    organisations = queries.organisations(web.viewer())
    return render_template(
        "people/person.html",
        person=person,
        password=password,
        form=with_organisations(MembershipForm(), organisations),
        role_labels=ROLE_LABELS,
    )


@room.page("/administration/people/<uuid:person_id>", right=Right.ADMINISTER)
def person(person_id: UUID) -> Any:
    """One account."""
    return _person_page(queries.account(web.viewer(), person_id))


@room.page(
    "/administration/people/<uuid:person_id>/roles", right=Right.ADMINISTER, methods=("POST",)
)
def add_role(person_id: UUID) -> Any:
    """Give an account a role."""
    viewer = web.viewer()
    found = queries.account(viewer, person_id)
    form = with_organisations(MembershipForm(request.form), queries.organisations(viewer))
    if not form.validate():
        return _person_page(found), 422
    place = queries.organisation_by_id(UUID(form.organisation.data))
    actions.join(found, place, Role(form.role.data), by=viewer)
    web.done(_("The role was given."))
    return web.go("people.person", person_id=found.id)


@room.page(
    "/administration/people/<uuid:person_id>/roles/end", right=Right.ADMINISTER, methods=("POST",)
)
def end_role(person_id: UUID) -> Any:
    """End a role."""
    viewer = web.viewer()
    found = queries.account(viewer, person_id)
    chosen = web.as_id(request.form.get("membership"))
    membership = next((one for one in found.memberships if one.id == chosen), None)
    if membership is None:
        raise Invalid(_("Choose the role to end."))
    actions.leave(membership, by=viewer)
    web.done(_("The role was ended."))
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
    web.done(_("The account was changed."))
    return web.go("people.person", person_id=found.id)


@room.page(
    "/administration/people/<uuid:person_id>/password", right=Right.ADMINISTER, methods=("POST",)
)
def reset_password(person_id: UUID) -> Any:
    """Give an account a one-time password, shown once."""
    viewer = web.viewer()
    found = queries.account(viewer, person_id)
    return _person_page(found, actions.new_password(found, by=viewer))
