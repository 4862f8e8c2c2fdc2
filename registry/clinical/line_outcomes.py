"""What came of a line of therapy: its best response, and the times of its endpoints.

From dates as ISO text of any precision. The rules are those of `response` and `endpoints`; here is
only which dates of a course they are given: progression and assessment after the line began, of
its tumour or of none, and the next line as the new therapy.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from registry.clinical import endpoints
from registry.clinical import response as recist
from registry.clinical.endpoints import Endpoint
from registry.clinical.partial_dates import assumed
from registry.clinical.results import Derived

#: Best first: among responses that were only stated, without a date.
ORDER = (recist.CR, recist.PR, recist.SD, recist.NON_CR_NON_PD, recist.PD, recist.NE)


@dataclass(frozen=True, slots=True)
class Assessed:
    """A response that was assessed on a day: to which therapy it belongs, and whether baseline."""

    date: str
    therapy: str
    answer: str
    baseline: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """What the lines of a patient are measured by. Dates are ISO text, "" where there is none.

    `progressions` are (date, tumour or "") of those that count: a marker alone is none.
    """

    progressions: Sequence[tuple[str, str]] = ()
    assessed: Sequence[Assessed] = ()
    contact: str = ""
    death: str = ""


def best_response(
    start: str, therapies: Iterable[str], seen: Seen, stated: Iterable[str]
) -> tuple[str, Derived | None]:
    """The best response of a line (CR, PR, … or "" where nothing is known), and how it follows
    from dated assessments; None where it is only stated at the therapy."""
    own, began = set(therapies), assumed(start)
    visits = [
        (Decimal(max((assumed(one.date) - began).days, 0)) / 7, one.answer)
        for one in seen.assessed
        if one.therapy in own and not one.baseline and one.answer in recist.VISIT_RESPONSES
    ]
    if visits:
        found = recist.best_response(visits, confirmation_required=False)
        return found.answer, found
    known = [one for one in stated if one]
    return min(known, key=_rank, default=""), None


def _rank(answer: str) -> int:
    return ORDER.index(answer) if answer in ORDER else len(ORDER)


def time_of(
    endpoint: str,
    start: str,
    tumour: str,
    therapies: Iterable[str],
    seen: Seen,
    *,
    following: str = "",
    today: date | None = None,
) -> Endpoint:
    """An endpoint (PFS, TTP, TTNT, …) of a line, counted from its start. `following` is the start
    of the next line. Raises ValueError for an unknown endpoint or text that is no date."""
    own, began = set(therapies), assumed(start)
    progressed = [
        (assumed(day), day)
        for day, where in seen.progressions
        if where in ("", tumour) and assumed(day) > began
    ]
    assessed = [
        (assumed(one.date), one.date)
        for one in seen.assessed
        if one.therapy in own and one.answer != recist.NE and assumed(one.date) >= began
    ]
    contact = seen.contact
    if contact and assumed(contact) < began:
        contact = ""
    return endpoints.derive_endpoint(
        endpoint=endpoint,
        start=start,
        progression_date=min(progressed)[1] if progressed else "",
        death_date=seen.death,
        last_assessment=max(assessed)[1] if assessed else "",
        last_contact=contact,
        new_therapy_date=following,
        today=today,
    )
