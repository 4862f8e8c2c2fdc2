"""One therapy: what, why, from when to when, and why it stopped."""

from __future__ import annotations

from decimal import Decimal

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Mapped

from registry.course.models.entry import Entry, OfTumour, SinceDiagnosis
from registry.dates import PartialDate
from registry.db import Exact, Model
from registry.dictionary import Identity, Level, variable


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
    dose: Mapped[str | None] = variable(
        sa.String(100), label=_l("Dose"), identity=Identity.FREE_TEXT
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
    note: Mapped[str | None] = variable(sa.Text(), label=_l("Note"), identity=Identity.FREE_TEXT)
