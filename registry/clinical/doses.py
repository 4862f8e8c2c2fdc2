"""Plausibility of doses and of laboratory values: ok, warn or reject. Not dosing advice.

Tables: `data/therapy_components.csv` (limits built by this project round the published dose) and
`data/codes/biomarker.csv` (units and plausible ranges; S31, S47-S49, S52).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from functools import cache

from registry.clinical import tables
from registry.clinical.numbers import plain
from registry.clinical.results import (
    COMPLETE,
    INVALID_INPUT,
    N_,
    NOT_DERIVABLE,
    REVIEW,
    Derived,
    Reason,
)

RULE, VERSION = "DOSE-RANGE", "1"
OK, WARN_LOW, WARN_HIGH, REJECT = "ok", "warn_low", "warn_high", "reject"
NOT_CHECKED = "not_checked"
#: Units of one kind, each with its size; 1 mCi is 37 MBq by definition.
_KINDS: tuple[Mapping[str, Decimal], ...] = (
    {"ug": Decimal(1), "mg": Decimal(1000), "g": Decimal(1_000_000)},
    {"MBq": Decimal(1), "GBq": Decimal(1000), "mCi": Decimal(37)},
)


@cache
def _components() -> Mapping[tuple[str, str], Mapping[str, str]]:
    return {(r["therapy_id"], r["ingredient"]): r for r in tables.rows("therapy_components")}


def ingredients(therapy_id: str) -> tuple[str, ...]:
    """The ingredients of a therapy that have a dose, in order."""
    return tuple(ingredient for therapy, ingredient in _components() if therapy == therapy_id)


def unit(therapy_id: str, ingredient: str) -> str:
    """The unit a dose is given in. Raises ValueError for an unknown component."""
    return _component(therapy_id, ingredient)["dose_unit"]


def _component(therapy_id: str, ingredient: str) -> Mapping[str, str]:
    row = _components().get((therapy_id, ingredient))
    if row is None:
        values = {"value": f"{therapy_id[:40]} / {ingredient[:40]}"}
        raise ValueError(N_("therapy and ingredient: unknown code %(value)s") % values)
    return row


def check_stated(therapy_id: str, ingredient: str, dose: Decimal, stated: str) -> Derived:
    """As `check_dose` for a dose in any unit: converted where both are of mass or of activity, else
    NOT_CHECKED with the reason (a dose per m² says nothing of one in mg without the surface)."""
    own = unit(therapy_id, ingredient)
    if stated == own:
        return check_dose(therapy_id, ingredient, dose)
    values = {"dose": plain(dose), "unit": stated, "own": own}
    inputs = {"therapy_id": therapy_id, "ingredient": ingredient, "dose_value": plain(dose),
              "dose_unit": stated}  # fmt: skip
    kind = next((sizes for sizes in _KINDS if stated in sizes and own in sizes), None)
    if kind is None:
        reason = Reason(
            N_("%(dose)s %(unit)s was not checked: the usual range is known in %(own)s."), values
        )
        return Derived(NOT_CHECKED, NOT_DERIVABLE, (reason,), (), inputs, RULE, VERSION, "project")
    found = check_dose(therapy_id, ingredient, dose * kind[stated] / kind[own])
    values["converted"] = plain(dose * kind[stated] / kind[own])
    said = Reason(N_("%(dose)s %(unit)s are %(converted)s %(own)s."), values)
    return replace(found, reasons=(*found.reasons, said), inputs=inputs)


def check_dose(therapy_id: str, ingredient: str, dose: Decimal) -> Derived:
    """Whether a dose (in the unit of the table) is plausible; the usual bounds are inclusive.

    Zero and below, and above the highest limit, are rejected. Raises ValueError for an unknown
    therapy or ingredient.
    """
    row = _component(therapy_id, ingredient)
    values = {
        "dose": plain(dose),
        "unit": row["dose_unit"],
        "low": row["warn_below"],
        "high": row["warn_above"],
        "limit": row["reject_above"],
        "standard": row["dose_standard"],
    }
    answer, template = _judge(dose, row)
    status = {OK: COMPLETE, REJECT: INVALID_INPUT}.get(answer, REVIEW)
    return Derived(
        answer=answer,
        status=status,
        reasons=(Reason(template, values),),
        flags=(),
        inputs={"therapy_id": therapy_id, "ingredient": ingredient, "dose_value": plain(dose)},
        rule=RULE,
        version=VERSION,
        source=row["status"],
        confidence=row["confidence"],
    )


def _judge(dose: Decimal, row: Mapping[str, str]) -> tuple[str, str]:
    if dose <= 0:
        return REJECT, N_("A dose of %(dose)s %(unit)s is not possible.")
    if dose > Decimal(row["reject_above"]):
        return REJECT, N_("%(dose)s %(unit)s is above %(limit)s: an entry error.")
    if dose < Decimal(row["warn_below"]):
        return WARN_LOW, N_("%(dose)s %(unit)s is below the usual %(low)s to %(high)s.")
    if dose > Decimal(row["warn_above"]):
        return WARN_HIGH, N_("%(dose)s %(unit)s is above the usual %(low)s to %(high)s.")
    return OK, N_("%(dose)s %(unit)s is within the usual %(low)s to %(high)s.")


def check_biomarker(analyte: str, value: Decimal, stated_unit: str) -> Derived:
    """Whether a laboratory value is plausible in its unit (codes of the list biomarker).

    A negative value or a unit the analyte does not have is rejected; another listed unit is not
    converted and raises nothing. Raises ValueError for an unknown analyte.
    """
    row = tables.by_key("codes/biomarker", "code").get(analyte)
    if row is None:
        raise ValueError(N_("analyte: unknown code %(value)s") % {"value": analyte[:40]})
    values = {"value": plain(value), "unit": stated_unit, "wanted": row["unit"],
              "low": row["plausible_min"], "high": row["plausible_max"]}  # fmt: skip
    answer, template = _judge_value(value, stated_unit, row)
    return Derived(
        answer=answer,
        status={OK: COMPLETE, REJECT: INVALID_INPUT}.get(answer, REVIEW),
        reasons=(Reason(template, values),),
        flags=(),
        inputs={"analyte": analyte, "value": plain(value), "unit": stated_unit},
        rule="BIOMARKER-RANGE",
        version=VERSION,
        source=row["source"],
        confidence=row["confidence"],
    )


def is_plausible(analyte: str, value: Decimal, stated_unit: str) -> bool:
    """Whether a value in the unit of the list lies in its plausible range, which is inclusive.

    The same as `check_biomarker`, without saying why: a record has hundreds, and most do. False for
    another unit and for an unknown analyte: there `check_biomarker` tells more.
    """
    known = _plausible().get((analyte, stated_unit))
    return known is not None and known[0] <= value <= known[1] and value >= 0


@cache
def _plausible() -> Mapping[tuple[str, str], tuple[Decimal, Decimal]]:
    """The plausible range of each analyte, in its unit."""
    return {
        (row["code"], row["unit"]): (Decimal(row["plausible_min"]), Decimal(row["plausible_max"]))
        for row in tables.rows("codes/biomarker")
    }


def _judge_value(value: Decimal, stated_unit: str, row: Mapping[str, str]) -> tuple[str, str]:
    if value < 0:
        return REJECT, N_("A value of %(value)s %(unit)s is not possible.")
    if stated_unit != row["unit"]:
        others = [other.split(" (")[0].strip() for other in row["other_units"].split(";")]
        if stated_unit and stated_unit in others:
            return OK, N_("%(value)s %(unit)s: the plausible range is known in %(wanted)s only.")
        return REJECT, N_("A unit is needed: %(wanted)s or a listed one, not %(unit)s.")
    if value > Decimal(row["plausible_max"]):
        return WARN_HIGH, N_("%(value)s %(unit)s is above the plausible %(low)s to %(high)s.")
    if value < Decimal(row["plausible_min"]):
        return WARN_LOW, N_("%(value)s %(unit)s is below the plausible %(low)s to %(high)s.")
    return OK, N_("%(value)s %(unit)s is within the plausible %(low)s to %(high)s.")
