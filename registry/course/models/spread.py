"""Where the disease spread to, and the syndromes it caused over time."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from registry.course.models.entry import Entry, OfTumour, SinceDiagnosis
from registry.dates import PartialDate
from registry.db import Model
from registry.dictionary import Identity, variable
from registry.language import lazy_gettext as _l


class Metastasis(Entry, OfTumour, SinceDiagnosis, Model):
    """Metastases in one place: since when, on what evidence, and until when."""

    __tablename__ = "metastasis"
    entity = "metastasis"
    entity_label = _l("Metastasis")
    entity_order = 35

    site: Mapped[str | None] = variable(label=_l("Where"), codes="metastatic_site")
    date: Mapped[PartialDate | None] = variable(label=_l("First found"), absent=("not_known",))
    basis: Mapped[str | None] = variable(
        label=_l("On what evidence"), codes="metastasis_basis", absent=("not_known",)
    )
    resolved_date: Mapped[PartialDate | None] = variable(
        label=_l("No longer seen since"), help=_l("Leave empty while it is there.")
    )
    note: Mapped[str | None] = variable(sa.Text(), label=_l("Note"), identity=Identity.FREE_TEXT)


class Syndrome(Entry, OfTumour, SinceDiagnosis, Model):
    """A hormonal syndrome over a period, and how well it was controlled."""

    __tablename__ = "syndrome"
    entity = "syndrome"
    entity_label = _l("Functioning syndrome")
    entity_order = 37
    dated_by = "start"

    syndrome: Mapped[str | None] = variable(label=_l("Syndrome"), codes="functioning_syndrome")
    start: Mapped[PartialDate | None] = variable(label=_l("From"), absent=("not_known",))
    stop: Mapped[PartialDate | None] = variable(
        label=_l("Until"), help=_l("Leave empty while it goes on."), absent=("not_known",)
    )
    control: Mapped[str | None] = variable(
        label=_l("Control"), codes="syndrome_control", absent=("not_known",)
    )
    note: Mapped[str | None] = variable(sa.Text(), label=_l("Note"), identity=Identity.FREE_TEXT)
