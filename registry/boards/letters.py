"""What was signed, in words: the advice on the referral, and the letters to doctors and patient.

A letter is the same facts on its page and in its PDF. Nothing of it is kept apart from what was
signed: it is made from that each time, so that all copies say the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from registry import codes, pdf
from registry.boards.models import Recommendation
from registry.boards.rules import delivery as rules
from registry.boards.rules import meetings as meeting_rules
from registry.boards.rules.advice import CHANGES
from registry.chart.letters.parts import lines, paragraphs
from registry.course import wording
from registry.dates import PartialDate
from registry.language import gettext as _
from registry.patients.queries import Identity
from registry.people.models import Organisation

LAYOUT = "letters/letter.typ"


def day(iso: str) -> str:
    """A day given as ISO, as it is read; empty for none."""
    return wording.date(PartialDate(iso)) if iso else ""


def option(one: Mapping[str, str]) -> str:
    """One option in a line."""
    parts = [codes.label("advice_kind", one.get("kind"))]
    if one.get("agent"):
        parts.append(codes.label("therapy", one["agent"]))
    text = ": ".join(part for part in parts if part)
    more = []
    if one.get("intent"):
        more.append(codes.label("therapy_intent", one["intent"]))
    if one.get("trial"):
        more.append(str(_("trial %(code)s", code=one["trial"])))
    if one.get("off_label") == "yes":
        more.append(str(_("off label")))
    if more:
        text += f" ({', '.join(more)})"
    if one.get("condition"):
        text = str(_("%(what)s, only if: %(condition)s", what=text, condition=one["condition"]))
    if one.get("note"):
        text += f". {one['note']}"
    if one.get("evidence"):
        text = str(_("%(what)s. Evidence: %(evidence)s", what=text, evidence=one["evidence"]))
    return text


def advice_text(said: Mapping[str, Any]) -> str:
    """What the referrer reads as the advice: `said` is what is about to be signed."""
    parts = [str(said.get("answer") or said.get("summary") or "")]
    parts += [
        f"{number}. {option(one)}" for number, one in enumerate(said.get("options", ()), start=1)
    ]
    if said.get("tests"):
        parts.append(str(_("Further tests: %(tests)s", tests=tests(said))))
    if said.get("responsible"):
        parts.append(str(_("Who sees to it: %(who)s", who=said["responsible"])))
    if said.get("review_date"):
        parts.append(str(_("Back in the board on %(day)s", day=day(said["review_date"]))))
    return "\n".join(part for part in parts if part)


def tests(said: Mapping[str, Any]) -> str:
    """The further tests, in one line."""
    return ", ".join(codes.label("advice_kind", one) for one in said.get("tests", ()))


def change(one: Mapping[str, str]) -> str:
    """What the board found otherwise, in a line."""
    lists = {
        "grade": ("grade_category", "grade_stated"),
        "stage": ("stage_group", "stage_group"),
        "type": ("tumour_type", "tumour_type"),
        "site": ("topography", "topography"),
    }
    before, after = lists[one["what"]]
    was = one.get("from", "")
    if was and not codes.known(before, was):
        before = after
    return str(
        _(
            "from %(before)s to %(after)s (%(kind)s): %(why)s",
            before=codes.label(before, was) or _("not recorded"),
            after=codes.label(after, one["to"]),
            kind=codes.label("change_kind", one["kind"]),
            why=one["why"],
        )
    )


def present(said: Mapping[str, Any]) -> str:
    """Who was there, with their disciplines."""
    return ", ".join(
        f"{one['who']} ({meeting_rules.DISCIPLINES[one['discipline']]})"
        for one in said.get("present", ())
    )


def facts(
    found: Recommendation,
    recipient: str,
    *,
    identity: Identity,
    centre: Organisation,
    to: str,
    language: str,
    direction: str,
    signed: str,
) -> dict[str, Any]:
    """Everything that stands on a letter. `signed`: when, in the reader's words."""
    said: dict[str, Any] = found.content or {}
    is_patient = recipient == rules.PATIENT
    place = ", ".join(t for t in (centre.city, codes.label("country", centre.country)) if t)
    names = [one.person.name for one in found.signatures]
    title = _("What the tumour board thinks") if is_patient else _("Recommendation of the board")
    return {
        "language": language,
        "direction": direction,
        "size": 11 if is_patient else 9.5,
        "tight": not is_patient,
        "title": str(title),
        "letterhead": {"name": centre.name, "lines": [place, *_telephone(centre)]},
        "product": str(_("NET Registry")),
        "draft": "",
        "recipient_label": str(_("To")),
        "recipient": [] if is_patient else lines(to),
        "about_label": str(_("About")),
        "about": _about(identity, said, is_patient=is_patient),
        "dated": signed,
        "greeting": str(_("Dear patient,") if is_patient else _("Dear colleague,")),
        "intro": _intro(said, is_patient=is_patient),
        "note_title": "",
        "note": [],
        "sections": _plain(said, centre) if is_patient else _sections(found, said),
        "closing": [str(_("With kind regards"))],
        "signature": [*names, centre.name],
        "running": identity.pseudonym,
        "page_words": str(_("Page {page} of {pages}")),
        "state": str(
            _(
                "Version %(n)s, signed %(when)s, mark %(mark)s",
                n=found.number,
                when=signed,
                mark=f"{found.sha256[:4]}-{found.sha256[4:8]}",
            )
        ),
    }


def _telephone(centre: Organisation) -> list[str]:
    number = centre.emergency_telephone
    return [str(_("Telephone %(number)s", number=number))] if number else []


def _about(identity: Identity, said: Mapping[str, Any], *, is_patient: bool) -> list[list[str]]:
    found = [[str(_("Patient")), identity.name or identity.pseudonym]]
    if identity.birth_date:
        found.append([str(_("Born")), wording.date(identity.birth_date)])
    found.append([str(_("Board")), said["meeting"]["board"]])
    found.append([str(_("Discussed on")), day(said["meeting"]["day"])])
    case = said["case"]
    if not is_patient:
        grade = codes.label(
            "grade_category" if codes.known("grade_category", case["grade"]) else "grade_stated",
            case["grade"],
        )
        told = [codes.label("topography", case["site"]), grade,
                codes.label("stage_group", case["stage"])]  # fmt: skip
        found.append([str(_("Diagnosis")), ", ".join(one for one in told if one)])
    return found


def _intro(said: Mapping[str, Any], *, is_patient: bool) -> list[str]:
    if is_patient:
        text = _(
            "Doctors of several fields spoke about your illness on %(day)s. This letter tells you "
            "in plain words what they think. Your own doctor speaks with you about it.",
            day=day(said["meeting"]["day"]),
        )
        return [str(text)]
    return [
        str(
            _(
                "Thank you for your question. The board discussed the case on %(day)s and "
                "recommends the following. The decision is taken by the patient with you.",
                day=day(said["meeting"]["day"]),
            )
        )
    ]


def _plain(said: Mapping[str, Any], centre: Organisation) -> list[dict[str, Any]]:
    found = [{"title": str(_("What the doctors think")), "paragraphs": paragraphs(said["plain"])}]
    following = []
    if said["responsible"]:
        following.append(str(_("This person sees to it: %(who)s", who=said["responsible"])))
    if said["review_date"]:
        text = _("The doctors speak about you again on %(day)s.", day=day(said["review_date"]))
        following.append(str(text))
    if following:
        found.append({"title": str(_("What comes next")), "points": following})
    ask = [str(_("Ask your doctor whatever you did not understand. You decide with your doctor."))]
    if centre.emergency_telephone:
        text = _("In an emergency call %(place)s on %(number)s.", place=centre.name,
                 number=centre.emergency_telephone)  # fmt: skip
        ask.append(str(text))
    found.append({"title": str(_("If you have questions")), "points": ask})
    return found


def _sections(found: Recommendation, said: Mapping[str, Any]) -> list[dict[str, Any]]:
    sections: list[dict[str, Any]] = []

    def add(title: Any, **what: Any) -> None:
        if any(what.values()):
            sections.append({"title": str(title), **{k: v for k, v in what.items() if v}})

    if found.number > 1:
        add(_("This amends an earlier version"), paragraphs=[found.amended_because])
    asked = [codes.label("question", said["question"]), said["question_text"]]
    add(_("Question"), paragraphs=[one for one in asked if one])
    add(_("Answer"), paragraphs=paragraphs(said["answer"]))
    add(
        _("Recommended, in this order"),
        paragraphs=[f"{n}. {option(one)}" for n, one in enumerate(said["options"], start=1)],
    )
    add(_("Further tests"), paragraphs=[tests(said)] if said["tests"] else [])
    next_ = [[str(_("Who sees to it")), said["responsible"]]]
    if said["review_date"]:
        next_.append([str(_("Back in the board on")), day(said["review_date"])])
    add(_("What comes next"), facts=next_)
    add(_("Discussion"), paragraphs=paragraphs(said["summary"]))
    add(_("Not among the listed options because"), paragraphs=paragraphs(said["against_because"]))
    add(_("Found otherwise by the board"), points=[_changed(one) for one in said["changes"]])
    add(_("Dissent"), points=[f"{one['who']}: {one['text']}" for one in said["dissents"]])
    add(_("Present"), paragraphs=[present(said)] if said["present"] else [])
    if said["not_present"]:
        missing = ", ".join(str(meeting_rules.QUORUM[one]) for one in said["not_present"])
        add(_("Without"), paragraphs=[str(_("No quorum: %(missing)s", missing=missing))])
    return sections


def _changed(one: Mapping[str, str]) -> str:
    return f"{CHANGES[one['what']]}: {change(one)}"


def as_pdf(letter: dict[str, Any]) -> bytes:
    """The letter as a PDF: the same facts are the same bytes."""
    return pdf.pages(LAYOUT, letter)
