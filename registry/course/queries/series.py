"""A series of assessments: a baseline, what came after it, the lesions and every measurement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry.course import facts
from registry.course.models import BY_NAME, Lesion, Measurement, Response
from registry.course.queries.record import date_of, in_order, standing
from registry.course.rules.response import Target, Visit
from registry.db import db


@dataclass(frozen=True)
class Series:
    """Assessments in order, baseline first; lesions as entered; measurements by assessment."""

    responses: list[Response]
    lesions: list[Lesion]
    measurements: list[Measurement]

    @property
    def baseline(self) -> Response:
        """The assessment the series begins with."""
        return self.responses[0]

    def measured(self, response: Any, lesion: Any) -> Measurement | None:
        """What was measured of a lesion at an assessment."""
        found = [
            one
            for one in self.measurements
            if one.response_id == response.id and one.lesion_id == lesion.id
        ]
        return found[-1] if found else None

    def visit(self, response: Any) -> Visit:
        """An assessment as the rule reads it."""
        lesions = {
            str(one.lesion_id): (one.state or "", one.size_mm)
            for one in self.measurements
            if one.response_id == response.id
        }
        return Visit(facts.stated(response), lesions)

    def before(self, response: Any) -> list[Visit]:
        """The assessments before one, oldest first."""
        found = []
        for one in self.responses:
            if one.id == response.id:
                break
            found.append(self.visit(one))
        return found

    @property
    def targets(self) -> list[Target]:
        """The lesions as the rule reads them."""
        return [target(one) for one in self.lesions]


def target(lesion: Any) -> Target:
    """A lesion as the rule reads it."""
    return Target(
        str(lesion.id),
        lesion.organ or "",
        lesion.is_node == "yes" or (lesion.is_node is None and lesion.organ == "nodes"),
        lesion.role or "",
    )


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
    lesions = standing(Lesion).where(Lesion.baseline_id == baseline_id)
    ids = [one.id for one in responses]
    sizes = standing(Measurement).where(Measurement.response_id.in_(ids))
    return Series(
        responses,
        sorted(db.session.scalars(lesions).all(), key=lambda one: (one.entered_at, str(one.id))),
        sorted(db.session.scalars(sizes).all(), key=lambda one: (one.entered_at, str(one.id))),
    )


def latest(patient_id: UUID, entity: str, **where: Any) -> Any:
    """The latest dated entry of a kind of a patient fetched for a viewer; None without one."""
    model = BY_NAME[entity]
    query = standing(model).where(model.patient_id == patient_id).filter_by(**where)
    found = [one for one in in_order(db.session.scalars(query).all()) if date_of(one)]
    return found[-1] if found else None
