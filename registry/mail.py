"""Sending mail: where to, what a message looks like, and which refusals are worth another try.

Which messages there are, and when they are sent again, is the business of the room `people`.
"""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

from flask import current_app, has_request_context, request

SECONDS = 20  # until a silent mail server counts as away
_SCHEMES = {"smtp": 25, "starttls": 587, "smtps": 465}


class NotSent(Exception):
    """The message did not leave. `said` is what the mail server answered, without addresses."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said[:200]


class TryLater(NotSent):
    """It may work later: busy, full, or settings of ours that can be corrected."""


class Away(TryLater):
    """The mail server cannot be reached or does not let us in: others will not leave either."""


class Refused(NotSent):
    """It will never work: the address does not exist, or the message is not wanted."""


@dataclass(frozen=True)
class Server:
    """A mail server, as NETREG_MAIL_URL names it."""

    host: str
    port: int
    security: str  # smtp (none), starttls, smtps
    user: str = ""
    password: str = ""

    @classmethod
    def of(cls, url: str) -> Server:
        """Read the address. Raises ValueError, which never repeats a password."""
        parts = urlsplit(url)
        if parts.scheme not in _SCHEMES or not parts.hostname:
            raise ValueError(
                "NETREG_MAIL_URL must be smtp://, starttls:// or smtps:// with a host, such as "
                "starttls://user:password@mail.example.org:587"
            )
        try:
            port = parts.port or _SCHEMES[parts.scheme]
        except ValueError:
            raise ValueError("NETREG_MAIL_URL has a port that is no number") from None
        return cls(
            parts.hostname,
            port,
            parts.scheme,
            unquote(parts.username or ""),
            unquote(parts.password or ""),
        )


def _settings() -> Any:
    return current_app.extensions["netreg_settings"]


def configured() -> bool:
    """Is there a mail server?"""
    return bool(_settings().mail_url)


def public_url() -> str:
    """Where people reach the product; without the setting, where this request came in."""
    stated: str = _settings().public_url
    if stated:
        return stated
    return request.url_root.rstrip("/") if has_request_context() else "http://localhost:8000"


def link(endpoint: str, **values: Any) -> str:
    """The full address of a page, also outside a request."""
    parts = urlsplit(public_url())
    adapter = current_app.url_map.bind(
        parts.netloc, script_name=parts.path or "/", url_scheme=parts.scheme
    )
    return adapter.build(endpoint, values, force_external=True)


def message(
    *, id: UUID, at: datetime, to: tuple[str, str], subject: str, text: str, html: str
) -> EmailMessage:
    """A message as plain text and HTML, to (name, address). The same id gives the same
    Message-ID each time it is sent. Raises Refused for an address that cannot be one."""
    made = EmailMessage()
    try:
        local, _at, domain = to[1].rpartition("@")
        made["To"] = Address(to[0], local, domain)
    except (ValueError, IndexError) as problem:
        raise Refused("not an address") from problem
    name, sender = parseaddr(_settings().mail_from)
    host = urlsplit(public_url()).hostname or "localhost"
    made["From"] = Address(name, *sender.rsplit("@", 1))
    made["Subject"] = subject
    made["Date"] = format_datetime(at)
    made["Message-ID"] = f"<{id}@{host}>"
    made["Auto-Submitted"] = "auto-generated"
    made["X-Auto-Response-Suppress"] = "All"
    made.set_content(text)
    made.add_alternative(html, subtype="html")
    return made


def send(one: EmailMessage) -> None:
    """Hand a message to the mail server; when this returns, the server has taken it on.

    Raises Away, TryLater or Refused.
    """
    try:
        with _connect(Server.of(_settings().mail_url)) as smtp:
            smtp.send_message(one)
    except smtplib.SMTPRecipientsRefused as problem:
        code, said = next(iter(problem.recipients.values()))
        raise _by_code(code, said) from problem
    except smtplib.SMTPNotSupportedError as problem:
        raise Refused("the mail server does not take such an address") from problem
    except smtplib.SMTPSenderRefused as problem:
        # A setting of ours, whatever the code: nothing is wrong with the message.
        raise Away(_said(problem.smtp_code, problem.smtp_error)) from problem
    except smtplib.SMTPDataError as problem:
        raise _by_code(problem.smtp_code, problem.smtp_error) from problem
    except (smtplib.SMTPException, OSError) as problem:
        raise Away(f"the mail server cannot be used ({type(problem).__name__})") from problem


def _connect(server: Server) -> smtplib.SMTP:
    """A mail server that lets us in. Whatever goes wrong here is no fault of a message: Away."""
    try:
        return _let_in(server)
    except smtplib.SMTPResponseException as problem:
        raise Away(_said(problem.smtp_code, problem.smtp_error)) from problem
    except ssl.SSLCertVerificationError as problem:
        why = problem.verify_message.rstrip(".") or "not trusted"
        raise Away(f"the certificate of the mail server is refused: {why}") from problem
    except smtplib.SMTPNotSupportedError as problem:
        missing = "STARTTLS" if "STARTTLS" in str(problem) else "sign-in"
        raise Away(f"the mail server offers no {missing}: see NETREG_MAIL_URL") from problem
    except (smtplib.SMTPException, OSError) as problem:
        raise Away(f"the mail server cannot be used ({type(problem).__name__})") from problem


def _let_in(server: Server) -> smtplib.SMTP:
    if server.security == "smtps":
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(
            server.host, server.port, timeout=SECONDS, context=ssl.create_default_context()
        )
    else:
        smtp = smtplib.SMTP(server.host, server.port, timeout=SECONDS)
    try:
        if server.security == "starttls":
            smtp.starttls(context=ssl.create_default_context())
        if server.user:
            smtp.login(server.user, server.password)
    except BaseException:
        smtp.close()
        raise
    return smtp


def _by_code(code: int, said: Any) -> NotSent:
    return (Refused if 500 <= code < 600 else TryLater)(_said(code, said))


def _said(code: int, said: Any) -> str:
    """The first words of an answer, without anything that looks like an address."""
    text = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    words = [word for word in text.split() if "@" not in word]
    return f"{code} {' '.join(words)}".strip()
