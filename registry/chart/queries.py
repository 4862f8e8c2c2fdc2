"""The whole chart in a bounded number of queries: one an entity, whatever its length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask_babel import gettext as _

from registry import codes
from registry.access import Right, Viewer
from registry.chart import events, standing, tables
from registry.chart.events import Undated
from registry.chart.standing import Problem, Standing
from registry.chart.tables import Table
from registry.chart.timeline import Timeline
from registry.course import queries as course
from registry.patients import queries as patients
from registry.patients import rules as patient_rules
from registry.patients.models import Patient
from registry.patients.queries import Identity
from registry.people import queries as people
from registry.referrals import queries as referrals
from registry.referrals.queries import ReferralRow


@dataclass(frozen=True)
class Chart:
    """Everything the patient's page shows, ready to be laid out."""

    patient: Patient
    identity: Identity
    hospital_number: str
    relation: str
    facts: list[tuple[str, str]]
    standings: list[Standing]
    problems: list[Problem]
    missing: list[tuple[str, str]]
    timeline: Timeline
    undated: list[Undated]
    tables: list[Table]
    referrals: Sequence[ReferralRow]
    consents: list[tuple[str, str, str]]
    may_write: bool
    is_treated_here: bool
    may_record_consent: bool
    is_empty: bool


def chart(viewer: Viewer, patient_id: UUID) -> Chart:
    """A patient's chart. Raises NotFound to a stranger."""
    record = course.record(viewer, patient_id)
    identity = patients.identity(record.patient)
    kinds = patients.relation(viewer, patient_id)
    sent = referrals.of_patient(viewer, patient_id)
    standings = standing.of_tumours(record)
    owners = {one.organisation_id for entries in record.entries.values() for one in entries}
    return Chart(
        patient=record.patient,
        identity=identity,
        hospital_number=patients.hospital_number(viewer, patient_id),
        relation=_relation(kinds),
        facts=standing.head(record, identity, standings, referrals.today_here(viewer)),
        standings=standings,
        problems=standing.problems(record),
        missing=standing.missing(record, sent, identity.sex),
        timeline=events.picture(record, sent),
        undated=events.undated(record),
        tables=tables.tables(
            record,
            places=people.organisation_names(owners),
            may_change=lambda entry: course.may_change(viewer, kinds, entry),
            here=viewer.organisation_id,
        ),
        referrals=sent,
        consents=_consents(viewer, patient_id),
        may_write=patients.may_write(viewer, kinds),
        is_treated_here=patient_rules.TREATING in kinds,
        may_record_consent=viewer.may(Right.CONSENT) and bool(kinds & patient_rules.WRITING),
        is_empty=record.is_empty,
    )


def _relation(kinds: frozenset[str]) -> str:
    return ", ".join(str(label) for kind, label in patient_rules.RELATIONS.items() if kind in kinds)


def _consents(viewer: Viewer, patient_id: UUID) -> list[tuple[str, str, str]]:
    """(purpose, answer code, answer in words) in the order of the purposes."""
    given: Any = patients.consents(viewer, patient_id)
    found = []
    for purpose, label in patient_rules.PURPOSES.items():
        answer = given[purpose].answer if purpose in given else "not_asked"
        words = codes.label("consent_answer", answer) or str(_("Not asked"))
        found.append((str(label), answer, words))
    return found
