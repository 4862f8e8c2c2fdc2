"""The TCGA cohort, imported: what the registry holds equals an independent count of the file."""

from __future__ import annotations

import csv
from collections import Counter
from typing import Any

import sqlalchemy as sa
from flask import Flask

from registry.course.models import (
    FollowUp,
    History,
    Pathology,
    Progression,
    Response,
    StatedEndpoint,
    Therapy,
    Tumour,
)
from registry.db import db
from registry.interop import actions, map_files, queries
from registry.interop.models import SourceRow
from registry.interop.reports import Report
from registry.patients.models import Patient
from tests import make
from tests.make_interop import COHORTS

FILE = COHORTS / "tcga_pcpg_clinical.csv"


def rows() -> list[dict[str, str]]:
    with FILE.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def source(*columns: str) -> Counter[Any]:
    """How often each value, or each combination, stands in the file."""
    return Counter(row[columns[0]] if len(columns) == 1 else tuple(row[c] for c in columns)
                   for row in rows())  # fmt: skip


def held(column: Any, *where: Any) -> Counter[Any]:
    """How often each value stands in the registry."""
    return Counter(db.session.scalars(sa.select(column).where(*where)))


def imported() -> Report:
    make.centre()
    by_map = map_files.load(map_files.find("pcpg_tcga"))
    return actions.bring_in(FILE, by_map, by=queries.importer("CENTRE-1"))


def translated(found: Counter[Any], words: dict[str, Any]) -> Counter[Any]:
    return Counter({words[value]: count for value, count in found.items()})


def values_are_those_of_the_file(report: Report) -> None:
    assert (report.read, report.created, report.refused) == (179, 179, 0)
    assert held(Patient.sex_at_birth) == translated(
        source("gender"), {"FEMALE": "female", "MALE": "male"}
    )
    assert held(FollowUp.vital_status) == translated(
        source("vital_status"), {"Alive": "alive", "Dead": "dead"}
    )
    assert held(Tumour.primary_site) == source("icd_o_3_site")
    assert held(Pathology.morphology) == source("icd_o_3_histology")
    assert held(Pathology.type_stated) == {"PHAEO": 148, "PGL": 18, "PGL_EXTRA_ADRENAL": 13}
    years = {str(date): count for date, count in held(Tumour.diagnosis_date).items()}
    assert years == source("year_of_initial_pathologic_diagnosis")
    ages = Counter({str(age): count for age, count in held(Tumour.age_at_diagnosis).items()})
    assert ages == source("age_at_initial_pathologic_diagnosis")


def times_and_events_equal_the_files() -> None:
    seen = sorted(row["death_days_to"] or row["last_contact_days_to"] for row in rows())
    assert sorted(str(t) for t in db.session.scalars(sa.select(FollowUp.interval))) == seen
    for name in ("OS", "DSS", "DFI", "PFI", "PFS"):
        kept = db.session.execute(
            sa.select(StatedEndpoint.time, StatedEndpoint.event).where(
                StatedEndpoint.endpoint == name
            )
        )
        stated = Counter(
            (row[f"{name}.time"], {"1": "yes", "0": "no"}[row[name]]) for row in rows() if row[name]
        )
        assert Counter((str(time), event) for time, event in kept) == stated


def placeholders_become_not_known() -> None:
    unknown = {"[Not Available]", "[Unknown]"}
    asked = sum(row["outside_adrenal"] in unknown for row in rows())
    why = [one.get("primary_multiple", {}).get("why") for one in held_json(Tumour.absent)]
    assert why.count("not_known") == asked == 162
    why = [one.get("response_stated", {}).get("why") for one in held_json(Response.absent)]
    assert why.count("not_known") == 7
    why = [one.get("race_stated", {}).get("why") for one in held_json(History.absent)]
    assert why.count("not_done") == source("race")["[Not Evaluated]"] == 2


def held_json(column: Any) -> list[dict[str, Any]]:
    return list(db.session.scalars(sa.select(column)))


def no_placeholder_is_kept_as_a_value() -> None:
    for model in (Tumour, Pathology, History, Response, Progression, FollowUp, Therapy):
        for row in db.session.execute(sa.select(model.__table__)):
            assert not any(isinstance(value, str) and value.startswith("[Not") for value in row)


def events_and_treatments_are_made_where_they_are_stated() -> None:
    assert held(Progression.kind) == {
        "new_metastasis": 7, "new_primary": 7, "recurrence": 3, "progression": 1,
    }  # fmt: skip
    assert held(Therapy.therapy_class) == {"radiotherapy": 5, None: 5}


def no_birth_date_is_made_up() -> None:
    assert held(Patient.birth_date) == {None: 179}


def what_has_no_variable_is_kept_with_the_row() -> None:
    kept = Counter("".join(one["ct_scan"]) for one in held_json(SourceRow.kept))
    assert kept == source("ct_scan")


def every_column_adds_up(report: Report) -> None:
    assert {sum(fates.values()) for fates in report.account.fates.values()} == {179}


def twice_adds_nothing(report: Report) -> None:
    again = actions.bring_in(FILE, report.map, by=queries.importer("CENTRE-1"))
    assert (again.created, again.unchanged) == (0, 179)


def test_the_registry_holds_what_the_file_says(app: Flask) -> None:
    report = imported()  # once: it takes seconds
    values_are_those_of_the_file(report)
    times_and_events_equal_the_files()
    placeholders_become_not_known()
    no_placeholder_is_kept_as_a_value()
    events_and_treatments_are_made_where_they_are_stated()
    no_birth_date_is_made_up()
    what_has_no_variable_is_kept_with_the_row()
    every_column_adds_up(report)
    twice_adds_nothing(report)
