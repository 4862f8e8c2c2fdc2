"""The support directory: read by everybody who is signed in, kept by the administrator."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, render_template, request

from registry import audit, codes, web
from registry.access import Right
from registry.errors import Conflict
from registry.knowledge import actions, queries, rules
from registry.knowledge.forms import ContactForm, stored
from registry.knowledge.models import SupportContact
from registry.language import gettext as _
from registry.language import lazy_gettext as _l

room = web.Room("support", __name__)

audit.learn(
    {
        "added support contact": _l("Added a support contact"),
        "changed support contact": _l("Changed a support contact"),
    }
)


@room.page("/support", right=Right.SIGNED_IN)
def directory() -> Any:
    """Whom patients can turn to, country by country."""
    viewer = web.viewer()
    asked = request.args.get("country", "").upper()[:2]
    country = asked if codes.known("country", asked) else ""
    return render_template(
        "knowledge/support/directory.html",
        contacts=queries.support_for(viewer, country),
        countries=queries.countries(viewer),
        country=country,
    )


# -- kept by the administrator -----------------------------------------------------------------


def _list(problems: list[str] | None = None) -> str:
    return render_template(
        "knowledge/support/list.html",
        contacts=queries.directory(web.viewer()),
        problems=problems or [],
        start=rules.start_list(),
    )


@room.page("/administration/support", right=Right.ADMINISTER)
def index() -> Any:
    """Every contact, with the retired ones; import and export."""
    return _list()


@room.page("/administration/support/new", right=Right.ADMINISTER, methods=("GET", "POST"))
def add() -> Any:
    """Add a contact."""
    form: Any = ContactForm(request.form if request.method == "POST" else None)
    if request.method == "GET" or not form.validate():
        status = 200 if request.method == "GET" else 422
        return render_template("knowledge/support/contact.html", form=form, contact=None), status
    actions.add_contact(form.values(), by=web.viewer())
    web.done(_("The contact was added."))
    return web.go("support.index")


def _contact_page(found: SupportContact, form: Any) -> str:
    return render_template("knowledge/support/contact.html", form=form, contact=found)


@room.page(
    "/administration/support/<uuid:contact_id>", right=Right.ADMINISTER, methods=("GET", "POST")
)
def edit(contact_id: UUID) -> Any:
    """Change a contact."""
    found = queries.contact(web.viewer(), contact_id)
    if request.method == "GET":
        return _contact_page(found, ContactForm(stored=stored(found)))
    form: Any = ContactForm(request.form)
    if not form.validate():
        return _contact_page(found, form), 422
    try:
        web.check_version(request.form.get("version"), found.version)
    except Conflict as refused:
        form.name.errors.append(
            refused.message + " " + _("What you typed is below; send it again to keep it.")
        )
        return _contact_page(found, form), 409
    actions.change_contact(found, form.values(), by=web.viewer())
    web.done(_("The contact was changed."))
    return web.go("support.index")


@room.page(
    "/administration/support/<uuid:contact_id>/standing",
    right=Right.ADMINISTER,
    methods=("POST",),
)
def standing(contact_id: UUID) -> Any:
    """Retire a contact, or take it up again."""
    found = queries.contact(web.viewer(), contact_id)
    active = request.form.get("active") == "yes"
    actions.change_contact(found, {"active": active}, by=web.viewer())
    web.done(_("The contact is shown again.") if active else _("The contact was retired."))
    return web.go("support.index")


# -- as a file ---------------------------------------------------------------------------------


@room.page("/administration/support.csv", right=Right.ADMINISTER)
def export() -> Any:
    """The directory as a CSV file."""
    kept = queries.rows(web.viewer())
    data = rules.to_csv({name: getattr(row, name) for name in rules.COLUMNS} for row in kept)
    return Response(
        data,
        mimetype="text/csv",
        headers={"Content-Disposition": 'attachment; filename="support-contacts.csv"'},
    )


@room.page("/administration/support/import", right=Right.ADMINISTER, methods=("POST",))
def take_file() -> Any:
    """Take a CSV file over, whole or not at all."""
    sent = request.files.get("file")
    data = sent.read() if sent else b""
    if not data:
        return _list([_("Choose the file.")]), 422
    read = rules.from_csv(data)
    if read.problems:
        return _list(read.problems), 422
    return _taken_over(read.rows)


@room.page("/administration/support/start", right=Right.ADMINISTER, methods=("POST",))
def take_start_list() -> Any:
    """Take over what comes with the product."""
    return _taken_over(rules.start_list())


def _taken_over(rows: list[rules.Row]) -> Any:
    added, changed, same = actions.take_over(rows, by=web.viewer())
    text = _(
        "%(added)s added, %(changed)s changed, %(same)s as before.",
        added=added,
        changed=changed,
        same=same,
    )
    web.done(text)
    return web.go("support.index")
