"""Which releases held a patient: found by the pseudonym of each project, in the frozen files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from mmap import ACCESS_READ, mmap
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from registry import storage
from registry.access import Right, Viewer
from registry.dates import today
from registry.db import db
from registry.patients import queries as patients
from registry.patients.models import Consent, Restriction
from registry.research import rules
from registry.research.models import Grant, Release, ReleaseFile
from registry.research.releases.naming import names_by_project

#: So many patients stand on a page, and so many releases are read at once: all are looked at.
ON_A_PAGE, AT_ONCE = 25, 200


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


def withdrawn(viewer: Viewer, page: int = 1) -> tuple[list[Subject], bool]:
    """A page of the patients who agreed to research once and no longer do, or whose data are used
    for care alone, the latest first, with all releases that are out of them; and whether there are
    more pages. Who is in no release is left out. For who watches over privacy."""
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
        .offset((page - 1) * ON_A_PAGE)
        .limit(ON_A_PAGE + 1)
    )
    rows = db.session.execute(ended).all()
    since = {row[0]: row[1] for row in rows[:ON_A_PAGE]}
    return _held(viewer, since, only_held=True), len(rows) > ON_A_PAGE


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
    wanted = {
        project: {names.of("patient", patient): patient for patient in since}
        for project, names in (names_by_project() if since else {}).items()
    }
    for release, file_id in _made() if since else ():
        called = wanted[release.project]
        for name in _among(file_id, called):
            held[called[name]].append(_as_held(release))
    pseudonyms = patients.pseudonyms_of(viewer, since)
    return [
        Subject(pseudonyms[patient], since[patient], some)
        for patient, some in held.items()
        if patient in pseudonyms and (some or not only_held)
    ]


def _made() -> Iterator[tuple[Release, UUID]]:
    """Every release with its frozen file of patients, the newest first."""
    query = (
        sa.select(Release, ReleaseFile.file_id)
        .join(ReleaseFile, ReleaseFile.release_id == Release.id)
        .where(Release.state == rules.MADE, ReleaseFile.name == "patients.csv")
        .options(joinedload(Release.grant).joinedload(Grant.researcher))
        .order_by(Release.made_at.desc(), Release.id.desc())
        .limit(AT_ONCE)
    )
    rows = db.session.execute(query).all()
    while rows:
        yield from ((row[0], row[1]) for row in rows)
        if len(rows) < AT_ONCE:
            return
        last = rows[-1][0]
        rows = db.session.execute(
            query.where(sa.tuple_(Release.made_at, Release.id) < (last.made_at, last.id))
        ).all()


def _among(file_id: UUID, wanted: Mapping[str, object]) -> list[str]:
    """Which of these pseudonyms stand in a file of patients: it is in their order, so each is found
    by halving, however long the file is."""
    place = storage.place(file_id)
    with place.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as lines:
        return [name for name in wanted if _stands(lines, name.encode() + b",")]


def _stands(lines: mmap, start: bytes) -> bool:
    """Does a line after the first begin so?"""
    low, high = lines.find(b"\n") + 1, len(lines)
    while low < high:
        line = lines.rfind(b"\n", low, (low + high) // 2) + 1 or low
        found = lines[line : line + len(start)]
        if found == start:
            return True
        if found < start:
            low = lines.find(b"\n", line) + 1 or high
        else:
            high = line
    return False


def _as_held(release: Release) -> Held:
    grant = release.grant
    return Held(
        release.project,
        release.number,
        release.made_at,
        grant.researcher.name,
        grant.researcher.email,
        grant.state(today()) == rules.GRANTED,
    )
