"""The worker's part: sending mail, digests; and what the health page says of mail."""

from __future__ import annotations

import logging
import time

import sqlalchemy as sa
from flask_babel import ngettext

from registry import health
from registry import mail as post
from registry.db import db, now
from registry.jobs import job
from registry.language import gettext as _
from registry.language import lazy_gettext as _l
from registry.people import letters
from registry.people.actions import notices as actions
from registry.people.models import Mail

log = logging.getLogger("netreg.mail")

#: So long one run may take; what is left is sent in the next, and other work has its turn.
SECONDS = 40


@job("people.send_mail", sweep=True)
def send_mail() -> None:
    """Send what is due. A server that is away ends the run; one bad message does not."""
    db.session.rollback()
    end = time.monotonic() + SECONDS
    while post.configured() and time.monotonic() < end:
        one = actions.claim()
        db.session.commit()  # the claim is on disk before the message leaves
        if one is None:
            break
        away = not _send(one)
        db.session.commit()
        if away:
            break
    db.session.rollback()


def _send(one: Mail) -> bool:
    """Try once. False when the mail server cannot be used at all."""
    try:
        made = letters.message(one)
        db.session.rollback()  # no transaction stays open while the mail server thinks
        post.send(made)
    except letters.NotWanted:
        actions.was_not_sent(one, "", for_good=True)
        one.failed_at, one.sent_at = None, now()
    except post.Refused as problem:
        actions.was_not_sent(one, problem.said, for_good=True)
        log.warning("a message of kind %s was refused", one.kind)
    except post.TryLater as problem:
        actions.was_not_sent(one, problem.said, for_good=False)
        log.warning("a message of kind %s could not be sent now", one.kind)
        return not isinstance(problem, post.Away)
    else:
        actions.was_sent(one)
    return True


@job("people.make_digests", sweep=True)
def make_digests() -> None:
    """Make the day's digests when their hour has come; they leave with the next run of mail."""
    db.session.rollback()
    if post.configured() and actions.make_digests():
        db.session.commit()
    actions.forget_sent()
    db.session.commit()


@health.check("mail", _l("Mail"), before="backup")
def mail() -> health.Row:
    """Is there a mail server, does mail leave, and what waits or was refused?"""
    label = _l("Mail")
    if not post.configured():
        text = _("No mail server is set: links are handed over by the administrator.")
        return health.Row("mail", label, health.WARNING, text)
    waiting = sa.and_(Mail.sent_at.is_(None), Mail.failed_at.is_(None))
    backlog, oldest, problem = db.session.execute(
        sa.select(sa.func.count(), sa.func.min(Mail.at), sa.func.max(Mail.problem)).where(waiting)
    ).one()
    refused = db.session.scalar(
        sa.select(sa.func.count()).select_from(Mail).where(Mail.failed_at.is_not(None))
    )
    sent = db.session.scalar(
        sa.select(Mail.sent_at).where(Mail.sent_at.is_not(None)).order_by(Mail.sent_at.desc())
        .limit(1)
    )  # fmt: skip
    failed = db.session.scalar(
        sa.select(Mail.failed_at).where(Mail.failed_at.is_not(None))
        .order_by(Mail.failed_at.desc()).limit(1)
    )  # fmt: skip
    if backlog and problem:
        state, text = health.BAD, _("Mail does not leave: %(problem)s", problem=problem)
    elif refused:
        state = health.WARNING
        text = ngettext(
            "%(num)s message was refused for good.",
            "%(num)s messages were refused for good.",
            refused,
        )
    else:
        state, text = health.GOOD, _("Mail leaves.")
    facts = (
        (_l("Last sent"), sent or _("never")),
        (_l("Last refused"), failed or _("never")),
        (_l("Waiting"), backlog),
        *(((_l("Waiting since"), oldest),) if backlog else ()),
    )
    numbers = {"outbox": float(backlog), "refused": float(refused or 0)}
    return health.Row("mail", label, state, text, facts, numbers)
