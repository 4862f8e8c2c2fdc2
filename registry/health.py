"""How the house is: one row a check, for the health page, for readiness and for metrics.

A check reads and never writes; what goes wrong inside one is its answer, never an error. Rooms add
checks of what they own with `check`.
"""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import current_app
from flask_babel import ngettext
from sqlalchemy.orm import Mapped

from registry import jobs
from registry.audit import AuditEntry, AuditSeal
from registry.db import Model, Moment, db, new_id, now, own_transaction
from registry.dictionary import technical
from registry.language import gettext as _
from registry.language import lazy_gettext as _l

log = logging.getLogger("netreg.health")

GOOD, WARNING, BAD = "good", "warning", "bad"

#: The worker says each minute that it lives.
WORKER_LATE = timedelta(minutes=3)
#: A day and a half: a nightly backup may take its time, a missed one is seen.
BACKUP_LATE = timedelta(hours=36)
FAILURES_SHOWN = timedelta(days=1)
FAILURES_KEPT = timedelta(days=30)
SPACE_LOW, SPACE_GONE = 2 * 1024**3, 200 * 1024**2
SLOW_SECONDS = 0.5
QUEUE_LONG = 200
SEAL_LATE = timedelta(minutes=15)


class Heartbeat(Model):
    """When a background worker was last alive."""

    __tablename__ = "heartbeat"

    name: Mapped[str] = technical(sa.String(60), primary_key=True)
    at: Mapped[datetime] = technical(Moment())


class JobFailure(Model):
    """A job that ended with an error: its name and the kind of error, never its text."""

    __tablename__ = "job_failure"
    __table_args__ = (sa.Index("ix_job_failure_at", "at"),)

    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    at: Mapped[datetime] = technical(Moment(), default=now)
    job: Mapped[str] = technical(sa.String(60))
    problem: Mapped[str] = technical(sa.String(100))


@dataclass(frozen=True)
class Row:
    """What a check found. `facts` are (label, value) to show; `numbers` are for metrics."""

    name: str  # stable, for machines
    label: Any
    state: str  # good, warning, bad
    text: Any
    facts: tuple[tuple[Any, Any], ...] = ()
    numbers: dict[str, float] = field(default_factory=dict)


Check = Callable[[], Row]
_checks: list[tuple[str, Any, Check]] = []


def check(name: str, label: Any, *, before: str = "") -> Callable[[Check], Check]:
    """Add a check; `name` is stable, `label` is read by people. Once a name; last, or before
    another."""

    def keep(one: Check) -> Check:
        names = [known for known, _label, _check in _checks]
        if name not in names:
            place = names.index(before) if before in names else len(names)
            _checks.insert(place, (name, label, one))
        return one

    return keep


def rows(only: tuple[str, ...] = ()) -> list[Row]:
    """Run the checks, all or those named, in their order. Never raises."""
    return [_run(*one) for one in _checks if not only or one[0] in only]


def _run(name: str, label: Any, one: Check) -> Row:
    try:
        return one()
    except Exception as problem:
        log.warning("the check of %s failed: %s", name, type(problem).__name__)
        db.session.rollback()
        return Row(
            name, label, BAD, _("Could not be checked (%(kind)s).", kind=type(problem).__name__)
        )


def worst(found: list[Row]) -> str:
    """The worst state among these."""
    order = (GOOD, WARNING, BAD)
    return max((row.state for row in found), key=order.index, default=GOOD)


def _settings() -> Any:
    return current_app.extensions["netreg_settings"]


# -- the database ------------------------------------------------------------------------------


@cache
def newest_revision() -> str:
    """The number of the newest migration in this version of the product."""
    from alembic.script import ScriptDirectory

    from config import ROOT

    return ScriptDirectory(str(ROOT / "migrations")).get_current_head() or ""


def revision() -> str:
    """The number of the migration the database is at; empty when it was never migrated."""
    if not sa.inspect(db.session.connection()).has_table("alembic_version"):
        return ""
    found = db.session.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return str(found or "")


@check("database", _l("Database"))
def database() -> Row:
    """Kind, version, how fast it answers, and whether it is migrated."""
    label = _l("Database")
    begun = time.perf_counter()
    db.session.execute(sa.text("SELECT 1"))
    seconds = time.perf_counter() - begun
    at, wanted = revision(), newest_revision()
    dialect: Any = db.engine.dialect
    number = ".".join(str(part) for part in dialect.server_version_info or ())
    kind = "PostgreSQL" if dialect.name == "postgresql" else "SQLite"
    state, text = GOOD, _("Answers, and is migrated.")
    if at != wanted:
        state = BAD
        text = _(
            "The database is at revision %(at)s and the product needs %(wanted)s: run "
            "“netreg db upgrade”.",
            at=at or "–",
            wanted=wanted,
        )
    elif seconds > SLOW_SECONDS:
        state, text = WARNING, _("Answers slowly.")
    facts = (
        (_l("Kind and version"), f"{kind} {number}"),
        (_l("Time to answer"), _("%(n)s ms", n=f"{seconds * 1000:.1f}")),
        (_l("Revision"), at or "–"),
    )
    return Row("database", label, state, text, facts, {"seconds": seconds})


# -- the worker --------------------------------------------------------------------------------


@jobs.job("health.beat", sweep=True)
def beat(name: str = "worker") -> None:
    """Note that the worker lives, and forget old failures. Its own short transaction."""
    db.session.rollback()
    with own_transaction() as connection:
        there = connection.execute(
            sa.update(Heartbeat).where(Heartbeat.name == name).values(at=now())
        ).rowcount
        if not there:
            connection.execute(sa.insert(Heartbeat).values(name=name, at=now()))
        connection.execute(sa.delete(JobFailure).where(JobFailure.at < now() - FAILURES_KEPT))


@jobs.on_failure
def note_failure(job: str, problem: BaseException) -> None:
    """Keep that a job failed, apart from whatever it had begun to write."""
    db.session.rollback()
    with own_transaction() as connection:
        connection.execute(
            sa.insert(JobFailure).values(
                id=new_id(), at=now(), job=job[:60], problem=type(problem).__name__[:100]
            )
        )


@check("worker", _l("Background worker"))
def worker() -> Row:
    """Its last sign of life, what waits for it, and what failed in the last day."""
    label = _l("Background worker")
    seen = db.session.scalar(sa.select(Heartbeat.at).order_by(Heartbeat.at.desc()).limit(1))
    waiting = int(current_app.extensions["netreg_huey"].pending_count())
    failed = db.session.execute(
        sa.select(JobFailure.job, JobFailure.problem, sa.func.count(), sa.func.max(JobFailure.at))
        .where(JobFailure.at > now() - FAILURES_SHOWN)
        .group_by(JobFailure.job, JobFailure.problem)
        .order_by(JobFailure.job, JobFailure.problem)
    ).all()
    failures = sum(row[2] for row in failed)
    age = (now() - seen).total_seconds() if seen else -1.0
    if seen is None:
        state, text = BAD, _("No worker has ever run: start “netreg worker” or “netreg serve”.")
    elif now() - seen > WORKER_LATE:
        state, text = BAD, _("Silent for %(n)s minutes: start it again.", n=int(age // 60))
    elif failures:
        state = WARNING
        text = ngettext(
            "Alive. %(num)s failure in the last day.",
            "Alive. %(num)s failures in the last day.",
            failures,
        )
    elif waiting > QUEUE_LONG:
        state, text = WARNING, _("Alive, and behind with its work.")
    else:
        state, text = GOOD, _("Alive.")
    facts: list[tuple[Any, Any]] = [
        (_l("Last sign of life"), seen or _("never")),
        (_l("Waiting"), waiting),
    ]
    facts += [(_l("Failed"), f"{job}: {kind} × {count}") for job, kind, count, _at in failed]
    numbers = {"heartbeat_age_seconds": age, "queue": float(waiting), "failures": float(failures)}
    return Row("worker", label, state, text, tuple(facts), numbers)


# -- storage -----------------------------------------------------------------------------------


def _size(count: float) -> str:
    return f"{count / 1024**3:.1f} GiB"


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as trial:
            trial.write(b"x")
    except OSError:
        return False
    return True


@check("storage", _l("Storage of files"))
def storage() -> Row:
    """Can files be written, and how much room is left?"""
    label = _l("Storage of files")
    folder: Path = _settings().instance / "files"
    writable = _writable(folder)
    free = shutil.disk_usage(folder if writable else _settings().instance).free
    if not writable:
        state, text = BAD, _("Files cannot be written: look at the folder's owner and the disk.")
    elif free < SPACE_GONE:
        state, text = BAD, _("There is almost no room left.")
    elif free < SPACE_LOW:
        state, text = WARNING, _("Room is getting short.")
    else:
        state, text = GOOD, _("Files can be written.")
    return Row(
        "storage", label, state, text, ((_l("Free"), _size(free)),), {"free_bytes": float(free)}
    )


# -- backup ------------------------------------------------------------------------------------


def last_backup(instance: Path) -> datetime | None:
    """When `netreg backup` last ended well: it writes {"at": "…"} to backups/last.json."""
    try:
        said = json.loads((instance / "backups" / "last.json").read_text())
        moment = datetime.fromisoformat(said["at"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return moment if moment.tzinfo else None


@check("backup", _l("Last backup"))
def backup() -> Row:
    """How old the last backup is."""
    label = _l("Last backup")
    at = last_backup(_settings().instance)
    if at is None:
        text = _("Never: run “netreg backup” each night.")
        return Row("backup", label, WARNING, text, numbers={"age_seconds": -1.0})
    age = now() - at
    late = age > BACKUP_LATE
    text = _("Too long ago.") if late else _("In time.")
    numbers = {"age_seconds": age.total_seconds()}
    return Row("backup", label, WARNING if late else GOOD, text, ((_l("Made"), at),), numbers)


# -- the audit ---------------------------------------------------------------------------------


@check("audit", _l("Seal of the audit"))
def audit() -> Row:
    """How far the audit is sealed. Whether the chain is whole is asked of `netreg audit verify`."""
    label = _l("Seal of the audit")
    seal = db.session.execute(
        sa.select(AuditSeal.last, AuditSeal.at).order_by(AuditSeal.id.desc()).limit(1)
    ).first()
    sealed = seal.last if seal else 0
    oldest = db.session.execute(
        sa.select(AuditEntry.at).where(AuditEntry.id > sealed).order_by(AuditEntry.id).limit(1)
    ).scalar()
    unsealed = (
        db.session.scalar(
            sa.select(sa.func.count()).select_from(AuditEntry).where(AuditEntry.id > sealed)
        )
        or 0
    )
    late = oldest is not None and now() - oldest > SEAL_LATE
    text = (
        _("Entries wait to be sealed: is the worker running?") if late else _("Sealed up to date.")
    )
    facts: tuple[tuple[Any, Any], ...] = ((_l("Not sealed yet"), unsealed),)
    if seal:
        facts = ((_l("Last sealed"), seal.at), *facts)
    return Row(
        "audit", label, WARNING if late else GOOD, text, facts, {"unsealed": float(unsealed)}
    )


@check("version", _l("Version"))
def version() -> Row:
    """Which version of the product answers, and in which environment."""
    found = current_app.extensions["netreg_version"]
    facts = ((_l("Environment"), _settings().environment),)
    return Row("version", _l("Version"), GOOD, found, facts)
