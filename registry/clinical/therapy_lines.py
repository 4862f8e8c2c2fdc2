"""Lines of therapy from dated therapies, progressions and stop reasons.

Base: the published rules of an open oncology registry (S91), with choices of this project for
background somatostatin analogues, drugs started together, local therapies and PRRT. Sameness goes
by mechanism (`data/therapies.csv`), not by broad class. Numbering is apart for each intent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cache

from registry.clinical import tables
from registry.clinical.partial_dates import assumed, bounds
from registry.clinical.results import N_, Reason

RULE, VERSION, SOURCE = "THERAPY-LINE", "1", "S91;project"

CURATIVE, PALLIATIVE = "curative", "palliative"
INTENTS = (CURATIVE, PALLIATIVE)
INTOLERANCE = "intolerance"

# Drugs of one regimen may start some days apart (temozolomide on day 10): up to here they are one.
STARTED_TOGETHER_DAYS = 14

LOCAL_CLASSES = frozenset({"surgery", "ablation", "liver-directed", "radiotherapy"})
UNNUMBERED_CLASSES = frozenset({"surveillance", "supportive", "hormonal-symptom control"})
SSA_CLASSES = frozenset({"ssa", "somatostatin analogue"})
PRRT_CLASSES = frozenset({"prrt", "sstr radionuclide"})


@dataclass(frozen=True, slots=True)
class Therapy:
    """One therapy as recorded. `kind` is its mechanism; `stop_reason` *intolerance* matters.

    Dates are ISO text of any precision. `background`: given for symptoms or beside another
    therapy. `adjunctive`: maintenance or adjuvant to the running one.
    """

    start: str
    drugs: tuple[str, ...]
    kind: str
    intent: str = PALLIATIVE
    end: str = ""
    stop_reason: str = ""
    background: bool = False
    adjunctive: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """The line of one therapy: its number (None for none), why, and whether it was overruled.

    `derived` keeps the number of the rules when `number` was overruled.
    """

    therapy: Therapy
    number: int | None
    reason: Reason
    derived: int | None = None
    overruled: bool = False


@dataclass(slots=True)
class _Course:
    """What is known of one intent while its therapies are gone through in order of date."""

    number: int = 0
    previous: Therapy | None = None
    drugs: frozenset[str] = frozenset()
    spent: set[date] = field(default_factory=set)
    starts: list[tuple[date, int]] = field(default_factory=list)
    ends: dict[int, list[str]] = field(default_factory=dict)  # of the therapies of each line


def therapy_lines(therapies: Sequence[Therapy], progressions: Sequence[str]) -> tuple[Line, ...]:
    """The line of every therapy, in order of start date (as given where dates are equal).

    `progressions` are ISO dates of any precision. Background therapies have no number; a local
    therapy is tied to the line in whose time it falls, else it has none. Raises ValueError for an
    unknown intent, a missing start or text that is no date.
    """
    for therapy in therapies:
        if therapy.intent not in INTENTS:
            raise ValueError(N_("intent: unknown code %(value)s") % {"value": therapy.intent[:40]})
        if therapy.end:
            bounds(therapy.end)
    ordered = sorted(therapies, key=lambda therapy: assumed(therapy.start))
    progressed = sorted(assumed(day) for day in progressions)
    courses = {intent: _Course() for intent in INTENTS}
    systemic = {
        place: _systemic_line(therapy, courses[therapy.intent], progressed)
        for place, therapy in enumerate(ordered)
        if _is_systemic(therapy)
    }
    return tuple(
        systemic[place] if place in systemic else _other_line(therapy, courses[therapy.intent])
        for place, therapy in enumerate(ordered)
    )


def overrule(line: Line, number: int | None, why: str) -> Line:
    """The line with another number and the reason somebody gave; the derived one stays beside it.

    Raises ValueError without a reason or for a number below 1.
    """
    if not why.strip():
        raise ValueError(N_("overruling a line needs a reason"))
    if number is not None and number < 1:
        raise ValueError(N_("lines are counted from 1"))
    reason = Reason(N_("Overruled: %(why)s"), {"why": why.strip()})
    kept = line.derived if line.overruled else line.number
    return replace(line, number=number, reason=reason, derived=kept, overruled=True)


def mechanism(therapy_id: str) -> str:
    """The mechanism of a therapy of the catalogue, or its class where it has none."""
    row = tables.by_key("therapies", "therapy_id")[therapy_id]
    return row["mechanism"] or row["class"]


@cache
def ssa_drugs() -> frozenset[str]:
    """The names of somatostatin analogues in the catalogue."""
    return frozenset(
        name
        for row in tables.rows("therapies")
        if row["class"] == "SSA"
        for name in _names((row["components"], row["name"]))
    ) | {"octreotide", "lanreotide", "pasireotide"}


def _names(drugs: Sequence[str]) -> frozenset[str]:
    return frozenset(drug.strip().lower() for drug in drugs if drug.strip())


def _kind(therapy: Therapy) -> str:
    return therapy.kind.strip().lower()


def _is_systemic(therapy: Therapy) -> bool:
    return not therapy.background and _kind(therapy) not in LOCAL_CLASSES | UNNUMBERED_CLASSES


def _other_line(therapy: Therapy, course: _Course) -> Line:
    """Background and local therapies, which open no line."""
    if therapy.background:
        return Line(therapy, None, Reason(N_("Background therapy: no line.")))
    if _kind(therapy) in UNNUMBERED_CLASSES:
        return Line(therapy, None, Reason(N_("No anti-tumour therapy: no line.")))
    when = assumed(therapy.start)
    begun = [number for start, number in course.starts if start <= when]
    if not begun or _after_the_end(when, course, begun[-1]):
        return Line(therapy, None, Reason(N_("Local therapy outside of any line.")))
    template = N_("Local therapy during line %(number)s.")
    return Line(therapy, begun[-1], Reason(template, {"number": str(begun[-1])}))


def _after_the_end(when: date, course: _Course, number: int) -> bool:
    """Whether every therapy of the line had certainly ended by then."""
    ends = course.ends[number]
    return all(ends) and max(bounds(end)[1] for end in ends) < when


def _systemic_line(therapy: Therapy, course: _Course, progressed: Sequence[date]) -> Line:
    drugs = _names(therapy.drugs)
    opens, reason = _opens(therapy, drugs, course, progressed)
    start = assumed(therapy.start)
    together = course.previous is not None and not opens and _started_together(therapy, course)
    if opens:
        course.number += 1
        course.spent = {day for day in progressed if day <= start}
    if opens or not course.starts:
        course.starts.append((start, course.number))
    course.ends.setdefault(course.number, []).append(therapy.end)
    course.drugs = course.drugs | drugs if together else drugs
    course.previous = therapy
    return Line(therapy, course.number, reason)


def _opens(
    therapy: Therapy, drugs: frozenset[str], course: _Course, progressed: Sequence[date]
) -> tuple[bool, Reason]:
    """Whether the therapy opens a line, by the first rule that applies."""
    previous = course.previous
    if previous is None:
        return True, Reason(N_("First therapy of this intent: line 1."))
    if therapy.adjunctive:
        return False, Reason(N_("Maintenance or adjuvant to the running therapy: same line."))
    first, last = assumed(previous.start), assumed(therapy.start)
    between = [day for day in progressed if first <= day <= last and day not in course.spent]
    if between:
        template = N_("Progression on %(date)s since the previous therapy began: new line.")
        return True, Reason(template, {"date": str(between[0])})
    if previous.stop_reason == INTOLERANCE:
        if _kind(previous) == _kind(therapy):
            return False, Reason(N_("Changed for side effects within one mechanism: same line."))
        return True, Reason(N_("Changed for side effects to another mechanism: new line."))
    if _started_together(therapy, course):
        return False, Reason(N_("Started together with the previous therapy: same line."))
    return _by_drugs(therapy, drugs, course)


def _by_drugs(therapy: Therapy, drugs: frozenset[str], course: _Course) -> tuple[bool, Reason]:
    previous = course.previous
    analogues = drugs & ssa_drugs()
    compared = drugs - analogues if drugs != analogues else drugs
    beside_prrt = previous is not None and _kind(previous) in PRRT_CLASSES
    if beside_prrt and _kind(therapy) in SSA_CLASSES and not _certainly_over(course, therapy):
        return False, Reason(N_("Somatostatin analogue beside PRRT: same line."))
    new = compared - course.drugs
    if new:
        template = N_("New drug %(drugs)s: new line.")
        return True, Reason(template, {"drugs": ", ".join(sorted(new))})
    return False, Reason(N_("No new drug and no progression: same line."))


def _certainly_over(course: _Course, therapy: Therapy) -> bool:
    previous = course.previous
    return bool(
        previous is not None and previous.end and bounds(previous.end)[1] < bounds(therapy.start)[0]
    )


def _started_together(therapy: Therapy, course: _Course) -> bool:
    """Same day; or the same mechanism within some days of a therapy that had not been stopped."""
    previous = course.previous
    if previous is None:
        return False
    apart = assumed(therapy.start) - assumed(previous.start)
    if apart == timedelta(0):
        return True
    return (
        apart <= timedelta(days=STARTED_TOGETHER_DAYS)
        and _kind(previous) == _kind(therapy)
        and not previous.stop_reason
        and not _certainly_over(course, therapy)
    )
