"""Builders for research: grants, releases, and entries of the course."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask.testing import FlaskClient

from registry import storage
from registry.access import Role, Viewer
from registry.course.models import BY_NAME
from registry.dates import PartialDate, today
from registry.db import db, metadata, new_id
from registry.patients import actions as patients_room
from registry.patients.models import Patient
from registry.people.models import Organisation, Person
from registry.research import rules
from registry.research.cohorts import actions as actions_cohorts
from registry.research.cohorts.criteria import Criterion
from registry.research.models import AccessRequest, Cohort, Grant, Release
from registry.research.releases import actions, making
from registry.research.requests import actions as actions_requests
from registry.research.requests.actions import Wish
from tests import make

#: A grant under which nothing has to be made coarser: for tests of something else.
AS_IT_IS = rules.Coarse(smallest_group=1, age_band=1)
DATES = ("date", "diagnosis_date", "start", "stop", "death_date", "first_symptom_date", "echo_date")


def clinic() -> Viewer:
    """A clinician of a reference centre, who has patients."""
    return make.viewer(make.person(make.centre(), Role.CLINICIAN, name="Carla Chen"))


def office() -> Organisation:
    """The network's office, where researchers and the committee sit."""
    return make.office()


def entry(patient: Patient, entity: str, **values: Any) -> Any:
    """A dated entry of a patient, stored as it is given; dates may be texts."""
    for name in DATES:
        if isinstance(values.get(name), str):
            values[name] = PartialDate(values[name])
    made = BY_NAME[entity](patient_id=patient.id, **{"id": new_id(), **values})
    db.session.add(made)
    db.session.flush()
    return made


def grant(
    place: Organisation,
    researcher: Person | None = None,
    *,
    project: str = "NET-ONE",
    from_date: date | None = None,
    until_date: date | None = None,
    coarse: rules.Coarse | None = None,
) -> Grant:
    """A grant by Greta of the committee, in force unless other days are given."""
    researcher = researcher or make.person(place, Role.RESEARCHER, name="Rosa Ruiz")
    greta = make.person(place, Role.ACCESS_COMMITTEE, name=f"Greta of {project}")
    return actions.give_grant(
        by=make.viewer(greta),
        project=project,
        title="Survival after surgery",
        purpose="To learn who lives long.",
        researcher_id=researcher.id,
        from_date=from_date or today() - timedelta(days=3),
        until_date=until_date or today() + timedelta(days=30),
        coarse=coarse or AS_IT_IS,
    )


def cohort(by: Viewer, *added: Criterion, name: str = "Περίπατος") -> Cohort:
    """A cohort with a step for each criterion, counted and saved."""
    made = actions_cohorts.make_cohort(by=by, name=name)
    for one in added:
        actions_cohorts.add_criterion(made, by=by, path=None, match="all", added=one)
    actions_cohorts.save_version(made, by=by)
    return made


def patients(number: int, sex: str = "female", by: Viewer | None = None) -> list[Patient]:
    """Patients who said yes to registry and research use."""
    clara = by or clinic()
    return [
        make.patient(
            clara,
            family_name=f"{sex}{i}",
            sex_at_birth=sex,
            consents={"registry": "yes", "research_use": "yes"},
        )
        for i in range(number)
    ]


def wish(**other: Any) -> Wish:
    """What Rosa asks for."""
    facts: dict[str, Any] = {
        "project": "NET-TWO",
        "title": "Περίπατος",
        "purpose": "Περίπατος",
        "team": "Περίπατος",
        "legal_basis": "consent",
        "funding": "Περίπατος",
        "outputs": "Περίπατος",
        "use_codes": ["DUO:0000007"],
        "analyses": ["survival"],
        "variables": "patient.sex_at_birth: Περίπατος\nfollow_up.vital_status: Περίπατος",
        "until_date": today() + timedelta(days=90),
        "coarse": AS_IT_IS,
    }
    return Wish(**{**facts, **other})


def request(by: Viewer, *criteria: Criterion, send: bool = True, **other: Any) -> AccessRequest:
    """A request for a cohort, sent to the committee."""
    version = cohort(by, *criteria).versions[0]
    made = actions_requests.draft(wish(**other), version, by=by)
    if send:
        actions_requests.take(made, "send", by=by)
    return made


def asked(given: Grant, also: Collection[str] = ()) -> Release:
    """A release asked for under a grant, saved."""
    researcher = db.session.get_one(Person, given.researcher_id)
    release = actions.request_release(given, by=make.viewer(researcher), also=also)
    db.session.commit()
    return release


def made(given: Grant, also: Collection[str] = ()) -> Release:
    """A release made under a grant."""
    return making.make(asked(given, also).id)


def content(release: Release) -> dict[str, bytes]:
    """The bytes of every file of a release."""
    found = {file.name: storage.place(file.file_id).read_bytes() for file in release.files}
    db.session.commit()
    return found


def rows(release: Release, name: str) -> list[dict[str, str]]:
    """The rows of a CSV file of a release."""
    return list(csv.DictReader(io.StringIO(content(release)[name].decode(), newline="")))


def reasons(row: dict[str, str]) -> dict[str, str]:
    """The column `absent` of a row."""
    return dict(pair.split("=") for pair in row["absent"].split(";") if pair)


def signed_in(client: FlaskClient, place: Organisation, role: Role, name: str) -> Person:
    """Somebody of the office, signed in."""
    who = make.person(place, role, name=name)
    make.sign_in(client, who)
    return who


def fixed(number: int) -> UUID:
    """An id that is the same in every database."""
    return UUID(int=(7 << 76) | (2 << 62) | number)


def many(
    people: Sequence[tuple[str, int, str, date, str, int]], by: Viewer, **tumour: Any
) -> list[UUID]:
    """Many patients at once, with a tumour each: (sex, year of birth, site, day of diagnosis,
    country, number). They are copies of one patient, who leaves no release."""
    first = make.patient(by)
    db.session.flush()

    def rows(table: sa.Table, key: sa.ColumnElement[Any]) -> list[dict[str, Any]]:
        return [
            dict(row)
            for row in db.session.execute(sa.select(table).where(key == first.id)).mappings()
        ]

    consent, table = metadata.tables["consent"], metadata.tables["tumour"]
    patient = rows(Patient.__table__, Patient.__table__.c.id)[0]  # type: ignore[arg-type]
    consents = rows(consent, consent.c.patient_id)
    made: dict[str, list[dict[str, Any]]] = {"patient": [], "consent": [], "tumour": []}
    for sex, born, site, when, country, number in people:
        own = new_id()
        made["patient"].append({
            **patient, "id": own, "pseudonym": f"M{number:08}", "sex_at_birth": sex,
            "birth_date": PartialDate(str(born)), "country": country,
        })  # fmt: skip
        made["consent"] += [{**one, "id": new_id(), "patient_id": own} for one in consents]
        made["tumour"].append({
            "id": new_id(), "patient_id": own, "primary_site": site,
            "age_at_diagnosis": when.year - born - (when.month < 7),
            "diagnosis_date": PartialDate.of(when), **tumour,
        })  # fmt: skip
    db.session.execute(sa.insert(Patient.__table__), made["patient"])
    db.session.execute(sa.insert(consent), made["consent"])
    db.session.execute(sa.insert(table), made["tumour"])
    patients_room.answer_consent(first.id, "research_use", "no", by=by)
    db.session.commit()
    return [row["id"] for row in made["patient"]]
