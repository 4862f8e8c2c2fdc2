"""The room, and how large files come in: sealed as they are received, never whole in memory."""

from __future__ import annotations

from typing import Any

from flask import request, session

from registry import web
from registry.db import new_id
from registry.interop import rules
from registry.interop.sealed import Incoming
from registry.language import gettext as _

room = web.Room("interop", __name__)

_TAKE_FILES = {"interop.new", "interop.add_file", "interop.toml_in"}
#: What a form has beside its file.
_BESIDE = 1024 * 1024


@room.url_value_preprocessor
def allow_large_files(_endpoint: str | None, _values: Any) -> None:
    """A page that takes files takes large ones from somebody who is signed in, and seals them
    while they come in. This runs before the guard reads the form."""
    if request.method != "POST" or request.endpoint not in _TAKE_FILES:
        return
    if not session.get("_user_id"):
        return
    request.max_content_length = rules.LARGEST + _BESIDE
    request._get_file_stream = _incoming  # type: ignore[method-assign]


def _incoming(*_arguments: Any, **_named: Any) -> Any:
    coming = Incoming(new_id())
    request.environ.setdefault("netreg.incoming", []).append(coming)
    return coming


@room.teardown_request
def forget_files(_error: BaseException | None) -> None:
    """What came in and was not kept is gone with the request."""
    for coming in request.environ.pop("netreg.incoming", []):
        coming.close()


def file_sent(name: str = "file") -> tuple[Incoming | None, str]:
    """The file of a form, and what it is called; None where none was sent."""
    sent = request.files.get(name)
    if sent is None or not sent.filename:
        return None, ""
    stream: Any = sent.stream
    return stream, sent.filename.replace("\\", "/").rsplit("/", 1)[-1][:200]


def too_large(coming: Incoming) -> str:
    """The message for a file that is too large; empty for one that is not."""
    if coming.size <= rules.LARGEST:
        return ""
    return str(_("The file is larger than %(n)s MB.", n=rules.LARGEST // 1024 // 1024))
