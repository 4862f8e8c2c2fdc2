"""The way in and out, and which seat one works in."""

from __future__ import annotations

from typing import Any

from flask import current_app, jsonify, redirect, render_template, request, session, url_for
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from flask_wtf.csrf import generate_csrf

from registry import web
from registry.access import Right, Viewer
from registry.language import gettext as _
from registry.people import actions, queries
from registry.people.forms import SignInForm
from registry.people.models import Person
from registry.people.views.room import refused_passwords, room

manager = LoginManager()


def _settings() -> Any:
    return current_app.extensions["netreg_settings"]


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
    who = current_user._get_current_object()
    return who.viewer if who.is_authenticated else None


def _safe_target(target: str | None) -> str:
    """Only a path of our own: never another host, and nothing that browsers read as one."""
    if not target or not target.isprintable() or not target.startswith("/"):
        return url_for("home")
    return url_for("home") if target.startswith(("//", "/\\")) else target


def begin(person: Person) -> None:
    """Sign a person in, in a new session."""
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
        refused=refused_passwords(),
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
            begin(person)
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
            begin(person)
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
    begin(person)
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
    """Work for another of one's organisations, or in the seat of somebody one covers for."""
    chosen = request.form.get("organisation_id", "")
    actions.choose_seat(chosen, by=web.viewer())
    session["organisation"] = chosen
    return web.go("home")
