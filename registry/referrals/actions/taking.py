"""A step while it is being taken, and what is kept of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from registry import audit, codes
from registry.access import Viewer
from registry.errors import Invalid
from registry.language import gettext as _
from registry.people import queries as people
from registry.referrals import queries, rules
from registry.referrals.case import Case
from registry.referrals.models import Referral
from registry.referrals.rules import Step


@dataclass(frozen=True)
class More:
    """What a step may say beside its text."""

    centre_id: UUID | None = None  # where to pass it on
    items: tuple[str, ...] = ()  # of the data set, asked for
    asked_of: str = ""  # who is asked, if not the doctor who referred
    by_date: date | None = None  # by when it is asked for
    board_on: date | None = None  # the board day that is wished for
    advice: str = ""  # what to do instead, of a case that is declined


@dataclass
class Taking:
    """A step while it is being taken."""

    step: Step
    referral: Referral
    by: Viewer
    at: datetime
    case: Case | None
    text: str
    kinds: tuple[str, ...]
    assignee_id: UUID | None
    more: More = More()

    def __post_init__(self) -> None:
        self.details: dict[str, Any] = {}  # for the event
        self.changes: dict[str, Any] = {}  # for the audit: codes, never free text
        self.advisers: list[UUID | None] = []

    def check_needs(self) -> None:
        """Raise Invalid for what the step needs and has not."""
        needs = self.step.needs
        for name in ("reason", "answer", "text"):
            if name in needs and not self.text:
                raise Invalid(str(rules.NEED_MESSAGES[name]), field=name)
        if "kinds" in needs:
            known = codes.codes("advice_kind")
            if not self.kinds or not set(self.kinds) <= set(known):
                raise Invalid(str(rules.NEED_MESSAGES["kinds"]), field="kinds")
        if "assignee" in needs:
            here = {one.id for one in queries.colleagues(self.by)}
            if self.assignee_id not in here:
                raise Invalid(str(rules.NEED_MESSAGES["assignee"]), field="assignee")
        if "facts" in needs and self.case is None:
            raise Invalid(_("Check the referral before you send it."))


def who_was_first(referral: Referral) -> str:
    """What to tell the one who came second."""
    last = queries.last_event(referral)
    state = rules.STATES[referral.state]
    if last is None:
        return str(_("This referral changed meanwhile. It is now: %(state)s.", state=state))
    who, step, at = last
    if referral.draft_saved_at is not None and referral.draft_saved_at > at:
        names = people.person_names([referral.draft_saved_by])
        return str(
            _(
                "%(who)s has typed in the form since you opened this page, and has not sent it. "
                "Look again, then take the step.",
                who=next(iter(names.values()), None) or _("Somebody"),
            )
        )
    text = _(
        "%(who)s was first: %(what)s. The referral is now: %(state)s.",
        who=who or _("Somebody"),
        what=rules.TAKEN[step],
        state=state,
    )
    return str(text)


def record(referral: Referral, by: Viewer, action: str, changes: dict[str, Any]) -> None:
    """Write the audit row of a change to a referral."""
    audit.record(
        action,
        by=by,
        subject=("referral", referral.id),
        patient_id=referral.patient_id,
        changes=changes,
    )
