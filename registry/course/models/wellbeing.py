"""How the patient fares: side effects, questionnaires, symptom diary, late effects, needs."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from registry.course.models.entry import Entry, OfTherapy
from registry.dates import PartialDate
from registry.db import Exact, Json, Model
from registry.dictionary import Identity, technical, variable
from registry.language import lazy_gettext as _l


class AdverseEvent(Entry, OfTherapy, Model):
    """A side effect by CTCAE: what, how grave, whether from the therapy, what was done."""

    __tablename__ = "adverse_event"
    entity = "adverse_event"
    entity_label = _l("Side effect")
    entity_order = 92
    dated_by = "start"

    term: Mapped[str | None] = variable(
        label=_l("Side effect (CTCAE term)"),
        help=_l("Type part of the name."),
        codes="ctcae_term",
    )
    grade: Mapped[str | None] = variable(
        label=_l("Grade"), codes="ctcae_grade", absent=("not_known",)
    )
    start: Mapped[PartialDate | None] = variable(label=_l("From"), absent=("not_known",))
    stop: Mapped[PartialDate | None] = variable(
        label=_l("Until"), help=_l("Leave empty while it goes on."), absent=("not_known",)
    )
    attribution: Mapped[str | None] = variable(
        label=_l("Caused by the therapy"), codes="attribution", absent=("not_known",)
    )
    action_taken: Mapped[str | None] = variable(
        label=_l("What was done"), codes="action_taken", absent=("not_known",)
    )
    serious: Mapped[str | None] = variable(
        label=_l("Serious"),
        help=_l("Death, danger to life, hospital stay, lasting harm."),
        kind="yes_no",
        absent=("not_known",),
    )
    outcome: Mapped[str | None] = variable(
        label=_l("Outcome"), codes="event_outcome", absent=("not_known",)
    )
    ctcae_version: Mapped[str | None] = variable(
        label=_l("Edition of CTCAE"), codes="ctcae_version"
    )
    note: Mapped[str | None] = variable(sa.Text(), label=_l("Note"), identity=Identity.FREE_TEXT)


class Questionnaire(Entry, Model):
    """Answers to a quality-of-life instrument, by item number. Its wording is not kept."""

    __tablename__ = "questionnaire"
    entity = "questionnaire"
    entity_label = _l("Quality-of-life questionnaire")
    entity_order = 94

    instrument: Mapped[str | None] = variable(label=_l("Instrument"), codes="instrument")
    date: Mapped[PartialDate | None] = variable(label=_l("Answered on"), absent=("not_known",))
    language: Mapped[str | None] = variable(
        label=_l("Language of the form"), codes="language", absent=("not_known",)
    )
    answers: Mapped[dict[str, Any] | None] = variable(
        Json,
        label=_l("Answers by item number"),
        help=_l("The number that was ticked; leave empty what was not answered."),
        kind="items",
    )
    scores: Mapped[dict[str, Any] | None] = variable(
        Json, label=_l("Scores, derived"), kind="derived"
    )
    derived_version: Mapped[str | None] = variable(
        sa.String(40), label=_l("Version of the scoring"), kind="derived"
    )
    derivation: Mapped[dict[str, Any] | None] = technical(Json)


def _points(label: Any, help_: Any) -> Any:
    return variable(
        Exact(), label=label, help=help_, possible=(0, 10), absent=("not_known",), width=3
    )


class SymptomDiary(Entry, Model):
    """The registry's own short diary; its wording belongs to the product."""

    __tablename__ = "symptom_diary"
    entity = "symptom_diary"
    entity_label = _l("Symptom diary")
    entity_order = 96

    date: Mapped[PartialDate | None] = variable(label=_l("Day"), absent=("not_known",))
    flushing_per_day: Mapped[Decimal | None] = variable(
        Exact(),
        label=_l("Flushing episodes that day"),
        plausible=(0, 30),
        possible=(0, 200),
        absent=("not_known",),
        width=3,
    )
    stools_per_day: Mapped[Decimal | None] = variable(
        Exact(),
        label=_l("Stools that day"),
        plausible=(0, 25),
        possible=(0, 100),
        absent=("not_known",),
        width=3,
    )
    pain: Mapped[Decimal | None] = _points(
        _l("Pain"), _l("0 is no pain, 10 the worst you can think of.")
    )
    wellbeing: Mapped[Decimal | None] = _points(
        _l("Wellbeing"), _l("0 is as bad, 10 as good as can be.")
    )
    note: Mapped[str | None] = variable(sa.Text(), label=_l("Note"), identity=Identity.FREE_TEXT)


class LateEffect(Entry, OfTherapy, Model):
    """What stays after treatment, or comes years later."""

    __tablename__ = "late_effect"
    entity = "late_effect"
    entity_label = _l("Late effect")
    entity_order = 104

    kind: Mapped[str | None] = variable(label=_l("Late effect"), codes="late_effect")
    date: Mapped[PartialDate | None] = variable(label=_l("Since"), absent=("not_known",))
    resolved_date: Mapped[PartialDate | None] = variable(
        label=_l("Gone since"), help=_l("Leave empty while it is there.")
    )
    grade: Mapped[str | None] = variable(
        label=_l("Grade"), codes="ctcae_grade", absent=("not_known",)
    )
    note: Mapped[str | None] = variable(sa.Text(), label=_l("Note"), identity=Identity.FREE_TEXT)


class SupportNeed(Entry, Model):
    """What the patient and the family need beside treatment, and what was offered."""

    __tablename__ = "support_need"
    entity = "support_need"
    entity_label = _l("Support")
    entity_order = 106

    date: Mapped[PartialDate | None] = variable(label=_l("Asked on"), absent=("not_known",))
    needs: Mapped[list[Any] | None] = variable(
        Json, label=_l("Needs"), kind="codes", codes="support_need", absent=("not_known",)
    )
    offered: Mapped[list[Any] | None] = variable(
        Json, label=_l("Offered"), kind="codes", codes="support_offered"
    )
    accepted_offer: Mapped[str | None] = variable(
        label=_l("The patient accepted"), kind="yes_no", absent=("not_known",)
    )
    note: Mapped[str | None] = variable(sa.Text(), label=_l("Note"), identity=Identity.FREE_TEXT)
