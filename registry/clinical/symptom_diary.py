"""The registry's own short diary: flushing, stools, pain, wellbeing; means and change.

Table: `data/symptom_diary.csv` (wording of this project; no instrument of another holder). Counts
change by a share: 30 % fewer is the limit of the carcinoid-syndrome trials (S78). Pain and
wellbeing change by two points of ten (general knowledge). Days that were not kept are not filled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from registry.clinical import tables
from registry.clinical.numbers import plain
from registry.clinical.partial_dates import DAY, bounds, precision
from registry.clinical.results import N_, Reason

RULE, VERSION = "SYMPTOM-DIARY", "1"

BETTER, WORSE, SAME, UNKNOWN = "better", "worse", "same", "unknown"
SHARE = "share"

# A share of a count that small is chance: from one episode to none is no response.
LEAST_EPISODES = Decimal(1)

Entry = Mapping[str, Decimal | None]


@dataclass(frozen=True, slots=True)
class DiaryChange:
    """One item in two periods: the means, the days they rest on, the direction, and why."""

    item: str
    before: Decimal | None
    after: Decimal | None
    days_before: int
    days_after: int
    direction: str
    reason: Reason
    source: str
    confidence: str


def items() -> tuple[str, ...]:
    """The items in the order they are asked."""
    return tuple(row["item"] for row in tables.rows("symptom_diary"))


def question(item: str) -> str:
    """The English wording of an item, for translation. Raises KeyError for an unknown one."""
    return tables.by_key("symptom_diary", "item")[item]["label"]


def problem(item: str, value: Decimal) -> Reason | None:
    """Why an answer is not possible, or None. Raises KeyError for an unknown item."""
    row = tables.by_key("symptom_diary", "item")[item]
    if Decimal(row["lowest"]) <= value <= Decimal(row["highest"]):
        return None
    template = N_("%(value)s is not possible: %(low)s to %(high)s.")
    values = {"value": plain(value), "low": row["lowest"], "high": row["highest"]}
    return Reason(template, values)


def mean(entries: Sequence[Entry], item: str) -> tuple[Decimal | None, int]:
    """The mean of an item over the days that have it, and how many these are."""
    given = [value for value in (entry.get(item) for entry in entries) if value is not None]
    if not given:
        return None, 0
    return sum(given, Decimal(0)) / len(given), len(given)


def period(dated: Sequence[tuple[str, Entry]], first: str, last: str) -> tuple[Entry, ...]:
    """The entries of the days from first to last (ISO, to the day), both included.

    An entry whose day is not known belongs to no period.
    """
    low, high = bounds(first)[0], bounds(last)[1]
    return tuple(
        entry
        for day, entry in dated
        if day and precision(day) == DAY and low <= bounds(day)[0] <= high
    )


def change(before: Sequence[Entry], after: Sequence[Entry]) -> tuple[DiaryChange, ...]:
    """Every item in two periods: better, worse, same, or unknown where one of them has no day."""
    return tuple(_change(row, before, after) for row in tables.rows("symptom_diary"))


def _change(
    row: Mapping[str, str], before: Sequence[Entry], after: Sequence[Entry]
) -> DiaryChange:  # fmt: skip
    item = row["item"]
    (one, days_before), (other, days_after) = mean(before, item), mean(after, item)
    direction, reason = _judge(row, one, other)
    return DiaryChange(
        item=item,
        before=one,
        after=other,
        days_before=days_before,
        days_after=days_after,
        direction=direction,
        reason=reason,
        source=row["source"],
        confidence=row["confidence"],
    )


def _judge(
    row: Mapping[str, str], before: Decimal | None, after: Decimal | None
) -> tuple[str, Reason]:
    if before is None or after is None:
        return UNKNOWN, Reason(N_("No day was kept in one of the two periods."))
    moved = after - before
    least = Decimal(row["least_change"])
    if row["change_kind"] == SHARE:
        needed = max(before * least, LEAST_EPISODES)
        template = N_("From %(before)s to %(after)s a day; %(needed)s or more is a change.")
    else:
        needed = least
        template = N_("From %(before)s to %(after)s points; %(needed)s or more is a change.")
    values = {"before": _short(before), "after": _short(after), "needed": _short(needed)}
    reason = Reason(template, values)
    if abs(moved) < needed:
        return SAME, reason
    higher_is_better = row["direction"] == "higher=better"
    return (BETTER if (moved > 0) == higher_is_better else WORSE), reason


def _short(value: Decimal) -> str:
    return plain(value.quantize(Decimal("0.1")))
