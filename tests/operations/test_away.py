"""When the database is away the page says so and nothing typed is lost; its return needs nobody."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from config import Settings
from registry import away, create_app, jobs
from registry.db import db
from registry.driver import driver_rows
from registry.people.models import Organisation
from registry.serve import die_with_parent
from tests import make, make_referrals, postgres
from tests.databases import migrate

POSTGRES = pytest.param("postgres", marks=pytest.mark.postgres)


TEMPLATE = "migrated"


class SqliteThatGoes:
    """A database file that is moved away and back."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "netreg.sqlite3"
        self.url = f"sqlite:///{self.path}"

    def go(self) -> None:
        with contextlib.suppress(RuntimeError):
            db.engine.dispose()
        for path in self.path.parent.glob("netreg.sqlite3*"):
            path.rename(path.with_name("away-" + path.name))

    def come_back(self) -> None:
        for path in self.path.parent.glob("away-*"):
            path.rename(path.with_name(path.name.removeprefix("away-")))


class PostgresThatGoes:
    """A real server that is stopped and started again on the same data."""

    def __init__(self, server: postgres.Server) -> None:
        self.server = server
        self.name, self.url = TEMPLATE, server.create(TEMPLATE)
        self.again: subprocess.Popen[bytes] | None = None
        self.made = 0
        self.command = Path(f"/proc/{server.process.pid}/cmdline").read_bytes().split(b"\0")[:-1]

    def another(self) -> None:
        """A database of its own for the next test, on the same server."""
        if self._running().poll() is not None:
            self.come_back()
        self.made += 1
        self.name = f"net{self.made}"
        self.url = self.server.create(self.name, template=TEMPLATE)

    def _running(self) -> subprocess.Popen[bytes]:
        return self.again or self.server.process

    def go(self) -> None:
        self._running().send_signal(signal.SIGINT)
        self._running().wait(10)

    def come_back(self) -> None:
        account = {"user": postgres.NOBODY, "group": postgres.NOBODY} if not os.geteuid() else {}
        self.again = subprocess.Popen(
            self.command, cwd=self.server.folder, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=functools.partial(die_with_parent, os.getpid()), **account,
        )  # fmt: skip
        end = time.monotonic() + 20
        while time.monotonic() < end:
            with contextlib.suppress(Exception):
                self.server.connect(self.name).close()
                return
            time.sleep(0.05)
        raise AssertionError("PostgreSQL did not come back")


@pytest.fixture(scope="module")
def migrated_file(tmp_path_factory):
    """A migrated SQLite database to copy: the migrations are shown elsewhere."""
    path = tmp_path_factory.mktemp("away") / "netreg.sqlite3"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="module")
def server():
    """A PostgreSQL that only these tests use, with a migrated database to copy."""
    with contextlib.ExitStack() as stack:
        try:
            found = PostgresThatGoes(stack.enter_context(postgres.start(durable=True)))
        except postgres.Unavailable as problem:
            pytest.skip(f"no PostgreSQL: {problem}")
        migrate(found.url)
        yield found
        if found.again is not None:
            found.again.send_signal(signal.SIGINT)
            found.again.wait(10)


@pytest.fixture(params=["sqlite", POSTGRES])
def going(request, tmp_path):
    """A database of the test's own that can go away."""
    if request.param == "sqlite":
        found = SqliteThatGoes(tmp_path)
        shutil.copy(request.getfixturevalue("migrated_file"), found.path)
        return found
    found = request.getfixturevalue("server")
    found.another()
    return found


@pytest.fixture
def house(going, tmp_path):
    """The application on it, as it runs for people: errors are answered, not raised."""
    from tests.conftest import Client

    (tmp_path / "instance").mkdir()
    app = create_app(
        Settings(
            database_url=going.url, instance=tmp_path / "instance", secret_key="x",
            environment="testing",
        )
    )  # fmt: skip
    app.config["TESTING"] = app.testing = False
    app.test_client_class = Client
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()
        app.extensions["netreg_huey"].storage.close()


SAME = {"Sec-Fetch-Site": "same-origin"}


def test_what_was_typed_is_kept_and_the_first_request_after_the_return_succeeds(
    going, house, caplog
):
    client = house.test_client()
    net = make_referrals.network()
    make.sign_in(client, net.alice)
    first = make_referrals.first_page(net, family_name="Zonneveld")
    token = make.token(client.get("/referrals/new").text)
    db.session.remove()
    going.go()
    page = client.get("/patients?q=Zonneveld")
    assert page.status_code == 503
    assert int(page.headers["Retry-After"]) == away.RETRY_SECONDS
    assert "cannot reach its data" in page.text
    assert 'http-equiv="refresh"' in page.text
    sent = client.post("/referrals/new", data={**first, "csrf_token": token}, headers=SAME)
    assert sent.status_code == 503
    assert sent.headers["Cache-Control"] == "no-store"
    assert 'name="family_name" value="Zonneveld"' in sent.text
    assert 'action="/referrals/new"' in sent.text
    again = make.token(sent.text)
    draft = client.post(
        "/referrals/new", data={}, headers={"X-Requested-With": "fetch", "X-CSRFToken": token}
    )
    assert (draft.status_code, bool(draft.json["error"])) == (503, True)
    assert client.get("/healthz").status_code == 200
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json["ready"]) == (503, False)
    with client.get("/static/app/away.js") as script:
        assert script.status_code == 200
    assert "Zonneveld" not in caplog.text
    going.come_back()
    saved = client.post("/referrals/new", data={**first, "csrf_token": again}, headers=SAME)
    assert saved.status_code == 303, "the very first request after the return"
    assert client.get("/readyz").json["ready"] is True
    assert db.session.scalar(sa.text("SELECT count(*) FROM referral")) == 1


def test_a_strangers_form_and_one_with_a_password_are_not_shown_again(going, house):
    client = house.test_client()
    net = make_referrals.network()
    make.sign_in(client, net.alice)
    token = make.token(client.get("/account").text)
    db.session.remove()
    going.go()
    form = {"family_name": "Forged", "csrf_token": token}
    stranger = client.post("/referrals/new", data=form, headers={"Origin": "https://evil.example"})
    assert stranger.status_code == 503
    assert "Forged" not in stranger.text
    secret = {"current": "geheim", "password": "nieuw geheim", "csrf_token": token}
    own = client.post("/account/password", data=secret, headers=SAME)
    assert own.status_code == 503
    assert "geheim" not in own.text
    sign_in = client.post("/sign-in", data={"email": "a@b.nl", "password": "geheim"}, headers=SAME)
    assert sign_in.status_code == 503
    assert "geheim" not in sign_in.text
    going.come_back()
    assert client.get("/account").status_code == 200


def test_a_change_whose_commit_failed_is_told_so(going, house, monkeypatch):
    """The view was done and the database went before the commit."""
    client = house.test_client()
    net = make_referrals.network()
    make.sign_in(client, net.alice)
    token = make.token(client.get("/account").text)
    db.session.remove()

    def gone() -> None:
        going.go()
        db.session.execute(sa.text("SELECT 1"))

    with monkeypatch.context() as patch:
        patch.setattr("registry.web.jobs.tell_worker", gone)
        answer = client.post("/notices/seen", data={"csrf_token": token}, headers=SAME)
    assert answer.status_code == 503
    going.come_back()
    assert client.get("/account").status_code == 200


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_a_locked_database_is_away_too(place, app, client):
    """PostgreSQL locks rows, never the whole database."""
    import sqlite3

    net = make_referrals.network()
    make.sign_in(client, net.alice)
    token = make.token(client.get("/account").text)
    db.session.remove()
    db.engine.dispose()

    @sa.event.listens_for(db.engine, "connect")
    def impatient(connection, record):
        connection.execute("PRAGMA busy_timeout=100")

    before, app.testing = app.testing, False

    try:
        with contextlib.closing(sqlite3.connect(place.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            answer = client.post("/notices/seen", data={"csrf_token": token}, headers=SAME)
            assert answer.status_code == 503
            other.execute("ROLLBACK")
    finally:
        app.testing = before
        sa.event.remove(db.engine, "connect", impatient)
        db.engine.dispose()
    assert client.post("/notices/seen", data={"csrf_token": token}).status_code == 303


def test_a_missing_sqlite_file_is_not_made_anew(tmp_path):
    path = tmp_path / "none.sqlite3"
    app = create_app(
        Settings(
            database_url=f"sqlite:///{path}", instance=tmp_path, secret_key="x",
            environment="testing",
        )
    )  # fmt: skip
    app.config["TESTING"] = app.testing = False
    assert app.test_client().get("/sign-in").status_code in {200, 503}
    assert app.test_client().get("/readyz").status_code == 503
    assert not path.exists()


def test_other_errors_of_the_database_are_errors(app):
    with pytest.raises(sa.exc.DBAPIError) as wrong:
        db.session.execute(sa.text("SELECT no_such_column FROM organisation"))
    db.session.rollback()
    assert not away.is_away(wrong.value)
    connection = db.session.connection()
    asks = "SELECT no_such_column FROM organisation WHERE name = "
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    statements = [("SELECT 1", ()), (asks + mark, ("Zonneveld",))]
    with make.counted() as asked, pytest.raises(sa.exc.DBAPIError) as wrong:
        driver_rows(connection, statements)
    db.session.rollback()
    assert asked == [text for text, _values in statements]
    assert not away.is_away(wrong.value)
    assert asks in str(wrong.value)
    assert "Zonneveld" not in str(wrong.value)  # what was asked for is in no text of an error
    assert not away.is_away(ValueError())
    assert away.is_away(sa.exc.TimeoutError())


def test_the_worker_goes_on_after_the_return(going, house, tmp_path):
    """Queued while nobody works, and the database goes and comes back under the worker."""
    from tests import live

    environment = live.settings(going.url, tmp_path / "instance")
    # the ring and the secret are the house's own
    make.office()
    db.session.commit()
    db.session.remove()
    log = tmp_path / "worker.log"
    with log.open("wb") as out:
        worker = subprocess.Popen(
            [live.NETREG, "worker"], cwd=live.ROOT, env={**environment, "NETREG_LOG": "json"},
            stdout=out, stderr=out,
        )  # fmt: skip
    try:
        house.extensions["netreg_queue"]("audit.seal")
        until(lambda: sealed() == 1)
        db.session.remove()
        before = log.stat().st_size
        going.go()
        with contextlib.suppress(AssertionError):  # a file that is away is not asked for at once
            until(lambda: log.stat().st_size > before, seconds=2.5)
        assert worker.poll() is None
        going.come_back()
        make.hospital()
        db.session.commit()
        db.session.remove()
        house.extensions["netreg_huey"].storage.close()
        house.extensions["netreg_queue"]("audit.seal")
        until(lambda: sealed() == 2)
        assert db.session.scalar(sa.select(sa.func.count()).select_from(Organisation)) == 2
        db.session.remove()
    finally:
        worker.send_signal(signal.SIGINT)
        worker.wait(20)
    for line in log.read_text().splitlines():
        assert json.loads(line)["logger"]


def sealed() -> int:
    count = db.session.scalar(sa.text("SELECT count(*) FROM audit_seal"))
    db.session.remove()
    return count


def until(happened, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


def test_one_at_a_time_and_long_work_leaves_room(app):
    with jobs.alone("same") as first, jobs.alone("same") as second, jobs.alone("other") as third:
        assert (first, second, third) == (True, False, True)
    with jobs.alone("same") as free:
        assert free
    lanes = jobs.Lanes(4)
    with contextlib.ExitStack() as stack:
        places = [stack.enter_context(lanes.lane("research.make_release")) for _ in range(3)]
        assert places == [True, True, False]
        assert stack.enter_context(lanes.lane("audit.seal"))
    with lanes.lane("research.make_release") as place:
        assert place
