"""Who is told of a recommendation, by when, and whether it was followed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from registry.language import lazy_gettext as _l

REFERRER, FAMILY_DOCTOR, PATIENT = "referrer", "family_doctor", "patient"
RECIPIENTS = {
    REFERRER: _l("Referring doctor"),
    FAMILY_DOCTOR: _l("Family doctor"),
    PATIENT: _l("Patient"),
}

#: How long each has: to acknowledge, to be sent, to be told.
DUE = {
    REFERRER: timedelta(days=7),
    FAMILY_DOCTOR: timedelta(days=7),
    PATIENT: timedelta(days=14),
}
REMIND_EVERY = timedelta(days=7)

#: When it is asked whether a recommendation was followed.
ASK_AFTER = timedelta(days=28)

TO_SEND, SENT, OPENED, ACKNOWLEDGED, TOLD = "to_send", "sent", "opened", "acknowledged", "told"
STATES = {
    TO_SEND: _l("Not yet sent"),
    SENT: _l("Sent"),
    OPENED: _l("Opened"),
    ACKNOWLEDGED: _l("Acknowledged"),
    TOLD: _l("Patient told"),
}

DONE, CHANGED, NOT_DONE = "done", "changed", "not_done"
OUTCOMES = {
    DONE: _l("Done as recommended"),
    CHANGED: _l("Done differently"),
    NOT_DONE: _l("Not done"),
}
REASONS = {
    "patient_wish": _l("The patient's wish"),
    "condition": _l("The patient's condition"),
    "access": _l("Not available or not paid for"),
    "other_advice": _l("Other advice"),
    "new_findings": _l("New findings"),
    "died": _l("The patient died"),
    "other": _l("Other reason"),
}

#: Concordance is shown of this many or more: it is about a board, never about somebody.
SMALLEST = 5


@dataclass(frozen=True)
class Concordance:
    """How often recommendations were followed; counts are None where there are too few."""

    answered: int
    enough: bool
    outcomes: Mapping[str, int | None]
    reasons: Mapping[str, int | None]

    @property
    def percent(self) -> int | None:
        """Done as recommended, of those that were answered."""
        done = self.outcomes[DONE]
        return round(100 * done / self.answered) if self.enough and done is not None else None


def concordance(found: Iterable[tuple[str, str]], smallest: int = SMALLEST) -> Concordance:
    """From (outcome, reason) of each recommendation; with too few of them nothing is counted."""
    rows = list(found)
    enough = len(rows) >= smallest
    by_outcome, by_reason = Counter(o for o, _r in rows), Counter(r for _o, r in rows if r)
    return Concordance(
        answered=len(rows),
        enough=enough,
        outcomes={one: by_outcome[one] if enough else None for one in OUTCOMES},
        reasons={one: by_reason[one] if enough else None for one in REASONS if by_reason[one]},
    )
