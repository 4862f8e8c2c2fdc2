"""What production refuses: each setting that is not safe, by its name, all at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import sqlalchemy as sa
from flask import Flask, current_app
from sqlalchemy.exc import OperationalError

from config import Settings
from registry import health, keys
from registry.db import db

SHORTEST_SECRET = 32  # characters; `secrets.token_urlsafe(48)` gives 64
FEWEST_LETTERS = 12  # different ones in a secret that was drawn and not typed
TYPED = ("change", "secret", "default", "example", "password", "netreg", "test", "dev")
DEBUG = ("FLASK_DEBUG", "WERKZEUG_DEBUG_PIN", "PYTHONDEVMODE", "PYTHONINSPECT")


@dataclass(frozen=True)
class Problem:
    """A setting that is not safe for production: which, why, and what to do."""

    setting: str
    text: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.setting}: {self.text} {self.remedy}"


class Unsafe(RuntimeError):
    """Production does not start. The text lists every reason."""

    def __init__(self, found: list[Problem]) -> None:
        super().__init__(
            "NETREG_ENV=production does not start:\n"
            + "\n".join(f"  - {one}" for one in found)
            + "\n`netreg check` prints this list; docs/running.md says how to set up."
        )
        self.problems = found


def refuse_unsafe(app: Flask) -> None:
    """Raise Unsafe with everything that is not safe."""
    found = problems(app)
    if found:
        with app.app_context():
            db.engine.dispose()  # nobody will use this application
        raise Unsafe(found)


def problems(app: Flask) -> list[Problem]:
    """Everything that keeps production from starting with these settings and this database."""
    settings: Settings = app.extensions["netreg_settings"]
    found = [one for look in _LOOKS for one in look(settings)]
    with app.app_context():
        found += _database(settings)
        db.session.remove()
    if app.debug:
        found.append(_DEBUGGING)
    return found


# -- settings ----------------------------------------------------------------------------------


def _environment(settings: Settings) -> Iterator[Problem]:
    if settings.environment != "production":
        yield Problem(
            "NETREG_ENV",
            f"It is {settings.environment}.",
            "Set NETREG_ENV=production where people work with real patients.",
        )


def _secret(settings: Settings) -> Iterator[Problem]:
    remedy = (
        "Set it to the output of: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
    )
    secret = settings.secret_key
    if not settings.secret_stated:
        yield Problem("SECRET_KEY", "It is not set.", remedy)
    elif len(secret) < SHORTEST_SECRET:
        yield Problem("SECRET_KEY", f"It is shorter than {SHORTEST_SECRET} characters.", remedy)
    elif len(set(secret)) < FEWEST_LETTERS or secret.lower().startswith(TYPED):
        yield Problem("SECRET_KEY", "It looks typed, not drawn at random.", remedy)


def _keys(settings: Settings) -> Iterator[Problem]:
    make = "Make a ring with `netreg keys new --file /etc/netreg/keys.json`."
    if settings.keys:
        try:
            ring = keys.from_json(settings.keys)
        except ValueError as problem:
            yield Problem("NETREG_KEYS", f"It cannot be used: {problem}.", make)
            return
        if keys.weak(ring):
            yield Problem("NETREG_KEYS", "A key in it looks typed, not drawn at random.", make)
        return
    if settings.keys_file is None and not settings.keys_beside_data:
        yield Problem(
            "NETREG_KEYS_FILE",
            "The keys would lie in the instance folder, beside the data they protect.",
            f"{make} Point NETREG_KEYS_FILE to it, or say NETREG_KEYS_BESIDE_DATA=yes.",
        )
        return
    yield from _key_file(settings, make)


def _key_file(settings: Settings, make: str) -> Iterator[Problem]:
    path = settings.key_place
    inside = path.is_relative_to(settings.instance)
    if inside and not settings.keys_beside_data:
        yield Problem(
            "NETREG_KEYS_FILE",
            "It lies in the instance folder, beside the data it protects.",
            "Move it elsewhere, or say NETREG_KEYS_BESIDE_DATA=yes.",
        )
    try:
        if path.stat().st_mode & 0o007:
            yield Problem(
                "NETREG_KEYS_FILE", "Everybody on this machine may read it.", f"chmod 600 {path}"
            )
        if keys.weak(keys.from_json(path.read_text())):
            yield Problem("NETREG_KEYS_FILE", "A key in it looks typed, not drawn at random.", make)
    except OSError as problem:
        yield Problem("NETREG_KEYS_FILE", f"It cannot be read ({problem.strerror}).", make)
    except ValueError as problem:
        yield Problem("NETREG_KEYS_FILE", f"It cannot be used: {problem}.", make)


def _public_url(settings: Settings) -> Iterator[Problem]:
    remedy = "Set it to where people reach the product, such as https://net.example.org."
    parts = urlsplit(settings.public_url)
    if not settings.public_url:
        yield Problem("NETREG_PUBLIC_URL", "It is not set.", remedy)
    elif parts.scheme != "https" or not parts.hostname:
        yield Problem("NETREG_PUBLIC_URL", "It does not begin with https:// and a host.", remedy)


_DEBUGGING = Problem(
    "FLASK_DEBUG",
    "Debugging is on: whoever meets an error could run programs here.",
    "Remove it from the environment.",
)


def _debugging(settings: Settings) -> Iterator[Problem]:
    for name in DEBUG:
        if os.environ.get(name, "").lower() not in {"", "0", "no", "false"}:
            yield Problem(name, _DEBUGGING.text, _DEBUGGING.remedy)


def _sqlite(settings: Settings) -> Iterator[Problem]:
    if settings.database_url.startswith("sqlite") and not settings.sqlite_ok:
        yield Problem(
            "DATABASE_URL",
            "It is SQLite, which has one writer at a time and lives on one machine.",
            "Set it to a PostgreSQL database, or say NETREG_SQLITE_OK=yes for one small centre.",
        )


def _instance(settings: Settings) -> Iterator[Problem]:
    if settings.instance.stat().st_mode & 0o007:
        yield Problem(
            "NETREG_INSTANCE",
            "Everybody on this machine may look into the folder.",
            f"chmod 700 {settings.instance}",
        )


_LOOKS: tuple[Callable[[Settings], Iterator[Problem]], ...] = (
    _environment, _debugging, _secret, _keys, _public_url, _sqlite, _instance,
)  # fmt: skip


# -- the database ------------------------------------------------------------------------------


def _database(settings: Settings) -> list[Problem]:
    """Is it migrated, and free of the demonstration? A database that is away is no unsafe setting:
    the pages say so and the first request after its return is answered."""
    try:
        return [*_migrated(), *_demonstration()]
    except OperationalError:
        db.session.rollback()
        path = Path(str(db.engine.url.database))
        if settings.database_url.startswith("sqlite") and not path.exists():
            return [_unmigrated("")]
        current_app.logger.warning("the database does not answer; its state was not checked")
        return []


def _unmigrated(at: str) -> Problem:
    wanted = health.newest_revision()
    return Problem(
        "DATABASE_URL",
        f"The database is at revision {at or 'none'} and this version needs {wanted}.",
        "Run `netreg db upgrade`.",
    )


def _migrated() -> Iterator[Problem]:
    at = health.revision()
    if at != health.newest_revision():
        yield _unmigrated(at)


def altered(app: Flask) -> list[str]:
    """What somebody changed in a migrated database besides the migrations; empty for one that is
    not migrated or does not answer, of which `problems` tells."""
    from registry.operations import schema

    with app.app_context():
        try:
            if health.revision() != health.newest_revision():
                return []
            return schema.differences(db.session.connection())
        except OperationalError:
            return []
        finally:
            db.session.remove()


def _demonstration() -> Iterator[Problem]:
    if not sa.inspect(db.session.connection()).has_table("person"):
        return
    emails: frozenset[str] = current_app.extensions["netreg_demo_emails"]()
    person = sa.table("person", sa.column("email"))
    found = db.session.scalar(
        sa.select(sa.func.count()).select_from(person).where(person.c.email.in_(emails))
    )
    if found:
        yield Problem(
            "DATABASE_URL",
            f"The database holds the demonstration network ({found} of its accounts).",
            "Use a new, empty database: synthetic patients do not belong among real ones.",
        )


# -- what should be looked at besides ----------------------------------------------------------


def advice(settings: Settings) -> Iterator[Problem]:
    """What production runs without, and is better with."""
    if not settings.mail_url:
        yield Problem(
            "NETREG_MAIL_URL", "No mail is sent.", "Links are handed over by the administrator."
        )
    if not settings.proxies:
        yield Problem(
            "NETREG_PROXIES",
            "It is 0.",
            "Behind a reverse proxy set it to 1, or all callers count as one.",
        )
    if not settings.staging_licensed:
        yield Problem(
            "STAGING_LICENSED",
            "Stage groups are not derived.",
            "Set it to yes when the licence of the staging texts allows it (decision 6).",
        )
    if not settings.seal_log:
        yield Problem(
            "NETREG_SEAL_LOG",
            "Seals of the audit are written nowhere else.",
            "Set it to a file on another machine's disk, or to syslog.",
        )
    if settings.backup_place.is_relative_to(settings.instance):
        yield Problem(
            "NETREG_BACKUPS",
            "Backups lie beside what they are of.",
            "Set it to a folder on another disk, and copy it elsewhere.",
        )
    if not settings.metrics_token:
        yield Problem(
            "NETREG_METRICS_TOKEN", "There is no /metrics.", "Set it to have the house watched."
        )
