"""What every test may ask for: a database, the application on it, somebody to click.

    def test_something(client): ...      runs on SQLite and on PostgreSQL, each on an empty database

Arrange inside the test, with the builders of tests/make.py; what was arranged is saved before each
request.
"""

from __future__ import annotations

import contextlib
import contextvars
import ipaddress
import os
import shutil
import socket
import sqlite3
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from flask import Flask, has_app_context
from flask.testing import FlaskClient
from hypothesis import settings
from jinja2 import FileSystemBytecodeCache
from werkzeug.test import TestResponse

from config import Settings
from registry import create_app
from registry.db import db
from registry.people import rules as password_rules
from registry.serve import settle
from tests import postgres
from tests.databases import Postgres, Sqlite

# How long an example takes depends on what else the machine does; `timeout` guards the rest.
settings.register_profile("house", deadline=None)
settings.load_profile("house")

REQUIRED = {"browser": "NETREG_REQUIRE_BROWSER", "postgres": "NETREG_REQUIRE_POSTGRES"}


# -- nothing leaves this machine ---------------------------------------------------------------


def _stay_here(connect: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(self: socket.socket, address: Any) -> Any:
        if self.family in {socket.AF_INET, socket.AF_INET6}:
            host = str(address[0])
            with contextlib.suppress(ValueError):
                if ipaddress.ip_address(host).is_loopback:
                    return connect(self, address)
            if host != "localhost":
                raise PermissionError(f"a test tried to reach {host}")
        return connect(self, address)

    return guarded


socket.socket.connect = _stay_here(socket.socket.connect)  # type: ignore[method-assign]
socket.socket.connect_ex = _stay_here(socket.socket.connect_ex)  # type: ignore[method-assign]


# -- a skip that was forbidden is a failure ----------------------------------------------------


@pytest.hookimpl(tryfirst=True)  # before the groups are read
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests in tests/browser are browser tests, and run one after the other in one process."""
    for item in items:
        if "browser" in item.path.relative_to(Path(__file__).parent).parts[:-1]:
            item.add_marker(pytest.mark.browser)
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.xdist_group("browser"))


def pytest_collection_finish() -> None:
    """Eight thousand tests live as long as the process: the collector of garbage need not look
    through them during each (a twelfth of the time of a test of pages)."""
    settle()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where NETREG_REQUIRE_… is set, a test of that kind that is skipped has failed."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        for marker, variable in REQUIRED.items():
            if item.get_closest_marker(marker) and os.environ.get(variable):
                reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
                report.outcome = "failed"
                report.longrepr = f"{variable} is set, but this test was skipped. {reason}"
    if report.failed:
        item.stash[FAILED] = True
    return report


FAILED = pytest.StashKey[bool]()


# -- what is slow on purpose, made quick -------------------------------------------------------


@pytest.fixture(scope="session", autouse=True)
def _quick_passwords() -> Iterator[None]:
    """Hashing a password takes a tenth of a second so that guessing does; tests need not wait."""
    with pytest.MonkeyPatch.context() as patch:
        quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr(password_rules, "_hasher", quick)
        yield


@sa.event.listens_for(sa.Engine, "connect")
def _quick_commits(connection: Any, record: Any) -> None:
    """The tests' own connections do not wait for the disk; a server that a test starts does."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous=OFF")


# -- databases ---------------------------------------------------------------------------------


@dataclass
class _Kept:
    """What one test process keeps from test to test."""

    folder: Path
    stack: contextlib.ExitStack
    places: dict[str, Sqlite | Postgres] = field(default_factory=dict)
    apps: dict[str, tuple[Flask, set[str]]] = field(default_factory=dict)
    refused: str = ""

    def place(self, kind: str) -> Sqlite | Postgres:
        if kind not in self.places:
            self.places[kind] = Sqlite(self.folder) if kind == "sqlite" else self._postgres()
        return self.places[kind]

    def _postgres(self) -> Postgres:
        if not self.refused:
            try:
                return self.stack.enter_context(
                    contextlib.closing(Postgres(self.stack.enter_context(postgres.start())))
                )
            except postgres.Unavailable as problem:
                self.refused = str(problem)
        pytest.skip(f"no PostgreSQL: {self.refused}")


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> FileSystemBytecodeCache:
    """Templates compiled once in a run, for all its applications and processes."""
    run = tmp_path_factory.getbasetemp()
    folder = (run.parent if "PYTEST_XDIST_WORKER" in os.environ else run) / "templates"
    folder.mkdir(mode=0o700, exist_ok=True)
    return FileSystemBytecodeCache(str(folder))


@pytest.fixture(scope="session")
def _kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Kept]:
    with contextlib.ExitStack() as stack:
        kept = _Kept(tmp_path_factory.mktemp("databases"), stack)
        yield kept
        for app, _files in kept.apps.values():
            app.extensions["netreg_huey"].storage.close()
            with app.app_context():
                db.engine.dispose()


KINDS = [
    pytest.param("sqlite", id="sqlite"),
    pytest.param("postgres", id="postgres", marks=pytest.mark.postgres),
]


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, _kept: _Kept) -> Sqlite | Postgres:
    """Where databases are made, of one kind: `.url`, `.another(name)`, `.blank(name)`."""
    return _kept.place(request.param)


@pytest.fixture
def database(place: Sqlite | Postgres) -> str:
    """The URL of a migrated, empty database."""
    place.empty()
    return place.url


# -- the application ---------------------------------------------------------------------------


class Client(FlaskClient):
    """A browser without a page: each request is on its own, as on a real server.

    What the test arranged is saved before the request, and read afresh after it.
    """

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send a request."""
        if has_app_context():
            db.session.commit()
        return contextvars.Context().run(super().open, *args, **kwargs)


def _build(url: str, instance: Path) -> tuple[Flask, set[str]]:
    """An application on this database, and the names of the files it keeps in its folder."""
    instance.mkdir(mode=0o700)
    settings = Settings(
        database_url=url, instance=instance, secret_key="only for tests", environment="testing"
    )
    app = create_app(settings)
    app.test_client_class = Client
    return app, {path.name for path in instance.iterdir()}


def _tidy(instance: Path, keep: set[str]) -> None:
    """Remove what the last test left in the folder, such as documents and releases."""
    for path in instance.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif not path.name.startswith(tuple(keep)):
            path.unlink()


@pytest.fixture
def app(database: str, _kept: _Kept, compiled: FileSystemBytecodeCache) -> Iterator[Flask]:
    """The application on an empty database, with its context open for the test's own queries.

    It is made once for each kind of database. What a test changes in `app.config` is put back.
    """
    instance = _kept.folder / f"instance-{database.partition(':')[0]}"
    if database not in _kept.apps:
        _kept.apps[database] = _build(database, instance)
        _kept.apps[database][0].jinja_env.bytecode_cache = compiled
    app, files = _kept.apps[database]
    _tidy(instance, files)
    config = dict(app.config)
    with app.app_context():
        yield app
        db.session.remove()
        if database.startswith("sqlite"):
            db.engine.dispose()  # the file is replaced before the next test
    app.config.clear()
    app.config.update(config)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Somebody who is not signed in."""
    return app.test_client()
