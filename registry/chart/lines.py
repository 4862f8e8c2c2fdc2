"""Lines of therapy as the chart tells them: the derived number with its reason, what overruled it,
the best response of each line, and the time to progression and to the next treatment.

Nothing here is kept: it follows from the entries each time. Rules: `clinical.therapy_lines`,
`clinical.response.best_response`, `clinical.endpoints`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from flask_babel import ngettext

from registry.chart.words import Words, number, period
from registry.clinical import line_outcomes, prrt, therapy_lines
from registry.clinical.line_outcomes import Assessed
from registry.clinical.results import Reason
from registry.course.queries.findings import progressions
from registry.course.queries.reading import Record
from registry.course.rules.lines import Given
from registry.course.rules.lines import lines as derived_lines
from registry.language import gettext as _

#: Done on a day: without a stop they do not go on.
ON_A_DAY = frozenset({"surgery", "ablation", "liver-directed"})


def goes_on(therapy: Any) -> bool:
    """Was it begun, and nothing says that it ended?"""
    return (
        therapy.start is not None
        and therapy.stop is None
        and "stop" not in therapy.absent
        and not therapy.stop_reason
        and therapy.therapy_class not in ON_A_DAY
    )


@dataclass(frozen=True)
class Placed:
    """A therapy and its line. `number` None: it counts as no line, and `reason` says why."""

    therapy: Any
    number: int | None
    derived: int | None
    overruled: bool
    background: bool
    reasons: tuple[Reason, ...]


def placed(record: Record) -> dict[str, Placed]:
    """The line of every therapy with a start, by the therapy's id; primaries are counted apart."""
    given = [Given(one.id, one.tumour_id or "", one.__dict__) for one in record.therapies]
    found = derived_lines(given, progressions(record))
    return {
        one.id: Placed(
            one,
            found[one.id].number,
            found[one.id].derived,
            found[one.id].overruled,
            one.setting == "background",
            found[one.id].reasons,
        )
        for one in record.therapies
        if one.start is not None
    }


# -- one row a line ------------------------------------------------------------------------------


@dataclass(frozen=True)
class LineRow:
    """One line of therapy: what, when, what came of it."""

    key: str  # "2", or "" for what is no line
    tag: str  # "Line 2"
    names: str
    period: str
    start: str  # ISO of the first day, for the zoom
    stop: str
    given: str  # cycles and activity
    best: str
    best_code: str
    pfs: str
    pfs_why: str
    ttnt: str
    ttnt_why: str
    ended: str
    why: tuple[str, ...]
    overruled: bool


@dataclass
class _Line:
    number: int | None
    intent: str
    tumour_id: Any
    members: list[Placed] = field(default_factory=list)

    @property
    def first(self) -> Any:
        return min((one.therapy for one in self.members), key=lambda row: row.start)


def table(record: Record, lines: dict[str, Placed], words: Words, today: date) -> list[LineRow]:
    """The systemic lines in their order, then what counts as none, apart."""
    counted, apart = _grouped(lines.values())
    seen = _Seen.of(record)
    several = len({line.tumour_id for line in counted}) > 1
    rows = []
    for line in counted:
        after = [
            other
            for other in counted
            if (other.tumour_id, other.intent) == (line.tumour_id, line.intent)
            and (other.number or 0) > (line.number or 0)
        ]
        rows.append(_row(record, seen, line, after, words, today, several=several))
    return rows + [_row(record, seen, line, [], words, today, several=several) for line in apart]


def _grouped(placed_: Iterable[Placed]) -> tuple[list[_Line], list[_Line]]:
    counted: dict[Any, _Line] = {}
    apart = []
    for one in placed_:
        intent = one.therapy.intent or therapy_lines.PALLIATIVE
        tumour = one.therapy.tumour_id
        local = one.therapy.therapy_class in therapy_lines.LOCAL_CLASSES and not one.overruled
        if one.number is None or local:
            apart.append(_Line(None, intent, tumour, [one]))
            continue
        line = counted.setdefault(
            (tumour, intent, one.number), _Line(one.number, intent, tumour, [])
        )
        line.members.append(one)
    return sorted(counted.values(), key=lambda line: line.first.start), apart


def _row(
    record: Record,
    seen: _Seen,
    line: _Line,
    after: Sequence[_Line],
    words: Words,
    today: date,
    *,
    several: bool,
) -> LineRow:
    members = [one.therapy for one in line.members]
    first = line.first
    stops = [one.stop for one in members if one.stop]
    on = any(goes_on(one) for one in members) and not record.has_died
    last = max(stops) if stops and not on else None
    following = min((other.first.start for other in after), default=None)
    best, code, best_why = _best(seen, line, words)
    pfs, pfs_why = _time(seen, "PFS", line, following, words, today)
    ttnt, ttnt_why = _time(seen, "TTNT", line, following, words, today)
    return LineRow(
        key=str(line.number or ""),
        tag=_tag(record, line, words, several=several),
        names=" + ".join(dict.fromkeys(words.therapy(one) for one in members)),
        period=period(words, first.start, last, on),
        start=first.start.iso,
        stop="" if on else (last or first.start).iso,
        given=_given(record, seen, members),
        best=best,
        best_code=code,
        pfs=pfs,
        pfs_why=pfs_why,
        ttnt=ttnt,
        ttnt_why=ttnt_why,
        ended=", ".join(
            dict.fromkeys(words.code("stop_reason", one.stop_reason) for one in members
                          if one.stop_reason)
        ),
        why=(*_whys(line, words), *best_why),
        overruled=any(one.overruled for one in line.members),
    )  # fmt: skip


def _tag(record: Record, line: _Line, words: Words, *, several: bool) -> str:
    if line.number is None:
        one = line.members[0]
        if one.background:
            return str(_("Background"))
        if one.therapy.therapy_class in therapy_lines.LOCAL_CLASSES:
            return str(_("Local"))
        return str(_("No line"))
    text = str(_("Line %(number)s", number=line.number))
    if line.intent == therapy_lines.CURATIVE:
        text = str(_("Curative line %(number)s", number=line.number))
    if several:
        found = next((one for one in record.tumours if one.id == line.tumour_id), None)
        text = f"{text}, {words.tumour(found)}" if found else text
    return text


def _whys(line: _Line, words: Words) -> list[str]:
    found = []
    for one in line.members:
        text = f"{words.therapy(one.therapy)}: {' '.join(map(words.reason, one.reasons))}"
        if one.overruled:
            derived = (
                _("Derived: line %(number)s.", number=one.derived)
                if one.derived
                else _("Derived: no line.")
            )
            text = f"{text} {derived}"
        found.append(text)
    rule = _("Rule %(rule)s, version %(version)s", rule=therapy_lines.RULE,
             version=therapy_lines.VERSION)  # fmt: skip
    return [*found, str(rule)]


def cycles_of(record: Record) -> dict[str, list[Any]]:
    """The cycles of each therapy, in order of their dates."""
    found: dict[str, list[Any]] = {}
    for one in record.of("cycle"):
        if one.therapy_id:
            found.setdefault(one.therapy_id, []).append(one)
    return found


def _given(record: Record, seen: _Seen, members: Sequence[Any]) -> str:
    """Cycles, activity and doses; after a re-treatment also the activity of all courses so far."""
    count, activity = 0, Decimal(0)
    for one in members:
        cycles = seen.cycles.get(one.id, [])
        count += max(len(cycles), int(one.cycles or 0))
        activity += sum((c.activity_gbq for c in cycles if c.activity_gbq), Decimal(0))
    texts = [str(ngettext("%(num)s cycle", "%(num)s cycles", count))] if count else []
    if activity:
        texts.append(with_earlier(activity, members[0], record.therapies, record.of("cycle")))
    doses = [
        f"{number(one.dose_value)} {one.dose_unit or ''}".strip()
        for one in members
        if one.dose_value and not seen.cycles.get(one.id)
    ]
    return ", ".join(texts + doses)


def with_earlier(
    activity: Decimal, therapy: Any, therapies: Iterable[Any], cycles: Iterable[Any]
) -> str:
    """GBq of a course, and of all courses so far where there were earlier ones."""
    earlier = prrt.activity_before(therapy, therapies, cycles)
    said = f"{number(activity)} GBq"
    if not earlier:
        return said
    return str(_("%(given)s, %(total)s GBq in all", given=said, total=number(activity + earlier)))


@dataclass(frozen=True)
class _Seen:
    """What every line is measured by, read once, and the cycles of each therapy."""

    facts: line_outcomes.Seen
    cycles: dict[str, list[Any]]

    @classmethod
    def of(cls, record: Record) -> _Seen:
        """Of a record."""
        died = record.death_date
        contacts = [one.date for one in record.of("follow_up") if one.date]
        alive = [day for day in contacts if died is None or not died.certainly_before(day)]
        contact = max(alive, default=None)  # the news of a death is no contact
        facts = line_outcomes.Seen(
            [
                (one.date.iso, one.tumour_id or "")
                for one in record.of("progression")
                if one.date and one.basis != "biochemical"
            ],
            [
                Assessed(one.date.iso, one.therapy_id, best_of(one), one.timepoint == "baseline")
                for one in record.of("response")
                if one.date and one.therapy_id
            ],
            contact.iso if contact else "",
            record.death_date.iso if record.death_date else "",
        )
        return cls(facts, cycles_of(record))


def best_of(row: Any) -> str:
    """What an assessment answers: as stated, else as derived from the lesions."""
    return row.response_stated or row.derived_response or ""


def _best(seen: _Seen, line: _Line, words: Words) -> tuple[str, str, list[str]]:
    """The best response of a line: from its dated assessments, else as stated at the therapy."""
    members = [one.therapy for one in line.members]
    stated = [one.best_response for one in members]
    ids = [one.id for one in members]
    best, found = line_outcomes.best_response(line.first.start.iso, ids, seen.facts, stated)
    if found is not None:
        return words.code("response", best), best, [words.reason(one) for one in found.reasons]
    if not best:
        return "", "", []
    return str(_("%(answer)s (as stated)", answer=words.code("response", best))), best, []


def _time(
    seen: _Seen, endpoint: str, line: _Line, following: Any, words: Words, today: date
) -> tuple[str, str]:
    """Months of a line's endpoint, and how they were counted; empty where it has none."""
    if line.number is None or line.intent != therapy_lines.PALLIATIVE:
        return "", ""
    found = line_outcomes.time_of(
        endpoint,
        line.first.start.iso,
        line.tumour_id or "",
        [one.therapy.id for one in line.members],
        seen.facts,
        following=following.iso if following else "",
        today=today,
    )
    why = " ".join(words.reason(one) for one in found.reasons)
    if found.months is None or not (found.event or found.months):
        return "", why  # nobody looked since it began: that is no time without an event
    text = _("%(months)s months", months=f"{found.months:.1f}")
    return (str(text) if found.event else str(_("%(time)s, goes on", time=text))), why
