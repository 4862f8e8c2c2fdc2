"""Dates in an impossible order. Partial dates are compared by what they certainly mean."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from registry.clinical import tables
from registry.clinical.edit_checks.finding import REFUSE, Finding, name_of
from registry.clinical.partial_dates import bounds, surely_before
from registry.clinical.results import N_, Reason


def date_order(
    earlier: str, later: str, *, variables: tuple[str, str], severity: str = REFUSE
) -> Finding | None:
    """A date that is certainly after one it must not follow. Blank dates raise nothing.

    Partial dates are compared by what they certainly mean: 2024 and 2024-03 are in order.
    """
    if not earlier or not later or not surely_before(later, earlier):
        return None
    reason = Reason(
        N_("%(later_name)s (%(later)s) is before %(earlier_name)s (%(earlier)s)."),
        {
            "later_name": name_of(variables[1]),
            "later": later,
            "earlier_name": name_of(variables[0]),
            "earlier": earlier,
        },
    )
    return Finding("date_order", severity, reason, variables)


def date_orders(dates: Mapping[str, str]) -> tuple[Finding, ...]:
    """Every pair of `data/date_order.csv` that is out of order among these dates.

    `dates` has "entity.variable" to an ISO date of any precision.
    """
    found = []
    for row in tables.rows("date_order"):
        finding = date_order(
            dates.get(row["earlier"], ""),
            dates.get(row["later"], ""),
            variables=(row["earlier"], row["later"]),
            severity=row["severity"],
        )
        if finding is not None:
            found.append(finding)
    return tuple(found)


def in_future(value: str, today: date, *, variable: str) -> Finding | None:
    """A date that certainly lies after today."""
    if not value or bounds(value)[0] <= today:
        return None
    reason = Reason(
        N_("%(name)s (%(date)s) lies in the future."), {"name": name_of(variable), "date": value}
    )
    return Finding("date_in_future", REFUSE, reason, (variable,))
