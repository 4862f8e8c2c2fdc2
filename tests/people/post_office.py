"""A real mail server for tests: it takes, refuses or puts off what is sent to it."""

from __future__ import annotations

import contextlib
import dataclasses
import email
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller


@dataclass
class Office:
    """What arrived, and how the next messages are answered: addresses → SMTP answer."""

    port: int = 0
    arrived: list[EmailMessage] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    data_answer: str = ""

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.data_answer:
            return self.data_answer
        self.arrived.append(
            email.message_from_bytes(envelope.content, policy=default)  # type: ignore[arg-type]
        )
        return "250 OK"


@contextlib.contextmanager
def running() -> Iterator[Office]:
    """A mail server on a free port of this machine."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]
    office = Office(port)
    controller = Controller(office, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield office
    finally:
        controller.stop()


@contextlib.contextmanager
def used_by(app: Any, office: Office | None, **more: Any) -> Iterator[None]:
    """Have the application send its mail there; without an office to where nobody listens."""
    before = app.extensions["netreg_settings"]
    app.extensions["netreg_settings"] = dataclasses.replace(
        before,
        mail_url=f"smtp://127.0.0.1:{office.port if office else 9}",
        mail_from="NET Registry <registry@example.org>",
        public_url="https://net.example.org",
        **more,
    )
    try:
        yield
    finally:
        app.extensions["netreg_settings"] = before
