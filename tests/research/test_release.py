"""What is in a release and what is not, on both databases."""

from __future__ import annotations

import io
import json
import zipfile
from decimal import Decimal
from hashlib import sha256

import pytest
import sqlalchemy as sa

from registry import dictionary, storage
from registry.access import Role
from registry.course.models import ENTITIES
from registry.db import db
from registry.dictionary import Identity
from registry.patients import actions as patients
from registry.patients.models import Patient
from registry.research.models import ReleaseFile
from registry.research.releases import columns, gathering, making, packing
from tests import make, make_research

DATA_FILES = {
    "patients.csv",
    "tumours.csv",
    "pathology.csv",
    "staging.csv",
    "imaging.csv",
    "biomarkers.csv",
    "history.csv",
    "therapies.csv",
    "responses.csv",
    "progressions.csv",
    "follow_up.csv",
    "stated_endpoints.csv",
}


@pytest.mark.parametrize("consent", ["no", "not_asked", None])
@pytest.mark.parametrize("purpose", ["registry", "research_use"])
def test_only_patients_who_said_yes_to_both_are_in_it(app, purpose, consent):
    carla, office = make_research.clinic(), make_research.office()
    make.patient(carla)
    answers = {"care": "yes", "registry": "yes", "research_use": "yes", purpose: consent}
    make.patient(carla, consents={name: yes for name, yes in answers.items() if yes})
    release = make_research.made(make_research.grant(office))
    assert len(make_research.rows(release, "patients.csv")) == 1


def test_who_withdraws_leaves_the_next_release_and_the_old_one_stays(app):
    carla, office = make_research.clinic(), make_research.office()
    anna = make.patient(carla)
    grant = make_research.grant(office)
    first = make_research.made(grant)
    before = make_research.content(first)
    patients.answer_consent(anna.id, "research_use", "no", by=carla)
    second = make_research.made(grant)
    assert (first.number, second.number) == (1, 2)
    assert make_research.rows(second, "patients.csv") == []
    assert make_research.content(first) == before


def test_a_patient_known_from_a_draft_alone_is_not_in_it(app):
    carla, office = make_research.clinic(), make_research.office()
    make.patient(carla).provisional = True
    release = make_research.made(make_research.grant(office))
    assert make_research.rows(release, "patients.csv") == []


def test_an_empty_registry_gives_files_with_headers(app):
    release = make_research.made(make_research.grant(make_research.office()))
    content = make_research.content(release)
    assert content.keys() >= DATA_FILES | {"codebook.csv", "codebook.html", "README.txt"}
    for file in columns.files():
        assert content[file.name].decode() == ",".join(file.header) + "\r\n"


def test_days_ages_vital_status_and_what_was_stated(app):
    carla, office = make_research.clinic(), make_research.office()
    anna = make.patient(carla, birth_date="1961-03-27")
    tumour = make_research.entry(
        anna, "tumour", primary_site="C17.2", diagnosis_date="2020-02-28",
        metastatic_sites=["liver", "bone"],
    )  # fmt: skip
    make_research.entry(
        anna, "pathology", tumour_id=tumour.id, date="2020-02-20", ki67_percent="<3",
        grade_stated="G1", derived_category="NET_G1", derived_grade="1",
        contradictions="grade_stated_differs;x",
    )  # fmt: skip
    therapy = make_research.entry(
        anna, "therapy", tumour_id=tumour.id, therapy_class="surgery", start="2020-03-01",
        stop="2020-04", cycles=Decimal("4.50"),
    )  # fmt: skip
    make_research.entry(
        anna, "response", therapy_id=therapy.id, response_stated="PR",
        interval=Decimal("-19.70"), interval_unit="months",
    )  # fmt: skip
    make_research.entry(
        anna, "follow_up", date="2021-02-27", vital_status="alive",
        absent={"ecog": {"why": "not_done", "because": "Mrs Zonneveld refused"}},
    )  # fmt: skip
    release = make_research.made(make_research.grant(office))
    [patient] = make_research.rows(release, "patients.csv")
    [tumour_row] = make_research.rows(release, "tumours.csv")
    [pathology] = make_research.rows(release, "pathology.csv")
    [treated] = make_research.rows(release, "therapies.csv")
    [response] = make_research.rows(release, "responses.csv")
    [seen] = make_research.rows(release, "follow_up.csv")

    # 27 March 1961 to 28 February 2020: 58 completed years; 28 Feb 2020 to 27 Feb 2021: 365 days
    assert patient["age_at_diagnosis"] == tumour_row["derived_age_at_diagnosis"] == "58"
    assert (patient["vital_status"], patient["follow_up_days"]) == ("alive", "365")
    assert (patient["sex_at_birth"], patient["country"], patient["tumours"]) == (
        "female",
        "NL",
        "1",
    )
    assert (tumour_row["primary_site"], tumour_row["metastatic_sites"]) == ("C17.2", "liver;bone")
    assert tumour_row["diagnosis_date_days"] == "0"
    assert (pathology["date_days"], pathology["ki67_percent"]) == ("-8", "<3")
    assert (pathology["grade_stated"], pathology["derived_category"]) == ("G1", "NET_G1")
    assert pathology["contradictions"] == "grade_stated_differs;x"
    assert (treated["start_days"], treated["stop_days"], treated["stop_months"]) == ("2", "", "2")
    assert make_research.reasons(treated) == {"stop_days": "partial_date"}
    assert treated["cycles"] == "4.50"
    assert (response["interval"], response["interval_unit"]) == ("-19.70", "months")
    assert response["therapy_id"] == treated["therapy_id"]
    assert treated["tumour_id"] == pathology["tumour_id"] == tumour_row["tumour_id"]
    assert len({row["patient_id"] for row in (patient, tumour_row, treated, seen)}) == 1
    assert make_research.reasons(seen) == {"ecog": "not_done"}


def test_a_stated_age_and_a_stated_time_leave_as_they_are_without_any_date(app):
    carla, office = make_research.clinic(), make_research.office()
    bob = make.patient(carla, birth_date="1950")
    make_research.entry(bob, "tumour", diagnosis_date="2012", age_at_diagnosis=Decimal("91.5"))
    make_research.entry(
        bob, "follow_up", vital_status="dead", interval=Decimal("287.7"), interval_unit="months",
        absent={"date": {"why": "not_known"}},
    )  # fmt: skip
    release = make_research.made(make_research.grant(office))
    [patient] = make_research.rows(release, "patients.csv")
    [seen] = make_research.rows(release, "follow_up.csv")
    assert patient["age_at_diagnosis"] == "90+"
    assert (patient["follow_up_interval"], patient["follow_up_unit"]) == ("287.7", "months")
    assert (patient["vital_status"], patient["follow_up_days"]) == ("dead", "")
    assert make_research.reasons(seen) == {"date_days": "not_known"}
    [tumour] = make_research.rows(release, "tumours.csv")
    # born some day in 1950, diagnosed some day in 2012: 61 or 62 years, so no age is derived
    assert tumour["derived_age_at_diagnosis"] == ""
    assert make_research.reasons(tumour) == {
        "diagnosis_date_days": "partial_date",
        "derived_age_at_diagnosis": "partial_date",
    }


SECRET = "ZZQX7"


def _spoil(model, name):
    """A recognisable value for a column that must not leave, of the column's own type."""
    type_ = model.__table__.c[name].type
    length = getattr(type_, "length", None)
    return f"=cmd|{SECRET},{name}"[:length] if not length or length > 5 else SECRET[:length]


def test_nothing_identifying_and_no_free_text_is_anywhere_in_any_byte(app):
    """A recognisable word stands in every column that is not released, and in every text one."""
    carla, office = make_research.clinic(), make_research.office()
    anna = make.patient(
        carla, family_name=f"{SECRET} Family", given_names=f"{SECRET} Given",
        birth_date="1931-07-19", national_number=f"{SECRET}1", telephone=f"{SECRET}2",
        address=f"{SECRET} Street", region=f"{SECRET} Region",
    )  # fmt: skip
    patients.set_hospital_number(anna, f"{SECRET}-77", by=carla)
    anna.source = f"{SECRET} cohort"
    anna.absent = {"region": {"why": SECRET, "because": SECRET}}
    for model in ENTITIES:
        spoilt = {
            name: _spoil(model, name)
            for name, declared in dictionary.described(model).items()
            if isinstance(model.__table__.c[name].type, sa.String)
            or declared.identity is Identity.FREE_TEXT
        }
        entry = make_research.entry(
            anna, model.entity, **spoilt, source_kind="import", source_id=f"{SECRET} source",
            organisation_id=carla.organisation_id,
            absent={SECRET: {"why": SECRET, "because": SECRET},
                    "interval": {"why": SECRET, "because": SECRET}},
        )  # fmt: skip
        if "metastatic_sites" in dictionary.described(model):
            entry.metastatic_sites = ["liver", f"{SECRET} place"]
    release = make_research.made(make_research.grant(office))
    content = make_research.content(release)
    db.session.commit()
    everything = list(content.values())
    forbidden = [
        SECRET, anna.pseudonym, str(anna.id), anna.id.hex, "1931-07-19", "CENTRE-1", "Centre 1",
        str(carla.organisation_id), "Carla",
    ]  # fmt: skip
    for word in forbidden:
        assert not any(word.encode() in whole for whole in everything), word
    [tumour] = make_research.rows(release, "tumours.csv")
    assert tumour["metastatic_sites"] == "liver"
    assert make_research.reasons(tumour)["metastatic_sites"] == "not_in_code_list"
    [marker] = make_research.rows(release, "biomarkers.csv")
    assert make_research.reasons(marker)["unit"] == "withheld"
    counted = release.manifest["cells_not_released"]
    assert {"file": "biomarkers.csv", "column": "unit", "reason": "withheld", "cells": 1} in counted
    db.session.commit()


def test_every_released_column_is_clinical_or_has_a_rule_of_coarsening():
    for file in columns.files():
        for column in file.columns:
            if column.about is None:
                continue
            place = (file.entity, column.variable)
            assert column.about.identity in {Identity.CLINICAL, Identity.QUASI}, place
            if column.about.identity is Identity.QUASI:
                assert place in columns.KEPT | columns.AGES | columns.AGE_GROUPS, place
            kind = dictionary.kind_of(file.model, column.variable)
            closed = columns.AGE_GROUPS | {*columns.LISTED_TEXTS}
            assert kind not in {"text", "long_text"} or place in closed, place


def test_every_variable_either_leaves_or_is_listed_as_withheld_with_a_reason():
    held = {(one.file, one.variable) for one in columns.withheld() if str(one.reason)}
    for file in columns.files():
        leaving = {column.variable for column in file.columns}
        for name in dictionary.described(file.model):
            assert (name in leaving) != ((file.name, name) in held), (file.name, name)
    assert {model.entity for model in (Patient, *ENTITIES)} == {f.entity for f in columns.files()}


def test_a_quasi_identifying_variable_without_a_rule_stays_in_the_house():
    declared = dictionary.Variable(label="Occupation", codes="yes_no", identity=Identity.QUASI)
    assert columns.why_withheld("history", "occupation", declared, "code")


def test_pseudonyms_are_the_same_within_a_project_and_differ_between_two(app):
    carla, office = make_research.clinic(), make_research.office()
    for _one in range(5):
        make_research.entry(make.patient(carla), "tumour", primary_site="C17.2")
    rosa = make.person(office, Role.RESEARCHER, name="Rosa Ruiz")
    one = make_research.grant(office, rosa, project="NET-ONE")
    two = make_research.grant(office, rosa, project="NET-TWO")

    def names(release):
        return {
            text
            for name in ("patients.csv", "tumours.csv")
            for row in make_research.rows(release, name)
            for key, text in row.items()
            if key.endswith("_id")
        }

    first = names(make_research.made(one))
    assert len(first) == 10
    assert {len(text) for text in first} == {16}
    assert names(make_research.made(one)) == first
    assert not names(make_research.made(two)) & first


def test_rows_are_sorted_by_pseudonym_then_by_their_own(app):
    carla, office = make_research.clinic(), make_research.office()
    for _one in range(4):
        anna = make.patient(carla)
        for _other in range(3):
            make_research.entry(anna, "imaging", modality="ct")
    release = make_research.made(make_research.grant(office))
    keys = [
        (row["patient_id"], row["imaging_id"]) for row in make_research.rows(release, "imaging.csv")
    ]
    assert len(keys) == 12
    assert keys == sorted(keys)


def test_the_manifest_has_counts_and_the_checksum_of_every_file(app):
    carla, office = make_research.clinic(), make_research.office()
    anna = make.patient(carla)
    make_research.entry(anna, "tumour", primary_site="C17.2")
    for version in ("GRADE-LUNG 1", "GRADE-DIGESTIVE 2", "GRADE-LUNG 1"):
        make_research.entry(anna, "pathology", derived_version=version)
    release = make_research.made(make_research.grant(office))
    content = make_research.content(release)
    manifest = json.loads(content["manifest.json"])
    listed = {one["name"]: one for one in manifest["files"]}
    listed.update({one["name"]: one for one in manifest["made"]["files"]})
    assert listed.keys() == content.keys() - {"manifest.json"}
    for name, one in listed.items():
        assert one["sha256"] == sha256(content[name]).hexdigest(), name
        assert one["bytes"] == len(content[name])
    assert manifest["counts"]["patients"] == 1
    assert manifest["counts"]["rows"]["tumours.csv"] == 1
    assert manifest["criteria"]["json"] == {
        "all_patients": True, "consents": ["registry", "research_use"],
    }  # fmt: skip
    assert manifest["versions"]["dictionary_sha256"] == release.dictionary_version
    assert manifest["versions"]["rules"]["derived"] == {
        "pathology.csv": ["GRADE-DIGESTIVE 2", "GRADE-LUNG 1"]
    }


def test_the_archive_has_all_files_as_they_are_and_is_the_same_each_time(app):
    release = make_research.made(make_research.grant(make_research.office()))
    content = make_research.content(release)
    packed = b"".join(packing.pieces(release))
    assert packing.size(release) == len(packed)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        names = [f"NET-ONE-release-1/{name}" for name in content]
        assert archive.namelist() == names
        assert [archive.read(name) for name in names] == list(content.values())
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert b"".join(packing.pieces(release)) == packed
    db.session.commit()


def test_of_an_archive_in_another_form_no_size_is_promised(app, monkeypatch):
    release = make_research.made(make_research.grant(make_research.office()))
    monkeypatch.setattr(packing.zipfile, "ZIP64_LIMIT", 1000)
    assert packing.size(release) is None
    with zipfile.ZipFile(io.BytesIO(b"".join(packing.pieces(release)))) as archive:
        assert archive.testzip() is None
        assert len(archive.namelist()) == len(release.files)
    db.session.commit()


def test_the_codebook_describes_every_column_and_counts_how_full_it_is(app):
    carla, office = make_research.clinic(), make_research.office()
    make_research.entry(make.patient(carla), "tumour", primary_site="C17.2")
    make_research.entry(make.patient(carla), "tumour")
    release = make_research.made(make_research.grant(office))
    book = {
        (row["file"], row["column"]): row for row in make_research.rows(release, "codebook.csv")
    }
    for name in DATA_FILES:
        header = make_research.content(release)[name].decode().splitlines()[0].split(",")
        assert [column for file, column in book if file == name] == header
    site = book["tumours.csv", "primary_site"]
    assert (site["filled"], site["rows"], site["level"]) == ("1", "2", "1 minimal")
    assert (site["code_list"], site["codes"]) == ("topography", "see code_lists.csv")
    assert book["patients.csv", "sex_at_birth"]["codes"].startswith("female=Female; male=Male")
    assert book["pathology.csv", "ki67_percent"]["unit"] == "%"
    lists = {(row["list"], row["code"]) for row in make_research.rows(release, "code_lists.csv")}
    assert {("topography", "C17.2"), ("absent_reason", "partial_date")} <= lists


def test_made_again_from_the_same_state_every_byte_is_the_same_but_when_it_was_made(
    app, monkeypatch
):
    carla, office = make_research.clinic(), make_research.office()
    for number in range(7):
        anna = make.patient(carla)
        site = f"C18.{number}"
        make_research.entry(anna, "tumour", primary_site=site, diagnosis_date="2020-02-28")
        make_research.entry(anna, "follow_up", date=f"2021-02-0{number + 1}")
    stranger = make.patient(carla, consents={"registry": "yes"})
    make_research.entry(stranger, "tumour", primary_site="C17.2")
    grant = make_research.grant(office)
    first = make_research.content(make_research.made(grant))
    monkeypatch.setattr(making, "BATCH", 2)
    monkeypatch.setattr(gathering, "BY_ID", 0)  # whole tables are read, as for many patients
    monkeypatch.setattr(gathering, "OTHER", 3)  # more than two texts in a column are too many
    second = make_research.content(make_research.made(grant))
    for files in (first, second):  # how it is cited names the release
        assert files.pop("CITATION.txt").startswith(b"NET Registry (2")
        files.pop("datacite.json")
    one, other = (json.loads(files.pop("manifest.json")) for files in (first, second))
    assert first == second
    assert one.pop("made") != other.pop("made")
    assert one == other


def test_what_was_made_cannot_be_changed_in_the_database(app):
    release = make_research.made(make_research.grant(make_research.office()))
    files = sa.update(ReleaseFile).values(sha256="0" * 64)
    for change in (files, sa.delete(ReleaseFile)):
        with pytest.raises(sa.exc.DBAPIError, match="never changed"):
            db.session.execute(change)
        db.session.rollback()
    release.error = "failed"
    with pytest.raises(sa.exc.DBAPIError, match="never changed"):
        db.session.flush()
    db.session.rollback()


def test_files_on_disk_are_read_only(app):
    release = make_research.made(make_research.grant(make_research.office()))
    assert {storage.place(f.file_id).stat().st_mode & 0o777 for f in release.files} == {0o400}
    db.session.commit()


#: What DataCite's schema (kernel 4, JSON) requires, and the types it has for each.
DATACITE = {
    "types": dict, "identifiers": list, "creators": list, "titles": list, "publisher": dict,
    "publicationYear": str, "schemaVersion": str,
}  # fmt: skip


def test_a_release_can_be_cited(app):
    make.patient(make_research.clinic())
    release = make_research.made(make_research.grant(make_research.office()))
    content = make_research.content(release)
    found = json.loads(content["datacite.json"])
    assert {key: type(found[key]) for key in DATACITE} == DATACITE
    assert found["types"]["resourceTypeGeneral"] == "Dataset"
    assert found["identifiers"] == [
        {"identifier": f"urn:uuid:{release.id}", "identifierType": "URN"}
    ]
    assert found["titles"] == [{"title": "Survival after surgery (release 1)"}]
    year = release.made_at.year
    assert found["publicationYear"] == str(year)
    line = (
        f"NET Registry ({year}). Survival after surgery (release 1 of project NET-ONE) "
        f"[Data set]. NET Registry. urn:uuid:{release.id}"
    )
    assert content["CITATION.txt"].decode() == f"{line}\r\n"
    assert release.manifest["made"]["citation"] == line
    assert release.manifest["creators"] == ["NET Registry"]
    db.session.commit()
