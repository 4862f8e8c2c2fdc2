"""A real mail server for tests: it takes, refuses or puts off what is sent to it."""

from __future__ import annotations

import contextlib
import dataclasses
import email
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class Office:
    """What arrived, over what, and how the next messages are answered: addresses → SMTP answer."""

    port: int = 0
    encrypted: list[bool] = field(default_factory=list)
    signed_in: list[bytes] = field(default_factory=list)
    arrived: list[EmailMessage] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    data_answer: str = ""

    def knows(self, server: Any, session: Any, envelope: Any, how: str, said: Any) -> AuthResult:
        """Whoever says the password is let in."""
        self.signed_in.append(said.login)
        return AuthResult(success=said.password == b"p/w")

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
        self.encrypted.append(server.transport.get_extra_info("sslcontext") is not None)
        self.arrived.append(
            email.message_from_bytes(envelope.content, policy=default)  # type: ignore[arg-type]
        )
        return "250 OK"


@contextlib.contextmanager
def running(security: str = "smtp", papers: Papers | None = None) -> Iterator[Office]:
    """A mail server on a free port of this machine; with papers over TLS, where it also asks for
    the password `p/w` of anybody."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]
    office = Office(port)
    more: dict[str, Any] = {}
    if papers is not None:
        more["authenticator"] = office.knows
        more["auth_required"] = True
        if security == "smtps":
            more |= {"ssl_context": papers.context(), "auth_require_tls": False}
        else:
            more |= {"tls_context": papers.context(), "require_starttls": True}
    controller = Controller(office, hostname="127.0.0.1", port=port, **more)
    controller.start()
    try:
        yield office
    finally:
        controller.stop()


@dataclass(frozen=True)
class Papers:
    """A certificate and its key, and the authority that made it, as files."""

    authority: Path
    chain: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(self.chain, self.key)
        return made


def papers(folder: Path, host: str = "localhost", days: int = 1) -> Papers:
    """An authority of this test and its certificate for a host, which holds for so many days;
    below zero it ran out."""
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = _certificate("Authority of a test", root_key, "Authority of a test", root_key, 9)
    own = _certificate(host, key, "Authority of a test", root_key, days)
    made = Papers(folder / "authority.pem", folder / "chain.pem", folder / "key.pem")
    made.authority.write_bytes(root.public_bytes(serialization.Encoding.PEM))
    made.chain.write_bytes(own.public_bytes(serialization.Encoding.PEM))
    made.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return made


def _certificate(name: str, key: Any, issuer: str, issuer_key: Any, days: int) -> x509.Certificate:
    at = datetime.now(UTC)
    usage = {
        name: name in {"digital_signature", "key_cert_sign", "crl_sign"}
        for name in (
            "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
            "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
        )
    }  # fmt: skip
    root = key is issuer_key
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    by = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)])
    made = (
        x509.CertificateBuilder()
        .subject_name(named)
        .issuer_name(by)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(days=9))
        .not_valid_after(at + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=root, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
    )
    if root:
        made = made.add_extension(x509.KeyUsage(**usage), critical=True)
    else:
        made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    return made.sign(issuer_key, hashes.SHA256())


@contextlib.contextmanager
def used_by(app: Any, office: Office | None, url: str = "", **more: Any) -> Iterator[None]:
    """Have the application send its mail there; without an office to where nobody listens."""
    before = app.extensions["netreg_settings"]
    app.extensions["netreg_settings"] = dataclasses.replace(
        before,
        mail_url=url or f"smtp://127.0.0.1:{office.port if office else 9}",
        mail_from="NET Registry <registry@example.org>",
        public_url="https://net.example.org",
        **more,
    )
    try:
        yield
    finally:
        app.extensions["netreg_settings"] = before
