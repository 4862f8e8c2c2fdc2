"""Triage priority and its deadlines, from grade, syndrome and red flags, each reason listed.

All targets are choices of this project and may be configured per network
(`data/urgency_targets.csv`; working days but for the advice, which is in calendar days).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from registry.clinical import tables
from registry.clinical.grading import GradeResult, label, thresholds
from registry.clinical.ki67 import EXACTLY, parse_ki67
from registry.clinical.results import COMPLETE, N_, PROVISIONAL, Derived, Reason

RULE, VERSION, SOURCE = "URGENCY", "1", "project"

URGENT, SOON, ROUTINE = "urgent", "soon", "routine"
RANK = {URGENT: 1, SOON: 2, ROUTINE: 3}

FIRST_LOOK, DECISION, ADVICE = "first_look", "decision", "advice"
_COLUMN = {
    FIRST_LOOK: "first_look_working_days",
    DECISION: "decision_working_days",
    ADVICE: "advice_calendar_days",
}

NO_SYNDROME = ("", "none", "no", "non_functioning", "unknown")


@dataclass(frozen=True, slots=True)
class Urgency(Derived):
    """`answer` is urgent, soon or routine; `rank` 1, 2 or 3 orders the worklist.

    `stated` is what the referrer said; `rank` is that of the higher of stated and derived.
    """

    rank: int = 3
    stated: str = ""


def derive_urgency(
    *,
    grade: GradeResult | None,
    syndrome: str = "",
    red_flags: Sequence[str] = (),
    stated: str = "",
    syndrome_controlled: bool = False,
) -> Urgency:
    """The priority of a referral.

    `syndrome` is a code of the list functioning_syndrome; one that is not said to be controlled
    asks for *soon*. `red_flags` are codes of `data/urgency_red_flags.csv`. `stated` never lowers
    the answer; when it is higher it decides the order. Raises ValueError for an unknown code.
    """
    if stated and stated not in RANK:
        raise ValueError(N_("urgency: unknown code %(value)s") % {"value": stated})
    found = [
        *_from_grade(grade),
        *_from_red_flags(red_flags),
        *_from_syndrome(syndrome, syndrome_controlled),
    ]
    answer = min((urgency for urgency, _ in found), key=RANK.__getitem__, default=ROUTINE)
    reasons = [reason for _, reason in sorted(found, key=lambda one: RANK[one[0]])]
    if not reasons:
        reasons.append(Reason(N_("Nothing known asks for haste: routine clock.")))
    rank = RANK[answer]
    if stated and stated != answer:
        reasons.append(_difference(stated, answer))
        rank = min(rank, RANK[stated])
    open_grade = grade is None or grade.status != COMPLETE
    return Urgency(
        answer=answer,
        status=PROVISIONAL if open_grade and answer != URGENT else COMPLETE,
        reasons=tuple(reasons),
        flags=tuple(sorted(set(red_flags))),
        inputs={
            "category": grade.category if grade else "",
            "syndrome": syndrome,
            "red_flags": ";".join(red_flags),
            "urgency_stated": stated,
        },
        rule=RULE,
        version=VERSION,
        source=SOURCE,
        confidence=grade.confidence if grade else "high",
        rank=rank,
        stated=stated,
    )


Found = tuple[str, Reason]


def _from_grade(grade: GradeResult | None) -> list[Found]:
    if grade is None:
        return []
    row = tables.by_key("urgency_by_category", "category").get(grade.category)
    if row is not None:
        return [(row["urgency"], Reason(row["reason"]))]
    if grade.category == "CARCINOID_VS_NEC_UNRESOLVED" and _high_ki67(grade):
        template = N_("Differentiation is not known and Ki-67 is high: carcinoma is possible.")
        return [(URGENT, Reason(template))]
    template = N_("%(category)s: ask for what is missing, the clock is routine.")
    if grade.status in ("incomplete", "invalid_input"):
        return [(ROUTINE, Reason(template, {"category": label(grade.category)}))]
    return [(ROUTINE, Reason(N_("%(category)s."), {"category": label(grade.category)}))]


def _high_ki67(grade: GradeResult) -> bool:
    stated = grade.inputs.get("ki67_percent", "")
    limit: Decimal = thresholds().lung_ki67_elevated_above
    return bool(stated) and parse_ki67(stated).deciding() > (limit, EXACTLY)


def _from_red_flags(red_flags: Sequence[str]) -> list[Found]:
    table = tables.by_key("urgency_red_flags", "code")
    found = []
    for code in red_flags:
        if code not in table:
            raise ValueError(N_("red_flags: unknown code %(value)s") % {"value": code})
        template = N_("Red flag: %(flag)s; nothing stops the clock.")
        found.append((table[code]["urgency"], Reason(template, {"flag": table[code]["label"]})))
    return found


def _from_syndrome(syndrome: str, controlled: bool) -> list[Found]:
    if syndrome in NO_SYNDROME:
        return []
    table = tables.by_key("codes/functioning_syndrome", "code")
    if syndrome not in table:
        raise ValueError(N_("syndrome: unknown code %(value)s") % {"value": syndrome})
    name = {"syndrome": table[syndrome]["label"]}
    if controlled:
        return [(ROUTINE, Reason(N_("%(syndrome)s, said to be controlled."), name))]
    return [(SOON, Reason(N_("%(syndrome)s, not said to be controlled."), name))]


def _difference(stated: str, answer: str) -> Reason:
    values = {"stated": stated, "derived": answer}
    if RANK[stated] < RANK[answer]:
        return Reason(
            N_("Stated %(stated)s, derived %(derived)s: the stated one decides the order."), values
        )
    return Reason(
        N_("Stated %(stated)s, derived %(derived)s: the derived one decides the order."), values
    )


Targets = Mapping[str, Mapping[str, int]]


def targets(rows: Sequence[Mapping[str, str]] | None = None) -> Targets:
    """The targets of a table, else of the product's: urgency to step to days."""
    return {
        row["urgency"]: {step: int(row[column]) for step, column in _COLUMN.items()}
        for row in (tables.rows("urgency_targets") if rows is None else rows)
    }


def target(urgency: str, step: str, configured: Targets | None = None) -> int:
    """Days allowed for a step: working days for first look and decision, calendar for advice.

    `configured` replaces the table. Raises KeyError for an unknown urgency or step.
    """
    return (configured or targets())[urgency][step]


def deadline(submitted: date, urgency: str, step: str, configured: Targets | None = None) -> date:
    """The last day on which a step of a referral sent on `submitted` is in time.

    Working days are Monday to Friday and start to count on the day after `submitted`.
    """
    days = target(urgency, step, configured)
    if step == ADVICE:
        return submitted + timedelta(days=days)
    return add_working_days(submitted, days)


def add_working_days(start: date, days: int) -> date:
    """The day that is `days` working days (Monday to Friday) after `start`."""
    day = start
    while days > 0:
        day += timedelta(days=1)
        if day.weekday() < 5:
            days -= 1
    return day
