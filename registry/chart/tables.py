"""The entries by entity as ready rows: a few of each on the chart, all on a page of their own.

The template only lays them out. A new kind of entry that nobody chose columns for shows its first
variables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

from flask_babel import ngettext
from markupsafe import Markup

from registry.chart.drawing import escape
from registry.chart.standing import tnm
from registry.chart.words import Words, number, variable
from registry.course import facts, wording
from registry.course.models import BY_NAME
from registry.course.queries.reading import Record
from registry.course.wording import Beside, Said
from registry.language import gettext as _
from registry.language import lazy_gettext as _l

How = str | Callable[[Words, Any], str]
Column = tuple[Any, How]

#: How many entries of a kind stand on the chart; the rest is one link away.
SHOWN = 3
MORE_SHOWN = {"tumour": 8, "therapy": 6, "metastasis": 6, "adverse_event": 5, "biomarker": 5}
#: Parts of other entries, or told by their curves: on the chart only counted.
PARTS = frozenset({"lesion", "measurement", "questionnaire", "symptom_diary"})


def _join(*parts: str, by: str = ", ") -> str:
    return by.join(part for part in parts if part)


def _specimen(words: Words, row: Any) -> str:
    names = ("report_kind", "specimen_kind", "specimen_site")
    return _join(*(words.value("pathology", name, getattr(row, name)) for name in names))


def _metastases(words: Words, row: Any) -> str:
    names = [name for name in row.__dict__ if name.startswith("mets_")]
    return _join(*(words.label("staging", n) for n in names if getattr(row, n) == "yes"))


def _syndrome(words: Words, row: Any) -> str:
    if row.functioning == "yes":
        return words.said(row, "syndrome") or str(_("Functioning"))
    return str(_("Non-functioning")) if row.functioning == "no" else words.said(row, "functioning")


def _death(words: Words, row: Any) -> str:
    if row.vital_status != "dead" and not row.death_date:
        return ""
    return _join(words.said(row, "death_date"), words.said(row, "death_cause"))


def _times(words: Words, row: Any) -> str:
    """How often above the upper limit of normal."""
    del words
    if row.value is None or not row.upper_limit:
        return ""
    return _join(row.comparator or "", f"{row.value / row.upper_limit:.1f} ×", by=" ")


def _reading(words: Words, row: Any) -> str:
    """A value as the laboratory gives it: with *below* or *above* where it is a limit."""
    stated = words.said(row, "value")
    if row.value is not None:
        stated = f"{row.comparator or ''}{stated}"
    return _join(stated, wording.pretty(row.unit or ""), by=" ")


def _dose(words: Words, row: Any) -> str:
    cycles = ""
    if row.cycles is not None:
        cycles = str(ngettext("%(num)s cycle", "%(num)s cycles", int(row.cycles)))
    given = ""
    if row.dose_value is not None:
        unit = words.code("dose_unit", row.dose_unit)
        given = _join(number(row.dose_value), unit, by=" ")
        if row.interval_days is not None:
            given = f"{given} {_every(row.interval_days)}"
    return _join(given, row.dose or "", cycles)


def _every(days: Decimal) -> str:
    return str(_("daily") if days == 1 else _("every %(days)s days", days=number(days)))


def _cycle_dose(words: Words, row: Any) -> str:
    return _join(words.said(row, "dose_value"), words.said(row, "dose_unit"), by=" ")


def _answered(words: Words, row: Any) -> str:
    del words
    return str(_("%(n)s answers", n=len(row.answers or {})))


def _time(words: Words, row: Any) -> str:
    return _join(words.said(row, "time"), words.said(row, "time_unit"), by=" ")


def _when(words: Words, row: Any) -> str:
    return words.when(row)


def _title(words: Words, row: Any) -> str:
    return words.therapy(row) if row.entity == "therapy" else wording.title(row)


def _sum(words: Words, row: Any) -> str:
    parts = [words.value("response", "derived_sum_mm", row.derived_sum_mm)]
    if row.derived_nadir_mm is not None:
        nadir = words.value("response", "derived_nadir_mm", row.derived_nadir_mm)
        parts.append(str(_("nadir %(sum)s", sum=nadir)))
    return _join(*parts)


#: What each table shows: (label, column name or how to say it). The first column names the row.
COLUMNS: dict[str, tuple[Column, ...]] = {
    "tumour": (
        (_l("Primary site"), _title),
        (_l("Diagnosed"), "diagnosis_date"),
        (_l("Basis"), "diagnosis_basis"),
        (_l("Size"), "primary_size_mm"),
        (_l("Syndrome"), _syndrome),
        (_l("Hereditary syndrome"), "hereditary_syndrome"),
        (_l("Metastases"), "metastatic_sites"),
    ),
    "pathology": (
        (_l("Date"), _when),
        (_l("Specimen"), _specimen),
        (_l("Differentiation"), "differentiation"),
        (_l("Ki-67"), "ki67_percent"),
        (_l("Mitoses"), "mitoses_per_2mm2"),
    ),
    "staging": (
        (_l("Date"), _when),
        (_l("System"), "staging_system"),
        (_l("T, N, M"), lambda words, row: tnm(row)),
        (_l("Metastases"), _metastases),
    ),
    "imaging": (
        (_l("Date"), _when),
        (_l("Examination"), "modality"),
        (_l("Krenning score"), "krenning"),
        (_l("FDG uptake"), "fdg_result"),
        (_l("NETPET"), "netpet"),
        (_l("Result"), "result"),
    ),
    "biomarker": (
        (_l("Date"), _when),
        (_l("Analyte"), "analyte"),
        (_l("Value"), _reading),
        (_l("Upper limit"), "upper_limit"),
        (_l("Times the limit"), _times),
    ),
    "history": (
        (_l("As of"), _when),
        (_l("Heart"), "cardiac_comorbidity"),
        (_l("Kidney"), "renal_comorbidity"),
        (_l("Diabetes"), "diabetes"),
        (_l("Other cancer"), "other_malignancy"),
        (_l("Family"), "family_history_endocrine"),
        (_l("Smoking"), "smoking"),
    ),
    "therapy": (
        (_l("Therapy"), _title),
        (_l("Kind"), "therapy_class"),
        (_l("Start"), _when),
        (_l("Stop"), "stop"),
        (_l("Intent"), "intent"),
        (_l("Dose"), _dose),
        (_l("Why it stopped"), "stop_reason"),
        (_l("Residual tumour"), "residual"),
    ),
    "response": (
        (_l("Date"), _when),
        (_l("Stated"), "response_stated"),
        (_l("Derived"), "derived_response"),
        (_l("Sum of diameters"), _sum),
        (_l("Method"), "criteria"),
        (_l("New lesion"), "new_lesion"),
    ),
    "progression": (
        (_l("Date"), _when),
        (_l("What"), "kind"),
        (_l("Evidence"), "basis"),
        (_l("Where"), "sites"),
    ),
    "follow_up": (
        (_l("Date"), _when),
        (_l("Vital status"), "vital_status"),
        (_l("Disease"), "disease_status"),
        (_l("ECOG"), "ecog"),
        (_l("Weight"), "weight_kg"),
        (_l("Death"), _death),
    ),
    "metastasis": (
        (_l("Where"), "site"),
        (_l("First found"), _when),
        (_l("Evidence"), "basis"),
        (_l("No longer seen"), "resolved_date"),
    ),
    "syndrome": (
        (_l("Syndrome"), "syndrome"),
        (_l("From"), _when),
        (_l("Until"), "stop"),
        (_l("Control"), "control"),
    ),
    "heart_assessment": (
        (_l("Date"), _when),
        (_l("Carcinoid heart disease"), "carcinoid_heart_disease"),
        (_l("Tricuspid valve"), "tricuspid"),
        (_l("Pulmonary valve"), "pulmonary"),
        (_l("Right ventricle"), "right_ventricle"),
    ),
    "genomic_finding": (
        (_l("Gene"), "gene"),
        (_l("Finding"), "finding"),
        (_l("Origin"), "origin"),
        (_l("Variant"), "variant"),
        (_l("Date"), _when),
    ),
    "cycle": (
        (_l("Date"), _when),
        (_l("Cycle"), "number"),
        (_l("Activity"), "activity_gbq"),
        (_l("Dose"), _cycle_dose),
        (_l("eGFR before"), "egfr"),
    ),
    "lesion": (
        (_l("Lesion"), _title),
        (_l("Organ"), "organ"),
        (_l("Target or not"), "role"),
        (_l("First seen"), _when),
    ),
    "measurement": ((_l("Size"), "size_mm"), (_l("How the lesion is"), "state")),
    "adverse_event": (
        (_l("Side effect"), "term"),
        (_l("Grade"), "grade"),
        (_l("From"), _when),
        (_l("Until"), "stop"),
        (_l("Caused by the therapy"), "attribution"),
        (_l("What was done"), "action_taken"),
    ),
    "questionnaire": (
        (_l("Date"), _when),
        (_l("Instrument"), "instrument"),
        (_l("Answers"), _answered),
    ),
    "symptom_diary": (
        (_l("Day"), _when),
        (_l("Flushing"), "flushing_per_day"),
        (_l("Stools"), "stools_per_day"),
        (_l("Pain"), "pain"),
        (_l("Wellbeing"), "wellbeing"),
    ),
    "late_effect": (
        (_l("Late effect"), "kind"),
        (_l("Since"), _when),
        (_l("Gone since"), "resolved_date"),
        (_l("Grade"), "grade"),
    ),
    "overview": (
        (_l("As of"), _when),
        (_l("Primary tumour resected"), "primary_resected"),
        (_l("SSTR imaging done"), "sstr_done"),
        (_l("FDG PET done"), "fdg_done"),
    ),
    "board_opinion": (
        (_l("Date"), _when),
        (_l("Recommendation"), "recommendation"),
        (_l("Which board"), "board"),
    ),
    "support_need": (
        (_l("Date"), _when),
        (_l("Needs"), "needs"),
        (_l("Offered"), "offered"),
    ),
    "stated_endpoint": (
        (_l("Endpoint"), "endpoint"),
        (_l("Time"), _time),
        (_l("Event"), "event"),
        (_l("Counted from"), "starts_at"),
    ),
}

#: Said in a column in other words than the variable's own.
_TOLD: dict[str, frozenset[str]] = {
    "tumour": frozenset({"primary_site", "functioning", "syndrome", "diagnosis_date"}),
    "pathology": frozenset(
        {"date", "specimen_kind", "specimen_site", "report_kind", "grade_stated"}
    ),
    "staging": frozenset({"date", "t", "n", "m", "staging_prefix", "stage_stated"}),
    "biomarker": frozenset({"date", "comparator", "value", "unit"}),
    "therapy": frozenset(
        {"start", "agent", "agent_stated", "dose", "cycles", "dose_value", "dose_unit",
         "interval_days"}
    ),
    "follow_up": frozenset({"date", "death_date", "death_cause"}),
    "stated_endpoint": frozenset({"time", "time_unit"}),
    "cycle": frozenset({"date", "dose_value", "dose_unit"}),
    "lesion": frozenset({"label", "first_seen"}),
    "questionnaire": frozenset({"date", "answers"}),
}  # fmt: skip

#: Shorter texts do not break.
SHORT, TIGHT = 13, ' class="app-table__tight"'

_DERIVED = {"pathology": _l("Grade"), "staging": _l("Stage")}


@cache
def columns_of(entity: str) -> tuple[Column, ...]:
    """The columns of a kind of entry."""
    if entity in COLUMNS:
        return COLUMNS[entity]
    model = BY_NAME[entity]
    names = [name for name in facts.names(entity) if name != model.dated_by]
    return ((_l("Date"), _when), *((_label(entity, name), name) for name in names[:4]))


def _label(entity: str, name: str) -> Any:
    return variable(entity, name).label


@cache
def _names(entity: str) -> tuple[str, ...]:
    return tuple(facts.names(entity))


@dataclass(frozen=True)
class Row:
    """One entry, ready to be shown."""

    id: str
    head: str
    cells: Markup
    beside: Beside | None
    more: tuple[Said, ...]
    source: str
    contradicts: bool
    may_edit: bool
    error: str = ""  # why it was marked as entered in error


@dataclass(frozen=True)
class Table:
    """Entries of one entity: those shown, and how many there are."""

    entity: str
    label: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    count: int
    derived: str  # the title of the derived column, if there is one

    @property
    def is_cut(self) -> bool:
        """Are there more than are shown?"""
        return self.count > len(self.rows)


@dataclass(frozen=True)
class Desk:
    """What a table needs beside its entries: words, whose entries they are, who may change them."""

    words: Words
    places: Mapping[str, str]
    here: str
    may_change: Callable[[Any], bool]
    therapies: Mapping[str, str]
    tumours: Mapping[str, str]


def desk(
    record_therapies: Iterable[Any],
    record_tumours: Iterable[Any],
    words: Words,
    *,
    places: Mapping[UUID, str],
    here: Any,
    may_change: Callable[[Any], bool],
) -> Desk:
    """The desk for a patient's tables."""
    return Desk(
        words,
        {str(one): name for one, name in places.items()},
        str(here),
        may_change,
        {str(one.id): words.therapy(one) for one in record_therapies},
        {str(one.id): words.tumour(one) for one in record_tumours},
    )


def tables(record: Record, at: Desk) -> list[Table]:
    """Every entity with its latest entries, in the order of a case; also those without any."""
    return [latest(entity, found, at) for entity, found in record.entries.items()]


def latest(entity: str, found: Sequence[Any], at: Desk) -> Table:
    """The latest entries of a kind, the newest first."""
    shown = 0 if entity in PARTS else MORE_SHOWN.get(entity, SHOWN)
    some = list(reversed(found[-shown:])) if shown else []
    return table(entity, some, len(found), at)


def table(entity: str, some: Sequence[Any], count: int, at: Desk) -> Table:
    """These entries of a kind as a table."""
    if not some:
        return Table(entity, str(BY_NAME[entity].entity_label), (), (), count, "")
    columns = (*columns_of(entity), *_links(entity, at))
    labels = tuple(str(label) for label, _how in columns)
    safe = [escape(label) for label in labels[1:]]
    told = {how for _label_, how in columns if isinstance(how, str)}
    told |= _TOLD.get(entity, frozenset({BY_NAME[entity].dated_by}))
    return Table(
        entity,
        str(BY_NAME[entity].entity_label),
        labels,
        tuple(_row(one, columns, safe, told, at) for one in some),
        count,
        str(_DERIVED.get(entity, "")),
    )


def _cells(labels: Sequence[str], texts: Sequence[str]) -> Markup:
    """The cells of a row: a chart has hundreds, and a template takes ten times as long."""
    return Markup(  # noqa: S704 - escaped
        "".join(
            f'<td role="cell" data-label="{label}"'
            f"{TIGHT if len(text) < SHORT else ''}>{escape(text)}</td>"
            for label, text in zip(labels, texts, strict=True)
        )
    )


def _row(
    one: Any, columns: Sequence[Column], labels: Sequence[str], told: set[str], at: Desk
) -> Row:
    words = at.words
    cells = [words.said(one, how) if isinstance(how, str) else how(words, one)
             for _label_, how in columns]  # fmt: skip
    return Row(
        id=str(one.id),
        head=cells[0] or str(_("No date")),
        cells=_cells(labels, cells[1:]),
        beside=words.beside(one) if one.entity in _DERIVED else None,
        more=tuple(_more(one, told, words)),
        source=_source(one, at),
        contradicts=bool(getattr(one, "contradictions", None)),
        may_edit=at.may_change(one) and one.error_at is None,
        error=(one.error_because or "") if one.error_at is not None else "",
    )


def _links(entity: str, at: Desk) -> Iterable[Column]:
    """Which therapy an entry is about; which tumour, where there are several."""
    model = BY_NAME[entity]
    if hasattr(model, "therapy_id"):
        yield _l("To therapy"), lambda words, row: at.therapies.get(str(row.therapy_id), "")
    if hasattr(model, "tumour_id") and len(at.tumours) > 1:
        yield _l("Tumour"), lambda words, row: at.tumours.get(str(row.tumour_id), "")


def _more(one: Any, told: set[str], words: Words) -> Iterable[Said]:
    """What an entry says beyond its columns."""
    dated = getattr(one, one.dated_by, None)
    for name in _names(one.entity):
        if name in told or (dated is None and name in ("interval", "interval_unit")):
            continue
        value = getattr(one, name)
        if value is None and name not in (one.absent or {}):
            continue
        text = words.said(one, name)
        if text:
            yield Said(name, words.label(one.entity, name), text)


def _source(one: Any, at: Desk) -> str:
    """Whose entry it is, where it is not our own, and how it came here."""
    owner = str(one.organisation_id or "")
    place = at.places.get(owner, "") if owner != at.here else ""
    how = ""
    if one.source_kind == "referral":
        how = _("from the referral")
    elif one.source_kind == "import":
        how = _("imported")
    return _join(place, how)
