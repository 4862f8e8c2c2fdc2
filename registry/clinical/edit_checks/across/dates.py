"""Dates of every entry: not before birth, not after death, not in the future, the end after the
start; and the same entry twice.

Table: `data/record_dates.csv` (what is impossible after a death, what belongs after the
diagnosis, what may be planned).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from registry.clinical import tables
from registry.clinical.edit_checks.across.entries import Entry, Record, finding, is_before
from registry.clinical.edit_checks.finding import REFUSE, WARN, Finding, name_of
from registry.clinical.partial_dates import bounds
from registry.clinical.results import N_, Reason

PERIODS = (
    ("therapy", "start", "stop"),
    ("adverse_event", "start", "stop"),
    ("syndrome", "start", "stop"),
    ("metastasis", "date", "resolved_date"),
    ("late_effect", "date", "resolved_date"),
    ("tumour", "first_symptom_date", "diagnosis_date"),
)

# What makes two entries of a kind the same one; all of it must be there but for blank columns.
SAME = {
    "imaging": ("modality", "date"),
    "biomarker": ("analyte", "date", "value", "unit"),
    "therapy": ("therapy_class", "agent", "start"),
    "pathology": ("date", "specimen_site", "report_kind", "tumour_id"),
    "metastasis": ("site", "date", "tumour_id"),
    "adverse_event": ("term", "start", "grade"),
    "questionnaire": ("instrument", "date"),
    "symptom_diary": ("date",),
    "measurement": ("lesion_id", "response_id"),
}


def dates_of_entries(record: Record, today: date | None = None) -> Iterator[Finding]:
    """Every date of every entry against birth, death, diagnosis of its tumour, and today."""
    births = [patient.date("birth_date") for patient in record.all("patient")]
    birth = next((day for day in births if day), "")
    life = birth, record.death_date()
    for row in tables.rows("record_dates"):
        variable, after_diagnosis = row["variable"], row["before_diagnosis"] == WARN
        for entry in record.all(row["entity"]):
            day = entry.date(variable)
            if not day:
                continue
            if not _is_within(day, life, today):
                yield from _of_date(record, entry, row, life, today)
            if after_diagnosis:
                yield from _before_diagnosis(record, entry, variable)


def _is_within(day: str, life: tuple[str, str], today: date | None) -> bool:
    """Whether a date may lie in the patient's life and not after today: most do."""
    first, last = bounds(day)
    birth, death = life
    return (
        (not birth or last >= bounds(birth)[0])
        and (not death or first <= bounds(death)[1])
        and (today is None or first <= today)
    )


def _of_date(
    record: Record,
    entry: Entry,
    row: Mapping[str, str],
    life: tuple[str, str],
    today: date | None,
) -> Iterator[Finding]:
    variable = row["variable"]
    day, (birth, death) = entry.date(variable), life
    named = {"name": name_of(f"{entry.entity}.{variable}"), "date": day}
    if is_before(day, birth):
        template = N_("%(name)s (%(date)s) is before the birth (%(birth)s).")
        reason = Reason(template, {**named, "birth": birth})
        yield finding("before_birth", reason, entry, variables=(variable,))
    if is_before(death, day) and row["after_death"] in (REFUSE, WARN):
        code = "after_death_impossible" if row["after_death"] == REFUSE else "after_death"
        template = N_("%(name)s (%(date)s) is after the death (%(death)s).")
        reason = Reason(template, {**named, "death": death})
        yield finding(code, reason, entry, *_deaths(record), variables=(variable,))
    if today is not None and row["future"] == REFUSE and bounds(day)[0] > today:
        reason = Reason(N_("%(name)s (%(date)s) lies in the future."), named)
        yield finding("date_in_future", reason, entry, variables=(variable,))


def _before_diagnosis(record: Record, entry: Entry, variable: str) -> Iterator[Finding]:
    tumour = record.tumour_of(entry)
    diagnosed = tumour.date("diagnosis_date") if tumour else ""
    day = entry.date(variable)
    if tumour is not None and is_before(day, diagnosed):
        named = {"name": name_of(f"{entry.entity}.{variable}"), "date": day}
        template = N_("%(name)s (%(date)s) is before the diagnosis (%(diagnosis)s).")
        reason = Reason(template, {**named, "diagnosis": diagnosed})
        yield finding("before_diagnosis", reason, entry, tumour, variables=(variable,))


def _deaths(record: Record) -> list[Entry]:
    return [entry for entry in record.deaths() if entry.date("death_date")][:1]


def ends_after_starts(record: Record) -> Iterator[Finding]:
    """An end certainly before its start."""
    for entity, start, stop in PERIODS:
        for entry in record.all(entity):
            if is_before(entry.date(stop), entry.date(start)):
                values = {
                    "end_name": name_of(f"{entity}.{stop}"),
                    "end": entry.date(stop),
                    "start_name": name_of(f"{entity}.{start}"),
                    "start": entry.date(start),
                }
                template = N_("%(end_name)s (%(end)s) is before %(start_name)s (%(start)s).")
                # Symptoms that came after the diagnosis are odd, not impossible.
                code = "before_diagnosis_symptom" if entity == "tumour" else "stop_before_start"
                yield finding(code, Reason(template, values), entry, variables=(start, stop))


def entered_twice(record: Record) -> Iterator[Finding]:
    """Two entries of a kind that say the same of the same day."""
    for entity, names in SAME.items():
        seen: dict[tuple[str, ...], Entry] = {}
        for entry in _alike(record, entity, names[:2]):
            first = seen.setdefault(tuple(entry.text(name) for name in names), entry)
            if first is not entry:
                reason = Reason(N_("The same was entered twice; mark one as entered in error."))
                yield finding("entered_twice", reason, entry, first, variables=names[:2])


def _alike(record: Record, entity: str, names: Sequence[str]) -> list[Entry]:
    """The entries of a kind that share these columns with another one, in their order; those in
    which one of the columns is blank are left out."""
    keys = [tuple(entry.text(name) for name in names) for entry in record.all(entity)]
    shared = {key for key, count in Counter(keys).items() if count > 1 and "" not in key}
    return [one for one, key in zip(record.all(entity), keys, strict=True) if key in shared]
