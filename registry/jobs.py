"""Background work. The intent lives in the domain's own tables, written with the change; a job is
only told to look. What a killed worker leaves is found again by the sweep, so a handler must be
able to run twice without harm.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import sqlalchemy as sa
from flask import Flask, current_app, g, has_request_context
from huey import PostgresHuey, SqliteHuey, crontab
from huey.api import Huey
from huey.exceptions import RetryTask

log = logging.getLogger("netreg.jobs")

Handler = Callable[..., None]
_handlers: dict[str, Handler] = {}
_sweeps: list[str] = []
_long: set[str] = set()
_told_of_failures: list[Callable[[str, BaseException], None]] = []


#: Short work goes before long work that waits.
SHORT_FIRST = 10
#: How long work that finds every place for long work taken waits before it asks again.
ASK_AGAIN_SECONDS = 5
#: PostgreSQL's advisory locks of jobs, apart from others.
_LOCKS = 7_263


def job(name: str, *, sweep: bool = False, long: bool = False) -> Callable[[Handler], Handler]:
    """Register a handler. With `sweep` the worker also runs it, without arguments, each minute.

    `long` work, which may take many minutes, never takes all of the worker's threads, so that mail
    and the seals of the audit are not kept waiting. The same work is done by one at a time.
    """

    def keep(handler: Handler) -> Handler:
        _handlers[name] = handler
        if sweep and name not in _sweeps:
            _sweeps.append(name)
        if long:
            _long.add(name)
        return handler

    return keep


def on_failure(
    told: Callable[[str, BaseException], None],
) -> Callable[[str, BaseException], None]:
    """Have a function told of each job that ends with an error, by its name."""
    if told not in _told_of_failures:
        _told_of_failures.append(told)
    return told


def after_commit(name: str, *arguments: str) -> None:
    """Have the worker told once the change is on disk."""
    g.setdefault("jobs", []).append((name, arguments))


def tell_worker() -> None:
    """Hand the noted jobs to the queue. A queue that is away is no harm: the sweep finds them."""
    for name, arguments in g.pop("jobs", []):
        try:
            current_app.extensions["netreg_queue"](name, *arguments)
        except Exception:
            log.exception("the worker could not be told of %s; the sweep will find it", name)


def forget() -> None:
    """Drop the noted jobs of a request that was rolled back."""
    if has_request_context():
        g.pop("jobs", None)


def _storage(app: Flask) -> Huey:
    settings = app.extensions["netreg_settings"]
    if settings.database_url.startswith("sqlite"):
        return SqliteHuey("netreg", filename=str(settings.instance / "queue.sqlite3"), fsync=True)
    dsn = settings.database_url.replace("postgresql+psycopg://", "postgresql://", 1)
    # Its tables are made with the database's (migrations/env.py): several processes start at once.
    return PostgresHuey("netreg", dsn=dsn, create_tables=False)


def queue_tables(*, wanted: bool) -> list[str]:
    """The statements after which PostgreSQL has the queue's tables, or has them no more."""
    storage = PostgresHuey("netreg", create_tables=False).storage
    made: list[str] = storage.ddl
    names = (storage.table_kv, storage.table_schedule, storage.table_task, storage.table_counter)
    return made if wanted else [f"DROP TABLE IF EXISTS {name}" for name in names]


# -- one at a time -----------------------------------------------------------------------------


@contextmanager
def alone(what: str) -> Iterator[bool]:
    """Hold a piece of work for this process among all workers; gives whether it was free.

    The hold ends with the process or its connection, however it dies.
    """
    from registry.db import db  # here: its models are told of jobs

    if db.engine.dialect.name == "postgresql":
        number = int.from_bytes(hashlib.sha256(what.encode()).digest()[:4], "big", signed=True)
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            free = bool(connection.scalar(sa.select(sa.func.pg_try_advisory_lock(_LOCKS, number))))
            try:
                yield free
            finally:
                if free:
                    connection.execute(sa.select(sa.func.pg_advisory_unlock(_LOCKS, number)))
        return
    folder = current_app.extensions["netreg_settings"].instance / "locks"
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / hashlib.sha256(what.encode()).hexdigest()[:16]).open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


class Lanes:
    """Keeps long work from taking every thread of this worker."""

    def __init__(self, threads: int) -> None:
        self._places = threading.BoundedSemaphore(max(1, threads // 2))

    @contextmanager
    def lane(self, name: str) -> Iterator[bool]:
        """A place for this work; gives whether there was one. Short work always has one."""
        if name not in _long:
            yield True
            return
        found = self._places.acquire(blocking=False)
        try:
            yield found
        finally:
            if found:
                self._places.release()


def _tell_of(name: str, problem: BaseException) -> None:
    for told in _told_of_failures:
        with suppress(Exception):  # the database may be what failed
            told(name, problem)


class _Runner:
    """Runs handlers in the worker: in their lane, one at a time, with failures told of."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._lanes = Lanes(app.extensions["netreg_settings"].worker_threads)

    def run(self, name: str, *arguments: str) -> bool:
        """Do it, unless somebody is at it. Gives whether there was a place for it."""
        with self._app.app_context(), self._lanes.lane(name) as place:
            if place:
                try:
                    with alone(" ".join((name, *arguments))) as free:
                        if free:
                            _handlers[name](*arguments)
                except Exception as problem:
                    _tell_of(name, problem)
                    raise
        return place

    def told(self, name: str, *arguments: str) -> None:
        """What a change has asked for."""
        if not self.run(name, *arguments):
            raise RetryTask(delay=ASK_AGAIN_SECONDS)

    def sweep(self, name: str) -> None:
        """What is done each minute, whatever became of it the minute before."""
        try:
            self.run(name)
        except Exception as problem:
            kind = type(problem).__name__
            log.error("sweep of %s failed (%s); it runs again in a minute", name, kind)


def connect(app: Flask) -> Huey:
    """Make the queue of this application and register every handler with it."""
    queue, runner = _storage(app), _Runner(app)
    # The wrapper is a function of its own: the queue names a task by its module and name.
    task = queue.task(retries=3, retry_delay=5, name="told")(
        lambda name, *arguments: runner.told(name, *arguments)
    )
    for name in _sweeps:
        one = functools.partial(runner.sweep, name)
        about: dict[str, Any] = {"name": f"sweep {name}", "priority": _priority(name)}
        queue.periodic_task(crontab(minute="*"), **about)(one)

    def tell(name: str, *arguments: str) -> Any:
        return task(name, *arguments, priority=_priority(name))

    app.extensions["netreg_huey"] = queue
    app.extensions["netreg_queue"] = tell
    return queue


def _priority(name: str) -> int:
    return 0 if name in _long else SHORT_FIRST


def work(app: Flask) -> None:
    """Run background work until told to stop: SIGINT lets the work under way end, SIGTERM does not
    wait for it. What is cut short is found again."""
    settings = app.extensions["netreg_settings"]
    consumer = app.extensions["netreg_huey"].create_consumer(
        workers=settings.worker_threads, periodic=True, initial_delay=0.1, max_delay=1.0
    )
    consumer.run()
