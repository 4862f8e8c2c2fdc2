"""The patient's page, its timeline for another period, all entries of a kind, and histories."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import render_template, request

from registry import audit, codes, web
from registry.access import Right
from registry.chart import entries as entries_
from registry.chart import panels, queries, rows
from registry.chart.picture import Wish
from registry.chart.unsaved import unsaved
from registry.course import wording
from registry.dates import PartialDate
from registry.language import lazy_gettext as _l
from registry.patients import queries as patients
from registry.referrals import rules as referral_rules

room = web.Room("chart", __name__)

audit.learn(
    {
        "opened timeline": _l("Looked at another part of the timeline"),
        "opened entries": _l("Opened all entries of a kind"),
        "opened history": _l("Opened the history of an entry"),
    }
)

#: The most markers or scales anybody may ask to see at once.
_MOST = 8


@room.page("/patients/<uuid:patient_id>/chart", right=Right.READ_RECORD)
def chart(patient_id: UUID) -> Any:
    """One page that tells the case."""
    if joined_to := patients.now_known_as(web.viewer(), patient_id):
        return web.go("chart.chart", patient_id=joined_to)
    found = queries.chart(web.viewer(), patient_id, _wish())
    _opened("opened chart", patient_id)
    return render_template(
        "chart/chart.html", chart=found, states=referral_rules.STATES, taken=referral_rules.TAKEN,
        word=codes.label, offers=panels.offers(web.viewer()),
        unsaved=unsaved(web.viewer(), patient_id) if found.may_write else (),
        born=wording.date(found.identity.birth_date), links=rows.Links, draw=rows.drawn,
    )  # fmt: skip


@room.page("/patients/<uuid:patient_id>/timeline", right=Right.READ_RECORD)
def timeline(patient_id: UUID) -> Any:
    """The timeline alone, for the period asked for: what a script puts in the chart."""
    patient, found = queries.timeline(web.viewer(), patient_id, _wish())
    _opened("opened timeline", patient_id)
    return render_template("chart/_timeline.html", patient=patient, picture=found)


@room.page("/patients/<uuid:patient_id>/course/<entity>", right=Right.READ_RECORD)
def entries(patient_id: UUID, entity: str) -> Any:
    """All entries of one kind."""
    found = entries_.listed(
        web.viewer(),
        patient_id,
        entity,
        only=request.args.get("only", "")[:80],
        page=web.as_number(request.args.get("page"), digits=5) or 1,
    )
    _opened("opened entries", patient_id)
    return render_template("chart/entries.html", found=found, links=rows.Links, draw=rows.drawn)


@room.page("/course/<entity>/<uuid:entry_id>/history", right=Right.READ_RECORD)
def history(entity: str, entry_id: UUID) -> Any:
    """Who entered an entry and changed it, when, and every value before and after."""
    only = request.args.get("only", "")[:80]
    found = entries_.history(web.viewer(), entity, entry_id, only=only)
    audit.opened(
        "opened history",
        by=web.viewer(),
        subject=(entity, entry_id),
        patient_id=found.entry.patient_id,
    )
    return render_template("chart/history.html", found=found, only=only)


def _opened(what: str, patient_id: UUID) -> None:
    audit.opened(what, by=web.viewer(), subject=("patient", patient_id), patient_id=patient_id)


def _wish() -> Wish:
    """The period and the curves asked for; what cannot be read is not asked for."""
    chosen = {name: request.args.getlist(name)[:_MOST] for name in ("m", "q")}
    return Wish(
        _date(request.args.get("from")),
        _date(request.args.get("to")),
        {name: found for name, found in chosen.items() if found},
    )


def _date(text: str | None) -> PartialDate | None:
    try:
        return PartialDate((text or "").strip())
    except ValueError:
        return None
