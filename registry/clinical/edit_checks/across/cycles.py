"""Cycles inside their therapy: dates, numbers, count, interval, activity, kidney function (S43)."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise

from registry.clinical import doses
from registry.clinical.decision_flags import CYCLES_TO, WEEKS_BETWEEN_CYCLES
from registry.clinical.edit_checks.across.entries import (
    Entry,
    Record,
    days_apart,
    finding,
    in_order,
    is_before,
)
from registry.clinical.edit_checks.finding import Finding
from registry.clinical.numbers import plain
from registry.clinical.results import N_, Reason

PRRT = "PRRT"
GBQ = "GBq"

# A cycle may be put off for side effects up to here; later it is another course.
WEEKS_APART_TO = 16
# Four cycles of 7.4 GBq and a tenth.
COURSE_GBQ_TO = Decimal("32.56")
EGFR_FROM = Decimal(30)


def cycles_of_therapies(record: Record) -> Iterator[Finding]:
    """Every check of the cycles of one therapy."""
    for therapy_id, cycles in record.grouped("cycle", "therapy_id").items():
        therapy = record.linked(cycles[0], "therapy_id", "therapy")
        if therapy is None:
            continue
        yield from _dates(therapy, cycles)
        yield from _numbers(therapy, cycles)
        yield from _activity(therapy, cycles)
        if therapy.text("therapy_class") == PRRT:
            yield from _intervals(cycles)
            yield from _kidneys(cycles)
        del therapy_id


def cumulative_activity(cycles: tuple[Entry, ...]) -> Decimal:
    """The activity of all cycles together in GBq; cycles without one add nothing."""
    given = (cycle.number("activity_gbq") for cycle in cycles)
    return sum((activity for activity in given if activity is not None), Decimal(0))


def _dates(therapy: Entry, cycles: tuple[Entry, ...]) -> Iterator[Finding]:
    start, stop = therapy.date("start"), therapy.date("stop")
    for cycle in cycles:
        day = cycle.date("date")
        outside = {
            N_("The cycle (%(day)s) is before the start of the therapy (%(limit)s)."): (
                start if is_before(day, start) else ""
            ),
            N_("The cycle (%(day)s) is after the stop of the therapy (%(limit)s)."): (
                stop if is_before(stop, day) else ""
            ),
        }
        for template, limit in outside.items():
            if limit:
                reason = Reason(template, {"day": day, "limit": limit})
                yield finding("cycle_outside_therapy", reason, cycle, therapy, variables=("date",))


def _numbers(therapy: Entry, cycles: tuple[Entry, ...]) -> Iterator[Finding]:
    by_number: dict[Decimal, Entry] = {}
    for cycle in cycles:
        number = cycle.number("number")
        if number is None:
            continue
        first = by_number.setdefault(number, cycle)
        if first is not cycle:
            reason = Reason(N_("Two cycles have number %(number)s."), {"number": plain(number)})
            yield finding("cycle_number_twice", reason, cycle, first, variables=("number",))
    yield from _order(cycles)
    yield from _gaps(by_number)
    stated = therapy.number("cycles")
    most = max(len(cycles), *(int(n) for n in by_number), 0)
    too_few = bool(therapy.date("stop")) and stated is not None and len(cycles) < stated
    if stated is not None and (most > stated or too_few):
        template = N_("The therapy says %(stated)s cycles, %(entered)s are entered.")
        values = {"stated": plain(stated), "entered": str(len(cycles) if too_few else most)}
        yield finding(
            "cycle_count", Reason(template, values), therapy, *cycles, variables=("cycles",)
        )


def _order(cycles: tuple[Entry, ...]) -> Iterator[Finding]:
    for one, other in pairwise(in_order(cycles, "date")):
        first, second = one.number("number"), other.number("number")
        if first is None or second is None or second >= first:
            continue
        if is_before(one.date("date"), other.date("date")):
            template = N_("Cycle %(second)s is dated after cycle %(first)s.")
            values = {"first": plain(first), "second": plain(second)}
            yield finding(
                "cycle_order", Reason(template, values), other, one, variables=("number", "date")
            )


def _gaps(by_number: dict[Decimal, Entry]) -> Iterator[Finding]:
    for one, other in pairwise(sorted(by_number)):
        if other - one > 1:
            template = N_("Between cycles %(one)s and %(other)s none is entered.")
            values = {"one": plain(one), "other": plain(other)}
            yield finding(
                "cycle_missing", Reason(template, values), by_number[other], variables=("number",)
            )


def _intervals(cycles: tuple[Entry, ...]) -> Iterator[Finding]:
    for one, other in pairwise(in_order(cycles, "date")):
        days = days_apart(one.date("date"), other.date("date"))
        if days is None:
            continue
        values = {"days": str(days), "weeks": str(WEEKS_BETWEEN_CYCLES)}
        if days < WEEKS_BETWEEN_CYCLES * 7:
            template = N_("%(days)s days since the cycle before; %(weeks)s weeks are the least.")
            yield finding(
                "cycles_too_close", Reason(template, values), other, one, variables=("date",)
            )
        elif days > WEEKS_APART_TO * 7 and other.text("delayed") != "yes":
            template = N_(
                "%(days)s days since the cycle before: delayed, or the first of another course?"
            )
            yield finding(
                "cycles_far_apart", Reason(template, values), other, one,
                variables=("date", "delayed"),
            )  # fmt: skip


def _activity(therapy: Entry, cycles: tuple[Entry, ...]) -> Iterator[Finding]:
    prrt = therapy.text("therapy_class") == PRRT
    agent = therapy.text("agent")
    ingredient = next((i for i in doses.ingredients(agent) if doses.unit(agent, i) == GBQ), "")
    for cycle in cycles:
        activity = cycle.number("activity_gbq")
        if activity is None:
            continue
        if therapy.text("therapy_class") not in ("", PRRT, "liver-directed", "trial"):
            reason = Reason(N_("Activity is given, but the therapy is no radionuclide therapy."))
            yield finding(
                "activity_without_prrt", reason, cycle, therapy, variables=("activity_gbq",)
            )
        elif ingredient:
            judged = doses.check_dose(agent, ingredient, activity)
            if judged.answer != doses.OK:
                yield finding(
                    "activity_range", judged.reasons[0], cycle, variables=("activity_gbq",)
                )
    if prrt and ingredient:
        yield from _course(therapy, cycles)


def _course(therapy: Entry, cycles: tuple[Entry, ...]) -> Iterator[Finding]:
    total = cumulative_activity(cycles)
    if total > COURSE_GBQ_TO:
        template = N_(
            "%(total)s GBq in one course; four full cycles and a tenth are %(limit)s GBq."
        )
        values = {"total": plain(total), "limit": plain(COURSE_GBQ_TO)}
        yield finding(
            "course_activity", Reason(template, values), therapy, *cycles,
            variables=("cycle.activity_gbq",),
        )  # fmt: skip
    if len(cycles) > CYCLES_TO:
        template = N_("%(count)s cycles in one course; a re-treatment is a therapy of its own.")
        reason = Reason(template, {"count": str(len(cycles))})
        yield finding("many_cycles", reason, therapy, *cycles, variables=("cycles",))


def _kidneys(cycles: tuple[Entry, ...]) -> Iterator[Finding]:
    for cycle in cycles:
        egfr = cycle.number("egfr")
        if egfr is not None and egfr < EGFR_FROM:
            template = N_("eGFR %(egfr)s before PRRT; below %(limit)s it is not advised.")
            values = {"egfr": plain(egfr), "limit": plain(EGFR_FROM)}
            yield finding(
                "low_egfr_before_prrt", Reason(template, values), cycle, variables=("egfr",)
            )
