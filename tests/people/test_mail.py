"""Mail: written with the change, sent at least once, tried again, and never about a patient."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from datetime import timedelta
from random import Random
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from registry import health
from registry import mail as post
from registry.access import Role
from registry.db import acting_at, db, now
from registry.people import actions, jobs, letters, queries, rules
from registry.people.models import Mail, Notice
from registry.people.rules import mail as rules_of_mail
from tests import make, make_people, test_walk
from tests.people import post_office

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:aiosmtpd.*"),
    # It does not know that all of smtps:// is encrypted.
    pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS"),
]


@pytest.fixture(scope="module")
def building():
    with post_office.running() as found:
        yield found


@pytest.fixture
def office(app, building):
    building.arrived.clear()
    building.answers.clear()
    building.data_answer = ""
    with post_office.used_by(app, building):
        yield building


def alice(place=None, **wishes):
    made = make.person(place or make.hospital(), Role.REFERRER, name="Alice Adler")
    made.notice_mail = wishes
    db.session.commit()
    return made


def tell(who, why="advice_given"):
    actions.tell([who.id], why, subject=("referral", who.id))
    db.session.commit()


def waiting():
    return db.session.scalars(sa.select(Mail).order_by(Mail.id)).all()


def body(message, kind="plain"):
    return message.get_body((kind,)).get_content()


# -- leaving -----------------------------------------------------------------------------------


def test_a_notice_is_sent_with_a_link_and_nothing_else(app, office):
    tell(alice())
    jobs.send_mail()
    [message] = office.arrived
    notice = db.session.scalars(sa.select(Notice)).one()
    assert message["To"] == "Alice Adler <alice.adler@example.org>"
    assert message["From"] == "NET Registry <registry@example.org>"
    assert message["Subject"] == "Advice has been given on a referral."
    assert message["Message-ID"] == f"<{waiting()[0].id}@net.example.org>"
    assert message["Auto-Submitted"] == "auto-generated"
    for kind in ("plain", "html"):
        assert f"https://net.example.org/notices/{notice.id}" in body(message, kind)
    assert waiting()[0].sent_at is not None
    jobs.send_mail()
    assert len(office.arrived) == 1


def test_the_link_of_a_notice_leads_its_reader_and_nobody_else_to_the_case(client, office):
    who = alice()
    tell(who)
    jobs.send_mail()
    make.sign_in(client, who)
    path = path_in(office.arrived[0])
    assert client.get(path).headers["Location"] == f"/referrals/{who.id}"
    make.sign_in(client, make_people.administrator())
    assert client.get(path).status_code == 404


def test_a_change_that_is_undone_sends_nothing(app, office):
    who = alice()
    actions.tell([who.id], "advice_given", subject=("referral", who.id))
    db.session.rollback()
    jobs.send_mail()
    assert (office.arrived, waiting()) == ([], [])


def test_without_a_mail_server_nothing_waits_for_years(app):
    tell(alice())
    assert waiting() == []
    assert health.rows(("mail",))[0].state == health.WARNING


def test_a_closed_account_gets_no_mail(app, office):
    who = alice()
    tell(who)
    who.active = False
    db.session.commit()
    jobs.send_mail()
    assert office.arrived == []
    assert waiting()[0].sent_at is not None  # and is not tried again


# -- not leaving -------------------------------------------------------------------------------


def test_a_temporary_failure_is_tried_again_ever_later(app, office):
    tell(alice())
    office.answers["alice.adler@example.org"] = "451 greylisted, come back later"
    begun = now()
    moment, pauses = begun, []
    for _ in range(5):
        with acting_at(moment):
            jobs.send_mail()
        [one] = waiting()
        pauses.append((one.due_at - moment).total_seconds() / 60)
        moment = one.due_at
    assert pauses == [1, 2, 4, 8, 16]
    assert (one.tries, one.failed_at) == (5, None)
    assert one.problem == "451 greylisted, come back later"
    first = one.id
    office.answers.clear()
    with acting_at(moment):
        jobs.send_mail()
    assert office.arrived[0]["Message-ID"] == f"<{first}@net.example.org>"


def test_it_is_given_up_after_two_days(app, office):
    tell(alice())
    office.data_answer = "452 full"
    with acting_at(now() + rules_of_mail.GIVE_UP + timedelta(minutes=1)):
        jobs.send_mail()
    assert waiting()[0].failed_at is not None


def test_a_permanent_failure_stands_on_the_health_page_and_can_be_sent_again(client, office):
    tell(alice())
    office.answers["alice.adler@example.org"] = "550 no such user alice.adler@example.org here"
    jobs.send_mail()
    [one] = waiting()
    assert one.failed_at is not None
    assert one.problem == "550 no such user here"
    make.sign_in(client, make_people.administrator())
    page = client.get("/administration/health").text
    assert "550 no such user here" in page
    assert "1 message was refused for good." in page
    office.answers.clear()
    make.post(client, "/administration/health/mail", {"mail": str(one.id)})
    jobs.send_mail()
    assert len(office.arrived) == 1
    assert "Mail leaves." in client.get("/administration/health").text


def test_one_bad_address_does_not_hold_up_the_others(app, office):
    place = make.hospital()
    for name in ("Alice Adler", "Bob Baker", "Carl Crane"):
        make.person(place, Role.REFERRER, name=name)
    office.answers["bob.baker@example.org"] = "550 unknown"
    actions.tell(
        [p.id for p in queries.members(place.id, [Role.REFERRER])],
        "advice_given",
        subject=("referral", place.id),
    )
    db.session.commit()
    jobs.send_mail()
    assert {m["To"].addresses[0].username for m in office.arrived} == {"alice.adler", "carl.crane"}


def test_a_server_that_is_away_is_asked_once_a_run(app):
    with post_office.used_by(app, None):
        who = alice()
        tell(who)
        tell(who, "referral_received")
        jobs.send_mail()
        tried = sorted(one.tries for one in waiting())
        [row] = health.rows(("mail",))
    assert tried == [0, 1]
    assert row.state == health.BAD
    assert "ConnectionRefusedError" in str(row.text)


def test_wrong_settings_of_ours_lose_no_message(app, office):
    with post_office.used_by(app, office):
        settings = app.extensions["netreg_settings"]
        app.extensions["netreg_settings"] = type(settings)(
            **{**vars(settings), "mail_url": f"smtp://user:secret@127.0.0.1:{office.port}"}
        )
        tell(alice())
        jobs.send_mail()
    [one] = waiting()
    assert one.failed_at is None
    assert "secret" not in one.problem


_KILLED = """
import os, signal, sys
from config import Settings
from registry import create_app, mail
from registry.people import jobs
settings = Settings(database_url=sys.argv[1], instance=__import__("pathlib").Path(sys.argv[2]),
    secret_key="x", environment="testing", mail_url=sys.argv[3],
    mail_from="registry@example.org", public_url="https://net.example.org")
send = mail.send
def die(one):
    send(one)                             # the mail server has it …
    os.kill(os.getpid(), signal.SIGKILL)  # … and nobody noted that
mail.send = die
with create_app(settings).app_context():
    jobs.send_mail()
"""


@pytest.mark.slow
def test_killed_in_the_middle_it_is_sent_again_with_the_same_id(app, office, database, tmp_path):
    tell(alice())
    db.session.remove()
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, database, str(tmp_path),
         f"smtp://127.0.0.1:{office.port}"],
        capture_output=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert len(office.arrived) == 1
    assert waiting()[0].sent_at is None
    db.session.rollback()
    jobs.send_mail()
    assert len(office.arrived) == 1  # not while the other may still be at it
    with acting_at(now() + timedelta(minutes=2)):
        jobs.send_mail()
    assert len(office.arrived) == 2
    assert office.arrived[0]["Message-ID"] == office.arrived[1]["Message-ID"]


# -- over TLS ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def papers(tmp_path_factory):
    return post_office.papers(tmp_path_factory.mktemp("papers"))


def send_over(app, office, security, host="localhost", user="registry:p%2Fw@"):
    """Try once; gives the message's row and what the health page says."""
    with post_office.used_by(app, office, f"{security}://{user}{host}:{office.port}"):
        jobs.send_mail()
        [row] = health.rows(("mail",))
    [one] = waiting()
    return one, row


@pytest.mark.parametrize("security", ["starttls", "smtps"])
def test_mail_leaves_encrypted_and_signed_in(app, papers, monkeypatch, security):
    monkeypatch.setenv("SSL_CERT_FILE", str(papers.authority))
    with post_office.running(security, papers) as office:
        with post_office.used_by(app, office):
            tell(alice())
        one, row = send_over(app, office, security)
        assert (one.sent_at is not None, row.state) == (True, health.GOOD)
        assert office.encrypted == [True]
        assert office.signed_in == [b"registry"]
        assert office.arrived[0]["To"].addresses[0].username == "alice.adler"


#: What is wrong with the server's papers, and what is said of it.
BAD_PAPERS = {
    "unknown authority": ({}, False, "unable to get local issuer certificate"),
    "another host": ({"host": "mail.example.net"}, True, "Hostname mismatch"),
    "run out": ({"days": -1}, True, "certificate has expired"),
}


@pytest.mark.parametrize("security", ["starttls", "smtps"])
def test_a_refused_certificate_keeps_the_message_and_the_password(
    app, tmp_path, monkeypatch, security
):
    """The rule: nothing is said to a server that cannot prove who it is; the message waits."""
    with post_office.used_by(app, None):
        tell(alice())
    for tried, (facts, trusted, why) in enumerate(BAD_PAPERS.values(), 1):
        found = post_office.papers(tmp_path, **facts)
        if trusted:
            monkeypatch.setenv("SSL_CERT_FILE", str(found.authority))
        else:
            monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        with (
            post_office.running(security, found) as office,
            acting_at(now() + timedelta(hours=tried)),
        ):
            one, row = send_over(app, office, security)
        assert (office.arrived, office.signed_in) == ([], [])
        assert (one.sent_at, one.failed_at, one.tries) == (None, None, tried)
        assert one.problem.startswith(f"the certificate of the mail server is refused: {why}")
        assert "p/w" not in one.problem
        assert row.state == health.BAD
        assert why in str(row.text)


def test_a_server_that_encrypts_nothing_is_told_nothing(app, office):
    tell(alice())
    one, row = send_over(app, office, "starttls")
    assert one.problem == "the mail server offers no STARTTLS: see NETREG_MAIL_URL"
    assert (office.arrived, one.failed_at, row.state) == ([], None, health.BAD)


def test_after_the_certificate_is_renewed_the_message_leaves(app, tmp_path, monkeypatch):
    with post_office.used_by(app, None):
        tell(alice())
    old = post_office.papers(tmp_path, days=-1)
    monkeypatch.setenv("SSL_CERT_FILE", str(old.authority))
    with post_office.running("starttls", old) as office:
        one, _row = send_over(app, office, "starttls")
        assert one.sent_at is None
    new = post_office.papers(tmp_path)
    with (
        post_office.running("starttls", new) as office,
        acting_at(now() + timedelta(minutes=2)),
    ):
        one, row = send_over(app, office, "starttls")
        assert len(office.arrived) == 1
    assert (one.sent_at is not None, one.problem, row.state) == (True, "", health.GOOD)


# -- as each one wants it ----------------------------------------------------------------------


def test_some_at_once_some_once_a_day_some_never(app, office):
    who = alice(referral_closed="immediate", advice_given="daily", referral_declined="off")
    for why in ("referral_closed", "advice_given", "advice_given", "referral_declined"):
        tell(who, why)
    jobs.send_mail()
    assert [m["Subject"] for m in office.arrived] == ["A referral was closed."]
    jobs.make_digests()
    assert len(waiting()) == 1  # its hour has not come
    with acting_at(now() + timedelta(days=1)):
        jobs.make_digests()
        jobs.make_digests()
        jobs.send_mail()
    assert len(office.arrived) == 2
    text = body(office.arrived[1])
    assert "- Advice has been given on a referral. × 2" in text
    assert "declined" not in text
    told = db.session.scalar(sa.select(sa.func.count()).select_from(Notice))
    assert told == 4  # in the product always


def test_wishes_are_kept_on_the_account_page(client, office):
    who = alice()
    make.sign_in(client, who)
    make.post(client, "/account/notices", {"mail-advice_given": "off", "mail-nonsense": "off"})
    db.session.refresh(who)
    assert who.notice_mail == {"advice_given": "off"}
    make.post(client, "/account/notices", {"all": "daily"})
    db.session.refresh(who)
    assert set(who.notice_mail.values()) == {"daily"}
    tell(who)
    jobs.send_mail()
    assert office.arrived == []


def test_messages_that_left_long_ago_are_forgotten(app, office):
    tell(alice())
    jobs.send_mail()
    with acting_at(now() + rules_of_mail.KEEP_SENT + timedelta(days=1)):
        jobs.make_digests()
    assert waiting() == []


# -- invitations, passwords, requests ----------------------------------------------------------


def path_in(message):
    found = re.search(r"https://net\.example\.org(/\S+)", body(message))
    parts = urlsplit(found[1])
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def test_an_invitation_by_mail_opens_the_account_and_shows_no_link_to_the_inviter(client, office):
    place = make.centre()
    make.sign_in(client, make_people.administrator())
    answer = make.post(
        client,
        "/administration/people/invite",
        {
            "name": "Clara Centre",
            "email": "clara@example.org",
            "organisation": str(place.id),
            "role": "clinician",
        },
        follow_redirects=True,
    )
    assert "on its way to clara@example.org" in answer.text
    assert "/join?" not in answer.text
    jobs.send_mail()
    [message] = office.arrived
    assert "Centre 1" in body(message)
    assert client.get(path_in(message)).status_code == 200
    actions.withdraw_invitation(
        queries.open_invitation("clara@example.org"),
        by=make.viewer(queries.person_by_email("ada@example.org")),
    )
    assert client.get(path_in(message)).status_code == 422


def test_a_forgotten_password_is_told_by_mail_alone(client, office):
    who = alice()

    def forgot(email):
        page = client.get("/forgot-password")
        return client.post(
            "/forgot-password", data={"email": email, "csrf_token": make.token(page.text)}
        )

    said = [
        forgot(email).text.split("<main")[1]
        for email in ("alice.adler@example.org", "nobody@example.org")
    ]
    assert said[0] == said[1]  # the head holds a token that is another one each second
    jobs.send_mail()
    [message] = office.arrived
    url = path_in(message)
    page = client.get(url)
    new = {"password": "a brand new sentence", "again": "a brand new sentence"}
    link = url.partition("link=")[2].replace("%3D", "=")
    done = client.post(
        "/new-password", data={**new, "link": link, "csrf_token": make.token(page.text)}
    )
    assert done.status_code == 303
    assert make.sign_in(client, who, "a brand new sentence").status_code == 303
    for _ in range(5):
        forgot("alice.adler@example.org")
    sent = [one for one in waiting() if one.kind == "password_link"]
    assert len(sent) == 3  # asked more often in this time, it is not sent


def test_who_asks_for_an_account_is_told_by_mail_what_is_the_case(app, office):
    place = make.hospital()
    alice(place)
    ada = make.viewer(make_people.administrator())
    one = make_people.account_request(place)
    actions.ask_for_account(
        organisation=place, address="192.0.2.1", email="alice.adler@example.org",
        name="A", role=Role.REFERRER,
    )  # fmt: skip
    actions.refuse_request(one, "work_address", by=ada)
    db.session.commit()
    jobs.send_mail()
    about = {m["To"]: body(m) for m in office.arrived if "request" in m["Subject"].lower()}
    assert "You have an account" in about["alice.adler@example.org"]
    told = [body(m) for m in office.arrived if m["To"] == "rita@example.org"]
    assert len(told) == 2
    assert "We have received your request for an account" in told[0]
    assert not rules.NOTICES.keys() & rules_of_mail.LETTERS.keys()  # each says its own
    assert "Use the e-mail address of your organisation." in told[1]


# -- never about a patient ---------------------------------------------------------------------

#: Words of the record of the world that is walked, beside the patient's names and numbers.
CLINICAL = (
    "Zonneveld", "Maanlicht", "Anna", "1961", "C25", "pancrea", "Τι πρώτα", "tumour", "grade",
    "Ki-67", "therapy", "patient",
)  # fmt: skip


#: Ids and proofs of links: letters by chance, which may well be those of a code.
MADE_UP = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<=link=)[\w%-]+")


def _every_kind(app):
    """One message of each kind there is, in a world with a patient."""
    from registry.patients.models import Patient

    world = test_walk.build()
    ada = make.viewer(make_people.administrator())
    reader = world.walkers[Role.REFERRER, test_walk.RELATED]
    for why in rules.NOTICES:
        reader.notice_mail = dict.fromkeys(rules.NOTICES, "immediate")
        actions.tell([reader.id], why, subject=("referral", world.ids["referral_id"]))
    reader.notice_mail = dict.fromkeys(rules.NOTICES, "daily")
    for why in rules.NOTICES:
        actions.tell([reader.id], why, subject=("referral", world.ids["referral_id"]))
    actions.make_password_link(reader, by=ada)
    asked = make_people.account_request(make.hospital("HOSP-9", "Ζήτα"), email="q@example.org")
    actions.refuse_request(asked, "no_need", by=ada)
    actions.ask_for_account(
        organisation=None, address="192.0.2.9", email=reader.email, name="X", role=Role.REFERRER
    )
    with acting_at(now() + timedelta(days=1)):
        actions.notices.make_digests()
    return db.session.scalars(sa.select(Patient)).all()


def test_a_message_of_no_kind_says_anything_of_a_patient(app, office):
    patients = _every_kind(app)
    db.session.commit()
    texts, kinds = [], set()
    for one in waiting():
        made = letters.message(one)
        kinds.add(one.kind)
        texts += [str(made["Subject"]), body(made), body(made, "html")]
    assert kinds == {*rules.NOTICES, *rules_of_mail.LETTERS}
    whole = "\n".join(texts).lower()
    assert not [p.pseudonym for p in patients if p.pseudonym.lower() in whole]
    assert not [p.id for p in patients if str(p.id) in whole]
    said = MADE_UP.sub("", whole)
    assert not [word for word in CLINICAL if word.lower() in said]
    assert len(patients) >= 2


# -- where to ----------------------------------------------------------------------------------


def test_the_address_of_the_mail_server():
    server = post.Server.of("starttls://us%40er:p%2Fw@mail.example.org")
    assert (server.host, server.port, server.security) == ("mail.example.org", 587, "starttls")
    assert (server.user, server.password) == ("us@er", "p/w")
    assert post.Server.of("smtps://mail.example.org").port == 465
    for wrong in ("http://x", "mail.example.org", "smtp://u:hidden@h:port"):
        with pytest.raises(ValueError, match="NETREG_MAIL_URL") as refused:
            post.Server.of(wrong)
        assert "hidden" not in str(refused.value)


def test_half_set_mail_stops_the_start(monkeypatch, tmp_path):
    from config import Settings

    monkeypatch.setenv("NETREG_INSTANCE", str(tmp_path))
    monkeypatch.setenv("NETREG_MAIL_URL", "smtp://localhost")
    with pytest.raises(ValueError, match="NETREG_MAIL_FROM must be set"):
        Settings.load()
    monkeypatch.setenv("NETREG_MAIL_FROM", "registry@example.org")
    with pytest.raises(ValueError, match="NETREG_PUBLIC_URL must be set"):
        Settings.load()
    monkeypatch.setenv("NETREG_PUBLIC_URL", "https://net.example.org/registry/")
    assert Settings.load().public_url == "https://net.example.org/registry"


# -- killed at random --------------------------------------------------------------------------

_KILLED_AT_RANDOM = """
import os, random, signal, sys, threading, time
from config import Settings
from registry import create_app
from registry.people import jobs
settings = Settings(database_url=sys.argv[1], instance=__import__("pathlib").Path(sys.argv[2]),
    secret_key="x", environment="testing", mail_url=sys.argv[3],
    mail_from="registry@example.org", public_url="https://net.example.org")
app = create_app(settings)
seconds = float(sys.argv[4])
def die():
    time.sleep(seconds)
    os.kill(os.getpid(), signal.SIGKILL)
if seconds:
    threading.Thread(target=die, daemon=True).start()
with app.app_context():
    jobs.send_mail()
"""


def _worker(database, tmp_path, office, seconds):
    """A worker that sends what is due and is killed after so many seconds, if any."""
    return subprocess.run(
        [sys.executable, "-c", _KILLED_AT_RANDOM, database, str(tmp_path),
         f"smtp://127.0.0.1:{office.port}", str(seconds)],
        capture_output=True, timeout=110,
    )  # fmt: skip


def _killed_at_random(database, tmp_path, office, number, kills, longest):
    """Tell somebody of so many things; the worker dies again and again at a random moment."""
    random = Random(number)
    reader = alice()
    for _n in range(number):
        actions.tell([reader.id], "advice_given", subject=("referral", reader.id))
    db.session.commit()
    wanted = {f"<{one.id}@{urlsplit(post.public_url()).hostname}>" for one in waiting()}
    assert len(wanted) == number
    died = 0
    for _kill in range(kills):
        db.session.remove()
        done = _worker(database, tmp_path, office, random.uniform(0.02, longest))
        died += done.returncode == -signal.SIGKILL
        # What the dead had claimed is due again.
        db.session.execute(sa.update(Mail).where(Mail.sent_at.is_(None)).values(due_at=now()))
        db.session.commit()
    db.session.remove()
    while waiting_now():
        jobs.send_mail()
    arrived = [str(one["Message-ID"]) for one in office.arrived]
    assert set(arrived) == wanted  # each at least once, none lost, duplicates under the same id
    assert all(one.sent_at is not None and one.failed_at is None for one in waiting())
    return died, len(arrived) - len(wanted)


def waiting_now():
    db.session.rollback()
    return db.session.scalar(sa.select(Mail.id).where(Mail.sent_at.is_(None)).limit(1))


#: The long version: NETREG_BENCH=1.
_NUMBERS = [(40, 2, 0.4, 1), *([(500, 12, 2.0, 6)] if "NETREG_BENCH" in os.environ else [])]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("number", "kills", "longest", "at_least"), _NUMBERS)
def test_killed_at_random_each_message_arrives_and_none_is_lost(
    app, office, database, tmp_path, number, kills, longest, at_least
):
    died, again = _killed_at_random(database, tmp_path, office, number, kills, longest)
    assert died >= at_least
    print(f"{number} messages, the worker killed {died} times: {again} came twice, none was lost")
