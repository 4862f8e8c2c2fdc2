"""Who did or opened what: one append-only table, sealed in batches by a keyed chain.

A change is recorded in the transaction of the change. A read of a patient's record is recorded
in a short transaction of its own, after the page's reading has ended and before it is answered.
No page of care reads this table; only *who opened this patient* and `netreg audit verify` do.
"""

from __future__ import annotations

import contextlib
import contextvars
import hashlib
import hmac
import json
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from flask import g
from sqlalchemy.orm import Mapped

from registry.access import Viewer
from registry.db import Json, Model, Moment, db, now, only_reading, table_of
from registry.dictionary import technical
from registry.driver import add_whole_rows
from registry.keys import ring
from registry.language import gettext as _
from registry.language import lazy_gettext as _l

_Key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


class AuditEntry(Model):
    """One thing done or opened. Rows are never changed or removed; a trigger refuses it."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        sa.Index("ix_audit_entry_patient_id", "patient_id", "id"),
        # What left the house, and who took it, is asked for by the access committee.
        sa.Index(
            "ix_audit_entry_release",
            "subject_id",
            "id",
            sqlite_where=sa.text("subject_kind = 'release'"),
            postgresql_where=sa.text("subject_kind = 'release'"),
        ),
        sa.Index("ix_audit_entry_person_id", "person_id", "id"),
        sa.Index("ix_audit_entry_at", "at"),
    )

    id: Mapped[int] = technical(_Key, primary_key=True, autoincrement=True)
    at: Mapped[datetime] = technical(Moment())
    person_id: Mapped[UUID | None] = technical()
    person_name: Mapped[str] = technical(sa.String(200))
    organisation_id: Mapped[UUID | None] = technical()
    action: Mapped[str] = technical(sa.String(60))
    subject_kind: Mapped[str] = technical(sa.String(40))
    subject_id: Mapped[str] = technical(sa.String(60))
    patient_id: Mapped[UUID | None] = technical()
    changes: Mapped[dict[str, Any]] = technical(Json)
    # Who the person acted for, in the seat of somebody who is away.
    for_id: Mapped[UUID | None] = technical()
    for_name: Mapped[str] = technical(sa.String(200), default="")


class AuditSeal(Model):
    """A sealed batch: the entries from `first` to `last` without `gaps`, and `late` ones.
    `gaps` are stretches of numbers, [from, to].

    Numbers are given before a transaction commits, so a lower number can appear after a higher
    one was sealed. A gap that fills later is sealed by name in `late` of a later batch.
    """

    __tablename__ = "audit_seal"

    id: Mapped[int] = technical(_Key, primary_key=True, autoincrement=True)
    follows: Mapped[int] = technical(_Key, unique=True)
    at: Mapped[datetime] = technical(Moment())
    first: Mapped[int] = technical(_Key)
    last: Mapped[int] = technical(_Key)
    gaps: Mapped[list[Any]] = technical(Json)
    late: Mapped[list[Any]] = technical(Json)
    mac: Mapped[str] = technical(sa.String(64))


def _row(
    action: str,
    *,
    by: Viewer,
    subject: tuple[str, Any],
    patient_id: UUID | None,
    changes: dict[str, Any] | None,
) -> dict[str, Any]:
    return {
        "at": now(),
        "person_id": by.person_id,
        "person_name": by.name,
        "organisation_id": by.organisation_id,
        "action": action,
        "subject_kind": subject[0],
        "subject_id": str(subject[1]),
        "patient_id": patient_id,
        "changes": changes or {},
        "for_id": by.seat.for_id if by.seat else None,
        "for_name": by.seat.for_name if by.seat else "",
    }


def record(
    action: str,
    *,
    by: Viewer,
    subject: tuple[str, Any],
    patient_id: UUID | None = None,
    changes: dict[str, Any] | None = None,
) -> None:
    """Write what was done, in the transaction of the change: both are kept or neither.

    `subject` is (kind, id). `changes` maps variable to [before, after]; for identifying columns
    it names the column and never the value.
    """
    _write([_row(action, by=by, subject=subject, patient_id=patient_id, changes=changes)])


def record_many(
    action: str,
    *,
    by: Viewer,
    about: Sequence[tuple[tuple[str, Any], UUID, dict[str, Any]]],
    connection: Any = None,
) -> None:
    """Write the same action about many patients: (subject, patient, changes) each, as `record`
    does; in the transaction of the connection, where one is given."""
    rows = [
        _row(action, by=by, subject=subject, patient_id=patient_id, changes=changes)
        for subject, patient_id, changes in about
    ]
    if connection is None:
        _write(rows)
    else:
        _add(connection, rows)


def _add(connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> None:
    add_whole_rows(connection, table_of(AuditEntry), rows)


_together: contextvars.ContextVar[list[dict[str, Any]] | None] = contextvars.ContextVar(
    "audit", default=None
)


def _write(rows: list[dict[str, Any]]) -> None:
    waiting = _together.get()
    if waiting is not None:
        waiting += rows
    elif rows:
        _add(db.session.connection(), rows)


@contextlib.contextmanager
def together() -> Iterator[None]:
    """What is recorded within is written at the end, at once and in its order; nothing of it where
    what is done within fails. For a step that is several changes."""
    if _together.get() is not None:
        yield
        return
    rows: list[dict[str, Any]] = []
    token = _together.set(rows)
    try:
        yield
    finally:
        _together.reset(token)
    _write(rows)


def opened(what: str, *, by: Viewer, subject: tuple[str, Any], patient_id: UUID | None) -> None:
    """Note that a record was read; `write_reads` keeps it before the page is answered."""
    row = _row(what, by=by, subject=subject, patient_id=patient_id, changes=None)
    g.setdefault("audit_reads", []).append(row)


def listed(what: str, kind: str, about: Iterable[tuple[Any, UUID]], *, by: Viewer) -> None:
    """Note that patients stood in a list: for each the id of the subject, and the patient's. They
    were seen at one moment."""
    row: dict[str, Any] = {}
    for subject_id, patient_id in about:
        row = row or _row(what, by=by, subject=(kind, ""), patient_id=None, changes=None)
        said = {**row, "subject_id": str(subject_id), "patient_id": patient_id}
        g.setdefault("audit_reads", []).append(said)


#: What is said of an action of the ground floor and the lower rooms; rooms add their own.
_WORDS: dict[str, Any] = {
    "registered patient": _l("Registered the patient"),
    "changed patient": _l("Changed who the patient is"),
    "confirmed patient": _l("Confirmed the patient"),
    "forgot patient": _l("Removed who the patient was"),
    "listed patient": _l("Saw the patient in a list"),
    "listed referral": _l("Saw the case in a list"),
    "downloaded worklist": _l("Downloaded the worklist, by pseudonym"),
    "opened waiting times": _l("Opened the waiting times"),
    "downloaded waiting times": _l("Downloaded the waiting times"),
    "kept a worklist view": _l("Kept a view of the worklist"),
    "removed a worklist view": _l("Removed a view of the worklist"),
    "gave access": _l("Gave an organisation access"),
    "ended access": _l("Ended an organisation's access"),
    "recorded consent": _l("Recorded consent"),
    "restricted use": _l("Restricted the use of the data to care"),
    "lifted restriction": _l("Lifted the restriction"),
    "opened consent": _l("Opened the consents"),
    "opened identity": _l("Opened who the patient is"),
    "opened access list": _l("Opened this list"),
    "opened chart": _l("Opened the chart"),
    "opened referral": _l("Opened the referral"),
    "began referral": _l("Began a referral"),
    "imported": _l("Imported"),
}


def learn(words: Mapping[str, Any]) -> None:
    """Let a room say its actions in words. "downloaded …" stands for every action that goes on
    with a name, such as that of a file."""
    _WORDS.update(words)


def words() -> dict[str, Any]:
    """Every action that has words, by the action as it is recorded."""
    return dict(_WORDS)


def word(action: str) -> str:
    """An action in the reader's language; as it is recorded where nobody gave it words."""
    if action in _WORDS:
        return str(_WORDS[action])
    for known, said in _WORDS.items():
        if (start := goes_on(known)) and action.startswith(start):
            return _("%(what)s: %(name)s", what=said, name=action.removeprefix(start))
    return action


def goes_on(action: str) -> str:
    """What actions begin with that go on with a name; empty for one that says all itself."""
    return action.removesuffix("…") if action.endswith("…") else ""


def write_reads(connection: sa.Connection) -> None:
    """Keep the reads noted for this request. If this fails there is no page."""
    _add(connection, g.pop("audit_reads", []))


def forget_reads() -> None:
    """Drop what was noted: the record was fetched and is not shown."""
    g.pop("audit_reads", None)


def has_reads() -> bool:
    """Was a record read in this request?"""
    return bool(g.get("audit_reads"))


# -- sealing -----------------------------------------------------------------------------------

#: How many of the latest seals are asked again for gaps that have filled.
_GAP_SEALS = 50


def _canonical(entry: AuditEntry) -> bytes:
    return json.dumps(
        [
            entry.id,
            entry.at.isoformat(),
            str(entry.person_id or ""),
            entry.person_name,
            str(entry.organisation_id or ""),
            entry.action,
            entry.subject_kind,
            entry.subject_id,
            str(entry.patient_id or ""),
            entry.changes,
            # Left out where there is none: entries sealed before it was kept stay as they were.
            *([str(entry.for_id), entry.for_name] if entry.for_id else []),
        ],
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
    ).encode()


def _mac(previous: str, seal: tuple[Any, ...], entries: Sequence[AuditEntry]) -> str:
    chain = hmac.new(ring().derive("audit"), previous.encode(), hashlib.sha256)
    chain.update(json.dumps(seal, separators=(",", ":")).encode())
    for entry in entries:
        chain.update(hashlib.sha256(_canonical(entry)).digest())
    return chain.hexdigest()


def _between(first: int, last: int) -> list[AuditEntry]:
    query = sa.select(AuditEntry).where(AuditEntry.id.between(first, last)).order_by(AuditEntry.id)
    return list(db.session.scalars(query))


def _by_ids(ids: Sequence[int]) -> list[AuditEntry]:
    if not ids:
        return []
    query = sa.select(AuditEntry).where(AuditEntry.id.in_(ids)).order_by(AuditEntry.id)
    return list(db.session.scalars(query))


def _gaps(first: int, present: Sequence[int]) -> list[list[int]]:
    """The stretches of numbers, from `first` on, that are not among the present ones in order."""
    expected = [first, *(number + 1 for number in present)]
    pairs = zip(expected, present, strict=False)
    return [[start, number - 1] for start, number in pairs if start < number]


def _within(number: int, gaps: Sequence[Sequence[int]]) -> bool:
    """Does a number lie in one of these stretches, which stand in order?"""
    place = bisect_right(gaps, number, key=itemgetter(0)) - 1
    return place >= 0 and number <= gaps[place][1]


def _filled_since(seals: Sequence[AuditSeal]) -> list[AuditEntry]:
    """The entries that have appeared in gaps of these seals and are sealed by none of them."""
    stretches = [stretch for seal in seals for stretch in seal.gaps]
    known = {number for seal in seals for number in seal.late}
    found: list[AuditEntry] = []
    for some in range(0, len(stretches), 200):
        where = [AuditEntry.id.between(*stretch) for stretch in stretches[some : some + 200]]
        found += db.session.scalars(sa.select(AuditEntry).where(sa.or_(*where)))
    return sorted((e for e in found if e.id not in known), key=lambda entry: entry.id)


def seal(limit: int = 5000) -> int:
    """Seal what has been kept and is not sealed; returns how many entries. The caller commits.

    Reading a batch takes a quarter of a second: nobody who wants to write waits for it. One sealer
    at a time: two batches cannot follow the same one. RuntimeError in an open transaction.
    """
    with only_reading():
        made = _next_seal(limit)
    if made is None:
        return 0
    db.session.add(made.seal)
    db.session.flush()
    return made.entries


class _Sealed(NamedTuple):
    """A seal that is not kept yet, and how many entries it is of."""

    seal: AuditSeal
    entries: int


def _next_seal(limit: int) -> _Sealed | None:
    """The seal of what has not been sealed, made by reading alone: entries are never changed, and
    a second seal that follows the same one is refused when it is kept. None where nothing is left.
    """
    recent = list(
        db.session.scalars(sa.select(AuditSeal).order_by(AuditSeal.id.desc()).limit(_GAP_SEALS))
    )
    previous = recent[0] if recent else None
    first = previous.last + 1 if previous else 1
    # By how many there are, not by number: what was undone may have used up any number of them.
    query = sa.select(AuditEntry).where(AuditEntry.id >= first).order_by(AuditEntry.id)
    entries = list(db.session.scalars(query.limit(limit)))
    late = _filled_since(recent)
    if not entries and not late:
        return None
    last = entries[-1].id if entries else first - 1
    gaps = _gaps(first, [entry.id for entry in entries])
    late_ids = [entry.id for entry in late]
    mac = _mac(previous.mac if previous else "", (first, last, gaps, late_ids), entries + late)
    follows = previous.id if previous else 0
    made = AuditSeal(
        follows=follows, at=now(), first=first, last=last, gaps=gaps, late=late_ids, mac=mac
    )
    return _Sealed(made, len(entries) + len(late))


def newest_seal(connection: sa.Connection) -> dict[str, Any] | None:
    """The newest seal as it is written down elsewhere: numbers, a time, and nothing of a record."""
    query = sa.select(AuditSeal.id, AuditSeal.last, AuditSeal.at, AuditSeal.mac)
    row = connection.execute(query.order_by(AuditSeal.id.desc()).limit(1)).first()
    if row is None:
        return None
    return {"seal": row.id, "last": row.last, "at": row.at.isoformat(), "mac": row.mac}


def absent(written: Iterable[Mapping[str, Any]]) -> list[str]:
    """What is wrong when seals that were written down elsewhere are looked for here: whoever cuts
    off the newest entries together with their seals leaves a chain that is shorter and whole."""
    problems = []
    for noted in written:
        found = db.session.get(AuditSeal, noted["seal"])
        if found is None:
            problems.append(
                f"batch {noted['seal']}, sealed at {noted['at']} up to entry {noted['last']}, is "
                "gone: the newest entries were cut off"
            )
        elif (found.last, found.mac) != (noted["last"], noted["mac"]):
            problems.append(f"batch {noted['seal']} is not the one sealed at {noted['at']}")
    return problems


def written_down(text: str) -> Iterator[dict[str, Any]]:
    """The seals in a file that NETREG_SEAL_LOG wrote, in lines of syslog, or in the manifest of a
    backup."""
    with contextlib.suppress(ValueError):
        whole = json.loads(text)
        if isinstance(whole, dict) and isinstance(whole.get("seal"), dict):
            yield whole["seal"]
            return
    for line in text.splitlines():
        with contextlib.suppress(ValueError):
            found = json.loads(line[line.index('{"seal":') :])
            if {"seal", "last", "at", "mac"} <= set(found):
                yield found


@dataclass(frozen=True)
class Verdict:
    """What `verify` found. `problems` names each broken batch or unsealed old row."""

    seals: int
    entries: int
    unsealed: int
    problems: tuple[str, ...]

    @property
    def intact(self) -> bool:
        """Nothing sealed was altered, removed or slipped in."""
        return not self.problems


#: What else is held against the entries: rooms that write the hash of a text into one.
_WATCHED: list[Callable[[], list[str]]] = []


def also_verify(check: Callable[[], list[str]]) -> None:
    """Have `verify` ask a room whether its texts are those whose hashes stand in entries."""
    if check not in _WATCHED:
        _WATCHED.append(check)


def verify() -> Verdict:
    """Walk the whole chain: an altered, removed or slipped-in row breaks its batch. Then ask the
    rooms whose texts are sealed by an entry."""
    problems: list[str] = [problem for check in _WATCHED for problem in check()]
    previous, expected_first, sealed = "", 1, 0
    in_gaps: dict[int, int] = {}  # number of an entry in a gap: the batch that did not see it
    late: set[int] = set()
    seals = list(db.session.scalars(sa.select(AuditSeal).order_by(AuditSeal.id)))
    for place, found in enumerate(seals):
        if found.first != expected_first:
            problems.append(f"batch {found.id} does not follow the one before it")
        there = _between(found.first, found.last)
        entries = [entry for entry in there if not _within(entry.id, found.gaps)]
        in_gaps |= {entry.id: place for entry in there if _within(entry.id, found.gaps)}
        late_entries = _by_ids(found.late)
        late |= set(found.late)
        facts = (found.first, found.last, found.gaps, found.late)
        if _mac(previous, facts, entries + late_entries) != found.mac:
            problems.append(f"batch {found.id} (entries {found.first} to {found.last}) was altered")
        previous, expected_first = found.mac, found.last + 1
        sealed += len(entries) + len(late_entries)
        for entry in {*there, *late_entries}:
            db.session.expunge(entry)
    slipped = [number for number in sorted(in_gaps) if number not in late]
    problems += [
        f"entry {number} appeared long after its batch"
        for number in slipped
        if in_gaps[number] < len(seals) - _GAP_SEALS
    ]
    unsealed = db.session.scalar(
        sa.select(sa.func.count()).select_from(AuditEntry).where(AuditEntry.id >= expected_first)
    )
    return Verdict(len(seals), sealed, (unsealed or 0) + len(slipped), tuple(problems))
