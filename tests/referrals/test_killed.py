"""kill -9 of web workers while 8 clients make submissions: every one that was answered is there,
once. On both databases, with everything committed on disk before it is answered. `make drill` makes
200 submissions.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import signal
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

import pytest
import sqlalchemy as sa

from config import Settings
from registry import create_app
from registry.access import Role
from registry.db import db
from tests import live, make, make_referrals, postgres

# `make drill` sends 200 and kills after every 30.
CLIENTS, SUBMISSIONS, EVERY = (8, 200, 30) if os.environ.get("NETREG_DRILL") else (8, 48, 12)
TRIES = 240  # a request is tried again until it is answered, as a person would
PAUSE = 0.25  # seconds between tries, while the killed worker is replaced
NAME = "killed"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(500)]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request, tmp_path):
    """An empty database that keeps its promises: fsync is on."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'netreg.sqlite3'}"
        return
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(postgres.start(durable=True))
        except postgres.Unavailable as problem:
            pytest.skip(f"no PostgreSQL: {problem}")
        yield server.create(NAME)


class Browser:
    """A person with a browser: cookies, and patience when there is no answer."""

    def __init__(self, url: str) -> None:
        self.host = urlsplit(url).netloc
        self.cookies: dict[str, str] = {}
        self.unanswered = 0

    def _once(self, method: str, path: str, data: dict[str, str] | None) -> tuple[int, str, str]:
        connection = http.client.HTTPConnection(self.host, timeout=60)
        with contextlib.closing(connection):
            headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
            body = None
            if data is not None:
                body = urlencode(data)
                headers["Content-Type"] = "application/x-www-form-urlencoded"
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
            for cookie in answer.headers.get_all("Set-Cookie") or ():
                name, _, rest = cookie.partition("=")
                self.cookies[name] = rest.split(";", 1)[0]
            return answer.status, text, answer.headers.get("Location", "")

    def send(self, method: str, path: str, data: dict[str, str] | None = None):
        """Status, page and location; the same request again for as long as nobody answers."""
        for _ in range(TRIES):
            try:
                return self._once(method, path, data)
            except (ConnectionError, http.client.HTTPException, TimeoutError, OSError):
                self.unanswered += 1
                time.sleep(PAUSE)
        raise AssertionError(f"nobody answers {method} {path}")

    def post(self, path: str, data: dict[str, str]):
        """A form with its token."""
        return self.send("POST", path, data | {"csrf_token": self.token})

    def sign_in(self, email: str) -> None:
        """Sign in and keep the token of the session."""
        _status, page, _location = self.send("GET", "/sign-in")
        self.token = make.token(page)
        status, _page, _location = self.post(
            "/sign-in", {"email": email, "password": make.PASSWORD}
        )
        assert status == 303
        self.token = make.token(self.send("GET", "/account")[1])


@dataclass
class Told:
    """What the clients were told."""

    sent: list[tuple[str, str]] = field(default_factory=list)  # (key of the form, referral)
    unanswered: int = 0
    problems: list[BaseException] = field(default_factory=list)


def version_on(page: str) -> str:
    """The copy that a page's form is about."""
    found = re.search(r'name="version" value="(\d+)"', page)
    assert found, page[:500]
    return found[1]


def one_submission(browser: Browser, first: dict[str, str]) -> tuple[str, str]:
    """From the first page to *sent*. Returns the form's key and the referral's id.

    A new draft is copy 1, saved once it is copy 2; only when an answer was lost and the copy is
    another one the page is looked at again.
    """
    key = str(uuid4())
    page = first | {"form_key": key, "family_name": f"Patient {key[:8]}", "hospital_number": key}
    status, text, url = browser.post("/referrals/new", page)
    assert status == 303, (status, text[:2000])
    status, text, check = browser.post(url, make_referrals.typed(do="check", version="1"))
    if status == 409:
        version = version_on(browser.send("GET", url)[1])
        status, text, check = browser.post(url, make_referrals.typed(do="check", version=version))
    assert status == 303, (status, text[:2000])
    send = check.replace("/check", "/send")
    status, text, case = browser.post(send, {"version": "2"})
    if status == 409:
        version = version_on(browser.send("GET", check)[1])
        status, text, case = browser.post(send, {"version": version})
    assert (status, case) == (303, url.removesuffix("/edit")), (status, text[:2000])
    return key, case.rsplit("/", 1)[1]


def work(url: str, email: str, first: dict[str, str], share: int, told: Told) -> None:
    """One client: its share of the submissions, one after the other."""
    try:
        browser = Browser(url)
        browser.sign_in(email)
        for _ in range(share):
            told.sent.append(one_submission(browser, first))
        told.unanswered += browser.unanswered
    except BaseException as problem:
        told.problems.append(problem)


def network(url: str, instance: Path) -> dict[str, str]:
    """Eight doctors of a hospital, and a centre; gives the first page they send."""
    settings = Settings(database_url=url, instance=instance, secret_key="x", environment="testing")
    app = create_app(settings)
    with app.app_context():
        net_hospital, centre = make.hospital(), make.centre()
        for number in range(CLIENTS):
            make.person(net_hospital, Role.REFERRER, name=f"Doctor {number}")
        chosen = str(centre.id)
        db.session.commit()
        db.engine.dispose()
    return {
        "given_names": "Anna",
        "birth_date-year": "1961",
        "sex_at_birth": "female",
        "consent_care": "yes",
        "consent_registry": "yes",
        "consent_research_use": "yes",
        "consent_research_contact": "no",
        "centre": chosen,
        "another": "yes",
    }


def kill_until(done: threading.Event, server: live.Live, told: Told) -> int:
    """Kill one of the two web workers after every few submissions, the older one first."""
    killed = 0
    while not done.wait(0.05):
        if len(told.sent) >= (killed + 1) * EVERY:
            workers = sorted(server.web_workers())
            if len(workers) == 2:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(workers[0], signal.SIGKILL)
                    killed += 1
    return killed


def test_every_answered_submission_is_there_once(database_url, tmp_path):
    folder = tmp_path / "live"
    told, done = Told(), threading.Event()
    with live.serve(database_url, folder, demo=False) as server:
        first = network(database_url, server.instance)
        threads = [
            threading.Thread(
                target=work,
                args=(
                    server.url, f"doctor.{n}@example.org", first, SUBMISSIONS // CLIENTS, told,
                ),
            )
            for n in range(CLIENTS)
        ]  # fmt: skip
        for thread in threads:
            thread.start()
        killer: list[int] = []
        killing = threading.Thread(target=lambda: killer.append(kill_until(done, server, told)))
        killing.start()
        for thread in threads:
            thread.join(timeout=400)
        done.set()
        killing.join(timeout=10)
    assert not told.problems, told.problems[0]
    assert killer[0] >= SUBMISSIONS // EVERY - 1
    assert told.unanswered > 0, "nobody noticed that workers were killed"
    engine = sa.create_engine(database_url)
    with engine.connect() as connection:
        kept = connection.execute(
            sa.text(
                "SELECT form_key, state,"
                " (SELECT count(*) FROM submission s WHERE s.referral_id = r.id),"
                " (SELECT count(*) FROM referral_event e WHERE e.referral_id = r.id)"
                " FROM referral r"
            )
        ).all()
    engine.dispose()
    found = {str(key).replace("-", ""): tuple(rest) for key, *rest in kept}
    assert len(kept) == len(found) == len(told.sent) == SUBMISSIONS
    for key, _referral in told.sent:
        assert found[key.replace("-", "")] == ("submitted", 1, 1)
