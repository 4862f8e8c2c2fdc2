"""How the tumour answered: lesions measured at a baseline and after it, and what RECIST says.

A stated response is what the sizes give; a progression is a scan that shows it.
"""

from __future__ import annotations

import math
from datetime import date
from random import Random
from typing import NamedTuple

from registry.demo import rates
from registry.demo.case import MONTH, Case, Row, Spell, after

_PD, _PR, _CR, _SD = "PD", "PR", "CR", "SD"
_ORDER = (_CR, _PR, _SD, _PD)
_SEGMENTS = (2, 3, 4, 5, 6, 7, 8)
#: Share of the time to progression after which the tumour is at its smallest.
_SMALLEST = 0.35
#: Too short for a response to be seen.
_SHORT_DAYS = 110


class _Spot(NamedTuple):
    place: int
    size: int
    is_node: bool


def assess(made: Case) -> None:
    """The assessments of every therapy against disease that can be seen."""
    rng = made.rng("response")
    for spell in made.spells:
        seen = made.spread_on is not None and spell.start >= made.spread_on
        open_ = seen or (not made.metastatic and made.free_since is None and made.carcinoma)
        treats = spell.systemic or spell.kind in {"liver-directed", "surveillance"}
        if open_ and treats and spell.setting not in {"background", "adjuvant"}:
            _answer(made, spell, rng)
            _series(made, spell, rng)


def _answer(made: Case, spell: Spell, rng: Random) -> None:
    """How deep the response is."""
    short = (spell.until - spell.start).days < _SHORT_DAYS
    if rng.random() < _share(spell.agent) and not short:
        whole = rng.random() < 0.03 and not made.metastatic
        spell.response, spell.depth = (_CR, 0.0) if whole else (_PR, rng.uniform(0.4, 0.63))
    else:
        spell.response, spell.depth = _SD, rng.uniform(0.78, 1.06)


def _share(agent: str) -> float:
    """The share that responds of those who have the time to, so that of all it is as published."""
    months = rates.MONTHS_TO_PROGRESSION.get(agent, 12) * MONTH
    long_enough = math.exp(-math.log(2) * (_SHORT_DAYS / months) ** rates.SHAPE)
    return min(1.0, rates.RESPONSE.get(agent, 0) / long_enough)


def size_at(spell: Spell, day: date) -> float:
    """What the lesions measure together against the baseline, before they grow again."""
    share = (day - spell.start).days / max(1, (spell.until - spell.start).days)
    size = 1 + (spell.depth - 1) * min(1.0, max(0.0, share) / _SMALLEST)
    if spell.progressed and share > 0.55:
        size *= 1 + 0.1 * (share - 0.55)
    return size


def _visits(made: Case, spell: Spell, rng: Random) -> list[date]:
    slow = spell.kind in {"SSA", "surveillance"}
    first, then = (92, 185) if slow else ((62, 64) if made.carcinoma else (90, 120))
    days, day = [], after(spell.start, first + rng.randint(-8, 9))
    while day < after(spell.until, -25):
        days.append(day)
        day = after(day, then + rng.randint(-12, 12))
    return days


def _seen(made: Case, spell: Spell) -> bool:
    """Was the progression seen on a scan?"""
    ended = spell.until.isoformat()
    return spell.progressed and any(
        row["date"] == ended and row["basis"] == "radiological" for row in made.of("progression")
    )


def _series(made: Case, spell: Spell, rng: Random) -> None:
    days, shows = _visits(made, spell, rng), _seen(made, spell)
    if not days and not shows:
        return
    floor = max([made.diagnosed, *(s.start for s in made.spells if s.start < spell.start)])
    start = max(floor, after(spell.start, -rng.randint(3, 24)))
    baseline = made.note("response", {"date": start.isoformat(), "timepoint": "baseline",
                                      "criteria": "RECIST11", "therapy": spell.place})  # fmt: skip
    spots = _spots(made, baseline, start, rng) if made.measured else []
    total = smallest = sum(spot.size for spot in spots)
    _measure(made, baseline, spots, 1.0)
    found: list[str] = []
    for day in days:
        row = _row(day, spell, baseline)
        at = made.note("response", row)
        now = sum(_measure(made, at, spots, size_at(spell, day)))
        row["response_stated"] = _stated(now, total, size_at(spell, day), bool(spots))
        smallest = min(smallest, now)
        found.append(row["response_stated"])
    if shows:
        found.append(_progression(made, spell, baseline, spots, smallest, rng))
    _say_best(made, spell, found, rng)


def _row(day: date, spell: Spell, baseline: int) -> Row:
    return {"date": day.isoformat(), "timepoint": "follow_up", "criteria": "RECIST11",
            "new_lesion": "no", "therapy": spell.place, "baseline": baseline}  # fmt: skip


def _stated(now: int, total: int, size: float, measured: bool) -> str:
    share = now / total if measured else size
    if share <= 0:
        return _CR
    return _PR if share <= 0.7 else _SD


def _spots(made: Case, baseline: int, day: date, rng: Random) -> list[_Spot]:
    organs: list[str] = [o for o in ("liver", "liver", "lung") if o in made.places]
    if made.group in {"midgut", "gi", "pancreas"} and rng.random() < 0.45:
        organs.append("nodes")
    organs = organs[:3] or [{"lung": "lung", "pancreas": "pancreas"}.get(made.group, "soft_tissue")]
    found = []
    segments = rng.sample(_SEGMENTS, 2)
    for number, organ in enumerate(organs):
        node = organ == "nodes"
        label = {
            "liver": f"Liver, segment {segments[number % 2]}",
            "nodes": "Mesenteric node",
            "lung": "Lung nodule",
            "pancreas": "Pancreas",
        }.get(organ, "Soft tissue")
        place = made.note(
            "lesion",
            {"label": label, "organ": organ, "is_node": "yes" if node else "no", "role": "target",
             "first_seen": day.isoformat(), "baseline": baseline},
        )  # fmt: skip
        found.append(_Spot(place, rng.randint(20, 34) if node else rng.randint(19, 58), node))
    return found


def _measure(made: Case, response: int, spots: list[_Spot], size: float) -> list[int]:
    sizes = []
    for spot in spots:
        now = round(spot.size * size)
        row: Row = {"response": response, "lesion": spot.place, "state": "measured"}
        if now == 0:
            row["state"] = "disappeared"
        row["size_mm"] = str(now)
        made.note("measurement", row)
        sizes.append(now)
    return sizes


def _progression(
    made: Case, spell: Spell, baseline: int, spots: list[_Spot], smallest: int, rng: Random
) -> str:
    """The scan that shows it: growth, or a new lesion."""
    row = _row(spell.until, spell, baseline) | {"response_stated": _PD}
    at = made.note("response", row)
    total = sum(spot.size for spot in spots)
    new = rng.random() < 0.4
    if new:
        row |= {"new_lesion": "yes", "new_lesion_seen_on": "CT_MULTIPHASE"}
    if spots:
        wanted = smallest * 1.05 if new else max(smallest * 1.27, smallest + 8 + len(spots))
        _measure(made, at, spots, wanted / total)
    return _PD


def _say_best(made: Case, spell: Spell, found: list[str], rng: Random) -> None:
    row = made.of("therapy")[spell.place]
    if spell.stop is not None and spell.kind != "surveillance" and rng.random() < 0.85:
        row["best_response"] = min(found, key=_ORDER.index)
