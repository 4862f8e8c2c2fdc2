"""Keeping an assessment with its lesions and their sizes, all of it or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from registry.access import Viewer
from registry.course import queries
from registry.course.actions.entry import add, change, lock
from registry.db import new_id
from registry.errors import Conflict
from registry.language import gettext as _
from registry.patients.models import Patient


@dataclass(frozen=True)
class Sized:
    """A lesion at the assessment: known or new (then with its columns), its state and size.

    `version` is the copy of the measurement the page showed, 0 where there was none.
    """

    lesion_id: UUID
    state: str
    size_mm: Decimal | None
    version: int = 0
    columns: dict[str, Any] | None = None  # of a lesion entered here
    measurement: Any = None


@dataclass
class Assessed:
    """What was kept: the assessment, and every entry that is new or changed, in order."""

    response: Any
    entries: list[Any] = field(default_factory=list)


def keep_assessment(
    patient: Patient,
    *,
    by: Viewer,
    response: Any,
    version: int,
    response_id: UUID,
    values: dict[str, Any],
    absent: dict[str, Any],
    links: dict[str, Any],
    sizes: Sequence[Sized],
) -> Assessed:
    """Keep an assessment (`response` is None for a new one) and the size of every lesion.

    Raises Conflict when the assessment or a size was changed since the page was shown; then
    nothing is kept. Raises Invalid with the field for what cannot be.
    """
    _refuse_old(response, version, sizes)
    kept = Assessed(response)
    if response is None:
        response = add(
            "response", patient, by=by, values=values, absent=absent, entry_id=response_id, **links
        )
        kept.response = response
        kept.entries.append(response)
    else:
        known = {n: why for n, why in (response.absent or {}).items() if n not in values}
        change(response, by=by, version=version, values=values, absent=known | absent, **links)
        if response.version != version:
            kept.entries.append(response)
    for size in sizes:
        _keep_size(patient, kept, size, by=by)
    return kept


def _refuse_old(response: Any, version: int, sizes: Sequence[Sized]) -> None:
    if response is not None:
        lock(response, version)
        series = queries.series_of(response)
        there = {one.lesion_id: one for one in series.measurements if
                 one.response_id == response.id}  # fmt: skip
        for size in sizes:
            stands = there.get(size.lesion_id)
            if (stands.version if stands else 0) != size.version:
                raise Conflict(_("This was changed by somebody else while you were working on it."))


def _keep_size(patient: Patient, kept: Assessed, size: Sized, *, by: Viewer) -> None:
    response = kept.response
    if size.columns is not None:
        lesion = add(
            "lesion",
            patient,
            by=by,
            values=size.columns,
            entry_id=size.lesion_id,
            baseline_id=response.baseline_id or response.id,
            tumour_id=response.tumour_id,
        )
        kept.entries.append(lesion)
    values = {"state": size.state or None, "size_mm": size.size_mm}
    if size.measurement is not None:
        change(size.measurement, by=by, version=size.version, values=values)
        if size.measurement.version != size.version:
            kept.entries.append(size.measurement)
    elif size.state or size.size_mm is not None:
        kept.entries.append(
            add(
                "measurement",
                patient,
                by=by,
                values=values,
                entry_id=new_id(),
                lesion_id=size.lesion_id,
                response_id=response.id,
            )
        )
