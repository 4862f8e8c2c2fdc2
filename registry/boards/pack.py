"""The pack of a meeting as a PDF: the agenda, then every case with what the board needs of it."""

from __future__ import annotations

from typing import Any

from registry import codes, pdf
from registry.access import Viewer
from registry.boards.models import AgendaItem, Meeting
from registry.boards.queries import advice, agenda, meetings
from registry.boards.queries import case as cases
from registry.boards.queries.case import CaseView
from registry.boards.rules import agenda as rules
from registry.boards.rules import meetings as meeting_rules
from registry.boards.rules import trials as trial_rules
from registry.language import gettext as _

LAYOUT = "boards/pack.typ"
_LONGEST_LIST = 14


def facts(
    viewer: Viewer, found: Meeting, *, title: str, when: str, language: str, direction: str
) -> dict[str, Any]:
    """What stands in the pack of a meeting that was fetched for a viewer."""
    rows = agenda.items(viewer, found)
    items = {one.id: one for one in agenda.whole_items(found)}
    shown = [(number, items[row.id]) for number, row in enumerate(rows, start=1)]
    people = [
        f"{one.name} ({meeting_rules.DISCIPLINES[one.discipline]})"
        for one in meetings.seated(found)
    ]
    return {
        "language": language,
        "direction": direction,
        "title": title,
        "under": f"{when} · {found.organisation.name}",
        "footer": str(_("%(title)s · confidential: for members of the board", title=title)),
        "page_words": str(_("Page {page} of {pages}")),
        "agenda": {
            "columns": [str(_("No.")), str(_("Patient")), str(_("Question")), str(_("Diagnosis")),
                        str(_("Missing"))],
            "widths": [0.4, 2, 2, 3, 1],
            "rows": [_row(number, row) for number, row in enumerate(rows, start=1)],
        },
        "people_title": str(_("Expected")),
        "people": people,
        "cases": [
            _case(cases.view(viewer, item), number, len(rows), item) for number, item in shown
        ],
    }  # fmt: skip


def _row(number: int, row: agenda.ItemRow) -> list[str]:
    told = [codes.label("topography", row.site), codes.label("grade_category", row.grade)]
    return [
        str(number),
        f"{row.identity.name or row.identity.pseudonym}\n{row.identity.pseudonym}",
        codes.label("question", row.question) or str(rules.WHY[row.why]),
        ", ".join(one for one in told if one),
        str(row.missing + row.needs_open) if row.missing + row.needs_open else "–",
    ]


def _case(view: CaseView, number: int, count: int, item: AgendaItem) -> dict[str, Any]:
    born = view.identity.birth_date
    head = [[one.label, " ".join(t for t in (one.text, one.when) if t)] for one in view.facts]
    sections: list[dict[str, Any]] = []

    def add(title: Any, **what: Any) -> None:
        if any(what.values()):
            sections.append({"title": str(title), **{k: v for k, v in what.items() if v}})

    label = codes.label("question", item.question) or str(_("Question"))
    add(label, paragraphs=[item.question_text] if item.question_text else [])
    add(_("Grade and stage"), points=_standing(view))
    add(_("Course"), points=_course(view))
    add(_("Open contradictions"), points=[f"{o.what}: {o.text}" for o in view.contradictions[:6]])
    add(_("Missing"), points=[one.what for one in view.missing[:_LONGEST_LIST]])
    add(_("Asked for"), points=[_need(one) for one in item.needs if one.met_at is None])
    add(_("Options to discuss"), table=_options(view))
    add(_("Trials"), points=_trials(view))
    signed = advice.signed_of(item)
    if signed is not None and signed.content:
        add(_("Recommended"), paragraphs=[signed.content["advice_text"]])
    return {
        "above": " · ".join(
            t
            for t in (
                str(_("Case %(n)s of %(count)s", n=number, count=count)),
                view.identity.pseudonym,
                str(_("born %(date)s", date=born.iso)) if born else "",
            )
            if t
        ),
        "title": view.title,
        "facts": head,
        "sections": sections,
    }


def _standing(view: CaseView) -> list[str]:
    found = []
    for one in view.standings:
        parts = [one.title]
        if one.grade is not None:
            parts.append(str(one.grade.answer))
        stage = str(one.stage.answer) if one.stage is not None else one.stage_stated
        if stage:
            parts.append(stage)
        if one.diagnosed:
            parts.append(str(_("diagnosed %(date)s", date=one.diagnosed)))
        parts += [f"{step.text} {step.when}".strip() for step in one.spread]
        found.append(", ".join(parts))
    return found


def _course(view: CaseView) -> list[str]:
    return [
        ", ".join(t for t in (one.tag, one.names, one.period, one.given, one.best, one.ended) if t)
        for one in view.lines[:_LONGEST_LIST]
    ]


def _need(one: Any) -> str:
    who = one.person.name if one.person else one.asked_of
    return str(_("%(what)s, asked of %(who)s", what=one.what, who=who))


def _options(view: CaseView) -> dict[str, Any] | None:
    if not view.options:
        return None
    return {
        "columns": [str(_("Option")), str(_("Strength, line")), str(_("Evidence"))],
        "widths": [2, 1, 2.4],
        "rows": [
            [one.name, f"{one.strength}, {one.line}", one.evidence]
            for one in view.options[:_LONGEST_LIST]
        ],
    }


def _trials(view: CaseView) -> list[str]:
    shown = view.trials if view.trial_case.always else view.fitting
    found = []
    for one in shown:
        unknown = [str(h.label) for h in one.held if h.verdict == trial_rules.UNKNOWN]
        failed = [str(h.label) for h in one.held if h.verdict == trial_rules.NOT_MET]
        text = f"{one.code} {one.title}: {trial_rules.ANSWERS[one.answer]}"
        if failed:
            text += str(_(" – not met: %(what)s", what=", ".join(failed)))
        elif unknown:
            text += str(_(" – not known: %(what)s", what=", ".join(unknown)))
        found.append(text)
    return found


def as_pdf(found: dict[str, Any]) -> bytes:
    """The pack as a PDF."""
    return pdf.pages(LAYOUT, found)
