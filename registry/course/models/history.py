"""What the patient brings: other illnesses, smoking, family."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from registry.course.models.entry import Entry
from registry.dates import PartialDate
from registry.db import Exact, Model
from registry.dictionary import Identity, Level, variable
from registry.language import lazy_gettext as _l


def _illness(label: Any) -> Any:
    return variable(label=label, kind="yes_no", level=Level.MINIMAL, absent=("not_known",))


class History(Entry, Model):
    """Illnesses and habits that bear on treatment, as of a date."""

    __tablename__ = "history"
    entity = "history"
    entity_label = _l("History and other illnesses")
    entity_order = 60

    date: Mapped[PartialDate | None] = variable(label=_l("As of"))
    smoking: Mapped[str | None] = variable(
        label=_l("Smoking"), codes="smoking", level=Level.MINIMAL, absent=("not_known",)
    )
    cardiac_comorbidity: Mapped[str | None] = _illness(_l("Heart disease"))
    renal_comorbidity: Mapped[str | None] = _illness(_l("Kidney disease"))
    diabetes: Mapped[str | None] = _illness(_l("Diabetes"))
    other_malignancy: Mapped[str | None] = _illness(_l("Another cancer"))
    family_history_endocrine: Mapped[str | None] = _illness(_l("Endocrine tumour in the family"))
    asbestos_exposure: Mapped[str | None] = variable(
        label=_l("Asbestos exposure"), kind="yes_no", absent=("not_known",)
    )
    radiation_exposure: Mapped[str | None] = variable(
        label=_l("Earlier exposure to radiation"), kind="yes_no", absent=("not_known",)
    )
    height_cm: Mapped[Decimal | None] = variable(
        Exact(),
        label=_l("Height"),
        unit="cm",
        plausible=(120, 210),
        possible=(30, 260),
        level=Level.MINIMAL,
        absent=("not_known",),
    )
    race_stated: Mapped[str | None] = variable(
        sa.String(80),
        label=_l("Race or ethnic group, as a source states it"),
        help=_l("Only kept where an imported source states it."),
        identity=Identity.QUASI,
        absent=("not_known", "not_done"),
    )
    note: Mapped[str | None] = variable(
        sa.Text(), label=_l("Other illnesses and medicines"), identity=Identity.FREE_TEXT
    )
