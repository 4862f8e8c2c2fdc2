"""What one was told, and the mail that left or waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from registry.access import Right, Viewer
from registry.db import db, table_of
from registry.driver import answer
from registry.errors import NotFound
from registry.people import rules
from registry.people.models import Mail, Notice


@dataclass(frozen=True)
class NoticeRow:
    """A notice as it is listed."""

    id: UUID
    at: datetime
    why: str
    subject_kind: str
    subject_id: UUID
    seen: bool
    numbers: tuple[str, ...] = ()


def notices(viewer: Viewer, limit: int = 50) -> list[NoticeRow]:
    """One's own latest notices, newest first."""
    query = (
        sa.select(Notice)
        .where(Notice.person_id == viewer.person_id)
        .order_by(Notice.at.desc(), Notice.id.desc())
        .limit(limit)
    )
    return [
        NoticeRow(
            n.id,
            n.at,
            n.why,
            n.subject_kind,
            n.subject_id,
            n.seen_at is not None,
            number_lines(n),
        )
        for n in db.session.scalars(query)
    ]


def number_lines(found: Notice | None) -> tuple[str, ...]:
    """What the numbers of a notice say, in words and in a fixed order."""
    numbers = (found.numbers if found is not None else None) or {}
    words = rules.NUMBERS.items()
    return tuple(str(text) % {"num": numbers[name]} for name, text in words if numbers.get(name))


def unread(viewer: Viewer) -> int:
    """How many notices have not been seen; shown as 99+ at the most."""
    [(number,)] = answer(_unread(), {"person": viewer.person_id})
    return int(number)


@cache
def _unread() -> sa.Select[Any]:
    """Asked for every page, so it is put together once."""
    notice = table_of(Notice).c
    theirs = notice.person_id == sa.bindparam("person", type_=sa.Uuid())
    some = sa.select(sa.literal(1)).where(theirs, notice.seen_at.is_(None)).limit(100)
    return sa.select(sa.func.count()).select_from(some.subquery())


def notice(viewer: Viewer, notice_id: UUID) -> Notice:
    """One of one's own notices. Raises NotFound."""
    found = db.session.get(Notice, notice_id)
    if found is None or found.person_id != viewer.person_id:
        raise NotFound()
    return found


def whys_of_digest(digest_id: UUID) -> list[tuple[str, int]]:
    """What a digest tells of: why, and how often."""
    rows = db.session.execute(
        sa.select(Notice.why, sa.func.count())
        .where(Notice.digest_id == digest_id)
        .group_by(Notice.why)
        .order_by(Notice.why)
    )
    return [(row[0], row[1]) for row in rows]


def told_about(person_id: UUID, why: str, subject_id: UUID) -> datetime | None:
    """When somebody was last told this about that; None where never."""
    return db.session.scalar(
        sa.select(sa.func.max(Notice.at)).where(
            Notice.person_id == person_id, Notice.why == why, Notice.subject_id == subject_id
        )
    )


def refused_mail(viewer: Viewer, limit: int = 50) -> Sequence[Mail]:
    """The messages that were given up, newest first, for the administrator."""
    viewer.need(Right.ADMINISTER)
    query = (
        sa.select(Mail)
        .options(joinedload(Mail.person))
        .where(Mail.failed_at.is_not(None))
        .order_by(Mail.failed_at.desc(), Mail.id.desc())
        .limit(limit)
    )
    return db.session.scalars(query).all()


def refused_message(viewer: Viewer, mail_id: UUID | None) -> Mail:
    """One message that was given up. Raises NotFound."""
    viewer.need(Right.ADMINISTER)
    found = db.session.get(Mail, mail_id) if mail_id else None
    if found is None or found.failed_at is None:
        raise NotFound()
    return found
