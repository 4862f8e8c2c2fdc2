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
from urllib.request import urlopen

import psutil
import pytest
from click.testing import CliRunner

from registry.cli import main
from tests import live
from tests.databases import Postgres, Sqlite

pytestmark = pytest.mark.slow


def until(happened: Callable[[], object], seconds: float = 15) -> None:
    """Wait until it happened; fail when it did not."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def family(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def on_sqlite(folder: Path) -> contextlib.AbstractContextManager[live.Live]:
    return live.serve(f"sqlite:///{folder / 'netreg.sqlite3'}", folder, demo=False)


def test_it_serves_and_ctrl_c_stops_everything(place: Sqlite | Postgres, tmp_path: Path) -> None:
    with live.serve(place.another("served"), tmp_path, demo=False) as running:
        with urlopen(running.url) as answer:
            assert answer.status == 200
        assert len(running.web_workers()) == 2
        assert f"http://localhost:{running.url.rpartition(':')[2]}/" in running.log()
        everybody = family(running.process.pid)
        os.killpg(running.process.pid, signal.SIGINT)
        assert running.process.wait(15) == 0
        assert psutil.wait_procs(everybody, timeout=5)[1] == []


def test_a_web_worker_or_the_background_worker_that_is_killed_comes_back(tmp_path: Path) -> None:
    with on_sqlite(tmp_path) as running:
        killed = [running.web_workers()[0], running.background_worker()]
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        until(lambda: len(set(running.web_workers()) - set(killed)) == 2)
        until(lambda: "The background worker ended (-9)" in running.log())
        until(lambda: running.background_worker() not in killed)
        with urlopen(running.url) as answer:
            assert answer.status == 200


def test_without_its_web_server_it_ends_with_an_error(tmp_path: Path) -> None:
    with on_sqlite(tmp_path) as running:
        everybody = family(running.process.pid)
        os.kill(running.gunicorn(), signal.SIGKILL)
        assert running.process.wait(15) == 1
        assert "The web server ended by itself (-9)" in running.log()
        assert psutil.wait_procs(everybody, timeout=5)[1] == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_killed_without_warning_it_leaves_nobody_behind(tmp_path: Path) -> None:
    with on_sqlite(tmp_path) as running:
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
