"""Which releases held a patient: found by the pseudonym of each project, in the frozen files."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from registry import storage
from registry.access import Right, Viewer
from registry.db import db
from registry.patients import queries as patients
from registry.patients.models import Consent, Restriction
from registry.research import rules
from registry.research.models import Grant, Release
from registry.research.releases.naming import names_of

#: So many releases, the newest, and so many patients are looked at.
MOST_RELEASES, MOST_PATIENTS = 100, 500


@dataclass(frozen=True)
class Held:
    """A release that held a patient: whose, and whether its files can still be downloaded."""

    project: str
    number: int
    made_at: datetime | None
    researcher: str
    researcher_email: str
    in_force: bool


@dataclass(frozen=True)
class Subject:
    """A patient, by the registry's pseudonym alone, since when they are not in research, and where
    they were held."""

    pseudonym: str
    since: datetime | None
    held: Sequence[Held]


def withdrawn(viewer: Viewer) -> list[Subject]:
    """Patients who agreed to research once and no longer do, or whose data are used for care alone,
    the latest first: those of whom releases are out. For who watches over privacy."""
    viewer.need(Right.READ_AUDIT)
    agreed = sa.select(Consent.patient_id, Consent.ended_at.label("at")).where(
        Consent.purpose.in_(rules.CRITERIA["consents"]),
        Consent.answer == "yes",
        Consent.ended_at.is_not(None),
    )
    restricted = sa.select(Restriction.patient_id, Restriction.recorded_at.label("at")).where(
        Restriction.ended_at.is_(None)
    )
    left = sa.union_all(agreed, restricted).subquery()
    agreeing = patients.consenting(*rules.CRITERIA["consents"]).where(
        Consent.patient_id == left.c.patient_id
    )
    ended = (
        sa.select(left.c.patient_id, sa.func.max(left.c.at).label("since"))
        .where(~agreeing.exists())
        .group_by(left.c.patient_id)
        .order_by(sa.desc("since"), left.c.patient_id)
        .limit(MOST_PATIENTS)
    )
    return _held(viewer, {row[0]: row[1] for row in db.session.execute(ended)}, only_held=True)


def of_pseudonym(viewer: Viewer, text: str) -> tuple[UUID, Subject] | None:
    """The releases that held the patient of a pseudonym; None where there is no such patient."""
    found = patients.id_of_pseudonym(viewer, text)
    if found is None:
        return None
    return found, _held(viewer, {found: None}, only_held=False)[0]


def _held(
    viewer: Viewer, since: Mapping[UUID, datetime | None], *, only_held: bool
) -> list[Subject]:
    held: dict[UUID, list[Held]] = {patient: [] for patient in since}
    for release in _made() if since else ():
        names = names_of(release.project)
        wanted = {names.of("patient", patient): patient for patient in since}
        for name in _patients_of(release) & wanted.keys():
            held[wanted[name]].append(_as_held(release))
    pseudonyms = patients.pseudonyms_of(viewer, since)
    return [
        Subject(pseudonyms[patient], since[patient], some)
        for patient, some in held.items()
        if patient in pseudonyms and (some or not only_held)
    ]


def _made() -> Sequence[Release]:
    return db.session.scalars(
        sa.select(Release)
        .where(Release.state == rules.MADE)
        .options(
            joinedload(Release.grant).joinedload(Grant.researcher), selectinload(Release.files)
        )
        .order_by(Release.made_at.desc(), Release.id.desc())
        .limit(MOST_RELEASES)
    ).all()


def _patients_of(release: Release) -> set[str]:
    """The pseudonyms in the frozen file of patients."""
    file = next((one for one in release.files if one.name == "patients.csv"), None)
    if file is None:
        return set()
    with storage.place(file.file_id).open(encoding="utf-8", newline="") as lines:
        return {row[0] for row in csv.reader(lines) if row}


def _as_held(release: Release) -> Held:
    grant = release.grant
    return Held(
        release.project,
        release.number,
        release.made_at,
        grant.researcher.name,
        grant.researcher.email,
        grant.ended_at is None,
    )
