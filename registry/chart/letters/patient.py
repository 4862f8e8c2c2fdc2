"""The letter for the patient: what you have, what was done, what comes next, whom to call."""

from __future__ import annotations

from typing import Any

from flask_babel import format_date

from registry import codes
from registry.chart.letters import plain
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
from registry.clinical import sites
from registry.course import wording
from registry.course.queries import date_of, in_order
from registry.dates import PartialDate
from registry.errors import Invalid
from registry.language import gettext as _

#: Signs for which nobody should wait.
_WHEN_TO_CALL = (
    lambda: _("You feel much worse than usual, or you have strong pain."),
    lambda: _("You have a fever after a treatment."),
    lambda: _("You cannot keep food or drink down, or your stools are very loose for days."),
    lambda: _("Something new worries you, or you are not sure about a medicine."),
)


def body(source: Source) -> Body:
    """The letter, as the record gives it. Raises Invalid for a patient who has died."""
    if source.record.has_died:
        raise Invalid(_("The patient has died. No letter to the patient is written."))
    sections = (
        _what_you_have(source),
        _what_was_done(source),
        _how_it_is(source),
        _what_is_next(source),
        _after_treatment(source),
        _help_asked(source),
        _whom_to_call(source),
        _support(source),
    )
    name = source.patient.reveal("given_names") + " " + source.patient.reveal("family_name")
    return Body(
        title=str(_("Your illness and your treatment")),
        about_label=str(_("About you")),
        about=_about(source),
        greeting=str(_("Dear %(name)s,", name=name.strip() or source.patient.pseudonym)),
        intro=[
            str(
                _(
                    "This letter is for you. It sums up what we know about your illness, what was "
                    "done and what comes next. Keep it. Show it to other doctors you see. If "
                    "something is not clear or not right, please tell us."
                )
            )
        ],
        sections=[one for one in sections if not one.is_empty],
        closing=[str(_("With kind regards,"))],
        running=source.patient.pseudonym,
        note_title=str(_("A word from your doctor")),
        size=10.5,
        call_in=str(_("When to call us")),
    )


def _about(source: Source) -> list[list[str]]:
    found = [
        [str(_("Name")), source.identity.name or source.patient.pseudonym],
        [str(_("Born")), wording.date(source.identity.birth_date)],
        [str(_("Hospital number")), source.hospital_number],
    ]
    return [pair for pair in found if pair[1]]


# -- what you have -----------------------------------------------------------------------------


def _what_you_have(source: Source) -> Section:
    tumours = source.record.tumours
    if not tumours:
        return section(_("What you have"))
    said: list[str] = []
    explained: set[str] = set()
    for one in tumours:
        said += _of_tumour(source, one, explained)
    return section(_("What you have"), paragraphs=said)


def _of_tumour(source: Source, tumour: Any, explained: set[str]) -> list[str]:
    """The paragraphs on one tumour; what was `explained` before is not explained again."""
    reports = source.record.of_tumour("pathology", tumour.id)
    report = next((one for one in reversed(reports) if one.grade_stated or one.derived_grade), None)
    kind = plain.kind_of(report.derived_category if report else "")
    another = _("You have another tumour that began by itself.") if explained else ""
    first = [
        another,
        plain.KINDS[kind] if kind not in explained else "",
        _began(tumour),
        _found(tumour),
    ]
    grade = _grade(report) if kind == "NET" else ""
    if grade:
        grade = joined([plain.GRADE if "grade" not in explained else "", grade], " ")
        explained.add("grade")
    explained.add(kind)
    second = [grade, _spread(source, tumour)]
    return [text for text in (joined(first, " "), joined(second, " "), _hormones(tumour)) if text]


def _began(tumour: Any) -> str:
    if not tumour.primary_site:
        return ""
    group = sites.triage_group(tumour.primary_site)
    if group == sites.UNKNOWN_GROUP:
        return str(plain.SITE_UNKNOWN)
    place = plain.SITES.get(group)
    if place is None:
        place = codes.label("topography", tumour.primary_site)
    return str(_("It began in %(place)s.", place=place))


def _found(tumour: Any) -> str:
    dated = date_of(tumour)
    return str(_("It was found in %(date)s.", date=_month(dated))) if dated else ""


def _month(dated: PartialDate) -> str:
    """The month, which is what people remember."""
    pattern = "yyyy" if dated.precision == "year" else "MMMM yyyy"
    return str(format_date(dated.earliest, pattern))


def _grade(report: Any) -> str:
    """The grade; where the report and the rule differ, that it is being checked."""
    if report is None:
        return ""
    beside = wording.beside_of(report)
    if beside is not None and beside.differs:
        return str(plain.GRADE_OPEN)
    stated = (report.grade_stated or "").removeprefix("G")
    return str(plain.GRADES.get(stated) or plain.GRADES.get(report.derived_grade or "") or "")


def _spread(source: Source, tumour: Any) -> str:
    entries = source.record.of_tumour("metastasis", tumour.id)
    found = [one.site for one in entries if one.resolved_date is None and one.site]
    if not entries:
        found = list(tumour.metastatic_sites or [])
    places = dict.fromkeys(str(plain.SPREAD.get(code, plain.SPREAD_OTHER)) for code in found)
    if not places:
        return ""
    return str(_("It has also been found in: %(places)s.", places=", ".join(places)))


def _hormones(tumour: Any) -> str:
    if tumour.functioning != "yes":
        return ""
    return str(plain.SYNDROMES.get(tumour.syndrome or "", plain.SYNDROME_OTHER))


# -- what was done -----------------------------------------------------------------------------


def _what_was_done(source: Source) -> Section:
    rows = [
        [_period(one), joined(_treatment(source, one), "\n")]
        for one in in_order(source.record.therapies)
        if one.therapy_class in plain.THERAPIES
    ]
    if not rows:
        text = str(_("You have had no treatment so far, or we do not know of it."))
        return section(_("What was done"), paragraphs=[text])
    columns = [str(_("When")), str(_("What"))]
    return section(_("What was done"), table=Table(columns, [1, 2.6], rows))


def _period(therapy: Any) -> str:
    start = wording.date(therapy.start) or str(_("Date not known"))
    if is_on_a_day(therapy):
        return start
    if therapy.stop:
        return str(_("%(from)s to %(until)s", **{"from": start, "until": _until(therapy)}))
    return str(_("since %(date)s", date=start)) if is_running(therapy) else start


def _until(therapy: Any) -> str:
    return wording.date(therapy.stop)


def _treatment(source: Source, therapy: Any) -> list[str]:
    """Name with the medicine, what it does, how often, why it ended. The names of operations
    and the like are doctors' words: they are left out."""
    called, does = plain.THERAPIES[therapy.therapy_class]
    name = wording.value("therapy", "agent", therapy.agent) or therapy.agent_stated or ""
    name = "" if is_on_a_day(therapy) else name
    given = sum(1 for one in source.record.of("cycle") if one.therapy_id == therapy.id)
    count = max(given, int(therapy.cycles or 0))
    times = str(_("You had it %(n)s times.", n=count)) if count > 1 else ""
    ended = "" if is_running(therapy) else plain.ENDED.get(therapy.stop_reason or "", "")
    return [f"{called}: {name}" if name else str(called), joined([does, times, ended], " ")]


# -- now and next ------------------------------------------------------------------------------


def _how_it_is(source: Source) -> Section:
    seen = latest(source.record.of("follow_up"), "disease_status")
    said = []
    if seen is not None and seen.disease_status in plain.STATUS:
        status, dated = plain.STATUS[seen.disease_status], date_of(seen)
        said.append(
            str(_("When you were seen in %(date)s, %(status)s.", date=_month(dated), status=status))
            if dated
            else str(_("When you were last seen, %(status)s.", status=status))
        )
    running = [
        str(plain.THERAPIES[one.therapy_class][0])
        for one in source.record.therapies
        if is_running(one) and one.therapy_class in plain.THERAPIES
    ]
    if running:
        names = ", ".join(dict.fromkeys(running))
        said.append(str(_("Your treatment now: %(names)s.", names=names)))
    return section(_("How it is now"), paragraphs=said)


def _what_is_next(source: Source) -> Section:
    rows = [
        [str(plain.TESTS[one.test]), _about_when(one)]
        for one in source.due
        if one.test in plain.TESTS
    ]
    if not rows:
        text = str(_("Your doctor will tell you when the next visit is."))
        return section(_("What comes next"), paragraphs=[text])
    after = _(
        "These times are a guide. Your doctors may choose others that suit you better. If you "
        "have no date yet, ask us."
    )
    table = Table([str(_("What")), str(_("When"))], [2.6, 1], rows)
    return section(_("What comes next"), table=table, after=[str(after)])


def _about_when(due: Any) -> str:
    if due.due_by is None or due.overdue:
        return str(_("soon"))
    return str(_("by %(month)s", month=format_date(due.due_by, "MMMM yyyy")))


# -- living with it ----------------------------------------------------------------------------


def _after_treatment(source: Source) -> Section:
    items = [
        str(plain.EFFECTS[one.code])
        for one in source.survivorship.effects
        if one.code in plain.EFFECTS
    ]
    if not items:
        return section(_("What can stay after treatment"))
    text = str(_("You have told us of these, or we found them. Talk with us about what helps."))
    return section(_("What can stay after treatment"), paragraphs=[text], points=items)


def _help_asked(source: Source) -> Section:
    items = [
        str(plain.NEEDS[one.code]) for one in source.survivorship.needs if one.code in plain.NEEDS
    ]
    if not items:
        return section(_("What you would like help with"))
    text = str(_("You told us that you would like help with this. We have not forgotten it."))
    return section(_("What you would like help with"), paragraphs=[text], points=items)


def _whom_to_call(source: Source) -> Section:
    return section(
        _("When to call us"),
        points=[str(text()) for text in _WHEN_TO_CALL],
        after=[str(_("If your life may be in danger, call the emergency number of your country."))],
    )


def _support(source: Source) -> Section:
    rows = [
        [
            joined([one.name, one.what_for], "\n"),
            joined([one.telephone, one.email, one.website.removeprefix("https://")], "\n"),
            one.languages,
        ]
        for one in source.survivorship.contacts
    ]
    if not rows:
        return section(_("Who else can help"))
    columns = [str(_("Name")), str(_("How to reach them")), str(_("Languages"))]
    text = str(
        _(
            "These groups are there for people with this illness and their families. They are not "
            "part of our hospital."
        )
    )
    table = Table(columns, [2, 1.6, 1], rows)
    return section(_("Who else can help"), paragraphs=[text], table=table)
