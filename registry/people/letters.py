"""The text of each message: a sentence, a link, and nothing of what stands in a record.

A message is made when it is sent, from its row and from what the row points to in this room. No
other room is asked, so that nothing of a patient can come into it.
"""

from __future__ import annotations

from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from flask import current_app
from flask_babel import force_locale, get_locale

from registry import mail as post
from registry.db import db
from registry.language import gettext as _
from registry.language import lazy_gettext as _l
from registry.people import actions, queries, rules
from registry.people.models import AccountRequest, Invitation, Mail, Notice, PasswordLink
from registry.people.rules import joining
from registry.people.rules import mail as rules_of_mail


class NotWanted(Exception):
    """What the message is about has gone: an invitation withdrawn, an account closed."""


@dataclass(frozen=True)
class Letter:
    """A message in words."""

    subject: str
    greeting: str
    paragraphs: tuple[str, ...]
    lines: tuple[str, ...]
    link: str
    link_text: str
    footer: str


def message(one: Mail) -> EmailMessage:
    """The message to hand to the mail server. Raises NotWanted, or `mail.Refused` for an address
    that cannot be one."""
    with force_locale(current_app.extensions["netreg_settings"].languages[0]):
        letter = _letter(one)
        words = {"letter": letter, "product": str(_("NET Registry"))}
        make = current_app.jinja_env.get_template
        return post.message(
            id=one.id,
            at=one.at,
            to=_addressee(one),
            subject=letter.subject,
            text=make("people/mail/letter.txt").render(words),
            html=make("people/mail/letter.html").render(words),
        )


def _addressee(one: Mail) -> tuple[str, str]:
    """Name and address. Who has no account is not named: the name was typed by somebody else."""
    if one.person is None:
        return "", one.address
    if not one.person.active:
        raise NotWanted()
    return one.person.name, one.person.email


def _letter(one: Mail) -> Letter:
    values, link = _MAKERS[one.kind](one) if one.kind in _MAKERS else _notice(one)
    lines: tuple[str, ...] = ()
    if one.kind in rules.NOTICES:
        subject, link_text = rules.NOTICES[one.kind], _l("Look at it")
        paragraphs: tuple[Any, ...] = (rules.NOTICES[one.kind],)
    else:
        subject, paragraphs, link_text = rules_of_mail.LETTERS[one.kind]
    if one.kind == "digest":
        lines = _digest_lines(one)
    elif one.kind in rules.NOTICES and one.subject_id is not None:
        lines = queries.number_lines(db.session.get(Notice, one.subject_id))
    filled = tuple(str(text) % values if values else str(text) for text in paragraphs)
    return Letter(
        subject=str(subject),
        greeting=_("Dear %(name)s,", name=one.person.name) if one.person else _("Good day,"),
        paragraphs=filled,
        lines=lines,
        link=link,
        link_text=str(link_text),
        footer=_footer(one),
    )


def _footer(one: Mail) -> str:
    if one.kind in rules.NOTICES or one.kind == "digest":
        where = post.link("people.account") + "#notices"
        text: str = _(
            "Which notices come by e-mail you choose in your account: %(where)s", where=where
        )
        return text
    said: str = _("This message was sent by a machine. Answers to it are not read.")
    return said


Made = tuple[dict[str, str], str]


def _notice(one: Mail) -> Made:
    return {}, post.link("people.open_notice", notice_id=one.subject_id)


def _invitation(one: Mail) -> Made:
    found = db.session.get(Invitation, one.subject_id)
    if found is None or queries.state_of(found) != joining.OPEN:
        raise NotWanted()
    zone = ZoneInfo(found.organisation.time_zone)
    values = {
        "by": found.invited_by.name if found.invited_by else _("The network's office"),
        "organisation": found.organisation.name,
        "until": _moment(found.expires_at.astimezone(zone)),
    }
    return values, post.link("people.accept", link=actions.link_of_invitation(found))


def _password_link(one: Mail) -> Made:
    found = db.session.get(PasswordLink, one.subject_id)
    if found is None or found.used_at is not None:
        raise NotWanted()
    seat = queries.viewer_of_person(found.person).seat
    zone = ZoneInfo(seat.time_zone if seat else "UTC")
    values = {"until": _moment(found.expires_at.astimezone(zone))}
    return values, post.link("people.new_password", link=actions.link_of_password(found))


def _moment(there: Any) -> str:
    return f"{format_datetime(there, 'd MMM y HH:mm', locale=get_locale() or 'en')} {there:%Z}"


def _have_account(_one: Mail) -> Made:
    return {}, post.link("people.forgot_password")


def _account_asked_for(_one: Mail) -> Made:
    return {}, post.link("people.sign_in")


def _request_refused(one: Mail) -> Made:
    found = db.session.get(AccountRequest, one.subject_id)
    if found is None or not found.reason:
        raise NotWanted()
    return {"reason": str(joining.REFUSALS[found.reason])}, post.link("people.sign_in")


def _digest(_one: Mail) -> Made:
    return {}, post.link("people.notices")


def _digest_lines(one: Mail) -> tuple[str, ...]:
    """What happened, each kind once with its number."""
    return tuple(
        f"{rules.NOTICES[why]} × {count}" if count > 1 else str(rules.NOTICES[why])
        for why, count in queries.whys_of_digest(one.id)
        if why in rules.NOTICES
    )


_MAKERS = {
    "invitation": _invitation,
    "password_link": _password_link,
    "have_account": _have_account,
    "account_asked_for": _account_asked_for,
    "request_refused": _request_refused,
    "digest": _digest,
}
