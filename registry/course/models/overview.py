"""What was done so far and what was not; and what a tumour board elsewhere recommended."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from registry.course.models.entry import Entry
from registry.dates import PartialDate
from registry.db import Json, Model
from registry.dictionary import Identity, Level, variable
from registry.language import lazy_gettext as _l


def _done(label: Any, item: str = "") -> Any:
    return variable(
        label=label, kind="yes_no", level=Level.MINIMAL, absent=("not_known",), item=item
    )


class Overview(Entry, Model):
    """Yes, no or not known, as of a date: an empty list of therapies does not say "none".

    What was done has its own entries; this says what was not, and what nobody knows.
    """

    __tablename__ = "overview"
    entity = "overview"
    entity_label = _l("Done so far")
    entity_order = 62

    date: Mapped[PartialDate | None] = variable(label=_l("As of"), absent=("not_known",))
    ct_mri: Mapped[str | None] = _done(_l("CT or MRI done"))
    sstr_done: Mapped[str | None] = _done(_l("SSTR imaging done"))
    fdg_done: Mapped[str | None] = _done(_l("FDG PET done"))
    primary_resected: Mapped[str | None] = _done(_l("Primary tumour resected"))
    liver_directed: Mapped[str | None] = _done(_l("Liver-directed therapy given"))
    ssa: Mapped[str | None] = _done(_l("Somatostatin analogue given"))
    prrt: Mapped[str | None] = _done(_l("PRRT given"))
    targeted: Mapped[str | None] = _done(_l("Targeted therapy given"))
    chemotherapy: Mapped[str | None] = _done(_l("Chemotherapy given"))
    progressed: Mapped[str | None] = _done(_l("Progression so far"))
    board: Mapped[str | None] = _done(_l("Discussed in a tumour board"))


class BoardOpinion(Entry, Model):
    """A recommendation of a tumour board that is not run with this product."""

    __tablename__ = "board_opinion"
    entity = "board_opinion"
    entity_label = _l("Recommendation of a board")
    entity_order = 64

    date: Mapped[PartialDate | None] = variable(
        label=_l("Date of tumour board"),
        level=Level.MINIMAL,
        absent=("not_known",),
        item="board_date",
    )
    board: Mapped[str | None] = variable(
        sa.String(200), label=_l("Which board"), identity=Identity.FREE_TEXT
    )
    recommendation: Mapped[list[Any] | None] = variable(
        Json,
        label=_l("Recommendation"),
        kind="codes",
        codes="advice_kind",
        level=Level.MINIMAL,
        absent=("not_known",),
    )
    followed: Mapped[str | None] = variable(
        label=_l("Recommendation followed"), kind="yes_no", absent=("not_known",)
    )
    note: Mapped[str | None] = variable(
        sa.Text(), label=_l("In words"), identity=Identity.FREE_TEXT
    )
