"""When the database is away: which errors say so, and the page that does.

What was typed is in the page that answers, to be sent again with one button: nothing of it is kept
here. The next request after the database's return is answered; nothing has to be started again.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask, current_app, g, jsonify, make_response, render_template, request
from sqlalchemy.exc import DBAPIError

from registry import audit
from registry.db import READING, db
from registry.language import gettext as _

RETRY_SECONDS = 20
#: Of PostgreSQL: connection lost or refused, too many, shutting down, starting, out of space.
_STATES = ("08", "57P0", "53")
#: Of SQLite: busy, locked, I/O error, full, cannot be opened, not a database.
_CODES = {5, 6, 10, 13, 14, 26}
#: A form with one of these is not shown again: it goes back to its page instead.
_SECRET = ("password", "current", "again", "code", "link")


def is_away(error: BaseException | None) -> bool:
    """Does this error say that the database cannot be used just now?"""
    if isinstance(error, sa.exc.TimeoutError):  # every connection of the pool is waited for
        return True
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    origin = error.orig
    if isinstance(origin, sqlite3.Error):
        return getattr(origin, "sqlite_errorcode", 0) & 0xFF in _CODES
    if not isinstance(error, sa.exc.OperationalError):
        return False
    state = getattr(origin, "sqlstate", None)
    return state is None or str(state).startswith(_STATES)


def answer() -> Any:
    """Say that the database is away: 503, when to come again, and what was typed."""
    from registry import web  # here: web itself answers with this page

    audit.forget_reads()
    g.viewer = web.NOBODY  # who is asking stands in the database
    g._login_user = current_app.extensions["netreg_nobody"]()  # and nobody looks there for it
    if web.wants_json():
        response = jsonify(error=_("The registry cannot reach its data. Nothing was saved."))
        response.status_code = 503
    else:
        reading = request.method in READING
        page = render_template(
            "away.html",
            reading=reading,
            typed=[] if reading else _typed(),
            files=bool(request.files) if not reading else False,
            target=request.path,
            seconds=RETRY_SECONDS,
        )
        response = make_response(page, 503)
    response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def _typed() -> list[tuple[str, str]]:
    """What was sent, to be shown again; nothing of a stranger's form or of one with a secret."""
    from registry import web

    fields = [(name, text) for name, text in request.form.items(multi=True) if name != "csrf_token"]
    secret = any(word in name for name, _text in fields for word in _SECRET)
    return [] if secret or not web.from_our_page() else fields


def give_up_connection() -> None:
    """Let go of whatever the session holds, whether or not the database hears it."""
    try:
        db.session.rollback()
    except Exception:
        db.session().invalidate()


def keep_missing_file_missing(app: Flask) -> None:
    """A SQLite file that is away is not made anew, empty, by who looks for it."""
    with app.app_context():
        engine = db.engine
    path = engine.url.database
    if engine.dialect.name != "sqlite" or not path or path == ":memory:":
        return

    @sa.event.listens_for(engine, "do_connect")
    def open_existing(dialect: Any, record: Any, arguments: Any, options: Any) -> None:
        if not Path(path).is_file():
            error = sqlite3.OperationalError("unable to open database file")
            error.sqlite_errorcode = 14
            raise error


def log_away(error: BaseException) -> None:
    """Write that the database is away, once a request, by the kind of error."""
    current_app.logger.error(
        "the database is away: %s while answering %s", type(error).__name__, request.endpoint
    )
