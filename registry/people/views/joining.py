"""For those who are not signed in: asking for an account, accepting an invitation, a forgotten
password. None of these pages says whether there is an account."""

from __future__ import annotations

from typing import Any

from flask import render_template, request

from registry import mail, web
from registry.access import Right, Role
from registry.errors import Invalid
from registry.forms import Option
from registry.language import gettext as _
from registry.people import actions, queries
from registry.people.forms import AcceptForm, ForgotForm, NewPasswordForm, RequestForm
from registry.people.forms.administration import offer
from registry.people.views.room import put, refused_passwords, room, sent
from registry.people.views.signing_in import begin


def _public(form: Any) -> bool:
    """Is the new password one that everybody knows? Then say so."""
    if form.password.data in refused_passwords():
        form.password.errors.append(_("This password is public. Choose another."))
        return True
    return False


# -- asking for an account ---------------------------------------------------------------------


@room.page("/request-account", right=Right.ANYONE, methods=("GET", "POST"))
def request_account() -> Any:
    """Ask for an account."""
    form: Any = RequestForm(sent())
    offer(
        form.organisation,
        [Option(str(one.id), one.name) for one in queries.hospitals(web.viewer())],
    )
    if request.method == "POST" and form.validate():
        chosen = web.as_id(form.organisation.data)
        try:
            actions.ask_for_account(
                address=request.remote_addr or "",
                email=form.email.data,
                name=form.name.data,
                telephone=form.telephone.data or "",
                organisation=queries.organisation_by_id(chosen) if chosen else None,
                organisation_stated="" if chosen else form.organisation_stated.data,
                role=Role(form.role.data),
                note=form.note.data or "",
            )
        except Invalid as refused:
            put(form, refused)
        else:
            return render_template("people/asked.html", mail_configured=mail.configured())
    status = 422 if form.errors else 200
    return render_template("people/request_account.html", form=form), status


# -- an invitation -----------------------------------------------------------------------------


@room.page("/join", right=Right.ANYONE, methods=("GET", "POST"))
def accept() -> Any:
    """Open the account one is invited to. The link's secret stands in the query, which no log
    keeps."""
    link = request.values.get("link", "")
    found = queries.invitation_of_link(link)
    if found is None:
        return render_template("people/link_gone.html", invitation=True), 422
    form: Any = AcceptForm(sent(), stored={"name": found.name})
    if request.method == "POST" and form.validate() and not _public(form):
        try:
            person = actions.accept(found, name=form.name.data, password=form.password.data)
        except Invalid as refused:
            put(form, refused)
        else:
            begin(person)
            web.done(_("Welcome. Your account is open, and you are signed in."))
            return web.go("home")
    status = 422 if form.errors else 200
    page = render_template("people/join.html", form=form, invitation=found, link=link)
    return page, status


# -- a forgotten password ----------------------------------------------------------------------


@room.page("/forgot-password", right=Right.ANYONE, methods=("GET", "POST"))
def forgot_password() -> Any:
    """Ask for a link to a new password."""
    form: Any = ForgotForm(sent())
    if request.method == "POST" and mail.configured() and form.validate():
        try:
            actions.forgot_password(form.email.data, address=request.remote_addr or "")
        except Invalid as refused:
            put(form, refused)
        else:
            return render_template("people/forgot_sent.html")
    status = 422 if request.method == "POST" else 200
    page = render_template(
        "people/forgot_password.html", form=form, mail_configured=mail.configured()
    )
    return page, status


@room.page("/new-password", right=Right.ANYONE, methods=("GET", "POST"))
def new_password() -> Any:
    """Choose a new password through a one-time link."""
    link = request.values.get("link", "")
    found = queries.password_link(link)
    if found is None:
        return render_template("people/link_gone.html", invitation=False), 422
    form: Any = NewPasswordForm(sent())
    if request.method == "POST" and form.validate() and not _public(form):
        try:
            actions.use_password_link(found, form.password.data)
        except Invalid as refused:
            put(form, refused)
        else:
            web.done(_("Your password was changed. Sign in with the new one."))
            return web.go("people.sign_in")
    status = 422 if form.errors else 200
    return render_template("people/new_password.html", form=form, link=link), status
