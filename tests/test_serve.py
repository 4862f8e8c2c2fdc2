"""The web server and the background worker, as processes of this machine."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psutil
import pytest
from click.testing import CliRunner

from registry.cli import main
from tests import live
from tests.databases import Postgres, Sqlite

pytestmark = pytest.mark.slow

Serving = contextlib.AbstractContextManager[live.Live]
Serve = Callable[..., Serving]


def until(happened: Callable[[], object], seconds: float = 40) -> None:
    """Wait until it happened; fail when it did not."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def family(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


@pytest.fixture
def serve_it(_kept: Any, tmp_path: Path) -> Serve:
    """Serves an empty database, SQLite unless told otherwise."""

    def serve(
        place: Sqlite | Postgres | None = None,
    ) -> contextlib.AbstractContextManager[live.Live]:
        url = (place or _kept.place("sqlite")).another("served")
        return live.serve(url, tmp_path, demo=False, migrated=True)

    return serve


def test_it_serves_and_ctrl_c_stops_everything(place: Sqlite | Postgres, serve_it: Serve) -> None:
    """Also when a web worker and the background worker were killed: they come back."""
    with serve_it(place) as running:
        assert len(running.web_workers()) == 2
        said = f"http://localhost:{running.url.rpartition(':')[2]}/"
        until(lambda: said in running.log())
        killed = [running.web_workers()[0], running.background_worker()]
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        until(lambda: len(set(running.web_workers()) - set(killed)) == 2)
        until(lambda: "The background worker ended (-9)" in running.log())
        until(lambda: running.background_worker() not in killed)
        with urlopen(running.url) as answer:
            assert answer.status == 200
        everybody = family(running.process.pid)
        os.killpg(running.process.pid, signal.SIGINT)
        assert running.process.wait(40) == 0
        assert psutil.wait_procs(everybody, timeout=5)[1] == []


def test_without_its_web_server_it_ends_with_an_error(serve_it: Serve) -> None:
    with serve_it() as running:
        everybody = family(running.process.pid)
        os.kill(running.gunicorn(), signal.SIGKILL)
        assert running.process.wait(40) == 1
        assert "The web server ended by itself (-9)" in running.log()
        assert psutil.wait_procs(everybody, timeout=5)[1] == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_killed_without_warning_it_leaves_nobody_behind(serve_it: Serve) -> None:
    with serve_it() as running:
        everybody = family(running.process.pid)
        running.process.kill()
        assert psutil.wait_procs(everybody, timeout=15)[1] == []


def test_a_port_in_use_is_said_in_a_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = CliRunner().invoke(main, ["serve", "--port", str(port)])
    assert result.exit_code == 1
    assert f"Port {port} cannot be used" in result.output
    assert f"make run PORT={port + 1}" in result.output
