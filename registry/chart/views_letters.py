"""Summary letters: seen before they are kept, as a page and as a PDF."""

from __future__ import annotations

from registry import web

room = web.Room("letters", __name__)
