"""Telling people something, in the product and by mail, in the transaction of the change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from registry import audit, jobs
from registry import mail as post
from registry.access import Right, Viewer
from registry.db import db, new_id, now
from registry.driver import add_rows
from registry.people import queries, rules
from registry.people.models import Mail, Notice, Person
from registry.people.rules import mail as rules_of_mail


def tell(
    people: Iterable[UUID | None],
    why: str,
    *,
    subject: tuple[str, UUID],
    whoever_covers: bool = True,
    numbers: Mapping[str, int] | None = None,
) -> None:
    """Tell people something, each once, in the transaction of the change; and, of those who are
    away, who covers for them. By mail as each of them wants it. `numbers` says how many of what
    (`rules.NUMBERS`)."""
    if why not in rules.NOTICES:
        raise KeyError(why)
    wanted = list(dict.fromkeys(one for one in people if one))
    if not wanted:
        return
    away = queries.who_covers(wanted) if whoever_covers else {}
    for covering in away.values():
        wanted += [one for one in covering if one not in wanted]
    wishes = _wishes(wanted) if post.configured() else {}
    at = now()
    rows: list[dict[str, Any]] = []
    at_once = []
    for person_id in wanted:
        wished = wishes.get(person_id)
        how = rules_of_mail.wish(why, wished) if wished is not None else rules_of_mail.OFF
        made: dict[str, Any] = {
            "id": new_id(),
            "person_id": person_id,
            "at": at,
            "why": why,
            "subject_kind": subject[0],
            "subject_id": subject[1],
            "numbers": dict(numbers) if numbers else None,
            "mail": rules_of_mail.DAILY if how == rules_of_mail.DAILY else "",
        }
        rows.append(made)
        if how == rules_of_mail.IMMEDIATE:
            at_once.append(made)
    add_rows(Notice, rows)
    for made in at_once:
        send(why, person_id=made["person_id"], subject_id=made["id"])


def _wishes(people: list[UUID]) -> dict[UUID, dict[str, Any]]:
    """How those with an open account want to be told by mail."""
    rows = db.session.execute(
        sa.select(Person.id, Person.notice_mail).where(Person.id.in_(people), Person.active)
    )
    return {row[0]: row[1] or {} for row in rows}


def send(
    kind: str, *, person_id: UUID | None = None, address: str = "", subject_id: UUID | None = None
) -> None:
    """Have a message sent, to a person or to an address, when this change is on disk. Without a
    mail server nothing is kept: it would be sent years later."""
    if not post.configured():
        return
    db.session.add(Mail(kind=kind, person_id=person_id, address=address, subject_id=subject_id))
    db.session.flush()
    jobs.after_commit("people.send_mail")


def see_notices(*, by: Viewer) -> None:
    """Mark one's notices as seen."""
    db.session.execute(
        sa.update(Notice)
        .where(Notice.person_id == by.person_id, Notice.seen_at.is_(None))
        .values(seen_at=now())
    )


def wish(wishes: Mapping[str, str], *, by: Viewer) -> None:
    """Say how one wants to be told by mail: why → at once, daily, off."""
    person = queries.oneself(by)
    kept = {
        why: how for why, how in wishes.items() if why in rules.NOTICES and how in rules_of_mail.HOW
    }
    person.notice_mail = kept
    audit.record("changed notice wishes", by=by, subject=("person", person.id))
    db.session.flush()


# -- the worker's part -------------------------------------------------------------------------


def claim() -> Mail | None:
    """Take the message that is due longest, for one try. It is due again later whatever becomes of
    us: who is killed while sending leaves it to be sent again. The caller commits."""
    waiting = sa.and_(Mail.sent_at.is_(None), Mail.failed_at.is_(None), Mail.due_at <= now())
    query = sa.select(Mail).where(waiting).order_by(Mail.due_at, Mail.id).limit(1)
    found = db.session.scalar(query.with_for_update(skip_locked=True))
    if found is None:
        return None
    found.tries += 1
    found.due_at = now() + rules_of_mail.pause(found.tries)
    db.session.flush()
    return found


def was_sent(one: Mail) -> None:
    """The mail server has taken it on."""
    one.sent_at, one.problem = now(), ""
    db.session.flush()


def was_not_sent(one: Mail, said: str, *, for_good: bool) -> None:
    """It did not leave; for good, or because it has been tried for too long, it is given up."""
    one.problem = said
    if for_good or now() - one.at > rules_of_mail.GIVE_UP:
        one.failed_at = now()
    db.session.flush()


def send_again(one: Mail, *, by: Viewer) -> None:
    """Give a message that was given up another chance, from the beginning."""
    by.need(Right.ADMINISTER)
    one.failed_at, one.tries, one.at, one.due_at = None, 0, now(), now()
    audit.record("sent mail again", by=by, subject=("mail", one.id))
    db.session.flush()
    jobs.after_commit("people.send_mail")


def make_digests() -> int:
    """Put together what waits for the day's digest: one message a person. Returns how many."""
    until = rules_of_mail.digest_until(now())
    waits = sa.and_(
        Notice.mail == rules_of_mail.DAILY, Notice.digest_id.is_(None), Notice.at < until
    )
    people = db.session.scalars(
        sa.select(Notice.person_id).join(Person).where(waits, Person.active).distinct()
    ).all()
    for person_id in people:
        made = Mail(id=new_id(), kind="digest", person_id=person_id)
        db.session.add(made)
        db.session.flush()
        db.session.execute(
            sa.update(Notice)
            .where(waits, Notice.person_id == person_id)
            .values(digest_id=made.id)
            .execution_options(synchronize_session=False)
        )
    return len(people)


def forget_sent(keep: timedelta = rules_of_mail.KEEP_SENT) -> None:
    """Remove messages that left long ago: addresses are not kept longer than of use."""
    old = sa.and_(Mail.sent_at.is_not(None), Mail.sent_at < now() - keep)
    db.session.execute(sa.delete(Mail).where(old).execution_options(synchronize_session=False))
