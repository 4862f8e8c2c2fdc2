"""Lesions followed over assessments: sums, nadir and RECIST 1.1 result as they are typed (S80).

Lesions are entered once, at the baseline, and measured at every assessment. Nothing is carried
forward in silence: `proposed` offers the last size for confirmation, and what nobody confirmed
counts as not measured. Too small to measure is 5 mm, gone is 0 mm (general knowledge).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext

from registry.clinical.edit_checks.across.imaging import SSTR
from registry.clinical.numbers import number, plain
from registry.clinical.partial_dates import DAY, assumed, precision
from registry.clinical.response import (
    CR,
    LARGEST_MM,
    LESION_BASELINE_FROM_MM,
    MOST_TARGETS,
    MOST_TARGETS_PER_ORGAN,
    NE,
    NEW_LESIONS,
    NODE,
    NODE_BASELINE_FROM_MM,
    NON_TARGETS,
    NONCR,
    NONE,
    NOT_NODE,
    PD,
    VISIT_RESPONSES,
    Response,
    best_response,
    derive_response,
    growth_rate,
)
from registry.clinical.results import N_, Derived, Reason

RULE, VERSION = "LESIONS", "2"  # 2: a new lesion on SSTR imaging alone is uncertain

TOO_SMALL_MM = Decimal(5)

TARGET, NON_TARGET, NEW = "target", "non_target", "new"
MEASURED, TOO_SMALL, GONE, PRESENT, WORSE, NOT_EVALUABLE = (
    "measured", "too_small", "disappeared", "present", "worse", "not_evaluable",
)  # fmt: skip
THERE = (MEASURED, TOO_SMALL, PRESENT, WORSE)

NODES = "nodes"
SHOWN_DIGITS = 12

Values = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Size:
    """One lesion at one assessment; `size_mm` is None where it was not measured."""

    lesion: str
    state: str
    size_mm: Decimal | None
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Assessment:
    """One assessment of a series: the targets, their sum, the changes in per cent, the response.

    `from_baseline` and `from_nadir` are in per cent, None where a sum is missing or 0 to begin
    with. `growth` is the tumour growth rate a month since the baseline, None unless both dates are
    known to the day. `problems` are what to look at: limits, doubles, a stated answer that the
    lesions do not bear out.
    """

    id: str
    date: str
    targets: tuple[Size, ...]
    response: Response
    non_target: str
    new_lesion: str
    from_baseline: Decimal | None
    from_nadir: Decimal | None
    growth: float | None
    problems: tuple[Reason, ...]

    @property
    def is_complete(self) -> bool:
        """Whether every target has a size."""
        return all(size.size_mm is not None for size in self.targets)


def assess(
    lesions: Sequence[Values], assessments: Sequence[Values], measurements: Sequence[Values]
) -> tuple[Assessment, ...]:
    """Every assessment of one series, the baseline first, then in order of date.

    Lesions: id, organ, is_node, role, treated_before. Assessments: id, date, timepoint,
    non_target, new_lesion, new_lesion_seen_on. Measurements: lesion_id, response_id, size_mm,
    state. All as text. Without an assessment nothing is answered. Raises ValueError for text that
    is no date or number.
    """
    ordered = sorted(assessments, key=_order)
    targets = [lesion for lesion in lesions if _is(lesion, TARGET)]
    sizes = [
        tuple(_size(lesion, visit, measurements) for lesion in targets) for visit in ordered
    ]  # fmt: skip
    return tuple(
        _assessment(place, ordered, targets, sizes, lesions, measurements)
        for place in range(len(ordered))
    )


def proposed(
    lesions: Sequence[Values], assessments: Sequence[Values], measurements: Sequence[Values]
) -> Mapping[str, Size]:
    """The last size of every lesion, to be confirmed or changed at the next assessment.

    A proposal counts nowhere until somebody confirms it. Its reason says from when it is.
    """
    offered: dict[str, Size] = {}
    for visit in sorted(assessments, key=_order):
        for lesion in lesions:
            known = _size(lesion, visit, measurements)
            if known.state and known.state != NOT_EVALUABLE:
                template = N_("As on %(date)s: confirm or change.")
                reason = Reason(template, {"date": visit.get("date") or "?"})
                offered[lesion["id"]] = Size(known.lesion, known.state, known.size_mm, reason)
    return offered


def limits(lesions: Sequence[Values], baseline: Sequence[Size]) -> tuple[Reason, ...]:
    """What is wrong with the choice of targets at the baseline, all of it at once."""
    targets = [lesion for lesion in lesions if _is(lesion, TARGET)]
    found = []
    if len(targets) > MOST_TARGETS:
        found.append(Reason(N_("More than %(most)s targets."), {"most": str(MOST_TARGETS)}))
    for organ, count in Counter(map(_organ, targets)).items():
        if organ and count > MOST_TARGETS_PER_ORGAN:
            template = N_("More than %(most)s targets in one organ: %(organ)s.")
            values = {"most": str(MOST_TARGETS_PER_ORGAN), "organ": organ.replace("_", " ")}
            found.append(Reason(template, values))
    by_id = {lesion["id"]: lesion for lesion in targets}
    for size in baseline:
        lesion = by_id.get(size.lesion)
        if lesion is not None:
            found += _baseline_problems(lesion, size)
    return tuple(found)


def best_of(
    assessments: Sequence[Assessment], *, confirmation_required: bool = False
) -> Derived | None:
    """The best response of a series, None where there is no baseline with a date.

    Assessments without date or without a response do not count.
    """
    if not assessments or not assessments[0].date:
        return None
    first = assumed(assessments[0].date)
    visits = [
        (Decimal((assumed(one.date) - first).days) / 7, one.response.answer)
        for one in assessments[1:]
        if one.date and one.response.answer in VISIT_RESPONSES
    ]
    return best_response(
        [visit for visit in visits if visit[0] >= 0], confirmation_required=confirmation_required
    )


# --- one assessment


def _order(visit: Values) -> tuple[bool, bool, object, str]:
    """The baseline first; then by date, undated ones last."""
    day = visit.get("date") or ""
    later = visit.get("timepoint") != "baseline"
    return later, not day, assumed(day) if day else 0, visit.get("id") or ""


def _is(lesion: Values, role: str) -> bool:
    return (lesion.get("role") or "") == role


def _organ(lesion: Values) -> str:
    return NODES if _kind(lesion) == NODE else lesion.get("organ") or ""


def _kind(lesion: Values) -> str:
    is_node = lesion.get("is_node") == "yes" or lesion.get("organ") == NODES
    return NODE if is_node else NOT_NODE


def _entered(lesion: Values, visit: Values, measurements: Sequence[Values]) -> list[Values]:
    return [
        m
        for m in measurements
        if m.get("lesion_id") == lesion["id"] and m.get("response_id") == visit["id"]
    ]


def _size(lesion: Values, visit: Values, measurements: Sequence[Values]) -> Size:
    """The size of a lesion as entered at an assessment; of two entries the last."""
    found = _entered(lesion, visit, measurements)
    if not found:
        return Size(lesion["id"], "", None, Reason(N_("Not entered at this assessment.")))
    text, state = found[-1].get("size_mm") or "", found[-1].get("state") or ""
    size = number(text) if text.strip() else None
    if state == GONE:
        return Size(lesion["id"], state, Decimal(0), Reason(N_("Gone: counts as 0 mm.")))
    if state == TOO_SMALL and size is None:
        template = N_("Too small to measure: counts as %(size)s mm.")
        reason = Reason(template, {"size": plain(TOO_SMALL_MM)})
        return Size(lesion["id"], state, TOO_SMALL_MM, reason)
    if state == NOT_EVALUABLE:
        return Size(lesion["id"], state, None, Reason(N_("Could not be evaluated.")))
    return Size(lesion["id"], state or (MEASURED if size is not None else ""), size)


def _assessment(
    place: int,
    visits: Sequence[Values],
    targets: Sequence[Values],
    sizes: Sequence[tuple[Size, ...]],
    lesions: Sequence[Values],
    measurements: Sequence[Values],
) -> Assessment:
    visit, own = visits[place], sizes[place]
    non_target, new_lesion, problems = _others(visit, lesions, measurements)
    response = derive_response(
        target_kinds="".join(map(_kind, targets)),
        series=[[size.size_mm for size in row] for row in sizes[: place + 1]],
        non_target=non_target,
        new_lesion=new_lesion,
        organs=[organ for organ in map(_organ, targets) if organ],
    )
    doubles = [
        Reason(N_("A lesion was measured twice at one assessment: the last counts."))
        for lesion in lesions
        if len(_entered(lesion, visit, measurements)) > 1
    ]
    chosen = limits(lesions, own) if place == 0 else ()
    current = response.current_sum
    return Assessment(
        id=visit["id"],
        date=visit.get("date") or "",
        targets=own,
        response=response,
        non_target=non_target,
        new_lesion=new_lesion,
        from_baseline=_change(response.baseline_sum, current) if place else None,
        from_nadir=_change(response.nadir_sum, current) if place else None,
        growth=_growth(visits[0], visit, response) if place else None,
        problems=(*chosen, *doubles, *problems),
    )


def _others(
    visit: Values, lesions: Sequence[Values], measurements: Sequence[Values]
) -> tuple[str, str, list[Reason]]:
    """Non-target response and new lesion: as stated, else as the lesions have it. A new lesion
    seen on SSTR imaging alone is uncertain until CT or MRI shows it."""
    problems = []
    seen = _non_target(visit, lesions, measurements)
    stated = visit.get("non_target") or ""
    if stated in NON_TARGETS and seen not in (NONE, "") and stated != seen:
        template = N_("Non-target lesions are stated as %(stated)s, one by one they are %(seen)s.")
        problems.append(Reason(template, {"stated": stated, "seen": seen}))
    new = any(
        m.get("state") in THERE
        for lesion in lesions
        if _is(lesion, NEW)
        for m in _entered(lesion, visit, measurements)
    )
    answer = visit.get("new_lesion") or ""
    if new and answer == "no":
        problems.append(Reason(N_("A new lesion is entered, but none is stated.")))
    found = answer if answer in NEW_LESIONS else ("yes" if new else "no")
    if found == "yes" and visit.get("new_lesion_seen_on") in SSTR:
        found = "equivocal"
    return stated if stated in NON_TARGETS else seen or NONE, found, problems


def _non_target(
    visit: Values, lesions: Sequence[Values], measurements: Sequence[Values]
) -> str:  # fmt: skip
    """NONE without non-targets; "" where none of them was entered at the assessment."""
    own = [lesion for lesion in lesions if _is(lesion, NON_TARGET)]
    if not own:
        return NONE
    entered = [_entered(lesion, visit, measurements) for lesion in own]
    states = [found[-1].get("state") or "" if found else "" for found in entered]
    if not any(states):
        return NE if visit.get("timepoint") != "baseline" else NONCR
    if WORSE in states:
        return PD
    if any(state in ("", NOT_EVALUABLE) for state in states):
        return NE
    return CR if all(state == GONE for state in states) else NONCR


def _baseline_problems(lesion: Values, size: Size) -> list[Reason]:
    found = []
    name = {"lesion": lesion.get("label") or lesion["id"]}
    least = NODE_BASELINE_FROM_MM if _kind(lesion) == NODE else LESION_BASELINE_FROM_MM
    if size.size_mm is None:
        found.append(Reason(N_("%(lesion)s: a target needs a size at the baseline."), name))
    elif size.size_mm < least or size.size_mm > LARGEST_MM:
        template = N_("%(lesion)s: %(size)s mm; a target has %(least)s mm or more.")
        if size.size_mm > LARGEST_MM:
            template = N_("%(lesion)s: a size of %(size)s mm is not possible.")
        values = {**name, "size": plain(size.size_mm), "least": plain(least)}
        found.append(Reason(template, values))
    if lesion.get("treated_before") == "yes":
        template = N_("%(lesion)s: in a treated area a target only when it has grown since.")
        found.append(Reason(template, name))
    return found


def _change(before: Decimal | None, now: Decimal | None) -> Decimal | None:
    if not before or now is None:
        return None
    with localcontext() as context:
        context.prec = SHOWN_DIGITS
        return (now - before) * 100 / before


def _growth(first: Values, visit: Values, response: Response) -> float | None:
    one, other = first.get("date") or "", visit.get("date") or ""
    if response.baseline_sum is None or response.current_sum is None or not one or not other:
        return None
    if precision(one) != DAY or precision(other) != DAY:
        return None
    days = Decimal((assumed(other) - assumed(one)).days)
    return growth_rate(response.baseline_sum, response.current_sum, days)
