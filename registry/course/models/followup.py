"""Follow-up: alive or dead, how the disease stands, how the patient is; progressions; endpoints."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from registry.course.models.entry import Entry, OfTumour, SinceDiagnosis
from registry.dates import PartialDate
from registry.db import Exact, Json, Model
from registry.dictionary import Identity, Level, variable
from registry.language import lazy_gettext as _l


class FollowUp(Entry, SinceDiagnosis, Model):
    """The patient's standing on a date. The latest one tells the vital status."""

    __tablename__ = "follow_up"
    entity = "follow_up"
    entity_label = _l("Follow-up")
    entity_order = 100

    date: Mapped[PartialDate | None] = variable(
        label=_l("Date of contact"),
        level=Level.MINIMAL,
        absent=("not_known",),
        item="last_contact_date",
    )
    contact_kind: Mapped[str | None] = variable(
        label=_l("Kind of contact"), codes="contact_kind", absent=("not_known",)
    )
    vital_status: Mapped[str | None] = variable(
        label=_l("Vital status"),
        codes="vital_status",
        level=Level.MINIMAL,
        absent=("not_known",),
        mappings={"ERDRI": "3.1"},
    )
    death_date: Mapped[PartialDate | None] = variable(
        label=_l("Date of death"),
        level=Level.MINIMAL,
        absent=("not_known",),
        show_if=("vital_status", {"dead"}),
        mappings={"ERDRI": "3.2", "FHIR": "Patient.deceasedDateTime", "OMOP": "death"},
    )
    death_cause: Mapped[str | None] = variable(
        label=_l("Cause of death"),
        codes="death_cause",
        level=Level.MINIMAL,
        absent=("not_known",),
        show_if=("vital_status", {"dead"}),
    )
    disease_status: Mapped[str | None] = variable(
        label=_l("Disease status"),
        codes="disease_status",
        level=Level.MINIMAL,
        absent=("not_known", "not_done"),
        mappings={"FHIR": "mcode-cancer-disease-status", "LOINC": "97509-4"},
    )
    ecog: Mapped[str | None] = variable(
        label=_l("ECOG performance status"),
        codes="ecog",
        level=Level.MINIMAL,
        absent=("not_known", "not_done"),
        mappings={"LOINC": "89247-1"},
    )
    weight_kg: Mapped[Decimal | None] = variable(
        Exact(),
        label=_l("Weight"),
        unit="kg",
        plausible=(35, 180),
        possible=(2, 400),
        level=Level.MINIMAL,
        absent=("not_known", "not_done"),
    )
    progression_since: Mapped[str | None] = variable(
        label=_l("Progression since the last contact"),
        kind="yes_no",
        absent=("not_known", "not_done"),
    )
    therapies_go_on: Mapped[str | None] = variable(
        label=_l("The therapies go on as they were"),
        kind="yes_no",
        absent=("not_known", "not_applicable"),
    )
    imaging_since: Mapped[str | None] = variable(
        label=_l("Imaging since the last contact"), kind="yes_no", absent=("not_known",)
    )
    next_visit: Mapped[PartialDate | None] = variable(
        label=_l("Next visit"), absent=("not_known", "not_applicable")
    )
    note: Mapped[str | None] = variable(sa.Text(), label=_l("Note"), identity=Identity.FREE_TEXT)


class Progression(Entry, OfTumour, SinceDiagnosis, Model):
    """The disease went on: when and on what evidence."""

    __tablename__ = "progression"
    entity = "progression"
    entity_label = _l("Progression or recurrence")
    entity_order = 90

    date: Mapped[PartialDate | None] = variable(
        label=_l("Date of progression"),
        level=Level.MINIMAL,
        absent=("not_known",),
        item="progression_date",
    )
    kind: Mapped[str | None] = variable(
        label=_l("What happened"), codes="progression_kind", absent=("not_known",)
    )
    basis: Mapped[str | None] = variable(
        label=_l("On what evidence"),
        help=_l("A marker that rises alone is biochemical and no RECIST progression."),
        codes="progression_basis",
        absent=("not_known",),
    )
    sites: Mapped[list[Any] | None] = variable(
        Json,
        label=_l("Where"),
        kind="codes",
        codes="metastatic_site",
    )
    note: Mapped[str | None] = variable(sa.Text(), label=_l("Note"), identity=Identity.FREE_TEXT)


class StatedEndpoint(Entry, Model):
    """A survival time as a source states it: kept as stated, never recomputed."""

    __tablename__ = "stated_endpoint"
    entity = "stated_endpoint"
    entity_label = _l("Endpoint as a source states it")
    entity_order = 110
    dated_by = "entered_at"

    endpoint: Mapped[str | None] = variable(label=_l("Endpoint"), codes="endpoint")
    time: Mapped[Decimal | None] = variable(
        Exact(), label=_l("Time"), possible=(-1200, 60000), absent=("not_known",)
    )
    time_unit: Mapped[str | None] = variable(label=_l("Unit"), codes="interval_unit")
    event: Mapped[str | None] = variable(
        label=_l("Event happened"), kind="yes_no", absent=("not_known",)
    )
    starts_at: Mapped[str | None] = variable(
        label=_l("Counted from"), codes="endpoint_start", absent=("not_known",)
    )
