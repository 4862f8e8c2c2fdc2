"""What the programs write: lines without anything of a patient.

An error is written as its kind and its place, never as its text, which may hold what somebody
typed; an address as the endpoint, never as it was asked for. Each request has an id that also
stands on the error page and in the answer's header, so that both are found again.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import sys
import time
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from flask import Flask, Response, current_app, g, has_request_context, request

HEADER = "X-Request-ID"
_GIVEN = re.compile(r"[A-Za-z0-9_-]{8,64}")
_QUERY = re.compile(r"\?\S*")
#: What a line may carry besides its message.
_MORE = ("method", "endpoint", "status", "ms", "problem", "where")
#: Asked for every few seconds by machines.
UNWRITTEN = frozenset({"static", "healthz", "readyz", "metrics"})
_ANYWHERE = 12  # frames of an error's way that are written

log = logging.getLogger("netreg.web")


def place_of(trace: TracebackType | None) -> list[str]:
    """Where an error rose: function and line, outermost first, without any value."""
    found = []
    while trace is not None:
        code = trace.tb_frame.f_code
        found.append(f"{code.co_qualname}:{trace.tb_lineno}")
        trace = trace.tb_next
    return found[-_ANYWHERE:]


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    """What of a record may be written."""
    message = record.getMessage()
    if record.name.startswith("gunicorn"):
        message = _QUERY.sub("?…", message)  # it repeats addresses, and those hold what was sought
    facts: dict[str, Any] = {
        "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": message,
    }
    if has_request_context() and "request_id" in g:
        facts["request"] = g.request_id
    facts |= {name: getattr(record, name) for name in _MORE if hasattr(record, name)}
    if record.exc_info and record.exc_info[0] is not None:
        facts["problem"] = record.exc_info[0].__name__
        facts["where"] = place_of(record.exc_info[2])
    return facts


class Lines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        return json.dumps(_facts(record), ensure_ascii=False, default=str)


class Plain(logging.Formatter):
    """A line to be read by people."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        facts = _facts(record)
        head = [facts.pop("at"), facts.pop("level").upper(), facts.pop("logger")]
        message = facts.pop("message")
        rest = " ".join(
            f"{name}={' > '.join(value) if isinstance(value, list) else value}"
            for name, value in facts.items()
        )
        return " ".join([*head, message, rest]).rstrip()


def formatter(kind: str) -> logging.Formatter:
    """The formatter for NETREG_LOG: plain or json."""
    return Lines() if kind == "json" else Plain()


def set_up(kind: str) -> None:
    """Have everything this program writes go to the standard error, in one way."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(kind))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("netreg").setLevel(logging.INFO)
    for name in ("gunicorn.error", "huey", "huey.consumer"):
        other = logging.getLogger(name)
        other.handlers.clear()
        other.propagate = True
    logging.getLogger("huey").setLevel(logging.WARNING)
    logging.captureWarnings(True)


# -- each request ------------------------------------------------------------------------------


def request_id() -> str:
    """The id of the request being answered; empty outside of one."""
    found: str = g.get("request_id", "") if has_request_context() else ""
    return found


def _begin() -> None:
    g.begun = time.perf_counter()
    given = request.headers.get(HEADER, "")
    behind_proxy = current_app.extensions["netreg_settings"].proxies
    # A proxy of ours may have named the request; nobody else chooses what stands in our lines.
    g.request_id = given if behind_proxy and _GIVEN.fullmatch(given) else secrets.token_hex(8)


def _end(response: Response) -> Response:
    if "request_id" in g:
        response.headers[HEADER] = g.request_id
        if request.endpoint not in UNWRITTEN:
            _write(response, time.perf_counter() - g.begun)
    return response


def _write(response: Response, seconds: float) -> None:
    settings = current_app.extensions["netreg_settings"]
    slow = seconds >= settings.slow_seconds
    if not slow and settings.log != "json":
        return
    about = {
        "method": request.method,
        "endpoint": request.endpoint or "(none)",
        "status": response.status_code,
        "ms": round(seconds * 1000),
    }
    log.log(logging.WARNING if slow else logging.INFO, "slow" if slow else "answered", extra=about)


def install(app: Flask) -> None:
    """Give each request its id and its line. Before anything else is hung on the application."""
    app.before_request(_begin)
    app.after_request(_end)
    app.jinja_env.globals["request_id"] = request_id
