"""Background work. The intent lives in the domain's own tables, written with the change; a job is
only told to look. What a killed worker leaves is found again by the sweep, so a handler must be
able to run twice without harm.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from flask import Flask, current_app, g, has_request_context
from huey import PostgresHuey, SqliteHuey, crontab
from huey.api import Huey

log = logging.getLogger("netreg.jobs")

Handler = Callable[..., None]
_handlers: dict[str, Handler] = {}
_sweeps: list[str] = []
_told_of_failures: list[Callable[[str, BaseException], None]] = []


def job(name: str, *, sweep: bool = False) -> Callable[[Handler], Handler]:
    """Register a handler. With `sweep` the worker also runs it, without arguments, each minute."""

    def keep(handler: Handler) -> Handler:
        _handlers[name] = handler
        if sweep:
            _sweeps.append(name)
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


def connect(app: Flask) -> Huey:
    """Make the queue of this application and register every handler with it."""
    queue = _storage(app)

    def run(name: str, *arguments: str) -> None:
        with app.app_context():
            try:
                _handlers[name](*arguments)
            except Exception as problem:
                for told in _told_of_failures:
                    told(name, problem)
                raise

    task = queue.task(retries=3, retry_delay=5)(run)

    def sweep() -> None:
        for name in _sweeps:
            try:
                run(name)
            except Exception:
                log.exception("sweep of %s failed; it runs again in a minute", name)

    queue.periodic_task(crontab(minute="*"))(sweep)
    app.extensions["netreg_huey"] = queue
    app.extensions["netreg_queue"] = task
    return queue
