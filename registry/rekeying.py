"""Rotation of keys: everything sealed or found by an older key comes under the current one, in
small steps, while others read and write.

Rooms say what of theirs is sealed (`sealed`) or has to be done besides (`also`). Readers open with
every key of the ring and look up the fingerprints of every generation, so a row may be under either
at any moment; each step changes a row only if it still is as it was read. It can be stopped at any
point: what is left is seen from the rows themselves.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from registry import audit, keys, storage
from registry.access import Viewer, the_house
from registry.db import Json, Model, Moment, db, new_id, now, snapshot
from registry.dictionary import technical
from registry.errors import Invalid
from registry.jobs import job
from registry.keys import LOOK_SECONDS, holder, ring
from registry.language import lazy_gettext as _l

log = logging.getLogger("netreg.keys")

audit.learn(
    {
        "rotation of keys begun": _l("Began to exchange the keys"),
        "rotation of keys finished": _l("Finished exchanging the keys"),
        "key retired": _l("Retired a key"),
    }
)

BATCH = 200  # rows a transaction: others wait for it a few hundredths of a second at most
FILES = 20  # files between two notes of progress
REST_SECONDS = 0.01  # between two batches, so that other writers have their turn
SETTLE_SECONDS = 3 * LOOK_SECONDS  # until every process has read the ring again
PASSES = 20  # rows that are being changed are left for the next pass


class KeyRotation(Model):
    """A rotation to a new key: begun, how far it is, and when nothing was under an older one."""

    __tablename__ = "key_rotation"
    id: Mapped[UUID] = technical(primary_key=True, default=new_id)
    key_id: Mapped[str] = technical(sa.String(40))
    started_at: Mapped[datetime] = technical(Moment(), default=now)
    #: How many were done, by part: {"patient.family_name": 812}.
    done: Mapped[dict[str, Any]] = technical(Json, default=dict)
    finished_at: Mapped[datetime | None] = technical(Moment())


Batch = Callable[[UUID | None], tuple[int, UUID | None]]
Left = Callable[[sa.Connection, str], int]


@dataclass(frozen=True)
class Part:
    """Something that has to come under the current key.

    `batch(after)` does the rows after this id in a transaction that the caller commits, and gives
    how many it changed and from where to go on (None: that was the last). `left(connection, key)`
    counts what is still under a key.
    """

    name: str
    batch: Batch
    left: Left


_parts: dict[str, Part] = {}


def also(part: Part) -> None:
    """Add a part that is no sealed column."""
    _parts[part.name] = part


def sealed(model: type[Any], column: str) -> None:
    """Say that a column holds text sealed for its place (table, column, id of the row)."""
    table: sa.Table = model.__table__

    def batch(after: UUID | None) -> tuple[int, UUID | None]:
        return _reseal_rows(table, column, after)

    def left(connection: sa.Connection, key_id: str) -> int:
        under = table.c[column].startswith(f"{key_id}.", autoescape=True)
        counted = sa.select(sa.func.count()).select_from(table).where(under)
        return int(connection.scalar(counted) or 0)

    also(Part(f"{table.name}.{column}", batch, left))


def sealed_columns() -> frozenset[str]:
    """The parts there are, such as `patient.family_name`."""
    return frozenset(_parts)


def _reseal_rows(table: sa.Table, column: str, after: UUID | None) -> tuple[int, UUID | None]:
    known = ring()
    place, value = table.c.id, table.c[column]
    query = sa.select(place, value).where(value.is_not(None), value.not_like(f"{known.current}.%"))
    if after is not None:
        query = query.where(place > after)
    # A row that somebody is changing is left for the next pass: nobody waits for the other.
    query = query.with_for_update(skip_locked=True, key_share=True)
    rows = db.session.execute(query.order_by(place).limit(BATCH)).all()
    changed = 0
    for row_id, old in rows:
        if old.startswith(f"{known.current}."):  # an underscore in a key's id matches any letter
            continue
        new = known.seal(known.open(old, table.name, column, row_id), table.name, column, row_id)
        # Only if nobody has written it meanwhile; what they wrote is under the current key.
        same = sa.update(table).where(place == row_id, value == old).values({column: new})
        changed += _rowcount(db.session.execute(same))
    return changed, rows[-1][0] if len(rows) == BATCH else None


def _rowcount(result: Any) -> int:
    return int(result.rowcount)


# -- files -------------------------------------------------------------------------------------


def _reseal_files(after: UUID | None) -> tuple[int, UUID | None]:
    changed, current = 0, ring().current
    for file_id in storage.sealed_files(after):
        try:
            if storage.sealed_under(file_id) != current:
                storage.reseal(file_id)
                changed += 1
        except FileNotFoundError:  # removed meanwhile
            continue
        if changed == FILES:
            return changed, file_id
    return changed, None


def _files_left(connection: sa.Connection, key_id: str) -> int:
    count = 0
    for file_id in storage.sealed_files():
        try:
            count += storage.sealed_under(file_id) == key_id
        except FileNotFoundError:
            continue
    return count


also(Part("files", _reseal_files, _files_left))


# -- beginning, going on, and the end ----------------------------------------------------------


def open_rotation() -> KeyRotation | None:
    """The rotation under way."""
    return db.session.scalar(sa.select(KeyRotation).where(KeyRotation.finished_at.is_(None)))


def latest() -> KeyRotation | None:
    """The rotation under way, or the last one."""
    return db.session.scalars(
        sa.select(KeyRotation).order_by(KeyRotation.started_at.desc(), KeyRotation.id.desc())
    ).first()


def next_key_id(known: keys.KeyRing) -> str:
    """The first of k1, k2, … that the ring and the rotations before have not had."""
    used = set(known.sealing) | set(db.session.scalars(sa.select(KeyRotation.key_id)))
    return next(f"k{n}" for n in range(1, 10_000) if f"k{n}" not in used)


def begin(*, by: Viewer, settle: float = SETTLE_SECONDS) -> KeyRotation:
    """Add a key to the ring's file, wait until every process knows it, and make it the current one.

    The caller commits and has the worker told of `keys.rotate`. One that was begun and not ended is
    gone on with. Raises Invalid where the ring is not in a file.
    """
    under_way = open_rotation()
    if under_way is not None:
        return under_way
    if holder().path is None:
        raise Invalid(
            "The ring is in NETREG_KEYS: make the next one with `netreg keys next`, put it in "
            "place everywhere, restart, and run `netreg keys rotate` again."
        )
    known = holder().look()
    if any(_used(key_id) for key_id in known.sealing if key_id != known.current):
        return _started(known.current, by)  # what a long transaction left under an older key
    waiting = list(known.sealing)[-1]  # left by a rotation that was stopped while it settled
    new_one = waiting if waiting != known.current else next_key_id(known)
    if new_one not in known.sealing:
        known = known.with_generation(new_one)
        holder().put(known)
    db.session.rollback()  # no transaction stays open while others read the ring
    time.sleep(settle)
    holder().put(replace(known, current=new_one))
    time.sleep(settle)
    return _started(new_one, by)


def begin_with_current(*, by: Viewer) -> KeyRotation:
    """Where the operator has put a new ring in place: bring everything under its current key."""
    return open_rotation() or _started(ring().current, by)


def _started(key_id: str, by: Viewer) -> KeyRotation:
    made = KeyRotation(key_id=key_id)
    db.session.add(made)
    db.session.flush()
    audit.record("rotation of keys begun", by=by, subject=("key", key_id))
    return made


def _used(key_id: str) -> bool:
    return sum(counts(key_id).values()) > 0


def counts(key_id: str) -> dict[str, int]:
    """How many of each part are under a key, in one view of the database."""
    with snapshot() as connection:
        return {name: part.left(connection, key_id) for name, part in sorted(_parts.items())}


def go_on(*, told: Callable[[str, int], None] = lambda name, done: None) -> bool:
    """Go on with the rotation under way until nothing is left; commits each batch.

    `told(part, changed)` hears of progress. Returns whether there was one and it is finished.
    """
    db.session.rollback()
    rotation = open_rotation()
    if rotation is None:
        return False
    if rotation.key_id != ring().current:
        log.error("the current key is not the one of the rotation under way: is it an old ring?")
        db.session.rollback()
        return False
    rotation_id, done = rotation.id, dict(rotation.done)
    db.session.rollback()
    for _pass in range(PASSES):
        if not _one_pass(rotation_id, done, told):
            return _finish(rotation_id)
        time.sleep(SETTLE_SECONDS if _pass else 0)
    return False  # somebody keeps changing the same rows: the next sweep goes on


def _one_pass(rotation_id: UUID, done: dict[str, int], told: Callable[[str, int], None]) -> int:
    changed_in_all = 0
    for name, part in sorted(_parts.items()):
        after: UUID | None = None
        while True:
            changed, after = part.batch(after)
            if changed:
                done[name] = done.get(name, 0) + changed
                _note(rotation_id, done=dict(done))
            db.session.commit()
            if changed:
                changed_in_all += changed
                told(name, done[name])
                time.sleep(REST_SECONDS)
            if after is None:
                break
    if changed_in_all:
        return changed_in_all
    others = [key_id for key_id in ring().sealing if key_id != ring().current]
    return sum(sum(counts(key_id).values()) for key_id in others)


def walk(batch: Batch) -> int:
    """Do one thing to all rows, a batch at a time, each committed; gives how many it changed."""
    changed_in_all, after = 0, None
    while True:
        changed, after = batch(after)
        db.session.commit()
        changed_in_all += changed
        if after is None:
            return changed_in_all
        time.sleep(REST_SECONDS)


def _note(rotation_id: UUID, **values: Any) -> None:
    db.session.execute(sa.update(KeyRotation).where(KeyRotation.id == rotation_id).values(**values))


def _finish(rotation_id: UUID) -> bool:
    finished = db.session.get(KeyRotation, rotation_id, populate_existing=True)
    if finished is not None and finished.finished_at is None:
        finished.finished_at = now()
        audit.record(
            "rotation of keys finished",
            by=the_house("rotation of keys"),
            subject=("key", finished.key_id),
            changes={name: [None, count] for name, count in sorted(finished.done.items())},
        )
    db.session.commit()
    return True


@job("keys.rotate", sweep=True, long=True)
def rotate() -> None:
    """Go on with a rotation, if one is under way."""
    go_on()


def retire(key_id: str, *, by: Viewer, settle: float = SETTLE_SECONDS) -> tuple[keys.KeyRing, Path]:
    """Take a key that nothing uses out of the ring; it is kept in a file of its own beside it.

    The caller commits. Returns the ring that was and where the retired key lies. Raises Invalid
    when it is the current one, is still used, or the ring is not in a file.
    """
    known = holder().look()
    path = holder().path
    if path is None:
        raise Invalid("The ring is in NETREG_KEYS: take the key out there, and restart.")
    if key_id not in known.sealing:
        raise Invalid(f"There is no key {key_id}.")
    if key_id == known.current:
        raise Invalid(f"{key_id} is the current key: rotate first.")
    if open_rotation() is not None:
        raise Invalid("A rotation is under way: wait until it has finished.")
    used = {name: count for name, count in counts(key_id).items() if count}
    if used:
        said = ", ".join(f"{name}: {count}" for name, count in used.items())
        raise Invalid(f"{key_id} is still used ({said}): run `netreg keys rotate` again.")
    kept = path.with_name(f"{path.stem}.retired-{key_id}.json")
    alone = keys.KeyRing(
        key_id,
        {key_id: known.sealing[key_id]},
        known.root,
        {key_id: known.finding[key_id]} if key_id in known.finding else {},
    )
    keys.keep_once(kept, keys.to_json(alone))
    audit.record("key retired", by=by, subject=("key", key_id))
    db.session.flush()
    holder().put(known.without_generation(key_id))
    return known, kept
