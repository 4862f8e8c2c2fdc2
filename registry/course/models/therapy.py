"""Therapies: what, why, from when to when, why it stopped; and the cycles given."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from registry.course.models.entry import Entry, OfTherapy, OfTumour, SinceDiagnosis
from registry.dates import PartialDate
from registry.db import Exact, Json, Model
from registry.dictionary import Identity, Level, variable
from registry.language import lazy_gettext as _l


class Therapy(Entry, OfTumour, SinceDiagnosis, Model):
    """A drug or regimen, an operation, a liver-directed procedure, radionuclide therapy."""

    __tablename__ = "therapy"
    entity = "therapy"
    entity_label = _l("Therapy")
    entity_order = 70
    dated_by = "start"

    therapy_class: Mapped[str | None] = variable(
        label=_l("Kind of therapy"),
        codes="therapy_class",
        level=Level.MINIMAL,
        item="primary_resected",
    )
    agent: Mapped[str | None] = variable(
        label=_l("Agent, regimen or procedure"),
        codes="therapy",
        level=Level.MINIMAL,
        absent=("not_known",),
        item="ssa",
    )
    agent_stated: Mapped[str | None] = variable(
        sa.String(200),
        label=_l("In the source's words"),
        help=_l("If it is not in the list."),
        identity=Identity.FREE_TEXT,
    )
    intent: Mapped[str | None] = variable(
        label=_l("Intent"), codes="therapy_intent", absent=("not_known",)
    )
    setting: Mapped[str | None] = variable(
        label=_l("Setting"),
        help=_l("Background: an analogue for symptoms beside another therapy; it opens no line."),
        codes="therapy_setting",
        absent=("not_known",),
    )
    treated_sites: Mapped[list[Any] | None] = variable(
        Json,
        label=_l("What was treated"),
        kind="codes",
        codes="specimen_site",
        show_if=("therapy_class", {"surgery", "liver-directed", "ablation", "radiotherapy"}),
    )
    trial: Mapped[str | None] = variable(
        sa.String(80),
        label=_l("Within a trial"),
        help=_l("Registry number, such as NCT and eight digits, or the trial's name."),
        identity=Identity.FREE_TEXT,
    )
    start: Mapped[PartialDate | None] = variable(
        label=_l("Start"), level=Level.MINIMAL, absent=("not_known",), item="surgery_date"
    )
    stop: Mapped[PartialDate | None] = variable(
        label=_l("Stop"),
        help=_l("Leave empty while it goes on."),
        level=Level.MINIMAL,
        absent=("not_known", "not_applicable"),
        item="prrt",
    )
    cycles: Mapped[Decimal | None] = variable(
        Exact(), label=_l("Cycles given"), plausible=(1, 12), possible=(0, 200), width=3
    )
    dose_value: Mapped[Decimal | None] = variable(
        Exact(), label=_l("Dose"), possible=(0, 100_000), absent=("not_known",), width=6
    )
    dose_unit: Mapped[str | None] = variable(label=_l("Unit of the dose"), codes="dose_unit")
    interval_days: Mapped[Decimal | None] = variable(
        Exact(),
        label=_l("Given every"),
        unit=_l("days"),
        plausible=(1, 90),
        possible=(0, 400),
        width=4,
    )
    dose: Mapped[str | None] = variable(
        sa.String(100), label=_l("Dose in words"), identity=Identity.FREE_TEXT
    )
    stop_reason: Mapped[str | None] = variable(
        label=_l("Why it stopped"),
        codes="stop_reason",
        level=Level.MINIMAL,
        absent=("not_known",),
    )
    best_response: Mapped[str | None] = variable(
        label=_l("Best response, as stated"),
        codes="response",
        level=Level.MINIMAL,
        absent=("not_known", "not_done"),
    )
    residual: Mapped[str | None] = variable(
        label=_l("Residual tumour after surgery"),
        codes="residual",
        level=Level.MINIMAL,
        absent=("not_known", "not_applicable"),
        show_if=("therapy_class", {"surgery"}),
    )
    line_override: Mapped[Decimal | None] = variable(
        Exact(),
        label=_l("Line, if the derived one is wrong"),
        help=_l("A whole number; 0 means that it is no line. The derived line stays beside it."),
        possible=(0, 30),
        width=3,
    )
    line_override_reason: Mapped[str | None] = variable(
        sa.String(300), label=_l("Why another line"), identity=Identity.FREE_TEXT
    )
    note: Mapped[str | None] = variable(sa.Text(), label=_l("Note"), identity=Identity.FREE_TEXT)


class Cycle(Entry, OfTherapy, Model):
    """One cycle or administration, with what was measured before it."""

    __tablename__ = "cycle"
    entity = "cycle"
    entity_label = _l("Cycle")
    entity_order = 72

    number: Mapped[Decimal | None] = variable(
        Exact(), label=_l("Cycle"), plausible=(1, 12), possible=(1, 200), width=3
    )
    date: Mapped[PartialDate | None] = variable(label=_l("Given on"), absent=("not_known",))
    activity_gbq: Mapped[Decimal | None] = variable(
        Exact(),
        label=_l("Activity given"),
        unit="GBq",
        plausible=(1, 12),
        possible=(0, 60),
        absent=("not_known", "not_applicable"),
    )
    dose_value: Mapped[Decimal | None] = variable(
        Exact(), label=_l("Dose"), possible=(0, 100_000), width=6
    )
    dose_unit: Mapped[str | None] = variable(label=_l("Unit of the dose"), codes="dose_unit")
    delayed: Mapped[str | None] = variable(
        label=_l("Delayed or reduced"), kind="yes_no", absent=("not_known",)
    )
    egfr: Mapped[Decimal | None] = variable(
        Exact(),
        label=_l("eGFR before the cycle"),
        unit=_l("mL/min/1.73 m²"),
        plausible=(30, 140),
        possible=(0, 250),
        absent=("not_known", "not_done"),
    )
    creatinine: Mapped[Decimal | None] = variable(
        Exact(),
        label=_l("Creatinine before the cycle"),
        unit="µmol/L",
        plausible=(30, 200),
        possible=(5, 3000),
        absent=("not_known", "not_done"),
    )
    haemoglobin: Mapped[Decimal | None] = variable(
        Exact(),
        label=_l("Haemoglobin before the cycle"),
        unit="g/L",
        plausible=(70, 190),
        possible=(10, 300),
        absent=("not_known", "not_done"),
    )
    platelets: Mapped[Decimal | None] = variable(
        Exact(),
        label=_l("Platelets before the cycle"),
        unit="10⁹/L",
        plausible=(50, 600),
        possible=(0, 3000),
        absent=("not_known", "not_done"),
    )
    note: Mapped[str | None] = variable(sa.Text(), label=_l("Note"), identity=Identity.FREE_TEXT)
