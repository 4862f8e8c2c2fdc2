"""Settings, read once from the environment. Every name is listed in docs/settings.md."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent
#: A misspelt one must not quietly be less safe than production.
ENVIRONMENTS = ("demo", "production", "testing")
LOGS = ("plain", "json")


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


def _path(name: str) -> Path | None:
    stated = os.environ.get(name, "")
    return Path(stated).resolve() if stated else None


def _one_of(name: str, known: tuple[str, ...]) -> str:
    """A choice; the first of the known ones is the default."""
    stated = os.environ.get(name) or known[0]
    if stated not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}")
    return stated


@dataclass(frozen=True)
class Settings:
    """What the operator decides. `load()` reads the environment."""

    database_url: str
    instance: Path
    secret_key: str
    environment: str = "demo"  # demo | production | testing
    keys: str = ""  # JSON key ring; empty: the file instance/keys.json
    keys_file: Path | None = None  # the key ring as a file; None: instance/keys.json
    keys_beside_data: bool = False  # the operator knows that keys and data are lost together
    sqlite_ok: bool = False  # the operator wants SQLite in production
    secret_stated: bool = True  # SECRET_KEY was given, not made in the instance folder
    log: str = "plain"  # plain | json
    slow_seconds: float = 2.0  # an answer that takes longer is logged
    metrics_token: str = ""  # who scrapes /metrics says it; empty: there is no such page
    backups: Path | None = None  # None: instance/backups
    backups_kept: int = 14
    seal_log: str = ""  # a file, or "syslog": where each seal of the audit is written besides
    worker_threads: int = 4
    staging_licensed: bool = True
    smallest_number: int = 5  # of referrals, in figures: what is smaller is not told
    idle_minutes: int = 30
    absolute_hours: int = 12
    proxies: int = 0  # reverse proxies in front, whose word about the caller's address is taken
    languages: tuple[str, ...] = ("en",)
    public_url: str = ""  # where people reach the product, as it stands in mail
    mail_url: str = ""  # the mail server; empty: no mail is sent
    mail_from: str = ""
    files: str = ""  # where files about patients lie, as fsspec writes it; empty: instance/files
    clamd: str = ""  # the virus scanner: a socket's path, or host:port; empty: nothing is scanned
    urgency_targets: str = ""  # the network's own table of targets; empty: the product's
    follow_up_intervals: str = ""  # the network's own table of intervals; empty: the product's
    extra: dict[str, object] = field(default_factory=dict)

    @property
    def demo(self) -> bool:
        """Is the synthetic network shown, with its sign-ins?"""
        return self.environment == "demo"

    @property
    def key_place(self) -> Path:
        """The file of the key ring, where it is in a file."""
        return self.keys_file or self.instance / "keys.json"

    @property
    def backup_place(self) -> Path:
        """The folder that `netreg backup` writes to."""
        return self.backups or self.instance / "backups"

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
            secret_stated=bool(os.environ.get("SECRET_KEY")),
            log=_one_of("NETREG_LOG", LOGS),
            slow_seconds=float(os.environ.get("NETREG_SLOW_SECONDS", "2")),
            metrics_token=os.environ.get("NETREG_METRICS_TOKEN", ""),
            backups=_path("NETREG_BACKUPS"),
            backups_kept=int(os.environ.get("NETREG_BACKUPS_KEPT", "14")),
            seal_log=os.environ.get("NETREG_SEAL_LOG", ""),
            worker_threads=max(2, int(os.environ.get("NETREG_WORKER_THREADS", "4"))),
            sqlite_ok=_flag("NETREG_SQLITE_OK", False),
            keys_file=_path("NETREG_KEYS_FILE"),
            keys_beside_data=_flag("NETREG_KEYS_BESIDE_DATA", False),
            keys=os.environ.get("NETREG_KEYS", ""),
            # Staging texts are licensed: in production the operator says so before stages are
            # derived (docs/decisions/0006).
            staging_licensed=_flag("STAGING_LICENSED", environment != "production"),
            smallest_number=max(1, int(os.environ.get("NETREG_SMALLEST_NUMBER", "5"))),
            idle_minutes=int(os.environ.get("NETREG_IDLE_MINUTES", "30")),
            absolute_hours=int(os.environ.get("NETREG_ABSOLUTE_HOURS", "12")),
            proxies=int(os.environ.get("NETREG_PROXIES", "0")),
            files=os.environ.get("NETREG_FILES", ""),
            clamd=os.environ.get("NETREG_CLAMD", ""),
            urgency_targets=os.environ.get("NETREG_URGENCY_TARGETS", ""),
            follow_up_intervals=os.environ.get("NETREG_FOLLOW_UP_INTERVALS", ""),
            **_mail(),  # type: ignore[arg-type]
        )
