"""The guard of every view, the one commit, the error pages, and what every page shows.

A room's blueprint is a `Room`: its `page()` states the right a view needs. A view without one is
refused at start. After a good answer to a writing request the session is committed, here and
nowhere else; an answer of 400 and above rolls back.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from flask import (
    Blueprint,
    Flask,
    Request,
    Response,
    abort,
    current_app,
    flash,
    g,
    has_request_context,
    jsonify,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.sessions import SecureCookieSessionInterface
from flask_babel import get_locale
from flask_wtf.csrf import CSRFError, CSRFProtect, generate_csrf
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException

from registry import audit, away, codes, jobs
from registry.access import Right, Viewer
from registry.db import READING, begin_writing, db, own_transaction
from registry.errors import Conflict, Refusal
from registry.language import gettext as _

csrf = CSRFProtect()

_RIGHTS: dict[str, Right] = {}
#: Views that take more than MAX_CONTENT_LENGTH, and how many bytes.
_LARGEST: dict[str, int] = {}
_READ_FIRST: set[str] = set()
_BEFORE_NEW_PASSWORD = {"people.account", "people.change_password", "people.sign_out"}
#: Asked by a page by itself: nobody is at work because of it, and the session grows old.
UNATTENDED = {"boards.live", "referrals.changes"}
#: Answered without asking the database who is there.
WITHOUT_VIEWER = {"static", "healthz", "metrics", "readyz"}
NOBODY = Viewer(person_id=None, name="")

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; "
        "base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_NOT_KEPT = _HEADERS | {"Cache-Control": "no-store"}


class HouseRequest(Request):
    """A request whose files stay in memory: what a file says of a patient is never written to a
    disk before it is encrypted. How much may be sent is bounded by the view."""

    def _get_file_stream(self, *about: Any, **more: Any) -> io.BytesIO:
        return io.BytesIO()


class Room(Blueprint):
    """A blueprint whose every page states its right."""

    def page(
        self,
        rule: str,
        *,
        right: Right,
        methods: Sequence[str] = ("GET",),
        largest: int = 0,
        reads_first: bool = False,
        **options: Any,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register a view under a rule, for those with the right. `largest`: how many bytes it
        takes, where that is more than other views do. `reads_first`: it reads and checks before
        its action says that it writes (`db.begin_writing`), and holds up nobody until then."""

        def keep(view: Callable[..., Any]) -> Callable[..., Any]:
            endpoint = options.pop("endpoint", None) or view.__name__
            _RIGHTS[f"{self.name}.{endpoint}"] = right
            if largest:
                _LARGEST[f"{self.name}.{endpoint}"] = largest
            if reads_first:
                _READ_FIRST.add(f"{self.name}.{endpoint}")
            self.add_url_rule(rule, endpoint, view, methods=list(methods), **options)
            return view

        return keep


def state_right(endpoint: str, right: Right) -> None:
    """State the right of a view that belongs to no room."""
    _RIGHTS[endpoint] = right


def right_of(endpoint: str) -> Right | None:
    """The right a view states; None for a view that states none (and is refused)."""
    return Right.ANYONE if endpoint == "static" else _RIGHTS.get(endpoint)


def viewer() -> Viewer:
    """Who is asking. NOBODY before sign-in."""
    found: Viewer = g.get("viewer", NOBODY)
    return found


def wants_json() -> bool:
    """Is this a call of our own script rather than a page?"""
    return request.headers.get("X-Requested-With") == "fetch"


def address(endpoint: str, **values: Any) -> str:
    """What `url_for` says. Where a page stands whose address has no parts of its own is looked up:
    the same for everybody, and a page leads to forty of them."""
    known: dict[str, str | None] | None = g.get("addresses")
    if known is None:
        return url_for(endpoint, **values)
    if endpoint not in known:
        rules = list(current_app.url_map.iter_rules(endpoint))
        known[endpoint] = url_for(endpoint) if [one.arguments for one in rules] == [set()] else None
    found = known[endpoint]
    if not values and found is not None:
        return found
    if found is None or not all(_stands_behind(*one) for one in values.items()):
        return url_for(endpoint, **values)
    asked = {name: value for name, value in values.items() if value is not None}
    return f"{found}?{urlencode(asked, safe=_AS_THEY_ARE)}" if asked else found


#: What stands in a query as it is, for werkzeug.
_AS_THEY_ARE = "!$'()*,/:;?@"


def _stands_behind(name: str, value: Any) -> bool:
    return name[0] != "_" and (value is None or isinstance(value, str | int | UUID))


def token() -> str:
    """The token of this request's forms. A page has six of them; the library keeps it in `g`."""
    made: str | None = g.get("csrf_token")
    return made or generate_csrf()


class Sessions(SecureCookieSessionInterface):
    """The session in its signed cookie, as Flask keeps it; what signs it is made once."""

    _signs: tuple[Any, Any] = (None, None)

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """What signs with the application's keys."""
        keys = app.secret_key, app.config["SECRET_KEY_FALLBACKS"]
        if self._signs[0] != keys:
            self._signs = keys, super().get_signing_serializer(app)
        found: URLSafeTimedSerializer | None = self._signs[1]
        return found


@dataclass(frozen=True)
class Place:
    """One entry of the main navigation."""

    label: Any
    endpoint: str
    right: Right
    kind: str = ""  # of organisation: there is something to see only at one of these

    def open_to(self, who: Viewer) -> bool:
        """Does it lead this person anywhere?"""
        here = who.seat.organisation_kind if who.seat else ""
        return who.person_id is not None and who.may(self.right) and self.kind in ("", here)

    @property
    def url(self) -> str:
        """Where it leads."""
        return address(self.endpoint)


@dataclass(frozen=True)
class Shown:
    """A place as a page's navigation has it."""

    label: Any
    url: str
    current: bool  # is the reader there now?


# -- the guard ---------------------------------------------------------------------------------


def know_addresses() -> None:
    """Have the addresses at hand that are known under the root a request is asked under."""
    known: dict[str, dict[str, str | None]] = current_app.extensions["netreg_addresses"]
    g.addresses = known.setdefault(request.root_path, {})


def _guard() -> Any:
    """Find the viewer, then the right of the view; refuse what states none."""
    if request.method == "HEAD":
        request.method = "GET"  # the same answer without its body; no view takes it for a POST
    if request.endpoint is None:
        return None  # an unknown address: 404 for everybody
    right = right_of(request.endpoint)
    if right is None:
        abort(403)
    if request.endpoint in WITHOUT_VIEWER:
        return None
    g.reads_first = request.endpoint in _READ_FIRST and request.method not in READING
    g.viewer = current_app.extensions["netreg_find_viewer"]() or NOBODY
    if right is not Right.ANYONE and g.viewer.person_id is None:
        return _ask_to_sign_in()
    if request.endpoint in _LARGEST and g.viewer.may(right):
        request.max_content_length = _LARGEST[request.endpoint]
    if request.method not in READING:
        csrf.protect()
    if _must_change_password_first(right):
        return redirect(url_for("people.account"), 303)
    if not g.viewer.may(right):
        abort(403)
    return None


def _must_change_password_first(right: Right) -> bool:
    return (
        bool(g.viewer.must_change_password)
        and right is not Right.ANYONE
        and request.endpoint not in _BEFORE_NEW_PASSWORD
    )


def from_our_page() -> bool:
    """Was the form sent from a page of ours? Every browser says where a form comes from."""
    said = request.headers.get("Sec-Fetch-Site")
    if said is not None:
        return said == "same-origin"
    origin = request.headers.get("Origin")
    return origin is None or origin.partition("://")[2] == request.host


def _ask_to_sign_in() -> Any:
    """Sign in in place: a script is told so, a page that was read is returned to, and a form that
    was sent comes back with everything that was typed."""
    if wants_json():
        return jsonify(sign_in=url_for("people.sign_in_again")), 401
    if request.method in READING:
        return redirect(url_for("people.sign_in", next=request.full_path.rstrip("?")), 303)
    if not from_our_page():  # else a stranger's page could have its own words sent in our name
        return answer_refusal(400)
    typed = [(n, v) for n, v in request.form.items(multi=True) if n != "csrf_token"]
    form = current_app.extensions["netreg_sign_in_form"]()
    page = render_template(
        "people/resume.html", typed=typed, target=request.path, sign_in_form=form
    )
    return page, 401


# -- the one commit ----------------------------------------------------------------------------


def _finish(response: Response) -> Response:
    """Commit a good writing answer; end a reading one and keep its audit; else roll back."""
    if request.endpoint == "static":
        return response
    if request.method not in READING and response.status_code < 400:
        if audit.has_reads():
            begin_writing()
            audit.write_reads(db.session.connection())
        db.session.commit()
        jobs.tell_worker()
    else:
        db.session.rollback()
        jobs.forget()
        if audit.has_reads():  # a refused form shows the record again, too
            with own_transaction() as connection:
                audit.write_reads(connection)
    return response


def _protect(response: Response) -> Response:
    said = {name.lower() for name, _value in response.headers}
    wanted = _HEADERS if request.endpoint == "static" else _NOT_KEPT
    response.headers.extend({n: value for n, value in wanted.items() if n.lower() not in said})
    return response


# -- refusals ----------------------------------------------------------------------------------


def _titles() -> dict[int, tuple[str, str]]:
    return {
        400: (_("This could not be read"), _("Go back and try again.")),
        403: (
            _("You may not do this"),
            _("Your role at this organisation does not allow it. Ask your administrator."),
        ),
        404: (
            _("Nothing here for you"),
            _("There is no such page, or it belongs to a place you do not work with."),
        ),
        405: (_("This cannot be done here"), _("Go back and try again.")),
        409: (
            _("Somebody else was first"),
            _("The record changed while you were working on it. Open it again to see how."),
        ),
        413: (_("That is too large"), _("Send a smaller file.")),
        422: (_("This cannot be done"), _("Go back and correct it.")),
        500: (
            _("Something went wrong on our side"),
            _("Nothing was changed. Try again; if it happens again, tell your administrator."),
        ),
    }


def answer_refusal(status: int, message: str = "") -> tuple[Any, int]:
    """One error page for all refusals; it never repeats what was asked for."""
    audit.forget_reads()  # nothing of a record stands on it
    title, text = _titles().get(status, _titles()[500])
    if wants_json():
        return jsonify(error=message or title), status
    return render_template("error.html", title=title, text=message or text, status=status), status


def _on_refusal(error: Refusal) -> Any:
    db.session.rollback()
    return answer_refusal(error.status, error.message if error.status in {409, 422} else "")


def _on_database(error: DBAPIError | PoolTimeout) -> Any:
    if not away.is_away(error):
        return _on_any(error)
    away.give_up_connection()
    away.log_away(error)
    return away.answer()


def _on_http(error: HTTPException) -> Any:
    cause = getattr(error, "original_exception", None)
    # It rose after the view: on the commit.
    if isinstance(cause, DBAPIError | PoolTimeout) and away.is_away(cause):
        return _on_database(cause)
    if error.response is not None:
        return error.response
    return answer_refusal(error.code or 500)


def _on_csrf(error: CSRFError) -> Any:
    """The form is too old to trust; what was typed comes back to be sent again."""
    if wants_json():
        return jsonify(sign_in=url_for("people.sign_in_again")), 401
    typed = [(n, v) for n, v in request.form.items(multi=True) if n != "csrf_token"]
    if not typed or viewer().person_id is None or not from_our_page():
        return answer_refusal(400)
    page = render_template("people/send_again.html", typed=typed, target=request.path)
    return page, 400


def _on_stale(error: StaleDataError) -> Any:
    db.session.rollback()
    return answer_refusal(409)


def _on_integrity(error: IntegrityError) -> Any:
    db.session.rollback()
    current_app.logger.warning("refused by the database: %s", type(error.orig).__name__)
    return answer_refusal(409)


def _on_any(error: Exception) -> Any:
    # Only the kind of error is logged: its text may hold what a doctor typed.
    db.session.rollback()
    if current_app.testing or current_app.debug:
        raise error
    _log_kind((type(error), error, error.__traceback__))
    return answer_refusal(500)


def _log_kind(exc_info: Any) -> None:
    """Log the kind and place of an error; also of one that rose after the view, on commit."""
    kind, _error, frame = exc_info
    while frame and frame.tb_next:
        frame = frame.tb_next
    where = f"{frame.tb_frame.f_code.co_qualname}:{frame.tb_lineno}" if frame else "?"
    current_app.logger.error("%s at %s while answering %s", kind.__name__, where, request.endpoint)


# -- what every page shows ---------------------------------------------------------------------


_PATTERNS = {"day": "d MMM y", "minute": "d MMM y HH:mm", "second": "d MMM y HH:mm:ss"}


def local_time(moment: datetime | None, to_the: str = "minute") -> str:
    """A moment in the viewer's centre's zone, in the reader's language, to the day or finer."""
    if moment is None:
        return ""
    seat = viewer().seat
    there = moment.astimezone(ZoneInfo(seat.time_zone) if seat else UTC)
    return format_datetime(there, _PATTERNS[to_the], locale=get_locale() or "en")


def _navigation(who: Viewer) -> Iterator[Shown]:
    places: Sequence[Place] = current_app.extensions["netreg_navigation"]
    there = f"{request.script_root}{request.path}/" if has_request_context() else ""
    for place in places:
        if place.open_to(who):
            url = place.url
            yield Shown(place.label, url, there.startswith(f"{url.rstrip('/')}/"))


def _context() -> dict[str, Any]:
    who = viewer()
    return {
        "viewer": who if who.person_id else None,
        "navigation": list(_navigation(who)),
        "demo": current_app.extensions["netreg_settings"].demo,
        "unread": current_app.extensions["netreg_unread"](who) if who.person_id else 0,
        "product_version": current_app.extensions["netreg_version"],
        "csrf_token": token,
        "Right": Right,
        "may": lambda name: who.may(Right(name)),
    }


def done(message: str) -> None:
    """Tell the person what was done, on the next page."""
    flash(message, "success")


def warn(message: str) -> None:
    """Tell the person something to look at, on the next page."""
    flash(message, "warning")


def go(endpoint: str, **values: Any) -> Any:
    """Answer a write: see other."""
    return redirect(url_for(endpoint, **values), 303)


def check_version(expected: str | None, actual: int) -> None:
    """Refuse an edit made on an old copy. Views that can show both versions catch Conflict."""
    if expected is None or str(expected) != str(actual):
        raise Conflict(_("This was changed by somebody else while you were working on it."))


def as_number(text: str | None, *, digits: int = 9) -> int | None:
    """A whole number from a form or address, or None; of few enough digits for its column."""
    text = text or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= digits else None


def as_id(text: str | None) -> UUID | None:
    """A UUID from a form or address, or None."""
    try:
        return UUID(str(text))
    except ValueError:
        return None


def stay_signed_in(settings: Any) -> bool:
    """Has the session been used recently enough? Refreshes its mark at most once a minute."""
    if time.time() - session.get("seen", 0) > settings.idle_minutes * 60:
        return False
    if request.endpoint not in UNATTENDED:
        attended()
    return True


def attended() -> None:
    """Somebody is at work; noted at most once a minute."""
    if time.time() - session.get("seen", 0) > 60:
        mark_seen()


def mark_seen() -> None:
    """The session was just used."""
    session["seen"] = int(time.time())


def install(app: Flask) -> None:
    """Hang the guard, the commit and the error pages on the application."""
    app.request_class = HouseRequest
    app.config["WTF_CSRF_TIME_LIMIT"] = None
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False  # the guard asks, after it knows who is there
    app.session_interface = Sessions()
    csrf.init_app(app)
    app.extensions["netreg_addresses"] = {}
    app.jinja_env.globals.update(csrf_token=token, url_for=address)
    app.before_request(know_addresses)
    app.before_request(_guard)
    # Answer functions run last-registered first: the commit must come after nothing else.
    app.after_request(_protect)
    app.after_request(_finish)
    app.context_processor(_context)
    app.jinja_env.filters["local_time"] = local_time
    app.jinja_env.globals["code_label"] = codes.label
    app.jinja_env.globals["audit_word"] = audit.word
    app.register_error_handler(Refusal, _on_refusal)
    app.register_error_handler(CSRFError, _on_csrf)
    app.register_error_handler(StaleDataError, _on_stale)
    app.register_error_handler(IntegrityError, _on_integrity)
    app.register_error_handler(DBAPIError, _on_database)
    app.register_error_handler(PoolTimeout, _on_database)
    app.register_error_handler(HTTPException, _on_http)
    app.register_error_handler(Exception, _on_any)
    app.log_exception = _log_kind  # type: ignore[method-assign]


def refuse_open_views(app: Flask) -> None:
    """Stop the start when a view states no right."""
    without = [r.endpoint for r in app.url_map.iter_rules() if right_of(r.endpoint) is None]
    if without:
        raise RuntimeError(f"views without a right: {', '.join(sorted(without))}")
