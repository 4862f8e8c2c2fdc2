"""The pages of a data manager: send a file, map it, look, bring it in, undo; and exports."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from typing import Any
from uuid import UUID

import openpyxl
import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from registry import storage
from registry.access import Role
from registry.audit import AuditEntry
from registry.course.models import Biomarker, Pathology, Tumour
from registry.db import db, new_id
from registry.interop import exporting, proposing, rules, working
from registry.interop.models import CentreExport, Import, SavedMap, Upload
from registry.patients.models import Patient
from registry.people.models import Notice
from tests import make, make_course

WARD = """No;Sex;Date of birth;Surname;Site;Ki67;Grade;Chromogranin A (ng/mL);Diagnosed
101;f;3.4.1961;Zonneveld;pancreas tail;2;G1;120;5.2.2019
102;m;17.9.1955;Duinzicht;ileum;12;G2;na;3.2020
103;f;1.1.1970;Heideveld;ileum;?;G1;88;2021
"""
SOURCE = {
    "title": "The ward's list",
    "name": "ward",
    "licence": "ours",
    "basis": "Signed form 2019",
    "purposes": ["registry", "research_use"],
    "several": "one",
    "id_column": "No",
}


def manager(place: Any = None) -> Any:
    return make.person(place or make.centre(), Role.DATA_MANAGER, name="Mona Maat")


def signed_in(client: FlaskClient, role: Role = Role.DATA_MANAGER) -> Any:
    who = make.person(make.centre(), role, name="Mona Maat")
    make.sign_in(client, who)
    return who


def sent(client: FlaskClient, content: bytes, name: str = "ward.csv", **more: Any) -> str:
    """Send a file; returns the address of its pages."""
    data = {"file": (io.BytesIO(content), name), "form_key": str(new_id()), **more}
    answer = make.post(client, "/imports/new", data)
    assert answer.status_code == 303, answer.text
    return str(answer.location).split("/shape")[0]


def id_of(url: str) -> UUID:
    return UUID(url.rsplit("/", 1)[1])


def worked(upload_id: UUID) -> Upload:
    """The worker does what was asked; the upload as it then stands."""
    db.session.commit()
    working.work(upload_id)
    db.session.expire_all()
    return db.session.get_one(Upload, upload_id)


def checked(client: FlaskClient, content: bytes = WARD.encode(), **source: Any) -> str:
    url = sent(client, content)
    answer = make.post(client, f"{url}/columns", {**SOURCE, **source, "then": "check"})
    assert answer.status_code == 303, re.findall(r"error[^<]*<[^<]*", answer.text)
    found = worked(id_of(url))
    assert found.state == rules.CHECKED, found.error
    return url


def count(model: Any) -> int:
    db.session.rollback()
    return db.session.scalar(sa.select(sa.func.count()).select_from(model)) or 0


def test_a_file_that_is_read_only_when_its_shape_is_told_is_proposed_a_map_then(
    client: FlaskClient,
) -> None:
    signed_in(client)
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["The ward's list"])
    sheet.merge_cells("A1:B1")
    for line in WARD.splitlines():
        sheet.append(line.split(";"))
    out = io.BytesIO()
    book.save(out)
    url = sent(client, out.getvalue(), "ward.xlsx")
    assert "or which row has the names of the columns" in client.get(f"{url}/shape").text
    make.post(client, f"{url}/shape", {"sheet": "Sheet", "header_row": "2"})
    columns = client.get(f"{url}/columns").text
    assert "Tumour: Primary site" in columns
    assert "Say on what basis the patients are registered." in columns
    assert "[source]" not in columns
    # A map somebody has worked on stays as it is.
    make.post(client, f"{url}/columns", SOURCE)
    make.post(client, f"{url}/shape", {"sheet": "Sheet", "header_row": "3"})
    assert db.session.get_one(Upload, id_of(url)).toml.count("The ward's list") == 1


def test_refused_rows_are_corrected_and_sent_again_with_the_map_that_was_kept(
    client: FlaskClient,
) -> None:
    """A workbook with a title; its refused rows come back as CSV, and the workbook once more."""
    signed_in(client)
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["The ward's list"])
    for line in WARD.replace("17.9.1955", "31.2.1955").splitlines():
        sheet.append(line.split(";"))
    out = io.BytesIO()
    book.save(out)
    url = sent(client, out.getvalue(), "ward.xlsx")
    make.post(client, f"{url}/shape", {"sheet": "Sheet", "header_row": "2"})
    make.post(client, f"{url}/columns", {**SOURCE, "then": "check"})
    assert worked(id_of(url)).state == rules.CHECKED
    refused = client.get(f"{url}/refused").text
    make.post(client, f"{url}/start", {"keep_valid": "yes"})
    done = worked(id_of(url))
    assert count(Patient) == 2
    page = client.get(f"/imports/{done.import_id}").text
    [address] = re.findall(r'href="(/imports/new\?map=[^"]+)"', page)
    map_id = address.rpartition("=")[2]
    again = sent(client, refused.replace("31.2.1955", "17.9.1955").encode(), map=map_id)
    assert "Save and check the file" in client.get(f"{again}/columns").text
    make.post(client, f"{again}/columns", {**SOURCE, "then": "check"})
    assert worked(id_of(again)).state == rules.CHECKED
    make.post(client, f"{again}/start", {})
    worked(id_of(again))
    assert count(Patient) == 3
    whole = sent(client, out.getvalue(), "ward.xlsx", map=map_id)
    assert db.session.get_one(Upload, id_of(whole)).files[0]["shape"]["header_row"] == 2
    [kept] = db.session.scalars(sa.select(SavedMap))
    assert (kept.name, kept.version) == ("ward", 1)


def test_why_a_row_is_refused_is_said_with_the_words_of_the_pages(client: FlaskClient) -> None:
    signed_in(client)
    page = client.get(checked(client, WARD.replace("17.9.1955", "31.2.1955").encode())).text
    assert "(Patient: Date of birth)" in page
    assert "patient.birth_date)" not in page


def test_a_number_that_stands_twice_by_a_slip_is_refused_and_not_joined() -> None:
    profile = proposing.Profile("No", filled=300, different=299)
    assert proposing.propose([profile], 300, {})["source"].get("rows") is None
    profile = proposing.Profile("No", filled=300, different=60)
    assert proposing.propose([profile], 300, {})["source"]["rows"] == "several"


def test_a_file_is_sent_mapped_checked_brought_in_and_undone(client: FlaskClient) -> None:
    signed_in(client)
    assert "Nothing was brought in yet" in client.get("/imports").text
    url = sent(client, WARD.encode())
    shape = client.get(f"{url}/shape").text
    assert "pancreas tail" in shape
    columns = client.get(f"{url}/columns").text
    for words in ("Patient: Sex at birth", "Tumour: Primary site", "Pathology: Ki-67"):
        assert words in columns
    answer = make.post(client, f"{url}/columns", {**SOURCE, "then": "check"})
    assert answer.status_code == 303
    assert "Waiting to be checked" in client.get(url).text
    assert worked(id_of(url)).state == rules.CHECKED
    page = client.get(url).text
    assert "Bring in 3 patients" in page
    assert count(Patient) == 0
    make.post(client, f"{url}/start", {})
    done = worked(id_of(url))
    assert (done.state, done.files) == (rules.BROUGHT, [])
    import_id = done.import_id
    assert import_id is not None
    assert (count(Patient), count(Tumour), count(Biomarker)) == (3, 3, 3)
    values = {
        str(b.value) if b.value else b.absent["value"]["why"]
        for b in db.session.scalars(sa.select(Biomarker))
    }
    assert values == {"120", "not_known", "88"}
    listed = client.get("/patients").text
    assert "Zonneveld" in listed
    imported = client.get(f"/imports/{import_id}").text
    assert "Undo this import" in imported
    make.post(client, f"/imports/{import_id}/undo", {})
    db.session.commit()
    working.undo_import(import_id)
    assert count(Patient) == 0
    assert "Taken out" in client.get(f"/imports/{import_id}").text
    notices = set(db.session.scalars(sa.select(Notice.why)))
    assert notices == {"import_checked", "import_done", "import_undone"}


def test_the_file_lies_encrypted_and_is_gone_when_it_is_done_with(client: FlaskClient) -> None:
    signed_in(client)
    url = checked(client)
    upload = db.session.get_one(Upload, id_of(url))
    file_id = UUID(upload.files[0]["file_id"])
    path = storage.place(file_id)
    raw = path.read_bytes()
    assert b"Zonneveld" not in raw
    assert b"pancreas" not in raw
    db.session.rollback()
    make.post(client, f"{url}/start", {})
    worked(id_of(url))
    assert not path.exists()


def test_a_file_that_is_thrown_away_leaves_nothing(client: FlaskClient) -> None:
    signed_in(client)
    url = checked(client)
    files = [p for p in storage.place(new_id()).parents[1].rglob("*") if p.is_file()]
    assert files
    make.post(client, f"{url}/discard", {})
    assert not [p for p in storage.place(new_id()).parents[1].rglob("*") if p.is_file()]
    assert client.get(url).status_code == 200


def test_what_nobody_goes_on_with_is_thrown_away_after_its_time(client: FlaskClient) -> None:
    signed_in(client)
    url = checked(client)
    db.session.execute(sa.update(Upload).values(expires_at=sa.func.current_timestamp()))
    db.session.commit()
    working.clear_up()
    db.session.expire_all()
    assert db.session.get_one(Upload, id_of(url)).state == rules.DISCARDED


def test_the_same_form_sent_twice_makes_one_upload(client: FlaskClient) -> None:
    signed_in(client)
    key = str(new_id())
    first = sent(client, WARD.encode(), form_key=key)
    assert sent(client, WARD.encode(), form_key=key) == first
    assert count(Upload) == 1


def test_pressing_the_button_twice_brings_in_once(client: FlaskClient) -> None:
    signed_in(client)
    url = checked(client)
    make.post(client, f"{url}/start", {})
    make.post(client, f"{url}/start", {})
    worked(id_of(url))
    make.post(client, f"{url}/start", {})
    worked(id_of(url))
    assert (count(Patient), count(Import)) == (3, 1)


def test_refused_rows_are_downloaded_corrected_and_sent_again(client: FlaskClient) -> None:
    signed_in(client)
    bad = WARD.replace("103;f;1.1.1970", "103;f;1.13.1970")
    url = checked(client, bad.encode())
    page = client.get(url).text
    assert "is not a date" in page
    answer = client.get(f"{url}/refused")
    rows = list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"))))
    assert [row["No"] for row in rows] == ["103"]
    assert "Date of birth: is not a date" in rows[0]["(why refused)"]
    make.post(client, f"{url}/start", {})
    assert worked(id_of(url)).state == rules.CHECKED
    assert count(Patient) == 0
    make.post(client, f"{url}/start", {"keep_valid": "yes"})
    assert worked(id_of(url)).state == rules.BROUGHT
    assert count(Patient) == 2
    corrected = answer.get_data().decode("utf-8-sig").replace("1.13.1970", "1.12.1970")
    saved = make.post(client, f"{url}/map/save", {})
    assert saved.status_code == 303
    again = sent(client, corrected.encode(), "corrected.csv")
    make.post(client, f"{again}/columns", {**SOURCE, "then": "check"})
    worked(id_of(again))
    make.post(client, f"{again}/start", {})
    assert worked(id_of(again)).state == rules.BROUGHT
    assert count(Patient) == 3


def test_a_corrected_file_shows_before_and_after_and_asks_about_conflicts(
    client: FlaskClient,
) -> None:
    signed_in(client)
    url = checked(client)
    make.post(client, f"{url}/start", {})
    worked(id_of(url))
    from registry.course import actions as course

    clinician = make.viewer(make.person(None, name="Cleo"))
    first = db.session.scalars(sa.select(Pathology).order_by(Pathology.id)).first()
    assert first is not None
    course.change(first, by=clinician, version=1, values={"ki67_percent": "4"})
    key = f"{first.id}.ki67_percent"
    again = checked(client, WARD.replace("tail;2;G1", "tail;9;G2").encode())
    page = client.get(again).text
    assert "changed by hand since" in page
    assert f'value="{key}"' in page
    make.post(client, f"{again}/start", {"take": key})
    worked(id_of(again))
    found = db.session.get_one(Pathology, first.id)
    assert (found.ki67_percent, found.grade_stated) == ("9", "G2")


def test_a_column_is_changed_and_shows_what_its_words_become(client: FlaskClient) -> None:
    signed_in(client)
    url = sent(client, WARD.replace(";ileum;", ";wherever;", 1).encode())
    names = client.get(f"{url}/columns").text
    assert "1 word unclear" in names
    page = client.get(f"{url}/columns/4").text
    assert "refused:" in page
    data = {
        "use": "used",
        "path": "tumour.primary_site",
        "list": "topography",
        "block": "0",
        "value-0": "C25.2",
        "value-1": "C17.2 Ileum",
        "value-2": "C17.2",
    }
    answer = make.post(client, f"{url}/columns/4", {**data, "then": "list"})
    assert answer.status_code == 303
    assert "word unclear" not in client.get(f"{url}/columns").text
    toml = client.get(f"{url}/map").text
    assert 'wherever = "C17.2"' in toml


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"use": "used", "path": "nothing of the kind"}, "Choose a variable of the list"),
        ({}, "Choose what becomes of the column"),
    ],
)
def test_a_wrong_choice_is_said(client: FlaskClient, data: dict[str, str], said: str) -> None:
    signed_in(client)
    url = sent(client, WARD.encode())
    answer = make.post(client, f"{url}/columns/2", data)
    assert answer.status_code == 422
    assert said in answer.text


def test_a_column_is_left_out_or_kept_with_a_reason(client: FlaskClient) -> None:
    signed_in(client)
    url = sent(client, WARD.encode())
    make.post(client, f"{url}/columns/6", {"use": "ignored", "reason": "the resident's guess"})
    assert "the resident&#39;s guess" in client.get(f"{url}/columns").text
    assert 'Grade = "the resident\'s guess"' in client.get(f"{url}/map").text


def test_the_map_goes_out_and_in_as_a_file(client: FlaskClient) -> None:
    signed_in(client)
    url = checked(client)
    toml = client.get(f"{url}/map").data
    other = sent(client, WARD.encode())
    answer = make.post(client, f"{other}/map/in", {"file": (io.BytesIO(toml), "map.toml")})
    assert answer.status_code == 303
    assert client.get(f"{other}/map").data == toml
    wrong = make.post(client, f"{other}/map/in", {"file": (io.BytesIO(b"= ="), "map.toml")})
    assert "is not valid TOML" in client.get(wrong.location).text
    assert client.get(f"{other}/map").data == toml


def test_a_centre_keeps_its_maps_in_versions(client: FlaskClient) -> None:
    signed_in(client)
    url = checked(client)
    make.post(client, f"{url}/map/save", {})
    make.post(client, f"{url}/map/save", {})
    make.post(client, f"{url}/columns/6", {"use": "ignored", "reason": "no"})
    make.post(client, f"{url}/map/save", {})
    saved = db.session.scalars(sa.select(SavedMap).order_by(SavedMap.version)).all()
    assert [(one.name, one.version) for one in saved] == [("ward", 1), ("ward", 2)]
    assert "Versions" in client.get(f"/imports/maps/{saved[0].id}").text
    other = sent(client, WARD.encode(), map=str(saved[0].id))
    assert client.get(f"{other}/map").text == saved[0].toml


def test_latin_1_is_found_shown_and_can_be_changed(client: FlaskClient) -> None:
    signed_in(client)
    text = WARD.replace("Zonneveld", "Müller-Süß")
    url = sent(client, text.encode("latin-1"))
    page = client.get(f"{url}/shape").text
    assert "Müller-Süß" in page
    assert "cp1252" in page or "latin" in page
    answer = make.post(client, f"{url}/shape", {"encoding": "mac_roman", "delimiter": ";"})
    assert answer.status_code == 303
    assert "Müller" not in client.get(f"{url}/shape").text


def workbook(**sheets: list[list[Any]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_workbook_is_read_sheet_by_sheet(client: FlaskClient) -> None:
    signed_in(client)
    content = workbook(Notes=[["remark"], ["nothing"]], Ward=[["No", "Ki67"], [1, 2.5], [2, 10]])
    url = sent(client, content, "ward.xlsx")
    make.post(client, f"{url}/shape", {"sheet": "Ward"})
    page = client.get(f"{url}/shape").text
    assert "2.5" in page
    make.post(client, f"{url}/map/in", {"propose": "1"})
    assert "Pathology: Ki-67" in client.get(f"{url}/columns").text


@pytest.mark.parametrize("content", [b"", b"\xd0\xcf\x11\xe0 old", b"PK\x03\x04 broken"])
def test_a_file_that_cannot_be_read_is_told(client: FlaskClient, content: bytes) -> None:
    signed_in(client)
    data = {"file": (io.BytesIO(content), "x.xlsx"), "form_key": str(new_id())}
    answer = make.post(client, "/imports/new", data)
    if not content:
        assert (answer.status_code, "The file is empty" in answer.text) == (422, True)
        return
    page = client.get(answer.location)
    assert page.status_code == 200
    assert "cannot be read" in page.text
    assert client.get(answer.location.replace("/shape", "/columns")).status_code == 200


def test_a_file_that_is_too_large_is_refused_before_it_is_kept(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "LARGEST", 1000)
    signed_in(client)
    data = {"file": (io.BytesIO(b"x" * 5000), "x.csv"), "form_key": str(new_id())}
    answer = make.post(client, "/imports/new", data)
    assert answer.status_code == 422
    assert count(Upload) == 0
    assert not list(storage.place(new_id()).parents[1].rglob("*.part"))


def test_a_hospital_has_no_patients_to_bring_in(client: FlaskClient) -> None:
    who = make.person(make.hospital(), Role.DATA_MANAGER, name="Hedda")
    make.sign_in(client, who)
    assert "Only a reference centre" in client.get("/imports").text
    data = {"file": (io.BytesIO(WARD.encode()), "x.csv")}
    assert make.post(client, "/imports/new", data).status_code == 422


def test_another_centre_sees_nothing_of_it(client: FlaskClient) -> None:
    signed_in(client)
    url = checked(client)
    make.post(client, f"{url}/map/save", {})
    other = client.application.test_client()
    make.sign_in(other, make.person(make.centre("CENTRE-2"), Role.DATA_MANAGER, name="Otto"))
    saved = db.session.scalars(sa.select(SavedMap.id)).one()
    for address in (url, f"{url}/shape", f"{url}/columns", f"{url}/map", f"/imports/maps/{saved}"):
        assert other.get(address).status_code == 404, address


def test_every_look_at_a_file_is_audited(client: FlaskClient) -> None:
    signed_in(client)
    url = sent(client, WARD.encode())
    client.get(f"{url}/shape")
    client.get(f"{url}/columns")
    done = list(db.session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.id)))
    assert done.count("opened a file") == 2
    assert "took in a file" in done


# -- exports ------------------------------------------------------------------------------------


def exported(client: FlaskClient, kind: str, reason: str = "Morbidity round of March") -> Any:
    data = {"kind": kind, "reason": reason, "form_key": str(new_id())}
    answer = make.post(client, "/exports", data)
    assert answer.status_code == 303, answer.text
    export_id = id_of(answer.location)
    db.session.commit()
    exporting.make(export_id)
    db.session.expire_all()
    return db.session.get_one(CentreExport, export_id)


def a_patient(who: Any) -> Patient:
    by = make.viewer(who)
    patient = make.patient(by, family_name="=Zonneveld")
    make_course.a_course(patient, by)
    return patient


def test_a_centre_takes_its_own_patients_out_with_their_names(client: FlaskClient) -> None:
    who = signed_in(client, Role.CLINICIAN)
    patient = a_patient(who)
    stranger = make.viewer(make.person(make.centre("CENTRE-2"), Role.CLINICIAN, name="Otto"))
    make.patient(stranger, family_name="Anderswo", given_names="Ada")
    found = exported(client, "csv")
    assert (found.state, found.patients) == (rules.MADE, 1)
    answer = client.get(f"/exports/{found.id}/file")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        rows = list(csv.DictReader(io.StringIO(archive.read("patient.csv").decode("utf-8-sig"))))
        pathology = archive.read("pathology.csv").decode("utf-8-sig")
        assert b"Ki-67" in archive.read("codebook.csv")
    assert [row["family_name"] for row in rows] == ["'=Zonneveld"]
    assert rows[0]["pseudonym"] == patient.pseudonym
    assert "8" in pathology
    raw = storage.place(found.file_id).read_bytes()
    assert b"Zonneveld" not in raw
    about = db.session.scalars(
        sa.select(AuditEntry).where(AuditEntry.action == "exported patient")
    ).one()
    assert about.patient_id == patient.id
    done = set(db.session.scalars(sa.select(AuditEntry.action)))
    assert {"asked for the centre's data", "downloaded the centre's data"} <= done


def test_a_workbook_has_a_sheet_an_entity(client: FlaskClient) -> None:
    who = signed_in(client, Role.CLINICIAN)
    a_patient(who)
    found = exported(client, "xlsx")
    book = openpyxl.load_workbook(io.BytesIO(client.get(f"/exports/{found.id}/file").data))
    assert book.sheetnames[:2] == ["patient", "tumour"]
    assert book.sheetnames[-1] == "codebook"
    rows = list(book["patient"].iter_rows(values_only=True))
    row = dict(zip(rows[0], rows[1], strict=True))
    assert (row["family_name"], row["birth_date"]) == ("=Zonneveld", "1961-03-27")
    biomarker = list(book["biomarker"].iter_rows(values_only=True))
    assert dict(zip(biomarker[0], biomarker[1], strict=True))["value"] == 120


def test_an_export_without_a_reason_is_refused(client: FlaskClient) -> None:
    a_patient(signed_in(client, Role.CLINICIAN))
    answer = make.post(client, "/exports", {"kind": "csv", "reason": " "})
    assert answer.status_code == 422
    assert "Say what the data are needed for" in answer.text


def test_nobody_downloads_the_export_of_a_colleague(client: FlaskClient) -> None:
    place = make.centre()
    first = make.person(place, Role.CLINICIAN, name="Alice Adler")
    make.sign_in(client, first)
    a_patient(first)
    found = exported(client, "csv")
    other = client.application.test_client()
    make.sign_in(other, make.person(place, Role.CLINICIAN, name="Bob Berg"))
    assert other.get(f"/exports/{found.id}").status_code == 404
    assert other.get(f"/exports/{found.id}/file").status_code == 404


def test_an_export_is_removed_after_its_time(client: FlaskClient) -> None:
    a_patient(signed_in(client, Role.CLINICIAN))
    found = exported(client, "csv")
    path = storage.place(found.file_id)
    db.session.execute(sa.update(CentreExport).values(expires_at=sa.func.current_timestamp()))
    db.session.commit()
    assert client.get(f"/exports/{found.id}/file").status_code == 409
    exporting.clear_up()
    assert not path.exists()
    assert "Removed" in client.get(f"/exports/{found.id}").text


def test_the_same_wish_twice_makes_one_export(client: FlaskClient) -> None:
    a_patient(signed_in(client, Role.CLINICIAN))
    data = {"kind": "csv", "reason": "Morbidity round", "form_key": str(new_id())}
    assert (
        make.post(client, "/exports", data).location == make.post(client, "/exports", data).location
    )
    assert count(CentreExport) == 1
