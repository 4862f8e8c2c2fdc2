"""Activity over several courses of radionuclide therapy: what kidneys and marrow have had so far.

Activities of one radionuclide add up; those of another have another dose to the organs and are not
added. A course without a date, an agent or an activity adds nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from registry.clinical import doses

PRRT = "PRRT"


def nuclide(agent: str | None) -> str:
    """The radionuclide of an agent of the catalogue (`177Lu`), "" for one that is not known."""
    ingredients = doses.ingredients(agent or "")
    return ingredients[0].partition("-")[0] if ingredients else ""


def activity_before(therapy: Any, therapies: Iterable[Any], cycles: Iterable[Any]) -> Decimal:
    """GBq given in courses with the same radionuclide that began before this one.

    Therapies have id, therapy_class, agent and start; cycles have therapy_id and activity_gbq.
    """
    own = nuclide(therapy.agent)
    if therapy.therapy_class != PRRT or therapy.start is None or not own:
        return Decimal(0)
    earlier = {
        str(one.id)
        for one in therapies
        if one.therapy_class == PRRT
        and one.id != therapy.id
        and one.start is not None
        and one.start.earliest < therapy.start.earliest
        and nuclide(one.agent) == own
    }
    given = (one.activity_gbq for one in cycles if str(one.therapy_id) in earlier)
    return sum((activity for activity in given if activity is not None), Decimal(0))
