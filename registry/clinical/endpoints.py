"""Time to event: start, event and censoring of each endpoint, with partial dates.

Standard definitions (general knowledge, high confidence), listed in `data/endpoints.csv`; date
rules are choices of this project: new therapy before progression censors at the last assessment
before it; a month known counts as its 15th, a year as 1 July, never after death or today.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from registry.clinical import tables
from registry.clinical.partial_dates import assumed, bounds, precision, surely_before
from registry.clinical.results import (
    COMPLETE,
    INVALID_INPUT,
    N_,
    NOT_DERIVABLE,
    PROVISIONAL,
    Derived,
    Reason,
)

RULE, VERSION, SOURCE = "ENDPOINT", "1", "general knowledge"
DAYS_PER_MONTH = 30.4375

INVALID, MISSING = "INVALID", "MISSING"


@dataclass(frozen=True, slots=True)
class Endpoint(Derived):
    """`answer` is the number of days; `event` 1 happened, 0 censored, None not derivable."""

    days: int | None = None
    event: int | None = None

    @property
    def months(self) -> float | None:
        """The days in months of 30.4375 days, not rounded."""
        return None if self.days is None else self.days / DAYS_PER_MONTH


@dataclass(frozen=True, slots=True)
class _Dates:
    """One day for every date given, and the text it came from."""

    start: date
    progression: date | None
    death: date | None
    assessment: date | None
    contact: date | None
    new_therapy: date | None
    stop: date | None
    death_is_event: bool
    censor_at_new_therapy: bool


_End = tuple[date, int, Reason]


def endpoints() -> tuple[str, ...]:
    """The codes of the endpoints."""
    return tuple(row["code"] for row in tables.rows("endpoints"))


def derive_endpoint(
    *,
    endpoint: str,
    start: str,
    progression_date: str = "",
    death_date: str = "",
    last_assessment: str = "",
    last_contact: str = "",
    new_therapy_date: str = "",
    stop_date: str = "",
    death_is_event: bool = False,
    censor_at_new_therapy: bool = True,
    today: date | None = None,
) -> Endpoint:
    """Days from start to event or censoring. Dates are ISO text of any precision, "" for none.

    `stop_date` matters for time to treatment failure, `death_is_event` for time to next treatment.
    INVALID where an event, or the day of censoring, certainly lies before the start, or an event
    after death; MISSING without a start.
    Raises ValueError for an unknown endpoint or text that is no date.
    """
    if endpoint not in _RULES:
        raise ValueError(N_("endpoint: unknown code %(value)s") % {"value": endpoint[:40]})
    given = {
        "start": start,
        "progression_date": progression_date,
        "death_date": death_date,
        "last_assessment": last_assessment,
        "last_contact": last_contact,
        "new_therapy_date": new_therapy_date,
        "stop_date": stop_date,
    }
    given = {name: text.strip() for name, text in given.items()}
    for text in filter(None, given.values()):
        bounds(text)
    inputs = {"endpoint": endpoint, **given}
    if not given["start"]:
        return _none(MISSING, NOT_DERIVABLE, Reason(N_("No start date.")), inputs)
    refusal = _refusal(given)
    if refusal is not None:
        return _none(INVALID, INVALID_INPUT, refusal, inputs)
    dates = _days(given, today, death_is_event, censor_at_new_therapy)
    end, event, reason = _RULES[endpoint](dates)
    refusal = _seen_too_early(given, dates, end)
    if refusal is not None:
        return _none(INVALID, INVALID_INPUT, refusal, inputs)
    partial = sorted(n for n, text in given.items() if text and precision(text) != "day")
    reasons = [reason]
    if partial:
        template = N_("Partial dates, a day was assumed: %(names)s.")
        reasons.append(Reason(template, {"names": ", ".join(partial)}))
    days = max((end - dates.start).days, 0)
    return Endpoint(
        answer=str(days),
        status=PROVISIONAL if partial else COMPLETE,
        reasons=tuple(reasons),
        flags=("date_precision",) if partial else (),
        inputs=inputs,
        rule=RULE,
        version=VERSION,
        source=SOURCE,
        days=days,
        event=event,
    )


def _none(answer: str, status: str, reason: Reason, inputs: dict[str, str]) -> Endpoint:
    return Endpoint(answer, status, (reason,), (), inputs, RULE, VERSION, SOURCE)


def _refusal(given: dict[str, str]) -> Reason | None:
    """What certainly lies in an impossible order."""
    for name in given:
        if name not in ("start", "last_assessment") and _before_start(given, name):
            return _too_early(given, name)
    death = given["death_date"]
    for name in ("progression_date", "new_therapy_date"):
        if death and given[name] and bounds(death)[1] < bounds(given[name])[0]:
            template = N_("%(name)s (%(date)s) lies after death (%(death)s).")
            return Reason(template, {"name": name, "date": given[name], "death": death})
    return None


def _seen_too_early(given: dict[str, str], dates: _Dates, end: date) -> Reason | None:
    """A baseline scan may be the last one; it is refused only where the counting ends there."""
    if end < dates.start and _before_start(given, "last_assessment"):
        return _too_early(given, "last_assessment")
    return None


def _before_start(given: dict[str, str], name: str) -> bool:
    return bool(given[name]) and surely_before(given[name], given["start"])


def _too_early(given: dict[str, str], name: str) -> Reason:
    template = N_("%(name)s (%(date)s) lies before the start (%(start)s).")
    return Reason(template, {"name": name, "date": given[name], "start": given["start"]})


def _days(given: dict[str, str], today: date | None, death_is_event: bool, censor: bool) -> _Dates:
    """One day for every date: assumed where partial, never after death or today."""

    def day(name: str) -> date | None:
        return assumed(given[name]) if given[name] else None

    def not_after(name: str, limits: list[date | None]) -> date | None:
        found = day(name)
        if found is None or precision(given[name]) == "day":
            return found
        return max(min([found, *(limit for limit in limits if limit)]), bounds(given[name])[0])

    death = not_after("death_date", [today])
    start = not_after("start", [death, today]) or date.min
    limits = [death, today]
    others = {
        name: not_after(name, limits)
        for name in ("progression_date", "last_assessment", "last_contact", "new_therapy_date",
                     "stop_date")
    }  # fmt: skip
    return _Dates(
        start=start,
        progression=others["progression_date"],
        death=death,
        assessment=others["last_assessment"],
        contact=others["last_contact"],
        new_therapy=others["new_therapy_date"],
        stop=others["stop_date"],
        death_is_event=death_is_event,
        censor_at_new_therapy=censor,
    )


def _first(*ends: tuple[date | None, str]) -> tuple[date, str] | None:
    known = [(when, what) for when, what in ends if when is not None]
    return min(known, key=lambda end: end[0]) if known else None


def _happened(when: date, what: str) -> _End:
    return when, 1, Reason(N_("Event: %(what)s on %(date)s."), {"what": what, "date": str(when)})


def _censored(when: date, what: str) -> _End:
    return when, 0, Reason(N_("Censored: %(what)s on %(date)s."), {"what": what, "date": str(when)})


def _at_last_assessment(dates: _Dates) -> _End:
    if dates.assessment is None:
        return _censored(dates.start, N_("no assessment after the start"))
    return _censored(dates.assessment, N_("last assessment"))


def _at_new_therapy(dates: _Dates) -> _End:
    """The last assessment before a new therapy; the start where none is known before it."""
    before = dates.new_therapy
    if dates.assessment is not None and before is not None and dates.assessment <= before:
        return _censored(dates.assessment, N_("last assessment before a new therapy"))
    return _censored(dates.start, N_("no assessment known before a new therapy"))


def _overall_survival(dates: _Dates) -> _End:
    if dates.death is not None:
        return _happened(dates.death, N_("death"))
    known_alive = [dates.contact, dates.assessment, dates.progression, dates.new_therapy,
                   dates.stop]  # fmt: skip
    latest = max((when for when in known_alive if when is not None), default=None)
    if latest is None:
        return _censored(dates.start, N_("nothing known after the start"))
    return _censored(latest, N_("last known alive"))


def _progression_free(dates: _Dates) -> _End:
    end = _first((dates.progression, N_("progression")), (dates.death, N_("death")))
    return _unless_new_therapy(dates, end) or _at_last_assessment(dates)


def _to_progression(dates: _Dates) -> _End:
    end = _first((dates.progression, N_("progression")))
    found = _unless_new_therapy(dates, end)
    if found is not None:
        return found
    if dates.death is not None:
        return _censored(dates.death, N_("death"))
    return _at_last_assessment(dates)


def _unless_new_therapy(dates: _Dates, end: tuple[date, str] | None) -> _End | None:
    """The event, or censoring where a new therapy came before it; None where neither is."""
    new_therapy = dates.new_therapy if dates.censor_at_new_therapy else None
    if new_therapy is not None and (end is None or new_therapy < end[0]):
        return _at_new_therapy(dates)
    return _happened(*end) if end is not None else None


def _to_next_treatment(dates: _Dates) -> _End:
    death = dates.death if dates.death_is_event else None
    end = _first((dates.new_therapy, N_("next treatment")), (death, N_("death")))
    if end is not None:
        return _happened(*end)
    return _at_last_contact(dates)


def _to_failure(dates: _Dates) -> _End:
    end = _first(
        (dates.stop, N_("therapy stopped")),
        (dates.progression, N_("progression")),
        (dates.death, N_("death")),
        (dates.new_therapy, N_("next treatment")),
    )
    return _happened(*end) if end is not None else _at_last_contact(dates)


def _second_progression(dates: _Dates) -> _End:
    end = _first(
        (dates.progression, N_("progression on the second line")), (dates.death, N_("death"))
    )
    return _happened(*end) if end is not None else _at_last_contact(dates)


def _at_last_contact(dates: _Dates) -> _End:
    if dates.death is not None:
        return _censored(dates.death, N_("death"))
    if dates.contact is not None:
        return _censored(dates.contact, N_("last contact"))
    if dates.assessment is not None:
        return _censored(dates.assessment, N_("last assessment"))
    return _censored(dates.start, N_("nothing known after the start"))


_RULES: dict[str, Callable[[_Dates], _End]] = {
    "OS": _overall_survival,
    "PFS": _progression_free,
    "DFS": _progression_free,
    "RFS": _progression_free,
    "DoR": _progression_free,
    "TTP": _to_progression,
    "TTNT": _to_next_treatment,
    "TTF": _to_failure,
    "PFS2": _second_progression,
}
