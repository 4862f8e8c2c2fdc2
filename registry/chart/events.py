"""Which entries of the record are drawn, in which lane, and what is said of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from flask_babel import format_date
from flask_babel import gettext as _

from registry.chart import timeline
from registry.chart.timeline import Bar, Lane, Mark, Timeline
from registry.course import wording
from registry.course.queries import Record, date_of
from registry.dates import PartialDate
from registry.referrals import rules as steps
from registry.referrals.queries import ReferralRow

_COLOURS = {
    "surgery": "surgery",
    "SSA": "ssa",
    "PRRT": "prrt",
    "chemotherapy": "chemo",
    "targeted": "targeted",
    "liver-directed": "local",
    "ablation": "local",
    "radiotherapy": "local",
}
#: Done on a day: without a stop they do not go on.
_ON_A_DAY = frozenset({"surgery", "ablation", "liver-directed"})
_RESPONSES = {"CR": "response", "PR": "response", "SD": "stable", "PD": "progression"}


def goes_on(therapy: Any) -> bool:
    """Was it begun, and nothing says that it ended?"""
    return (
        therapy.start is not None
        and therapy.stop is None
        and "stop" not in therapy.absent
        and not therapy.stop_reason
        and therapy.therapy_class not in _ON_A_DAY
    )


def picture(record: Record, referrals: Sequence[ReferralRow]) -> Timeline:
    """The timeline of a record."""
    lanes = [
        Lane(_("Disease"), marks=[*_disease(record)]),
        Lane(_("Therapy"), bars=[*_therapies(record)]),
        Lane(_("Imaging"), marks=[*_imaging(record)]),
        Lane(_("Response"), marks=[*_responses(record)]),
        Lane(_("Follow-up"), marks=[*_follow_up(record)]),
        Lane(_("Referral"), marks=[*_referrals(referrals)]),
    ]
    return timeline.draw(lanes, tick_words=_tick)


def _tick(day: date, months: bool) -> str:
    return str(format_date(day, "MMM yyyy" if months else "yyyy"))


def _told(what: str, dated: PartialDate) -> str:
    """What stands at an item: what it is, when, and that a partial date was drawn early."""
    text = f"{what}, {wording.date(dated)}"
    if dated.precision == "day":
        return text
    return str(_("%(text)s (drawn at the beginning of that time)", text=text))


def _mark(entry: Any, label: str, css_class: str, detail: str = "") -> Mark | None:
    dated = date_of(entry)
    if dated is None:
        return None
    what = ": ".join(part for part in (str(entry.entity_label), detail or label) if part)
    return Mark(label, css_class, dated, _told(what, dated))


def _disease(record: Record) -> Iterable[Mark]:
    found = [
        *(_mark(one, _("Diagnosis"), "diagnosis", wording.tumour(one)) for one in record.tumours),
        *(_mark(one, _short_grade(one), "other", _grade(one)) for one in record.of("pathology")),
        *(_mark(one, _stage(one), "other") for one in record.of("staging")),
        *(_mark(one, wording.title(one), "progression") for one in record.of("progression")),
    ]
    died = record.death_date
    if died is not None:
        found.append(Mark(_("Death"), "death", died, _told(_("Death"), died)))
    return (mark for mark in found if mark)


def _grade(pathology: Any) -> str:
    stated = wording.value("pathology", "grade_stated", pathology.grade_stated)
    settled = pathology.derived_grade or pathology.derived_status == "complete"
    return wording.grade(pathology) if settled else stated


def _stage(staging: Any) -> str:
    stated = wording.value("staging", "stage_stated", staging.stage_stated)
    return wording.stage(staging) or stated or str(_("Staging"))


def _short_grade(pathology: Any) -> str:
    grade = pathology.derived_grade
    if grade in ("1", "2", "3"):
        return f"G{grade}"
    return str(_("High grade") if grade == "HIGH" else _("Low grade") if grade else _("Pathology"))


def _therapies(record: Record) -> Iterable[Bar]:
    for one in record.therapies:
        if one.start is None:
            continue
        name, until = wording.therapy(one), ""
        if one.stop:
            until = _("until %(date)s", date=wording.date(one.stop))
        elif goes_on(one):
            until = _("goes on")
        elif one.therapy_class not in _ON_A_DAY:
            until = _("end not known")
        told = _told(name, one.start)
        css_class = _COLOURS.get(one.therapy_class or "", "other")
        text = f"{told}, {until}" if until else told
        yield Bar(name, css_class, one.start, one.stop, goes_on(one), text)


def _imaging(record: Record) -> Iterable[Mark]:
    found = (_mark(one, _short_imaging(one), "imaging", wording.title(one))
             for one in record.of("imaging"))  # fmt: skip
    return (mark for mark in found if mark)


def _short_imaging(imaging: Any) -> str:
    modality = imaging.modality or ""
    if "FDG" in modality:
        return "FDG"
    if modality.startswith(("PET_68GA_DOTA", "PET_64CU", "SPECT_111IN", "SPECT_99MTC", "SSTR")):
        return "SSTR"
    return modality.split("_")[0] or str(_("Imaging"))


def _responses(record: Record) -> Iterable[Mark]:
    found = (
        _mark(
            one,
            one.response_stated or _("Response"),
            _RESPONSES.get(one.response_stated or "", "other"),
            wording.title(one),
        )
        for one in record.of("response")
    )
    return (mark for mark in found if mark)


def _follow_up(record: Record) -> Iterable[Mark]:
    """Every contact; only a change of the disease's standing is written out, the rest on asking."""
    before = ""
    for one in record.of("follow_up"):
        if one.date is None:
            continue
        status = wording.value("follow_up", "disease_status", one.disease_status)
        vital = wording.value("follow_up", "vital_status", one.vital_status)
        label = status if status != before else ""
        before = status or before
        yield Mark(label, "other", one.date, _told(status or vital or _("Contact"), one.date))


def _referrals(referrals: Sequence[ReferralRow]) -> Iterable[Mark]:
    for referral in referrals:
        for event in referral.events:
            if event.step in ("submit", "accept", "decline", "advise", "acknowledge", "close"):
                dated = PartialDate.of(event.at.date())
                words = str(steps.TAKEN.get(event.step, event.step))
                yield Mark(words, "referral", dated, _told(words, dated))


@dataclass(frozen=True)
class Undated:
    """An entry that cannot be drawn."""

    id: UUID
    entity: str
    what: str
    when: str


def undated(record: Record) -> list[Undated]:
    """Entries without a date, with what is known of when instead."""
    return [
        Undated(one.id, entity, _what(one), wording.when(one))
        for entity, entries in record.entries.items()
        if entity != "stated_endpoint"
        for one in entries
        if date_of(one) is None and not (entity == "history" or _dies(one))
    ]


def _dies(entry: Any) -> bool:
    return entry.entity == "follow_up" and entry.death_date is not None


def _what(entry: Any) -> str:
    title, kind = wording.title(entry), str(entry.entity_label)
    return title if title == kind else f"{kind}: {title}"
