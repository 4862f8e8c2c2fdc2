"""The product as it really runs: gunicorn with two workers, and the background worker."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
NETREG = Path(sys.executable).with_name("netreg")
START_SECONDS = 60


@dataclass(frozen=True)
class Live:
    """A running product: its address, its database, its folder and its processes."""

    url: str
    database_url: str
    instance: Path
    environment: dict[str, str]
    process: subprocess.Popen[bytes]
    log_path: Path

    def log(self) -> str:
        """What the server, its workers and the background worker wrote so far."""
        return self.log_path.read_text(errors="replace")

    def netreg(self, *words: str) -> str:
        """Run the console command on this instance. Returns what it printed."""
        return netreg(*words, environment=self.environment)

    def _children(self, of: psutil.Process, mark: str) -> list[psutil.Process]:
        found = []
        for child in of.children():
            with contextlib.suppress(psutil.Error):  # it has just ended
                if mark in " ".join(child.cmdline()):
                    found.append(child)
        return found

    def gunicorn(self) -> int:
        """The process id of the web server, parent of its workers."""
        [master] = self._children(psutil.Process(self.process.pid), "gunicorn")
        return master.pid

    def web_workers(self) -> list[int]:
        """The process ids of gunicorn's workers, to be killed by tests."""
        return [child.pid for child in psutil.Process(self.gunicorn()).children()]

    def background_worker(self) -> int | None:
        """The process id of the background worker; None while it is being started again."""
        found = self._children(psutil.Process(self.process.pid), "registry.cli")
        return found[0].pid if found else None


def netreg(*words: str, environment: dict[str, str]) -> str:
    """Run the console command. Returns what it printed; raises with it when it failed."""
    done = subprocess.run(
        [NETREG, *words], env=environment, cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    if done.returncode:
        raise RuntimeError(f"netreg {' '.join(words)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(url, timeout=5).close()
            return
        time.sleep(0.1)
    raise RuntimeError(f"the server did not start:\n{log.read_text(errors='replace')}")


def _stop(process: subprocess.Popen[bytes]) -> bool:
    """Stop it as a service manager would. Returns whether it ended well and left nobody behind."""
    family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(40)
    _gone, left = psutil.wait_procs(family, timeout=5)
    for each in (*left, process):
        with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
            each.kill()
    return not left and process.wait() == 0


def settings(database_url: str, instance: Path) -> dict[str, str]:
    """The environment of an instance that knows nothing of the developer's own."""
    ours = {k: v for k, v in os.environ.items() if not k.startswith(("NETREG_", "DATABASE_URL"))}
    return ours | {
        "DATABASE_URL": database_url,
        "NETREG_INSTANCE": str(instance),
        "NETREG_ENV": "demo",
    }


@contextlib.contextmanager
def serve(
    database_url: str, folder: Path, *, demo: bool = True, migrated: bool = False
) -> Iterator[Live]:
    """Migrate the database unless it is, load the demo network, and serve until the block ends.

    Unless the test has ended it, it is stopped: not cleanly, or with a process left behind, fails.
    """
    instance, log_path = folder / "instance", folder / "server.log"
    instance.mkdir(mode=0o700, parents=True, exist_ok=True)
    environment = settings(database_url, instance)
    if not migrated:
        netreg("db", "upgrade", environment=environment)
    if demo:
        netreg("demo", "load", "--if-empty", environment=environment)
    port = free_port()
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [NETREG, "serve", "--port", str(port)],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(url, process, log_path)
        yield Live(url, database_url, instance, environment, process, log_path)
    finally:
        clean = process.poll() is not None or _stop(process)
    if not clean:
        raise RuntimeError(f"it did not stop cleanly:\n{log_path.read_text(errors='replace')}")
