"""Settings, read once from the environment. Every name is listed in docs/settings.md."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent
#: A misspelt one must not quietly be less safe than production.
ENVIRONMENTS = ("demo", "production", "testing")


def _flag(name: str, default: bool) -> bool:
    return os.environ.get(name, "yes" if default else "no").strip().lower() in {"1", "yes", "true"}


def _mail() -> dict[str, str]:
    """The settings of mail: all of them or none, so that no half-set one loses messages."""
    from registry.mail import Server  # here: registry itself imports this file

    found = {
        "public_url": os.environ.get("NETREG_PUBLIC_URL", "").rstrip("/"),
        "mail_url": os.environ.get("NETREG_MAIL_URL", ""),
        "mail_from": os.environ.get("NETREG_MAIL_FROM", ""),
    }
    if found["mail_url"]:
        Server.of(found["mail_url"])
        for name, variable in (
            ("mail_from", "NETREG_MAIL_FROM"),
            ("public_url", "NETREG_PUBLIC_URL"),
        ):
            if not found[name]:
                raise ValueError(f"{variable} must be set when NETREG_MAIL_URL is")
    return found


def _kept_secret(path: Path) -> str:
    """The embedded default keeps its own secret beside its database, readable by its owner."""
    from registry.keys import keep_once  # here: registry itself imports this file

    if not path.exists():
        keep_once(path, secrets.token_urlsafe(48))
    return path.read_text().strip()


@dataclass(frozen=True)
class Settings:
    """What the operator decides. `load()` reads the environment."""

    database_url: str
    instance: Path
    secret_key: str
    environment: str = "demo"  # demo | production | testing
    keys: str = ""  # JSON key ring; empty: the file instance/keys.json
    staging_licensed: bool = True
    idle_minutes: int = 30
    absolute_hours: int = 12
    proxies: int = 0  # reverse proxies in front, whose word about the caller's address is taken
    languages: tuple[str, ...] = ("en",)
    public_url: str = ""  # where people reach the product, as it stands in mail
    mail_url: str = ""  # the mail server; empty: no mail is sent
    mail_from: str = ""
    extra: dict[str, object] = field(default_factory=dict)

    @property
    def demo(self) -> bool:
        """Is the synthetic network shown, with its sign-ins?"""
        return self.environment == "demo"

    @classmethod
    def load(cls) -> Settings:
        """Read the environment; the embedded default needs none of it."""
        instance = Path(os.environ.get("NETREG_INSTANCE") or ROOT / "instance").resolve()
        instance.mkdir(mode=0o700, parents=True, exist_ok=True)
        environment = os.environ.get("NETREG_ENV") or "demo"
        if environment not in ENVIRONMENTS:
            raise ValueError(f"NETREG_ENV must be one of {', '.join(ENVIRONMENTS)}")
        return cls(
            database_url=os.environ.get("DATABASE_URL")
            or f"sqlite:///{instance / 'netreg.sqlite3'}",
            instance=instance,
            secret_key=os.environ.get("SECRET_KEY") or _kept_secret(instance / "secret_key"),
            environment=environment,
            keys=os.environ.get("NETREG_KEYS", ""),
            # Staging texts are licensed: in production the operator says so before stages are
            # derived (docs/decisions/0006).
            staging_licensed=_flag("STAGING_LICENSED", environment != "production"),
            idle_minutes=int(os.environ.get("NETREG_IDLE_MINUTES", "30")),
            absolute_hours=int(os.environ.get("NETREG_ABSOLUTE_HOURS", "12")),
            proxies=int(os.environ.get("NETREG_PROXIES", "0")),
            **_mail(),  # type: ignore[arg-type]
        )
