"""The whole chart in a bounded number of queries: one an entity, whatever its length."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from registry import codes
from registry.access import Right, Viewer
from registry.chart import (
    curves,
    events,
    lines,
    panels,
    picture,
    questions,
    standing,
    tables,
)
from registry.chart.events import Undated
from registry.chart.lines import LineRow
from registry.chart.panels import Shown
from registry.chart.picture import EVERYTHING, Picture, Wish
from registry.chart.questions import Question
from registry.chart.standing import Fact, Group, Standing
from registry.chart.tables import Table
from registry.chart.words import Words
from registry.course import completeness
from registry.course.completeness import Completeness
from registry.course.queries import reading
from registry.course.queries.reading import Record
from registry.language import gettext as _
from registry.patients import queries as patients
from registry.patients import rules as patient_rules
from registry.patients.models import Patient
from registry.patients.queries import Identity
from registry.people import queries as people
from registry.referrals import level1
from registry.referrals import queries as referrals
from registry.referrals.queries import ReferralRow


@dataclass(frozen=True)
class Chart:
    """Everything the patient's page shows, ready to be laid out."""

    patient: Patient
    identity: Identity
    hospital_number: str
    relation: str
    facts: list[Fact]
    standings: list[Standing]
    groups: list[Group]
    questions: dict[str, list[Question]]
    lines: list[LineRow]
    picture: Picture
    undated: list[Undated]
    tables: list[Table]
    referrals: Sequence[ReferralRow]
    consents: list[tuple[str, str, str]]
    panels: Sequence[Shown]
    complete: Completeness
    names: dict[str, str]  # of those who accepted a warning, by their id as text
    may_write: bool
    is_treated_here: bool
    may_record_consent: bool
    is_empty: bool
    has_died: bool

    @property
    def open_questions(self) -> int:
        """How many nobody has answered or accepted."""
        return sum(
            len(found) for kind, found in self.questions.items() if kind != questions.ACCEPTED
        )


def chart(viewer: Viewer, patient_id: UUID, wish: Wish = EVERYTHING) -> Chart:
    """A patient's chart. Raises NotFound to a stranger."""
    patient = patients.patient(viewer, patient_id)
    kinds = patients.relation(viewer, patient_id)
    identity = patients.identity(patient)
    record, words = reading.record(patient), Words()
    today = referrals.today_here(viewer)
    sent = referrals.of_patient(viewer, patient_id)
    placed = lines.placed(record)
    rows = lines.table(record, placed, words, today)
    consents = patients.consents(viewer, patient_id)
    asked = _questions(record, placed, sent, identity.sex, words, today)
    return Chart(
        patient=patient,
        identity=identity,
        hospital_number=patients.hospital_number(viewer, patient_id),
        relation=relation(kinds),
        facts=standing.head(record, identity, placed, words, today),
        standings=standing.of_tumours(record, words),
        groups=standing.beside_the_tumour(record, words),
        questions=asked,
        lines=rows,
        picture=_drawn(record, placed, rows, sent, wish, words, today),
        undated=events.undated(record, words),
        tables=tables.tables(record, _desk(viewer, kinds, record, words)),
        referrals=sent,
        consents=_consents(consents, patients.is_restricted(viewer, patient_id)),
        complete=completeness.of(
            record,
            consents={purpose: one.answer for purpose, one in consents.items()},
            referral=level1.items_of(sent),
        ),
        panels=panels.of_patient(panels.Opened(viewer, patient, kinds, record)),
        names=_names(asked[questions.ACCEPTED]),
        may_write=patients.may_write(viewer, kinds),
        is_treated_here=patient_rules.TREATING in kinds,
        may_record_consent=viewer.may(Right.CONSENT) and bool(kinds & patient_rules.WRITING),
        is_empty=record.is_empty,
        has_died=record.has_died,
    )


def timeline(viewer: Viewer, patient_id: UUID, wish: Wish) -> tuple[Patient, Picture]:
    """The timeline alone, for another period. Raises NotFound to a stranger."""
    patient = patients.patient(viewer, patient_id)
    record, words = reading.record(patient), Words()
    today = referrals.today_here(viewer)
    sent = referrals.of_patient(viewer, patient_id)
    placed = lines.placed(record)
    rows = lines.table(record, placed, words, today)
    return patient, _drawn(record, placed, rows, sent, wish, words, today)


def _drawn(
    record: Record,
    placed: dict[str, lines.Placed],
    rows: Sequence[LineRow],
    sent: Sequence[ReferralRow],
    wish: Wish,
    words: Words,
    today: date,
) -> Picture:
    return picture.draw(
        events.lanes(record, placed, sent, words),
        curves.curves(record, words, wish.chosen or {}),
        rows,
        wish=wish,
        today=today,
        death=record.death_date,
        words=words,
    )


def _questions(
    record: Record,
    placed: dict[str, lines.Placed],
    sent: Sequence[ReferralRow],
    sex: str | None,
    words: Words,
    today: date,
) -> dict[str, list[Question]]:
    """Every question by its kind, in the order they are asked."""
    rows = reading.rows_of(record)
    found = [
        *questions.contradictions(record, rows, words, today),
        *questions.overdue(record, rows, words, today),
        *questions.missing(record, sent, sex, words),
        *questions.gaps(record, placed, words, today),
    ]
    order = (
        questions.IMPOSSIBLE, questions.CONTRADICTION, questions.OVERDUE, questions.MISSING,
        questions.GAP, questions.ACCEPTED,
    )  # fmt: skip
    return {kind: [one for one in found if one.kind == kind] for kind in order}


def _names(accepted: Sequence[Question]) -> dict[str, str]:
    ids = {UUID(one.accepted["by"]) for one in accepted if one.accepted and one.accepted.get("by")}
    return {str(one): name for one, name in people.person_names(ids).items()} if ids else {}


def _desk(viewer: Viewer, kinds: frozenset[str], record: Record, words: Words) -> tables.Desk:
    owners = {one.organisation_id for found in record.entries.values() for one in found}
    elsewhere = owners - {None, str(viewer.organisation_id)}  # whose entries are named
    return tables.desk(
        record.therapies,
        record.tumours,
        words,
        places=people.organisation_names(map(UUID, elsewhere)),
        here=viewer.organisation_id,
        may_change=may_change(viewer, kinds),
    )


def may_change(viewer: Viewer, kinds: frozenset[str]) -> Callable[[Any], bool]:
    """May the viewer change an entry? The treating centre any, a referring hospital its own."""
    if not patients.may_write(viewer, kinds):
        return lambda row: False
    if patient_rules.TREATING in kinds:
        return lambda row: True
    own = str(viewer.organisation_id)
    return lambda row: str(row.organisation_id) == own


def relation(kinds: frozenset[str]) -> str:
    """What the viewer's organisation is to the patient, in words."""
    return ", ".join(str(label) for kind, label in patient_rules.RELATIONS.items() if kind in kinds)


def _consents(given: Mapping[str, Any], restricted: bool) -> list[tuple[str, str, str]]:
    """(purpose, answer code, answer in words) in the order of the purposes; and that they do not
    count for now."""
    found = []
    for purpose, label in patient_rules.PURPOSES.items():
        answer = given[purpose].answer if purpose in given else "not_asked"
        words = codes.label("consent_answer", answer) or str(_("Not asked"))
        found.append((str(label), answer, words))
    if restricted:
        found.append((_("Use of the data"), "no", _("For care alone")))
    return found
