"""What goes straight through the driver is what SQLAlchemy would have written and read."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from registry.access import Viewer
from registry.audit import AuditEntry
from registry.db import db, new_id, now, table_of
from registry.driver import add_rows, add_whole_rows, answer
from registry.people.models import Notice
from registry.people.queries import seats
from registry.referrals.queries import Filters, centre_counts, centre_list
from tests import make_referrals

AT = datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)


def _row(**other: Any) -> dict[str, Any]:
    return {
        "at": AT, "person_id": None, "person_name": "Zoë \"%s\" O'Neill",
        "organisation_id": new_id(), "action": "opened chart", "subject_kind": "patient",
        "subject_id": "1", "patient_id": None, "changes": {"a": [None, {"b": "%(c)s"}]},
        "for_id": None, "for_name": "", **other,
    }  # fmt: skip


@pytest.mark.parametrize("number", [1, 3])
def test_rows_are_written_in_their_order_and_as_given(app, number):
    rows = [
        _row(subject_id=str(one), patient_id=new_id() if one else None) for one in range(number)
    ]
    add_whole_rows(db.session.connection(), table_of(AuditEntry), rows)

    found = db.session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [{name: getattr(one, name) for name in rows[0]} for one in found] == rows


def test_what_is_not_given_has_its_default(app):
    net = make_referrals.network()
    people = [net.viewer(name).person_id for name in ("alice", "carla")]
    given = {"at": AT, "why": "sent", "subject_kind": "referral", "subject_id": new_id()}
    add_rows(Notice, [{**given, "person_id": one} for one in people])

    found = db.session.scalars(sa.select(Notice).where(Notice.at == AT)).all()
    assert {one.person_id for one in found} == set(people)
    assert len({one.id for one in found}) == 2
    assert {one.mail for one in found} == {""}


def test_a_text_that_is_too_long_is_refused_where_lengths_count(app):
    sqlite = db.engine.dialect.name == "sqlite"
    with contextlib.nullcontext() if sqlite else pytest.raises(DBAPIError):
        add_whole_rows(
            db.session.connection(), table_of(AuditEntry), [_row(action="x" * 61), _row()]
        )


def _questions(net: Any, who: Viewer) -> list[tuple[Any, dict[str, Any]]]:
    shape = centre_list.Shape.of(Filters(), None, None, searched=False)
    listed = {**centre_list.given(who, Filters()), "moment": now(), "rows": 26}
    return [
        (centre_list._statement(shape), listed),
        (centre_counts._frame_statement(), {"centre": who.organisation_id, "me": who.person_id}),
        (seats._of_sign_in(), {"sign_in_id": new_id(), "day": AT.date(), "now": now()}),
    ]


def test_a_question_is_answered_as_sqlalchemy_does(app):
    net = make_referrals.network()
    make_referrals.referral(net)
    db.session.commit()
    for statement, given in _questions(net, net.viewer("carla")):
        wanted = db.session.connection().execute(statement, given).all()
        assert [tuple(one) for one in answer(statement, given)] == [tuple(one) for one in wanted]
    assert wanted == []
    assert answer(*_questions(net, net.viewer("carla"))[0])[0].version >= 1
