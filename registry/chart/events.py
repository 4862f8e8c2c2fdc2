"""Which entries of the record are drawn, in which lane, and what is said of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from registry.chart.lines import Placed, best_of, cycles_of, goes_on
from registry.chart.timeline import Bar, Lane, Mark
from registry.chart.words import Words, number
from registry.course import wording
from registry.course.queries import date_of
from registry.course.queries.reading import Record
from registry.dates import PartialDate
from registry.language import gettext as _
from registry.referrals import rules as steps
from registry.referrals.queries import ReferralRow

#: The lanes of therapy from top to bottom: the colour of their bars, and the classes in them.
_BARS: tuple[tuple[str, frozenset[str]], ...] = (
    ("ssa", frozenset({"SSA", "interferon"})),
    ("targeted", frozenset({"targeted", "immunotherapy"})),
    ("prrt", frozenset({"PRRT"})),
    ("chemo", frozenset({"chemotherapy"})),
)
_LOCAL = frozenset({"surgery", "ablation", "liver-directed", "radiotherapy"})
_RESPONSES = {"CR": "response", "PR": "response", "SD": "stable", "PD": "progression"}
_STEPS = ("submit", "accept", "decline", "advise", "acknowledge")
SSTR = ("PET_68GA_DOTA", "PET_64CU", "SPECT_111IN", "SPECT_99MTC", "SSTR")


def lanes(
    record: Record, lines: dict[str, Placed], referrals: Sequence[ReferralRow], words: Words
) -> list[Lane]:
    """The lanes of a record, from the disease to what the centre was asked."""
    bars: dict[str, list[Bar]] = {
        name: [] for name, _classes in (*_BARS, ("other", ()), ("background", ()))
    }
    strokes = cycles_of(record)
    for therapy in record.therapies:
        if therapy.start is not None and therapy.therapy_class not in _LOCAL:
            css_class = _colour(therapy)
            placed = lines.get(therapy.id)
            bars[css_class].append(
                _bar(therapy, css_class, placed, strokes.get(therapy.id, []), record, words)
            )
    names = {
        "ssa": _("SSA, interferon"), "targeted": _("Targeted"), "prrt": _("PRRT"),
        "chemo": _("Chemotherapy"),
        "other": _("Other therapy"), "background": _("Background SSA"),
    }  # fmt: skip
    return [
        Lane(str(_("Disease")), marks=[*_disease(record, words)]),
        Lane(str(_("Surgery, local")), marks=[*_procedures(record, words)]),
        *(Lane(str(names[name]), bars=found) for name, found in bars.items()),
        Lane(str(_("Imaging")), marks=[*_imaging(record, words)]),
        Lane(str(_("Response")), marks=[*_responses(record, words)]),
        Lane(str(_("Follow-up")), marks=[*_follow_up(record, words)]),
        Lane(str(_("Referral")), marks=[*_referrals(referrals, words)]),
    ]


def _colour(therapy: Any) -> str:
    if therapy.setting == "background":
        return "background"
    found = (name for name, classes in _BARS if therapy.therapy_class in classes)
    return next(found, "other")


def _told(words: Words, what: str, dated: PartialDate) -> str:
    """What stands at an item: what it is, when, and that a partial date was drawn early."""
    text = f"{what}, {words.date(dated)}"
    if dated.precision == "day":
        return text
    return str(_("%(text)s (drawn at the beginning of that time)", text=text))


def _mark(
    words: Words, row: Any, label: str, css_class: str, detail: str = "", shape: str = ""
) -> Mark | None:
    dated = date_of(row)
    if dated is None:
        return None
    what = ": ".join(part for part in (str(row.entity_label), detail or label) if part)
    return Mark(label, css_class, dated, _told(words, what, dated), shape)


# -- the disease -----------------------------------------------------------------------------------


def _disease(record: Record, words: Words) -> Iterable[Mark]:
    several = len(record.tumours) > 1
    found: list[Mark | None] = []
    for tumour in record.tumours:
        name = words.tumour(tumour)
        label = name if several else str(_("Diagnosis"))
        found.append(_mark(words, tumour, label, "diagnosis", name))
        found += _grades(record, tumour, words)
        found += _stages(record, tumour, words)
    for one in record.of("metastasis"):
        found.append(_mark(words, one, words.code("metastatic_site", one.site), "spread"))
    died = record.death_date
    if died is not None:
        found.append(Mark(str(_("Death")), "death", died, _told(words, str(_("Death")), died)))
    return (mark for mark in found if mark)


def _grades(record: Record, tumour: Any, words: Words) -> Iterable[Mark | None]:
    """A mark a specimen; its grade is written where it is not the one before."""
    before = ""
    for one in record.of_tumour("pathology", tumour.id):
        if one.review_of_id and not one.derived_grade:
            continue
        short = _short_grade(one)
        full = words.code("grade_category", one.derived_category)
        if not (one.derived_grade or one.derived_status == "complete"):
            full = words.code("grade_stated", one.grade_stated)
        label = short if short != before else ""
        before = short or before
        yield _mark(words, one, label, "other", full or str(_("Pathology")))


def _short_grade(pathology: Any) -> str:
    grade = pathology.derived_grade or ""
    if grade in ("1", "2", "3"):
        return f"G{grade}"
    stated = pathology.grade_stated or ""
    if not grade:
        return stated if stated in ("G1", "G2", "G3", "NEC") else ""
    return str(_("High grade") if grade == "HIGH" else _("Low grade"))


def _stages(record: Record, tumour: Any, words: Words) -> Iterable[Mark | None]:
    before = ""
    for one in record.of_tumour("staging", tumour.id):
        stage = words.code("stage_group", one.derived_stage or one.stage_stated)
        label = stage if stage != before else ""
        before = stage or before
        yield _mark(words, one, label, "other", stage)


# -- what was done -------------------------------------------------------------------------------


def short(words: Words, therapy: Any, placed: Placed | None) -> str:
    """The line and the name, as a bar bears them."""
    name = words.therapy(therapy)
    if placed is None or placed.number is None:
        return name
    tag = str(_("L%(number)s", number=placed.number))
    return f"{tag} {name}"


def _bar(
    therapy: Any,
    css_class: str,
    placed: Placed | None,
    cycles: list[Any],
    record: Record,
    words: Words,
) -> Bar:
    dead = record.death_date
    on = goes_on(therapy) and not record.has_died
    stop = therapy.stop or (dead if goes_on(therapy) else None)
    strokes, total = _strokes(cycles, words)
    label = short(words, therapy, placed)
    if total:
        label = f"{label} · {number(total)} GBq"
    if placed is not None and placed.overruled:
        derived = placed.derived or _("none")
        label = str(_("%(label)s (derived: %(line)s)", label=label, line=derived))
    return Bar(
        label, css_class, therapy.start, stop, on, _title(therapy, placed, total, record, words),
        tuple(strokes),
    )  # fmt: skip


def _title(
    therapy: Any, placed: Placed | None, total: Decimal, record: Record, words: Words
) -> str:
    parts = [_told(words, words.therapy(therapy), therapy.start)]
    if therapy.stop:
        parts.append(str(_("until %(date)s", date=words.date(therapy.stop))))
    elif goes_on(therapy) and (record.death_date or not record.has_died):
        parts.append(str(_("to the death") if record.death_date else _("goes on")))
    else:
        parts.append(str(_("end not known")))
    if therapy.stop_reason:
        parts.append(words.code("stop_reason", therapy.stop_reason))
    if total:
        parts.append(str(_("%(total)s GBq altogether", total=number(total))))
    text = ", ".join(parts)
    if placed is None:
        return text
    line = _("Line %(number)s", number=placed.number) if placed.number else _("Counted as no line")
    return f"{text}. {line}: {' '.join(map(words.reason, placed.reasons))}"


def _strokes(cycles: list[Any], words: Words) -> tuple[list[tuple[date, str]], Decimal]:
    """Each cycle with the activity given up to it."""
    found, total = [], Decimal(0)
    for one in cycles:
        total += one.activity_gbq or 0
        if one.date is None:
            continue
        name = _("Cycle %(number)s", number=number(one.number)) if one.number else _("Cycle")
        text = _told(words, str(name), one.date)
        if one.activity_gbq:
            given = _(
                "%(given)s GBq, %(total)s GBq so far",
                given=number(one.activity_gbq), total=number(total),
            )  # fmt: skip
            text = f"{text}: {given}"
        found.append((one.date.earliest, text))
    return found, total


def _procedures(record: Record, words: Words) -> Iterable[Mark]:
    for one in record.therapies:
        if one.therapy_class not in _LOCAL or one.start is None:
            continue
        name = words.therapy(one)
        kind = words.code("therapy_class", one.therapy_class)
        details = [name if name == kind else f"{kind}: {name}"]
        if one.residual:
            details.append(words.code("residual", one.residual))
        css_class = "surgery" if one.therapy_class == "surgery" else "local"
        title = _told(words, ", ".join(details), one.start)
        yield Mark(name, css_class, one.start, title, "procedure")


# -- what was seen -------------------------------------------------------------------------------


def _imaging(record: Record, words: Words) -> Iterable[Mark]:
    """Functional imaging with its scores; the rest as dots without words."""
    for one in record.of("imaging"):
        if one.date is None:
            continue
        label, css_class = functional(one, words)
        title = ", ".join(
            part
            for part in (
                words.code("imaging_modality", one.modality) or str(_("Imaging")),
                words.code("krenning", one.krenning),
                words.code("fdg_result", one.fdg_result),
                words.code("netpet", one.netpet),
            )
            if part
        )
        yield Mark(label, css_class, one.date, _told(words, title, one.date),
                   "imaging" if label else "")  # fmt: skip


def functional(one: Any, words: Words) -> tuple[str, str]:
    """SSTR with its Krenning score, FDG with its result and NETPET; ("", …) for other imaging."""
    modality = one.modality or ""
    grade = f" {one.netpet}" if one.netpet else ""
    if modality.startswith(SSTR):
        score = f" {one.krenning}" if one.krenning else ""
        return str(_("SSTR%(score)s", score=score)) + grade, "sstr"
    if "FDG" in modality:
        sign = {"positive": " +", "negative": " −", "mixed": " ±"}.get(one.fdg_result or "", "")
        return f"FDG{sign}{grade}", "fdg"
    return "", "scan"


def _responses(record: Record, words: Words) -> Iterable[Mark]:
    basis = {"radiological": "", "clinical": _("clinical"), "biochemical": _("markers only")}
    for one in record.of("progression"):
        kind = words.code("progression_kind", one.kind) or str(one.entity_label)
        why = str(basis.get(one.basis or "", ""))
        label = f"{kind} ({why})" if why else kind
        detail = ", ".join(
            part for part in (kind, words.code("progression_basis", one.basis),
                              words.value("progression", "sites", one.sites)) if part
        )  # fmt: skip
        found = _mark(words, one, label, "progression", detail)
        if found:
            yield found
    for one in record.of("response"):
        answer = best_of(one)
        if one.date is None or (one.timepoint == "baseline" and not answer):
            continue
        label = answer if answer in _RESPONSES else ""
        yield Mark(
            label, _RESPONSES.get(answer, "other"), one.date,
            _told(words, words.code("response", answer) or str(one.entity_label), one.date),
            "" if answer != "PD" else "pd",
        )  # fmt: skip


def _follow_up(record: Record, words: Words) -> Iterable[Mark]:
    """Where the disease's standing changed; every contact is in the table."""
    before = ""
    for one in record.of("follow_up"):
        if one.date is None:
            continue
        status = words.code("disease_status", one.disease_status)
        if status and status != before:
            yield Mark(status, "other", one.date, _told(words, status, one.date))
            before = status


def _referrals(referrals: Sequence[ReferralRow], words: Words) -> Iterable[Mark]:
    for referral in referrals:
        for event in referral.events:
            if event.step in _STEPS:
                dated = PartialDate.of(event.at.date())
                said = str(steps.TAKEN.get(event.step, event.step))
                yield Mark(said, "referral", dated, _told(words, said, dated))


# -- in words ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Undated:
    """An entry that cannot be drawn."""

    id: str
    entity: str
    what: str
    when: str


#: Without a date these say nothing that belongs on a timeline.
_TIMELESS = frozenset({"history", "stated_endpoint", "lesion", "measurement", "overview"})


def undated(record: Record, words: Words) -> list[Undated]:
    """Entries without a date, with what is known of when instead."""
    found = []
    for entity, entries in record.entries.items():
        if entity in _TIMELESS:
            continue
        for one in reversed(entries):  # they stand last
            if date_of(one) is not None:
                break
            if entity != "follow_up" or one.death_date is None:
                found.append(Undated(one.id, entity, what(one, words), words.when(one)))
    return found


def what(row: Any, words: Words) -> str:
    """What kind of entry it is and what it is called."""

    title = words.therapy(row) if row.entity == "therapy" else wording.title(row)
    kind = str(row.entity_label)
    return title if title == kind else f"{kind}: {title}"
