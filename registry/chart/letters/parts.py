"""What a letter is made of: plain values, the same for the page and for the PDF."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

#: Done on a day: without a stop they do not go on.
_ON_A_DAY = frozenset({"surgery", "ablation", "liver-directed"})


@dataclass(frozen=True)
class Table:
    """Rows under columns; `widths` are their shares of the line."""

    columns: list[str]
    widths: list[float]
    rows: list[list[str]]


@dataclass(frozen=True)
class Section:
    """A part of a letter; what is empty is not shown."""

    title: str
    paragraphs: list[str] = field(default_factory=list)
    facts: list[list[str]] = field(default_factory=list)  # label and text
    points: list[str] = field(default_factory=list)
    table: Table | None = None
    after: list[str] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Does it say nothing?"""
        return not (self.paragraphs or self.facts or self.points or self.table or self.after)


@dataclass(frozen=True)
class Body:
    """What the record gives: all of a letter but what its writer adds and when it is written."""

    title: str
    about_label: str
    about: list[list[str]]
    greeting: str
    intro: list[str]
    sections: list[Section]
    closing: list[str]
    running: str  # at the foot of each page
    note_title: str
    size: float = 9.5  # of the letters, in points
    call_in: str = ""  # the section that says whom to call, by its title

    @property
    def mark(self) -> str:
        """A fingerprint of everything that is told: two letters with one mark say the same."""
        text = json.dumps(asdict(self), sort_keys=True, ensure_ascii=False)
        found = hashlib.sha256(text.encode()).hexdigest()
        return f"{found[:4]}-{found[4:8]}"


@dataclass(frozen=True)
class Added:
    """What the writer adds."""

    recipient: str = ""
    telephone: str = ""
    note: str = ""


def section(title: Any, **said: Any) -> Section:
    """A section of words that may still have to be put into the reader's language."""
    return Section(str(title), **said)


def paragraphs(text: str) -> list[str]:
    """What somebody typed, by its empty lines."""
    return [part.strip() for part in text.replace("\r\n", "\n").split("\n\n") if part.strip()]


def lines(text: str) -> list[str]:
    """What somebody typed, line by line."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def joined(texts: Iterable[Any], between: str = "; ") -> str:
    """The texts that say something."""
    return between.join(str(one) for one in texts if one)


def latest(entries: Sequence[Any], name: str) -> Any:
    """The last entry that answers a question; None where none does."""
    return next((one for one in reversed(entries) if getattr(one, name)), None)


def is_running(therapy: Any) -> bool:
    """Was it begun, and nothing says that it ended?"""
    return bool(
        therapy.start
        and not therapy.stop
        and "stop" not in therapy.absent
        and not therapy.stop_reason
        and therapy.therapy_class not in _ON_A_DAY
    )


def is_on_a_day(therapy: Any) -> bool:
    """Is it done on a day?"""
    return therapy.therapy_class in _ON_A_DAY
