"""What cases of boards add up to, and which of the numbers may be told.

To who works at the centre every number is told: the cases are theirs. To who looks at the whole
network a number below a minimum is not, nor one that such a number would follow from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from registry.boards.rules import agenda as agenda_rules
from registry.boards.rules import delivery as rules
from registry.language import lazy_gettext as _l
from registry.referrals.rules.waiting import hidden, small_groups

#: By what the figures can be grouped.
GROUPS = {"centre": _l("Centre"), "site": _l("Primary site"), "grade": _l("Grade")}


@dataclass(frozen=True)
class Row:
    """One case of a meeting that was held, with what became of it."""

    meeting_id: object
    centre: str
    state: str
    deferred_for: str
    defects: int  # things that were asked for and not there when the meeting began
    site: str
    grade: str
    is_referred: bool
    from_referral: int | None  # days to the board
    from_diagnosis: int | None
    signed: bool
    hours_to_sign: float | None
    changes: tuple[str, ...]
    plan: str  # as planned, changed, no plan before; empty: not said
    against: bool
    sent: bool
    acknowledged: bool | None  # None: there is nobody who could
    told: bool
    outcome: str
    reason: str


@dataclass(frozen=True)
class Spread:
    """A time: how many it was known of, the middle one, and that under which 90 % lie."""

    known: int
    unknown: int
    middle: float | None
    ninety: float | None


@dataclass(frozen=True)
class Share:
    """So many of so many; `n` is None where it is not told."""

    n: int | None
    of: int

    @property
    def percent(self) -> int | None:
        """In per cent; None where it is not told, or of none."""
        return round(100 * self.n / self.of) if self.n is not None and self.of else None


@dataclass(frozen=True)
class Figures:
    """Everything the page of figures says."""

    meetings: int
    cases: int
    per_meeting: float | None
    discussed: Share
    deferred: Share
    not_reached: Share
    not_ready: Share
    from_referral: Spread
    from_diagnosis: Spread
    to_sign: Spread
    deferrals: Sequence[tuple[str, int | None]]
    changes: Sequence[tuple[str, Share]]
    plan_changed: Share  # of those where it was said
    against: Share
    signed: Share
    sent: Share
    acknowledged: Share
    told: Share
    concordance: rules.Concordance


@dataclass(frozen=True)
class Group:
    """The figures of one group; None where they are not told."""

    name: str
    figures: Figures | None
    followed: int | None  # per cent


def spread(values: Iterable[float | None], minimum: int = 1) -> Spread:
    """The middle and the 90th centile (nearest rank), from `minimum` known ones on; what is not
    known is counted apart."""
    all_ = list(values)
    known = sorted(one for one in all_ if one is not None)
    if len(known) < max(minimum, 1):
        return Spread(len(known), len(all_) - len(known), None, None)
    rank = max(-(-90 * len(known) // 100) - 1, 0)
    return Spread(len(known), len(all_) - len(known), float(median(known)), float(known[rank]))


def share(yes: Iterable[bool], minimum: int = 1) -> Share:
    """How many of them; not told where they or the others are fewer than `minimum`, but not none.

    >>> share([True] * 6 + [False] * 6, 5), share([True] * 6 + [False], 5)
    (Share(n=6, of=12), Share(n=None, of=7))
    """
    all_ = list(yes)
    n = sum(all_)
    gone = hidden([[n, len(all_) - n]], minimum)
    return Share(None if (0, 0) in gone else n, len(all_))


def figures(found: Sequence[Row], minimum: int = 1) -> Figures:
    """The figures of some cases, with what is below `minimum` not told."""
    meetings = len({one.meeting_id for one in found})
    signed = [one for one in found if one.signed]
    asked = [one for one in signed if one.acknowledged is not None]
    planned = [one.plan == "changed" for one in signed if one.plan]
    discussed, deferred, not_reached = _by_state(found, minimum)
    return Figures(
        meetings=meetings,
        cases=len(found),
        per_meeting=round(len(found) / meetings, 1) if meetings else None,
        discussed=discussed,
        deferred=deferred,
        not_reached=not_reached,
        not_ready=share((bool(one.defects) for one in found), minimum),
        from_referral=spread((one.from_referral for one in found if one.is_referred), minimum),
        from_diagnosis=spread((one.from_diagnosis for one in found), minimum),
        to_sign=spread((one.hours_to_sign for one in signed), minimum),
        deferrals=_told_apart(Counter(o.deferred_for for o in found if o.deferred_for), minimum),
        changes=_changes(signed, minimum),
        plan_changed=share(planned, minimum),
        against=share((one.against for one in signed), minimum),
        signed=share((o.signed for o in found if o.state == agenda_rules.DISCUSSED), minimum),
        sent=share((one.sent for one in asked), minimum),
        acknowledged=share((bool(one.acknowledged) for one in asked), minimum),
        told=share((one.told for one in signed), minimum),
        concordance=rules.concordance(
            ((one.outcome, one.reason) for one in signed if one.outcome),
            max(rules.SMALLEST, minimum),
        ),
    )


_STATES = (agenda_rules.DISCUSSED, agenda_rules.DEFERRED, agenda_rules.LISTED)


def _by_state(found: Sequence[Row], minimum: int) -> list[Share]:
    """Discussed, deferred and not reached: together they are all, so they are told together."""
    counted = Counter(one.state for one in found)
    numbers = [counted[state] for state in _STATES]
    gone = hidden([numbers], minimum)
    return [Share(None if (0, c) in gone else n, len(found)) for c, n in enumerate(numbers)]


def _told_apart(counted: Counter[str], minimum: int) -> list[tuple[str, int | None]]:
    """Numbers that add up to one that may be told: the most frequent first."""
    rows = counted.most_common()
    gone = hidden([[n for _name, n in rows]], minimum)
    return [(name, None if (0, c) in gone else n) for c, (name, n) in enumerate(rows)]


def _changes(signed: Sequence[Row], minimum: int) -> list[tuple[str, Share]]:
    counted = Counter(what for one in signed for what in one.changes)
    return [
        (what, share((what in one.changes for one in signed), minimum))
        for what, _n in counted.most_common()
    ]


def grouped(found: Sequence[Row], by: Callable[[Row], str], minimum: int = 1) -> list[Group]:
    """The figures by group, the largest first. A group that is not told stands without figures,
    and where its size would follow from the sum so does the next."""
    groups: dict[str, list[Row]] = {}
    for one in found:
        groups.setdefault(by(one), []).append(one)
    order = sorted(groups.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    gone = small_groups({name: len(some) for name, some in order}, minimum)
    answered = {name: sum(bool(o.outcome) for o in some if o.signed) for name, some in order}
    quiet = small_groups(answered, max(rules.SMALLEST, minimum))
    rows = []
    for name, some in order:
        told = None if name in gone else figures(some, minimum)
        followed = told.concordance.percent if told and name not in quiet else None
        rows.append(Group(name, told, followed))
    return _without_sums(rows)


def _without_sums(rows: list[Group]) -> list[Group]:
    """What the groups' shares would tell of each other by subtraction from the whole is not told:
    where one group's number is missing, that of another is too."""
    told = [one for one in rows if one.figures is not None]
    found = {one.name: one for one in rows}
    for name in ("discussed", "deferred", "not_ready", "acknowledged"):
        shares: Mapping[str, Share] = {one.name: getattr(one.figures, name) for one in told}
        missing = [key for key, one in shares.items() if one.n is None]
        shown = [key for key, one in shares.items() if one.n is not None and one.of]
        if len(missing) == 1 and len(told) == len(rows) and shown:
            least = min(shown, key=lambda key: shares[key].of)
            one = found[least]
            if one.figures is not None:
                covered: dict[str, Any] = {name: Share(None, shares[least].of)}
                found[least] = replace(one, figures=replace(one.figures, **covered))
    return [found[one.name] for one in rows]
