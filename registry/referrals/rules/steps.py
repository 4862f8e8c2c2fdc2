"""The steps of a referral as one table, and its states.

The table draws the buttons, guards the action and generates the tests: a step that is not in it
does not exist.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from registry.access import Role
from registry.language import lazy_gettext as _l

DRAFT = "draft"
SUBMITTED = "submitted"
INFORMATION_REQUESTED = "information_requested"
ACCEPTED = "accepted"
LISTED = "listed_for_board"
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
    LISTED: _l("Listed for board"),
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
    LISTED: LIVE,
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
    needs: tuple[str, ...] = ()  # reason, request, answer, facts, centre, assignee, kinds, text
    clock: str = ""  # start, stop, run, end: what happens to the centre's clock
    asks: tuple[str, ...] = ()  # what may be said beside: items, asked_of, by_date, board_on, …


_REFERRER = {
    Side.REFERRING: frozenset({Role.REFERRER}),
    Side.ON_BEHALF: frozenset({Role.TRIAGE_COORDINATOR}),
}
_TRIAGE = {Side.CENTRE: frozenset({Role.TRIAGE_COORDINATOR, Role.CLINICIAN})}
_CLINICIAN = {Side.CENTRE: frozenset({Role.CLINICIAN, Role.BOARD_CHAIR})}

STEPS = (
    Step("submit", DRAFT, SUBMITTED, _REFERRER, ("facts",), "start"),
    Step("withdraw", DRAFT, WITHDRAWN, _REFERRER),
    # the centre decides
    Step("accept", SUBMITTED, ACCEPTED, _TRIAGE),
    Step(
        "request_information",
        SUBMITTED,
        INFORMATION_REQUESTED,
        _TRIAGE,
        ("request",),
        "stop",
        ("items", "asked_of", "by_date"),
    ),
    Step("redirect", SUBMITTED, SUBMITTED, _TRIAGE, ("centre", "reason"), "run"),
    Step("decline", SUBMITTED, DECLINED, _TRIAGE, ("reason",), "end", ("advice",)),
    Step("assign", SUBMITTED, SUBMITTED, _TRIAGE, ("assignee",)),
    Step("withdraw", SUBMITTED, WITHDRAWN, _REFERRER, ("reason",), "end"),
    # the centre has asked
    Step("give_information", INFORMATION_REQUESTED, SUBMITTED, _REFERRER, ("facts",), "run"),
    Step("answer", INFORMATION_REQUESTED, SUBMITTED, _REFERRER, ("answer",), "run"),
    Step("accept", INFORMATION_REQUESTED, ACCEPTED, _TRIAGE, (), "run"),
    Step("take_back_request", INFORMATION_REQUESTED, SUBMITTED, _TRIAGE, (), "run"),
    Step("redirect", INFORMATION_REQUESTED, SUBMITTED, _TRIAGE, ("centre", "reason"), "run"),
    Step("decline", INFORMATION_REQUESTED, DECLINED, _TRIAGE, ("reason",), "end", ("advice",)),
    Step("assign", INFORMATION_REQUESTED, INFORMATION_REQUESTED, _TRIAGE, ("assignee",)),
    Step("withdraw", INFORMATION_REQUESTED, WITHDRAWN, _REFERRER, ("reason",), "end"),
    # the centre advises
    Step("list_for_board", ACCEPTED, LISTED, _TRIAGE, asks=("board_on",)),
    Step("advise", ACCEPTED, ADVISED, _CLINICIAN, ("kinds", "text"), "end"),
    Step("assign", ACCEPTED, ACCEPTED, _TRIAGE, ("assignee",)),
    Step("close", ACCEPTED, CLOSED, _TRIAGE, ("reason",), "end"),
    Step("withdraw", ACCEPTED, WITHDRAWN, _REFERRER, ("reason",), "end"),
    # the board advises
    Step("advise", LISTED, ADVISED, _CLINICIAN, ("kinds", "text"), "end"),
    Step("defer", LISTED, ACCEPTED, _TRIAGE, ("reason",)),
    Step("assign", LISTED, LISTED, _TRIAGE, ("assignee",)),
    Step("close", LISTED, CLOSED, _TRIAGE, ("reason",), "end"),
    Step("withdraw", LISTED, WITHDRAWN, _REFERRER, ("reason",), "end"),
    # the advice is on its way
    Step("acknowledge", ADVISED, ACKNOWLEDGED, _REFERRER),
    Step("advise", ADVISED, ADVISED, _CLINICIAN, ("kinds", "text")),
    Step("assign", ADVISED, ADVISED, _TRIAGE, ("assignee",)),
    Step("close", ADVISED, CLOSED, _TRIAGE, ("reason",)),
    Step("close", ACKNOWLEDGED, CLOSED, _TRIAGE),
    Step("advise", ACKNOWLEDGED, ADVISED, _CLINICIAN, ("kinds", "text")),
    # the end was not the end
    Step("reopen", DECLINED, SUBMITTED, _TRIAGE, ("reason",), "run"),
    Step("reopen", WITHDRAWN, SUBMITTED, _REFERRER, ("reason",), "run"),
    Step("reopen", CLOSED, ACCEPTED, _TRIAGE, ("reason",), "run"),
)
_CELLS = {(step.state, step.name): step for step in STEPS}
STEP_NAMES = tuple(dict.fromkeys(step.name for step in STEPS))

#: What stands on the button, in what order the buttons stand.
STEP_LABELS = {
    "submit": _l("Send"),
    "give_information": _l("Complete the form and send it again"),
    "answer": _l("Answer in words"),
    "acknowledge": _l("Acknowledge the advice"),
    "accept": _l("Accept"),
    "request_information": _l("Ask for information"),
    "take_back_request": _l("Take the question back"),
    "list_for_board": _l("List for board"),
    "advise": _l("Write advice"),
    "assign": _l("Assign"),
    "defer": _l("Take off the board list"),
    "redirect": _l("Pass on to another centre"),
    "close": _l("Close"),
    "reopen": _l("Reopen"),
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
    "take_back_request": _l("Take back"),
    "list_for_board": _l("To board"),
    "defer": _l("Defer"),
    "redirect": _l("Pass on"),
}

#: What is said of a step that was taken.
TAKEN = {
    "enter": _l("Draft begun"),
    "submit": _l("Sent to the centre"),
    "withdraw": _l("Withdrawn"),
    "accept": _l("Accepted"),
    "request_information": _l("Information requested"),
    "give_information": _l("Information given"),
    "answer": _l("Answered in words"),
    "take_back_request": _l("The question was taken back"),
    "redirect": _l("Passed on to another centre"),
    "list_for_board": _l("Listed for board"),
    "defer": _l("Deferred: taken off the board list"),
    "reopen": _l("Reopened"),
    "first_opened": _l("Opened for the first time at the centre"),
    "complete": _l("Nothing is missing for advice"),
    "discussed": _l("Discussed at the board"),
    "letter_sent": _l("Letter sent"),
    "decline": _l("Declined"),
    "assign": _l("Assigned"),
    "advise": _l("Advice given"),
    "acknowledge": _l("Advice acknowledged"),
    "close": _l("Closed"),
}

#: Steps whose event only the centre sees.
OF_THE_CENTRE = frozenset({"assign"})

#: Who is told of a step, and what (people.rules.NOTICES). Never the one who took it.
TELLS: dict[str, tuple[tuple[str, str], ...]] = {
    "submit": (("referral_received", "coordinators"),),
    "withdraw": (("referral_withdrawn", "centre"),),
    "accept": (("referral_accepted", "referrer"),),
    "request_information": (("information_requested", "referrer"),),
    "give_information": (("information_given", "centre"),),
    "answer": (("information_given", "centre"),),
    "take_back_request": (("question_taken_back", "referrer"),),
    "redirect": (("referral_received", "coordinators"), ("referral_redirected", "referrer")),
    "decline": (("referral_declined", "referrer"),),
    "list_for_board": (("referral_listed", "referrer"),),
    "defer": (("referral_deferred", "referrer"),),
    "assign": (("referral_assigned", "assignee"),),
    "advise": (("advice_given", "referrer"),),
    "acknowledge": (("advice_acknowledged", "advisers"),),
    "close": (("referral_closed", "referrer"),),
    "reopen": (("referral_reopened", "referrer"), ("referral_reopened", "centre")),
}

#: Of an urgent case these are told as a kind of their own, which nobody can silence.
URGENT = frozenset({"referral_received", "information_requested", "message_received"})


def urgent_of(why: str, urgency: str) -> str:
    """The kind of notice, given the urgency of the case it is about."""
    return f"urgent_{why}" if urgency == "urgent" and why in URGENT else why


#: To whom a letter goes who has no account, and how: *sent* is recorded by hand.
LETTER_TO = {
    "family_doctor": _l("Family doctor"),
    "referring_doctor": _l("Referring doctor without an account"),
    "patient": _l("Patient"),
    "other": _l("Somebody else"),
}
LETTER_HOW = {
    "post": _l("By post"),
    "secure_mail": _l("By a secure e-mail service"),
    "fax": _l("By fax"),
    "handed_over": _l("Handed over"),
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
    "answer": _l("Write the answer."),
    "centre": _l("Choose the centre."),
    "assignee": _l("Choose who takes the case."),
    "kinds": _l("Choose at least one kind of advice."),
    "text": _l("Write the advice."),
}
