"""Files of a referral: sent in pieces or whole, looked at, kept or not, and nothing left behind."""

from __future__ import annotations

import hashlib
import socketserver
import threading
from datetime import timedelta
from io import BytesIO

import pytest
import sqlalchemy as sa
from flask import current_app

from registry import storage, viruses
from registry.audit import AuditEntry
from registry.db import db, new_id, now
from registry.patients.documents import arriving, looking
from registry.patients.models import ArrivingFile, Document
from registry.referrals import attachments
from tests import make, make_referrals
from tests import make_documents as files


@pytest.fixture
def net(client):
    return make_referrals.network()


@pytest.fixture
def sent(net, client):
    """A referral that was sent; Alice, who sent it, is signed in."""
    referral = make_referrals.referral(net)
    make.sign_in(client, net.alice)
    return referral


def begin(client, referral, data, name="Report.pdf", **more):
    answer = make.post(
        client,
        f"/referrals/{referral.id}/files/begin",
        {"name": name, "size": str(len(data)), **more},
        headers={"X-Requested-With": "fetch"},
    )
    return answer.get_json()


def piece(client, url, at, data):
    token = make.token(client.get("/account").text)
    headers = {"X-CSRFToken": token, "X-Requested-With": "fetch"}
    kind = "application/octet-stream"
    return client.post(f"{url}?at={at}", data=data, headers=headers, content_type=kind)


def send(client, referral, data, name="Report.pdf", length=arriving.PIECE, **more):
    """Send a file as the script does, and have it looked at; gives its id."""
    begun = begin(client, referral, data, name, **more)
    for at in range(0, len(data), length):
        assert piece(client, begun["url"], at, data[at : at + length]).status_code == 200
    return looked_at(begun)


def looked_at(begun):
    found = db.session.get(ArrivingFile, storage.UUID(begun["id"]))
    looking.check(found.id)
    return storage.UUID(begun["id"])


def left() -> list[str]:
    """Every sealed file and piece there is."""
    return [name for name, _written in storage.sealed_store().names()]


def test_a_file_in_pieces_is_kept_whole_and_sealed(client, net, sent):
    data = files.pdf(40)
    document_id = send(client, sent, data, "Zonneveld pathology.pdf", length=1000)
    kept = db.session.get(Document, document_id)
    assert (kept.size, kept.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert (kept.referral_id, kept.kind, kept.media_type) == (sent.id, "other", "application/pdf")
    assert left() == [f"{document_id.hex[-2:]}/{document_id.hex}"]
    assert client.get(f"/documents/{document_id}/file").data == data
    page = client.get(f"/referrals/{sent.id}/files").text
    assert "Zonneveld pathology.pdf" in page
    assert "Not scanned for viruses" in page
    said = db.session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "added document"))
    assert [one.person_name for one in said] == ["Alice Adler"]
    assert "Zonneveld" not in str(
        [one.changes for one in db.session.scalars(sa.select(AuditEntry))]
    )


def test_a_broken_line_goes_on_where_it_was(client, net, sent):
    data = files.pdf(30)
    begun = begin(client, sent, data)
    assert piece(client, begun["url"], 0, data[:500]).get_json()["at"] == 500
    again = piece(client, begun["url"], 0, data[:500])  # its answer was lost, so it comes twice
    assert (again.status_code, again.get_json()["at"]) == (409, 500)
    assert piece(client, begun["url"], 900, data[900:]).status_code == 409
    assert client.get(begun["url"]).get_json()["at"] == 500
    assert "broken off at" in client.get(f"/referrals/{sent.id}/files").text
    assert piece(client, begun["url"], 500, data[500:]).get_json()["state"] == "waiting"
    document_id = looked_at(begun)
    assert client.get(begun["url"]).get_json() == {"state": "kept"}
    assert client.get(f"/documents/{document_id}/file").data == data


def test_more_than_was_announced_is_refused(client, net, sent):
    begun = begin(client, sent, b"x" * 100)
    assert piece(client, begun["url"], 0, b"x" * 101).status_code == 422
    assert piece(client, begun["url"], 0, b"").status_code == 409
    too_large = begin(client, sent, b"", size=str(40 * 1024 * 1024 + 1))
    assert too_large["error"] == "This file is larger than 40 MB."
    assert "empty" in begin(client, sent, b"")["error"]
    assert begin(client, sent, b"x", kind="patient_letter")["error"] == "Choose what it is."


def test_files_without_scripts(client, net, sent):
    page = client.get(f"/referrals/{sent.id}/files")
    answer = client.post(
        f"/referrals/{sent.id}/files",
        data={
            "csrf_token": make.token(page.text),
            "kind": "pathology_report",
            "files": [(BytesIO(files.pdf()), "Report.pdf"), (BytesIO(files.docx()), "Letter.docx")],
        },
    )
    assert answer.status_code == 303
    for one in looking.waiting():
        looking.check(one)
    kept = db.session.scalars(sa.select(Document)).all()
    assert {one.kind for one in kept} == {"pathology_report"}
    assert {one.reveal() for one in kept} == {"Report.pdf", "Letter.docx"}
    nothing = client.post(f"/referrals/{sent.id}/files", data={"csrf_token": make.token(page.text)})
    assert nothing.status_code == 422


# Must show 4: each handled as docs/documents.md says.
REFUSED = {
    "contradicts its name": (files.pdf(), "scan.png", "ends with .png, but the file is a PDF"),
    "zip bomb": (files.docx(parts={f"word/{n}.xml": bytes(40_000_000) for n in range(4)}),
                 "Letter.docx", "unpacks to far more"),
    "drawing with script": (b'<svg xmlns="http://www.w3.org/2000/svg" onload="x()"/>', "a.svg",
                            "Only PDF, PNG, JPEG, TIFF, DICOM and DOCX"),
}  # fmt: skip


@pytest.mark.parametrize(("data", "name", "why"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_says_why_and_leaves_nothing(client, net, sent, data, name, why):
    begun = begin(client, sent, data, name)
    for at in range(0, len(data), arriving.PIECE):
        piece(client, begun["url"], at, data[at : at + arriving.PIECE])
    looked_at(begun)
    assert why in client.get(begun["url"]).get_json()["message"]
    page = client.get(f"/referrals/{sent.id}/files").text
    assert "Not kept:" in page
    assert left() == []
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Document)) == 0
    make.post(client, f"/referrals/arriving/{begun['id']}/remove")
    assert "Not kept:" not in client.get(f"/referrals/{sent.id}/files").text


def test_a_pdf_with_javascript_is_kept_marked_and_only_saved(client, net, sent):
    document_id = send(client, sent, files.pdf(script="app.alert(1)"))
    assert "Holds scripts or files" in client.get(f"/referrals/{sent.id}/files").text
    saved = client.get(f"/documents/{document_id}/file")
    assert saved.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in saved.headers["Content-Security-Policy"]
    assert saved.headers["X-Content-Type-Options"] == "nosniff"


# -- nothing is left behind --------------------------------------------------------------------


def test_an_upload_of_40_mb_cut_off_half_way_leaves_nothing_behind(client, net, sent):
    half = 20 * 1024 * 1024
    begun = begin(client, sent, b"", "Large.pdf", size=str(2 * half))
    found = arriving.found(net.viewer("alice"), storage.UUID(begun["id"]))
    for at in range(0, half, arriving.PIECE):
        arriving.take_piece(found, at=at, data=bytes(arriving.PIECE))
    db.session.commit()
    assert len(left()) == 20
    assert looking.clear_up() == 0  # somebody may still go on
    found.touched_at = now() - arriving.GIVEN_UP - timedelta(minutes=1)
    db.session.commit()
    assert looking.clear_up() == 1
    assert left() == []
    assert db.session.scalar(sa.select(sa.func.count()).select_from(ArrivingFile)) == 0


def test_what_a_killed_process_left_is_removed_after_a_day(client, net, sent, monkeypatch):
    document_id = send(client, sent, files.pdf())
    orphan, lost = new_id(), new_id()
    for name in ("", f"pieces/{lost.hex}/0000000000"):
        with storage.sealing(orphan, name) as out:
            out.write(b"half a file")
    draft = storage.place(document_id).with_name(storage.place(document_id).name + ".part")
    draft.write_bytes(b"a draft beside a whole file")
    assert len(left()) == 4
    assert looking.clear_orphans() == 0  # not yet a day old
    monkeypatch.setattr(arriving, "GIVEN_UP", timedelta(seconds=-5))
    assert looking.clear_orphans() == 3
    assert left() == [f"{document_id.hex[-2:]}/{document_id.hex}"]


def test_a_draft_that_is_thrown_away_takes_its_files_with_it(client, net):
    draft = make_referrals.draft(net)
    make.sign_in(client, net.alice)
    send(client, draft, files.pdf())
    begun = begin(client, draft, b"12345")
    piece(client, begun["url"], 0, b"12")
    answer = make.post(
        client, f"/referrals/{draft.id}/step", {"step": "withdraw", "version": str(draft.version)}
    )
    assert answer.status_code == 303
    assert left() == []
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Document)) == 0


def test_before_sending_one_sees_which_files_go_with_it_and_which_do_not(client, net):
    draft = make_referrals.draft(net)
    db.session.commit()
    make.sign_in(client, net.alice)
    send(client, draft, files.pdf(2), "Pathology.pdf")
    send(client, draft, b"<svg/>", "Picture.svg")
    make.post(
        client, f"/referrals/{draft.id}/edit",
        make_referrals.typed(do="check") | {"version": draft.version},
    )  # fmt: skip
    page = client.get(f"/referrals/{draft.id}/check").text
    shown = page[page.index('id="files"') :]
    assert "Pathology.pdf" in shown
    assert "Picture.svg" in shown[: shown.index("Not kept:")]


# -- whose image it is -------------------------------------------------------------------------


def test_an_image_of_somebody_else_stops_until_somebody_says_why(client, net, sent, caplog):
    document_id = send(client, sent, files.dicom("Bakker^Piet", "19500101"), "IM1.dcm")
    assert db.session.get(Document, document_id) is None
    page = client.get(f"/referrals/{sent.id}/files").text
    assert "This image names another patient" in page
    assert "Bakker Piet" in page
    assert "Jan 1950" in page
    url = f"/referrals/arriving/{document_id}/same"
    assert make.post(client, url, {"because": " "}).status_code == 422
    assert make.post(client, url, {"because": "Married name, asked."}).status_code == 303
    looking.check(document_id)
    kept = db.session.get(Document, document_id)
    assert kept.about == {
        "modality": "PT", "study_date": "2026-01-12", "differs": ["name", "birth_date"],
    }  # fmt: skip
    assert (kept.accepted_because, kept.accepted_by) == ("Married name, asked.", net.alice.id)
    page = client.get(f"/referrals/{sent.id}/files").text
    assert "Header names somebody else" in page
    assert "Married name, asked." in page
    [said] = db.session.scalars(
        sa.select(AuditEntry).where(AuditEntry.action == "kept an image that names somebody else")
    )
    assert said.changes == {"differs": [None, ["name", "birth_date"]]}
    assert "Bakker" not in caplog.text


def test_an_image_of_the_patient_is_kept_with_its_day(client, net, sent):
    document_id = send(client, sent, files.dicom(), "IM2")
    kept = db.session.get(Document, document_id)
    assert (kept.kind, kept.about["differs"]) == ("key_image", [])
    assert "DICOM image PT, 12 Jan 2026" in client.get(f"/referrals/{sent.id}/files").text
    assert client.get(f"/documents/{document_id}/picture").status_code == 404


# -- who ---------------------------------------------------------------------------------------


def test_strangers_know_nothing_and_the_centre_adds_its_own(app, client, net, sent):
    begun = begin(client, sent, b"12345")
    other = app.test_client()
    make.sign_in(other, net.dora)
    assert other.get(begun["url"]).status_code == 404
    assert other.get(f"/referrals/{sent.id}/files").status_code == 404
    make.sign_in(centre := app.test_client(), net.carla)
    assert centre.get(begun["url"]).status_code == 404  # it is still the hospital's own
    assert begin(centre, sent, b"12345")["id"]


def test_a_message_has_the_files_that_were_sent_with_it(client, net, sent):
    before = send(client, sent, files.pdf())
    message, alice = new_id(), net.viewer("alice")
    under_way = attachments.begin(sent, by=alice, name="a.pdf", size=9)
    attachments.link([before, under_way], to=("message", message), referral=sent, by=alice)
    db.session.commit()
    found = attachments.files(alice, sent)
    assert [one.id for one in found.of("message", message)] == [before]
    assert db.session.get(ArrivingFile, under_way).entry_id == message
    attachments.link([before], to=("message", new_id()), referral=sent, by=alice)
    assert db.session.get(Document, before).entry_id == message


# -- viruses -----------------------------------------------------------------------------------


class _Scanner(socketserver.BaseRequestHandler):
    """As much of clamd as INSTREAM needs (clamd(8))."""

    answer = b"stream: OK"

    def handle(self):
        read = self.request.makefile("rb")
        assert read.read(10) == b"zINSTREAM\0"
        while length := int.from_bytes(read.read(4), "big"):
            assert len(read.read(length)) == length
        self.request.sendall(self.answer + b"\0")


class _Finds(_Scanner):
    answer = b"stream: Eicar-Signature FOUND"


@pytest.fixture
def scanner(app):
    """A scanner that listens, and the product that asks it."""
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Scanner)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    settings = app.extensions["netreg_settings"]
    object.__setattr__(settings, "clamd", f"127.0.0.1:{server.server_address[1]}")
    yield server
    object.__setattr__(settings, "clamd", "")
    server.shutdown()
    server.server_close()


def test_the_virus_scanner_is_asked(client, net, scanner, sent):
    document_id = send(client, sent, files.pdf(20))
    assert db.session.get(Document, document_id).virus_scan == viruses.CLEAN
    assert "Virus scan: clean" in client.get(f"/referrals/{sent.id}/files").text
    bad = files.docx(parts={"word/note.txt": b"x"})
    begun = begin(client, sent, bad, "a.docx")
    piece(client, begun["url"], 0, bad)
    scanner.RequestHandlerClass = _Finds
    looked_at(begun)
    assert "The virus scanner found something" in client.get(begun["url"]).get_json()["message"]
    assert len(left()) == 1


def test_what_was_not_scanned_is_scanned_later_and_not_handed_out(client, net, sent, request):
    document_id = send(client, sent, files.pdf())
    settings = current_app.extensions["netreg_settings"]
    object.__setattr__(settings, "clamd", "127.0.0.1:9")  # nobody listens
    assert looking.scan_again() == 0
    scanner = request.getfixturevalue("scanner")
    scanner.RequestHandlerClass = _Finds
    assert looking.scan_again() == 1
    db.session.expire_all()
    assert db.session.get(Document, document_id).virus_scan == viruses.INFECTED
    assert client.get(f"/documents/{document_id}/file").status_code == 422
    assert "Refused by the virus scan" in client.get(f"/referrals/{sent.id}/files").text
