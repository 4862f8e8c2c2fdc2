"""The course in words: values with their labels and units, dates, and what an entry is called."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from registry import codes, dictionary
from registry.clinical import quality_of_life, tables
from registry.clinical.edit_checks.finding import name_of
from registry.clinical.results import Derived, Reason
from registry.course import facts as facts_
from registry.course.models import BY_NAME
from registry.dates import PartialDate
from registry.dictionary import Variable
from registry.language import gettext as _
from registry.language import written

#: A date as the rules write it; a year alone may be a number.
_ISO = re.compile(r"\d{4}-\d\d(-\d\d)?")


def date(value: PartialDate | None) -> str:
    """A date as precise as it was stated: 12 Mar 2024, Mar 2024 or 2024; empty without one."""
    return written(value)


def day(value: datetime.date) -> str:
    """A day, as it is read."""
    return written(PartialDate.of(value))


def value(entity: str, name: str, stored: Any) -> str:
    """A stored value in words with its unit; empty where there is none."""
    if stored in (None, "", [], {}):
        return ""
    declared = dictionary.of(BY_NAME[entity], name)
    text: str = pretty(stored) if name == "unit" else _plain(declared, stored)
    return f"{text} {declared.unit}" if declared.unit else text


def _plain(declared: Variable, stored: Any) -> str:
    if isinstance(stored, PartialDate):
        return date(stored)
    if isinstance(stored, Decimal):
        return number(stored)
    if isinstance(stored, dict):
        return ", ".join(f"{name}: {one}" for name, one in stored.items())
    if isinstance(stored, list):
        return ", ".join(_plain(declared, one) for one in stored)
    if declared.codes:
        return codes.label(declared.codes, stored)
    if declared.kind == "yes_no":
        return _("Yes") if stored == "yes" else _("No") if stored == "no" else str(stored)
    return str(stored)


_SIGNS = (
    ("umol", "µmol"), ("ug/", "µg/"), ("uU/", "µU/"), ("ukat", "µkat"), ("(24.h)", "24 h"),
    ("10*9", "10⁹"), ("10*3", "10³"), ("{1.73_m2}", "1.73 m²"), ("/[2.mm2] (text)", "/2 mm²"),
)  # fmt: skip


def pretty(unit: str) -> str:
    """A unit as it is printed."""
    for plain, printed in _SIGNS:
        unit = unit.replace(plain, printed)
    return unit


def number(value: Decimal) -> str:
    """A number digit for digit, without an exponent."""
    return format(value, "f")


def label(entity: str, name: str) -> str:
    """What a variable is called."""
    return str(dictionary.of(BY_NAME[entity], name).label)


def unit(entity: str, name: str) -> str:
    """The unit of a variable; empty where it has none."""
    return str(dictionary.of(BY_NAME[entity], name).unit)


def line(number: int | None) -> str:
    """A line of therapy."""
    return str(_("Line %(number)s", number=number)) if number else str(_("No line"))


def mm(value: Decimal | None) -> str:
    """A length in mm; empty where there is none."""
    return "" if value is None else f"{number(value)} mm"


def percent(value: Decimal | None) -> str:
    """A change in per cent, with its sign; empty where there is none."""
    return "" if value is None else f"{value:+.1f} %"


def change_mm(before: Decimal, now: Decimal) -> str:
    """The change of one length."""
    return f"{now - before:+f} mm"


def scale(instrument: str, code: str) -> str:
    """A scale of a questionnaire by its name."""
    if code == quality_of_life.SUMMARY:
        return str(_("Summary score"))
    for row in tables.rows("qlq_scales"):
        if row["instrument"].startswith(instrument) and row["scale"] == code:
            name = str(_(row["name"]))
            return name[:1].upper() + name[1:]
    return code


def score(value: float | None) -> str:
    """A score from 0 to 100, to one decimal, as it is read; kept unrounded."""
    return "" if value is None else f"{value:.1f}"


def size_of_change(size: str, direction: str) -> str:
    """How large a change of a score is, and which way."""
    if not size:
        return ""
    if size == "none":
        return str(_("None that matters"))
    sizes = {"small": _("small"), "moderate": _("moderate"), "large": _("large")}
    text = _("Better, %(size)s") if direction == "better" else _("Worse, %(size)s")
    return str(text % {"size": sizes[size]})


def absence(reason: dict[str, str] | None) -> str:
    """Why there is no value, in words; empty where nothing was said."""
    if not reason:
        return ""
    words = {
        "not_known": _("Not known"),
        "not_done": _("Not done"),
        "not_applicable": _("Not applicable"),
        "not_available": _("Not available"),
    }[reason["why"]]
    because = reason.get("because")
    return f"{words}: {because}" if because else words


@dataclass(frozen=True)
class Said:
    """One answer of an entry, in words."""

    name: str
    label: str
    text: str


def said(entry: Any, *, leave_out: tuple[str, ...] = ()) -> list[Said]:
    """Everything an entry says, in the order it is asked: values, else why there is none."""
    found = []
    for name in facts_.names(entry.entity):
        text = value(entry.entity, name, getattr(entry, name)) or absence(entry.absent.get(name))
        if text and name not in leave_out:
            found.append(Said(name, label(entry.entity, name), text))
    return found


def interval(entry: Any) -> str:
    """The time since diagnosis a source states, where it gives no date."""
    stated = getattr(entry, "interval", None)
    if stated is None:
        return ""
    unit = codes.label("interval_unit", entry.interval_unit) or _("(unit not stated)")
    return str(_("%(time)s %(unit)s from diagnosis", time=number(stated), unit=unit))


def when(entry: Any) -> str:
    """When an entry is about: its date, else the interval, else why there is no date."""
    stated = getattr(entry, entry.dated_by)
    if isinstance(stated, PartialDate):
        return date(stated)
    return interval(entry) or absence((entry.absent or {}).get(entry.dated_by))


def tumour(found: Any) -> str:
    """A tumour by its place and year."""
    place = value("tumour", "primary_site", found.primary_site) or _("Primary site not stated")
    dated = found.diagnosis_date
    return f"{place} ({dated.parts[0]})" if dated else place


def therapy(found: Any) -> str:
    """A therapy by its agent, else by the source's words, else by its kind."""
    return (
        value("therapy", "agent", found.agent)
        or found.agent_stated
        or value("therapy", "therapy_class", found.therapy_class)
        or str(found.entity_label)
    )


def grade(pathology: Any) -> str:
    """A pathology's derived category in words; empty before one was derived."""
    return codes.label("grade_category", pathology.derived_category)


def stage(staging: Any) -> str:
    """A staging's derived group in words; empty where none was derived."""
    return codes.label("stage_group", staging.derived_stage)


def title(entry: Any) -> str:
    """What an entry is called in one line."""
    names = {
        "tumour": lambda: tumour(entry),
        "therapy": lambda: therapy(entry),
        "imaging": lambda: value("imaging", "modality", entry.modality),
        "biomarker": lambda: value("biomarker", "analyte", entry.analyte),
        "response": lambda: value("response", "response_stated", entry.response_stated),
        "progression": lambda: value("progression", "kind", entry.kind),
        "metastasis": lambda: value("metastasis", "site", entry.site),
        "syndrome": lambda: value("syndrome", "syndrome", entry.syndrome),
        "genomic_finding": lambda: value("genomic_finding", "gene", entry.gene),
        "cycle": lambda: _("Cycle %(number)s", number=number(entry.number)) if entry.number else "",
        "lesion": lambda: entry.label or value("lesion", "organ", entry.organ),
        "adverse_event": lambda: value("adverse_event", "term", entry.term),
        "questionnaire": lambda: value("questionnaire", "instrument", entry.instrument),
        "late_effect": lambda: value("late_effect", "kind", entry.kind),
    }
    return names.get(entry.entity, lambda: "")() or str(entry.entity_label)


def named(entry: Any) -> str:
    """An entry among others of its kind: what it is called and when."""
    if entry.entity == "tumour":
        return tumour(entry)
    dated = when(entry)
    return f"{title(entry)}, {dated}" if dated else title(entry)


# -- what was derived ----------------------------------------------------------------------------


def reason(found: Reason) -> str:
    """A reason in the reader's language."""
    if not found.values:
        return str(_(found.template)).replace("%%", "%")
    said = {
        name: _called(value) if name.endswith("name") else _as_read(value)
        for name, value in found.values.items()
    }
    return str(_(found.template, **said))


def _called(name: str) -> str:
    """What a rule calls by its own name (of a variable, in English), as the form calls it."""
    found = _variables_of_rules().get(name)
    return label(*found) if found else name


@cache
def _variables_of_rules() -> Mapping[str, tuple[str, str]]:
    """The names of variables in reasons of rules: entity and variable."""
    return {
        name_of(f"{entity}.{name}"): (entity, name)
        for entity, model in BY_NAME.items()
        for name in dictionary.described(model)
    }


def _as_read(value: Any) -> Any:
    """A value of a reason; a date of it as dates are read everywhere else."""
    if isinstance(value, str) and _ISO.fullmatch(value):
        try:
            return date(PartialDate(value))
        except ValueError:
            return value
    return value


@dataclass(frozen=True)
class Beside:
    """What was derived, ready to be shown beside what was stated.

    `differs` says that the two are not the same; `findings` are the other contradictions.
    """

    stated: str
    answer: str
    status: str
    reasons: tuple[str, ...]
    rule: str
    version: str
    source: str
    confidence: str
    differs: bool
    findings: tuple[str, ...]


#: Findings that say that the derived value is not the stated one.
_DIFFERS = {"grade_contradiction", "stage_contradiction"}


def beside(entity: str, stated: Mapping[str, Any], derived: Mapping[str, Any]) -> Beside | None:
    """Grade or stage of a pathology or staging, stated and derived; None where none is derived.

    `stated` and `derived` are columns, as `rules.derive_…` gives them and the entry keeps them.
    """
    kind = {"pathology": "grade", "staging": "stage"}[entity]
    kept = (derived.get("derivation") or {}).get(kind)
    if kept is None:
        return None
    result = Derived.from_json(kept)
    column = {"grade": "derived_category", "stage": "derived_stage"}[kind]
    findings = derived.get("findings") or []
    return Beside(
        stated=value(entity, f"{kind}_stated", stated.get(f"{kind}_stated")),
        answer=value(entity, column, derived.get(column)) or str(_("None")),
        status=result.status,
        reasons=tuple(reason(one) for one in result.reasons),
        rule=result.rule,
        version=result.version,
        source=result.source,
        confidence=result.confidence,
        differs=any(one["code"] in _DIFFERS for one in findings),
        findings=tuple(finding(one) for one in findings if one["code"] not in _DIFFERS),
    )


def judged(result: Derived) -> Beside:
    """A derived response, ready to be shown beside the stated one."""
    return Beside(
        stated="",
        answer=result.answer,
        status=result.status,
        reasons=tuple(reason(one) for one in result.reasons),
        rule=result.rule,
        version=result.version,
        source=result.source,
        confidence=result.confidence,
        differs=False,
        findings=(),
    )


def beside_of(entry: Any) -> Beside | None:
    """The same for an entry of the record."""
    columns = ("derivation", "findings", "derived_category", "derived_stage")
    derived = {name: getattr(entry, name) for name in columns if hasattr(entry, name)}
    return beside(entry.entity, facts_.stated(entry), derived)


def finding(kept: Mapping[str, Any]) -> str:
    """A contradiction in words, as an entry keeps it."""
    return reason(Reason(kept["reason"]["template"], kept["reason"]["values"]))
