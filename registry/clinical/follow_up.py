"""Which follow-up test is due when, and which would be repeated too early.

Table: `data/follow_up_intervals.csv`, configuration that a network may replace (S11, S50, S65, S66,
S94-S97; the rest general knowledge, with its confidence). The first row that fits decides for its
test; a row without months says that the test is not due, and why. Support for planning, not
medical advice: symptoms and findings come before any interval.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from registry.clinical import tables
from registry.clinical.partial_dates import bounds
from registry.clinical.results import N_, Reason

RULE, VERSION = "FOLLOW-UP", "2"

RESECTED, WATCH, SSA, SYSTEMIC, PRRT, ACTIVE = (
    "resected", "watch", "ssa", "systemic", "prrt", "active",
)  # fmt: skip
SITUATIONS = (RESECTED, WATCH, SSA, SYSTEMIC, PRRT, ACTIVE)
GRADES = ("1", "2", "3", "nec", "unknown")
NOT_NET = ("thyroid_mtc", "adrenal_ppgl", "skin_merkel")

# A test a little before its time is not too early: appointments are made by the week.
EARLY_DAYS = 14

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides on the intervals of one tumour.

    `situation` of SITUATIONS; `grade` of GRADES; `site_group` a triage group; `since` is the date
    the situation is counted from (operation, last cycle, start of the analogue), "" if not known.
    `small_localised`: below 10 mm, no node, completely removed.
    """

    situation: str
    grade: str = "unknown"
    site_group: str = ""
    since: str = ""
    syndromes: tuple[str, ...] = ()
    carcinoid_heart_disease: bool = False
    small_localised: bool = False


@dataclass(frozen=True, slots=True)
class Due:
    """One test: from when it may be done, by when it should be, and by which row.

    Both dates are None where there is nothing to count from: then it is due now. `overdue`: the
    last day it should have been done by is over.
    """

    test: str
    due_from: date | None
    due_by: date | None
    overdue: bool
    reason: Reason
    row: str
    source: str
    confidence: str
    last: str = ""
    because: tuple[Reason, ...] = field(default=())


def default_rows() -> tuple[Row, ...]:
    """The rows of the product; a network may give its own of the same columns."""
    return tables.rows("follow_up_intervals")


def due(
    facts: Facts, last: Mapping[str, str], today: date, rows: Sequence[Row] | None = None
) -> tuple[Due, ...]:
    """Every test that the situation asks for, the earliest limit first.

    `last` has test (list follow_up_test) to the date it was last done, of any precision. A test
    that was never done counts from `facts.since`. Raises ValueError for an unknown situation or
    grade, or text that is no date.
    """
    found = [
        _due(row, facts, last.get(row["test"], ""), today)
        for row in rows_for(facts, today, rows)
        if row["months_max"]
    ]
    return tuple(sorted(found, key=lambda one: (one.due_by or date.min, one.test)))


def not_due(facts: Facts, today: date, rows: Sequence[Row] | None = None) -> dict[str, Reason]:
    """The tests that this situation does not ask for, each with the reason."""
    chosen = rows_for(facts, today, rows)
    return {row["test"]: Reason(row["why"]) for row in chosen if not row["months_max"]}


def too_early(
    test: str, last: str, on: date, facts: Facts, rows: Sequence[Row] | None = None
) -> Reason | None:
    """Why a test on a day comes earlier than its interval, or None.

    Two weeks before its time count as in time. A test that is not due at all is told so when it
    was done before. A reason to do it early (symptoms, a new finding) is for the person to say.
    """
    row = next((row for row in rows_for(facts, on, rows) if row["test"] == test), None)
    if row is None or not last:
        return None
    if not row["months_max"]:
        return Reason(row["why"])
    return before_its_time(last, add_months(bounds(last)[0], int(row["months_min"])), on)


def before_its_time(last: str, due_from: date, on: date) -> Reason | None:
    """Why a test on a day, last done and due from then, comes too early; None where it does not."""
    if on >= due_from - timedelta(days=EARLY_DAYS):
        return None
    template = N_("Last done on %(last)s; by the interval it is due from %(date)s.")
    return Reason(template, {"last": last, "date": due_from.isoformat()})


def rows_for(facts: Facts, today: date, rows: Sequence[Row] | None = None) -> tuple[Row, ...]:
    """The row that decides for each test: the first that fits, in the order of the table."""
    if facts.situation not in SITUATIONS:
        raise ValueError(N_("situation: unknown code %(value)s") % {"value": facts.situation[:40]})
    if facts.grade not in GRADES:
        raise ValueError(N_("grade: unknown code %(value)s") % {"value": facts.grade[:40]})
    chosen: dict[str, Row] = {}
    for row in default_rows() if rows is None else rows:
        if row["test"] not in chosen and _fits(row, facts, today):
            chosen[row["test"]] = row
    return tuple(chosen.values())


def merged(lists: Sequence[Sequence[Due]]) -> tuple[Due, ...]:
    """The due tests of several tumours as one list: of each test the one that is due first."""
    first: dict[str, Due] = {}
    for one in (one for found in lists for one in found):
        kept = first.get(one.test)
        if kept is None or (one.due_by or date.min) < (kept.due_by or date.min):
            first[one.test] = one
    return tuple(sorted(first.values(), key=lambda one: (one.due_by or date.min, one.test)))


def problems(rows: Sequence[Row]) -> tuple[Reason, ...]:
    """What is wrong with rows a network wrote: unknown codes, months that are none or backwards."""
    tests = set(tables.codes("follow_up_test"))
    found = []
    for row in rows:
        values = {"row": row.get("code", "")}
        if row["test"] not in tests:
            found.append(Reason(N_("%(row)s: there is no such test."), values))
        if not set(row["situations"].split(";")) <= {*SITUATIONS, "any"}:
            found.append(Reason(N_("%(row)s: there is no such situation."), values))
        if not set(row["grades"].split(";")) <= {*GRADES, "any"}:
            found.append(Reason(N_("%(row)s: there is no such grade."), values))
        if row["condition"] and row["condition"] not in _CONDITIONS:
            found.append(Reason(N_("%(row)s: there is no such condition."), values))
        if not _months_are_sound(row):
            found.append(Reason(N_("%(row)s: the months are not from low to high."), values))
        if not row["source"]:
            found.append(Reason(N_("%(row)s: a row needs its source."), values))
    return tuple(found)


def add_months(day: date, months: int) -> date:
    """The same day so many months later; the last of the month where it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > date.max.year:
        return date.max
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


_CONDITIONS = {
    "": lambda facts: True,
    "small": lambda facts: facts.small_localised,
    "functioning": lambda facts: bool(facts.syndromes),
    "carcinoid": lambda facts: "carcinoid" in facts.syndromes,
    "carcinoid_heart": lambda facts: facts.carcinoid_heart_disease,
}


def _fits(row: Row, facts: Facts, today: date) -> bool:
    groups = row["sites"].split(";")
    is_net = "net" in groups and facts.site_group not in NOT_NET
    return (
        _among(row["situations"], facts.situation)
        and _among(row["grades"], facts.grade)
        and (is_net or "any" in groups or facts.site_group in groups)
        and _CONDITIONS[row["condition"]](facts)
        and _in_window(row, facts.since, today)
    )


def _among(text: str, word: str) -> bool:
    return text == "any" or word in text.split(";")


def _in_window(row: Row, since: str, today: date) -> bool:
    """Whether today lies in the months the row is for; without a date the first window holds."""
    if not row["window_from"] and not row["window_to"]:
        return True
    begun = bounds(since)[0] if since else today
    low, high = row["window_from"] or "0", row["window_to"]
    started = today >= add_months(begun, int(low)) or int(low) == 0
    return started and not (high and today >= add_months(begun, int(high)))


def _due(row: Row, facts: Facts, last: str, today: date) -> Due:
    counted = last or facts.since
    low, high = bounds(counted) if counted else (None, None)
    due_from = add_months(low, int(row["months_min"])) if low else None
    due_by = add_months(high, int(row["months_max"])) if high else None
    values = {"last": last, "since": facts.since, "low": row["months_min"],
              "high": row["months_max"]}  # fmt: skip
    if last:
        template = N_("Last done on %(last)s; every %(low)s to %(high)s months.")
    elif counted:
        template = N_("Not done since %(since)s; every %(low)s to %(high)s months.")
    else:
        template = N_("Never done, and no date to count from; every %(low)s to %(high)s months.")
    because = [Reason(row["why"])]
    if facts.grade == "unknown" and row["grades"] != "any":
        because.append(Reason(N_("The grade is not known.")))
    return Due(
        test=row["test"],
        due_from=due_from,
        due_by=due_by,
        overdue=due_by is not None and due_by < today,
        reason=Reason(template, values),
        row=row["code"],
        source=row["source"],
        confidence=row["confidence"],
        last=last,
        because=tuple(because),
    )


def _months_are_sound(row: Row) -> bool:
    low, high = row["months_min"], row["months_max"]
    if not low and not high:
        return True
    numbers = (low, high, row["window_from"] or "0", row["window_to"] or "9999")
    if not all(number.isdigit() for number in numbers):
        return False
    return 0 < int(low) <= int(high) and int(numbers[2]) < int(numbers[3])
