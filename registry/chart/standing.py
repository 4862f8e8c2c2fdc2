"""Where a case stands: the facts that head the chart, what contradicts itself, what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from flask_babel import gettext as _

from registry import codes
from registry.chart.events import goes_on
from registry.clinical import missing_for_advice
from registry.course import facts, rules, wording
from registry.course.queries import Record, date_of
from registry.course.wording import Beside
from registry.dates import PartialDate
from registry.patients.queries import Identity
from registry.referrals import case
from registry.referrals.queries import ReferralRow, age_text


@dataclass(frozen=True)
class Standing:
    """One tumour: its current grade and stage, stated and derived, and since when."""

    id: UUID
    title: str
    diagnosed: str
    grade: Beside | None
    grade_when: str
    stage: Beside | None
    stage_stated: str
    stage_when: str


def of_tumours(record: Record) -> list[Standing]:
    """How each tumour stands, by its latest pathology and staging."""
    return [_standing(record, tumour) for tumour in record.tumours]


def _standing(record: Record, tumour: Any) -> Standing:
    pathology = _latest(record.of_tumour("pathology", tumour.id), _says_grade)
    staging = _latest(record.of_tumour("staging", tumour.id), _says_stage)
    return Standing(
        tumour.id,
        wording.tumour(tumour),
        wording.when(tumour),
        wording.beside_of(pathology) if pathology else None,
        wording.when(pathology) if pathology else "",
        wording.beside_of(staging) if staging else None,
        wording.value("staging", "stage_stated", staging.stage_stated) if staging else "",
        wording.when(staging) if staging else "",
    )


def _latest(entries: Sequence[Any], says: Any) -> Any:
    """The latest entry that says something; undated ones count only where none has a date."""
    telling = [one for one in entries if says(one)] or list(entries)
    dated = [one for one in telling if date_of(one)]
    return (dated or telling or [None])[-1]


def _says_grade(pathology: Any) -> bool:
    return bool(pathology.grade_stated or pathology.ki67_percent or pathology.differentiation)


def _says_stage(staging: Any) -> bool:
    return bool(staging.stage_stated or staging.t or staging.n or staging.m)


def _newest(record: Record, entity: str, name: str) -> Any:
    """The latest entry that answers a question."""
    return _latest(record.of(entity), lambda one: getattr(one, name)) if record.of(entity) else None


def answer(record: Record, entity: str, name: str) -> str:
    """The latest answer to a question in words, else why there is none."""
    entry = _newest(record, entity, name)
    if entry is None:
        return ""
    return wording.value(entity, name, getattr(entry, name)) or wording.absence(
        entry.absent.get(name)
    )


# -- the facts at the head ---------------------------------------------------------------------


def head(record: Record, identity: Identity, standings: Sequence[Standing], today: date) -> Any:
    """(label, text) of what everybody asks first."""
    unknown = _("Not recorded")
    return [
        (_("Age"), _age(record, identity, today) or unknown),
        (_("Sex at birth"), _sex(identity) or unknown),
        (_("Primary site"), _each(_site(one) for one in record.tumours) or unknown),
        (_("Grade"), _each(_answer(one.grade) for one in standings) or unknown),
        (_("Stage"), _each(_stage(one) for one in standings) or unknown),
        (_("Syndrome"), _each(_syndrome(one) for one in record.tumours) or unknown),
        (_("ECOG"), _ecog(record) or unknown),
        (_("Vital status"), _vital(record) or unknown),
        (_("Therapy now"), current_therapy(record)),
    ]


def _each(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(text for text in texts if text))


def _sex(identity: Identity) -> str:
    return codes.label("sex_at_birth", identity.sex)


def _age(record: Record, identity: Identity, today: date) -> str:
    died = record.death_date
    if identity.birth_date is not None:
        if died is None:
            return age_text(identity.birth_date, today)
        return str(_("%(age)s at death", age=_age_at(identity.birth_date, died)))
    stated = next((t.age_at_diagnosis for t in record.tumours if t.age_at_diagnosis), None)
    if stated is None:
        return ""
    return str(_("%(age)s at diagnosis, as stated", age=wording.number(stated)))


def _age_at(born: PartialDate, day: PartialDate) -> str:
    """Age in years; two where partial dates leave both open."""
    low = age_text(born, day.earliest).split("–")[0]
    high = age_text(born, day.latest).split("–")[-1]
    return low if low == high else f"{low}–{high}"


def _site(tumour: Any) -> str:
    return wording.value("tumour", "primary_site", tumour.primary_site) or wording.absence(
        tumour.absent.get("primary_site")
    )


def _answer(found: Beside | None) -> str:
    """What heads the chart: the derived answer, with a word when it is not what was stated."""
    if found is None:
        return ""
    if found.differs:
        return str(_("%(derived)s (stated: %(stated)s)", derived=found.answer, stated=found.stated))
    settled = found.status not in ("not_derivable", "invalid_input", "incomplete", "not_applicable")
    if settled or not found.stated:
        return found.answer
    return str(_("%(stated)s (as stated)", stated=found.stated))


def _stage(standing: Standing) -> str:
    if standing.stage is not None:
        return _answer(standing.stage)
    if not standing.stage_stated:
        return ""
    return str(_("%(stated)s (as stated)", stated=standing.stage_stated))


def _syndrome(tumour: Any) -> str:
    if tumour.functioning == "yes":
        return wording.value("tumour", "syndrome", tumour.syndrome) or str(_("Functioning"))
    return str(_("Non-functioning")) if tumour.functioning == "no" else ""


def _ecog(record: Record) -> str:
    entry = _newest(record, "follow_up", "ecog")
    if entry is None or entry.ecog is None:
        return ""
    when = wording.when(entry)
    return f"{entry.ecog} ({when})" if when else str(entry.ecog)


def _vital(record: Record) -> str:
    if record.death_date is not None:
        return str(_("Dead, %(date)s", date=wording.date(record.death_date)))
    text, entry = answer(record, "follow_up", "vital_status"), record.of("follow_up")
    latest = _newest(record, "follow_up", "vital_status") if entry else None
    when = wording.when(latest) if latest else ""
    return f"{text} ({when})" if text and when else text


def current_therapy(record: Record) -> str:
    """What was begun and not ended, of a patient not known to be dead."""
    if record.death_date is not None:
        return str(_("None"))
    names = [wording.therapy(one) for one in record.therapies if goes_on(one)]
    return ", ".join(names) or str(_("None recorded"))


# -- what is to be looked at -------------------------------------------------------------------


@dataclass(frozen=True)
class Problem:
    """Something that does not go together, and where it stands."""

    entry_id: UUID
    entity: str
    what: str
    text: str


def problems(record: Record) -> list[Problem]:
    """Contradictions within entries, and dates that cannot be or are unusual."""
    found = []
    for entity, entries in record.entries.items():
        for one in entries:
            texts = [wording.finding(kept) for kept in getattr(one, "findings", None) or []]
            texts += [wording.reason(p.reason) for p in _date_problems(record, entity, one)]
            name = f"{one.entity_label}, {wording.when(one) or _('no date')}"
            found += [Problem(one.id, entity, name, text) for text in texts]
    return found


def _date_problems(record: Record, entity: str, entry: Any) -> list[rules.DateProblem]:
    dates = {n: getattr(entry, n) for n in facts.dates(entity) if getattr(entry, n)}
    return rules.date_problems(
        entity,
        dates,
        birth=record.patient.birth_date,
        death=record.death_date,
        diagnosis=_diagnosis(record, entry),
    )


def _diagnosis(record: Record, entry: Any) -> PartialDate | None:
    of = getattr(entry, "tumour_id", None)
    if of is None and len(record.tumours) == 1:
        return record.tumours[0].diagnosis_date
    return next((t.diagnosis_date for t in record.tumours if t.id == of), None)


def missing(
    record: Record, referrals: Sequence[ReferralRow], sex: str | None
) -> list[tuple[str, str]]:
    """What a board would ask for: (label, why), given the latest question asked."""
    question = next((one.question for one in referrals if one.question), "other")
    asked = {"question": question, "treated": "yes" if record.therapies else ""}
    listed = case.missing(
        asked, _facts(record), birth_date=record.patient.birth_date, sex_at_birth=sex
    )
    return [
        (str(_(missing_for_advice.label(one.variable))), wording.reason(one.reason))
        for one in listed
        if one.level == missing_for_advice.REQUIRED
    ]


def _facts(record: Record) -> dict[str, list[dict[str, Any]]]:
    """The record as facts, the entry that tells most first."""
    telling = {
        "tumour": record.tumours[:1],
        "pathology": [_latest(record.of("pathology"), _says_grade)],
        "staging": [_latest(record.of("staging"), _says_stage)],
        "follow_up": [_newest(record, "follow_up", "ecog")],
        "history": record.of("history")[-1:],
    }
    whole = {entity: record.of(entity) for entity in ("imaging", "biomarker", "therapy")}
    return {
        entity: [facts.row_of(one) for one in entries if one is not None]
        for entity, entries in (telling | whole).items()
    }
