"""A series of assessments: a baseline, what came after it, the lesions and every measurement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry.clinical import lesions
from registry.clinical.lesions import Assessment, Size
from registry.course import facts
from registry.course.models import BY_NAME, Lesion, Measurement, Response, links_of
from registry.course.queries.record import date_of, in_order, standing
from registry.course.rules import response as rule
from registry.db import db


@dataclass(frozen=True)
class Series:
    """Assessments in order, baseline first; lesions as entered; measurements by assessment."""

    responses: list[Response]
    lesions: list[Lesion]
    measurements: list[Measurement]

    def measured(self, response: Any, lesion: Any) -> Measurement | None:
        """What was measured of a lesion at an assessment."""
        found = [
            one
            for one in self.measurements
            if one.response_id == response.id and one.lesion_id == lesion.id
        ]
        return found[-1] if found else None

    def before(self, response: Any) -> Response | None:
        """The assessment before one; for one that is not kept yet the last."""
        earlier: Response | None = None
        for one in self.responses:
            if response is not None and one.id == response.id:
                break
            earlier = one
        return earlier

    def rows(self) -> tuple[list[dict[str, str]], ...]:
        """Lesions, assessments and measurements as the rule reads them."""
        return (
            [text_row(one) for one in self.lesions],
            [text_row(one) for one in self.responses],
            [text_row(one) for one in self.measurements],
        )

    def assessed(self) -> dict[str, Assessment]:
        """Every assessment as derived, by its id; empty where there are no lesions."""
        if not self.lesions:
            return {}
        return rule.assessments(*self.rows())

    def proposed(self, but: Any = None) -> Mapping[str, Size]:
        """The last size of each lesion before an assessment, by the lesion's id."""
        spots, visits, sizes = self.rows()
        if but is not None:
            ids = [str(one.id) for one in self.responses]
            earlier = ids[: ids.index(str(but.id))] if str(but.id) in ids else ids
            visits = [one for one in visits if one["id"] in earlier]
        return lesions.proposed(spots, visits, sizes)


def text_row(entry: Any) -> dict[str, str]:
    """An entry as texts: its id, its links and what it states."""
    found = {name: facts.plain(value) for name, value in facts.stated(entry).items()}
    found |= {f"{name}_id": getattr(entry, f"{name}_id") for name in links_of(type(entry))}
    plain = {name: "" if value is None else str(value) for name, value in found.items()}
    return {**plain, "id": str(entry.id)}


def series_of(response: Any) -> Series:
    """The series an assessment (fetched for a viewer) belongs to."""
    return series_of_baseline(response.patient_id, response.baseline_id or response.id)


def series_of_baseline(patient_id: UUID, baseline_id: UUID) -> Series:
    """The series that begins with a baseline of a patient fetched for a viewer."""
    own = standing(Response).where(
        Response.patient_id == patient_id,
        sa.or_(Response.id == baseline_id, Response.baseline_id == baseline_id),
    )
    responses = in_order(db.session.scalars(own).all())
    responses.sort(key=lambda one: one.id != baseline_id)  # the baseline first, whatever its date
    spots = standing(Lesion).where(Lesion.baseline_id == baseline_id)
    ids = [one.id for one in responses]
    sizes = standing(Measurement).where(Measurement.response_id.in_(ids))
    return Series(responses, _entered(spots), _entered(sizes))


def _entered(query: sa.Select[Any]) -> list[Any]:
    found = db.session.scalars(query).all()
    return sorted(found, key=lambda one: (one.entered_at, str(one.id)))


def latest(patient_id: UUID, entity: str, **where: Any) -> Any:
    """The latest dated entry of a kind of a patient fetched for a viewer; None without one."""
    model = BY_NAME[entity]
    query = standing(model).where(model.patient_id == patient_id).filter_by(**where)
    found = [one for one in in_order(db.session.scalars(query).all()) if date_of(one)]
    return found[-1] if found else None


def worked_on_last(patient_id: UUID) -> UUID | None:
    """Of several primaries, the one that the last entry made or changed is about."""
    each = [
        sa.select(model.changed_at, model.tumour_id).where(
            model.patient_id == patient_id,
            model.tumour_id.is_not(None),
            model.error_at.is_(None),
        )
        for model in BY_NAME.values()
        if hasattr(model, "tumour_id")
    ]
    every = sa.union_all(*each).subquery()
    query = sa.select(every.c.tumour_id).order_by(every.c.changed_at.desc()).limit(1)
    return db.session.scalar(query)


def next_cycle(patient_id: UUID, therapy_id: UUID | None) -> int:
    """The number of the next cycle of a therapy."""
    query = standing(BY_NAME["cycle"]).where(BY_NAME["cycle"].patient_id == patient_id)
    found = db.session.scalars(query.filter_by(therapy_id=therapy_id)).all()
    numbers = [int(one.number) for one in found if one.number is not None]
    return max([len(found), *numbers]) + 1
