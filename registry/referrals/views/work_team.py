"""Many cases at once: one step with several of them, the team's load, and handing over."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import render_template, request

from registry import web
from registry.access import Right
from registry.errors import Invalid
from registry.language import gettext as _
from registry.referrals import actions, queries, rules
from registry.referrals.rules import worklist as known
from registry.referrals.views.lists import day
from registry.referrals.views.room import room
from registry.referrals.views.worklist import upto


def _cases() -> list[tuple[UUID, int]]:
    """What was chosen: id and version of each, as the boxes of the list say it."""
    found = []
    for said in request.form.getlist("case")[: known.MOST_AT_ONCE + 1]:
        name, _mark, version = said.partition("_")
        case_id, number = web.as_id(name), web.as_number(version)
        if case_id and number is not None:
            found.append((case_id, number))
    return found


@room.page("/worklist/several", right=Right.TRIAGE, methods=("POST",))
def several() -> Any:
    """Take one step with each case that was chosen, and say what became of each."""
    step = request.form.get("step", "")
    needs: dict[str, Any] = {}
    if step == "assign":
        needs["assignee_id"] = web.as_id(request.form.get("assignee"))
    elif step == "request_information":
        needs["text"] = request.form.get("request", "")[:4000]
    try:
        results = actions.take_many(step, _cases(), by=web.viewer(), **needs)
    except Invalid as refused:
        return _outcome([], step, refused.message), 422
    return _outcome(results, step)


def _outcome(results: list[actions.Result], step: str, problem: str = "") -> str:
    return render_template(
        "referrals/several.html",
        results=results,
        problem=problem,
        done=sum(one.done for one in results),
        what=rules.STEP_LABELS.get(step, ""),
        typed=request.form.get("request", ""),
    )


@room.page("/worklist/team", right=Right.TRIAGE)
def team() -> Any:
    """Who has how many cases, how old the oldest is, and who is away."""
    return _team()


def _team(problem: str = "") -> str:
    loads = queries.team(web.viewer())
    people = [(str(one.person_id), one.name) for one in loads if one.person_id]
    takers = [(str(one.person_id), one.name) for one in loads if one.person_id and not one.gone]
    return render_template(
        "referrals/team.html",
        loads=loads,
        people=people,
        takers=takers,
        problem=problem,
        giver=request.form.get("giver", request.args.get("giver", "")),
        taker=request.form.get("taker", ""),
        upto=upto,
        day=day,
        waited=queries.waited,
        most=known.MOST_AT_ONCE,
    )


@room.page("/worklist/team/hand-over", right=Right.TRIAGE, methods=("POST",))
def hand_over_cases() -> Any:
    """Give the open cases of one colleague to another."""
    giver, taker = (web.as_id(request.form.get(name)) for name in ("giver", "taker"))
    try:
        results = actions.hand_over(giver, taker, by=web.viewer())
    except Invalid as refused:
        return _team(refused.message or _("Choose two different people.")), 422
    return _outcome(results, "assign")
