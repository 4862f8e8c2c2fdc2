"""Requests for an account, and what waits for a second administrator."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import render_template, request

from registry import mail, web
from registry.access import ROLE_LABELS, Right, Role
from registry.errors import Invalid
from registry.language import gettext as _
from registry.people import actions, queries
from registry.people.forms import ApproveForm, RefuseForm
from registry.people.forms.administration import for_leads, with_organisations
from registry.people.models import AccountRequest, Organisation
from registry.people.rules.joining import REFUSALS
from registry.people.views.room import put, room
from registry.people.views.staff import invited


def _organisations() -> list[Organisation]:
    """Where one may let somebody in: an administrator anywhere, a lead at home."""
    viewer = web.viewer()
    if viewer.may(Right.ADMINISTER):
        return list(queries.organisations(viewer))
    return [queries.organisation_by_id(viewer.organisation_id)]


def _approve_form(one: AccountRequest, places: list[Organisation], sent: Any = None) -> Any:
    stored = {"organisation": str(one.organisation_id or ""), "role": one.role}
    form = ApproveForm(sent, stored=stored, prefix=f"a{one.id.hex}-")
    if not web.viewer().may(Right.ADMINISTER):
        for_leads(form)
    return with_organisations(form, places)


def _page(refused: dict[tuple[str, UUID], Any] | None = None) -> str:
    viewer, places = web.viewer(), _organisations()
    refused = refused or {}
    waiting = queries.account_requests(viewer)
    cards = [
        (
            one,
            refused.get(("approve", one.id)) or _approve_form(one, places),
            refused.get(("refuse", one.id)) or RefuseForm(prefix=f"r{one.id.hex}-"),
        )
        for one in waiting
    ]
    administrator = viewer.may(Right.ADMINISTER)
    return render_template(
        "people/requests.html",
        cards=cards,
        form=next(iter(refused.values()), None),
        decided=queries.account_requests(viewer, decided=True, limit=20),
        confirmations=queries.confirmations(viewer) if administrator else [],
        alone=administrator and len(queries.lasting_administrators()) < 2,
        refusals=REFUSALS,
        role_labels=ROLE_LABELS,
        mail_configured=mail.configured(),
    )


@room.page("/administration/requests", right=Right.APPROVE_ACCOUNTS)
def requests() -> Any:
    """What waits for a decision."""
    return _page()


@room.page(
    "/administration/requests/<uuid:request_id>/approve",
    right=Right.APPROVE_ACCOUNTS,
    methods=("POST",),
)
def approve_request(request_id: UUID) -> Any:
    """Let somebody in, with a role: they get an invitation."""
    viewer = web.viewer()
    found = queries.account_request(viewer, request_id)
    form = _approve_form(found, _organisations(), request.form)
    if form.validate():
        try:
            made = actions.accept_request(
                found,
                by=viewer,
                organisation=queries.organisation_by_id(UUID(form.organisation.data)),
                role=Role(form.role.data),
            )
        except Invalid as refused:
            put(form, refused)
        else:
            return invited(made)
    return _page({("approve", found.id): form}), 422


@room.page(
    "/administration/requests/<uuid:request_id>/refuse",
    right=Right.APPROVE_ACCOUNTS,
    methods=("POST",),
)
def refuse_request(request_id: UUID) -> Any:
    """Say no, and why."""
    viewer = web.viewer()
    found = queries.account_request(viewer, request_id)
    form: Any = RefuseForm(request.form, prefix=f"r{found.id.hex}-")
    if not form.validate():
        return _page({("refuse", found.id): form}), 422
    actions.refuse_request(found, form.reason.data, by=viewer)
    web.done(
        _("The request was refused. The person is told by e-mail.")
        if mail.configured()
        else _("The request was refused. No mail is sent from here: tell the person.")
    )
    return web.go("people.requests")


@room.page(
    "/administration/confirmations/<uuid:confirmation_id>",
    right=Right.ADMINISTER,
    methods=("POST",),
)
def decide(confirmation_id: UUID) -> Any:
    """Confirm or refuse what another administrator asked for; or take one's own back."""
    viewer = web.viewer()
    found = queries.confirmation(viewer, confirmation_id)
    said = request.form.get("decision")
    if said == "withdraw":
        actions.take_back(found, by=viewer)
        web.done(_("Your request was taken back."))
    elif said in {"confirm", "refuse"}:
        actions.decide(found, said == "confirm", by=viewer)
        web.done(_("Confirmed.") if said == "confirm" else _("Refused."))
    else:
        raise Invalid(_("Choose whether to confirm."))
    return web.go("people.requests", _anchor="confirmations")
