"""The support directory: kept by the administrator, by hand or from a file; read by all staff."""

from __future__ import annotations

import csv
import io

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from registry.access import Role
from registry.audit import AuditEntry
from registry.db import db
from registry.knowledge import queries, rules
from registry.knowledge.models import SupportContact
from tests import make, make_documents
from tests.make_support import contact

FILLED = {
    "name": "O'Brien's <NET> Friends",
    "kind": "patient_organisation",
    "country": "NL",
    "what_for": "Somebody to talk to.",
    "website": "https://example.org/net",
    "telephone": "+31 20 555 0199",
    "languages": "nl",
}
INDEX = "/administration/support"


@pytest.fixture
def ada(client):
    """An administrator, signed in."""
    who = make.person(make.office(), Role.ADMINISTRATOR, name="Ada Admin")
    make.sign_in(client, who)
    return make.viewer(who)


def names():
    query = sa.select(SupportContact.name).order_by(SupportContact.name)
    return list(db.session.scalars(query))


def take(client, text, name="contacts.csv"):
    data = text if isinstance(text, bytes) else text.encode()
    sent = {"csrf_token": make.token(client.get(INDEX).text)}
    return client.post(f"{INDEX}/import", **make_documents.multipart(sent, data, name))


def test_a_contact_is_added_changed_and_retired(client, ada):
    assert "No contacts yet" in client.get(INDEX).text
    assert make.post(client, f"{INDEX}/new", FILLED).status_code == 303
    [one] = db.session.scalars(sa.select(SupportContact))
    assert one.languages == ["nl"]
    page = client.get(INDEX).text
    assert "O&#39;Brien&#39;s &lt;NET&gt; Friends" in page
    url = f"{INDEX}/{one.id}"
    assert 'value="+31 20 555 0199"' in client.get(url).text
    sent = {**FILLED, "name": "NET Friends", "version": str(one.version)}
    assert make.post(client, url, sent).status_code == 303
    assert names() == ["NET Friends"]
    late = make.post(client, url, {**sent, "name": "Typed by somebody else"})
    assert late.status_code == 409
    assert 'value="Typed by somebody else"' in late.text
    make.post(client, f"{url}/standing", {"active": "no"})
    assert queries.support_for(ada, "NL") == []
    assert "Show again" in client.get(INDEX).text
    make.post(client, f"{url}/standing", {"active": "yes"})
    assert [found.name for found in queries.support_for(ada, "NL")] == ["NET Friends"]
    audited = db.session.scalars(
        sa.select(AuditEntry.action)
        .where(AuditEntry.subject_kind == "support_contact")
        .order_by(AuditEntry.id)
    )
    assert list(audited) == ["added support contact"] + ["changed support contact"] * 3


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({"name": ""}, "Enter the name."),
        ({"kind": ""}, "Choose the kind."),
        ({"country": "Nowhere"}, "Choose from the list"),
        ({"website": "javascript:alert(1)"}, "https://"),
        ({"website": "http://example.org"}, "https://"),
        ({"telephone": "call me"}, "Enter a telephone number."),
        ({"email": "nobody"}, "Enter an address"),
        ({"website": "", "telephone": ""}, "Give a website"),
        ({"name": "x" * 201}, "at most 200"),
    ],
)
def test_wrong_input_says_so_and_keeps_the_rest(client, ada, answers, message):
    answer = make.post(client, f"{INDEX}/new", {**FILLED, **answers})
    assert answer.status_code == 422
    assert message in answer.text
    assert "Somebody to talk to." in answer.text
    assert names() == []


def test_a_patient_is_shown_their_country_first_and_then_what_is_everywhere(client):
    make.sign_in(client, make.person(make.hospital(), Role.REFERRER))
    contact("Zuid"), contact("Alliance", country=""), contact("Aa"), contact("Wien", country="AT")
    contact("Gone", active=False)
    page = client.get("/support?country=NL").text
    assert page.index("Aa") < page.index("Zuid") < page.index("Alliance")
    assert "Gone" not in page
    assert "Wien" not in page
    assert "Zuid" not in client.get("/support").text
    assert client.get("/support?country='%3Cx").status_code == 200


def test_only_the_administrator_keeps_it(client):
    make.sign_in(client, make.person(make.centre(), Role.CLINICIAN))
    one = contact()
    for url in (INDEX, f"{INDEX}/new", f"{INDEX}/{one.id}", f"{INDEX}.csv"):
        assert client.get(url).status_code == 403
    assert make.post(client, f"{INDEX}/new", FILLED).status_code == 403


def test_what_was_saved_as_a_file_comes_back_the_same(client, ada):
    contact("=cmd|' /C calc'!A0", telephone="+31 20 5550199", what_for='A "quoted", line')
    contact("Φίλοι محمد", country="", languages=["el", "ar"], active=False)
    saved = client.get(f"{INDEX}.csv")
    assert saved.headers["Content-Disposition"].startswith("attachment")
    rows = list(csv.reader(io.StringIO(saved.data.decode("utf-8-sig"))))
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+"))]
    assert take(client, saved.data).status_code == 303
    assert "0 added, 0 changed, 2 as before." in client.get(INDEX).text
    changed = saved.data.decode().replace("5550199", "5550200")
    take(client, changed)
    assert "0 added, 1 changed, 1 as before." in client.get(INDEX).text


def test_a_file_is_taken_over_whole_or_not_at_all(client, ada):
    start = "name;country;kind;website;languages\n"
    good = "Friends;nl;patient_organisation;https://example.org;nl en\n"
    bad = "Others;XX;friends;ftp://example.org;tlh\n"
    refused = take(client, start + good + bad)
    assert refused.status_code == 422
    for message in ("Line 3: country", "Line 3: kind", "Line 3: website", "tlh"):
        assert message in refused.text
    assert names() == []
    assert take(client, start + good).status_code == 303
    assert names() == ["Friends"]
    again = "country,kind,name,telephone\nNL,helpline,friends,112\n"
    assert take(client, again).status_code == 303
    [one] = db.session.scalars(sa.select(SupportContact))
    assert (one.kind, one.telephone) == ("helpline", "112")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "Choose the file."),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"who,where\n1,2\n", "lacks: country, kind, name"),
        (b"country,kind,name,email\n,other,A,a\n", "email is no address"),
        (b"id,country,kind,name,telephone\n7,,other,A,112\n", "id is none of ours"),
    ],
)
def test_a_file_that_is_none_says_why(client, ada, data, message):
    answer = take(client, data)
    assert answer.status_code == 422
    assert message in answer.text


def test_the_list_that_comes_with_the_product_is_sound_and_can_be_taken_over(client, ada):
    start = rules.start_list()
    assert start
    assert [rules.problems(row) for row in start] == [[]] * len(start)
    make.post(client, f"{INDEX}/start")
    assert names() == sorted(row["name"] for row in start)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_file_breaks_the_reading(data):
    found = rules.from_csv(b"country,kind,name,website\n" + data)
    assert len(found.rows) <= rules.MOST_LINES
