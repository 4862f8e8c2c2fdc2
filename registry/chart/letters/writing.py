"""A letter as a whole: what the record gives, what the writer adds, when and by whom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

from registry import codes, pdf
from registry.chart.letters import doctor, parts, patient
from registry.chart.letters.parts import Added, Body
from registry.chart.letters.source import Source
from registry.language import gettext as _
from registry.patients.documents import rules
from registry.people.models import Organisation

LAYOUT = "letters/letter.typ"

#: Kind of document → what the record gives of such a letter.
BODIES = {rules.SUMMARY_LETTER: doctor.body, rules.PATIENT_LETTER: patient.body}


def proposed(source: Source, kind: str) -> Added:
    """What the writer is offered to begin with: to whom, and the number to call."""
    recipient = ""
    if kind == rules.SUMMARY_LETTER:
        recipient = "\n".join(_address(place) for place in source.hospitals[:1])
    return Added(recipient=recipient, telephone=source.centre.emergency_telephone)


def _address(place: Organisation) -> str:
    return "\n".join(parts.lines(f"{place.name}\n{place.city}"))


def facts(
    source: Source,
    body: Body,
    added: Added,
    *,
    language: str,
    direction: str,
    day: str,
    moment: str,
    draft: bool,
) -> dict[str, Any]:
    """Everything that stands on the letter, for its page and its PDF alike.

    `day` and `moment` say when it is written, in the reader's words and zone.
    """
    centre = source.centre
    telephone = [str(_("Telephone %(number)s", number=added.telephone))] if added.telephone else []
    place = parts.joined([centre.city, codes.label("country", centre.country)], ", ")
    return {
        "language": language,
        "direction": direction,
        "size": body.size,
        "title": body.title,
        "letterhead": {"name": centre.name, "lines": [*([place] if place else []), *telephone]},
        "product": str(_("NET Registry")),
        "draft": str(_("Draft, not kept")) if draft else "",
        "recipient_label": str(_("To")),
        "recipient": parts.lines(added.recipient),
        "about_label": body.about_label,
        "about": body.about,
        "dated": day,
        "greeting": body.greeting,
        "intro": body.intro,
        "note_title": body.note_title,
        "note": parts.paragraphs(added.note),
        "sections": [_section(_with_number(one, body, added, centre)) for one in body.sections],
        "closing": body.closing,
        "signature": [source.viewer.name, source.own.name],
        "running": body.running,
        "page_words": str(_("Page {page} of {pages}")),
        "state": str(
            _(
                "Written %(when)s from the record as it then was, mark %(mark)s",
                when=moment,
                mark=body.mark,
            )
        ),
    }


def _with_number(
    one: parts.Section, body: Body, added: Added, centre: Organisation
) -> parts.Section:
    """The section on whom to call, with the number to call."""
    if one.title != body.call_in or not added.telephone:
        return one
    text = _("Call %(place)s on %(number)s if:", place=centre.name, number=added.telephone)
    return replace(one, paragraphs=[str(text)])


def _section(one: parts.Section) -> dict[str, Any]:
    return {name: value for name, value in asdict(one).items() if value}


def as_pdf(letter: dict[str, Any]) -> bytes:
    """The letter as a PDF: the same facts are the same bytes."""
    return pdf.pages(LAYOUT, letter)


def unprintable(letter: dict[str, Any]) -> str:
    """The letters of words on it that no font of ours has."""
    return pdf.without_letters(_texts(letter))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
