"""Life and death, side effects, and laboratory values (S31, S47, S70)."""

from __future__ import annotations

from collections.abc import Iterator

from registry.clinical import doses, tables, toxicity
from registry.clinical.edit_checks.across.entries import Entry, Record, finding, is_before
from registry.clinical.edit_checks.finding import Finding
from registry.clinical.edit_checks.therapy import cga_on_ppi, death_contradiction
from registry.clinical.results import N_, Reason
from registry.clinical.units import canonical, convert

FATAL = 5
SERIOUS_FROM = 4
CAUSED = ("possible", "probable", "definite")


def checks_of_fate(record: Record) -> Iterator[Finding]:
    """Vital status over all contacts, side effects against it, and markers one by one."""
    yield from _vital(record)
    for event in record.all("adverse_event"):
        yield from _event(record, event)
    yield from _deaths(record)
    for marker in record.all("biomarker"):
        yield from _marker(marker)


def _vital(record: Record) -> Iterator[Finding]:
    for contact in record.all("follow_up"):
        alone = death_contradiction(contact.text("vital_status"), _death_answer(contact))
        if alone is not None:
            yield finding(alone.code, alone.reason, contact, variables=alone.variables)
    dated = [entry for entry in record.deaths() if entry.date("death_date")]
    for other in dated[1:]:
        one, two = dated[0].date("death_date"), other.date("death_date")
        if is_before(one, two) or is_before(two, one):
            template = N_("Two dates of death: %(one)s and %(two)s.")
            reason = Reason(template, {"one": one, "two": two})
            yield finding("two_death_dates", reason, other, dated[0], variables=("death_date",))
    death = record.death_date()
    for contact in record.all("follow_up"):
        alive = contact.text("vital_status") in ("alive", "lost")
        if alive and is_before(death, contact.date("date")):
            template = N_("Alive on %(date)s, but died on %(death)s.")
            reason = Reason(template, {"date": contact.date("date"), "death": death})
            yield finding(
                "alive_after_death", reason, contact, *dated[:1],
                variables=("date", "vital_status"),
            )  # fmt: skip
    yield from _no_evidence(record)


def _death_answer(contact: Entry) -> str:
    """The date, or a word where it is answered why there is none."""
    return contact.date("death_date") or ("not_known" if contact.is_answered("death_date") else "")


def _no_evidence(record: Record) -> Iterator[Finding]:
    for contact in record.all("follow_up"):
        day = contact.date("date")
        if contact.text("disease_status") != "no_evidence" or not day:
            continue
        there = [
            m
            for m in record.all("metastasis")
            if is_before(m.date("date"), day) and not m.is_answered("resolved_date")
        ]
        if there:
            reason = Reason(N_("No evidence of disease, but a metastasis is entered as there."))
            yield finding(
                "no_evidence_with_disease", reason, contact, *there,
                variables=("disease_status", "metastasis.resolved_date"),
            )  # fmt: skip


def _event(record: Record, event: Entry) -> Iterator[Finding]:
    grade = int(event.number("grade") or 0)
    term = event.text("term")
    known = event.text("ctcae_version") in ("", "5.0") and term in toxicity.terms()
    problem = toxicity.grade_problem(term, grade) if known and grade else None
    if problem is not None:
        yield finding("grade_not_of_term", problem, event, variables=("grade", "term"))
    fatal = grade == FATAL or event.text("outcome") == "fatal"
    if fatal and not record.deaths():
        reason = Reason(N_("A fatal side effect, but no death is entered."))
        yield finding("fatal_event_without_death", reason, event, variables=("grade", "outcome"))
    if grade >= SERIOUS_FROM and event.text("serious") == "no":
        reason = Reason(N_("A life-threatening or fatal side effect is serious."))
        yield finding("severe_not_serious", reason, event, variables=("serious", "grade"))
    therapy = record.linked(event, "therapy_id", "therapy")
    caused = event.text("attribution") in CAUSED
    if therapy is not None and caused and is_before(event.date("start"), therapy.date("start")):
        template = N_(
            "It began (%(date)s) before the therapy that is said to cause it (%(start)s)."
        )
        values = {"date": event.date("start"), "start": therapy.date("start")}
        yield finding(
            "event_before_therapy", Reason(template, values), event, therapy,
            variables=("start", "attribution"),
        )  # fmt: skip


def _deaths(record: Record) -> Iterator[Finding]:
    fatal = [
        e
        for e in record.all("adverse_event")
        if e.number("grade") == FATAL or e.text("outcome") == "fatal"
    ]
    for contact in record.all("follow_up"):
        if contact.text("death_cause") == "treatment" and not fatal:
            reason = Reason(N_("Death from treatment, but no fatal side effect is entered."))
            yield finding(
                "treatment_death_without_event", reason, contact, variables=("death_cause",)
            )


def _marker(marker: Entry) -> Iterator[Finding]:
    analyte, value = marker.text("analyte"), marker.number("value")
    if analyte.startswith("CGA") and value is not None:
        raised = cga_on_ppi(str(value), marker.text("ppi"))
        if raised is not None:
            yield finding("cga_on_ppi", raised.reason, marker, variables=("value", "ppi"))
    row = tables.by_key("codes/biomarker", "code").get(analyte)
    unit = marker.text("unit")
    if row is None or value is None:
        return
    if not unit:
        if row["unit"] and not marker.is_answered("unit"):
            reason = Reason(N_("A value without a unit can be compared with no other."))
            yield finding("marker_without_unit", reason, marker, variables=("unit",))
        return
    if doses.is_plausible(analyte, value, unit):
        return
    stated, own = canonical(unit, analyte), value
    if stated != row["unit"]:
        converted = convert(analyte, value, stated, row["unit"])
        own = converted.value if converted.value is not None else value
        stated = row["unit"] if converted.value is not None else stated
    judged = doses.check_biomarker(analyte, own, stated)
    if judged.answer == doses.REJECT and value >= 0:
        yield finding("marker_unit", judged.reasons[0], marker, variables=("unit", "analyte"))
    elif judged.answer != doses.OK:
        yield finding("marker_range", judged.reasons[0], marker, variables=("value", "unit"))
