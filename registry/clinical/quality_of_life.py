"""EORTC QLQ-C30 v3 and QLQ-GINET21 scores from item numbers; no item text is kept.

Table: `data/qlq_scales.csv` (S81, S83; the GINET21 item map waits for the scoring manual). A scale
is scored when at least half of its items are answered. Scores are 0-100 and never rounded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from registry.clinical import tables
from registry.clinical.numbers import number
from registry.clinical.partial_dates import assumed
from registry.clinical.results import (
    COMPLETE,
    INVALID_INPUT,
    N_,
    NOT_DERIVABLE,
    Derived,
    Reason,
)

RULE, VERSION = "QLQ", "1"
MISSING, INVALID = "MISSING", "INVALID"
SUMMARY = "SUMMARY"
INSTRUMENTS = ("QLQ-C30", "QLQ-GINET21")

SMALL_FROM, MODERATE_FROM, LARGE_ABOVE = 5, 10, 20

# "Does not apply" is an answer some items allow; it is scored as missing.
NO_ANSWER = ("", "na", "n/a", "not_applicable", "not applicable")

Answers = Mapping[int, object]


@cache
def _scales() -> Mapping[tuple[str, str], Mapping[str, str]]:
    return {
        (row["instrument"].removesuffix(" v3"), row["scale"]): row
        for row in tables.rows("qlq_scales")
    }


def scales(instrument: str) -> tuple[str, ...]:
    """The scales of an instrument, the summary score last. Raises ValueError if unknown."""
    if instrument not in INSTRUMENTS:
        raise ValueError(N_("instrument: unknown code %(value)s") % {"value": instrument[:40]})
    own = tuple(scale for name, scale in _scales() if name == instrument)
    return (*own, SUMMARY) if instrument == "QLQ-C30" else own


def item_numbers(instrument: str) -> list[int]:
    """The numbers of an instrument's items, in order, also of those no scale uses."""
    used = {
        int(item)
        for (name, _), row in _scales().items()
        if name == instrument
        for item in row["item_numbers"].split(";")
    }
    return list(range(min(used), max(used) + 1))


def score(instrument: str, scale: str, answers: Answers) -> Derived:
    """The score of one scale: a number as text, MISSING, or INVALID for an impossible answer.

    `answers` has item number to answer; None, blank or *does not apply* is missing. Raises
    ValueError for an unknown instrument or scale.
    """
    if scale not in scales(instrument):
        raise ValueError(N_("scale: unknown code %(value)s") % {"value": scale[:40]})
    if scale == SUMMARY:
        return _summary(answers)
    row = _scales()[(instrument, scale)]
    items = [int(item) for item in row["item_numbers"].split(";")]
    try:
        values = [_answer(answers.get(item), row) for item in items]
    except ValueError as wrong:
        return _derived(row, INVALID, INVALID_INPUT, Reason(N_("%(why)s."), {"why": str(wrong)}))
    given = [value for value in values if value is not None]
    counts = {"given": str(len(given)), "items": str(len(items)), "least": row["min_answered"]}
    if len(given) < int(row["min_answered"]):
        template = N_("%(given)s of %(items)s items answered, %(least)s are needed.")
        return _derived(row, MISSING, NOT_DERIVABLE, Reason(template, counts))
    exact = _exact(given, row)
    template = N_("%(given)s of %(items)s items answered.")
    return _derived(row, repr(float(exact)), COMPLETE, Reason(template, counts))


def _exact(given: list[int], row: Mapping[str, str]) -> Fraction:
    share = (Fraction(sum(given), len(given)) - int(row["item_min"])) / int(row["range"])
    return (1 - share) * 100 if row["kind"] == "functional" else share * 100


def _answer(value: object, row: Mapping[str, str]) -> int | None:
    """An answer within the range of the item, None for missing. Raises ValueError otherwise."""
    if value is None or str(value).strip().lower() in NO_ANSWER:
        return None
    wrong = ValueError(N_("an answer of %(value)s is not possible") % {"value": str(value)[:40]})
    if isinstance(value, bool | list | dict):
        raise wrong
    try:
        exact = number(str(value))
    except ValueError:
        raise wrong from None
    lowest, highest = int(row["item_min"]), int(row["item_max"])
    if exact != exact.to_integral_value() or not lowest <= exact <= highest:
        raise wrong
    return int(exact)


def _derived(row: Mapping[str, str], answer: str, status: str, reason: Reason) -> Derived:
    return Derived(
        answer=answer,
        status=status,
        reasons=(reason,),
        flags=(),
        inputs={"scale": row["scale"], "items": row["item_numbers"]},
        rule=RULE,
        version=VERSION,
        source=row["source"],
        confidence="high" if row["status"] == "V" else "medium",
    )


def _summary(answers: Answers) -> Derived:
    """The mean of the 13 scales of the summary score, symptoms reversed; all are needed."""
    used = [
        row
        for (name, _), row in _scales().items()
        if name == "QLQ-C30" and row["in_summary_score"] == "yes"
    ]
    row = {"scale": SUMMARY, "item_numbers": "", "source": "S81", "status": "V"}
    total = Fraction(0)
    for scale in used:
        found = score("QLQ-C30", scale["scale"], answers)
        if found.answer in (INVALID, MISSING):
            template = N_("Scale %(scale)s is needed: %(why)s")
            values = {"scale": scale["scale"], "why": found.reason_text()}
            if found.answer == INVALID or not _any_invalid(used, answers):
                return _derived(row, found.answer, found.status, Reason(template, values))
            continue
        items = [int(item) for item in scale["item_numbers"].split(";")]
        given = [v for v in (_answer(answers.get(item), scale) for item in items) if v is not None]
        exact = _exact(given, scale)
        total += exact if scale["kind"] == "functional" else 100 - exact
    template = N_("Mean of %(count)s scales, symptoms reversed.")
    reason = Reason(template, {"count": str(len(used))})
    return _derived(row, repr(float(total / len(used))), COMPLETE, reason)


def _any_invalid(used: list[Mapping[str, str]], answers: Answers) -> bool:
    return any(score("QLQ-C30", row["scale"], answers).answer == INVALID for row in used)


def size_of_change(instrument: str, scale: str, before: float, after: float) -> tuple[str, str]:
    """How large a change is, and whether it is *better*, *worse* or *same*.

    none below 5 points, small from 5, moderate from 10, large above 20 (general knowledge).
    """
    summary = (instrument, scale) == ("QLQ-C30", SUMMARY)
    higher_is_better = summary or _scales()[instrument, scale]["direction"] == "higher=better"
    change = after - before
    amount = abs(change)
    if amount < SMALL_FROM:
        return "none", "same"
    direction = "better" if (change > 0) == higher_is_better else "worse"
    if amount > LARGE_ABOVE:
        return "large", direction
    return ("moderate" if amount >= MODERATE_FROM else "small"), direction


# --- over time


@dataclass(frozen=True, slots=True)
class ScaleAt:
    """One scale on one date: its score, and the change against the first and the one before.

    `size` is none, small, moderate or large, `direction` better, worse or same; both are "" where
    there is nothing to compare with. `confidence` is that of the limits of change for the scale.
    """

    scale: str
    date: str
    score: float
    since_first: float | None = None
    size_since_first: str = ""
    direction_since_first: str = ""
    since_last: float | None = None
    size: str = ""
    direction: str = ""
    confidence: str = "medium"


def over_time(
    instrument: str, questionnaires: Sequence[tuple[str, Answers]]
) -> Mapping[str, tuple[ScaleAt, ...]]:
    """Every scale of an instrument over dated questionnaires, in order of date.

    `questionnaires` are (date of any precision, answers); undated ones, and scales that cannot be
    scored on a date, are left out: no value is made up for them. The limits of change were found
    for the QLQ-C30 (general knowledge); for the module they are read with low confidence. Raises
    ValueError for an unknown instrument or text that is no date.
    """
    name = instrument.removesuffix(" v3")
    dated = sorted((q for q in questionnaires if q[0]), key=lambda q: assumed(q[0]))
    return {scale: _course(name, scale, dated) for scale in scales(name)}


def _course(
    instrument: str, scale: str, dated: Sequence[tuple[str, Answers]]
) -> tuple[ScaleAt, ...]:
    confidence = "medium" if instrument == "QLQ-C30" else "low"
    points: list[ScaleAt] = []
    for day, answers in dated:
        found = score(instrument, scale, answers)
        if found.answer in (MISSING, INVALID):
            continue
        now = float(found.answer)
        if not points:
            points.append(ScaleAt(scale, day, now, confidence=confidence))
            continue
        first, last = points[0].score, points[-1].score
        points.append(
            ScaleAt(
                scale,
                day,
                now,
                now - first,
                *size_of_change(instrument, scale, first, now),
                now - last,
                *size_of_change(instrument, scale, last, now),
                confidence=confidence,
            )
        )
    return tuple(points)
