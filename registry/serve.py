"""The web server and the background worker, started together and stopped together."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import gc
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
GRACE_SECONDS = 20  # as in gunicorn.conf.py
WORKER_GRACE_SECONDS = 10  # for the job that is under way; what is cut short, the sweep finds again
LONGEST_PAUSE_SECONDS = 30.0
OBJECTS_BETWEEN_COLLECTIONS = 10_000
# The path only: a query string may hold what was searched for, a referrer where somebody came from.
ACCESS_LOG_FORMAT = "%(t)s %(m)s %(U)s %(s)s %(D)sus"
PARENT_DIED = 1  # PR_SET_PDEATHSIG of Linux's prctl

# Bound before any fork: between fork and exec nothing may be imported or looked up.
_prctl = ctypes.CDLL(None, use_errno=True).prctl if sys.platform == "linux" else None


def settle() -> None:
    """Called once an application is whole: what it is made of lives as long as the process, and the
    collector of garbage need not look through it again while a page is made.

    A page makes some thousand objects and lets go of them at its end. Looked through every 700, as
    Python does of itself, they are looked through while all of them are in use.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS, 10, 10)


def die_with_parent(parent: int) -> None:
    """Called in a new process before it becomes its program: end it when `parent` ends.

    That holds for kill -9 too, on Linux only: elsewhere what such a parent leaves has to be ended
    by hand.
    """
    if _prctl is None:
        return
    _prctl(PARENT_DIED, signal.SIGTERM)
    if os.getppid() != parent:  # it ended before it could be watched
        os._exit(1)


def _start(command: list[str]) -> subprocess.Popen[bytes]:
    """Start a process that hears of Ctrl-C from us alone, once.

    gunicorn's workers can block when they are told to stop by the terminal and by their master
    at the same moment, and answers under way would be cut off.
    """
    return subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        process_group=0,
        preexec_fn=functools.partial(die_with_parent, os.getpid()),
    )


def _start_web(
    host: str, port: int, workers: int, threads: int, access_log: bool
) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "gunicorn", "wsgi:app", "--bind", f"{host}:{port}"]
    command += ["--workers", str(workers), "--threads", str(threads)]  # more: gunicorn.conf.py
    if access_log:
        command += ["--access-logfile", "-", "--access-logformat", ACCESS_LOG_FORMAT]
    return _start(command)


def _start_worker() -> subprocess.Popen[bytes]:
    return _start([sys.executable, "-c", "from registry.cli import main; main()", "worker"])


def _stop(process: subprocess.Popen[bytes], gently: signal.Signals, seconds: float) -> None:
    """Ask a process to end; after `seconds` insist."""
    if process.poll() is None:
        process.send_signal(gently)
    for insist in (process.terminate, process.kill):
        try:
            process.wait(seconds)
            return
        except subprocess.TimeoutExpired:
            insist()
    process.wait()


def _refuse_taken_port(host: str, port: int) -> None:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except OSError as problem:
            raise click.ClickException(
                f"Port {port} cannot be used ({problem.strerror}). "
                f"Choose another: make run PORT={port + 1}"
            ) from problem


def _answers(host: str, port: int) -> bool:
    """Does the web server answer a request? Asks for a file that no page needs and no log keeps."""
    try:
        with socket.create_connection((host, port), timeout=1) as connection:
            connection.sendall(b"HEAD /static/ready HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return connection.recv(5) == b"HTTP/"
    except OSError:
        return False


class _Told:
    """Whether a signal told us to end. Waiting holds no lock that the signal's handler needs."""

    SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self.yet = False
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        self._before = {each: signal.signal(each, self._note) for each in self.SIGNALS}

    def _note(self, *_: object) -> None:
        self.yet = True
        with contextlib.suppress(BlockingIOError):
            os.write(self._writer, b".")

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until told. Returns whether we were told."""
        select.select([self._reader], [], [], seconds)
        return self.yet

    def forget(self) -> None:
        """Put back what handled the signals before."""
        for each, handler in self._before.items():
            signal.signal(each, handler)
        os.close(self._reader)
        os.close(self._writer)


class _Worker:
    """The background worker, started again when it ends by itself, ever more slowly."""

    def __init__(self) -> None:
        self.process = _start_worker()
        self.started = time.monotonic()
        self.pause = 1.0
        self.due: float | None = None

    def keep_alive(self) -> None:
        """Look once: note that it ended, or start it again when its pause is over."""
        now = time.monotonic()
        if self.due is not None:
            if now >= self.due:
                self.process, self.started, self.due = _start_worker(), now, None
            return
        if self.process.poll() is None:
            return
        if now - self.started > LONGEST_PAUSE_SECONDS:
            self.pause = 1.0
        click.echo(
            f"The background worker ended ({self.process.returncode}); "
            f"starting it again in {self.pause:.0f} s.",
            err=True,
        )
        self.due, self.pause = now + self.pause, min(self.pause * 2, LONGEST_PAUSE_SECONDS)


def serve(
    port: int,
    *,
    workers: int = 2,
    threads: int = 4,
    host: str = HOST,
    announce: Callable[[], str] | None = None,
    access_log: bool = False,
) -> None:
    """Serve until Ctrl-C or SIGTERM, then stop everything.

    Once the first page can be answered, the address and what `announce` says are printed. The
    worker is started again when it dies. Raises SystemExit(1) when the web server dies,
    ClickException when the port is taken.
    """
    _refuse_taken_port(host, port)
    told = _Told()
    web = _start_web(host, port, workers, threads, access_log)
    worker = _Worker()
    try:
        _watch(told, web, worker, _once_up(host, port, announce))
    finally:
        _stop(web, signal.SIGTERM, GRACE_SECONDS + 5)
        _stop(worker.process, signal.SIGINT, WORKER_GRACE_SECONDS)
        told.forget()
    if not told.yet:
        click.echo(f"The web server ended by itself ({web.returncode}).", err=True)
        raise SystemExit(1)


def _once_up(host: str, port: int, announce: Callable[[], str] | None) -> Callable[[], bool]:
    """A look at whether the server answers, which announces it the first time it does."""
    shown = "localhost" if host == HOST else host

    def look() -> bool:
        if not _answers(host, port):
            return False
        click.echo(f"NET registry is at http://{shown}:{port}/  (Ctrl-C stops it)")
        if announce is not None and (text := announce()):
            click.echo(text)
        return True

    return look


def _watch(
    told: _Told, web: subprocess.Popen[bytes], worker: _Worker, look: Callable[[], bool]
) -> None:
    """Until told to end or until the web server ends: announce it once, keep the worker alive."""
    announced = False
    while web.poll() is None and not told.wait(0.5 if announced else 0.1):
        announced = announced or look()
        worker.keep_alive()
