"""The room that all pages of people and administration belong to, and what they share."""

from __future__ import annotations

from typing import Any

from flask import current_app, request

from registry import web

room = web.Room("people", __name__)


def refused_passwords() -> frozenset[str]:
    """Passwords that are known to everybody and open no account."""
    found: frozenset[str] = current_app.extensions["netreg_refused_passwords"]
    return found


def sent() -> Any:
    """The form that was sent; None where a page is read."""
    return request.form if request.method == "POST" else None


def page_number() -> int:
    """The page of a list that the address asks for."""
    return max(1, web.as_number(request.args.get("page"), digits=5) or 1)


def put(form: Any, refused: Any) -> None:
    """Show a refusal at its field; at the last one where it names none."""
    name = refused.field if refused.field in form else list(form._fields)[-1]
    form[name].errors.append(refused.message)
