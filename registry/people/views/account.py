"""One's own account: who one is, password, sessions, notices and how one hears of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import current_app, redirect, render_template, request

from registry import mail, web
from registry.access import ROLE_LABELS, Right
from registry.dates import today
from registry.errors import Invalid
from registry.language import gettext as _
from registry.people import actions, queries, rules
from registry.people.forms import PasswordForm
from registry.people.rules import mail as rules_of_mail
from registry.people.views.room import put, refused_passwords, room


def _account_page(form: PasswordForm) -> str:
    viewer = web.viewer()
    person = queries.oneself(viewer)
    wishes = person.notice_mail or {}
    covers = [
        one
        for one in queries.covers_about(viewer, viewer.person_id)
        if one.ended_at is None and one.until_date >= today()
    ]
    return render_template(
        "people/account.html",
        person=person,
        seats=viewer.seats,
        covers=covers,
        role_labels=ROLE_LABELS,
        form=form,
        notices=[(why, text, rules_of_mail.wish(why, wishes)) for why, text in _kinds()],
        how=rules_of_mail.HOW,
        not_silenced=rules_of_mail.NOT_SILENCED,
        mail_configured=mail.configured(),
    )


_OF_CASES = ("referral_", "information_", "advice_", "urgent_", "message_", "question_")


def _kinds() -> list[tuple[str, Any]]:
    """The notices one can get, by what one may do: nobody reads through what never comes."""
    viewer = web.viewer()
    kinds = list(rules.NOTICES.items())
    if not viewer.may(Right.APPROVE_ACCOUNTS):
        kinds = [one for one in kinds if one[0] != "account_requested"]
    if not viewer.may(Right.ADMINISTER):
        kinds = [one for one in kinds if not one[0].startswith("confirmation_")]
    if not viewer.may(Right.READ_REFERRAL):
        kinds = [one for one in kinds if not one[0].startswith(_OF_CASES)]
    if not viewer.may(Right.SEE_LATE):
        kinds = [one for one in kinds if not one[0].startswith("cases_")]
    if not viewer.may(Right.MAKE_RELEASE):
        kinds = [one for one in kinds if not one[0].startswith(("release_", "grant_"))]
    return kinds


@room.page("/account", right=Right.SIGNED_IN)
def account() -> Any:
    """One's name, roles, password and notices."""
    return _account_page(PasswordForm())


@room.page("/account/password", right=Right.SIGNED_IN, methods=("POST",))
def change_password() -> Any:
    """Change one's own password."""
    form: Any = PasswordForm(request.form)
    if form.password.data in refused_passwords():
        form.password.errors.append(_("This password is public. Choose another."))
    elif form.validate():
        try:
            actions.change_password(form.current.data, form.password.data, by=web.viewer())
        except Invalid as refused:
            put(form, refused)
        else:
            web.done(_("Your password was changed. Your other sessions were signed out."))
            return web.go("people.account")
    return _account_page(form), 422


@room.page("/account/sign-out-everywhere", right=Right.SIGNED_IN, methods=("POST",))
def sign_out_elsewhere() -> Any:
    """End one's sessions on other machines."""
    viewer = web.viewer()
    actions.sign_out_everywhere(queries.oneself(viewer), by=viewer)
    web.done(_("You were signed out everywhere else."))
    return web.go("people.account")


@room.page("/account/notices", right=Right.SIGNED_IN, methods=("POST",))
def wish() -> Any:
    """Say which notices come by mail, and when."""
    viewer = web.viewer()
    kept = dict(queries.oneself(viewer).notice_mail or {})
    kinds = [why for why, _text in _kinds() if why not in rules_of_mail.NOT_SILENCED]
    asked = {why: request.form.get(f"mail-{why}", "") for why in kinds}
    everything = request.form.get("all", "")
    if everything in rules_of_mail.HOW:
        asked = dict.fromkeys(asked, everything)
    actions.wish({**kept, **{why: how for why, how in asked.items() if how}}, by=viewer)
    web.done(_("Your choice was saved."))
    return web.go("people.account", _anchor="notices")


# -- notices -----------------------------------------------------------------------------------


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


@room.page("/notices/<uuid:notice_id>", right=Right.SIGNED_IN)
def open_notice(notice_id: UUID) -> Any:
    """Where a message leads: to what one of one's own notices is about."""
    found = queries.notice(web.viewer(), notice_id)
    link = current_app.extensions["netreg_notice_link"](found.subject_kind, found.subject_id)
    return redirect(link, 303)


@room.page("/notices/seen", right=Right.SIGNED_IN, methods=("POST",))
def see_notices() -> Any:
    """Mark all as seen."""
    actions.see_notices(by=web.viewer())
    return web.go("people.notices")
