"""The thread of a case in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from flask import request

from registry import web
from registry.access import Viewer
from registry.clinical import missing_for_advice
from registry.language import gettext as _
from registry.referrals import attachments, queries, rules
from registry.referrals.models import Referral
from registry.referrals.queries import Entry, EventRow
from registry.referrals.queries.thread import NOTE, STEP
from registry.referrals.views.lists import day


@dataclass(frozen=True)
class Shown:
    """An entry of the thread in words."""

    id: UUID
    when: str
    who: str
    place: str
    kind: str
    what: str
    text: str
    new: bool
    own: bool
    facts: tuple[tuple[str, str], ...] = ()
    items: tuple[str, ...] = ()


def thread_of(viewer: Viewer, referral: Referral) -> list[Shown]:
    """What happened and was said, the latest first."""
    return [_shown(one) for one in queries.thread(viewer, referral)]


def _shown(one: Entry) -> Shown:
    what = _("Internal note") if one.kind == NOTE else _("Message")
    if one.kind == STEP:
        what = str(rules.TAKEN[one.what])
    return Shown(
        one.id,
        web.local_time(one.at),
        one.who,
        one.place,
        one.kind,
        str(what),
        one.text,
        one.new,
        one.own,
        tuple(_facts(one.details)),
        tuple(_(missing_for_advice.label(name)) for name in one.details.get("items", ())),
    )


def shown_event(one: EventRow) -> Shown:
    """A step that one's own centre took."""
    return Shown(
        one.id, web.local_time(one.at), one.who, one.place, STEP, str(rules.TAKEN[one.step]),
        one.text, False, True, tuple(_facts(one.details)),
    )  # fmt: skip


def _facts(details: Any) -> Sequence[tuple[str, str]]:
    """What belongs to a step beside its text, as label and value."""
    found: list[tuple[str, Any]] = []
    if details.get("to"):
        found += [(_("From"), details.get("from", "")), (_("To"), details["to"])]
    if details.get("asked_of"):
        found.append((_("Of"), details["asked_of"]))
    if details.get("by_date"):
        found.append((_("By"), day(date.fromisoformat(details["by_date"]))))
    if details.get("stops_clock") is False:
        found.append((_("Clock"), _("runs on: the case is urgent")))
    if details.get("board_on"):
        found.append((_("Board of"), day(date.fromisoformat(details["board_on"]))))
    if details.get("advice"):
        found.append((_("Advised instead"), details["advice"]))
    if details.get("to_whom"):
        found += [
            (_("To"), rules.LETTER_TO[details["to_whom"]]),
            (_("How"), rules.LETTER_HOW[details["how"]]),
            (_("Sent on"), day(date.fromisoformat(details["on"]))),
        ]
    return [(str(label), str(value)) for label, value in found]


def add_files(referral: Referral, belongs: tuple[str, UUID]) -> None:
    """Have the files of a form belong to a message or an answer: those a script sent before, and
    those that came with the form itself."""
    viewer = web.viewer()
    before = attachments.sent_before(request.form)
    if before:
        attachments.link(before, to=belongs, referral=referral, by=viewer)
    attachments.receive(referral, request.files.getlist("files"), by=viewer, belongs=belongs)
