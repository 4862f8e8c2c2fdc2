"""One screen a case: what is asked, the case, what is written of it; and the same live."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import make_response, render_template, request

from registry import audit, codes, web
from registry.access import Right
from registry.boards import letters
from registry.boards.actions import advice as actions
from registry.boards.actions import agenda as agenda_actions
from registry.boards.forms import advice as forms
from registry.boards.forms import meetings as meeting_forms
from registry.boards.models import AgendaItem
from registry.boards.queries import advice as queries
from registry.boards.queries import agenda, meetings, trials
from registry.boards.queries import case as cases
from registry.boards.rules import advice as rules
from registry.boards.rules import agenda as agenda_rules
from registry.boards.rules import meetings as meeting_rules
from registry.boards.rules import trials as trial_rules
from registry.boards.views.agenda import askable, quorum_of
from registry.boards.views.room import clock, room, title, when
from registry.chart import views_documents as documents
from registry.db import now
from registry.errors import Conflict, Invalid
from registry.language import gettext as _
from registry.patients.documents import queries as patient_documents
from registry.patients.documents import rules as document_rules
from registry.people import queries as people


def opened(item: AgendaItem) -> None:
    """Note that a case was looked at."""
    audit.opened(
        "opened case of board",
        by=web.viewer(),
        subject=("agenda_item", item.id),
        patient_id=item.patient_id,
    )


@room.page("/agenda/<uuid:item_id>", right=Right.BOARDS)
def case(item_id: UUID) -> Any:
    """One case on one screen."""
    item = agenda.item(web.viewer(), item_id)
    return page(item)


def page(
    item: AgendaItem,
    *,
    whole: forms.WholeForm | None = None,
    seen: int | None = None,
    clashes: Any = None,
    view: cases.CaseView | None = None,
    dissent: Any = None,
    facts: Any = None,
) -> Any:
    """The page of a case; with a form that was sent, what was typed stands in it."""
    viewer = web.viewer()
    view = view or cases.view(viewer, item)
    opened(item)
    rows = agenda.items(viewer, item.meeting)
    before, after = agenda.neighbours(item, rows)
    draft = queries.draft(item)
    writes = view.is_inside and item.meeting.state in (
        meeting_rules.UNDER_WAY, meeting_rules.HELD,
    )  # fmt: skip
    signed = queries.signed_of(item)
    if whole is None and writes and (draft is not None or signed is None):
        typed = dict(draft.draft or {}) if draft is not None else {}
        whole = forms.WholeForm(typed, trials.can_be_named(viewer))
        seen = draft.revision if draft else 0
    facts = facts or meeting_forms.CaseForm(
        stored={
            "question": item.question, "question_text": item.question_text,
            "presenter": str(item.presenter_id or ""), "images_link": item.images_link,
            "pathology_link": item.pathology_link,
        }
    )  # fmt: skip
    seated = meetings.seated(item.meeting)
    meeting_forms.offer_presenters(facts, [(one.person_id, one.name) for one in seated])
    return render_template(
        "boards/case.html",
        item=item,
        meeting=item.meeting,
        title=title(item.meeting),
        view=view,
        number=next((n for n, one in enumerate(rows, 1) if one.id == item.id), 0),
        count=len(rows),
        before=before,
        after=after,
        writes=writes,
        whole=whole if writes else None,
        seen=seen or 0,
        clashes=clashes or {},
        facts_form=facts,
        askable=askable(item) if view.is_inside else [],
        may_sign=viewer.may(Right.SIGN_BOARD) and view.is_inside,
        dissent_form=dissent or forms.DissentForm(),
        amend_form=forms.AmendForm(),
        vote_form=forms.VoteForm(stored=_own_vote(item)),
        seated=seated,
        in_session=_in_session(item),
        **_live(item),
        **words(),
    )


def _own_vote(item: AgendaItem) -> dict[str, Any]:
    mine = next((v for v in queries.votes(item) if v.person_id == web.viewer().person_id), None)
    return {"choice": mine.choice, "text": mine.text} if mine else {}


def words() -> dict[str, Any]:
    """What templates of a case say codes with."""
    return {
        "label": codes.label,
        "item_states": agenda_rules.STATES,
        "why": agenda_rules.WHY,
        "deferrals": agenda_rules.DEFERRALS,
        "disciplines": meeting_rules.DISCIPLINES,
        "choices": meeting_rules.CHOICES,
        "change_names": rules.CHANGES,
        "plans": rules.PLANS,
        "verdicts": trial_rules.VERDICTS,
        "answers": trial_rules.ANSWERS,
        "option_text": letters.option,
        "tests_text": letters.tests,
        "change_text": letters.change,
        "present_text": letters.present,
        "quorum_names": meeting_rules.QUORUM,
        "day": letters.day,
        "when": when,
        "clock": clock,
    }


@room.page("/agenda/<uuid:item_id>/facts", right=Right.PREPARE_BOARD, methods=("POST",))
def item_facts(item_id: UUID) -> Any:
    """What is asked, who presents it, where the pictures are."""
    found = agenda.item_to_write(web.viewer(), item_id)
    form = meeting_forms.CaseForm(request.form)
    expected = [(one.person_id, one.name) for one in meetings.seated(found.meeting)]
    meeting_forms.offer_presenters(form, expected)
    form.presenter.process(request.form)
    if not form.validate():
        return page(found, facts=form), 422
    try:
        agenda_actions.change(
            found,
            by=web.viewer(),
            version=web.as_number(request.form.get("version")) or 0,
            facts={
                "question": form.question.data or "",
                "question_text": form.question_text.data or "",
                "presenter_id": web.as_id(form.presenter.data),
                "images_link": form.images_link.data or "",
                "pathology_link": form.pathology_link.data or "",
            },
        )
    except Conflict as refused:  # what was typed is not lost: it stands beside what is there now
        form.question_text.errors = [refused.message]
        return page(found, facts=form), 409
    return web.go("boards.case", item_id=found.id)


@room.page("/agenda/<uuid:item_id>/documents/<uuid:document_id>", right=Right.BOARDS)
def case_document(item_id: UUID, document_id: UUID) -> Any:
    """A document of a case, to everybody who may see the case: to a guest while the meeting lasts,
    and under no name of its own."""
    viewer = web.viewer()
    item = agenda.item(viewer, item_id)
    inside = meetings.is_inside(viewer, item.meeting.organisation_id)
    found = cases.document(item, document_id, inside=inside)
    audit.opened(
        "downloaded document",
        by=viewer,
        subject=("document", found.id),
        patient_id=item.patient_id,
    )
    is_picture = document_rules.TYPES[found.media_type].is_picture
    how = "inline" if is_picture else "attachment"
    return documents.answer(found, patient_documents.pieces(found), how, named=inside)


# -- live --------------------------------------------------------------------------------------


def _live(item: AgendaItem) -> dict[str, Any]:
    """What changes while the board speaks about a case: who is there, the draft, dissent, votes,
    and what was signed."""
    draft, votes = queries.draft(item), queries.votes(item)
    names = people.person_names([draft.saved_by]) if draft else {}
    return {
        "zone": item.meeting.board.time_zone,
        "quorum": quorum_of(item.meeting),
        "draft": draft,
        "draft_by": names.get(draft.saved_by, "") if draft and draft.saved_by else "",
        "said": _as_read(draft.draft or {}) if draft else None,
        "dissents": queries.dissents(draft) if draft else [],
        "versions": [one for one in queries.versions(item) if one.locked_at is not None],
        "votes": votes,
        "silent": _silent(item, votes),
    }


def _silent(item: AgendaItem, votes: Any) -> list[str]:
    """Who is consulted in writing and has not answered yet."""
    answered = {one.person_id for one in votes}
    consulted = meetings.consulted(item.meeting)
    return [one.name for one in consulted if one.person_id not in answered]


def _as_read(typed: rules.Typed) -> dict[str, Any]:
    """A draft in the form in which what is signed is read."""
    return rules.content(typed, listed=(), dissents=(), around={})


def _in_session(item: AgendaItem) -> bool:
    one = item.meeting
    return meeting_rules.is_in_session(one.kind, one.state, one.ends_at, now())


@room.page("/agenda/<uuid:item_id>/live", right=Right.BOARDS)
def live(item_id: UUID) -> Any:
    """The changing part of a case, for who looks on: nothing where nothing changed."""
    item = agenda.item(web.viewer(), item_id, whole=False)
    mark = f"{item.meeting.revision}-{item.version}"
    if _in_session(item):
        web.attended()  # who looks on in a meeting is at work
    if request.if_none_match.contains(mark):
        answer = make_response("", 304)
        answer.set_etag(mark)
        return answer
    opened(item)
    answer = make_response(
        render_template(
            "boards/_live.html",
            item=item,
            meeting=item.meeting,
            writes=False,
            **_live(item),
            **words(),
        )
    )
    answer.set_etag(mark)
    return answer


# -- dissent and votes -------------------------------------------------------------------------


@room.page("/agenda/<uuid:item_id>/dissent", right=Right.BOARDS, methods=("POST",))
def dissent(item_id: UUID) -> Any:
    """Somebody disagrees."""
    item = agenda.item(web.viewer(), item_id)
    form = forms.DissentForm(request.form)
    if not form.validate():
        return page(item, dissent=form), 422
    inside = meetings.is_inside(web.viewer(), item.meeting.organisation_id)
    who = (form.who.data or "") if inside else ""
    try:
        actions.dissent(item, form.text.data, by=web.viewer(), who=who)
    except Conflict as refused:
        form.text.errors = [refused.message]
        return page(item, dissent=form), 409
    return web.go("boards.case", item_id=item.id, _anchor="live")


@room.page("/agenda/<uuid:item_id>/vote", right=Right.BOARDS, methods=("POST",))
def vote(item_id: UUID) -> Any:
    """Say what one thinks, in a written consultation."""
    item = agenda.item(web.viewer(), item_id)
    form = forms.VoteForm(request.form)
    try:
        if not form.validate():
            raise Invalid(_("Choose an answer."))
        actions.vote(item, form.choice.data, form.text.data or "", by=web.viewer())
    except Invalid as refused:
        web.warn(refused.message)
    return web.go("boards.case", item_id=item.id, _anchor="votes")
