"""Scores of a quality-of-life questionnaire, derived from its answers by item number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from registry.clinical import quality_of_life
from registry.clinical.results import COMPLETE, Derived


def derive_questionnaire(values: Mapping[str, Any]) -> dict[str, Any]:
    """The derived columns: `scores` (scale to number), version, and the reasons by scale.

    `values` are the columns as stated; without a known instrument nothing is derived.
    """
    instrument = values.get("instrument") or ""
    if instrument not in quality_of_life.INSTRUMENTS:
        return {"scores": None, "derived_version": None, "derivation": None}
    answers = answers_of(values)
    found = {
        scale: quality_of_life.score(instrument, scale, answers)
        for scale in quality_of_life.scales(instrument)
    }
    scores = {scale: float(one.answer) for scale, one in found.items() if one.status == COMPLETE}
    return {
        "scores": scores or None,
        "derived_version": f"{quality_of_life.RULE} {quality_of_life.VERSION}",
        "derivation": {scale: one.as_json() for scale, one in found.items()},
    }


def answers_of(values: Mapping[str, Any]) -> dict[int, Any]:
    """The answers by item number."""
    return {int(item): answer for item, answer in (values.get("answers") or {}).items()}


def not_of(instrument: str, values: Mapping[str, Any]) -> list[int]:
    """The items answered that the instrument does not have."""
    known = quality_of_life.item_numbers(instrument)
    return sorted(item for item in answers_of(values) if item not in known)


def impossible(instrument: str, values: Mapping[str, Any]) -> list[int]:
    """The items whose answer the instrument does not offer."""
    answers = answers_of(values)
    wrong = set()
    for scale in quality_of_life.scales(instrument):
        for item in items_of(instrument, scale):
            if item not in answers:
                continue
            found = quality_of_life.score(instrument, scale, {item: answers[item]})
            if found.answer == quality_of_life.INVALID:
                wrong.add(item)
    return sorted(wrong)


def items_of(instrument: str, scale: str) -> list[int]:
    """The items of a scale; none of the summary score, which is made of scales."""
    if scale == quality_of_life.SUMMARY:
        return []
    inputs = quality_of_life.score(instrument, scale, {}).inputs
    return [int(item) for item in inputs["items"].split(";") if item]


@dataclass(frozen=True)
class ScoreChange:
    """One scale: the score, the one before, and how large the change is and which way."""

    scale: str
    score: float | None
    before: float | None
    size: str
    direction: str
    reasons: tuple[Any, ...]


def changes(
    instrument: str, derived: Mapping[str, Any], before: Mapping[str, float] | None
) -> list[ScoreChange]:
    """Every scale of a questionnaire beside the questionnaire before it."""
    found = []
    scores, earlier = derived.get("scores") or {}, before or {}
    for scale, kept in (derived.get("derivation") or {}).items():
        now, then = scores.get(scale), earlier.get(scale)
        size = direction = ""
        if now is not None and then is not None:
            size, direction = quality_of_life.size_of_change(instrument, scale, then, now)
        reasons = Derived.from_json(kept).reasons
        found.append(ScoreChange(scale, now, then, size, direction, reasons))
    return found
