"""Summary letters: seen and added to before they are kept, as a page and as a PDF."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from flask import Flask, Response, current_app, render_template, request

from registry import audit, web
from registry.access import Right
from registry.chart import documents, panels, survivorship
from registry.chart.letters import writing
from registry.chart.letters.forms import LetterForm
from registry.chart.letters.source import Source, source
from registry.chart.panels import Panel
from registry.dates import PartialDate
from registry.db import new_id, now
from registry.language import gettext as _
from registry.language import lazy_gettext as _l
from registry.patients.documents import actions, queries, rules

room = web.Room("letters", __name__)

audit.learn(
    {
        "prepared letter": _l("Prepared a letter"),
        "made draft letter": _l("Saved the draft of a letter"),
    }
)

_ENDPOINTS = {
    rules.SUMMARY_LETTER: "letters.referring_doctor",
    rules.PATIENT_LETTER: "letters.patient",
}


@room.page(
    "/patients/<uuid:patient_id>/letters/referring-doctor",
    right=Right.WRITE_COURSE,
    methods=("GET", "POST"),
)
def referring_doctor(patient_id: UUID) -> Any:
    """A summary for the referring doctor."""
    return _write(rules.SUMMARY_LETTER, patient_id)


@room.page(
    "/patients/<uuid:patient_id>/letters/patient",
    right=Right.WRITE_COURSE,
    methods=("GET", "POST"),
)
def patient(patient_id: UUID) -> Any:
    """A summary for the patient, in plain words."""
    return _write(rules.PATIENT_LETTER, patient_id)


def _write(kind: str, patient_id: UUID) -> Any:
    """See the letter, add to it, save a draft, keep it."""
    found = source(web.viewer(), patient_id)
    body = writing.BODIES[kind](found)
    audit.opened(
        "prepared letter",
        by=web.viewer(),
        subject=("patient", patient_id),
        patient_id=patient_id,
    )
    if request.method == "GET":
        form = LetterForm(stored=vars(writing.proposed(found, kind)))
        return _page(kind, found, body, form)
    key = web.as_id(request.form.get("form_key")) or new_id()
    if queries.already_kept(web.viewer(), found.patient, key):
        return web.go("documents.document", document_id=key)
    form = LetterForm(request.form)
    if not form.validate():
        return _page(kind, found, body, form), 422
    wish = request.form.get("do", "")
    if wish == "draft":
        return _draft(kind, found, body, form)
    if wish != "keep":
        return _page(kind, found, body, form)
    if request.form.get("seen") != body.mark:
        return _page(kind, found, body, form, has_changed=True), 409
    return _keep(kind, found, body, form, key)


def _facts(kind: str, found: Source, body: Any, form: LetterForm, *, draft: bool) -> dict[str, Any]:
    words = current_app.jinja_env.globals
    added = form.added()
    if kind == rules.PATIENT_LETTER:  # it greets the patient by name and asks for no address
        added = replace(added, recipient="")
    return writing.facts(
        found,
        body,
        added,
        language=str(words["page_language"]()),  # type: ignore[operator]
        direction=str(words["page_direction"]()),  # type: ignore[operator]
        day=web.local_time(now(), "day"),
        moment=web.local_time(now()),
        draft=draft,
    )


def _page(
    kind: str, found: Source, body: Any, form: LetterForm, *, has_changed: bool = False
) -> str:
    letter = _facts(kind, found, body, form, draft=True)
    return render_template(
        "letters/write.html",
        patient=found.patient,
        source=found,
        letter=letter,
        form=form,
        mark=body.mark,
        form_key=web.as_id(request.form.get("form_key")) or new_id(),
        here=_ENDPOINTS[kind],
        is_for_patient=kind == rules.PATIENT_LETTER,
        has_changed=has_changed,
        unprintable=writing.unprintable(letter),
    )


def _name(body: Any) -> str:
    return f"{body.title} {web.local_time(now(), 'day')}.pdf"


def _draft(kind: str, found: Source, body: Any, form: LetterForm) -> Any:
    data = writing.as_pdf(_facts(kind, found, body, form, draft=True))
    audit.record(
        "made draft letter",
        by=web.viewer(),
        subject=("patient", found.patient.id),
        patient_id=found.patient.id,
        changes={"kind": [None, kind]},
    )
    return Response(
        data,
        mimetype="application/pdf",
        headers={"Content-Disposition": 'attachment; filename="draft.pdf"'},
    )


def _keep(kind: str, found: Source, body: Any, form: LetterForm, key: UUID) -> Any:
    data = writing.as_pdf(_facts(kind, found, body, form, draft=False))
    made = actions.add(
        found.patient,
        by=web.viewer(),
        data=data,
        name=_name(body),
        kind=kind,
        dated=PartialDate.of(found.today),
        document_id=key,
    )
    web.done(_("The letter was kept. Every later opening gives this same file."))
    return web.go("documents.document", document_id=made.id)


# -- on the chart ------------------------------------------------------------------------------


def put_on_chart(app: Flask) -> None:
    """Documents with letters, and life after treatment, as panels of every chart."""
    panels.add(app, Panel("documents", "chart/_documents.html", documents.on_chart))
    panels.add(app, Panel("survivorship", "chart/_survivorship.html", survivorship.of_patient))
