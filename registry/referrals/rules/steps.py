"""The steps of a referral as one table, and its states.

The table draws the buttons, guards the action and generates the tests: a step that is not in it
does not exist.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l

from registry.access import Role

DRAFT = "draft"
SUBMITTED = "submitted"
INFORMATION_REQUESTED = "information_requested"
ACCEPTED = "accepted"
ADVISED = "advised"
ACKNOWLEDGED = "acknowledged"
CLOSED = "closed"
DECLINED = "declined"
WITHDRAWN = "withdrawn"

STATES = {
    DRAFT: _l("Draft"),
    SUBMITTED: _l("Submitted"),
    INFORMATION_REQUESTED: _l("Information requested"),
    ACCEPTED: _l("Accepted"),
    ADVISED: _l("Advised"),
    ACKNOWLEDGED: _l("Acknowledged"),
    CLOSED: _l("Closed"),
    DECLINED: _l("Declined"),
    WITHDRAWN: _l("Withdrawn"),
}

#: What a state means for the centre: work to do, an answer on its way, or the end.
LIVE, ANSWERED, ENDED = "live", "answered", "ended"
PHASE = {
    DRAFT: DRAFT,
    SUBMITTED: LIVE,
    INFORMATION_REQUESTED: LIVE,
    ACCEPTED: LIVE,
    ADVISED: ANSWERED,
    ACKNOWLEDGED: ANSWERED,
    CLOSED: ENDED,
    DECLINED: ENDED,
    WITHDRAWN: ENDED,
}
PHASES = {LIVE: _l("Open"), ANSWERED: _l("Answered, to be closed"), ENDED: _l("Ended")}


class Side(StrEnum):
    """From where somebody acts on a referral."""

    REFERRING = "referring"  # the hospital it comes from
    ON_BEHALF = "on_behalf"  # the organisation that entered it for that hospital
    CENTRE = "centre"  # the centre that was asked


@dataclass(frozen=True)
class Step:
    """One row of the table: what leads from a state to the next, who may, and what it needs."""

    name: str
    state: str
    to: str
    who: Mapping[Side, frozenset[Role]]
    needs: tuple[str, ...] = ()  # reason, request, facts, assignee, kinds, text
    clock: str = ""  # start, stop, run, end: what happens to the centre's clock


_REFERRER = {
    Side.REFERRING: frozenset({Role.REFERRER}),
    Side.ON_BEHALF: frozenset({Role.TRIAGE_COORDINATOR}),
}
_TRIAGE = {Side.CENTRE: frozenset({Role.TRIAGE_COORDINATOR, Role.CLINICIAN})}
_CLINICIAN = {Side.CENTRE: frozenset({Role.CLINICIAN})}

STEPS = (
    Step("submit", DRAFT, SUBMITTED, _REFERRER, ("facts",), "start"),
    Step("withdraw", DRAFT, WITHDRAWN, _REFERRER),
    # the centre decides
    Step("accept", SUBMITTED, ACCEPTED, _TRIAGE),
    Step("request_information", SUBMITTED, INFORMATION_REQUESTED, _TRIAGE, ("request",), "stop"),
    Step("decline", SUBMITTED, DECLINED, _TRIAGE, ("reason",), "end"),
    Step("assign", SUBMITTED, SUBMITTED, _TRIAGE, ("assignee",)),
    Step("withdraw", SUBMITTED, WITHDRAWN, _REFERRER, ("reason",), "end"),
    # the centre has asked
    Step("give_information", INFORMATION_REQUESTED, SUBMITTED, _REFERRER, ("facts",), "run"),
    Step("accept", INFORMATION_REQUESTED, ACCEPTED, _TRIAGE, (), "run"),
    Step("decline", INFORMATION_REQUESTED, DECLINED, _TRIAGE, ("reason",), "end"),
    Step("assign", INFORMATION_REQUESTED, INFORMATION_REQUESTED, _TRIAGE, ("assignee",)),
    Step("withdraw", INFORMATION_REQUESTED, WITHDRAWN, _REFERRER, ("reason",), "end"),
    # the centre advises
    Step("advise", ACCEPTED, ADVISED, _CLINICIAN, ("kinds", "text"), "end"),
    Step("assign", ACCEPTED, ACCEPTED, _TRIAGE, ("assignee",)),
    Step("close", ACCEPTED, CLOSED, _TRIAGE, ("reason",), "end"),
    Step("withdraw", ACCEPTED, WITHDRAWN, _REFERRER, ("reason",), "end"),
    # the advice is on its way
    Step("acknowledge", ADVISED, ACKNOWLEDGED, _REFERRER),
    Step("advise", ADVISED, ADVISED, _CLINICIAN, ("kinds", "text")),
    Step("assign", ADVISED, ADVISED, _TRIAGE, ("assignee",)),
    Step("close", ADVISED, CLOSED, _TRIAGE, ("reason",)),
    Step("close", ACKNOWLEDGED, CLOSED, _TRIAGE),
    Step("advise", ACKNOWLEDGED, ADVISED, _CLINICIAN, ("kinds", "text")),
)
_CELLS = {(step.state, step.name): step for step in STEPS}
STEP_NAMES = tuple(dict.fromkeys(step.name for step in STEPS))

#: What stands on the button, in what order the buttons stand.
STEP_LABELS = {
    "submit": _l("Send"),
    "give_information": _l("Give the information"),
    "acknowledge": _l("Acknowledge the advice"),
    "accept": _l("Accept"),
    "request_information": _l("Ask for information"),
    "advise": _l("Write advice"),
    "assign": _l("Assign"),
    "close": _l("Close"),
    "decline": _l("Decline"),
    "withdraw": _l("Withdraw"),
}

#: The same in the narrow column of a list.
SHORT_LABELS = {
    **STEP_LABELS,
    "request_information": _l("Ask"),
    "advise": _l("Advise"),
    "acknowledge": _l("Acknowledge"),
    "give_information": _l("Answer"),
}

#: What is said of a step that was taken.
TAKEN = {
    "enter": _l("Draft begun"),
    "submit": _l("Sent to the centre"),
    "withdraw": _l("Withdrawn"),
    "accept": _l("Accepted"),
    "request_information": _l("Information requested"),
    "give_information": _l("Information given"),
    "decline": _l("Declined"),
    "assign": _l("Assigned"),
    "advise": _l("Advice given"),
    "acknowledge": _l("Advice acknowledged"),
    "close": _l("Closed"),
}

#: Steps whose event only the centre sees.
OF_THE_CENTRE = frozenset({"assign"})

#: Who is told of a step, and what (people.rules.NOTICES). Never the one who took it.
TELLS = {
    "submit": ("referral_received", "coordinators"),
    "withdraw": ("referral_withdrawn", "centre"),
    "accept": ("referral_accepted", "referrer"),
    "request_information": ("information_requested", "referrer"),
    "give_information": ("information_given", "centre"),
    "decline": ("referral_declined", "referrer"),
    "assign": ("referral_assigned", "assignee"),
    "advise": ("advice_given", "referrer"),
    "acknowledge": ("advice_acknowledged", "advisers"),
    "close": ("referral_closed", "referrer"),
}

#: What the referring hospital must do now.
TO_DO = {
    DRAFT: _l("Complete and send"),
    INFORMATION_REQUESTED: _l("Answer the centre's question"),
    ADVISED: _l("Read and acknowledge the advice"),
}


def step_of(state: str, name: str) -> Step | None:
    """The cell of the table, or None where there is no such step."""
    return _CELLS.get((state, name))


def may_take(step: Step, sides: Iterable[Side], roles: Iterable[Role]) -> bool:
    """May somebody acting from these sides with these roles take the step?"""
    held = frozenset(roles)
    return any(held & step.who.get(side, frozenset()) for side in sides)


def steps_for(state: str, sides: Iterable[Side], roles: Iterable[Role]) -> list[Step]:
    """The steps somebody may take now, in the order of their buttons."""
    sides, held = list(sides), list(roles)
    order = list(STEP_LABELS)
    found = [step for step in STEPS if step.state == state and may_take(step, sides, held)]
    return sorted(found, key=lambda step: order.index(step.name))


#: Words of what is done in the table of needs, and what to say when it is missing.
NEED_MESSAGES: dict[str, Any] = {
    "reason": _l("Give the reason."),
    "request": _l("Say what information is needed."),
    "assignee": _l("Choose who takes the case."),
    "kinds": _l("Choose at least one kind of advice."),
    "text": _l("Write the advice."),
}
