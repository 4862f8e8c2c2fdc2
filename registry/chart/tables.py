"""The tables of the chart: ready rows, so that the template only lays them out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from registry.course import facts, wording
from registry.course.models import BY_NAME
from registry.course.queries import Record
from registry.course.wording import Beside, Said

Column = tuple[Any, str | Callable[[Any], str]]


def _join(*parts: str, by: str = ", ") -> str:
    return by.join(part for part in parts if part)


def _word(entry: Any, name: str) -> str:
    """A value in words, else why there is none."""
    stored = getattr(entry, name)
    return wording.value(entry.entity, name, stored) or wording.absence(entry.absent.get(name))


def _tnm(entry: Any) -> str:
    parts = [entry.t, entry.n, entry.m]
    prefix = entry.staging_prefix or ""
    return prefix + " ".join(part for part in parts if part) if any(parts) else ""


def _metastases(entry: Any) -> str:
    names = [n for n in facts.names("staging") if n.startswith("mets_")]
    present = [wording.label("staging", n) for n in names if getattr(entry, n) == "yes"]
    return ", ".join(present)


def _syndrome(entry: Any) -> str:
    if entry.functioning == "yes":
        return _word(entry, "syndrome") or str(_("Functioning"))
    return str(_("Non-functioning")) if entry.functioning == "no" else _word(entry, "functioning")


def _death(entry: Any) -> str:
    if entry.vital_status != "dead" and not entry.death_date:
        return ""
    return _join(_word(entry, "death_date"), _word(entry, "death_cause"))


def _times(entry: Any) -> str:
    """How often above the upper limit of normal."""
    if entry.value is None or not entry.upper_limit:
        return ""
    times = f"{entry.value / entry.upper_limit:.1f} ×"
    return _join(entry.comparator or "", times, by=" ")


def _reading(entry: Any) -> str:
    """A value as the laboratory gives it: with *below* or *above* where it is a limit."""
    stated = _word(entry, "value")
    if entry.value is not None:
        stated = f"{entry.comparator or ''}{stated}"
    return _join(stated, entry.unit or "", by=" ")


#: What each table shows: (label, column name or how to say it). The first column names the row.
COLUMNS: dict[str, tuple[Column, ...]] = {
    "tumour": (
        (_l("Primary site"), wording.title),
        (_l("Diagnosed"), "diagnosis_date"),
        (_l("Basis"), "diagnosis_basis"),
        (_l("Size"), "primary_size_mm"),
        (_l("Syndrome"), _syndrome),
        (_l("Hereditary syndrome"), "hereditary_syndrome"),
        (_l("Metastases"), "metastatic_sites"),
    ),
    "pathology": (
        (_l("Date"), wording.when),
        (_l("Specimen"), lambda e: _join(_word(e, "specimen_kind"), _word(e, "specimen_site"))),
        (_l("Differentiation"), "differentiation"),
        (_l("Ki-67"), "ki67_percent"),
        (_l("Mitoses"), "mitoses_per_2mm2"),
    ),
    "staging": (
        (_l("Date"), wording.when),
        (_l("System"), "staging_system"),
        (_l("T, N, M"), _tnm),
        (_l("Metastases"), _metastases),
    ),
    "imaging": (
        (_l("Date"), wording.when),
        (_l("Examination"), "modality"),
        (_l("Krenning score"), "krenning"),
        (_l("FDG uptake"), "fdg_result"),
        (_l("Result"), "result"),
    ),
    "biomarker": (
        (_l("Date"), wording.when),
        (_l("Analyte"), "analyte"),
        (_l("Value"), _reading),
        (_l("Upper limit"), "upper_limit"),
        (_l("Times the limit"), _times),
    ),
    "history": (
        (_l("As of"), wording.when),
        (_l("Heart"), "cardiac_comorbidity"),
        (_l("Kidney"), "renal_comorbidity"),
        (_l("Diabetes"), "diabetes"),
        (_l("Other cancer"), "other_malignancy"),
        (_l("Family"), "family_history_endocrine"),
        (_l("Smoking"), "smoking"),
    ),
    "therapy": (
        (_l("Therapy"), wording.therapy),
        (_l("Kind"), "therapy_class"),
        (_l("Start"), wording.when),
        (_l("Stop"), "stop"),
        (_l("Intent"), "intent"),
        (_l("Dose"), lambda e: _join(_word(e, "dose"), _cycles(e))),
        (_l("Why it stopped"), "stop_reason"),
        (_l("Best response"), "best_response"),
    ),
    "response": (
        (_l("Date"), wording.when),
        (_l("Response"), "response_stated"),
        (_l("Method"), "criteria"),
        (_l("New lesion"), "new_lesion"),
    ),
    "progression": (
        (_l("Date"), wording.when),
        (_l("What"), "kind"),
        (_l("Evidence"), "basis"),
        (_l("Where"), "sites"),
    ),
    "follow_up": (
        (_l("Date"), wording.when),
        (_l("Vital status"), "vital_status"),
        (_l("Disease"), "disease_status"),
        (_l("ECOG"), "ecog"),
        (_l("Weight"), "weight_kg"),
        (_l("Death"), _death),
    ),
    "metastasis": (
        (_l("Where"), "site"),
        (_l("First found"), wording.when),
        (_l("Evidence"), "basis"),
        (_l("No longer seen"), "resolved_date"),
    ),
    "syndrome": (
        (_l("Syndrome"), "syndrome"),
        (_l("From"), wording.when),
        (_l("Until"), "stop"),
        (_l("Control"), "control"),
    ),
    "heart_assessment": (
        (_l("Date"), wording.when),
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
        (_l("Date"), wording.when),
    ),
    "cycle": (
        (_l("Date"), wording.when),
        (_l("Cycle"), "number"),
        (_l("Activity"), "activity_gbq"),
        (_l("Dose"), lambda e: _join(_word(e, "dose_value"), _word(e, "dose_unit"), by=" ")),
        (_l("eGFR before"), "egfr"),
    ),
    "lesion": (
        (_l("Lesion"), wording.title),
        (_l("Organ"), "organ"),
        (_l("Target or not"), "role"),
        (_l("First seen"), wording.when),
    ),
    "measurement": ((_l("Size"), "size_mm"), (_l("How the lesion is"), "state")),
    "adverse_event": (
        (_l("Side effect"), "term"),
        (_l("Grade"), "grade"),
        (_l("From"), wording.when),
        (_l("Until"), "stop"),
        (_l("Caused by the therapy"), "attribution"),
        (_l("What was done"), "action_taken"),
    ),
    "questionnaire": (
        (_l("Date"), wording.when),
        (_l("Instrument"), "instrument"),
        (_l("Answers"), lambda e: str(_("%(n)s answers", n=len(e.answers or {})))),
    ),
    "symptom_diary": (
        (_l("Day"), wording.when),
        (_l("Flushing"), "flushing_per_day"),
        (_l("Stools"), "stools_per_day"),
        (_l("Pain"), "pain"),
        (_l("Wellbeing"), "wellbeing"),
    ),
    "late_effect": (
        (_l("Late effect"), "kind"),
        (_l("Since"), wording.when),
        (_l("Gone since"), "resolved_date"),
        (_l("Grade"), "grade"),
    ),
    "overview": (
        (_l("As of"), wording.when),
        (_l("Primary tumour resected"), "primary_resected"),
        (_l("SSTR imaging done"), "sstr_done"),
        (_l("FDG PET done"), "fdg_done"),
    ),
    "board_opinion": (
        (_l("Date"), wording.when),
        (_l("Recommendation"), "recommendation"),
        (_l("Which board"), "board"),
    ),
    "support_need": (
        (_l("Date"), wording.when),
        (_l("Needs"), "needs"),
        (_l("Offered"), "offered"),
    ),
    "stated_endpoint": (
        (_l("Endpoint"), "endpoint"),
        (_l("Time"), lambda e: _join(_word(e, "time"), _word(e, "time_unit"), by=" ")),
        (_l("Event"), "event"),
        (_l("Counted from"), "starts_at"),
    ),
}


def _cycles(entry: Any) -> str:
    if entry.cycles is None:
        return ""
    return str(_("%(n)s cycles", n=wording.number(entry.cycles)))


@dataclass(frozen=True)
class Row:
    """One entry, ready to be shown."""

    id: UUID
    head: str
    cells: tuple[tuple[str, str], ...]
    beside: Beside | None
    more: tuple[Said, ...]
    source: str
    contradicts: bool
    may_edit: bool


@dataclass(frozen=True)
class Table:
    """The entries of one entity."""

    entity: str
    label: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    derived: str  # the title of the derived column, if there is one


def tables(
    record: Record, *, places: Mapping[UUID, str], may_change: Callable[[Any], bool], here: Any
) -> list[Table]:
    """Every entity's table in the order of a case, also those without rows.

    `places` names organisations; entries of others than `here` say whose they are.
    """
    return [_table(record, entity, places, may_change, here) for entity in BY_NAME]


_DERIVED_TITLE = {"pathology": _l("Grade"), "staging": _l("Stage")}


def _table(
    record: Record,
    entity: str,
    places: Mapping[UUID, str],
    may_change: Callable[[Any], bool],
    here: Any,
) -> Table:
    columns = (*COLUMNS[entity], *_link_columns(record, entity))
    rows = tuple(
        Row(
            id=one.id,
            head=_cell(one, columns[0][1]) or str(_("No date")),
            cells=tuple((str(label), _cell(one, how)) for label, how in columns[1:]),
            beside=wording.beside_of(one) if entity in _DERIVED_TITLE else None,
            more=_more(one, columns),
            source=_source(one, places, here),
            contradicts=bool(getattr(one, "contradictions", None)),
            may_edit=may_change(one),
        )
        for one in record.of(entity)
    )
    return Table(
        entity,
        str(BY_NAME[entity].entity_label),
        tuple(str(label) for label, _how in columns),
        rows,
        str(_DERIVED_TITLE.get(entity, "")),
    )


def _cell(entry: Any, how: str | Callable[[Any], str]) -> str:
    return _word(entry, how) if isinstance(how, str) else how(entry)


def _link_columns(record: Record, entity: str) -> Sequence[Column]:
    """Which therapy a response is to; which tumour, where there are several."""
    found: list[Column] = []
    model = BY_NAME[entity]
    if hasattr(model, "therapy_id"):
        names = {one.id: wording.therapy(one) for one in record.therapies}
        found.append((_l("To therapy"), lambda e: names.get(e.therapy_id, "")))
    if hasattr(model, "tumour_id") and len(record.tumours) > 1:
        places = {one.id: wording.tumour(one) for one in record.tumours}
        found.append((_l("Tumour"), lambda e: places.get(e.tumour_id, "")))
    return found


#: Said in a column in other words than the variable's own.
_TOLD = {
    "tumour": {"primary_site", "functioning", "syndrome", "diagnosis_date"},
    "pathology": {"date", "specimen_kind", "specimen_site", "grade_stated"},
    "staging": {"date", "t", "n", "m", "staging_prefix", "stage_stated"},
    "imaging": {"date"},
    "biomarker": {"date", "comparator", "value", "unit"},
    "history": {"date"},
    "therapy": {"start", "agent", "agent_stated", "dose", "cycles"},
    "response": {"date"},
    "progression": {"date"},
    "follow_up": {"date", "death_date", "death_cause"},
    "stated_endpoint": {"time", "time_unit"},
    "metastasis": {"date"},
    "syndrome": {"start"},
    "heart_assessment": {"date"},
    "genomic_finding": {"date"},
    "cycle": {"date", "dose_value", "dose_unit"},
    "lesion": {"label", "first_seen"},
    "measurement": set(),
    "adverse_event": {"start"},
    "questionnaire": {"date", "answers"},
    "symptom_diary": {"date"},
    "late_effect": {"date"},
    "support_need": {"date"},
    "overview": {"date"},
    "board_opinion": {"date"},
}


def _more(entry: Any, columns: Sequence[Column]) -> tuple[Said, ...]:
    """What an entry says beyond its columns."""
    shown = {how for _label, how in columns if isinstance(how, str)} | _TOLD[entry.entity]
    if wording.interval(entry) and getattr(entry, entry.dated_by) is None:
        shown |= {"interval", "interval_unit"}
    return tuple(wording.said(entry, leave_out=tuple(shown)))


def _source(entry: Any, places: Mapping[UUID, str], here: Any) -> str:
    """Whose entry it is, where it is not our own, and how it came here."""
    place = places.get(entry.organisation_id, "") if entry.organisation_id != here else ""
    how = {"referral": _("from the referral"), "import": _("imported")}.get(entry.source_kind, "")
    return _join(place, how)
