"""Documents: what is kept and what is refused, who reads and who writes, and how a file leaves."""

from __future__ import annotations

import hashlib
import resource
import zlib

import pytest
import sqlalchemy as sa

from registry import storage
from registry.access import Role
from registry.audit import AuditEntry
from registry.db import db, new_id
from registry.errors import Invalid
from registry.patients import actions as patients
from registry.patients import rules as relations
from registry.patients.documents import content, pdf_reader, rules
from registry.patients.models import Document
from tests import make, make_course
from tests import make_documents as files

NAME = "O'Brien عبد Zonneveld"


@pytest.fixture
def clara(client):
    """A clinician of the centre, signed in."""
    who = make.person(make.centre(), Role.CLINICIAN, name="Clara Chen")
    make.sign_in(client, who)
    return make.viewer(who)


def send(client, patient, data, name="Report.pdf", **answers):
    url = f"/patients/{patient.id}/documents/new"
    page = client.get(url)
    sent = {
        "kind": "pathology_report",
        "form_key": page.text.split('name="form_key" value="')[1].split('"')[0],
        "csrf_token": make.token(page.text),
        **answers,
    }
    return client.post(url, **files.multipart(sent, data, name))


def kept():
    return db.session.scalars(sa.select(Document).order_by(Document.id)).all()


def done(patient):
    query = sa.select(AuditEntry.action).where(AuditEntry.patient_id == patient.id)
    return list(db.session.scalars(query.order_by(AuditEntry.id)))


# -- what is kept ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "name", "media_type"),
    [
        (files.pdf(3), "Report.pdf", "application/pdf"),
        (files.pdf(), "Befund 12.3.2024", "application/pdf"),
        (files.picture(), "Key image.PNG", "image/png"),
        (files.picture("JPEG"), "scan.jpeg", "image/jpeg"),
        (files.picture("JPEG") + files.picture("JPEG"), "two.jpg", "image/jpeg"),
        (files.docx(), "Letter.docx", rules.DOCX.media_type),
        (files.docx(links=files.link("hyperlink")), "Letter.docx", rules.DOCX.media_type),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_what_is_kept(data, name, media_type):
    found = content.recognise(data, name)
    assert found.type.media_type == media_type
    assert not found.is_active


PDF_AND_ZIP = files.pdf() + b"\n" * 3 + files.docx()
PICTURE_AND_PAGE = files.picture() + b"<html><script>alert(1)</script></html>"
REFUSED = {
    "empty": (b"", "a.pdf", "empty"),
    "page": (b"<!doctype html><script>alert(1)</script>", "a.html", "Only PDF"),
    "page named PDF": (b"<!doctype html><script>alert(1)</script>", "a.pdf", "Only PDF"),
    "drawing": (b'<svg xmlns="http://www.w3.org/2000/svg" onload="x()"/>', "a.svg", "Only PDF"),
    "program": (b"MZ\x90\x00" + bytes(200), "a.exe", "Only PDF"),
    "PDF named PNG": (files.pdf(), "a.png", "ends with .png"),
    "PDF named page": (files.pdf(), "a.html", "ends with .html"),
    "PDF named program": (files.pdf(), "a.pdf.exe", "ends with .exe"),
    "PNG named JPEG": (files.picture(), "a.jpg", "ends with .jpg"),
    "DOCX named DOCM": (files.docx(), "a.docm", "ends with .docm"),
    "locked PDF": (files.pdf(password="x"), "a.pdf", "password"),
    "half a PDF": (files.pdf(3)[:200], "a.pdf", "does not end"),
    "no PDF": (b"%PDF-1.7\nnothing\n%%EOF", "a.pdf", "damaged"),
    "PDF and ZIP": (PDF_AND_ZIP, "a.pdf", "does not end"),
    "half a PNG": (files.picture()[:60], "a.png", "picture"),
    "PNG and page": (PICTURE_AND_PAGE, "a.png", "more in this file"),
    "half a JPEG": (files.picture("JPEG")[:200], "a.jpg", "damaged"),
    "JPEG and ZIP": (files.picture("JPEG") + files.docx(), "a.jpg", "more in this file"),
    "JPEG and page": (files.picture("JPEG") + b"<HTML>", "a.jpg", "more in this file"),
    "old Word": (b"\xd0\xcf\x11\xe0" + bytes(600), "a.docx", "old Office file"),
    "ZIP": (files.docx().replace(b"[Content_Types].xml", b"[Content-Types].xml"), "a.docx", "ZIP"),
    "half a DOCX": (files.docx()[:300], "a.docx", "damaged"),
    "more than a DOCX": (files.docx() + b"\x00" * 9, "a.docx", "more in this"),
    "table": (files.docx(word="application/x.spreadsheetml.sheet.main+xml"), "a.docx", "Office"),
    "macros": (files.docx(word="application/vnd.ms-word.document.macroEnabled.main+xml"),
               "a.docx", "macros"),
    "hidden macros": (files.docx(parts={"word/vbaProject.bin": b"x"}), "a.docx", "macros"),
    "template from elsewhere": (files.docx(links=files.link("attachedTemplate")), "a.docx",
                                "fetches"),
    "picture from elsewhere": (files.docx(links=files.link("image", mode="&#69;xternal")),
                               "a.docx", "fetches"),
    "files within": (files.docx(parts={"word/embeddings/oleObject1.bin": b"x"}), "a.docx",
                     "other files"),
    "controls": (files.docx(parts={"word/activeX/activeX1.xml": b"x"}), "a.docx", "other files"),
    "way out": (files.docx(parts={"../../etc/passwd": b"x"}), "a.docx", "damaged"),
}  # fmt: skip


@pytest.mark.parametrize(("data", "name", "why"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(data, name, why):
    with pytest.raises(Invalid) as refused:
        content.recognise(data, name)
    assert refused.value.field == "file"
    assert why in refused.value.message


def test_a_document_that_unpacks_to_too_much():
    bomb = files.docx(parts={f"word/{n}.xml": bytes(40_000_000) for n in range(4)})
    assert len(bomb) < 1_000_000
    with pytest.raises(Invalid, match="unpacks"):
        content.recognise(bomb, "a.docx")


def test_a_pdf_that_unpacks_to_too_much_ends_its_own_reading_only():
    bomb = files.pdf_bomb()
    assert len(bomb) < 5_000_000
    with pytest.raises(Invalid, match="damaged"):
        content.recognise(bomb, "a.pdf")
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    assert used < 2 * pdf_reader.MEMORY


def test_a_document_that_lies_about_its_size():
    honest = files.docx(parts={"word/big.xml": bytes(3_000_000)})
    lying = honest.replace((3_000_000).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    assert lying != honest
    with pytest.raises(Invalid):
        content.recognise(lying, "a.docx")


def test_xml_with_a_document_type_is_refused():
    data = files.docx(parts={"word/_rels/x.rels": b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'})
    with pytest.raises(Invalid, match="damaged"):
        content.recognise(data, "a.docx")


def test_a_picture_of_too_many_points():
    header = files.picture()
    width = (60_000).to_bytes(4, "big")
    ihdr = b"IHDR" + width + width + header[24:29]
    huge = header[:12] + ihdr + zlib.crc32(ihdr).to_bytes(4, "big") + header[33:]
    with pytest.raises(Invalid, match="too large"):
        content.recognise(huge, "a.png")


# -- sending, reading --------------------------------------------------------------------------


def test_a_report_is_sent_listed_and_saved_as_it_was(client, clara):
    patient = make.patient(clara)
    tumour = make_course.tumour(patient, clara)
    pathology = make_course.entry("pathology", patient, clara, tumour=tumour, date="2024-03")
    data = files.pdf(2)
    answer = send(
        client, patient, data, f"{NAME}.pdf",
        entry=f"pathology:{pathology.id}", **{"dated-year": "2024"},
    )  # fmt: skip
    assert answer.status_code == 303
    [one] = kept()
    assert (one.size, one.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert (one.entry_kind, one.entry_id) == ("pathology", pathology.id)
    assert "Zonneveld" not in (one.name or "")
    assert data[:50] not in storage.place(one.id).read_bytes()
    page = client.get(f"/patients/{patient.id}/documents").text
    assert "O&#39;Brien عبد Zonneveld.pdf" in page
    assert "Pathology, Mar 2024" in page
    assert "Clara Chen" in page
    saved = client.get(f"/documents/{one.id}/file")
    assert saved.data == data
    assert saved.headers["Content-Type"] == "application/pdf"
    assert saved.headers["Content-Disposition"].startswith(
        "attachment; filename=\"document.pdf\"; filename*=UTF-8''O%27Brien%20%D8%B9"
    )
    assert saved.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in saved.headers["Content-Security-Policy"]
    assert int(saved.headers["Content-Length"]) == len(data)
    assert done(patient)[-3:] == ["added document", "listed documents", "downloaded document"]
    audited = db.session.scalars(sa.select(AuditEntry)).all()
    assert not [one for one in audited if "Zonneveld" in str(one.changes)]


def test_a_picture_is_shown_and_never_as_anything_else(client, clara):
    patient = make.patient(clara)
    one = files.kept(patient, clara, files.picture("JPEG"), name="scan.jpg", kind="key_image")
    other = files.kept(patient, clara, files.docx())
    page = client.get(f"/documents/{one.id}")
    assert f'src="/documents/{one.id}/picture"' in page.text
    shown = client.get(f"/documents/{one.id}/picture")
    assert shown.headers["Content-Type"] == "image/jpeg"
    assert shown.headers["Content-Disposition"].startswith("inline")
    assert "sandbox" in shown.headers["Content-Security-Policy"]
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert client.get(f"/documents/{other.id}/picture").status_code == 404
    assert "/picture" not in client.get(f"/documents/{other.id}").text


def test_a_pdf_with_a_script_is_kept_as_it_is_and_marked(client, clara):
    patient = make.patient(clara)
    data = files.pdf(script="app.alert(1)")
    assert send(client, patient, data).status_code == 303
    [one] = kept()
    assert one.scan == rules.ACTIVE
    assert "holds scripts" in client.get(f"/documents/{one.id}").text
    assert "Holds scripts" in client.get(f"/patients/{patient.id}/documents").text
    saved = client.get(f"/documents/{one.id}/file")
    assert saved.data == data
    assert saved.headers["Content-Disposition"].startswith("attachment")


def test_a_refused_file_says_why_and_keeps_the_rest(client, clara):
    patient = make.patient(clara)
    answer = send(client, patient, files.pdf(), "a.png", title="Of the liver", kind="key_image")
    assert answer.status_code == 422
    assert "The name ends with .png" in answer.text
    assert 'value="Of the liver"' in answer.text
    nothing = send(client, patient, b"", "", kind="")
    assert nothing.status_code == 422
    assert "Choose the file." in nothing.text
    assert "Choose what it is." in nothing.text
    assert not kept()
    assert not [path for path in (storage._root()).rglob("*") if path.is_file()]


def test_an_entry_of_somebody_else_is_refused(client, clara):
    patient, other = make.patient(clara), make.patient(clara, family_name="Other")
    scan = make_course.entry("imaging", other, clara, date="2024")
    answer = send(client, patient, files.pdf(), entry=f"imaging:{scan.id}")
    assert answer.status_code == 422
    assert not kept()


def test_sent_twice_it_is_kept_once(client, clara):
    patient = make.patient(clara)
    key = str(new_id())
    first = send(client, patient, files.pdf(), form_key=key)
    second = send(client, patient, files.pdf(), form_key=key)
    assert first.headers["Location"] == second.headers["Location"]
    assert len(kept()) == 1


def test_twenty_megabytes_and_not_more(client, clara):
    patient = make.patient(clara)
    start = files.picture("JPEG")
    whole = start + bytes(rules.LARGEST - len(start))
    assert send(client, patient, whole, "a.jpg").status_code == 303
    [one] = kept()
    assert one.size == rules.LARGEST
    assert client.get(f"/documents/{one.id}/file").data == whole
    assert send(client, patient, whole + b"\n", "a.jpg").status_code == 422
    assert send(client, patient, whole + bytes(500_000), "a.jpg").status_code == 413
    assert len(kept()) == 1


def test_only_this_page_takes_so_much(client, clara):
    patient = make.patient(clara)
    big = files.multipart({}, bytes(3 << 20), "a.pdf")
    assert client.post(f"/patients/{patient.id}/consent", **big).status_code == 413
    client.post("/sign-out", data={"csrf_token": make.token(client.get("/account").text)})
    assert client.post(f"/patients/{patient.id}/documents/new", **big).status_code == 413


# -- who ---------------------------------------------------------------------------------------


def test_who_reads_and_who_writes(app, client):
    centre, hospital = make.centre(), make.hospital()
    clara = make.person(centre, Role.CLINICIAN, name="Clara Chen")
    rita = make.person(hospital, Role.REFERRER, name="Rita Referrer")
    tom = make.person(centre, Role.TRIAGE_COORDINATOR, name="Tom Triage")
    sam = make.person(make.centre("CENTRE-2"), Role.CLINICIAN, name="Sam Stranger")
    ada = make.person(centre, Role.ADMINISTRATOR, name="Ada Admin")
    patient = make.patient(make.viewer(clara))
    patients.relate(patient.id, hospital.id, relations.REFERRING, by=make.viewer(clara))
    ours = files.kept(patient, make.viewer(clara))
    theirs = files.kept(patient, make.viewer(rita))
    expected = {  # who: list, file, form, mark ours, mark theirs
        clara: (200, 200, 200, 303, 303),
        rita: (200, 200, 200, 403, 303),
        tom: (200, 200, 403, 403, 403),
        sam: (404, 404, 404, 404, 404),
        ada: (403, 403, 403, 403, 403),
    }
    for who, answers in expected.items():
        walker = app.test_client()
        make.sign_in(walker, who)
        found = [
            walker.get(url).status_code
            for url in (
                f"/patients/{patient.id}/documents",
                f"/documents/{ours.id}/file",
                f"/patients/{patient.id}/documents/new",
            )
        ]
        for one in (ours, theirs):
            db.session.refresh(one)
            sent = {"because": "Another patient", "version": str(one.version)}
            found.append(make.post(walker, f"/documents/{one.id}/error", sent).status_code)
            db.session.refresh(one)
            make.post(walker, f"/documents/{one.id}/restore")
        assert tuple(found) == answers, who.name
    assert client.get(f"/documents/{ours.id}/file").status_code == 303
    assert client.get(f"/documents/{new_id()}/file").status_code == 303


def test_entered_in_error_it_stays_with_its_reason(client, clara):
    patient = make.patient(clara)
    one = files.kept(patient, clara)
    url = f"/documents/{one.id}/error"
    page = client.get(f"/documents/{one.id}").text
    assert make.post(client, url, {"version": str(one.version)}, page).status_code == 422
    old = make.post(client, url, {"because": "x", "version": "0"}, page)
    assert old.status_code == 409
    sent = {"because": "It is of <b>O'Brien</b>", "version": str(one.version)}
    assert make.post(client, url, sent, page).status_code == 303
    shown = client.get(f"/patients/{patient.id}/documents").text
    assert "Entered in error" in shown
    shown = client.get(f"/documents/{one.id}").text
    assert "It is of &lt;b&gt;O&#39;Brien&lt;/b&gt;" in shown
    assert client.get(f"/documents/{one.id}/file").status_code == 200
    make.post(client, f"/documents/{one.id}/restore", {}, shown)
    assert "Entered in error" not in client.get(f"/documents/{one.id}").text
    assert {"marked as entered in error: document", "restored: document"} <= set(done(patient))


# -- keys --------------------------------------------------------------------------------------


def test_an_altered_file_is_not_given_out(app, client, clara):
    one = files.kept(make.patient(clara), clara)
    path = storage.place(one.id)
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    app.config["TESTING"] = False
    assert client.get(f"/documents/{one.id}/file").status_code == 500
    path.unlink()
    assert client.get(f"/documents/{one.id}/file").status_code == 404


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\Anna\\scan.png", "scan.png"),
        ("a\x00b\r\nc.pdf", "abc.pdf"),
        ("evil\u202efdp.exe", "evilfdp.exe"),
        (" محمد .pdf", "محمد .pdf"),
        ("x" * 300 + ".pdf", "x" * 146 + ".pdf"),
        ("", ""),
    ],
)
def test_names_are_cleaned(name, clean):
    assert rules.clean_name(name) == clean
