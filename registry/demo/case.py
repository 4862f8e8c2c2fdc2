"""A made-up patient: what is so about them, and the rows their record is filled with."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any

SEED = "net-registry-demonstration-7"
MONTH = 30.4375
CARCINOMA = frozenset({"NEC", "LCNEC", "SCLC"})

Row = dict[str, Any]


@dataclass
class Spell:
    """One therapy as it went: until when it held the tumour, and when and why it stopped.

    `place` is its place among the case's therapies. `until` is the day of progression, or the end
    of what is known; `progressed` says which. `stop` is None while it goes on.
    """

    kind: str
    agent: str
    start: date
    until: date
    progressed: bool
    stop: date | None = None
    stop_reason: str = ""
    setting: str = ""
    response: str = ""
    place: int = -1
    cycles: int = 0
    given: list[date] = field(default_factory=list)
    #: What the tumour measures against the baseline at its smallest.
    depth: float = 1.0

    @property
    def systemic(self) -> bool:
        """Treated from the day of start on, against the tumour."""
        return self.setting != "background" and self.kind in {
            "SSA", "PRRT", "targeted", "chemotherapy", "immunotherapy", "interferon",
        }  # fmt: skip


@dataclass
class Case:
    """A made-up patient with a made-up course.

    `facts` are what a referral says of it, `later` what came after; rows are by entity, a link is
    the place of a row among the rows of its entity, facts first.
    """

    number: int
    today: date
    country: str
    recent: bool
    identity: Row = field(default_factory=dict)
    sex: str = "female"
    born: date = date.min
    site: str = ""
    grade: str = ""
    diagnosed: date = date.min
    died: date | None = None
    cause: str = ""
    lost: date | None = None
    metastatic: bool = False
    places: list[str] = field(default_factory=list)
    syndrome: str = ""
    hereditary: str = ""
    sstr: int = 4  # Krenning score of the disease
    ki67: str = ""
    graded: bool = True
    measured: bool = True  # lesion by lesion
    spells: list[Spell] = field(default_factory=list)
    free_since: date | None = None  # no tumour left, from here
    spread_on: date | None = None  # metastases, from here
    progressions: list[date] = field(default_factory=list)
    facts: dict[str, list[Row]] = field(default_factory=dict)
    later: dict[str, list[Row]] = field(default_factory=dict)

    def rng(self, topic: str) -> Random:
        """Chance for one topic: a change of one leaves the others as they are."""
        return Random(f"{SEED}/{self.number}/{topic}")  # noqa: S311 - made-up people, no secrets

    @property
    def end(self) -> date:
        """Until when anything is known: death, the last contact of somebody lost, or today."""
        return self.died or self.lost or self.today

    @property
    def carcinoma(self) -> bool:
        """Poorly differentiated?"""
        return self.grade in CARCINOMA

    @property
    def pool(self) -> str:
        """Kind of site: gep, lung, ppgl, mtc."""
        return {"C34": "lung", "C37": "lung", "C74": "ppgl", "C73": "mtc"}.get(self.site[:3], "gep")

    @property
    def group(self) -> str:
        """The site as the treatment guidelines have it."""
        if self.pool != "gep":
            return self.pool
        return {"C25": "pancreas", "C80": "unknown"}.get(
            self.site[:3], "midgut" if self.site in {"C17.1", "C17.2", "C18.0"} else "gi"
        )

    def note(self, entity: str, row: Row) -> int:
        """Keep a row of the course after the diagnosis; gives its place."""
        own = self.later.setdefault(entity, [])
        own.append(row)
        return len(self.facts.get(entity, ())) + len(own) - 1

    def of(self, entity: str) -> list[Row]:
        """All rows of an entity, facts first."""
        return [*self.facts.get(entity, ()), *self.later.get(entity, ())]


def after(day: date, days: float) -> date:
    """So many days later."""
    return day + timedelta(days=round(days))


def months_after(day: date, months: float) -> date:
    """So many months later."""
    return after(day, months * MONTH)


def pick(rng: Random, weighted: tuple[tuple[Any, float], ...]) -> Any:
    """One of several by their weights."""
    return rng.choices([one for one, _ in weighted], [weight for _, weight in weighted])[0]


def chance_of(rng: Random, shares: tuple[tuple[str, float], ...]) -> str:
    """One of several by their shares of all; empty for the rest."""
    rest = max(0.0, 1 - sum(share for _, share in shares))
    return str(pick(rng, (*shares, ("", rest))))
