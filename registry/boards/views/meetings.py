"""Boards and meetings: the list, their forms, who is invited, who is there."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from flask import Response, current_app, render_template, request

from registry import audit, web
from registry.access import Right
from registry.boards import pack as packs
from registry.boards.actions import meetings as actions
from registry.boards.forms import meetings as forms
from registry.boards.models import Board, Meeting
from registry.boards.queries import agenda, delivery
from registry.boards.queries import meetings as queries
from registry.boards.rules import meetings as rules
from registry.boards.views import calendar
from registry.boards.views.room import invalid, room, when
from registry.db import now
from registry.errors import Invalid, NotFound
from registry.language import gettext as _
from registry.people import queries as people
from registry.people.models import Person


@room.page("/boards", right=Right.BOARDS)
def index() -> Any:
    """The next meetings, those that were, and what is to be done."""
    viewer = web.viewer()
    inside = viewer.may(Right.PREPARE_BOARD)
    letters = delivery.open_letters(viewer) if inside else []
    feed = queries.feed_of(viewer)
    return render_template(
        "boards/index.html",
        coming=queries.meetings(viewer),
        past=queries.meetings(viewer, past=True, limit=12),
        boards=queries.boards(viewer),
        inside=inside,
        open_letters=len(letters),
        overdue=sum(one.days_left < 0 for one in letters),
        asked=sum(one.met_at is None for one in agenda.asked_of(viewer)) if inside else 0,
        feed=feed,
        feed_address=calendar.address(feed) if feed else "",
        states=rules.STATES,
        kinds=rules.KINDS,
        when=when,
    )


# -- boards ------------------------------------------------------------------------------------


@room.page("/boards/new", right=Right.PREPARE_BOARD, methods=("GET", "POST"))
def new_board() -> Any:
    """A board of one's centre."""
    viewer = web.viewer()
    place = people.organisation_by_id(viewer.organisation_id)
    weekday = str(place.board_weekday if place.board_weekday is not None else 0)
    stored = {
        "cross_centre": "no", "every_weeks": "1", "weekday": weekday, "starts": "08:30",
        "minutes": Decimal(60), "time_zone": place.time_zone,
        "capacity": Decimal(place.weekly_capacity or 10), "cutoff_hours": Decimal(24),
        "quorum": list(rules.USUAL_QUORUM), "two_signatures": "no", "active": "yes",
    }  # fmt: skip
    if request.method == "GET":
        return _board_page(forms.BoardForm(stored=stored))
    form = forms.BoardForm(request.form)
    if not form.validate():
        return _board_page(form), 422
    made = actions.add_board(by=viewer, facts=form.told())
    web.done(_("The board is set up. Say who sits on it."))
    return web.go("boards.board", board_id=made.id)


def _board_page(form: Any, found: Board | None = None, seat: Any = None) -> str:
    seat = seat or forms.SeatForm()
    if found is not None:
        viewer = web.viewer()
        forms.offer_people(seat, queries.can_be_asked(viewer, elsewhere=found.cross_centre))
    return render_template(
        "boards/board.html",
        form=form,
        board=found,
        seat=seat,
        members=queries.members(found) if found else [],
        disciplines=rules.DISCIPLINES,
    )


@room.page("/boards/<uuid:board_id>", right=Right.PREPARE_BOARD, methods=("GET", "POST"))
def board(board_id: UUID) -> Any:
    """Change a board, and see who sits on it."""
    found = queries.board(web.viewer(), board_id)
    if request.method == "GET":
        return _board_page(forms.BoardForm(stored=forms.stored_board(found)), found)
    form = forms.BoardForm(request.form)
    if not form.validate():
        return _board_page(form, found), 422
    version = web.as_number(request.form.get("version")) or 0
    actions.change_board(found, by=web.viewer(), version=version, facts=form.told())
    web.done(_("The board was changed."))
    return web.go("boards.board", board_id=found.id)


@room.page("/boards/<uuid:board_id>/members", right=Right.PREPARE_BOARD, methods=("POST",))
def seat(board_id: UUID) -> Any:
    """Put somebody on a board, or take somebody off."""
    found, viewer = queries.board(web.viewer(), board_id), web.viewer()
    gone = web.as_id(request.form.get("gone"))
    if gone is not None:
        actions.unseat(found, gone, by=viewer)
        return web.go("boards.board", board_id=found.id, _anchor="members")
    form = forms.SeatForm(request.form)
    offered = queries.can_be_asked(viewer, elsewhere=found.cross_centre)
    forms.offer_people(form, offered)
    form.person.process(request.form)
    if not form.validate():
        return _board_page(forms.BoardForm(stored=forms.stored_board(found)), found, form), 422
    actions.seat(found, _person(offered, form.person.data), form.discipline.data, by=viewer)
    return web.go("boards.board", board_id=found.id, _anchor="members")


def _person(offered: Any, chosen: str) -> Person:
    found: Person = next(person for person, _place in offered if str(person.id) == chosen)
    return found


@room.page("/boards/<uuid:board_id>/meetings", right=Right.PREPARE_BOARD, methods=("GET", "POST"))
def new_meeting(board_id: UUID) -> Any:
    """A single date of a board."""
    found = queries.board(web.viewer(), board_id)
    stored = {
        "starts": found.starts, "minutes": Decimal(found.minutes),
        "capacity": Decimal(found.capacity), "video_link": found.video_link,
    }  # fmt: skip
    if request.method == "GET":
        return _meeting_page(forms.MeetingForm(stored=stored), found)
    form = forms.MeetingForm(request.form)
    if not form.validate():
        return _meeting_page(form, found), 422
    try:
        made = actions.plan(
            found,
            by=web.viewer(),
            starts_at=form.moment(found.time_zone),
            minutes=int(form.minutes.data),
            capacity=int(form.capacity.data),
            video_link=form.video_link.data or "",
        )
    except Invalid as refused:
        invalid(form, refused, "day")
        return _meeting_page(form, found), 422
    web.done(_("The meeting stands in the calendar."))
    return web.go("boards.meeting", meeting_id=made.id)


@room.page("/boards/<uuid:board_id>/written", right=Right.PREPARE_BOARD, methods=("GET", "POST"))
def new_written(board_id: UUID) -> Any:
    """A written consultation: cases, invited experts, a last day for their answers."""
    found = queries.board(web.viewer(), board_id)
    if request.method == "GET":
        return _meeting_page(forms.WrittenForm(), found, written=True)
    form = forms.WrittenForm(request.form)
    if not form.validate():
        return _meeting_page(form, found, written=True), 422
    try:
        until = rules.moment_of(form.day.data.earliest, "23:59", found.time_zone)
        made = actions.plan(
            found, by=web.viewer(), starts_at=now(), kind=rules.WRITTEN, ends_at=until
        )
    except Invalid as refused:
        invalid(form, refused, "day")
        return _meeting_page(form, found, written=True), 422
    actions.begin(made, by=web.viewer())
    web.done(_("Put the cases on it and invite the experts."))
    return web.go("boards.meeting", meeting_id=made.id)


def _meeting_page(
    form: Any, found: Board, *, meeting: Meeting | None = None, written: bool = False
) -> str:
    return render_template(
        "boards/meeting_form.html", form=form, board=found, meeting=meeting, written=written
    )


# -- one meeting -------------------------------------------------------------------------------


@room.page("/meetings/<uuid:meeting_id>/edit", right=Right.PREPARE_BOARD, methods=("GET", "POST"))
def edit_meeting(meeting_id: UUID) -> Any:
    """Another date, another link; or it does not take place."""
    found, viewer = queries.meeting_to_write(web.viewer(), meeting_id), web.viewer()
    if request.method == "GET":
        form = forms.MeetingForm(stored=forms.stored_meeting(found))
        return _meeting_page(form, found.board, meeting=found)
    if request.form.get("do") == "cancel":
        actions.cancel(found, by=viewer, because=request.form.get("because", ""))
        web.done(_("The meeting is cancelled. Its cases can be carried over to the next one."))
        return web.go("boards.index")
    form = forms.MeetingForm(request.form)
    if not form.validate():
        return _meeting_page(form, found.board, meeting=found), 422
    try:
        actions.move(
            found,
            by=viewer,
            version=web.as_number(request.form.get("version")) or 0,
            starts_at=form.moment(found.board.time_zone),
            minutes=int(form.minutes.data),
            capacity=int(form.capacity.data),
            video_link=form.video_link.data or "",
        )
    except Invalid as refused:
        invalid(form, refused, "day")
        return _meeting_page(form, found.board, meeting=found), 422
    web.done(_("The meeting was changed."))
    return web.go("boards.meeting", meeting_id=found.id)


@room.page("/meetings/<uuid:meeting_id>/state", right=Right.PREPARE_BOARD, methods=("POST",))
def state(meeting_id: UUID) -> Any:
    """Open a meeting, or close it."""
    found, viewer = queries.meeting_to_write(web.viewer(), meeting_id), web.viewer()
    if request.form.get("do") == "close":
        actions.close(found, by=viewer)
    else:
        actions.begin(found, by=viewer)
    return web.go("boards.meeting", meeting_id=found.id)


@room.page("/meetings/<uuid:meeting_id>/guests", right=Right.PREPARE_BOARD, methods=("POST",))
def invite(meeting_id: UUID) -> Any:
    """Invite a guest to this meeting, or take the invitation back."""
    found, viewer = queries.meeting_to_write(web.viewer(), meeting_id), web.viewer()
    gone = web.as_id(request.form.get("gone"))
    if gone is not None:
        actions.uninvite(found, gone, by=viewer)
        return web.go("boards.meeting", meeting_id=found.id, _anchor="people")
    form = forms.SeatForm(request.form)
    offered = queries.can_be_asked(viewer, elsewhere=True)
    forms.offer_people(form, offered)
    form.person.process(request.form)
    if not form.validate():
        web.warn(_("Choose the person and the discipline."))
        return web.go("boards.meeting", meeting_id=found.id, _anchor="people")
    actions.invite(found, _person(offered, form.person.data), form.discipline.data, by=viewer)
    web.done(_("The guest is invited and sees this agenda while the meeting lasts."))
    return web.go("boards.meeting", meeting_id=found.id, _anchor="people")


@room.page("/meetings/<uuid:meeting_id>/attendance", right=Right.BOARDS, methods=("POST",))
def attendance(meeting_id: UUID) -> Any:
    """Who is there: noted by the centre for anybody, or by oneself."""
    found, viewer = queries.meeting(web.viewer(), meeting_id), web.viewer()
    who = web.as_id(request.form.get("person")) or viewer.person_id
    inside = queries.is_inside(viewer, found.organisation_id)
    seated = {one.person_id: one for one in queries.seated(found)}
    expected = seated.get(who) if who else None
    if who is None or (expected is None and not inside) or not (inside or who == viewer.person_id):
        raise NotFound()
    _note(found, who, expected.discipline if expected else rules.COORDINATION)
    back = web.as_id(request.form.get("back"))
    if back is not None:
        return web.go("boards.case", item_id=back, _anchor="people")
    return web.go("boards.meeting", meeting_id=found.id, _anchor="people")


def _note(found: Meeting, who: UUID, discipline: str) -> None:
    viewer, do = web.viewer(), request.form.get("do", "")
    if do == "left":
        actions.leave(found, who, by=viewer)
    elif do == "never":
        actions.never_came(found, who, by=viewer)
    else:
        person = queries.person(who)
        said = request.form.get("discipline") or discipline
        actions.arrive(found, person, said, by=viewer)


@room.page("/meetings/<uuid:meeting_id>/pack.pdf", right=Right.PREPARE_BOARD)
def pack(meeting_id: UUID) -> Any:
    """The agenda and every case as one PDF."""
    viewer = web.viewer()
    found = queries.meeting_to_write(viewer, meeting_id)
    globals_ = current_app.jinja_env.globals
    made = packs.facts(
        viewer,
        found,
        title=found.board.name,
        when=when(found.starts_at, found.board.time_zone),
        language=str(globals_["page_language"]()),  # type: ignore[operator]
        direction=str(globals_["page_direction"]()),  # type: ignore[operator]
    )
    about = [(found.id, one.patient_id) for one in agenda.items(viewer, found)]
    audit.listed("opened pack", "meeting", about, by=viewer)
    name = f"board-{found.starts_at:%Y-%m-%d}.pdf"
    return Response(
        packs.as_pdf(made),
        mimetype="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
