"""What a record leaves open: contradictions, what a board would miss, what is overdue, gaps.

Each question knows where it is answered: an entry and the variable in it, or the kind of entry
that is to be added. What somebody accepted with a reason stays visible, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

from registry.chart import events
from registry.chart.lines import ON_A_DAY, Placed, goes_on
from registry.chart.standing import current_pathology, latest, newest, report, says_stage
from registry.chart.words import Words, variable
from registry.clinical import agreement, follow_up_record, missing_for_advice, prrt
from registry.clinical.edit_checks import REFUSE
from registry.clinical.follow_up import Due
from registry.course import facts
from registry.course.intervals import in_force
from registry.course.models import BY_NAME
from registry.course.queries.reading import Record
from registry.course.rules import checks
from registry.language import gettext as _
from registry.referrals import case
from registry.referrals.queries import ReferralRow
from registry.referrals.rules import INFORMATION_REQUESTED, SUBMITTED

#: Days without any contact after which that is a question of its own.
SILENT_DAYS = 400

#: Days between two courses of radionuclide therapy after which the second is a re-treatment.
PAUSE_DAYS = 183

IMPOSSIBLE, CONTRADICTION, ACCEPTED = "impossible", "contradiction", "accepted"
OVERDUE, MISSING, GAP = "overdue", "missing", "gap"


@dataclass(frozen=True)
class Question:
    """One open question.

    `entity` and `entry_id` say where it is answered; without an entry one is to be added.
    `accepted` is {"because", "by", "at"} of somebody who saw it and left it so.
    """

    kind: str
    what: str
    text: str
    why: str = ""
    entity: str = ""
    entry_id: str = ""
    variable: str = ""
    accepted: Mapping[str, Any] | None = None


Rows = dict[str, list[dict[str, Any]]]


def contradictions(record: Record, rows: Rows, words: Words, today: date) -> list[Question]:
    """What contradicts itself in the record, the impossible first, the accepted last."""
    by_id = {(row.entity, row.id): row for found in record.entries.values() for row in found}
    found = []
    for one in checks.standing(checks.findings(rows, BY_NAME, today=today), rows):
        finding = one.finding
        row = by_id.get(finding.entries[0]) if finding.entries else None
        kind = CONTRADICTION
        if not one.is_open:
            kind = ACCEPTED
        elif finding.severity == REFUSE:
            kind = IMPOSSIBLE
        found.append(
            Question(
                kind,
                _named(row, words) if row is not None else str(_("Patient")),
                words.reason(finding.reason),
                why=" ".join(words.reason(reason) for reason in finding.because if reason.template),
                entity=row.entity if row is not None else "",
                entry_id=row.id if row is not None else "",
                variable=checks.field_of(finding, row.entity) if row is not None else "",
                accepted=one.accepted,
            )
        )
    order = (IMPOSSIBLE, CONTRADICTION, ACCEPTED)
    return sorted(found, key=lambda one: order.index(one.kind))


def _named(row: Any, words: Words) -> str:
    when = words.when(row)
    what = events.what(row, words)
    return f"{what}, {when}" if when else what


# -- what a board would ask for ------------------------------------------------------------------

#: The entity that answers a group of the level-1 data set.
_GROUPS = {
    "tumour": "tumour",
    "pathology": "pathology",
    "staging": "staging",
    "imaging": "imaging",
    "markers": "biomarker",
    "therapy": "therapy",
    "state": "history",
}
#: What is asked of everybody has no reason of its own.
_ALWAYS = "Asked for in every referral."
_FOLLOWED = {"ecog": "follow_up", "weight_kg": "follow_up", "hereditary_syndrome": "tumour"}


def missing(
    record: Record, referrals: Sequence[ReferralRow], sex: str | None, words: Words
) -> list[Question]:
    """What a board would ask for, given the latest question asked.

    Of the dead it asks nothing. Nor does it before the record opens: what is known stands in the
    referral that waits for a decision, and what is missing is said there.
    """
    told = _telling(record)
    waits = any(one.state in (SUBMITTED, INFORMATION_REQUESTED) for one in referrals)
    if record.has_died or (waits and not any(told.values())):
        return []
    question = next((one.question for one in referrals if one.question), "other")
    asked = {"question": question, "treated": "yes" if record.therapies else ""}
    listed = case.missing(
        asked,
        {entity: [facts_of(row) for row in found] for entity, found in told.items()},
        birth_date=record.patient.birth_date,
        sex_at_birth=sex,
    )
    found = []
    for one in listed:
        if one.level != missing_for_advice.REQUIRED:
            continue
        group, _dot, name = one.variable.partition(".")
        entity = _FOLLOWED.get(name) or _GROUPS.get(group, "")
        there = told.get(entity) or []
        single = entity in ("tumour", "pathology", "staging", "history", "follow_up")
        found.append(
            Question(
                MISSING,
                str(_(missing_for_advice.label(one.variable))),
                "" if one.reason.template == _ALWAYS else words.reason(one.reason),
                entity=entity,
                entry_id=there[0].id if there and single else "",
                variable=name if entity and name in _names(entity) else "",
            )
        )
    return found


def _names(entity: str) -> list[str]:
    return facts.names(entity)


def facts_of(row: Any) -> dict[str, Any]:
    """A row as facts: what it states as plain JSON, and what is absent."""
    found: dict[str, Any] = {}
    for name, value in row.__dict__.items():
        if value is None or value == "" or value == [] or name.endswith("_id") or name == "id":
            continue
        if variable_or_none(row.entity, name) is not None:
            found[name] = facts.plain(value)
    return {**found, "absent": row.absent} if row.absent else found


def variable_or_none(entity: str, name: str) -> Any:
    """What the dictionary declares of a column that somebody states; None for other columns."""
    try:
        declared = variable(entity, name)
    except KeyError:
        return None
    return declared if declared.kind != "derived" else None


def _telling(record: Record) -> dict[str, list[Any]]:
    """The entries that tell the board most, the current one of each kind."""
    one_each = {
        "tumour": record.tumours[0] if record.tumours else None,
        "pathology": current_pathology(record.of("pathology")),
        "staging": latest(record.of("staging"), says_stage),
        "follow_up": newest(record, "follow_up", "ecog"),
        "history": (record.of("history") or [None])[-1],
        "overview": (record.of("overview") or [None])[-1],
    }
    found = {entity: [row] for entity, row in one_each.items() if row is not None}
    found["imaging"] = _last_of_each(record.of("imaging"), "modality")
    found["biomarker"] = _last_of_each(record.of("biomarker"), "analyte")
    found["therapy"] = list(record.therapies)
    return found


def _last_of_each(rows: Sequence[Any], name: str) -> list[Any]:
    found: dict[Any, Any] = {}
    for row in rows:
        if row.date is not None or getattr(row, name) not in found:
            found[getattr(row, name)] = row
    return list(found.values())


# -- overdue -------------------------------------------------------------------------------------


def overdue(record: Record, rows: Rows, words: Words, today: date) -> list[Question]:
    """Follow-up tests whose time is over, by the intervals of this installation."""
    if record.has_died or not record.tumours:
        return []
    due = follow_up_record.due_for(rows, today, in_force().rows)
    return [_overdue(one, words) for one in due if one.overdue]


def _overdue(one: Due, words: Words) -> Question:
    text = _("never recorded")
    if one.last:
        text = _("last on %(date)s", date=words.iso(one.last))
    if one.due_by is not None:
        text = _("%(text)s, due by %(date)s", text=text, date=words.iso(one.due_by.isoformat()))
    return Question(
        OVERDUE,
        words.code("follow_up_test", one.test),
        str(text),
        why=words.reason(one.reason),
        entity=_TESTS.get(one.test, "imaging"),
    )


#: The kind of entry that answers a follow-up test; whatever is not named is imaging.
_TESTS = {
    "visit": "follow_up",
    "markers": "biomarker",
    "hiaa": "biomarker",
    "nt_probnp": "biomarker",
    "blood": "biomarker",
    "echo": "heart_assessment",
    "quality_of_life": "questionnaire",
}


# -- gaps ------------------------------------------------------------------------------------------


def gaps(record: Record, lines: Mapping[str, Placed], words: Words, today: date) -> list[Question]:
    """What the record does not say and only somebody who knows the patient can."""
    return [
        *_changes_not_explained(record, words),
        *_therapies(record, words),
        *_unassessed(record, lines, words),
        *_again_without_progression(record, lines, words),
        *_progressions(record, words),
        *_silence(record, words, today),
    ]


def _changes_not_explained(record: Record, words: Words) -> Iterable[Question]:
    for tumour in record.tumours:
        reports = [report(one) for one in record.of_tumour("pathology", tumour.id)]
        for change in agreement.grade_changes(agreement.grade_course(reports)):
            if not change.stated:
                yield Question(
                    GAP, str(_("Grade")), words.reason(change.reason), entity="pathology",
                    entry_id=change.after.id, variable="change_kind",
                )  # fmt: skip


def _therapies(record: Record, words: Words) -> Iterable[Question]:
    with_cycles = {one.therapy_id for one in record.of("cycle")}
    for one in record.therapies:
        name = words.therapy(one)
        if one.start is None and "start" not in one.absent and one.interval is None:
            text = str(_("It is not recorded when it began: it stands on no timeline, in no line."))
            yield Question(GAP, name, text, entity="therapy", entry_id=one.id, variable="start")
        if one.start is None or one.therapy_class in ON_A_DAY:
            continue
        if one.stop is None and not goes_on(one):
            text = str(_("It is not recorded when it ended."))
            yield Question(GAP, name, text, entity="therapy", entry_id=one.id, variable="stop")
        elif one.stop is not None and not one.stop_reason and "stop_reason" not in one.absent:
            text = str(_("It is not recorded why it stopped."))
            yield Question(
                GAP, name, text, entity="therapy", entry_id=one.id, variable="stop_reason"
            )
        if one.therapy_class == "PRRT" and one.id not in with_cycles:
            yield Question(GAP, name, str(_("No cycle is recorded.")), entity="cycle")


def _unassessed(record: Record, lines: Mapping[str, Placed], words: Words) -> Iterable[Question]:
    assessed = {one.therapy_id for one in record.of("response")}
    for placed in lines.values():
        therapy = placed.therapy
        if placed.number is None or therapy.therapy_class in ON_A_DAY or goes_on(therapy):
            continue
        if therapy.id not in assessed and not therapy.best_response:
            text = str(_("No response is recorded."))
            yield Question(GAP, words.therapy(therapy), text, entity="response")


def _again_without_progression(
    record: Record, lines: Mapping[str, Placed], words: Words
) -> Iterable[Question]:
    """Radionuclide therapy given again after a long pause: in one line, for no progression is
    entered between the two."""
    given = [one for one in record.therapies if one.therapy_class == prrt.PRRT and one.id in lines]
    for before, again in pairwise(sorted(given, key=lambda one: one.start.earliest)):
        ended = before.stop or before.start
        same = lines[before.id].number == lines[again.id].number is not None
        if not same or lines[again.id].overruled or before.tumour_id != again.tumour_id:
            continue
        if (again.start.earliest - ended.latest).days > PAUSE_DAYS:
            text = str(_("Given again, but no progression is entered before it: the same line."))
            yield Question(GAP, words.therapy(again), text, entity="progression")


def _progressions(record: Record, words: Words) -> Iterable[Question]:
    for one in record.of("progression"):
        if not one.basis and "basis" not in one.absent:
            text = str(_("It is not recorded on what evidence."))
            yield Question(
                GAP, _named(one, words), text, entity="progression", entry_id=one.id,
                variable="basis",
            )  # fmt: skip


def _silence(record: Record, words: Words, today: date) -> Iterable[Question]:
    if record.has_died or not record.of("follow_up"):
        return
    dates = [one.date for one in record.of("follow_up") if one.date]
    if dates and (today - max(dates).latest).days > SILENT_DAYS:
        text = str(_("The last contact recorded was on %(date)s.", date=words.date(max(dates))))
        yield Question(GAP, str(_("Follow-up")), text, entity="follow_up")
