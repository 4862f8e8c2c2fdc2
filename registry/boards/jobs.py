"""Background work of the boards: dates ahead, and reminders of what nobody has answered."""

from __future__ import annotations

import sqlalchemy as sa

from registry.access import the_house
from registry.boards.actions import delivery as actions
from registry.boards.actions import meetings
from registry.boards.models import Board
from registry.boards.queries import delivery as queries
from registry.boards.queries import meetings as meeting_queries
from registry.db import db, now
from registry.jobs import job

HOUSE = the_house("boards")


@job("boards.remind", sweep=True)
def remind() -> None:
    """Remind referring doctors whose acknowledgement is overdue, once a week; and who has not
    answered a written consultation, once before its end."""
    db.session.rollback()
    for consultation in meeting_queries.to_remind(now()):
        meetings.remind(consultation, by=HOUSE)
    for one in queries.to_remind(now()):
        actions.remind(one, by=HOUSE)
    db.session.commit()


@job("boards.plan", sweep=True)
def plan() -> None:
    """Put the next dates of every series into the calendar."""
    db.session.rollback()
    for board in db.session.scalars(sa.select(Board).where(Board.active)):
        meetings.plan_ahead(board, by=HOUSE)
    db.session.commit()
