"""Builders of boards: a board with a meeting and cases, and a recommendation as it is typed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from registry.access import Role, Viewer
from registry.boards.actions import advice, agenda
from registry.boards.actions import meetings as actions
from registry.boards.models import AgendaItem, Board, Meeting, Recommendation
from registry.boards.queries import agenda as agenda_queries
from registry.boards.queries import case as cases
from registry.boards.rules import meetings as meeting_rules
from registry.db import now
from registry.people.models import Person
from tests import make

FACTS: dict[str, Any] = {
    "name": "NET board", "cross_centre": False, "time_zone": "Europe/Amsterdam",
    "every_weeks": 0, "weekday": 1, "starts": "08:30", "minutes": 60, "capacity": 10,
    "cutoff_hours": 24, "quorum": list(meeting_rules.USUAL_QUORUM), "two_signatures": False,
    "video_link": "", "active": True,
}  # fmt: skip


def board(by: Viewer, **facts: Any) -> Board:
    """A board of the viewer's centre, with single dates unless said."""
    return actions.add_board(by=by, facts={**FACTS, **facts})


def meeting(
    by: Viewer, found: Board | None = None, *, starts: datetime | None = None, minutes: int = 60
) -> Meeting:
    """A meeting, in two days unless said."""
    moment = starts or now() + timedelta(days=2)
    return actions.plan(found or board(by), by=by, starts_at=moment, minutes=minutes)


def chair(place: Any, name: str = "Chara Chair") -> Person:
    """Somebody who chairs boards and is a clinician."""
    return make.person(place, Role.CLINICIAN, Role.BOARD_CHAIR, name=name)


def case(by: Viewer, found: Meeting, patient: Any = None, **facts: Any) -> AgendaItem:
    """A case on an agenda; of a new patient of the centre unless said."""
    patient = patient or make.patient(by)
    facts = {"late_because": "Now", **facts}
    return agenda.put_on(found, patient, by=by, **facts)


TYPED: dict[str, list[str]] = {
    "summary": ["Liver-dominant disease, slow."],
    "answer": ["A somatostatin analogue first."],
    "o1-kind": ["start_systemic"],
    "o1-agent": ["SSA_LAN"],
    "o1-condition": ["SSTR PET is positive"],
    "tests": ["sstr_pet"],
    "responsible": ["Dr Adler"],
    "plain": ["The doctors suggest an injection every four weeks."],
    "against_because": ["Known to work in this patient."],
}


def signed(
    item: AgendaItem,
    by: Viewer,
    *,
    typed: dict[str, list[str]] | None = None,
    dissents: Sequence[str] = (),
    advice_text: str = "As discussed.",
) -> Recommendation:
    """A recommendation that is written and signed by a chair."""
    saved = advice.save(item, typed or TYPED, by=by, seen=0)
    for text in dissents:
        advice.dissent(item, text, by=by)
    return sign(item, by, seen=saved.recommendation.revision, text=advice_text)


def sign(item: AgendaItem, by: Viewer, *, seen: int, text: str = "As discussed.") -> Recommendation:
    """The chair signs what stands there."""
    whole = agenda_queries.item(by, item.id)
    view = cases.view(by, whole)
    return advice.sign(whole, view, by=by, seen=seen, signed_text={"advice": text})
