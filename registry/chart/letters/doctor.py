"""The summary for the referring doctor: the case in order, how it stands, what is to be done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from flask_babel import format_date, ngettext

from registry import codes
from registry.chart.letters.parts import (
    Body,
    Section,
    Table,
    is_on_a_day,
    is_running,
    joined,
    latest,
    section,
)
from registry.chart.letters.source import Source
from registry.chart.lines import with_earlier
from registry.course import wording
from registry.course.queries import date_of, in_order
from registry.dates import PartialDate
from registry.language import gettext as _

#: Side effects below this grade do not stand in a summary.
_GRAVE = ("3", "4", "5")
_FUNCTIONAL = ("PET", "SSTR", "SPECT", "SCINT")
_MOST_MARKERS = 12
_MOST_QUESTIONS = 20


def body(source: Source) -> Body:
    """The letter, as the record gives it."""
    sections = (
        _state(source),
        _tumours(source),
        _course(source),
        _markers(source),
        _advice(source),
        _next(source),
        _questions(source),
        _responsible(source),
    )
    return Body(
        title=str(_("Summary of the course")),
        about_label=str(_("Patient")),
        about=_who(source),
        greeting=str(_("Dear colleague,")),
        intro=[str(_("This is a summary of what the registry holds about our patient."))],
        sections=[one for one in sections if not one.is_empty],
        closing=[str(_("With kind regards,"))],
        running=source.patient.pseudonym,
        note_title=str(_("Remarks")),
    )


def _day(value: Any) -> str:
    return str(format_date(value, "d MMM yyyy"))


def _who(source: Source) -> list[list[str]]:
    identity = source.identity
    found = [
        [str(_("Patient")), identity.name or identity.pseudonym],
        [str(_("Born")), wording.date(identity.birth_date) or str(_("Not recorded"))],
        [str(_("Sex at birth")), codes.label("sex_at_birth", identity.sex)],
        [str(_("Hospital number")), source.hospital_number],
        [str(_("Pseudonym")), identity.pseudonym],
    ]
    return [pair for pair in found if pair[1]]


# -- how the patient is now --------------------------------------------------------------------


def _state(source: Source) -> Section:
    record, visits = source.record, source.record.of("follow_up")
    if record.has_died:
        died = latest(visits, "death_date") or latest(visits, "death_cause")
        cause = wording.value("follow_up", "death_cause", died.death_cause) if died else ""
        when = wording.date(record.death_date) or str(_("date not known"))
        text = joined([when, cause], ", ")
        return section(_("Current state"), facts=[[str(_("Died")), text]])
    running = [wording.therapy(one) for one in record.therapies if is_running(one)]
    facts = [
        [str(_("Therapy now")), ", ".join(running) or str(_("None recorded"))],
        *(
            [wording.label("follow_up", name), _with_date(visits, name)]
            for name in ("disease_status", "ecog", "weight_kg")
        ),
        [str(_("Syndromes")), joined(_syndromes(source))],
        [str(_("Late effects")), joined(e.text for e in source.survivorship.effects)],
    ]
    return section(_("Current state"), facts=[pair for pair in facts if pair[1]])


def _with_date(entries: list[Any], name: str) -> str:
    found = latest(entries, name)
    if found is None:
        return ""
    text = wording.value(found.entity, name, getattr(found, name))
    when = wording.when(found)
    return f"{text} ({when})" if when else text


def _syndromes(source: Source) -> Iterator[str]:
    for one in source.record.of("syndrome"):
        if one.stop is None and "stop" not in one.absent:
            control = wording.value("syndrome", "control", one.control)
            yield f"{wording.title(one)} ({control})" if control else wording.title(one)
    if not source.record.of("syndrome"):
        for one in source.record.tumours:
            if one.functioning == "yes":
                yield wording.value("tumour", "syndrome", one.syndrome) or str(_("Functioning"))


# -- tumours -----------------------------------------------------------------------------------


def _tumours(source: Source) -> Section:
    rows = [
        [
            joined([wording.tumour(one), _diagnosed(one)], "\n"),
            _judged(source, one, "pathology"),
            _judged(source, one, "staging"),
            _spread(source, one),
        ]
        for one in source.record.tumours
    ]
    if not rows:
        return section(_("Tumour"), paragraphs=[str(_("No tumour is recorded."))])
    columns = [_("Tumour"), _("Grade"), _("Stage"), _("Metastases")]
    title = _("Tumours") if len(rows) > 1 else _("Tumour")
    table = Table([str(one) for one in columns], [1.2, 1.2, 1.2, 1], rows)
    return section(title, table=table)


def _diagnosed(tumour: Any) -> str:
    when = wording.when(tumour)
    return str(_("Diagnosed %(date)s", date=when)) if when else ""


def _judged(source: Source, tumour: Any, entity: str) -> str:
    """Grade or stage as stated and as derived, by the latest report that gives one."""
    names = ("grade_stated", "ki67_percent") if entity == "pathology" else ("stage_stated", "t")
    reports = source.record.of_tumour(entity, tumour.id)
    found = next(
        (one for one in reversed(reports) if any(getattr(one, name) for name in names)), None
    )
    if found is None:
        return str(_("Not recorded"))
    kind = names[0]
    stated = wording.value(entity, kind, getattr(found, kind)) or str(_("not stated"))
    said = [str(_("Reported: %(text)s", text=stated)), _measured(found)]
    beside = wording.beside_of(found)
    if beside is not None:
        said.append(str(_("Derived: %(text)s", text=beside.answer)))
        if beside.differs:
            said.append(str(_("The two differ.")))
    return joined([*said, wording.when(found)], "\n")


def _measured(report: Any) -> str:
    """What a grade or stage rests on."""
    if report.entity == "staging":
        return joined([report.t, report.n, report.m], " ")
    ki67 = wording.value("pathology", "ki67_percent", report.ki67_percent)
    return str(_("Ki-67 %(value)s", value=ki67)) if ki67 else ""


def _spread(source: Source, tumour: Any) -> str:
    entries = source.record.of_tumour("metastasis", tumour.id)
    found = [
        joined([wording.title(one), wording.when(one)], ", ")
        for one in entries
        if one.resolved_date is None
    ]
    if not entries:
        found = [codes.label("metastatic_site", code) for code in tumour.metastatic_sites or []]
    return joined(found, "\n") or str(_("None recorded"))


# -- the course --------------------------------------------------------------------------------


def _course(source: Source) -> Section:
    chosen = [
        entry
        for entity, told in _TOLD.items()
        for entry in source.record.of(entity)
        if told(source, entry)
    ]
    rows = [_row(source, together) for together in _folded(source, in_order(chosen))]
    if source.record.death_date is not None:
        rows.append([wording.date(source.record.death_date), str(_("Death")), ""])
    if not rows:
        return section(_("Course"), paragraphs=[str(_("Nothing is recorded yet."))])
    columns = [str(_("Date")), str(_("What")), str(_("Details"))]
    return section(_("Course"), table=Table(columns, [1, 1.25, 3], rows))


def _folded(source: Source, chosen: list[Any]) -> list[list[Any]]:
    """Entries that say the same as the one of their kind before them stand in its row."""
    found: list[list[Any]] = []
    last: dict[str, tuple[Any, list[Any]]] = {}
    for one in chosen:
        says = _FINDS[one.entity](source, one) if one.entity in _FINDS and one.date else None
        before, row = last.get(one.entity, (None, []))
        if says is not None and says == before:
            row.append(one)
            continue
        found.append([one])
        last[one.entity] = (says, found[-1])
    return found


def _row(source: Source, together: list[Any]) -> list[str]:
    """One row of the course: an entry, or several that found the same."""
    first, last = together[0], together[-1]
    told = _TOLD[last.entity](source, last)
    if first is last:
        return [_when(source, first), str(_what(first)), told]
    times = ngettext("%(num)s time", "%(num)s times", len(together))
    return [
        f"{_when(source, first)} –\n{_when(source, last)}",
        str(_what(first)),
        joined([times, told]),
    ]


def _when(source: Source, entry: Any) -> str:
    if entry.entity != "therapy" or is_on_a_day(entry):
        return wording.when(entry) or str(_("No date"))
    start = wording.when(entry) or str(_("Start not known"))
    if entry.stop:
        return f"{start} –\n{wording.date(entry.stop)}"
    return (
        f"{start} –\n{_('goes on')}" if is_running(entry) and not source.record.has_died else start
    )


def _what(entry: Any) -> Any:
    if entry.entity == "therapy":
        return wording.therapy(entry)
    if entry.entity == "tumour":
        return _("Diagnosis")
    if entry.entity in ("progression", "imaging"):
        return wording.title(entry)
    return entry.entity_label


def _diagnosis(source: Source, entry: Any) -> str:
    return joined(
        [
            wording.value("tumour", "primary_site", entry.primary_site),
            wording.value("tumour", "diagnosis_basis", entry.diagnosis_basis),
            wording.value("tumour", "hereditary_syndrome", entry.hereditary_syndrome),
        ]
    )


def _pathology(source: Source, entry: Any) -> str:
    beside = wording.beside_of(entry)
    stated = wording.value("pathology", "grade_stated", entry.grade_stated)
    return joined(
        [
            wording.value("pathology", "specimen_site", entry.specimen_site),
            wording.value("pathology", "report_kind", entry.report_kind),
            _measured(entry),
            _("reported %(grade)s", grade=stated) if stated else "",
            _("derived %(grade)s", grade=beside.answer) if beside else "",
            wording.value("pathology", "change_kind", entry.change_kind),
        ]
    )


def _staging(source: Source, entry: Any) -> str:
    beside = wording.beside_of(entry)
    stated = wording.value("staging", "stage_stated", entry.stage_stated)
    return joined(
        [
            joined([entry.t, entry.n, entry.m], " "),
            _("reported %(stage)s", stage=stated) if stated else "",
            _("derived %(stage)s", stage=beside.answer) if beside else "",
        ]
    )


def _scan(source: Source, entry: Any) -> str:
    """Functional imaging alone: it decides on therapy. Where the rest lies, the chart says."""
    if not any(word in (entry.modality or "") for word in _FUNCTIONAL):
        return ""
    krenning = wording.value("imaging", "krenning", entry.krenning)
    fdg = wording.value("imaging", "fdg_result", entry.fdg_result)
    return joined(
        [
            _("Krenning %(score)s", score=krenning) if krenning else "",
            _("FDG %(result)s", result=fdg) if fdg else "",
            wording.value("imaging", "sites", entry.sites),
        ]
    ) or str(_("No result recorded"))


def _spread_found(source: Source, entry: Any) -> str:
    return joined(
        [
            wording.title(entry),
            wording.value("metastasis", "basis", entry.basis),
            _("no longer seen since %(date)s", date=wording.date(entry.resolved_date))
            if entry.resolved_date
            else "",
        ]
    )


def _therapy(source: Source, entry: Any) -> str:
    of = source.record.of
    given = [one for one in of("cycle") if one.therapy_id == entry.id]
    activity = sum((one.activity_gbq for one in given if one.activity_gbq), Decimal(0))
    count = max(len(given), int(entry.cycles or 0))
    line = source.lines.get(entry.id)
    best = _best(source, entry)
    reason = wording.value("therapy", "stop_reason", entry.stop_reason)
    return joined(
        [
            wording.value("therapy", "therapy_class", entry.therapy_class),
            _("line %(number)s", number=line.number) if line and line.number else "",
            wording.value("therapy", "setting", entry.setting),
            wording.value("therapy", "residual", entry.residual),
            ngettext("%(num)s cycle", "%(num)s cycles", count) if count else "",
            with_earlier(activity, entry, of("therapy"), of("cycle")) if activity else "",
            _("best response %(answer)s", answer=best) if best else "",
            _("ended: %(reason)s", reason=reason) if reason else "",
        ]
    ) or str(entry.entity_label)


def _best(source: Source, entry: Any) -> str:
    stated = wording.value("therapy", "best_response", entry.best_response)
    if stated:
        return stated
    order = ("CR", "PR", "SD", "PD")
    seen = {
        one.response_stated or one.derived_response
        for one in source.record.of("response")
        if one.therapy_id == entry.id and one.timepoint != "baseline"
    }
    return next((codes.label("response", code) for code in order if code in seen), "")


def _response(source: Source, entry: Any) -> str:
    if entry.timepoint == "baseline":
        return ""
    stated = wording.value("response", "response_stated", entry.response_stated)
    derived = wording.value("response", "derived_response", entry.derived_response)
    total = entry.derived_sum_mm
    return joined(
        [
            stated,
            _("derived %(answer)s", answer=derived) if derived and derived != stated else "",
            wording.value("response", "criteria", entry.criteria),
            _("sum of diameters %(size)s mm", size=wording.number(total)) if total else "",
        ]
    )


def _progression(source: Source, entry: Any) -> str:
    return joined(
        [
            wording.value("progression", "basis", entry.basis),
            wording.value("progression", "sites", entry.sites),
        ]
    ) or str(entry.entity_label)


def _side_effect(source: Source, entry: Any) -> str:
    if entry.grade not in _GRAVE:
        return ""
    return joined(
        [
            wording.title(entry),
            _("grade %(grade)s", grade=entry.grade),
            wording.value("adverse_event", "attribution", entry.attribution),
            wording.value("adverse_event", "outcome", entry.outcome),
        ]
    )


def _gene(source: Source, entry: Any) -> str:
    return joined(
        [
            wording.title(entry),
            wording.value("genomic_finding", "finding", entry.finding),
            wording.value("genomic_finding", "origin", entry.origin),
        ]
    )


def _heart(source: Source, entry: Any) -> str:
    answer = wording.value(
        "heart_assessment", "carcinoid_heart_disease", entry.carcinoid_heart_disease
    )
    return f"{wording.label('heart_assessment', 'carcinoid_heart_disease')}: {answer}" if answer \
        else ""  # fmt: skip


#: What of each kind of entry stands in the course; an empty text leaves the entry out.
_TOLD: dict[str, Callable[[Source, Any], str]] = {
    "tumour": _diagnosis,
    "pathology": _pathology,
    "staging": _staging,
    "metastasis": _spread_found,
    "imaging": _scan,
    "genomic_finding": _gene,
    "heart_assessment": _heart,
    "therapy": _therapy,
    "response": _response,
    "progression": _progression,
    "adverse_event": _side_effect,
}


#: Of kinds that are repeated for years: what an entry finds. Several that find the same are told
#: in one row, as the last of them puts it.
_FINDS: dict[str, Callable[[Source, Any], Any]] = {
    "heart_assessment": _heart,
    "response": lambda source, one: (
        one.baseline_id, one.therapy_id, one.response_stated, one.derived_response, one.criteria
    ),
}  # fmt: skip


def _markers(source: Source) -> Section:
    """The latest value of each marker."""
    newest: dict[str, Any] = {}
    for one in source.record.of("biomarker"):
        if one.value is not None and one.analyte:
            newest[one.analyte] = one
    rows = [
        [
            wording.title(one),
            joined(
                [
                    f"{one.comparator or ''}{wording.number(one.value)}",
                    wording.pretty(one.unit or ""),
                ],
                " ",
            ),
            wording.number(one.upper_limit) if one.upper_limit is not None else "",
            wording.when(one),
        ]
        for one in sorted(newest.values(), key=_newest_first)[:_MOST_MARKERS]
    ]
    if not rows:
        return section(_("Markers and blood values"))
    columns = [_("Marker"), _("Latest value"), _("Upper limit"), _("Date")]
    table = Table([str(one) for one in columns], [2, 1.3, 1, 1], rows)
    return section(_("Markers and blood values"), table=table)


def _newest_first(entry: Any) -> tuple[int, str]:
    dated: PartialDate | None = date_of(entry)
    return (-dated.earliest.toordinal() if dated else 0, entry.analyte)


# -- what is to be done ------------------------------------------------------------------------


def _advice(source: Source) -> Section:
    rows = [
        [
            _day(one.at),
            joined(
                [
                    joined((codes.label("advice_kind", kind) for kind in one.kinds), ", "),
                    one.text,
                ],
                "\n",
            ),
            joined([one.who, _acknowledged(one)], "\n"),
        ]
        for referral in source.referrals
        for one in referral.advice
    ]
    if not rows:
        return section(_("Advice given"))
    columns = [str(_("Date")), str(_("Advice")), str(_("By"))]
    return section(_("Advice given"), table=Table(columns, [1, 3, 1.3], rows))


def _acknowledged(advice: Any) -> str:
    if advice.acknowledged_at is None:
        return str(_("Not yet acknowledged"))
    day = _day(advice.acknowledged_at)
    return str(_("Acknowledged %(date)s", date=day))


def _next(source: Source) -> Section:
    rows = [
        [
            codes.label("follow_up_test", one.test),
            _due(one),
            _day_of(one.last) or str(_("Not recorded")),
        ]
        for one in source.due
    ]
    if not rows:
        return section(_("Due next"))
    columns = [str(_("Examination")), str(_("Due")), str(_("Last done"))]
    note = _(
        "By the registry's intervals for grade, site and treatment. Symptoms and findings come "
        "before any interval."
    )
    return section(_("Due next"), table=Table(columns, [2, 1.6, 1.2], rows), after=[str(note)])


def _due(one: Any) -> str:
    if one.due_by is None:
        return str(_("Now"))
    text = _("by %(date)s", date=_day(one.due_by))
    return str(_("Overdue: %(text)s", text=text)) if one.overdue else str(text)


def _day_of(iso: str) -> str:
    return wording.date(PartialDate(iso)) if iso else ""


def _questions(source: Source) -> Section:
    """What contradicts itself and nobody has accepted."""
    found = [
        joined(
            [
                wording.named(one.entry) if one.entry is not None else "",
                wording.reason(one.finding.reason),
            ],
            ": ",
        )
        for one in source.findings
        if one.accepted is None
    ]
    more = len(found) - _MOST_QUESTIONS
    after = [str(_("And %(n)s more in the chart.", n=more))] if more > 0 else []
    return section(_("Open questions"), points=found[:_MOST_QUESTIONS], after=after)


def _responsible(source: Source) -> Section:
    def named(places: Any) -> str:
        return joined((_place(one) for one in places), "\n")

    facts = [
        [str(_("Reference centre")), named(source.centres)],
        [str(_("Referring hospital")), named(source.hospitals)],
    ]
    return section(_("Who is responsible"), facts=[pair for pair in facts if pair[1]])


def _place(place: Any) -> str:
    return joined([place.name, place.city, place.emergency_telephone], ", ")
