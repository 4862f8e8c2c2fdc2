"""What every entry of the course has: whose it is, who entered it, from where, and which copy."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, declared_attr

from registry.db import Exact, Json, Moment, new_id, now
from registry.dictionary import technical, variable
from registry.language import lazy_gettext as _l

NOT_GIVEN = ("not_known", "not_done", "not_available")


class Entry:
    """A dated, attributed entry about a patient. `absent` says why values are missing."""

    entity: str
    entity_label: Any
    entity_order: int
    #: The column that dates the entry.
    dated_by: str = "date"

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    version: Mapped[int] = technical(default=1)
    patient_id: Mapped[UUID] = technical(sa.ForeignKey("patient.id"), index=True)
    organisation_id: Mapped[UUID | None] = technical(sa.ForeignKey("organisation.id"))
    entered_by: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
    entered_at: Mapped[datetime] = technical(Moment(), default=now)
    changed_at: Mapped[datetime] = technical(Moment(), default=now)
    changed_by: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
    source_kind: Mapped[str] = technical(sa.String(20), default="entered")
    source_id: Mapped[str] = technical(sa.String(80), default="")
    absent: Mapped[dict[str, Any]] = technical(Json, default=dict)
    #: Warnings that were seen and accepted: {check: {"because", "by", "at", "mark"}}.
    accepted: Mapped[dict[str, Any]] = technical(Json, default=dict)
    #: Entered in error: nothing is deleted; such an entry counts nowhere and can be taken back.
    error_at: Mapped[datetime | None] = technical(Moment())
    error_by: Mapped[UUID | None] = technical(sa.ForeignKey("person.id"))
    error_because: Mapped[str | None] = technical(sa.Text())

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805
        return {"version_id_col": cls.version}


class OfTumour:
    """An entry about one of the patient's tumours."""

    tumour_id: Mapped[UUID | None] = technical(sa.ForeignKey("tumour.id"), index=True)


class OfTherapy:
    """An entry that may be about one of the patient's therapies."""

    therapy_id: Mapped[UUID | None] = technical(sa.ForeignKey("therapy.id"), index=True)


class SinceDiagnosis:
    """The time of an entry as an interval, where the source states no date. Never turned into
    a date."""

    interval: Mapped[Decimal | None] = variable(
        Exact(),
        label=_l("Time since diagnosis, as stated"),
        help=_l("Where the source gives an interval and no date."),
        possible=(-1200, 60000),
    )
    interval_unit: Mapped[str | None] = variable(
        label=_l("Unit of that time"), codes="interval_unit"
    )


class Recharacterised:
    """A later assessment of the same thing: a true change, or a correction of an earlier one."""

    change_kind: Mapped[str | None] = variable(
        label=_l("Compared with the earlier assessment"),
        help=_l("Leave empty for the first."),
        codes="change_kind",
    )
