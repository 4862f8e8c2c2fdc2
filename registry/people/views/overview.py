"""The entrance of the administration: what waits, and how the house is."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, request, url_for

from registry import health, web
from registry.access import Right
from registry.language import gettext as _
from registry.people import actions, queries, rules
from registry.people.rules.mail import LETTERS
from registry.people.views.room import room

#: What the administration has, in the order of its tabs: label, endpoint, right.
TABS = (
    (lambda: _("Overview"), "people.administration", Right.ADMINISTER),
    (lambda: _("People"), "people.staff", Right.ADMINISTER),
    (lambda: _("Organisations"), "people.organisations", Right.ADMINISTER),
    (lambda: _("Requests"), "people.requests", Right.APPROVE_ACCOUNTS),
    (lambda: _("Cover for absence"), "people.covers", Right.ARRANGE_COVER),
    (lambda: _("Code lists"), "people.code_lists", Right.ADMINISTER),
    (lambda: _("Audit"), "people.audit_book", Right.READ_AUDIT),
    (lambda: _("Patients in releases"), "subjects.released", Right.READ_AUDIT),
    (lambda: _("Health"), "people.health_page", Right.ADMINISTER),
)


@room.app_template_global()
def office_tabs() -> list[tuple[str, str, str]]:
    """The tabs the viewer may open: (label, address, endpoint)."""
    viewer = web.viewer()
    return [
        (label(), url_for(endpoint), endpoint)
        for label, endpoint, right in TABS
        if viewer.may(right)
    ]


@room.page("/administration", right=Right.OFFICE)
def administration() -> Any:
    """What waits to be done; who is no administrator goes on to their own page."""
    viewer = web.viewer()
    if not viewer.may(Right.ADMINISTER):
        return redirect(office_tabs()[0][1], 303)
    rows = health.rows()
    return render_template(
        "people/administration.html",
        counts=queries.counts(viewer),
        troubles=[row for row in rows if row.state != health.GOOD],
        checked=len(rows),
        alone=len(queries.lasting_administrators()) < 2,
    )


@room.page("/administration/health", right=Right.ADMINISTER)
def health_page() -> Any:
    """How the house is, check by check."""
    rows = health.rows()
    return render_template(
        "people/health.html",
        rows=rows,
        worst=health.worst(rows),
        refused=queries.refused_mail(web.viewer()),
        mail_kinds={**rules.NOTICES, **{kind: one[0] for kind, one in LETTERS.items()}},
    )


@room.page("/administration/health/mail", right=Right.ADMINISTER, methods=("POST",))
def send_again() -> Any:
    """Have a refused message sent again."""
    viewer = web.viewer()
    found = queries.refused_message(viewer, web.as_id(request.form.get("mail")))
    actions.send_again(found, by=viewer)
    web.done(_("The message will be tried again within a minute."))
    return web.go("people.health_page")
